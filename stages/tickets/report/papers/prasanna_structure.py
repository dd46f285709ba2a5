"""Sizes, places and stability of what survives: numbers of Prasanna et al. 2020 beside ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TypeVar

from stages.tickets.report import columns, words
from stages.tickets.report.claim import NO_VERDICT, agreement, without
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.table import Column, Row, Table, table
from stages.tickets.settings import Study

T = TypeVar("T")
SEEDS = 5
"""The paper searched five seeds."""
Measure = Callable[[Results, str], list[float]]
"""The numbers of a task, of each seed or a single one of all; empty if nothing was measured on it."""


def _mean(values: Iterable[float]) -> float | None:
    """Divide the plain sum by the number; the exact sum rounds some published means otherwise."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _where(rows: Iterable[T], **fields: str) -> list[T]:
    """Return the rows whose fields have these values."""
    return [row for row in rows if all(getattr(row, name) == fields[name] for name in fields)]


def _kappa(results: Results, task: str) -> list[float]:
    place = {"axis": "seeds", "variant": "joint", "task": task, "part": "heads"}
    return [row.value for row in _where(results.structures, **place, measure="fleiss_kappa")]


def _kept(subnetwork: str) -> Measure:
    """Measure the share of the parameters that a subnetwork of heads and MLPs holds."""

    def of_task(results: Results, task: str) -> list[float]:
        sizes = _where(results.sizes, kind="structured", subnetwork=subnetwork, task=task)
        return [size.share for size in sizes]

    return of_task


def _kept_weights(results: Results, task: str) -> list[float]:
    searches = _where(results.searched, variant="magnitude", task=task)
    return [row.kept for row in searches if row.kept is not None]


def _middle(results: Results, task: str) -> list[float]:
    """Subtract the share of seeds that keep an MLP elsewhere from that in layers 4 to 7 of 12."""
    places = _where(results.places, variant="joint", task=task, part="mlps")
    num = len(places)
    middle = range(num // 3, -(-2 * num // 3))
    return _gap([(place.mean, place.layer in middle) for place in places])


def _upper(results: Results, task: str) -> list[float]:
    """Subtract by seed the share of weights kept in the lower half of the layers from the upper."""
    gaps = []
    for rows in grouped(_where(results.weights, task=task), lambda row: row.seed).values():
        half = len({row.layer for row in rows}) / 2
        gaps += _gap([(row.kept / row.size, row.layer >= half) for row in rows])
    return gaps


def _gap(values: Sequence[tuple[float, bool]]) -> list[float]:
    """Subtract the mean of the other values from that of those marked as true."""
    inside, outside = (
        _mean(value for value, is_inside in values if is_inside is side) for side in (True, False)
    )
    return [] if inside is None or outside is None else [inside - outside]


QUANTITIES: Mapping[str, Measure] = {
    "kappa_of_heads": _kappa,
    "kept_structured": _kept("good"),
    "kept_magnitude": _kept_weights,
    "kept_super": _kept("super"),
    "middle_mlps": _middle,
    "upper_layers": _upper,
}
"""By the names of their claims."""


def compare(results: Results, study: Study) -> list[Row]:
    """Put all quantities of the paper, by task, beside ours.

    Returns:
        For every quantity the claim that ours is the paper's, the numbers of tasks that have it, of the
        paper and measured here, and the seeds of the study, whether or not they have it.
    """
    seeds, rows = len(study.search.seeds), []
    asked = results.usable(study.search.tasks)
    for name, measure in QUANTITIES.items():
        own = _where(results.published_structure, quantity=name)
        paper = {row.task: row.value for row in own if row.task in shared.usable([row.task])}
        by_task = {task: values for task in asked if (values := measure(results, task))}
        measured = [fmean(values) for values in by_task.values()]
        claim = replace(
            results.claim(name, words.count(len(measured), "task")),
            published=_shown(list(paper.values())),
            is_number=True,
        )
        if measured:
            same = same_quantity(by_task, paper, results)
            if name == "kept_super" and not same.startswith(NO_VERDICT):
                same = other_seeds(study) or same
            claim = replace(
                claim, here=_shown(measured), n=seeds, same=same, word=same.partition(":")[0]
            )
        else:
            why = "not run: params.yaml asks for nothing that says this"
            why = shared.nothing(study.search.tasks, results, why)
            claim = without(claim, why if study.search.tasks else results.not_run("search"))
        rows.append(Row(claim=claim, published=[*paper.values()], measured=measured, seeds=seeds))
    return rows


def same_quantity(
    by_task: Mapping[str, Sequence[float]], paper: Mapping[str, float], results: Results
) -> str:
    """Tell whether a quantity is the paper's on the tasks that both have.

    Its interval is over the seeds of every task, or else, of one number for all seeds, over the
    differences of tasks; of a single number on a single task there is none.
    """
    common = [task for task in by_task if task in paper]
    if why := shared.why_no_verdict(common, results):
        return why
    margin = results.study.verdict.margins.share
    if all(len(by_task[task]) == 1 for task in common):
        return agreement(
            [(results.over([by_task[to][0] - paper[to] for to in common]), 0.0, margin)]
        )
    return agreement((results.over(by_task[task]), paper[task], margin) for task in common)


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
    columns.number("tasks", lambda row: len(row.measured), str, "tasks"),
    columns.value("seeds"),
    columns.text("verdict", lambda row: row.claim.why or row.claim.same, "verdict"),
)


def structure_table(rows: Sequence[Row], study: Study) -> Table:
    """List sizes, places and stability of what survives: the paper's masks and ours."""
    caption = (
        "Mean [least, greatest] over tasks, of means over seeds: of the paper computed from its "
        f"published masks, heat maps and sizes, bert-base-uncased, {SEEDS} seeds, 8 tasks without WNLI; "
        "here this study's tasks. Shares of heads and MLPs are those of the retrained subnetworks, and "
        "thus of their tasks. Verdict, for the same encoder on shared tasks alone: agrees, if every "
        "interval of ours minus the paper's is within "
        f"{words.points(study.verdict.margins.share)} points; differs, if one is outside; else undecided."
    )
    return table("structure_claims", caption, rows, COLUMNS)
