"""A table as data: a quantity is one column, with its header, its cell and its numbers in csv."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from stages.tickets.statistics.intervals import Summary

Row = TypeVar("Row")
Value = str | int | float | None
Record = Mapping[str, Value]
WIDE = 6
"""Columns of a table from which on TeX scales it to the width of the text."""
TEX = {"\\": r"\textbackslash{}"}
TEX |= {character: "\\" + character for character in "&%$#_{}"}
TEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$"}
TEX |= {
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "κ": r"$\kappa$",
    "α": r"$\alpha$",
    "→": r"$\to$",
    "ρ": r"$\rho$",
}
TEX |= {"\N{NO-BREAK SPACE}": "~", "–": "--", "†": r"$\dagger$"}


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One quantity of a table: how it is shown, and what csv has of it.

    A column without a header is in csv alone; a column without `csv` is shown alone.
    """

    header: str
    cell: Callable[[Row], str] = str
    csv: Mapping[str, Callable[[Row], Value]] = field(default_factory=dict)


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
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    missing: str = "",
    long: Sequence[Record] | None = None,
) -> Table:
    """A table of `rows`, with one cell in each for every column.

    Args:
        name: of its files, such as `controls`.
        caption: at most three sentences.
        missing: why there is nothing to show, as `not run: ...`; it is said if there are no rows.
        long: what csv has instead of the columns' own numbers, if csv has a row per number.
    """
    if not rows:
        return Table(name, caption, missing=missing or "no rows")
    shown = [column for column in columns if column.header]
    return Table(
        name,
        caption,
        tuple(column.header for column in shown),
        tuple(tuple(column.cell(row) for column in shown) for row in rows),
        tuple(records(rows, columns) if long is None else long),
    )


def records(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> list[Record]:
    """What csv has of `rows`: one record for each, with the numbers of all columns in order."""
    return [
        {name: value(row) for column in columns for name, value in column.csv.items()}
        for row in rows
    ]


def numbers(summary: Summary | None, prefix: str = "") -> dict[str, Value]:
    """The columns of csv that a summary fills; without one they are empty and n is 0."""
    return {name: value(summary) for name, value in spread(lambda known: known, prefix).items()}


def spread(
    of: Callable[[Row], Summary | None], prefix: str = ""
) -> dict[str, Callable[[Row], Value]]:
    """Mean, standard deviation, ends of the interval and n of a summary, as columns of csv."""

    def part(name: str) -> Callable[[Row], Value]:
        def value(row: Row) -> Value:
            summary = of(row)
            if summary is None:
                return 0 if name == "n" else None
            number: Value = getattr(summary, name)
            return number

        return value

    return {prefix + name: part(name) for name in ("mean", "std", "low", "high", "n")}


def to_csv(records: Sequence[Record], missing: str = "") -> str:
    """Six significant digits; where there is nothing, one column that says why."""
    if missing or not records:
        records = [{"not_run": missing or "no rows"}]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        writer.writerow([_digits(value) for value in record.values()])
    return file.getvalue()


def _digits(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def to_markdown(table: Table) -> str:
    """The table and its caption; text columns to the left, numbers to the right."""
    if table.missing:
        return f"*Table “{table.name.replace('_', ' ')}”: {to_text(table.missing)}.*\n"
    lines = [table.header, ("---",) + ("---:",) * (len(table.header) - 1), *table.rows]
    body = "\n".join("| " + " | ".join(to_text(cell) for cell in line) + " |" for line in lines)
    return f"{body}\n\n{to_text(table.caption)}\n"


def to_text(text: str) -> str:
    """Markdown that shows `text` as it is."""
    for character in "\\`*_|<":
        text = text.replace(character, "\\" + character)
    return " ".join(text.replace("](", "]\\(").replace("![", "!\\[").split("\n"))


def to_tex(table: Table) -> str:
    """A `table` environment that fits a page; it needs booktabs, and if it is wide graphicx."""
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
