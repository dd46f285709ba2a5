"""The inputs of a training, which every training stage loads, and the models that it trains."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from stages.tickets import files, settings
from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import load_body_, load_weights_
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import noise as seeds
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import subnetwork
from stages.tickets.training.subnetwork import Run


@dataclass(frozen=True)
class Inputs:
    """The encoder, and of one task and seed the data, the noise and the recipe."""

    encoder: Encoder
    prepared: Prepared
    noise: Seeds
    recipe: settings.Train

    def model(
        self,
        weights: Path | None = None,
        *,
        body: bool = False,
        from_scratch: bool = False,
        drawn_by: int | None = None,
    ) -> PreTrainedModel:
        """A fresh model on the CPU: theta_0 with a head that the seed draws, or other weights.

        Args:
            weights: file of the weights to take; None for theta_0.
            body: take the encoder's body alone from `weights`, which may be another task's.
            from_scratch: leave the pre-trained weights out.
            drawn_by: seed of what is drawn; None for that of the head.
        """
        task = self.prepared.task
        seed = self.noise.head_init if drawn_by is None else drawn_by
        model = theta.build(
            self.encoder, task.kind, task.num_labels, self.recipe.dropout, seed, from_scratch
        )
        if weights:
            load_ = load_body_ if body else load_weights_
            load_(model, self.encoder, weights)
        return model

    def train(self, model: PreTrainedModel, mask: Mask | None, point: int = 0) -> Run:
        """Train the subnetwork `mask` of `model` in place for what `point` per cent leave; predict."""
        return subnetwork.train_(
            model, self.encoder, self.prepared, mask, self.noise, self.recipe, point
        )


def load(task: str, seed: int, theta_0: Path, prepared: Path) -> Inputs:
    """Load the inputs of a training of one task and seed."""
    return beside(theta.load(theta_0), task, seed, prepared)


def beside(theta_0: Encoder, task: str, seed: int, prepared: Path) -> Inputs:
    """Load the inputs of a training of one task and seed beside an encoder that is there already."""
    read = settings.Recipe.model_validate(files.load_record(prepared / "recipe.json"))
    return Inputs(
        theta_0, tasks.load_prepared(prepared), seeds.derive(read.noise, task, seed), read.train
    )
