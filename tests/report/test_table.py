"""What holds for every table of a report, on made-up results; tables as csv, Markdown and TeX."""

import csv
import io
import re

import pytest

from stages.tickets.report import table as tables
from stages.tickets.report.table import Column, Record, Table, spread
from stages.tickets.statistics.intervals import Summary
from tests.made_up import SIZES, Size, sections_of

TABLE = Table("a_b", "50 % of_it", ("task", "x ± y"), (("own_task", "−1.0*"), ("a|b", "< 0.1")))


def tables_of(size: Size, everything: bool) -> list[Table]:
    return [table for section in sections_of(size, everything) for table in section.tables]


def test_a_quantity_is_shown_and_written_by_its_column() -> None:
    rows = [("a", Summary(0.5, None, None, None, 1)), ("b", None)]
    columns = [
        Column("task", lambda row: row[0], {"task": lambda row: row[0]}),
        Column("score", lambda row: "–" if row[1] is None else f"{row[1].mean:.1f}"),
        Column("", csv=spread(lambda row: row[1], "score_")),
    ]
    made = tables.table("scores", "Scores.", rows, columns)
    assert made.header == ("task", "score")
    assert made.rows == (("a", "0.5"), ("b", "–"))
    assert tables.to_csv(made.records) == (
        "task,score_mean,score_std,score_low,score_high,score_n\na,0.5,,,,1\nb,,,,,0\n"
    )
    assert tables.table("scores", "Scores.", [], columns, "not run: why").missing == "not run: why"


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_no_cell_is_blank_or_nan_and_rows_are_as_wide_as_the_header(
    size: Size, everything: bool
) -> None:
    for table in tables_of(size, everything):
        assert bool(table.rows) != bool(table.missing), table.name
        for row in table.rows:
            assert len(row) == len(table.header), table.name
            assert all(cell and "nan" not in cell.split() for cell in row), (table.name, row)
        assert len({tuple(record) for record in table.records}) <= 1, table.name


def test_what_did_not_run_says_why() -> None:
    all_tables = tables_of((1, 1, 1, False), everything=False)
    missing = {table.name: table.missing for table in all_tables if table.missing}
    for name in ("controls", "standard", "transfer", "rewinding", "cross", "subnetworks", "hans"):
        assert missing[name].startswith("not run: "), name
    assert missing["transfer"] == "not run: transfer.sources is empty in params.yaml"
    assert missing["other_metrics"] == "no task has a second metric"


def test_csv_has_six_digits_and_empty_cells_for_nothing() -> None:
    records: list[Record] = [{"task": "a", "mean": 2 / 3, "std": None, "n": 3}]
    assert tables.to_csv(records) == "task,mean,std,n\na,0.666667,,3\n"
    assert next(csv.reader(io.StringIO(tables.to_csv([], "not run: x, y")))) == ["not_run"]


def test_markdown_is_escaped() -> None:
    assert tables.to_markdown(TABLE) == (
        "| task | x ± y |\n| --- | ---: |\n| own\\_task | −1.0\\* |\n| a\\|b | \\< 0.1 |\n\n"
        "50 % of\\_it\n"
    )


def test_tex_is_escaped() -> None:
    tex = tables.to_tex(TABLE)
    assert r"own\_task & $-$1.0* \\" in tex
    assert r"\caption{50 \% of\_it}" in tex
    assert r"$<$ 0.1" in tex
    assert tex.isascii()


def test_every_tex_file_is_ascii() -> None:
    for table in tables_of(SIZES[-1], True):
        assert tables.to_tex(table).isascii(), table.name


def num_sentences(caption: str) -> int:
    """Sentences of a caption, without those that say why a part did not run."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z†*θ])", caption)
    return sum("not run:" not in sentence for sentence in sentences)


@pytest.mark.parametrize("everything", [False, True])
def test_a_caption_has_at_most_three_sentences(everything: bool) -> None:
    long = {
        table.name: number
        for table in tables_of(SIZES[-1], everything)
        if (number := num_sentences(table.caption)) > 3
    }
    assert long == {}
    assert num_sentences("One. Two, 0.5 of it. † three.") == 3
