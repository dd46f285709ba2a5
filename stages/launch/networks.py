"""Stages that measure the loss around networks whose weights are stored: dense ones, and kept rounds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder import device
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.files import Split
from stages.tickets.pruning import masks
from stages.tickets.training import objective
from stages.tickets.training.objective import ModelBatch


@dataclass(frozen=True)
class Network:
    """A trained network and the masks of its prunable matrices, by the names of `parameters.by_name`."""

    model: PreTrainedModel
    weights: dict[str, Tensor]
    """All weights on the device, dropped ones 0."""
    kept: dict[str, Tensor]
    """Masks of the prunable matrices that the model has, bool, on the device."""
    sparsity: float


def load(loaded: Inputs, weights: Path, rounds: Path, number: int) -> Network:
    """Load the network of a round.

    Args:
        loaded: encoder, data and recipe of its task and seed; the recipe's number of threads is set.
        weights: folder of the dense training's weights.
        rounds: folder of the rounds' masks.
        number: of the round, 0 for the dense network.
    """
    torch.set_num_threads(loaded.recipe.threads)
    # The training of a ticket is the first part of the round after it.
    stored = weights / "trained.safetensors"
    if number > 0:
        stored = rounds / f"round-{number + 1}" / "before" / "weights.safetensors"
    model = loaded.model(stored)
    mask = files.load_mask(rounds / f"round-{number}" / "mask.safetensors")
    kept = {
        f"{model.base_model_prefix}.{name}": torch.from_numpy(mask[name]).to(device.device())
        for name in prunable_parameters(model, loaded.encoder)
    }
    return Network(model, objective.weights_of(model), kept, masks.sparsity(mask))


@dataclass(frozen=True)
class Measured:
    """A network of a round, and the examples on which its loss is measured."""

    loaded: Inputs
    network: Network
    split: str
    sample: Split

    def batches(self, size: int = objective.BATCH) -> list[ModelBatch]:
        """Cut the examples into batches of at most `size`, on which the network predicts."""
        return objective.batches(self.network.model, self.loaded.prepared, self.sample, size)

    def record(self, batches: list[ModelBatch]) -> dict[str, Any]:
        """Note loss, error and sparsity of the network, and its examples."""
        loss, error = objective.evaluate(batches, self.network.weights)
        about = {"examples": len(self.sample), "split": self.split}
        return about | {"loss": loss, "error": error, "sparsity": self.network.sparsity}


def measured(
    loaded: Inputs, weights: Path, rounds: Path, number: int, split: str, examples: int, draw: int
) -> Measured:
    """Load the network of a round, see `load`, and draw examples of a split by a seed."""
    network = load(loaded, weights, rounds, number)
    sample = objective.sample(loaded.prepared, split, examples, loaded.recipe.masked, draw)
    return Measured(loaded, network, split, sample)
