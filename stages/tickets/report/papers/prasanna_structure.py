"""Sizes, places and stability of what survives: numbers of Prasanna et al. 2020 beside ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TypeVar

from stages.tickets.report import columns, words
from stages.tickets.report.claim import NO_VERDICT
from stages.tickets.report.papers.shared import Compared, compared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.table import Column, Row, Table, table
from stages.tickets.settings import Study

T = TypeVar("T")
SEEDS = 5
"""The paper searched five seeds."""
Measure = Callable[[Results, str], float | None]
"""A number of a task; None if nothing was measured on it."""


def _mean(values: Iterable[float]) -> float | None:
    """Divide the plain sum by the number; the exact sum rounds some published means otherwise."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _where(rows: Iterable[T], **fields: str) -> list[T]:
    """Return the rows whose fields have these values."""
    return [row for row in rows if all(getattr(row, name) == fields[name] for name in fields)]


def _kappa(results: Results, task: str) -> float | None:
    place = {"axis": "seeds", "variant": "joint", "task": task, "part": "heads"}
    rows = _where(results.structures, **place, measure="fleiss_kappa")
    return _mean(row.value for row in rows)


def _kept(subnetwork: str) -> Measure:
    """Measure the share of the parameters that a subnetwork of heads and MLPs holds."""

    def of_task(results: Results, task: str) -> float | None:
        sizes = _where(results.sizes, kind="structured", subnetwork=subnetwork, task=task)
        return _mean(size.share for size in sizes)

    return of_task


def _kept_weights(results: Results, task: str) -> float | None:
    searches = _where(results.searched, variant="magnitude", task=task)
    return _mean(row.kept for row in searches if row.kept is not None)


def _middle(results: Results, task: str) -> float | None:
    """Subtract the share of seeds that keep an MLP elsewhere from that in layers 4 to 7 of 12."""
    places = _where(results.places, variant="joint", task=task, part="mlps")
    num = len(places)
    middle = range(num // 3, -(-2 * num // 3))
    return _gap([(place.mean, place.layer in middle) for place in places])


def _upper(results: Results, task: str) -> float | None:
    """Subtract the share of weights kept in the lower half of the layers from that in the upper."""
    by_layer = grouped(_where(results.weights, task=task), lambda row: row.layer)
    shares = {layer: fmean(row.kept / row.size for row in own) for layer, own in by_layer.items()}
    return _gap([(share, layer >= len(shares) / 2) for layer, share in shares.items()])


def _gap(values: Sequence[tuple[float, bool]]) -> float | None:
    """Subtract the mean of the other values from that of those marked as true."""
    inside, outside = (
        _mean(value for value, is_inside in values if is_inside is side) for side in (True, False)
    )
    return None if inside is None or outside is None else inside - outside


QUANTITIES: Mapping[str, Measure] = {
    "kappa_of_heads": _kappa,
    "kept_structured": _kept("good"),
    "kept_magnitude": _kept_weights,
    "kept_super": _kept("super"),
    "middle_mlps": _middle,
    "upper_layers": _upper,
}
"""By the names of their claims."""


def _tasks(results: Results, study: Study) -> Compared:
    return compared([row.task for row in results.published_structure], study.search.tasks)


def compare(results: Results, study: Study) -> list[Row]:
    """Compute all quantities over the tasks whose means stand beside each other.

    Returns:
        For every quantity the claim that ours is the paper's, the numbers of tasks that have it, of the
        paper and measured here, and the seeds of the study, whether or not they have it.
    """
    tasks, seeds = _tasks(results, study), len(study.search.seeds)
    rows = []
    directed = {row.name for row in results.published_claims if row.expected == "directed"}
    for name, measure in QUANTITIES.items():
        rows_of_paper = _where(results.published_structure, quantity=name)
        published = [row.value for row in rows_of_paper if row.task in tasks.published]
        values = [measure(results, task) for task in tasks.ours]
        measured = [value for value in values if value is not None]
        ours = _mean(measured)
        verdict = results.not_run("search")
        if ours is not None:
            other = other_seeds(study) if name == "kept_super" else ""
            verdict = other or same_range(published, ours, name in directed)
        elif study.search.tasks:
            verdict = "not run: params.yaml asks for nothing that says this"
        claim = replace(
            results.claim(name, words.count(len(measured), "task")),
            published=_shown(published),
            here=_shown(measured),
            n=seeds if measured else 0,
            verdict=verdict,
            gap=words.NONE if ours is None else _number(ours - fmean(published), "+"),
            is_number=True,
        )
        rows.append(Row(claim=claim, published=published, measured=measured, seeds=seeds))
    return rows


def same_range(published: Sequence[float], mean: float, directed: bool) -> str:
    """Return agrees, direction only, or differs.

    agrees: our mean lies between the least and the greatest of the paper's tasks, and if the statement
    has a direction, has the sign of their mean; direction only: else, if it has that sign; differs: else.
    """
    same_sign = mean * sum(published) > 0
    if min(published) <= mean <= max(published) and (same_sign or not directed):
        return "agrees"
    return "direction only" if directed and same_sign else "differs"


def other_seeds(study: Study) -> str:
    """Say why super-survivors have no verdict: fewer seeds leave more of them. Empty for five seeds."""
    seeds = len(study.search.seeds)
    why = f"{NO_VERDICT}: kept by all of {seeds} seeds, the paper's of {SEEDS}"
    return "" if seeds == SEEDS else why


def _number(value: float, sign: str = "") -> str:
    return f"{value:{sign}.3f}".replace("-", "−")


def _shown(values: Sequence[float]) -> str:
    """Word mean [least, greatest]."""
    if not values:
        return words.NONE
    mean, low, high = (_number(of(values)) for of in (fmean, min, max))
    return mean if len(values) == 1 else f"{mean} [{low}, {high}]"


def _span(header: str, of: str, shown: str) -> Column:
    """Show mean, least and greatest value over tasks."""
    values = columns.getter(of)
    csv: Mapping[str, Callable[[Row], float | None]] = {
        header: lambda row: _mean(values(row)),
        f"{header}_low": lambda row: min(values(row), default=None),
        f"{header}_high": lambda row: max(values(row), default=None),
    }
    return Column(header, columns.getter(shown), csv)


COLUMNS = (
    columns.text("quantity", "claim.statement"),
    columns.only_csv("quantity", "claim.name"),
    _span("paper", "published", "claim.published"),
    _span("here", "measured", "claim.here"),
    columns.text("here − paper", "claim.difference"),
    columns.number("tasks", lambda row: len(row.measured), str, "tasks"),
    columns.value("seeds"),
    columns.named("verdict", "claim.verdict"),
)


def structure_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List sizes, places and stability of what survives: the paper's masks and ours."""
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
