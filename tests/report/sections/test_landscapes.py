"""Landscapes and curvature as the report shows them, on files made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.landscapes import by_matrix, pairs
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.sections import landscapes
from stages.tickets.report.sections.landscapes import figures, measured
from tests.made_up import config, study

AT = np.array([-1.0, 0.0, 1.0])
POINTS = {
    "theta_0, seed 1": (0, 0, 0, 0.9),
    "network, seed 1": (1, 0, 0, 0.3),
    "network, seed 2": (0, 1, 0, 0.25),
    "mean of both": (0.5, 0.5, 0, 0.2),
    "theta_50, seed 1": (0.4, 0.1, 0.2, 0.5),
}
PLACES = [(0, "output.dense"), (0, "all"), (None, "output.dense"), (None, "all")]


def surface(folder: Path, scale: float) -> None:
    """A bowl with 0.3 in its middle and 0.3 + 2 * scale in its corners."""
    loss = 0.3 + scale * (AT[:, None] ** 2 + AT**2)
    arrays = {"x": AT, "y": AT, "loss": loss, "error": loss / 10}
    files.save_arrays(arrays, folder / "surface.safetensors")


def curved(folder: Path, total: float) -> None:
    rows = []
    for layer, matrix in PLACES:
        numbers = dict.fromkeys(by_matrix.COLUMNS, 0.25)
        place = {"layer": layer, "matrix": matrix, "size": 100, "kept": 40}
        rows.append(numbers | place | {"sum": 10 * total, "scaled": total, "scaled_error": 0.3})
    files.save_table(rows, by_matrix.COLUMNS, folder / "curvature.csv")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Two seeds of the dense network, and a pair of them."""
    made = study(config(1, 2, 1)).results
    task = made.study.tasks[0]
    places: dict[str, list[dict[str, object]]] = {"landscapes": [], "curvature": []}
    for seed, scale in ((1, 1.0), (2, 4.0)):
        for name, entries in places.items():
            folder = f"results/runs/{name}/{seed}"
            entries.append({"task": task, "seed": seed, "round": 0, "folder": folder})
        surface(tmp_path / "results" / "runs" / "landscapes" / str(seed), scale)
        record = {"loss": 0.3, "error": 0.03}
        files.save_record(record, tmp_path / f"results/runs/landscapes/{seed}/record.json")
        curved(tmp_path / "results" / "runs" / "curvature" / str(seed), 2.0 * seed)
    of_pair = tmp_path / "results" / "runs" / "planes"
    surface(of_pair, 2.0)
    keys = [*pairs.MARKS]
    rows = [dict(zip(keys, (name, *at, 0.1), strict=True)) for name, at in POINTS.items()]
    files.save_table(rows, pairs.MARKS, of_pair / "marks.csv")
    record = {"curvature": 0.7, "density": 1.0, "length": 3.0, "mid_gap": -0.075}
    files.save_record(record, of_pair / "record.json")
    pair = {"task": task, "seed": 1, "other": "2", "round": 0, "folder": "results/runs/planes"}
    manifest = replace(made.manifest, places={**places, "planes": [pair]})
    return replace(made, manifest=manifest, folder=tmp_path / "results")


@pytest.fixture
def section(results: Results) -> Section:
    return landscapes.section(results, results.study)


def test_colours_are_clipped_where_the_caption_says(section: Section) -> None:
    """Above the network's: 0, 1, 2 of one and 0, 4, 8 of the other; three quarters lie up to 4."""
    shown = section.figures[0]
    assert "All losses of 4 above the network's or more have one colour." in shown.caption
    assert "<svg" in shown.svg
    assert len(shown.records) == 18
    assert {record["loss"] for record in shown.records} == {0.3, 1.3, 2.3, 4.3, 8.3}
    low, high, levels = figures.scale(np.arange(101.0))
    assert (low, high, levels) == (0, 80, [10 * step for step in range(9)])
    flat = figures.scale(np.zeros(9))
    assert flat[0] < flat[1]


