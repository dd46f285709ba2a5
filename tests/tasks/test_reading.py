"""Tables of any origin: each is read as its writer meant it, or refused by a sentence that says where."""

import bz2
import csv
import datetime
import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.tickets.settings import ParamsError, UserError
from stages.tickets.tasks import reading
from stages.tickets.tasks.tables import Table

Rows = list[tuple[str, str]]
KEY = "own.mine.train"


def read(folder: Path, suffix: str, content: Any) -> Table:
    """Write text, bytes or a table of Arrow to a file, and read it."""
    path = folder / f"t{suffix}"
    if isinstance(content, dict):
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return reading.table(str(path), KEY)


def rows_of(table: Table) -> Rows:
    return list(zip(table.texts("text"), table.labels("label"), strict=True))


def json_lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


AB: Rows = [("a", "x"), ("b", "y")]
TEXTS = pa.array(["a", "b"])
READ: list[tuple[str, str | bytes | dict[str, Any], Rows]] = [
    # A label is the text that stands in the file.
    (".csv", "text,label\na,1.1\nb,1.10\nc,1.2\n", [("a", "1.1"), ("b", "1.10"), ("c", "1.2")]),
    (".csv", "text,label\na,1\nb,01\nc,2\n", [("a", "1"), ("b", "01"), ("c", "2")]),
    (".csv", "text,label\na,true\nb,False\n", [("a", "true"), ("b", "False")]),
    (
        ".csv",
        "text,label\nNA,NA\nnull,None\nnan,n/a\n",
        [("NA", "NA"), ("null", "None"), ("nan", "n/a")],
    ),
    (
        ".csv",
        f"text,label\na,{10**20}\nb,{10**20 + 1}\n",
        [("a", str(10**20)), ("b", str(10**20 + 1))],
    ),
    (".csv", "text,label\n1e3,1e3\n007,2020-01-01\n", [("1e3", "1e3"), ("007", "2020-01-01")]),
    (
        ".jsonl",
        '{"text":"a","label":1.1}\n{"text":"b","label":1.10}\n',
        [("a", "1.1"), ("b", "1.10")],
    ),
    (".jsonl", json_lines({"text": "a", "label": 10**20}), [("a", str(10**20))]),
    (
        ".jsonl",
        json_lines({"text": "a", "label": 1}, {"text": "b", "label": "1"}),
        [("a", "1"), ("b", "1")],
    ),
    (".jsonl", json_lines({"text": "a", "label": True}), [("a", "true")]),
    (".parquet", {"text": TEXTS, "label": [True, False]}, [("a", "true"), ("b", "false")]),
    (
        ".parquet",
        {"text": TEXTS, "label": pa.array([3, -10], pa.int8())},
        [("a", "3"), ("b", "-10")],
    ),
    (".parquet", {"text": TEXTS.dictionary_encode(), "label": ["x", "y"]}, AB),
    (".parquet", {"text": TEXTS.cast(pa.large_string()), "label": TEXTS}, [("a", "a"), ("b", "b")]),
    # Bytes around and between the rows.
    (".csv", "\ufefftext,label\na,x\nb,y\n", AB),
    (".csv", '\ufeff"text","label"\na,x\nb,y\n', AB),
    (".tsv", "\ufefftext\tlabel\na\tx\nb\ty\n", AB),
    (".jsonl", "\ufeff" + json_lines({"text": "a", "label": "x"}), AB[:1]),
    (".csv", "text,label\r\na,x\r\nb,y\r\n", AB),
    (".csv", "text,label\ra,x\rb,y", AB),
    (".csv", "\n\ntext,label\r\r\n\na,x\n   \nb,y\n\n\n", AB),
    (".jsonl", '{"text":"a","label":"x"}\r\n\r\n{"text":"b","label":"y"}', AB),
    (".jsonl", '{"text":"a\u2028b\\nc","label":"x"}\n', [("a\u2028b\nc", "x")]),
    (".csv", "text,label\na\u2028b\x85c\x0cd,x\n", [("a\u2028b\x85c\x0cd", "x")]),
    # Columns that nobody asks for may have any name.
    (".csv", ",text,label\n0,a,x\n1,b,y\n", AB),
    (".csv", ",,label,text,\n0,0,x,a,\n1,1,y,b,\n", AB),
    # Quotes.
    (
        ".csv",
        'text,label\n"one\ntwo, three\n\nfour",x\nb,y\n',
        [("one\ntwo, three\n\nfour", "x"), ("b", "y")],
    ),
    (
        ".csv",
        'text,label\n"My marks:\nstory,1\nacting,0",1\nb,0\n',
        [("My marks:\nstory,1\nacting,0", "1"), ("b", "0")],
    ),
    (
        ".csv",
        'text,label\n"Roses, are red\nvery,good",good\n"Dear all, hello\nbye",bad\n',
        [("Roses, are red\nvery,good", "good"), ("Dear all, hello\nbye", "bad")],
    ),
    (
        ".csv",
        'text,label\nsay "hi",x\n"6"" long, or 7",y\n',
        [('say "hi"', "x"), ('6" long, or 7', "y")],
    ),
    (
        ".tsv",
        'text\tlabel\n"a" he said\tx\n"b\ty\n"\ty\n',
        [('"a" he said', "x"), ('"b', "y"), ('"', "y")],
    ),
]


