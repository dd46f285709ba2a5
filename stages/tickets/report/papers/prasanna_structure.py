"""Sizes, places and stability of what survives: numbers of Prasanna et al. 2020 beside ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TypeVar

from stages.tickets.report import columns
from stages.tickets.report.claim import NO_VERDICT, PRASANNA, Claim
from stages.tickets.report.papers.shared import Compared, compared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.table import Column, Table, Value, table
from stages.tickets.report.words import NONE, count
from stages.tickets.settings import Study

Row = TypeVar("Row")
SEEDS = 5
"""The paper searched five seeds."""


@dataclass(frozen=True)
class Quantity:
    """A number of every task, and what the paper says of it."""

    statement: str
    of_task: Callable[[Results, str], float | None]
    """None if nothing was measured on the task."""
    stages: tuple[str, ...] = ("search", "survival")
    """Names of the stages that measure it."""
    directed: bool = False
    """Whether the statement has a direction: it says that the number is not 0."""


def _mean(values: Iterable[float]) -> float | None:
    """The plain sum by the number of values; the exact sum rounds some published means otherwise."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _where(rows: Iterable[Row], **fields: str) -> list[Row]:
    """The rows whose fields have these values."""
    return [row for row in rows if all(getattr(row, name) == fields[name] for name in fields)]


def _kappa(results: Results, task: str) -> float | None:
    joint = _where(results.structures, axis="seeds", variant="joint", task=task, part="heads")
    return _mean(row.value for row in _where(joint, measure="fleiss_kappa"))


def _kept(subnetwork: str, results: Results, task: str) -> float | None:
    sizes = _where(results.sizes, kind="structured", subnetwork=subnetwork, task=task)
    return _mean(size.share for size in sizes)


def _kept_weights(results: Results, task: str) -> float | None:
    searches = _where(results.searched, variant="magnitude", task=task)
    return _mean(row.kept for row in searches if row.kept is not None)


def _middle(results: Results, task: str) -> float | None:
    """Share of seeds that keep an MLP, in the middle (layers 4 to 7 of 12) less elsewhere."""
    places = _where(results.places, variant="joint", task=task, part="mlps")
    num = len(places)
    middle = range(num // 3, -(-2 * num // 3))
    return _gap([(place.mean, place.layer in middle) for place in places])


def _upper(results: Results, task: str) -> float | None:
    """Share of weights kept in the upper half of the layers, less that in the lower half."""
    by_layer = grouped(_where(results.weights, task=task), lambda row: row.layer)
    shares = {layer: fmean(row.kept / row.size for row in own) for layer, own in by_layer.items()}
    return _gap([(share, layer >= len(shares) / 2) for layer, share in shares.items()])


def _gap(values: Sequence[tuple[float, bool]]) -> float | None:
    """Mean of the values marked as true minus the mean of the others."""
    inside = _mean(value for value, is_inside in values if is_inside)
    outside = _mean(value for value, is_inside in values if not is_inside)
    return None if inside is None or outside is None else inside - outside


RETRAINED = ("search", "retrain", "retrain-super")
QUANTITIES: Mapping[str, Quantity] = {
    "kappa_of_heads": Quantity("Fleiss κ of surviving heads over seeds", _kappa, directed=True),
    "kept_structured": Quantity(
        "Share of the parameters that good heads and MLPs hold", partial(_kept, "good"), RETRAINED
    ),
    "kept_magnitude": Quantity("Share that good weights hold", _kept_weights),
    "kept_super": Quantity("Share that super-survivors hold", partial(_kept, "super"), RETRAINED),
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
    published: Sequence[float]
    measured: Sequence[float]
    """Only tasks that have it."""
    seeds: int
    """Those of the study, whether or not they have it."""


def _tasks(results: Results, study: Study) -> Compared:
    return compared([row.task for row in results.published_structure], study.search.tasks)


def compare(results: Results, study: Study) -> list[Range]:
    """All quantities over the tasks whose means stand beside each other."""
    tasks, seeds = _tasks(results, study), len(study.search.seeds)
    rows = []
    for name, quantity in QUANTITIES.items():
        rows_of_paper = _where(results.published_structure, quantity=name)
        published = [row.value for row in rows_of_paper if row.task in tasks.published]
        values = [quantity.of_task(results, task) for task in tasks.ours]
        measured = [value for value in values if value is not None]
        ours = _mean(measured)
        verdict = results.not_run("search")
        if ours is not None:
            other = other_seeds(study) if name == "kept_super" else ""
            verdict = other or same_range(published, ours, quantity.directed)
        elif study.search.tasks:
            verdict = "not run: params.yaml asks for nothing that says this"
        claim = Claim(
            name,
            quantity.statement,
            PRASANNA,
            quantity.stages,
            published=_shown(published),
            here=_shown(measured),
            n=seeds if measured else 0,
            verdict=verdict,
            over=count(len(measured), "task"),
            gap=NONE if ours is None else f"{ours - fmean(published):+.3f}".replace("-", "−"),
            is_number=True,
        )
        rows.append(Range(claim, published, measured, seeds))
    return rows


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
    seeds = len(study.search.seeds)
    return (
        ""
        if seeds == SEEDS
        else f"{NO_VERDICT}: kept by all of {seeds} seeds, the paper's of {SEEDS}"
    )


def _shown(values: Sequence[float]) -> str:
    """Mean [least, greatest]."""
    if not values:
        return NONE
    mean, low, high = (f"{of(values):.3f}".replace("-", "−") for of in (fmean, min, max))
    return mean if len(values) == 1 else f"{mean} [{low}, {high}]"


def _span(header: str, of: str, shown: str) -> Column[Range]:
    """Mean, least and greatest value over tasks."""
    values: Callable[[Range], Sequence[float]] = columns.getter(of)
    csv: Mapping[str, Callable[[Range], Value]] = {
        header: lambda row: _mean(values(row)),
        f"{header}_low": lambda row: min(values(row), default=None),
        f"{header}_high": lambda row: max(values(row), default=None),
    }
    return Column(header, columns.getter(shown), csv)


COLUMNS: Sequence[Column[Range]] = (
    columns.text("quantity", "claim.statement"),
    columns.only_csv("quantity", "claim.name"),
    _span("paper", "published", "claim.published"),
    _span("here", "measured", "claim.here"),
    columns.text("here − paper", "claim.difference"),
    Column("tasks", lambda row: str(len(row.measured)), {"tasks": lambda row: len(row.measured)}),
    columns.value("seeds"),
    columns.text("verdict", "claim.verdict", "verdict"),
)


def structure_table(rows: Sequence[Range], results: Results, study: Study) -> Table:
    """Sizes, places and stability of what survives: the paper's masks and ours, mean over tasks."""
    published, ours = _tasks(results, study).words
    caption = (
        "Mean [least, greatest] over tasks, of means over seeds: of the paper computed from its "
        f"published masks, heat maps and sizes, bert-base-uncased, {SEEDS} seeds, {published}; here "
        f"{ours}. Shares of heads and MLPs are those of the retrained subnetworks, and thus of their "
        "tasks. Verdict: agrees, if our mean is between the paper's least and greatest, and of its sign "
        "if the statement has a direction; direction only, if it has one and the sign is the paper's; "
        "else differs."
    )
    return table("structure_claims", caption, rows, COLUMNS)