def test_a_flat_surface_is_drawn_and_nothing_is_clipped(results: Results, tmp_path: Path) -> None:
    for seed in (1, 2):
        surface(tmp_path / "results" / "runs" / "landscapes" / str(seed), 0.0)
    shown = landscapes.section(results, results.study).figures[0]
    assert "<svg" in shown.svg
    assert "one colour" not in shown.caption


def test_marks_are_told_apart_by_what_they_are() -> None:
    assert [figures.kind_of(name) for name in POINTS] == [
        "theta_0", "network", "network", "mean", "theta"
    ]  # fmt: skip


def test_a_plane_is_shown_from_the_better_network_on(results: Results, section: Section) -> None:
    (plane,) = measured.surfaces(results, "planes")
    assert plane.base == 0.25
    assert section.figures[1].svg.count("<svg") == 1
    table = section.tables[1]
    cells = dict(zip(table.header, table.rows[0], strict=True))
    assert cells["mid gap"] == "-0.075"
    assert cells["−8 mid gaps"] == "0.6"
    assert cells["d'Hd"] == "0.7"
    points = section.tables[2]
    assert [row[2] for row in points.rows] == [*POINTS]
    assert points.rows[-1][3:] == ("0.40", "0.10", "20.0", "0.500", "0.100")


def test_curvature_is_averaged_over_seeds_and_its_errors_shrink(section: Section) -> None:
    """The errors 0.3 of two seeds are 0.3 / sqrt(2) of their mean."""
    table = section.tables[0]
    assert [row[2] for row in table.rows] == ["all matrices", "layer 0", "MLP out"]
    assert [row[5] for row in table.rows] == ["3 ± 0.21"] * 3
    assert [row[4] for row in table.rows] == ["30 ± 0.18"] * 3
    assert len(table.records) == 4  # csv has every matrix
    assert table.records[0]["layer"] == 0
    assert table.records[0]["matrix"] == "output.dense"
    assert table.records[0]["scaled_error"] == pytest.approx(0.3 / 2**0.5)
    assert {record["n"] for record in table.records} == {2}


def test_the_answer_is_about_curvature_then_pairs_then_planes(
    results: Results, section: Section
) -> None:
    assert section.answer == (
        "The sum of h · w² over the kept weights is 3 ± 0.21 (entailment, dense), and the type of "
        "matrices with most of it is MLP out (entailment, dense)."
    )
    places = dict(results.manifest.places)
    answers = []
    for name in ("curvature", "planes", "landscapes"):
        del places[name]
        less = replace(results, manifest=replace(results.manifest, places={**places}))
        answers.append(landscapes.section(less, results.study).answer)
    assert answers == [
        "In the middle between two networks the loss is not above the mean of both in 1 of 1 pair.",
        "The lowest loss on a random plane minus that of the network is 0, over 2 networks.",
        "Not run: landscapes.tasks is empty in params.yaml.",
    ]


def test_no_type_of_matrices_is_named_for_sums_that_may_be_noise(
    results: Results, tmp_path: Path
) -> None:
    """Of two seeds, 0.1 and 0.2 with errors of 0.3, the mean is 0.15 and its error 0.21."""
    for seed in (1, 2):
        curved(tmp_path / "results" / "runs" / "curvature" / str(seed), 0.1 * seed)
    assert landscapes.section(results, results.study).answer == (
        "The sum of h · w² over the kept weights is 0.15 ± 0.21 (entailment, dense), and no type of "
        "matrices has surely more than 0."
    )


def test_what_is_off_says_so() -> None:
    made = study(config(1, 1, 1)).results
    section = landscapes.section(made, made.study)
    assert section.answer == "Not run: landscapes.tasks is empty in params.yaml."
    reasons = [figure.missing for figure in section.figures]
    reasons += [table.missing for table in section.tables]
    assert reasons == [
        f"not run: {name}.tasks is empty in params.yaml"
        for name in ("landscapes", "planes", "curvature", "planes", "planes")
    ]
