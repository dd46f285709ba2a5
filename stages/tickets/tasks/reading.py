"""Read files of texts: a cell of CSV, TSV and JSON Lines stays as it is written, Parquet has types."""

import csv
import io
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.tickets.settings import ParamsError, expanded
from stages.tickets.tasks import quotes, tables
from stages.tickets.tasks.quotes import LINE_END
from stages.tickets.tasks.tables import Number, Table

FOREIGN = {
    b"\xff\xfe\0\0": "text in UTF-32",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    b"\x1f\x8b": "compressed by gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"BZh91AY&SY": "compressed by bzip2",
    b"\xfd7zXZ\0": "compressed by xz",
    b"version https://git-lfs": "a pointer of Git LFS",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "in Parquet",
}
"""First bytes of files that are often given the name of a text file."""


class _FormatError(ValueError):
    """Says in the words after "which" why a file cannot be read."""


def table(path: str, key: str) -> Table:
    """Read a table by the end of its name: .csv, .jsonl, .parquet, else text separated by tabs.

    The first row of a CSV or TSV names its columns. Quotes of a CSV are those of RFC 4180; in a TSV a
    quote is a letter as any other. Lines end with LF, CR LF or CR, and blank ones do not count.

    Args:
        path: the file; ~ and $VARIABLES are expanded.
        key: the setting that names the file, for messages.

    Raises:
        ParamsError: the file is missing or is no such table, or it has no rows.
    """
    file = existing(path, key)
    with naming(path, key):
        match file.suffix:
            case ".parquet":
                read = tables.of_arrow(parquet(file), path)
            case ".jsonl":
                read = _json_lines(_decoded(file), path)
            case suffix:
                read = _separated(_decoded(file), "," if suffix == ".csv" else "\t", path)
    if not len(read):
        raise ParamsError(f"{key} is {path!r}, which has no rows")
    return read


def lines(path: str, key: str) -> list[str]:
    """Read the lines of a text file, without their ends.

    Raises:
        ParamsError: the file is missing, or it is no text in UTF-8.
    """
    file = existing(path, key)
    with naming(path, key):
        return LINE_END.split(_decoded(file))


def parquet(file: Path) -> Any:  # noqa: ANN401  pyarrow has no types
    """Read a Parquet file into a table of Arrow, without columns for folders named like a=b."""
    return pq.ParquetFile(file).read()


@contextmanager
def naming(path: str, key: str) -> Iterator[None]:
    """Turn errors about a file into a ParamsError that names it, and the setting it is named by."""
    try:
        yield
    except _FormatError as problem:
        raise ParamsError(f"{key} is {path!r}, which {problem}") from None
    except (pa.ArrowException, OSError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ParamsError(f"{key} is {path!r}, which cannot be read: {reason}") from error


def existing(path: str, key: str) -> Path:
    """Return a file that params.yaml names.

    Raises:
        ParamsError: there is no such file, or it is a folder, or cannot be reached.
    """
    file = expanded(path, key)
    with naming(path, key):  # a name may be too long, and a folder closed
        if file.is_dir():
            raise ParamsError(f"{key} is {path!r}, which is a folder, but a file is due")
        if not file.is_file():
            raise ParamsError(f"{key} is {path!r}, but there is no such file")
    return file


def _decoded(file: Path) -> str:
    content = file.read_bytes().removeprefix(BOM_UTF8)
    for start, kind in FOREIGN.items():
        if content.startswith(start):
            raise _FormatError(f"is {kind}, but plain text in UTF-8 is due")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line(content[: error.start].decode("utf-8"))
        byte = f"0x{content[error.start]:02x}"
        raise _FormatError(
            f"has the byte {byte} in its line {line}, which is not UTF-8; save the file as UTF-8"
        ) from None
    if "\0" in text:
        line = _line(text[: text.index("\0")])
        raise _FormatError(
            f"has a NUL character in its line {line}, as text in UTF-16 has; save the file as UTF-8"
        )
    return text


def _line(before: str) -> int:
    return len(LINE_END.findall(before)) + 1


def _separated(text: str, separator: str, name: str) -> Table:
    rows = list(_rows(text, separator))
    if not rows:
        raise _FormatError("is empty, but a first row with the names of columns is due")
    (_, header), *rows = rows
    if len(header) < 2:
        raise _FormatError(
            f"has the one column {tables.shown(header[0])}, but two are due, with commas between them in "
            "a .csv and tabs in other text"
        )
    for line, fields in rows:
        if len(fields) != len(header):
            number = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            raise _FormatError(
                f"has {number} in the row that begins in line {line}, but its first row names "
                f"{len(header)} columns: {tables.quoted(header)}"
            )
    columns = list(zip(*(fields for _, fields in rows), strict=True))
    if problem := quotes.problem(rows, columns, separator):
        raise _FormatError(problem)
    return Table(name, header, columns, [line for line, _ in rows])


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is not blank, with the line on which it begins."""
    csv.field_size_limit(
        sys.maxsize
    )  # a text may be longer than the 131,072 letters of the default
    source = io.StringIO(text, newline="")
    reader = (
        csv.reader(source, delimiter=separator, quoting=csv.QUOTE_NONE)
        if separator == "\t"
        else csv.reader(source, strict=True)
    )
    begin, number = 1, 0
    try:
        for fields in reader:
            if len(fields) > 1 or "".join(fields).strip():
                yield begin, fields
                number += 1
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _FormatError(
            f"cannot be read after {number} rows, the first one included: in the row that begins in line "
            f"{begin} a quote is missing or single ({error} in line {reader.line_num})"
        ) from None


def _json_lines(text: str, name: str) -> Table:
    decoder = json.JSONDecoder(
        object_pairs_hook=_distinct, parse_int=Number, parse_float=Number, parse_constant=Number
    )
    rows: list[dict[str, Any]] = []
    begins: list[int] = []
    for line, content in enumerate(io.StringIO(text, newline=""), start=1):
        if not content.strip():
            continue
        try:
            row = decoder.decode(content.strip())
        except json.JSONDecodeError as error:
            where = f"its line {line} at character {error.pos + 1}"
            raise _FormatError(
                f"has no JSON object in {where}, but one per line is due: {error.msg}"
            ) from None
        except ValueError as error:
            raise _FormatError(f"has in its line {line} {error}") from None
        except RecursionError:
            raise _FormatError(
                f"has in its line {line} lists or objects nested too deeply"
            ) from None
        if not isinstance(row, dict):
            raise _FormatError(
                f"has {tables.kind_of(row)} in its line {line}, but an object is due"
            )
        rows.append(row)
        begins.append(line)
    names = list(dict.fromkeys(key for row in rows for key in row))
    return Table(name, names, [[row.get(key) for row in rows] for key in names], begins)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {tables.shown(twice)} twice")
    return row
