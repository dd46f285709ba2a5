"""Tables of examples: what a cell must be to serve as a text, a class or a number."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from stages.tickets.settings import ParamsError

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LARGEST = float(np.finfo(np.float32).max)
ALLOWED_LABELS = "allowed is one text, whole number or truth value"


class Number(str):
    """A number of JSON as it is written, so that 1.10 is not 1.1."""

    __slots__ = ()


@dataclass(frozen=True)
class Table:
    """A table with rows in the order of its file."""

    name: str
    """Name of the table in messages."""
    names: Sequence[str]
    """Names of the columns, as many as `columns`; a name may stand twice."""
    columns: Sequence[Any]
    """Cells of every column: a list, or an array of Arrow."""
    lines: Sequence[int] | None
    """Line of the file on which every row begins, from 1; None if the file has no lines."""

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def place(self, row: int) -> str:
        """Name a row, whose number counts from 0, for a message."""
        where = f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"
        return f"{self.name}, {where},"

    def cells(self, name: str) -> list[Any]:
        """Return the cells of a column as Python objects.

        Raises:
            ParamsError: the column is not in the table once, or a cell of it is missing.
        """
        if self.names.count(name) != 1:
            number = "more than one" if name in self.names else "no"
            raise ParamsError(
                f"{self.name} has {number} column {shown(name)}: its columns are {quoted(self.names)}"
            )
        column = self.columns[self.names.index(name)]
        try:
            cells = list(column.to_pylist() if isinstance(column, pa.ChunkedArray) else column)
        except (ValueError, OverflowError) as error:  # bytes that are no text, dates out of range
            raise ParamsError(
                f"{self.name} has cells in {name!r} that cannot be read: {error}"
            ) from None
        if None in cells:
            raise ParamsError(f"{self.place(cells.index(None))} has no {name!r}")
        return cells

    def texts(self, name: str) -> list[str]:
        """Return the cells of a column of texts, which may be empty.

        Raises:
            ParamsError: as `cells`, a cell is no text, or all are blank.
        """
        cells = self.cells(name)
        for row, cell in enumerate(cells):
            if type(cell) is not str:
                raise ParamsError(
                    f"{self.place(row)} has {kind_of(cell)} in {name!r}, but a text is due"
                )
            self._check_characters(cell, row, name)
        if cells and not any(map(str.strip, cells)):
            raise ParamsError(f"{self.name} has only empty texts in {name!r}")
        return cells

    def labels(self, name: str) -> list[str]:
        """Return the names of classes in a column, as they are written: 1 and "1" are one class.

        Raises:
            ParamsError: as `cells`, or a cell is empty or has half a character, or it is no text, whole
                number or truth value.
        """
        return [self._label(cell, row, name) for row, cell in enumerate(self.cells(name))]

    def _label(self, cell: object, row: int, name: str) -> str:
        match cell:
            case bool():
                return str(cell).lower()
            case int():
                return str(cell)
            case str() if not cell.strip():
                raise ParamsError(f"{self.place(row)} has no {name!r}")
            case str() if type(cell) is str or NUMBER.fullmatch(cell):
                self._check_characters(cell, row, name)
                return str(cell)
        raise ParamsError(f"{self.place(row)} has {kind_of(cell)} in {name!r}, {ALLOWED_LABELS}")

    def _check_characters(self, cell: str, row: int, name: str) -> None:
        try:
            cell.encode()
        except UnicodeEncodeError:
            raise ParamsError(
                f"{self.place(row)} has half a character in {name!r}: {shown(cell)}"
            ) from None

    def numbers(self, name: str) -> list[float]:
        """Return the numbers in a column, also if they are written as text, such as 4, -1.5 or 2e3.

        Raises:
            ParamsError: as `cells`, or a cell is no number that is finite as float32.
        """
        return [self._number(cell, row, name) for row, cell in enumerate(self.cells(name))]

    def _number(self, cell: object, row: int, name: str) -> float:
        if isinstance(cell, str) and not cell.strip():
            raise ParamsError(f"{self.place(row)} has no {name!r}")
        is_written = isinstance(cell, str) and NUMBER.fullmatch(cell.strip())
        if is_written or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)):
            number = float(cell)  # type: ignore[arg-type]
            if abs(number) <= LARGEST:
                return number
        raise ParamsError(
            f"{self.place(row)} has {kind_of(cell)} in {name!r}, allowed are finite numbers such as 1.5"
        )


def shown(value: object) -> str:
    """Write a value for a message, cut to 60 characters.

    Text that has accents as characters of their own shows their codes, since it looks as other text does.
    """
    text = repr(value)
    if isinstance(value, str):
        text = repr(str(value)) if unicodedata.is_normalized("NFC", value) else ascii(str(value))
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def kind_of(cell: object) -> str:
    """Say what a cell is, and its value, for a message."""
    if isinstance(cell, bool):
        return f"the truth value {str(cell).lower()}"
    if isinstance(cell, Number | int | float | Decimal):
        return f"the number {_cut(str(cell))}"
    kinds: dict[type, str] = {str: "text", dict: "object"}
    return f"the {kinds.get(type(cell), type(cell).__name__)} {shown(cell)}"


def quoted(names: Sequence[str]) -> str:
    """Write names for a message, in quotes and at most 10."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (", ".join(map(shown, names[:10])) or "none") + more


def of_arrow(table: Any, name: str) -> Table:  # noqa: ANN401  pyarrow has no types
    """Make a table of one of Arrow; `name` is its name in messages."""
    return Table(name, table.column_names, table.columns, None)
