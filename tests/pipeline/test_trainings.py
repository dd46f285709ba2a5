"""Trainings of the stages, done again by hand from their files."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file
from transformers import PreTrainedModel

from stages.launch import inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from tests.pipeline.study import NAMES, RUNS, SPARSITY, assert_predictions, ticket


@dataclass(frozen=True)
class Again:
    """Trainings of one task and seed, done again by hand from the files of a study."""

    project: Path
    task: str
    seed: int

    @property
    def loaded(self) -> Inputs:
        results = self.project / "results"
        return inputs.load(
            self.task, self.seed, results / "encoder", results / "prepared" / self.task
        )

    def weights(self, name: str) -> Path:
        folder = self.project / "results" / "weights" / self.task / f"seed-{self.seed}"
        return folder / f"{name}.safetensors"

    def run(self, model: PreTrainedModel, mask: Mask, percent: int = 0) -> files.Arrays:
        return self.loaded.train(model, mask, percent).predictions


@pytest.mark.parametrize("task", ["mood", "mlm"])
def test_standard_pruning_never_rewinds_and_its_aliased_mask_does_once(
    project: Path, task: str
) -> None:
    again = Again(project, task, 1)
    of = again.loaded
    model = of.model(again.weights("trained"))
    mask = masks.dense(prunable_weights(model, of.encoder))
    folder = project / "results" / "runs" / "standard" / task / "seed-1"
    for number, sparsity in SPARSITY.items():
        ranked = prunable_weights(model, of.encoder)
        mask = masks.prune_by_magnitude(ranked, mask, sparsity)
        assert_predictions(folder / f"round-{number}" / "standard", again.run(model, mask))
    stored = ticket(project, f"aliased-{task}", 1, 2)
    assert all((stored[name] == kept).all() for name, kept in mask.items())
    assert any((ticket(project, task, 1, 2)[name] != kept).any() for name, kept in mask.items())
    start = of.model(again.weights("theta-0"))
    assert_predictions(folder / "round-2" / "aliased", again.run(start, mask))


def test_cross_trains_the_mask_of_one_seed_with_the_noise_of_another(project: Path) -> None:
    again = Again(project, "mood", 1)
    model = again.loaded.model(again.weights("theta-0"))
    expected = again.run(model, ticket(project, "mood", 2, 2))
    folder = project / "results" / "runs" / "cross" / "mood"
    assert_predictions(folder / "mask-2" / "seed-1", expected)
    assert [path.name for path in (folder / "mask-1" / "seed-1").iterdir()] == ["own.json"]


def test_rewinding_to_a_dense_theta_takes_it_from_the_dense_training(project: Path) -> None:
    again = Again(project, "mood", 1)
    model = again.loaded.model(again.weights("theta-50"))
    expected = again.run(model, ticket(project, "mood", 1, 2), 50)
    folder = project / "results" / "runs" / "rewind" / "mood" / "seed-1" / "point-50"
    assert_predictions(folder, expected)


@pytest.mark.parametrize("point", [0, 50])
def test_weights_of_a_source_come_with_its_mask_and_not_with_its_head(
    project: Path, point: int
) -> None:
    again, source = Again(project, "mood", 1), Again(project, "mlm", 1)
    model = again.loaded.model()
    body = dict(model.base_model.named_parameters())
    moved = load_file(source.weights(f"theta-{point}"))
    with torch.no_grad():
        for name in again.loaded.encoder.weights:
            if f"bert.{name}" in moved:
                body[name].copy_(torch.from_numpy(moved[f"bert.{name}"]))
    folder = project / "results" / "runs" / "transfer-weights" / "mlm" / "mood" / "seed-1"
    expected = again.run(model, ticket(project, "mlm", 1, 1))
    assert_predictions(folder / f"point-{point}", expected)


def test_controls_are_trained_from_where_their_ticket_is(project: Path) -> None:
    again = Again(project, "mood", 1)
    folder = project / "results" / "runs" / "controls" / "mood" / "seed-1" / "round-1" / "one-shot"
    one_shot = ticket(project, "one-shot", 1, 1)
    stored = files.load_mask(folder / "mask.safetensors")
    assert all((stored[name] == kept).all() for name, kept in one_shot.items())
    model = again.loaded.model(again.weights("theta-0"))
    assert_predictions(folder, again.run(model, one_shot))


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_dense_weights_are_kept_at_the_rewinding_points(
    project: Path, task: str, seed: int
) -> None:
    folder = project / "results" / "weights" / task / f"seed-{seed}"
    assert {path.name for path in folder.iterdir()} == {
        "theta-0.safetensors",
        "theta-50.safetensors",
        "trained.safetensors",
    }
    start, middle, end = (
        load_file(folder / f"{name}.safetensors") for name in ("theta-0", "theta-50", "trained")
    )
    assert not any("encoder.layer" in name for name in start)  # theta_0 is the encoder's own
    matrix = "bert.encoder.layer.0.output.dense.weight"
    assert (middle[matrix] != end[matrix]).any()


@pytest.mark.parametrize(("task", "seed"), RUNS)
def test_dropped_weights_are_zero_after_training(project: Path, task: str, seed: int) -> None:
    folder = project / "results" / "rounds" / task / f"seed-{seed}" / "round-2" / "before"
    weights = load_file(folder / "weights.safetensors")
    mask = ticket(project, task, seed, 1)
    for name in NAMES:
        assert ((weights[f"bert.{name}"] != 0) == mask[name]).all()


def test_trained_weights_are_kept_of_the_named_rounds_alone(project: Path) -> None:
    kept = (project / "results" / "rounds").rglob("weights.safetensors")
    assert {path.parent.parent.name for path in kept} == {"round-2"}  # it has trained round 1
