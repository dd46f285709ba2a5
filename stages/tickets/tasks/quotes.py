"""Find cells whose quotes are doubtful: a lone quote swallows rows, and in a TSV it is a letter."""

import csv
import re
from collections.abc import Sequence

from stages.tickets.tasks.tables import NUMBER, shown

LINE_END = re.compile(r"\r\n|\r|\n")
QUOTED = re.compile(r'"([^"]|"")*""([^"]|"")*"')
"""A cell as writers of CSV quote it, with a doubled quote in it."""


def problem(
    rows: Sequence[tuple[int, list[str]]], columns: Sequence[tuple[str, ...]], separator: str
) -> str | None:
    """Say in the words after "which" what is wrong with the quotes of a table, or None.

    A lone quote at the start of a cell swallows rows up to another lone quote at the end of a cell of the
    same column, so every line between them has as many fields as a row. A text may be of such lines too,
    so a field of theirs has to be known from its column, or to be a number among numbers. In the column
    of the cell itself this counts only if values repeat there, as labels do and texts do not.

    Args:
        rows: line of the file on which a row begins, and its cells.
        columns: the same cells by column.
        separator: what stands between cells, a tab if quotes are letters.
    """
    known = [set(filter(str.strip, column)) for column in columns]
    numeric = [all(map(NUMBER.fullmatch, cells)) for cells in known]

    def is_known(field: str, number: int, place: int) -> bool:
        if number == place and 2 * len(known[place]) > len(rows):
            return False
        return field in known[number] or bool(numeric[number] and NUMBER.fullmatch(field))

    for begin, fields in rows:
        for place, cell in enumerate(fields):
            if separator == "\t" and QUOTED.fullmatch(cell):
                return (
                    f"has the cell {shown(cell)} in its line {begin}, which is quoted as in a CSV, but "
                    "between tabs quotes are letters; save the table as .csv"
                )
            lines = [line for line in LINE_END.split(cell) if line.strip()]
            if len(lines) < 2:
                continue
            swallowed = _rows(lines, place, len(fields) - place - 1)
            if {*map(len, swallowed)} == {len(columns)} and any(
                is_known(field, number, place)
                for row in swallowed
                for number, field in enumerate(row)
            ):
                return (
                    f"has a quoted cell of {len(lines)} lines in the row that begins in line {begin}, "
                    f"and each of them, as {shown(lines[0])}, reads as a row: a quote is missing or "
                    "single, or, if the cell is right, save the table as .jsonl or .parquet"
                )
    return None


def _rows(lines: Sequence[str], before: int, after: int) -> list[list[str]]:
    """Split the lines of a cell into fields, with empty ones for the cells before and after it."""
    rows = [next(csv.reader([line.replace('"', '""')])) for line in lines]
    return [[""] * before + rows[0], *rows[1:-1], rows[-1] + [""] * after]
