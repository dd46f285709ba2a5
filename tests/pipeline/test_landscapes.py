"""Landscapes, planes and curvature of stored networks, from the stages to the page."""

import csv
from pathlib import Path

import numpy as np
import pytest

from stages.launch import inputs, networks
from stages.tickets import files
from stages.tickets.landscapes import by_matrix, pairs
from stages.tickets.plan import manifest
from stages.tickets.training import objective
from tests.pipeline.study import STUDY, TICKETS_ALONE, run_all

ROUNDS = {0: 0.0, 1: 0.4}
FEW = {"split": "validation", "number": 10, "draw": 0}
NETWORKS = {"tasks": ["mood"], "seeds": [1, 2], "rounds": [*ROUNDS]}
AROUND = STUDY | {
    "tasks": ["mood", "mlm"],
    "data": {"mlm": STUDY["data"]["mlm"]},
    "override": {"mood": {}, "mlm": {}},
    **TICKETS_ALONE,
    "landscapes": NETWORKS
    | {"examples": FEW, "grid": {"resolution": 3, "reach": 0.5, "directions": 0}},
    "planes": NETWORKS
    | {"tasks": ["mood", "mlm"], "seeds": [1], "others": [2], "examples": FEW}
    | {"grid": {"resolution": 5, "low": -0.5, "high": 1.5}},
    "curvature": NETWORKS
    | {"seeds": [1], "examples": FEW | {"split": "train"}, "estimate": {"probes": 3, "signs": 0}},
}
"""Two tasks, two seeds, two rounds, and the weights of the first round."""


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory, on_the_cpu: None) -> Path:  # noqa: ARG001
    return run_all(tmp_path_factory.mktemp("landscapes") / "project", AROUND)


def network(project: Path, task: str, seed: int, number: int) -> networks.Network:
    results = project / "results"
    loaded = inputs.load(task, seed, results / "encoder", results / "prepared" / task)
    weights, rounds = (results / part / task / f"seed-{seed}" for part in ("weights", "rounds"))
    return networks.load(loaded, weights, rounds, number)


@pytest.mark.parametrize(("number", "sparsity"), ROUNDS.items())
def test_a_stored_network_has_no_weights_outside_its_mask(
    around: Path, number: int, sparsity: float
) -> None:
    made = network(around, "mood", 1, number)
    assert made.sparsity == pytest.approx(sparsity, abs=1e-4)
    dropped = sum(int((~mask).sum()) for mask in made.kept.values())
    assert (dropped > 0) == (number > 0)
    assert all((made.weights[name][~mask] == 0).all() for name, mask in made.kept.items())
    start = around / "results" / "weights" / "mood" / "seed-1" / "theta-0.safetensors"
    loaded = inputs.load("mood", 1, *(around / "results" / p for p in ("encoder", "prepared/mood")))
    theta_0 = objective.weights_of(loaded.model(start))
    moved = [
        name
        for name, mask in made.kept.items()
        if (theta_0[name] != made.weights[name])[mask].any()
    ]
    assert moved == [*made.kept]  # it is trained


@pytest.mark.parametrize("number", ROUNDS)
def test_the_middle_of_a_landscape_is_the_network(around: Path, number: int) -> None:
    folder = around / "results" / "runs" / "landscapes" / "mood" / "seed-2" / f"round-{number}"
    surface, record = (
        files.load_arrays(folder / "surface.safetensors"),
        files.load_record(folder / "record.json"),
    )
    assert surface["loss"].shape == surface["error"].shape == (3, 3)
    assert list(surface["x"]) == list(surface["y"]) == [-0.5, 0, 0.5]
    assert (surface["loss"][1, 1], surface["error"][1, 1]) == (record["loss"], record["error"])
    assert len(np.unique(surface["loss"])) == 9
    assert record["examples"] == 10
    assert record["sparsity"] == pytest.approx(ROUNDS[number], abs=1e-4)
    assert len(set(record["directions"])) == 2


