"""Sizes, places and stability of what survives: numbers of Prasanna et al. 2020 beside ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from stages.tickets.report import columns, names
from stages.tickets.report.claim import NO_VERDICT, PRASANNA, Claim
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.shared import Compared, compared
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.words import NONE, count
from stages.tickets.settings import Study

SEEDS = 5
"""Those of the paper."""


@dataclass(frozen=True)
class Quantity:
    """A number of every task, and what the paper says of it."""

    statement: str
    of_task: Callable[[Results, str], float | None]
    """Takes a task; None if nothing was measured on it."""
    stages: tuple[str, ...] = ("search", "survival")
    """Names of the stages that measure it."""
    directed: bool = False
    """Whether the statement has a direction: it says that the number is not 0."""


def _kappa(results: Results, task: str) -> float | None:
    key = ("seeds", "joint", task, "heads", "fleiss_kappa")
    return _mean(
        row.value
        for row in results.structures
        if (row.axis, row.variant, row.task, row.part, row.measure) == key
    )


def _kept(name: str) -> Callable[[Results, str], float | None]:
    def of_task(results: Results, task: str) -> float | None:
        return _mean(
            size.share
            for size in results.sizes
            if (size.kind, size.subnetwork, size.task) == ("structured", name, task)
        )

    return of_task


def _kept_weights(results: Results, task: str) -> float | None:
    return _mean(
        row.kept
        for row in results.searched
        if (row.variant, row.task) == ("magnitude", task) and row.kept is not None
    )


def _middle(results: Results, task: str) -> float | None:
    """Share of seeds that keep an MLP, in the middle (layers 4 to 7 of 12) less elsewhere."""
    survival = {
        place.layer: place.mean
        for place in results.places
        if (place.variant, place.task, place.part) == ("joint", task, "mlps")
    }
    num = len(survival)
    middle = range(num // 3, -(-2 * num // 3))
    return _gap(survival, lambda layer: layer in middle)


def _upper(results: Results, task: str) -> float | None:
    """Share of weights kept in the upper half of the layers, less that in the lower half."""
    by_layer = grouped((row for row in results.weights if row.task == task), lambda row: row.layer)
    shares = {layer: fmean(row.kept / row.size for row in own) for layer, own in by_layer.items()}
    return _gap(shares, lambda layer: layer >= len(shares) / 2)


def _gap(by_layer: Mapping[int, float], belongs: Callable[[int], bool]) -> float | None:
    """Mean over the layers that belong minus the mean over the others."""
    inside = _mean(value for layer, value in by_layer.items() if belongs(layer))
    outside = _mean(value for layer, value in by_layer.items() if not belongs(layer))
    return None if inside is None or outside is None else inside - outside


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


RETRAINED = ("search", "retrain", "retrain-super")
QUANTITIES: Mapping[str, Quantity] = {
    "kappa_of_heads": Quantity("Fleiss κ of surviving heads over seeds", _kappa, directed=True),
    "kept_structured": Quantity(
        "Share of the parameters that good heads and MLPs hold", _kept("good"), RETRAINED
    ),
    "kept_magnitude": Quantity("Share that good weights hold", _kept_weights),
    "kept_super": Quantity("Share that super-survivors hold", _kept("super"), RETRAINED),
    "middle_mlps": Quantity(
        "MLPs in the middle survive most: share of seeds, middle third minus others",
        _middle,
        directed=True,
    ),
    "upper_layers": Quantity(
        "Magnitude pruning takes more from lower layers: share kept, upper half minus lower",
        _upper,
        directed=True,
    ),
}


@dataclass(frozen=True)
class Range:
    """A quantity over the paper's tasks and over ours, and the claim that they are alike."""

    claim: Claim
    published: tuple[float, ...]
    measured: tuple[float, ...]
    """Only tasks that have it."""

    @property
    def mean(self) -> float | None:
        """Ours over tasks."""
        return _mean(self.measured)


def compare(results: Results, study: Study) -> list[Range]:
    """All quantities over the tasks whose means stand beside each other."""
    tasks = tasks_of(results, study)
    rows = []
    for name, quantity in QUANTITIES.items():
        published = tuple(
            row.value
            for row in results.published_structure
            if row.quantity == name and row.task in tasks.published
        )
        by_task = [quantity.of_task(results, task) for task in tasks.ours]
        measured = tuple(value for value in by_task if value is not None)
        rows.append(_range(name, published, measured, study))
    return rows


