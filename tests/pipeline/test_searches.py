"""Subnetworks that were searched, drawn and retrained, and patterns of attention."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.tickets import files
from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.structure import Structure
from tests.pipeline.study import STUDY, options, run


def subnetwork(project: Path, kind: str, seed: int, name: str) -> Path:
    return project / "results" / "runs" / kind / "mood" / f"seed-{seed}" / name


def size(project: Path, kind: str, seed: int, name: str) -> dict[str, int]:
    return files.load_record(subnetwork(project, kind, seed, name) / "subnetwork.json")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_and_bad_subnetworks_have_the_size_of_the_good_one(project: Path, seed: int) -> None:
    for name in ("random", "bad", "random-2"):
        good, other = (size(project, "structured", seed, one) for one in ("good", name))
        assert [good[key] for key in ("heads", "mlps")] == [other[key] for key in ("heads", "mlps")]
    for name in ("random", "bad"):
        good, other = (size(project, "magnitude", seed, one) for one in ("good", name))
        assert good["kept"] == other["kept"]
    top = size(project, "structured-super", seed, "super")
    assert (
        top["heads"]
        == top["heads_of_good_too"]
        <= size(project, "structured", seed, "good")["heads"]
    )


def test_what_was_searched_is_told_by_task_and_seed(project: Path) -> None:
    searched = pd.read_csv(project / "results" / "survival" / "searched.csv")
    assert len(searched) == 2 * 2 * len(STUDY["search"]["rule"]["variants"])
    structured = searched[searched["variant"] != "magnitude"]
    assert (structured["heads"] <= structured["all_heads"]).all()
    good = searched[searched["dense_score"] > 0]
    assert (good["score"] >= 0.9 * good["dense_score"] - 1e-12).all()
    assert (searched[searched["dense_score"] <= 0]["steps"] == 0).all()
    agreement = pd.read_csv(project / "results" / "survival" / "agreement.csv")
    assert set(agreement["axis"]) == {"seeds", "tasks", "two tasks", "halves", "rules"}
    places = pd.read_csv(project / "results" / "survival" / "places.csv")
    whole = places[places["task"].isna() & (places["variant"] == "joint")]
    assert len(whole) == 2 * 2 + 2
    assert whole["mean"].between(0, 2).all()


def structure_of(project: Path, task: str, seed: int) -> structure.Structure:
    folder = project / "results" / "runs" / "search" / task / f"seed-{seed}" / "joint"
    return files.load_structure(folder / "structure.safetensors")


def test_importance_stands_beside_the_magnitude_of_the_weights(project: Path) -> None:
    """Of a head by hand; kept and dropped as the search's files say."""
    table = pd.read_csv(project / "results" / "survival" / "importance.csv")
    trace = project / "results" / "runs" / "search" / "mood" / "seed-1" / "joint" / "trace.json"
    steps = files.load_record(trace)["steps"]
    here = table[(table["task"] == "mood") & (table["seed"] == 1)]
    assert len(here) == (2 * 2 + 2 if steps else 0)
    kept = structure_of(project, "mood", 1)
    weights = files.load_arrays(
        project / "results" / "weights" / "mood" / "seed-1" / "trained.safetensors"
    )
    layer = "bert.encoder.layer.1.attention"
    own = slice(8, 16)
    pieces = [
        weights[f"{layer}.self.{name}.{kind}"][own].ravel()
        for name in ("query", "key", "value")
        for kind in ("weight", "bias")
    ]
    pieces.append(weights[f"{layer}.output.dense.weight"][:, own].ravel())
    mean = np.abs(np.concatenate(pieces)).mean()
    for row in here[(here["layer"] == 1) & (here["head"] == 1)].itertuples():
        assert row.magnitude == pytest.approx(mean, rel=1e-4)
        assert row.kept == kept.heads[1, 1]
        assert row.importance == pytest.approx(steps[0]["head_importance"][1][1])


