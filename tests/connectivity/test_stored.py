"""The stage `between` end to end: lines between stored networks."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.training import endpoints, predict
from tests.conftest import RECIPE
from tests.connectivity.project import (
    NOISE,
    Project,
    geometry,
    logits,
    path,
    walk_stored,
)


def test_paths_between_stored_networks(project: Project, study_here: Path) -> None:
    out = study_here / "out"
    walk_stored(project, out, [1, 2], "seeds")
    walk_stored(project, out, [1], "rounds")
    assert sorted(folder.name for folder in out.iterdir()) == [
        "1.0-1.1", "1.0-1.1-intersection", "1.0-2.0",
    ]  # fmt: skip
    seeds = path(out / "1.0-2.0")
    for end, seed in ((0, 1), (-1, 2)):
        dense = logits(project.folder / "dense" / f"seed-{seed}")
        np.testing.assert_array_equal(seeds["validation.logits"][end], dense)
    assert "validation.refit" in seeds
    measured = geometry(out / "1.0-2.0")
    assert (measured["first"], measured["second"], measured["meet"]) == (
        {"seed": 1, "round": 0},
        {"seed": 2, "round": 0},
        "union",
    )
    assert measured["layers"]["start_distance"] == 0
    assert measured["head"]["start_distance"] > 0
    rounds = geometry(out / "1.0-1.1")
    assert "validation.refit" not in path(out / "1.0-1.1")  # one seed, one classifier
    assert rounds["masks"]["nested"] == 1
    assert rounds["masks"]["union"] == 1
    assert rounds["masks"]["jaccard"] == pytest.approx(0.4, abs=1e-3)
    assert rounds["layers"]["start_distance"] > 0  # what the round has dropped of theta_0


def test_at_an_intersection_both_ends_are_cut_first(project: Project, study_here: Path) -> None:
    out = study_here / "out"
    walk_stored(project, out, [1], "dense")
    union, cut = (path(out / name) for name in ("1.0-1.1", "1.0-1.1-intersection"))
    measured = geometry(out / "1.0-1.1-intersection")
    assert measured["meet"] == "intersection"
    assert measured["masks"]["union"] == measured["masks"]["shared"]
    assert measured["masks"]["union"] == pytest.approx(0.4, abs=1e-3)
    assert measured["layers"]["start_distance"] == 0
    # The ticket lies in both masks and stays, the dense model loses what the ticket drops.
    np.testing.assert_array_equal(cut["validation.logits"][-1], union["validation.logits"][-1])
    loaded = project.load()
    ticket = files.load_mask(project.round(1, 1) / "mask.safetensors")
    model = loaded.model(project.weights(1, "trained"))
    with torch.no_grad():
        for name, parameter in prunable_parameters(model, loaded.encoder).items():
            parameter.mul_(torch.from_numpy(ticket[name]))
    alone = predict.predict(model, loaded.prepared)["validation.logits"]
    np.testing.assert_array_equal(cut["validation.logits"][0], alone)
    assert (cut["validation.logits"][0] != union["validation.logits"][0]).any()


def test_networks_of_seeds_with_the_same_head_need_no_other(
    project: Project, study_here: Path
) -> None:
    fixed = NOISE.model_copy(update={"head_init": 7})
    record = settings.Recipe(noise=fixed, train=RECIPE).model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared")
        shutil.copytree(project.prepared, prepared)
        files.save_record(record, prepared / "recipe.json")
        walk_stored(replace(project, alternative=prepared), study_here / "out", [1, 2], "seeds")
    walked = study_here / "out" / "1.0-2.0"
    assert "validation.refit" not in path(walked)
    assert geometry(walked)["head"]["start_distance"] == 0


def test_pairs_of_stored_networks() -> None:
    def named(kinds: list[str], kept: list[int]) -> list[str]:
        return [
            " ".join(f"{end.seed}.{end.round}" for end in pair)
            for pair in endpoints.pairs(kinds, [1, 2, 3] if kinds == ["seeds"] else [1], kept)
        ]

    assert named(["seeds"], []) == ["1.0 2.0", "1.0 3.0", "2.0 3.0"]
    assert named(["rounds"], [3, 1, 2]) == ["1.0 1.1", "1.1 1.2", "1.2 1.3"]
    assert named(["rounds"], [2, 3]) == ["1.2 1.3"]
    dense_and_ticket = endpoints.pairs(["seeds", "dense"], [1, 2], [2])
    assert [meet for _, meet in endpoints.walks(dense_and_ticket, ["union", "intersection"])] == [
        "union", *["union", "intersection"] * 2,
    ]  # fmt: skip
    assert endpoints.walks(dense_and_ticket[:1], ["intersection"])[0][1] == "union"
    assert named(["dense", "rounds"], [1, 2]) == ["1.0 1.1", "1.1 1.2", "1.0 1.2"]