@pytest.mark.parametrize(("suffix", "content", "rows"), READ)
def test_a_table_is_read_as_its_writer_meant_it(
    tmp_path: Path, suffix: str, content: object, rows: Rows
) -> None:
    assert rows_of(read(tmp_path, suffix, content)) == rows


def sixty(**changes: str) -> str:
    """A table of sixty rows, some of which are other lines."""
    lines = [changes.get(f"row{i}", f"text {i},{'xy'[i % 2]}") for i in range(60)]
    return "\n".join(["text,label", *lines, ""])


SWALLOWED = "in the row that begins in line 12 a quote is missing or single"
LONG = "has a quoted cell of 18 lines in the row that begins in line 12, and each of them, as '{}', reads"
REFUSED: list[tuple[str, str | bytes | dict[str, Any], str]] = [
    # A row has as many fields as the first one.
    (
        ".csv",
        "text,label\n0,a,x\n1,b,y\n",
        "3 fields in the row that begins in line 2, but its first row",
    ),
    (
        ".csv",
        "text,label\na,x\n\nb,y,z\n",
        "3 fields in the row that begins in line 4, but its first row",
    ),
    (
        ".csv",
        "text,label\na,x\nb\n",
        "1 field in the row that begins in line 3, but its first row names 2 col",
    ),
    (
        ".tsv",
        'text\tlabel\n"a\tb"\tx\n',
        "3 fields in the row that begins in line 2, but its first row",
    ),
    (
        ".csv",
        "text;label\na;x\n",
        "has the one column 'text;label', but two are due, with commas between",
    ),
    (".csv", "text\tlabel\na\tx\n", "has the one column 'text\\tlabel', but two are due"),
    (".csv", "label\na,x\nb,y\n", "has the one column 'label', but two are due"),
    # Names of columns.
    (
        ".csv",
        "text,text,label\na,b,x\n",
        "t.csv has more than one column 'text': its columns are 'text', ",
    ),
    (".csv", "text, label\na,x\n", "t.csv has no column 'label': its columns are 'text', ' label'"),
    (".csv", "a,x\nb,y\n", "t.csv has no column 'text': its columns are 'a', 'x'"),
    (".csv", "Text,label\na,x\n", "t.csv has no column 'text': its columns are 'Text', 'label'"),
    # Quotes that swallow rows.
    (
        ".csv",
        sixty(row10='"text 10,x', row27='the "big" text,y'),
        f"after 11 rows, the first one included: {SWALLOWED}",
    ),
    (".csv", sixty(row10='"text 10,x', row27='"text 27",y'), SWALLOWED),
    (".csv", sixty(row10='"text 10,x'), f"{SWALLOWED} (unexpected end of data in line 61)"),
    (".csv", sixty(row10='text 10,"x'), SWALLOWED),
    (".csv", sixty(row10='"text 10,x', row27='text 27",y'), LONG.format("text 10,x")),
    (".csv", sixty(row10='x,"text 10', row27='y,text 27"'), LONG.format("text 10")),
    (
        ".csv",
        'text,stars\n"a,1.5\nb",2.5\n',
        "a quoted cell of 2 lines in the row that begins in line 2, and each of them",
    ),
    (
        ".csv",
        'id,text,more,label\n1,"a,"",x\n2,b,"",y\n3,c",k,y\n4,d,"",x\n',
        "a quoted cell of 3 lines in the row that begins in line 2, and each of them, as",
    ),
    (
        ".csv",
        'id,text,more,label\n1,"a,k,x\n\n2,b ""b"",k,y\n3,c",k,y\n4,d,k,x\n',
        "a quoted cell of 3 lines in the row that begins in line 2, and each of them, as 'a,k,x', reads",
    ),
    (
        ".csv",
        'text,label\n"say \\"hi\\"",x\n',
        "in the row that begins in line 2 a quote is missing or single",
    ),
    (
        ".tsv",
        'text\tlabel\n"a ""b"" c"\tx\n',
        "in its line 2, which is quoted as in a CSV, but between tabs",
    ),
    # Bytes that are no text.
    (
        ".csv",
        "text,label\na,x\n".encode("utf-16"),
        "is text in UTF-16, but plain text in UTF-8 is due",
    ),
    (
        ".csv",
        "text,label\na,x\n".encode("utf-16-le"),
        "has a NUL character in its line 1, as text in UTF-16 has",
    ),
    (
        ".jsonl",
        '{"text":"a"}\n'.encode("utf-16"),
        "is text in UTF-16, but plain text in UTF-8 is due",
    ),
    (
        ".csv",
        b"text,label\na,x\ncaf\xe9,y\n",
        "has the byte 0xe9 in its line 3, which is not UTF-8",
    ),
    (".csv", "text,label\na,x\nb\0,y\n", "has a NUL character in its line 3"),
    (
        ".csv",
        gzip.compress(b"text,label\na,x\n"),
        "is compressed by gzip, but plain text in UTF-8 is due",
    ),
    (".csv", bz2.compress(b"text,label\na,x\n"), "is compressed by bzip2, but plain text"),
    (".csv", lzma.compress(b"text,label\na,x\n"), "is compressed by xz, but plain text in UTF-8"),
    (".csv", "text,label\na,x\n".encode("utf-32"), "is text in UTF-32, but plain text in UTF-8"),
    (".jsonl", "version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, but"),
    (
        ".csv",
        b"PK\x03\x04 and more",
        "is a zip archive or a workbook, but plain text in UTF-8 is due",
    ),
    (".csv", "", "is empty, but a first row with the names of columns is due"),
    (".csv", "text,label\n", "which has no rows"),
    (".jsonl", "\n\n", "which has no rows"),
    (
        ".parquet",
        {"text": pa.array([], pa.string()), "label": pa.array([], pa.string())},
        "which has no rows",
    ),
    (".parquet", "text,label\na,x\n", "which cannot be read: Parquet magic bytes not found"),
    # JSON that is no line of an object.
    (
        ".jsonl",
        json.dumps([{"text": "a", "label": "x"}]),
        "has the list [{'text': 'a', 'label': 'x'}] in its line 1",
    ),
    (
        ".jsonl",
        json.dumps({"text": "a"}, indent=1),
        "has no JSON object in its line 1 at character 2, but one per",
    ),
    (
        ".jsonl",
        '{"text":"a","label":1}{"text":"b","label":0}',
        "has no JSON object in its line 1 at character 23",
    ),
    (
        ".jsonl",
        '{"text":"a","label":1}\n{"text":"b","la',
        "has no JSON object in its line 2 at character 13",
    ),
    (".jsonl", '{"text":"a","text":"b","label":1}', "has in its line 1 the key 'text' twice"),
    # A text is a string.
    (
        ".jsonl",
        json_lines({"text": ["a", "b"], "label": 1}),
        "t.jsonl, line 1, has the list ['a', 'b'] in 'text'",
    ),
    (
        ".jsonl",
        json_lines({"text": {"en": "a"}, "label": 1}),
        "line 1, has the object {'en': 'a'} in 'text'",
    ),
    (
        ".jsonl",
        '{"text":1.10,"label":1}',
        "line 1, has the number 1.10 in 'text', but a text is due",
    ),
    (
        ".jsonl",
        json_lines({"text": True, "label": 1}),
        "line 1, has the truth value true in 'text'",
    ),
    (
        ".jsonl",
        json_lines({"text": "a\ud83d", "label": 1}),
        "line 1, has half a character in 'text'",
    ),
    (
        ".jsonl",
        json_lines({"text": "a", "label": 1}, {"label": 1}),
        "t.jsonl, line 2, has no 'text'",
    ),
    (
        ".jsonl",
        json_lines({"text": "a", "label": "x\ud83d"}),
        "line 1, has half a character in 'label'",
    ),
    (
        ".jsonl",
        json_lines({"text": "a", "label": 1}) + '{"text":' + "[" * 50_000 + "]" * 50_000 + "}",
        "has in its line 2 lists or objects nested too deeply",
    ),
    (
        ".parquet",
        {"text": [b"a", b"b"], "label": ["x", "y"]},
        "t.parquet, row 1, has the bytes b'a' in 'text'",
    ),
    (
        ".parquet",
        {"text": [["a"], ["b"]], "label": ["x", "y"]},
        "row 1, has the list ['a'] in 'text', but a text",
    ),
    (
        ".parquet",
        {"text": [1, 2], "label": ["x", "y"]},
        "row 1, has the number 1 in 'text', but a text is due",
    ),
    (
        ".parquet",
        {"text": [{"x": "a"}], "label": ["x"]},
        "row 1, has the object {'x': 'a'} in 'text', but a text",
    ),
    (".parquet", {"text": ["a", None], "label": ["x", "y"]}, "t.parquet, row 2, has no 'text'"),
    (".parquet", {"text": pa.nulls(2), "label": ["x", "y"]}, "t.parquet, row 1, has no 'text'"),
    (".csv", "text,label\n,x\n ,y\n", "t.csv has only empty texts in 'text'"),
    # A label is one text, whole number or truth value.
    (".csv", "text,label\na,x\nb,\n", "t.csv, line 3, has no 'label'"),
    (".jsonl", json_lines({"text": "a", "label": " "}), "t.jsonl, line 1, has no 'label'"),
    (".jsonl", json_lines({"text": "a", "label": None}), "t.jsonl, line 1, has no 'label'"),
    (
        ".jsonl",
        json_lines({"text": "a", "label": ["x"]}),
        "line 1, has the list ['x'] in 'label', allowed is one",
    ),
    (
        ".jsonl",
        '{"text":"a","label":NaN}',
        "line 1, has the number NaN in 'label', allowed is one text, whole",
    ),
    (
        ".parquet",
        {"text": TEXTS, "label": [["x"], ["y"]]},
        "row 1, has the list ['x'] in 'label', allowed is one",
    ),
    (
        ".parquet",
        {"text": TEXTS, "label": [1.0, 0.0]},
        "row 1, has the number 1.0 in 'label', allowed is one",
    ),
    (
        ".parquet",
        {"text": TEXTS, "label": pa.array([2**31 - 1, 0], pa.int32()).view(pa.date32())},
        "t.parquet has cells in 'label' that cannot be read: days=2147483647; must",
    ),
    (
        ".jsonl",
        '{"text":' + "9" * 5000 + ',"label":1}',
        "line 1, has the number 999999999999999999999999999999999999999999999999999999999... in",
    ),
    (
        ".parquet",
        {"text": TEXTS, "label": [datetime.date(2020, 1, 1)] * 2},
        "row 1, has the date datetime.date",
    ),
]