def test_layers_of_the_magnitude_search_add_up_to_the_mask(project: Path) -> None:
    table = pd.read_csv(project / "results" / "survival" / "layers.csv")
    folder = project / "results" / "runs" / "search" / "mood" / "seed-2" / "magnitude"
    mask = files.load_mask(folder / "mask.safetensors")
    here = table[(table["task"] == "mood") & (table["seed"] == 2)]
    assert here["size"].sum() == masks.num_weights(mask)
    assert here["kept"].sum() == masks.num_survivors(mask)


def test_random_heads_from_random_weights_are_those_of_the_random_subnetwork(project: Path) -> None:
    folder = project / "results" / "runs" / "scratch-structured" / "mood" / "seed-1" / "random"
    sizes = files.load_record(folder / "subnetwork.json")
    drawn = size(project, "structured", 1, "random")
    assert sizes == {key: drawn[key] for key in ("kept", "prunable")}
    scratch, retrained = (
        files.load_record(one / "history.json")["losses"]
        for one in (folder, subnetwork(project, "structured", 1, "random") / "retrained")
    )
    assert len(scratch) == len(retrained)
    assert scratch != retrained


def test_patterns_are_those_of_every_model_head_and_network(project: Path) -> None:
    folder = project / "results" / "patterns"
    networks = STUDY["patterns"]["network"]["seeds"]
    confusion = pd.read_csv(folder / "networks" / "confusion.csv")
    assert (confusion.groupby(["map", "network"])["maps"].sum() == 10).all()
    for task in STUDY["patterns"]["tasks"]:
        shares = pd.read_csv(folder / "tasks" / task / "shares.csv")
        where = ["state", "seed", "heads", "map", "network"]
        groups = shares.groupby(where, dropna=False)["share"]
        assert groups.sum().to_numpy() == pytest.approx(1.0, abs=1e-5)
        every = shares[shares["heads"] == "all"]
        assert len(every) == 5 * 2 * len(networks) * 3  # two seeds, and the pre-trained encoder
        assert set(every["maps"]) == {5 * 4}
        heads = pd.read_csv(folder / "tasks" / task / "heads.csv")
        of_head = heads.groupby(["state", "seed", "map", "network", "layer", "head"], dropna=False)
        assert (of_head["examples"].sum() == 5).all()
        assert len(of_head) == 2 * len(networks) * 3 * 4
        structures = [
            files.load_structure(
                project
                / "results/runs/search"
                / task
                / f"seed-{seed}"
                / "joint/structure.safetensors"
            )
            for seed in (1, 2)
        ]
        survives = heads.groupby(["layer", "head"])["survives"].first().to_numpy()
        expected = np.sum([one.heads for one in structures], axis=0)
        assert survives.tolist() == expected.ravel().tolist()


def test_a_task_without_super_survivors_has_no_rows_of_them(project: Path, tmp_path: Path) -> None:
    """Seed 2 is made to keep no head."""
    searched = tmp_path / "searched"
    shutil.copytree(project / "results" / "runs" / "search" / "mood", searched)
    path = searched / "seed-2" / "joint" / "structure.safetensors"
    found = files.load_structure(path)
    files.save_structure(Structure(np.zeros_like(found.heads), found.mlps), path)
    arguments = {**options("patterns@mood"), "--searched": searched, "--out": tmp_path / "out"}
    assert run("patterns", *(str(part) for pair in arguments.items() for part in pair)) == 0
    assert set(pd.read_csv(tmp_path / "out" / "shares.csv")["heads"]) == {"all"}
    assert pd.read_csv(tmp_path / "out" / "heads.csv")["survives"].max() <= 1


@pytest.mark.usefixtures("project")
def test_examples_that_networks_do_not_know_end_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    networks = tmp_path / "networks"
    shutil.copytree("results/patterns/networks", networks)
    record = files.load_record(networks / "networks.json") | {"lengths": [30, 31]}
    files.save_record(record, networks / "networks.json")
    arguments = {**options("patterns@mood"), "--networks": networks, "--out": tmp_path / "out"}
    assert run("patterns", *(str(part) for pair in arguments.items() for part in pair)) == 1
    assert capsys.readouterr().err == (
        "patterns: patterns.network.lengths is [30, 31], but no example has 30 to 31 tokens in "
        "validation of 'mood'\n"
    )