@pytest.mark.parametrize("task", ["mood", "mlm"])
@pytest.mark.parametrize("number", ROUNDS)
def test_a_plane_has_its_networks_at_the_ends_of_its_axes(
    around: Path, task: str, number: int
) -> None:
    folder = around / "results" / "runs" / "planes" / task / "seeds-1-2" / f"round-{number}"
    surface = files.load_arrays(folder / "surface.safetensors")
    assert list(surface["x"]) == [-0.5, 0, 0.5, 1, 1.5]
    with (folder / "marks.csv").open(encoding="utf-8") as file:
        marks = {row["name"]: row for row in csv.DictReader(file)}
    of_both = {"theta_0, seed 1": (0, 0), "network, seed 1": (1, 0), "network, seed 2": (0, 1)}
    theta = {"theta_50, seed 1", "theta_0, seed 2", "theta_50, seed 2"} if number == 0 else set()
    assert marks.keys() == {*of_both, "mean of both", *theta}
    for name, (x, y) in of_both.items():
        assert (float(marks[name]["x"]), float(marks[name]["y"])) == pytest.approx((x, y), abs=1e-5)
        index = (1 + 2 * y, 1 + 2 * x)
        assert float(marks[name]["loss"]) == pytest.approx(surface["loss"][index], rel=1e-5)
    assert all(tuple(row) == pairs.MARKS for row in marks.values())
    record = files.load_record(folder / "record.json")
    ends = [float(marks[name]["loss"]) for name in [*of_both][1:]]
    gap = float(marks["mean of both"]["loss"]) - sum(ends) / 2
    assert record["mid_gap"] == pytest.approx(gap, abs=1e-5)
    assert record["density"] == 1 if number == 0 else 0.6 < record["density"] < 1
    if theta:  # half of the way to the first network, and some of it beside the plane
        assert 0 < float(marks["theta_50, seed 1"]["x"]) < 1
        assert 0 < float(marks["theta_50, seed 1"]["off"]) < 1


@pytest.mark.parametrize("number", ROUNDS)
def test_curvature_is_that_of_every_matrix_and_of_their_groups(around: Path, number: int) -> None:
    folder = around / "results" / "runs" / "curvature" / "mood" / "seed-1" / f"round-{number}"
    with (folder / "curvature.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(tuple(row) == by_matrix.COLUMNS for row in rows)
    places = {(row["layer"], row["matrix"]): row for row in rows}
    assert len(rows) == len(places) == 2 * 6 + 2 + 6 + 1  # matrices, layers, types, all
    every = places["", "all"]
    kept = network(around, "mood", 1, number).kept
    assert int(every["kept"]) == sum(int(mask.sum()) for mask in kept.values())
    assert int(every["size"]) == sum(mask.numel() for mask in kept.values())
    for name in ("kept", "sum", "fisher", "positive"):
        parts = [float(places[layer, "all"][name]) for layer in "01"]  # its pooler is no encoder's
        assert sum(parts) == pytest.approx(float(every[name]), rel=1e-4, abs=1e-4)
    assert float(every["fisher"]) > 0
    assert float(every["sum_error"]) > 0


def test_the_manifest_has_all_three(around: Path) -> None:
    known = manifest.load(around / "results" / "manifest.json")
    assert {name: len(known.places[name]) for name in ("landscapes", "planes", "curvature")} == {
        "landscapes": 4, "planes": 4, "curvature": 2
    }  # fmt: skip
    found = known.place("planes", task="mlm", seed=1, other=2, round=1)
    assert (around / found / "surface.safetensors").is_file()


def test_the_page_shows_them(around: Path) -> None:
    report = around / "reports" / "tiny"
    for name, panels in {"landscapes": 4, "planes": 4}.items():
        with (report / "figures" / f"{name}.csv").open(encoding="utf-8") as file:
            points = list(csv.DictReader(file))
        networks_of = {(row["task"], row["seed"], row["round"]) for row in points}
        assert len(networks_of) == panels
        assert (report / "figures" / f"{name}.svg").is_file()
    with (report / "tables" / "curvature.csv").open(encoding="utf-8") as file:
        curved = [row for row in csv.DictReader(file) if row["matrix"] == "all"]
    assert {row["round"] for row in curved if not row["layer"]} == {"0", "1"}
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "How flat is the loss around trained networks?" in page
    assert "The sum of h · w² over the kept weights is " in page
