"""Copies of a training from files, and the files of a walk between two networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.encoder.weights import save_weights
from stages.tickets.pruning.masks import Mask
from stages.tickets.training import copies, endpoints, rewarmed
from stages.tickets.training.controls import Models
from stages.tickets.training.endpoints import End, Stored


@dataclass(frozen=True)
class Copy:
    """A network, and the noise of a training of it."""

    loaded: Inputs
    net: settings.Net
    weights: Path | None
    """File of theta_k; None for theta_0 with a head that the noise draws."""
    mask: Path | None
    """File of the ticket's mask; None for dense and scratch."""
    number: int
    """Round of the ticket."""

    def begin(self) -> tuple[PreTrainedModel, Mask | None]:
        """Make the model and the mask that the training starts with."""
        loaded, from_scratch = self.loaded, self.net == "scratch"
        models = Models(lambda by: loaded.model(from_scratch=True, drawn_by=by), loaded.model)
        model = loaded.model(None if from_scratch else self.weights, from_scratch=from_scratch)
        ticket = files.load_mask(self.mask) if self.mask else None
        return copies.start(
            self.net, model, ticket, loaded.encoder, models, loaded.noise, self.number
        )

    def train(self, point: int, steps: settings.Steps, out: Path, trained: Path) -> None:
        """Train from `point` per cent of the dense training on, and write the run and the weights."""
        model, survivors = self.begin()
        loaded = self.loaded
        if steps == "rest-warmed":
            run = rewarmed.train_(
                model,
                loaded.encoder,
                loaded.prepared,
                survivors,
                loaded.noise,
                loaded.recipe,
                point,
            )
        else:
            run = loaded.train(model, survivors, 0 if steps == "all" else point)
        files.save_run(run.predictions, run.losses, out)
        save_weights(model, self.loaded.encoder, trained)

    def end(self, trained: Path) -> End:
        """Return where the training whose weights `train` wrote has started and ended."""
        return endpoints.end(*self.begin(), self.loaded.model(trained), self.loaded.encoder)


def stored_end(loaded: Inputs, network: Stored, weights: Path, rounds: Path, point: int) -> End:
    """Load a stored network, its mask, and where it started: theta_0 if it is dense, else theta_i."""
    of_seed, of_rounds = (folder / f"seed-{network.seed}" for folder in (weights, rounds))
    mask = files.load_mask(of_rounds / f"round-{network.round}" / "mask.safetensors")
    if network.round:
        trained = of_rounds / f"round-{network.round + 1}" / "before" / "weights.safetensors"
        start = loaded.model(of_seed / f"theta-{point}.safetensors")
    else:
        trained, start = of_seed / "trained.safetensors", loaded.model()
    return endpoints.end(start, mask, loaded.model(trained), loaded.encoder)


def copy_run(run: Path, out: Path) -> None:
    """Copy the predictions and losses of a training."""
    losses = files.load_record(run / "history.json")["losses"]
    files.save_run(files.load_arrays(run / "predictions.safetensors"), losses, out)


def walk(
    loaded: Inputs,
    ends: tuple[End, End],
    grid: int,
    sample: int,
    unlike_heads: bool,
    out: Path,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Walk between two networks, see `copies.connect`; write path.safetensors and geometry.json.

    Predictions take as many threads as trainings do, since another number would change last bits.

    Args:
        about: what to say of the networks in geometry.json.
        out: folder to write to; `copies.connect` describes the other arguments.
    """
    torch.set_num_threads(loaded.recipe.threads)  # as in the trainings that predicted at the ends
    path = copies.connect(
        loaded.model(),
        loaded.encoder,
        loaded.prepared,
        ends,
        grid,
        sample,
        unlike_heads,
        loaded.recipe.masked,
    )
    files.save_arrays(path.arrays, out / "path.safetensors")
    files.save_record({**(about or {}), **path.geometry}, out / "geometry.json")
