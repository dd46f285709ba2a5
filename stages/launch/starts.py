"""Trainings of masks from theta_0 or from drawn weights, and the files of their runs."""

from pathlib import Path

from transformers import PreTrainedModel

from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.learned import starts
from stages.tickets.learned.starts import Start
from stages.tickets.pruning.masks import Mask


def at(loaded: Inputs, start: Start, seed: int) -> PreTrainedModel:
    """Build a model on the CPU at one of the starts, see `learned.starts.model_at`."""
    return starts.model_at(
        start, seed, loaded.encoder, loaded.prepared, loaded.noise, loaded.recipe
    )


def train_at(loaded: Inputs, start: Start, seed: int, mask: Mask, out: Path) -> None:
    """Train a mask from one of the starts, and write its predictions and losses."""
    train(loaded, at(loaded, start, seed), mask, out)


def train(loaded: Inputs, model: PreTrainedModel, mask: Mask | None, out: Path) -> None:
    """Train the subnetwork `mask` of a model in place, and write its predictions and losses."""
    run = loaded.train(model, mask)
    files.save_run(run.predictions, run.losses, out)
