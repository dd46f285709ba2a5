"""Tables and figures of lines, from rows by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.tickets.report.scores import Run, run_of
from stages.tickets.report.sections.connectivity import figures, matching, tables
from stages.tickets.report.sections.connectivity.lines import Line, lines
from stages.tickets.report.table import Table
from stages.tickets.settings.connectivity import Start
from tests.made_up import config, manifest_of, study
from tests.made_up_lines import Lines, switched_on

TASK = "sentiment"
HANS = ("hans", "own", "accuracy")
SPACE = "\N{NO-BREAK SPACE}"


def ridge(height: float) -> list[float]:
    """A line from 10 to 10 points of error, with its top in the middle."""
    return [10.0, 10.0 + height, 10.0]


def of_seeds(*heights: float) -> dict[str, list[float]]:
    return {str(seed): ridge(height) for seed, height in enumerate(heights, 1)}


def made_lines(tasks: int = 2) -> Lines:
    return Lines(study(switched_on(config(tasks, 3, 2))))


def read(made: Lines, folder: Path) -> list[Line]:
    return lines(made.results(folder), made.made.config)


def cells(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_unlike_ends_are_a_barrier_to_frankle_and_none_to_the_chord(tmp_path: Path) -> None:
    made = made_lines()
    made.add((TASK, "dense", 0, 0, "order", "rest"), {"1": [10, 12, 18], "2": [10, 14, 18]})
    (line,) = read(made, tmp_path)
    assert line.frankle is not None
    assert line.chord is not None
    assert line.frankle.mean == pytest.approx(0.04)
    assert line.chord.mean == 0


def test_matching_and_stable_are_counted_by_pair(tmp_path: Path) -> None:
    """Three matching pairs are stable and three others are neither: 2 of 20 ways to choose three."""
    made = made_lines()
    made.add((TASK, "ticket", 2, 0, "order", "rest"), of_seeds(0, 1, 1.9), below=0.019)
    made.add((TASK, "random", 2, 0, "order", "rest"), of_seeds(2.1, 5, 9), below=0.021)
    made.add((TASK, "reinitialised", 2, 0, "order", "rest"), of_seeds(0, 0, 0), 0.4, learned=0)
    made.add((TASK, "dense", 0, 0, "order", "rest"), of_seeds(0, 0, 0))
    made.add((TASK, "ticket", 2, 0, "head", "rest"), of_seeds(9, 9, 9))
    rows, results = read(made, tmp_path), made.results(tmp_path)
    counted = matching.pairs(rows, results, made.made.config)
    table = matching.matching_table(counted, made.made.config, "")
    assert [list(row.values()) for row in cells(table)] == [
        ["ticket", "3", "0", "0", "0", "0", "3", "–"],
        ["random", "0", "0", "0", "3", "0", "3", "–"],
        ["reinitialised", "0", "0", "0", "0", "3", "0", "–"],
        ["all", "3", "0", "0", "3", "3", "6", "0.100"],
    ]
    assert len(table.records) == 9
    assert dict(table.records[1]) | {"gain": None} == {
        "task": TASK, "net": "ticket", "round": 2, "point": 0, "seed": 2, "gain": None,
        "barrier": pytest.approx(0.01), "matches": True, "stable": True,
    }  # fmt: skip
    assert table.records[1]["gain"] == pytest.approx(-0.019)
    assert matching.answer(counted) == (
        "Of 6 pairs of copies of subnetworks under other order and dropout 3 match and are stable, 0 "
        "match alone, 0 are stable alone and 3 are neither."
    )


def test_what_cannot_be_stable_or_has_learned_nothing_is_not_counted(tmp_path: Path) -> None:
    made = made_lines(3)
    for task, metric in (("entailment", "accuracy"), (TASK, "accuracy"), ("similarity", "pearson")):
        place = (task, "ticket", 2, 0, "order", "rest")
        made.add(place, of_seeds(0, 0, 0), 0.01, metric=metric)
    low = (0.3, 0.5, 0.43)
    rows = [
        replace(row, score=low[(row.seed or 0) - 1])
        if (row.task, row.kind, row.headline) == ("entailment", "dense", True)
        else row
        for row in made.made.scores
    ]
    made.made = replace(made.made, scores=rows)
    results = made.results(tmp_path)
    assert results.no_evidence == ("entailment",)
    counted = matching.pairs(lines(results, made.made.config), results, made.made.config)
    assert {pair.task for pair in counted} == {TASK}


def test_rounds_stand_beside_what_their_masks_share(tmp_path: Path) -> None:
    """Tickets of round 1 are 1.9 points below, 1.9 below and 2.1 above dense, by how they are made up."""
    made = made_lines()
    place = (TASK, "rounds 0 and 1", 1, None, "stored", "")
    made.add(place, of_seeds(1, 2, 3), jaccard=0.7, union=0.9)
    made.add((TASK, "dense", 0, None, "stored", ""), {"1 2": ridge(4)})
    results = made.results(tmp_path)
    rows = lines(results, made.made.config)
    (row,) = cells(tables.rounds_table(rows, results, made.made.config, ""))
    assert (row["rounds"], row["sparsities"]) == ("0 and 1", f"0{SPACE}% and 30{SPACE}%")
    assert (row["Jaccard"], row["union"], row["n"]) == ("0.700", f"90{SPACE}%", "3")
    assert row["barrier"].startswith("2.0 ± ")
    assert row["later − dense"].startswith("−0.6 [")


def test_geometry_and_function_are_means_over_pairs(tmp_path: Path) -> None:
    made = made_lines()
    made.add(
        (TASK, "dense", 0, 0, "order", "rest"), {"1": [10, 12, 20], "2": [12, 14, 18]}, learned=0
    )
    made.add(
        ("entailment", "dense", 0, 0, "order", "rest"), {"1": ridge(0)}, ratio=None, cosine=None
    )
    second, first = cells(tables.geometry_table(read(made, tmp_path), ""))
    assert [first[name] for name in ("distance", "way", "distance / way", "angle")] == [
        "2", "2.5", "0.80", "60°",
    ]  # fmt: skip
    assert (first["labels differ"], first["by chance"]) == (f"4{SPACE}%", f"15{SPACE}%")
    assert (first["two networks"], first["mean weights"], first["mean logits"]) == (
        "85.0", "90.0", "91.0",
    )  # fmt: skip
    assert (first["n"], second["n"]) == ("2", "1")
    assert (second["way"], second["angle"], second["two networks"]) == ("–", "–", "90.0")


def test_hans_has_a_table_only_if_lines_were_scored_there(tmp_path: Path) -> None:
    made = made_lines()
    place = (TASK, "dense", 0, 0, "order", "rest")
    made.add(place, of_seeds(0, 0))
    assert tables.hans_tables(read(made, tmp_path)) == ()
    made.add((TASK, "ticket", 2, 0, "order", "rest"), of_seeds(0, 0), more={
        HANS: {"1": [40, 50, 44], "2": [42, 52, 46]}, ("hans", "own", "loss"): of_seeds(1, 1),
    })  # fmt: skip
    (table,) = tables.hans_tables(read(made, tmp_path))
    (row,) = cells(table)
    assert row["network"] == "ticket"
    assert [row[name] for name in ("first end", "middle", "second end")] == ["41.0", "51.0", "45.0"]
    assert row["barrier"].startswith("8.0 ± ")


def test_a_figure_of_a_single_task_and_seed_is_drawn(tmp_path: Path) -> None:
    made = Lines(study(switched_on(config(1, 1, 1))))
    made.add(("entailment", "dense", 0, 0, "order", "rest"), {"1": ridge(3)})
    section = made.section(tmp_path)
    main, paths, seeds = section.figures
    assert "<svg" in main.svg
    assert "<svg" in paths.svg
    assert seeds.missing == figures.NO_SEEDS
    assert [record["error"] for record in paths.records] == [10, 13, 10]


def test_paths_are_of_the_earliest_start_and_the_last_round(tmp_path: Path) -> None:
    made = made_lines()
    for net, number, point, arm, steps in (
        ("dense", 0, 0, "order", "rest"), ("dense", 0, 0, "head", "rest"),
        ("dense", 0, 50, "order", "rest"), ("ticket", 1, 0, "order", "rest"),
        ("ticket", 2, 50, "order", "rest"), ("ticket", 2, 50, "order", "all"),
    ):  # fmt: skip
        made.add((TASK, net, number, point, arm, steps), {"1": ridge(1)})
    shown = figures.on_paths(read(made, tmp_path))
    assert [(line.net, line.round, line.point, line.arm, line.steps) for line in shown] == [
        ("dense", 0, 0, "order", "rest"),
        ("dense", 0, 0, "head", "rest"),
        ("ticket", 2, 50, "order", "rest"),
    ]


def test_the_map_of_seeds_is_symmetric_and_empty_on_its_diagonal(tmp_path: Path) -> None:
    made = made_lines()
    pairs = {"1 2": ridge(1), "1 3": ridge(2), "2 3": ridge(3)}
    made.add(("entailment", "dense", 0, None, "stored", ""), pairs)
    heights = {pair: (curve[1] - 10) / 100 for pair, curve in pairs.items()}
    cells = figures.heat_map("entailment", heights, 3.0, made.results(tmp_path))
    assert cells.values == [
        [None, pytest.approx(1), pytest.approx(2)],
        [pytest.approx(1), None, pytest.approx(3)],
        [pytest.approx(2), pytest.approx(3), None],
    ]
    assert cells.texts[1][2] == "3.0"
    assert cells.names == (["1", "2", "3"], ["1", "2", "3"])
    assert len(cells.margin) == 3


def test_copies_of_several_rounds_from_one_point_are_runs_of_their_own() -> None:
    asked = switched_on(config(1, 2, 2))
    starts = tuple(
        Start(net="ticket", round=number, point=point, arm="order", steps="rest")
        for number in (1, 2)
        for point in (0, 50)
    )
    on = asked.connectivity.model_copy(update={"starts": starts, "seeds": asked.seeds})
    runs = manifest_of(asked.model_copy(update={"connectivity": on})).runs
    copies = [(run_of(vars(run)), run.seed) for run in runs if run.kind == "copy"]
    assert len(copies) == len(set(copies)) == 2 * 2 * 4
    assert (Run("entailment", "copy", 50, "ticket-2-order-rest-1"), 1) in copies
