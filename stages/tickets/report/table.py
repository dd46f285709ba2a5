"""A table as data: a quantity is one column, with its header, its cell and its numbers in csv."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from stages.tickets.statistics.intervals import Summary

Value = str | int | float | None
Record = Mapping[str, Value]
Cells = Sequence[Sequence[str]]
WIDE = 6
"""Columns of a table from which on TeX scales it to the width of the text."""
TEX = {"\\": r"\textbackslash{}"}
TEX |= {character: "\\" + character for character in "&%$#_{}"}
TEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$"}
TEX |= {"±": r"$\pm$", "−": "$-$", "×": r"$\times$", "κ": r"$\kappa$", "α": r"$\alpha$"}
TEX |= {"Σ": r"$\Sigma$", "²": r"$^2$", "·": r"$\cdot$"}
TEX |= {"→": r"$\to$", "ρ": r"$\rho$", "†": r"$\dagger$", "\N{NO-BREAK SPACE}": "~", "–": "--"}
SUMMARY = ("mean", "std", "low", "high", "n")


class Row(SimpleNamespace):
    """A row of a table: what its columns read, by name."""


@dataclass(frozen=True)
class Column:
    """One quantity of a table: how it is shown, and what csv has of it.

    A column without a header is in csv alone; a column without `csv` is shown alone.
    """

    header: str
    cell: Callable[[Any], str] = str
    csv: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One table: `header` and `rows` as shown, `records` for csv, or why there is nothing."""

    name: str
    caption: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    records: tuple[Record, ...] = ()
    missing: str = ""
    of_papers: bool = False
    """Whether it shows published numbers alone, so that no stage has to run for it."""


def table(
    name: str,
    caption: str,
    rows: Sequence[Any],
    columns: Sequence[Column],
    missing: str = "",
    long: Sequence[Record] | None = None,
) -> Table:
    """Make a table of `rows`, with one cell in each for every column that has a header.

    Args:
        name: of its files, such as `controls`.
        caption: at most three sentences.
        missing: why there is nothing to show, as `not run: ...`, in case that there are no rows.
        long: what csv has instead of the columns' own numbers, if csv has a row per number.
    """
    shown = [column for column in columns if column.header]
    cells = [[column.cell(row) for column in shown] for row in rows]
    header = [column.header for column in shown]
    csv = records(rows, *columns) if long is None else long
    return of_cells(name, caption, header, cells, csv, missing)


def of_cells(
    name: str,
    caption: str,
    header: Sequence[str],
    cells: Cells,
    records: Sequence[Record],
    missing: str = "",
) -> Table:
    """Make a table of cells as they are shown, while csv has records of its own."""
    if not cells:
        return Table(name, caption, missing=missing or "no rows")
    return Table(name, caption, tuple(header), tuple(map(tuple, cells)), tuple(records))


def records(rows: Sequence[Any], *columns: Column) -> tuple[Record, ...]:
    """Return what csv has of `rows`: a record for each, with the numbers of all columns in order."""
    return tuple(
        {name: value(row) for column in columns for name, value in column.csv.items()}
        for row in rows
    )


def numbers(summary: Summary | None, prefix: str = "") -> dict[str, Value]:
    """Return the columns of csv that a summary fills; without one they are empty and n is 0."""
    return {name: value(summary) for name, value in spread(lambda known: known, prefix).items()}


def spread(
    of: Callable[[Any], Summary | None], prefix: str = ""
) -> dict[str, Callable[[Any], Any]]:
    """Return columns of csv: mean, standard deviation, ends of the interval and n of a summary."""

    def part(name: str) -> Callable[[Any], Any]:
        return lambda row: getattr(of(row), name, 0 if name == "n" else None)

    return {prefix + name: part(name) for name in SUMMARY}


def to_csv(records: Sequence[Record], missing: str = "", header: Sequence[str] = ()) -> str:
    """Write fractions with six significant digits; without records, one column says why.

    Args:
        header: the columns to write, by default those of the first record.
    """
    if not header and (missing or not records):
        records = [{"not_run": missing or "no rows"}]
    header = header or list(records[0])
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for record in records:
        values = (record.get(name) for name in header)
        writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in values])
    return file.getvalue()


def to_markdown(table: Table) -> str:
    """Write the table and its caption; the first column goes to the left, all others to the right."""
    if table.missing:
        return f"*Table “{table.name.replace('_', ' ')}”: {to_text(table.missing)}.*\n"
    lines = [table.header, ("---",) + ("---:",) * (len(table.header) - 1), *table.rows]
    body = "\n".join("| " + " | ".join(to_text(cell) for cell in line) + " |" for line in lines)
    return f"{body}\n\n{to_text(table.caption)}\n"


def to_text(text: str) -> str:
    """Return Markdown that shows `text` as it is."""
    for character in "\\`*_|<":
        text = text.replace(character, "\\" + character)
    return " ".join(text.replace("](", "]\\(").replace("![", "!\\[").split("\n"))


def to_tex(table: Table) -> str:
    """Write a `table` environment that fits a page; it needs booktabs, and if it is wide graphicx."""
    caption = f"\\caption{{{_tex(table.caption)}}}\n\\label{{tab:{table.name.replace('_', '-')}}}\n"
    if table.missing:
        body = _tex(table.missing) + "\n"
    else:
        lines = [" & ".join(map(_tex, row)) + r" \\" for row in (table.header, *table.rows)]
        lines = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
        columns = "l" + "r" * (len(table.header) - 1)
        body = f"\\begin{{tabular}}{{{columns}}}\n" + "\n".join(lines) + "\n\\end{tabular}\n"
        if len(table.header) > WIDE:
            body = f"\\resizebox{{\\textwidth}}{{!}}{{%\n{body}}}\n"
    return f"\\begin{{table}}\n\\centering\n{caption}{body}\\end{{table}}\n"


def _tex(text: str) -> str:
    return "".join(TEX.get(character, character) for character in text)