@pytest.mark.parametrize(("suffix", "content", "problem"), REFUSED)
def test_what_is_no_such_table_is_refused_by_a_sentence(
    tmp_path: Path, suffix: str, content: object, problem: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        rows_of(read(tmp_path, suffix, content))
    message = str(caught.value)
    assert problem in message
    path = tmp_path / f"t{suffix}"
    assert message.startswith((f"{KEY} is '{path}', which ", f"{path}, ", f"{path} has "))
    assert "\n" not in message
    assert len(message) < 400


NUMBERS: list[tuple[str, str | dict[str, Any], list[float]]] = [
    (".csv", "label,text\n1,a\n-.5,b\n+2e3,c\n 4. ,d\n", [1, -0.5, 2000, 4]),
    (".jsonl", json_lines({"label": 1.5}, {"label": "2"}), [1.5, 2]),
    (".parquet", {"label": pa.array([1, 2], pa.float32())}, [1, 2]),
    (".parquet", {"label": ["1.5", "2"]}, [1.5, 2]),
    (".parquet", {"label": pa.array([1, 2]).cast(pa.decimal128(25, 2))}, [1, 2]),
]


@pytest.mark.parametrize(("suffix", "content", "numbers"), NUMBERS)
def test_numbers_are_read_from_text(
    tmp_path: Path, suffix: str, content: object, numbers: list[float]
) -> None:
    assert read(tmp_path, suffix, content).numbers("label") == numbers


NO_NUMBERS: list[tuple[str, str | dict[str, Any], str]] = [
    (
        ".csv",
        'label,text\n1,a\n"1,5",b\n',
        "t.csv, line 3, has the text '1,5' in 'label', allowed are finite",
    ),
    (".csv", "label,text\n1,a\n,b\n", "t.csv, line 3, has no 'label'"),
    (
        ".jsonl",
        '{"label":Infinity}',
        "line 1, has the number Infinity in 'label', allowed are finite",
    ),
    (".jsonl", '{"label":true}', "line 1, has the truth value true in 'label', allowed are finite"),
    (".jsonl", '{"label":[1]}', "line 1, has the list ['1'] in 'label', allowed are finite"),
    (
        ".parquet",
        {"label": [1.0, float("nan")]},
        "row 2, has the number nan in 'label', allowed are finite",
    ),
    (
        ".parquet",
        {"label": [1.0, 1e39]},
        "row 2, has the number 1e+39 in 'label', allowed are finite",
    ),
    (".parquet", {"label": [1.0, None]}, "t.parquet, row 2, has no 'label'"),
]


@pytest.mark.parametrize(("suffix", "content", "problem"), NO_NUMBERS)
def test_what_is_no_number_is_refused(
    tmp_path: Path, suffix: str, content: object, problem: str
) -> None:
    with pytest.raises(ParamsError, match="has") as caught:
        read(tmp_path, suffix, content).numbers("label")
    assert problem in str(caught.value)


def test_a_late_odd_label_is_a_label(tmp_path: Path) -> None:
    """A reader that infers types from blocks of rows gives numbers first and text later."""
    labels = ["1", "0"] * 150_000 + ["odd"]
    content = "text,label\n" + "".join(f"a,{label}\n" for label in labels)
    assert read(tmp_path, ".csv", content).labels("label") == labels


def test_a_text_may_be_long(tmp_path: Path) -> None:
    long = "a" * 200_000  # more than the default limit of the module csv
    assert read(tmp_path, ".csv", f"text,label\n{long},x\n").texts("text") == [long]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_folder_is_no_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"t{suffix}").mkdir()
    with pytest.raises(
        ParamsError, match=r"^own\.mine\.train is '.*', which is a folder, but a file"
    ):
        reading.table(str(tmp_path / f"t{suffix}"), KEY)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a" * 300 + ".csv", "which cannot be read: File name too long"),
        ("~of-no-user/a.csv", "but ~ names no user of this machine"),
    ],
)
def test_a_path_that_leads_nowhere_is_named_with_its_setting(path: str, problem: str) -> None:
    with pytest.raises(ParamsError) as caught:
        reading.table(path, KEY)
    assert str(caught.value) == f"{KEY} is {path!r}, {problem}"


