"""Columns that many tables share: a summary, a paired difference, a p value, a count."""

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import TypeVar

from stages.tickets.report import words
from stages.tickets.report.table import Column, Value, spread
from stages.tickets.statistics.intervals import Difference, Summary

Row = TypeVar("Row")
Nothing = str | Callable[[Row], str]
"""What stands if there is no number: the same in all rows, or not."""


def text(header: str, of: Callable[[Row], str], name: str = "") -> Column[Row]:
    """Words that csv has as they are, under `name`, or not at all without one."""
    return Column(header, of, {name: of} if name else {})


def of_cells(header: Sequence[str]) -> list[Column[Sequence[str]]]:
    """Columns of rows that are made of cells as shown; csv has its own rows."""
    return [Column(name, itemgetter(place)) for place, name in enumerate(header)]


def value(name: str) -> Column[Row]:
    """A field of the row in csv, under the field's name; it is not shown."""
    return only_csv(name, attrgetter(name))


def sparsity(of: Callable[[Row], float], header: str = "sparsity") -> Column[Row]:
    """A sparsity in per cent; csv has the share."""
    return Column(header, lambda row: words.percent(of(row)), {"sparsity": of})


def percent(header: str, of: Callable[[Row], float | None], name: str) -> Column[Row]:
    """A share in per cent, or a dash; csv has the share under `name`."""

    def cell(row: Row) -> str:
        share = of(row)
        return words.NONE if share is None else words.percent(share)

    return Column(header, cell, {name: of})


def only_csv(name: str, of: Callable[[Row], Value]) -> Column[Row]:
    """A value that is not shown."""
    return Column("", csv={name: of})


def score(
    header: str,
    of: Callable[[Row], Summary | None],
    collapsed: Callable[[Row], int],
    prefix: str | None = None,
    nothing: Nothing[Row] = words.NOT_RUN,
    wording: Callable[[Summary], str] = words.mean,
) -> Column[Row]:
    """Mean ± half the interval in points, with a dagger if a run collapsed.

    Args:
        prefix: of the columns of csv; None leaves the score out of csv.
        nothing: what stands if nothing ran.
        wording: `words.spread` for mean ± standard deviation.
    """

    def cell(row: Row) -> str:
        summary = of(row)
        if summary is None:
            return _stands(nothing, row)
        return words.marked(wording(summary), collapsed(row))

    return Column(header, cell, {} if prefix is None else spread(of, prefix))


def mean_and_std(header: str, of: Callable[[Row], Summary | None], prefix: str = "") -> Column[Row]:
    """Mean ± standard deviation in points."""
    return Column(header, lambda row: words.spread(of(row)), spread(of, prefix))


def difference(
    header: str,
    of: Callable[[Row], Difference | None],
    prefix: str | None = "",
    nothing: Nothing[Row] = words.NOT_RUN,
) -> Column[Row]:
    """A paired difference [interval] in points, with its sign."""

    def cell(row: Row) -> str:
        gain = of(row)
        return _stands(nothing, row) if gain is None else words.difference(gain)

    return Column(header, cell, {} if prefix is None else spread(of, prefix))


def _stands(nothing: Nothing[Row], row: Row) -> str:
    return nothing if isinstance(nothing, str) else nothing(row)


def count(of: Callable[[Row], Summary | None], header: str = "n") -> Column[Row]:
    """How many seeds a summary has; csv has it with the summary."""

    def cell(row: Row) -> str:
        summary = of(row)
        return words.NONE if summary is None else str(summary.n)

    return Column(header, cell)


def p_value(of: Callable[[Row], Difference], header: str = "p", name: str = "p") -> Column[Row]:
    """The p of a paired t test, or why there is none."""
    return Column(header, lambda row: words.p_value(of(row)), {name: lambda row: of(row).p})


def corrected(of: Callable[[Row], float | None]) -> Column[Row]:
    """A p value after Holm's correction."""

    def cell(row: Row) -> str:
        p = of(row)
        return words.NONE if p is None else words.probability(p)

    return Column("p (Holm)", cell, {"p_holm": of})
