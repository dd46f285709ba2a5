"""The files of a task on which stages of connectivity run: an encoder of two layers, eight sentences."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages import between, fine_tune, spawn
from stages.launch import inputs
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_weights, save_weights
from stages.tickets.pruning import masks
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from tests.conftest import RECIPE

TASK = "acceptability"
NOISE = settings.Noise(head_init="seed", data_order="seed", dropout="seed", mask="seed")


@dataclass(frozen=True)
class Project:
    """The files of a task of which two seeds have trained, the first also a round."""

    folder: Path
    encoder: Path
    task: str = TASK
    alternative: Path | None = None
    """Folder of the prepared task, if it is another one than the project's own."""

    @property
    def prepared(self) -> Path:
        return self.alternative or self.folder / "prepared"

    def weights(self, seed: int, name: str) -> Path:
        return self.folder / "weights" / f"seed-{seed}" / f"{name}.safetensors"

    def round(self, seed: int, number: int) -> Path:
        return self.folder / "rounds" / f"seed-{seed}" / f"round-{number}"

    def load(self, seed: int = 1) -> Inputs:
        return inputs.load(self.task, seed, self.encoder, self.prepared)

    def set_recipe(self, **changes: float) -> None:
        recipe = RECIPE.model_copy(update=changes)
        record = settings.Recipe(noise=NOISE, train=recipe).model_dump(mode="json")
        files.save_record(record, self.prepared / "recipe.json")

    def spawn(self, out: Path, net: Any, arm: Any, point: int = 0, steps: Any = "rest") -> Path:
        number = 0 if net in ("dense", "scratch") else 1
        spawn.main(
            self.task, 1, net, number, point, arm, steps, 5, 6, self.encoder, self.prepared,
            self.weights(1, f"theta-{point}"), self.round(1, number) / "mask.safetensors", out,
            self.weights(1, "trained"), self.folder / "dense" / "seed-1",
        )  # fmt: skip
        return out


def made(encoder: Path, prepared: Prepared, folder: Path) -> Project:
    """A project in which two seeds have trained a task, and the first seed its round 1."""
    project = Project(folder, encoder, prepared.task.name)
    tasks.save_prepared(prepared, project.prepared)
    project.set_recipe()
    for seed in (1, 2):
        weights = project.weights(seed, "").parent
        out = project.folder / "dense" / f"seed-{seed}"
        dense_mask = project.round(seed, 0)
        fine_tune.main(
            project.task, seed, [0, 40], encoder, project.prepared, weights, dense_mask, out
        )
    loaded = project.load()
    dense = loaded.model(project.weights(1, "trained"))
    weights_to_rank = prunable_weights(dense, loaded.encoder)
    ticket = masks.prune_by_magnitude(weights_to_rank, masks.dense(weights_to_rank), 0.6)
    files.save_mask(ticket, project.round(1, 1) / "mask.safetensors")
    model = loaded.model(project.weights(1, "theta-0"))
    loaded.train(model, ticket)
    save_weights(model, loaded.encoder, project.round(1, 2) / "before" / "weights.safetensors")
    return project


def logits(folder: Path) -> np.ndarray:
    return files.load_arrays(folder / "predictions.safetensors")["validation.logits"]


def losses(folder: Path) -> list[float]:
    return list(files.load_record(folder / "history.json")["losses"])


def path(folder: Path) -> files.Arrays:
    return files.load_arrays(folder / "path.safetensors")


def geometry(folder: Path) -> dict[str, Any]:
    return files.load_record(folder / "geometry.json")


def walk_stored(project: Project, out: Path, seeds: list[int], *kinds: str) -> None:
    between.main(
        project.task, seeds, list(kinds), ["union", "intersection"], 5, 6, project.encoder,
        project.prepared, project.folder / "weights", project.folder / "rounds", out,
    )  # fmt: skip
