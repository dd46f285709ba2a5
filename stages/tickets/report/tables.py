"""What a table is, and how it is written as csv, Markdown and TeX."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.statistics.intervals import Summary

Value = str | int | float | None
Record = Mapping[str, Value]
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
}
TEX |= {"\N{NO-BREAK SPACE}": "~", "–": "--", "†": r"$\dagger$"}


@dataclass(frozen=True)
class Table:
    """One table: `header` and `rows` as shown, `records` for csv, or why there is nothing."""

    name: str
    caption: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    records: tuple[Record, ...] = ()
    missing: str = ""


def numbers(found: Summary | None, prefix: str = "") -> dict[str, Value]:
    """The columns of csv that a summary fills; without one they are empty and n is 0."""
    if found is None:
        return {**{prefix + key: None for key in ("mean", "std", "low", "high")}, prefix + "n": 0}
    return {
        prefix + "mean": found.mean,
        prefix + "std": found.std,
        prefix + "low": found.low,
        prefix + "high": found.high,
        prefix + "n": found.n,
    }


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
    """A `table` environment; needs the package booktabs."""
    caption = f"\\caption{{{_tex(table.caption)}}}\n\\label{{tab:{table.name.replace('_', '-')}}}\n"
    if table.missing:
        body = _tex(table.missing) + "\n"
    else:
        lines = [" & ".join(map(_tex, row)) + r" \\" for row in (table.header, *table.rows)]
        lines = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
        columns = "l" + "r" * (len(table.header) - 1)
        body = f"\\begin{{tabular}}{{{columns}}}\n" + "\n".join(lines) + "\n\\end{tabular}\n"
    return f"\\begin{{table}}\n\\centering\n{caption}{body}\\end{{table}}\n"


def _tex(text: str) -> str:
    return "".join(TEX.get(character, character) for character in text)