def test_a_folder_that_is_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "label=2"
    folder.mkdir()
    assert list(read(folder, ".parquet", {"text": ["a"]}).names) == ["text"]


def test_text_that_arrow_cannot_decode_is_refused(tmp_path: Path) -> None:
    broken = pa.array([b"caf\xe9"]).view(pa.string())
    with pytest.raises(ParamsError, match=r"t\.parquet has cells in 'text' that cannot be read"):
        read(tmp_path, ".parquet", {"text": broken, "label": ["x"]}).texts("text")


def test_lines_of_a_text_end_in_any_way(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes("\ufeffa\u2028b\r\nc\rd\n".encode())
    assert reading.lines(str(path), "data.novels.train") == ["a\u2028b", "c", "d", ""]
    path.write_bytes(gzip.compress(b"a"))
    with pytest.raises(
        UserError, match=r"^data\.novels\.train is '.*', which is compressed by gzip"
    ):
        reading.lines(str(path), "data.novels.train")


@pytest.mark.parametrize("seed", range(3))
def test_a_csv_of_any_texts_comes_back(tmp_path: Path, seed: int) -> None:
    """A writer of CSV that doubles its quotes is understood, whatever the texts are."""
    generator = np.random.default_rng(seed)
    letters = [*'a"", \n\r\t\u00e9']
    texts = ["".join(generator.choice(letters, generator.integers(1, 9))) + "." for _ in range(200)]
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        out = io.StringIO(newline="")
        csv.writer(out, quoting=quoting).writerows([("text", "label"), *((t, "y") for t in texts)])
        assert rows_of(read(tmp_path, ".csv", out.getvalue())) == [(text, "y") for text in texts]
