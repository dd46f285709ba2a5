"""Columns that many tables share: a field, a summary, a paired difference, a p value, a count.

What a column is of is a function of the row, or the name of a field, with dots for fields of fields and
for keys of mappings: `"gain.p"`. A field of None and a missing key are None.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stages.tickets.report import words
from stages.tickets.report.table import Column, spread

Of = str | Callable[[Any], Any]
"""A function of the row, or the name of a field."""
Nothing = str | Callable[[Any], str]
"""What stands if there is no number: the same in all rows, or not."""


def getter(of: Of) -> Callable[[Any], Any]:
    """Return the function that `of` is or names."""
    if callable(of):
        return of
    names = of.split(".")

    def value(part: Any) -> Any:  # noqa: ANN401
        for name in names:
            if isinstance(part, Mapping):
                part = part.get(name)
            else:
                part = None if part is None else getattr(part, name)
        return part

    return value


def text(header: str, of: Of, name: str = "") -> Column:
    """Show words that csv has as they are, under `name`, or not at all without one."""
    return Column(header, getter(of), {name: getter(of)} if name else {})


def named(header: str, of: str, naming: Callable[[Any], str] = str) -> Column:
    """Show a field by `naming`; csv has it as it is, under its name."""
    field = getter(of)
    return Column(header, lambda row: naming(field(row)), {of.rpartition(".")[2]: field})


def remark(header: str, of: str) -> Column:
    """Show words that may be lacking, as a dash; csv has them as they are, under their name."""
    return named(header, of, lambda known: known or words.NONE)


def value(*names: str) -> Column:
    """Put fields of the row into csv alone, under their names."""
    return Column("", csv={name.rpartition(".")[2]: getter(name) for name in names})


def only_csv(name: str, of: Of) -> Column:
    """Put a value into csv alone."""
    return Column("", csv={name: getter(of)})


def number(
    header: str, of: Of, shown: Callable[[Any], str], name: str = "", nothing: Nothing = words.NONE
) -> Column:
    """Show a number as `shown` words it, else `nothing`; csv has it under `name`."""
    get = getter(of)

    def cell(row: object) -> str:
        if (known := get(row)) is None:
            return nothing if isinstance(nothing, str) else nothing(row)
        return shown(known)

    return Column(header, cell, {name: get} if name else {})


def sparsity(of: Of = "sparsity") -> Column:
    """Show a sparsity in per cent; csv has the share."""
    return number("sparsity", of, words.percent, "sparsity")


def score(
    header: str,
    of: Of,
    collapsed: Of = lambda _: 0,
    prefix: str | None = None,
    nothing: Nothing = words.NOT_RUN,
    wording: Callable[[Any], str] = words.mean,
) -> Column:
    """Show mean ± half the interval in points, with a dagger if a run collapsed.

    Args:
        collapsed: number of runs that collapsed.
        prefix: of the columns of csv; None leaves the score out of csv.
        nothing: what stands if nothing ran.
        wording: `words.spread` for mean ± standard deviation.
    """
    plain, runs = number(header, of, wording, nothing=nothing), getter(collapsed)
    csv = {} if prefix is None else spread(getter(of), prefix)
    return Column(header, lambda row: words.marked(plain.cell(row), runs(row)), csv)


def mean_and_std(header: str, of: Of, prefix: str = "") -> Column:
    """Show mean ± standard deviation in points."""
    return score(header, of, prefix=prefix, wording=words.spread)


def difference(
    header: str, of: Of, prefix: str | None = "", nothing: Nothing = words.NOT_RUN
) -> Column:
    """Show a paired difference [interval] in points, with its sign."""
    return score(header, of, prefix=prefix, nothing=nothing, wording=words.difference)


def spread_of(of: Of, prefix: str = "") -> Column:
    """Put mean, standard deviation, interval and n of a summary into csv alone."""
    return Column("", csv=spread(getter(of), prefix))


def count(of: Of, header: str = "n") -> Column:
    """Show how many seeds a summary has; csv has it with the summary."""
    return number(header, of, lambda summary: str(summary.n))


def p_value(of: Of) -> Column:
    """Show the p of a paired t test, or why there is none."""
    get = getter(of)
    return Column("p", lambda row: words.p_value(get(row)), {"p": lambda row: get(row).p})
