"""Columns that many tables share: a field, a summary, a paired difference, a p value, a count.

What a column is of is a function of the row, or the name of a field, with dots for fields of fields and
for keys of mappings: `"gain.p"`. A field of None and a missing key are None.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from stages.tickets.report import words
from stages.tickets.report.table import Column, Value, spread
from stages.tickets.statistics.intervals import Summary

Row = TypeVar("Row")
Of = str | Callable[[Row], Any]
"""A function of the row, or the name of a field."""
Nothing = str | Callable[[Row], str]
"""What stands if there is no number: the same in all rows, or not."""


def getter(of: Of[Row]) -> Callable[[Row], Any]:
    """The function that `of` is or names."""
    if callable(of):
        return of
    names = of.split(".")

    def value(row: Row) -> Any:  # noqa: ANN401
        part: Any = row
        for name in names:
            if isinstance(part, Mapping):
                part = part.get(name)
            else:
                part = None if part is None else getattr(part, name)
        return part

    return value


def text(header: str, of: Of[Row], name: str = "") -> Column[Row]:
    """Words that csv has as they are, under `name`, or not at all without one."""
    return Column(header, getter(of), {name: getter(of)} if name else {})


def named(header: str, of: str, naming: Callable[[Any], str] = str) -> Column[Row]:
    """A field that is shown by `naming`; csv has the field as it is, under its name."""
    field: Callable[[Row], Any] = getter(of)
    return Column(header, lambda row: naming(field(row)), {of.rpartition(".")[2]: field})


def remark(header: str, of: str) -> Column[Row]:
    """Words that may be lacking, as a dash; csv has them as they are, under their name."""
    return named(header, of, lambda known: known or words.NONE)


def of_cells(header: Sequence[str]) -> list[Column[Sequence[str]]]:
    """Columns of rows that are made of cells as shown; csv has its own rows."""
    return [Column(name, itemgetter(place)) for place, name in enumerate(header)]


def value(*names: str) -> Column[Row]:
    """Fields of the row in csv, under their names; they are not shown."""
    return Column("", csv={name.rpartition(".")[2]: getter(name) for name in names})


def only_csv(name: str, of: Of[Row]) -> Column[Row]:
    """A value that is not shown."""
    return Column("", csv={name: getter(of)})


def sparsity(of: Of[Row] = "sparsity", header: str = "sparsity") -> Column[Row]:
    """A sparsity in per cent; csv has the share."""
    return percent(header, of, "sparsity")


def percent(header: str, of: Of[Row], name: str = "") -> Column[Row]:
    """A share in per cent, or a dash; csv has the share under `name`."""
    share = getter(of)
    return Column(header, _or_dash(share, words.percent), {name: share} if name else {})


def number(header: str, of: Of[Row], shown: Callable[[Any], str], name: str = "") -> Column[Row]:
    """A number as `shown` words it, or a dash; csv has it under `name`."""
    value = getter(of)
    return Column(header, _or_dash(value, shown), {name: value} if name else {})


def _or_dash(value: Callable[[Row], Any], shown: Callable[[Any], str]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        known = value(row)
        return words.NONE if known is None else shown(known)

    return cell


def score(
    header: str,
    of: Of[Row],
    collapsed: Of[Row] | None = None,
    prefix: str | None = None,
    nothing: Nothing[Row] = words.NOT_RUN,
    wording: Callable[[Summary], str] = words.mean,
) -> Column[Row]:
    """Mean ± half the interval in points, with a dagger if a run collapsed.

    Args:
        collapsed: number of runs that collapsed.
        prefix: of the columns of csv; None leaves the score out of csv.
        nothing: what stands if nothing ran.
        wording: `words.spread` for mean ± standard deviation.
    """
    get, count_of = getter(of), getter(collapsed) if collapsed else lambda _: 0

    def cell(row: Row) -> str:
        summary = get(row)
        if summary is None:
            return _stands(nothing, row)
        return words.marked(wording(summary), count_of(row))

    return Column(header, cell, {} if prefix is None else spread(get, prefix))


def mean_and_std(header: str, of: Of[Row], prefix: str = "") -> Column[Row]:
    """Mean ± standard deviation in points."""
    get = getter(of)
    return Column(header, lambda row: words.spread(get(row)), spread(get, prefix))


def difference(
    header: str,
    of: Of[Row],
    prefix: str | None = "",
    nothing: Nothing[Row] = words.NOT_RUN,
) -> Column[Row]:
    """A paired difference [interval] in points, with its sign."""
    get = getter(of)

    def cell(row: Row) -> str:
        gain = get(row)
        return _stands(nothing, row) if gain is None else words.difference(gain)

    return Column(header, cell, {} if prefix is None else spread(get, prefix))


def _stands(nothing: Nothing[Row], row: Row) -> str:
    return nothing if isinstance(nothing, str) else nothing(row)


def spread_of(of: Of[Row], prefix: str = "") -> Column[Row]:
    """Mean, standard deviation, interval and n of a summary, in csv alone."""
    return Column("", csv=spread(getter(of), prefix))


def count(of: Of[Row], header: str = "n") -> Column[Row]:
    """How many seeds a summary has; csv has it with the summary."""
    return Column(header, _or_dash(getter(of), lambda summary: str(summary.n)))


def p_value(of: Of[Row], header: str = "p", name: str = "p") -> Column[Row]:
    """The p of a paired t test, or why there is none."""
    get = getter(of)
    return Column(header, lambda row: words.p_value(get(row)), {name: lambda row: get(row).p})


def corrected(of: Of[Row]) -> Column[Row]:
    """A p value after Holm's correction."""
    return number("p (Holm)", of, words.probability, "p_holm")


def records(rows: Sequence[Row], *columns: Column[Row]) -> tuple[dict[str, Value], ...]:
    """The csv of a figure: one record for each row, with the numbers of all columns."""
    return tuple(
        {name: get(row) for column in columns for name, get in column.csv.items()} for row in rows
    )