def tasks_of(results: Results, study: Study) -> Compared:
    """The paper's tasks and ours."""
    return compared([row.task for row in results.published_structure], study.search.tasks)


def _range(
    name: str, published: tuple[float, ...], measured: tuple[float, ...], study: Study
) -> Range:
    quantity, mean, num_seeds = QUANTITIES[name], _mean(measured), len(study.search.seeds)
    if mean is None:
        verdict = names.why_not("search", study)
        if study.search.tasks:
            verdict = "not run: params.yaml asks for nothing that says this"
    else:
        verdict = same_range(published, mean, quantity.directed)
        if name == "kept_super":
            verdict = other_seeds(study) or verdict
    claim = Claim(
        name,
        quantity.statement,
        PRASANNA,
        quantity.stages,
        published=_shown(published),
        here=_shown(measured),
        n=num_seeds if measured else 0,
        verdict=verdict,
        over=count(len(measured), "task"),
        gap=NONE
        if mean is None
        else f"{mean - sum(published) / len(published):+.3f}".replace("-", "−"),
        is_number=True,
    )
    return Range(claim, published, measured)


def same_range(published: Sequence[float], mean: float, directed: bool) -> str:
    """agrees, direction only, or differs.

    agrees: our mean lies between the least and the greatest of the paper's tasks, and if the statement
    has a direction, has the sign of their mean; direction only: else, if it has that sign; differs: else.
    """
    same_sign = mean * sum(published) > 0
    if min(published) <= mean <= max(published) and (same_sign or not directed):
        return "agrees"
    return "direction only" if directed and same_sign else "differs"


def other_seeds(study: Study) -> str:
    """Why super-survivors have no verdict: fewer seeds leave more of them. Empty for five seeds."""
    num_seeds = len(study.search.seeds)
    if num_seeds == SEEDS:
        return ""
    return f"{NO_VERDICT}: kept by all of {num_seeds} seeds, the paper's of {SEEDS}"


def _shown(values: Sequence[float]) -> str:
    """Mean [least, greatest]."""
    if not values:
        return NONE
    mean = f"{fmean(values):.3f}"
    text = mean if len(values) == 1 else f"{mean} [{min(values):.3f}, {max(values):.3f}]"
    return text.replace("-", "−")


def structure_table(rows: Sequence[Range], results: Results, study: Study) -> Table:
    """Sizes, places and stability of what survives: the paper's masks and ours, mean over tasks."""
    published, ours = tasks_of(results, study).words
    caption = (
        "Mean [least, greatest] over tasks, of means over seeds: of the paper computed from its "
        f"published masks, heat maps and sizes, bert-base-uncased, {SEEDS} seeds, {published}; here "
        f"{ours}, {len(study.search.seeds)} seeds. Shares of heads and MLPs are those of the retrained "
        "subnetworks, and thus of their tasks. Verdict: agrees, if our mean is between the paper's least "
        "and greatest, and of its sign if the statement has a direction; direction only, if it has one "
        "and the sign is theirs; else differs."
    )
    num_seeds = len(study.search.seeds)
    shown: Sequence[Column[Range]] = (
        columns.text("quantity", lambda row: row.claim.statement),
        columns.only_csv("quantity", lambda row: row.claim.name),
        Column(
            "paper",
            lambda row: row.claim.published,
            {
                "paper": lambda row: _mean(row.published),
                "paper_low": lambda row: min(row.published),
                "paper_high": lambda row: max(row.published),
            },
        ),
        Column(
            "here",
            lambda row: row.claim.here,
            {
                "here": lambda row: row.mean,
                "here_low": lambda row: min(row.measured, default=None),
                "here_high": lambda row: max(row.measured, default=None),
            },
        ),
        columns.text("here − paper", lambda row: row.claim.difference),
        Column(
            "tasks", lambda row: str(len(row.measured)), {"tasks": lambda row: len(row.measured)}
        ),
        columns.only_csv("seeds", lambda _: num_seeds),
        columns.text("verdict", lambda row: row.claim.verdict, "verdict"),
    )
    return table("structure_claims", caption, rows, shown)
