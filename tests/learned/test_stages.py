"""The stages of learned masks as their dvc.yaml calls them, on a study that takes seconds."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.learned import starts
from stages.tickets.plan.manifest import Run
from stages.tickets.pruning import masks, rivals
from tests.pipeline import BASE, manifest
from tests.pipeline.study import SPARSITY, STUDY, run_all

ASKED = BASE["learned_masks"]
SHARES = [0.0, 0.5]
SMALL: dict[str, Any] = STUDY | {
    "learned_masks": ASKED
    | {
        "tasks": ["mood", "similarity", "mlm"],
        "seeds": [1],
        "rounds": [1, 2],
        "start": "random",
        "rule": ASKED["rule"] | {"length": 0.5},
        "noise": {
            "tasks": ["mood"],
            "seeds": [1],
            "rounds": [2],
            "shares": SHARES,
            "points": 3,
            "sample": 20,
        },
        "lend": {
            "sources": ["mood", "mlm"],
            "targets": ["mood", "similarity"],
            "seeds": [1],
            "rounds": [2],
            "starts": ["same", "fresh"],
        },
    },
}
MANIFEST = manifest(SMALL)
OURS = ("learn-mask", "noisy-dense", "noisy-masks", "lend-mask", "learned-masks", "noise-curves")
BEFORE = ("check", "encoder", "prepare", "prepare-own")


def runs(kind: str) -> list[Run]:
    return [made for made in MANIFEST.runs if made.kind == kind]


def of(kind: str, task: str, source: str | None = None, number: int = 2) -> Run:
    (made,) = [
        made
        for made in runs(kind)
        if (made.task, made.source, made.round) == (task, source, number)
    ]
    return made


@pytest.fixture(scope="module")
def project(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("learned-masks") / "project"
    results = run_all(folder, SMALL, lambda stage: stage.group in BEFORE) / "results"
    for task in SMALL["learned_masks"]["tasks"]:
        save_ticket(results, task)
    return run_all(folder, SMALL, lambda stage: stage.group in OURS)


def save_ticket(results: Path, task: str) -> None:
    """Masks by magnitude of theta_0 in the place of tickets."""
    loaded = inputs.load(task, 1, results / "encoder", results / "prepared" / task)
    weights = {name: loaded.encoder.weights[name].numpy() for name in loaded.encoder.prunable}
    for number, sparsity in SPARSITY.items():
        mask = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
        folder = results / "rounds" / task / "seed-1" / f"round-{number}"
        files.save_mask(mask, folder / "mask.safetensors")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def predicted(project: Path, made: Run) -> files.Arrays:
    return files.load_arrays(project / made.folder / "predictions.safetensors")


def same(first: files.Arrays, second: files.Arrays) -> bool:
    assert first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_the_manifest_has_every_run() -> None:
    assert len(runs("learned")) == 3 * 2
    assert len(runs("untrained")) == 3 * 2 * 3
    assert {made.source for made in runs("noisy")} == {
        f"{name} {share}" for name in ("dense", *rivals.TRAINED_ON_NOISE) for share in SHARES
    }
    assert {(made.task, made.source) for made in runs("lent")} == {
        (target, f"{source} {name} {start}")
        for target in ("mood", "similarity")
        for source in ("mood", "mlm")
        for name in rivals.LENT
        for start in ("same", "fresh")
    }


def test_masks_are_of_the_sizes_of_tickets_and_say_how_they_were_found(project: Path) -> None:
    """Each record has the prior and the share that is kept, whatever defaults say."""
    for made in runs("learned"):
        folder = project / made.folder
        mask = files.load_mask(folder / "mask.safetensors")
        rounds = project / "results" / "rounds" / made.task / "seed-1" / f"round-{made.round}"
        ticket = files.load_mask(rounds / "mask.safetensors")
        assert masks.num_survivors(mask) == masks.num_survivors(ticket)
        assert mask.keys() == ticket.keys()
        record = files.load_record(folder / "search.json")
        assert record["prior"] == pytest.approx(1 - SPARSITY[made.round])
        assert sum(record["histogram"]) == masks.num_weights(mask)
        assert 0 < record["jaccard_by_chance"] < record["jaccard_one_shot"] * 3
        for kind in ("soft", "sampled", "hard"):
            size = files.load_record(folder / kind / "subnetwork.json")
            assert size["prunable"] == masks.num_weights(mask)
        assert size["kept"] == masks.num_survivors(mask)  # of hard, the last


def test_soft_sampled_hard_and_trained_predictions_are_four(project: Path) -> None:
    for made in runs("learned"):
        kinds = [
            of("untrained", made.task, kind, made.round) for kind in ("soft", "sampled", "hard")
        ]
        known = [predicted(project, run) for run in (made, *kinds)]
        assert not any(same(a, b) for i, a in enumerate(known) for b in known[:i])


def test_a_mask_lent_to_its_own_task_at_the_same_start_is_its_own_training(project: Path) -> None:
    """And a fresh start is another one, but the same every time, since a seed draws it."""
    own = predicted(project, of("learned", "mood"))
    assert same(own, predicted(project, of("lent", "mood", "mood learned same")))
    fresh = predicted(project, of("lent", "mood", "mood learned fresh"))
    assert not same(own, fresh)
    encoder, prepared = project / "results/encoder", project / "results/prepared/mood"
    loaded = inputs.load("mood", 1, encoder, prepared)
    model = starts.model_at(
        "fresh", 1, loaded.encoder, loaded.prepared, loaded.noise, loaded.recipe
    )
    mask = files.load_mask(project / of("learned", "mood").folder / "mask.safetensors")
    assert same(fresh, loaded.train(model, mask).predictions)


def test_without_flips_a_mask_on_noisy_labels_is_its_own_training(project: Path) -> None:
    own = predicted(project, of("learned", "mood"))
    assert same(own, predicted(project, of("noisy", "mood", "learned 0.0")))
    assert not same(own, predicted(project, of("noisy", "mood", "learned 0.5")))


def test_masks_that_are_compared_are_different_ones(project: Path) -> None:
    for share in SHARES:
        sources = [f"{name} {share}" for name in rivals.TRAINED_ON_NOISE]
        known = [predicted(project, of("noisy", "mood", source)) for source in sources]
        assert not any(same(a, b) for i, a in enumerate(known) for b in known[:i])
    sources = [f"mlm {name} same" for name in rivals.LENT]
    known = [predicted(project, of("lent", "similarity", source)) for source in sources]
    assert not any(same(a, b) for i, a in enumerate(known) for b in known[:i])


def test_tables_have_a_row_per_search_bin_and_point(project: Path) -> None:
    made_up = project / "results" / "runs"
    folders = [made_up / "learned-masks" / task for task in SMALL["learned_masks"]["tasks"]]
    searches = [row for folder in folders for row in table(folder / "searches.csv")]
    assert [(row["task"], int(row["round"])) for row in searches] == [
        (made.task, made.round) for made in runs("learned")
    ]
    bins = [row for folder in folders for row in table(folder / "histograms.csv")]
    assert len(bins) == 20 * len(searches)
    curves = table(made_up / "noise-curves" / "mood" / "curves.csv")
    assert len(curves) == 3 * len(runs("noisy"))
    for made in runs("noisy"):
        mask, share = str(made.source).split()
        own = [
            row
            for row in curves
            if (row["mask"], float(row["share"]), int(row["round"]))
            == (mask, float(share), made.round)
        ]
        assert [int(row["step"]) for row in own] == [2, 4, 6]
        assert all(bool(row["learned_flips"]) == (float(share) > 0) for row in own)
