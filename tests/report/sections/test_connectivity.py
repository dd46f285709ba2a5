"""The section on connectivity, from the rows of made-up walks by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.tickets import files, settings
from stages.tickets.report.section import Section
from stages.tickets.report.sections import connectivity
from stages.tickets.statistics import paths
from stages.tickets.statistics.paths import PLACE, Walk
from tests.made_up import config, study
from tests.statistics.test_paths import CLASSES, LENGTHS, logits_of, tables, wrong_at

RIDGE = [wrong_at(), wrong_at(*range(20)), wrong_at(*range(4))]
FLAT = [wrong_at(0), wrong_at(0), wrong_at(0, 1)]
CHANCE = [np.zeros(200, int)] * 3
TASK = "sentiment"


def walk(points: list[np.ndarray], seed: int, *place: object, refitted: bool = False) -> Walk:
    logits = np.stack([logits_of(point) for point in points])
    flat = np.stack([logits_of(point) for point in FLAT])
    arrays = {"validation.logits": logits, "train.logits": logits, "train.rows": np.arange(200)}
    if refitted:
        arrays |= {"validation.refit": flat, "train.refit": flat}
    return Walk(dict(zip(PLACE, (TASK, *place), strict=True)), str(seed), arrays, LENGTHS)


WALKS = [
    pair
    for seed in (1, 2, 3)
    for pair in (
        walk(FLAT, seed, "dense", 0, 0, "order", "rest"),
        walk(RIDGE, seed, "dense", 0, 0, "head", "rest", refitted=True),
        walk(RIDGE, seed, "ticket", 2, 50, "order", "rest"),
        walk(CHANCE, seed, "random", 2, 0, "order", "rest"),
    )
]


@pytest.fixture
def made(tmp_path: Path) -> Section:
    rows = tables(WALKS, replace(CLASSES, name=TASK))
    for name, columns in paths.COLUMNS.items():
        files.save_table(
            rows[name], columns, tmp_path / "results" / "runs" / "barriers" / TASK / f"{name}.csv"
        )
    asked = config(3, 3, 2)
    on = asked.connectivity.model_copy(update={"tasks": (TASK,)})
    return section_of(asked.model_copy(update={"connectivity": on}), tmp_path)


def section_of(asked: settings.Study, folder: Path) -> Section:
    results = replace(study(asked).results, folder=folder / "results")
    return connectivity.section(results, asked)


def cells(section: Section) -> list[dict[str, Any]]:
    table = section.tables[0]
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_barriers_and_verdicts_stand_in_points(made: Section) -> None:
    order, head, ticket, random = cells(made)
    assert [row["verdict"] for row in cells(made)] == [
        "stable",
        "unstable",
        "unstable",
        "at chance",
    ]
    assert order["barrier"].startswith("0.0 ± ")
    assert head["barrier"].startswith("9.0 ± ")
    assert head["Frankle's"].startswith("9.0 ± ")
    assert head["refitted"].startswith("0.0 ± ")
    assert order["refitted"] == random["barrier"] == "–"
    assert (ticket["network"], ticket["from"], ticket["sparsity"]) == (
        "ticket",
        "50\xa0%",
        "60\xa0%",
    )
    assert [row["n"] for row in (order, head, ticket, random)] == ["3", "3", "3", "–"]
    assert made.answer == "Of 4 kinds of pairs: stable 1, unstable 2, at chance 1."
    assert {claim.word for claim in made.claims} <= {"not run", "no evidence", "undecided"}


def test_csv_has_fractions_and_the_figure_the_copies_by_order_alone(made: Section) -> None:
    table, figure = made.tables[0], made.figures[0]
    assert table.records[1]["mean"] == pytest.approx(0.09)
    assert table.records[1]["frankle_mean"] == pytest.approx(0.09)
    assert [(row["net"], row["point"]) for row in figure.records] == [
        ("dense", 0), ("ticket", 50), ("random", 0),
    ]  # fmt: skip
    assert "<svg" in figure.svg
    assert not figure.missing


def test_without_copies_the_section_says_why(tmp_path: Path) -> None:
    off = section_of(config(3, 3, 2), tmp_path)
    assert off.answer == "Not run: connectivity.tasks is empty in params.yaml."
    missing = {shown.missing for shown in off.figures} | {shown.missing for shown in off.tables}
    assert missing == {"not run: connectivity.tasks is empty in params.yaml"}
    assert {claim.why for claim in off.claims} == missing
