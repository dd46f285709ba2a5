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
    """The encoder, and the data, noise and recipe of one task and seed."""

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
        """Build a model on the CPU: theta_0 with a classifier that the seed draws, or other weights.

        Args:
            weights: file of the weights to take; None for theta_0.
            body: take only the encoder's body from `weights`, which may belong to another task.
            from_scratch: draw all weights at random, without the pre-trained ones.
            drawn_by: seed of the drawn weights; None for the seed `head_init` of the run.
        """
        task = self.prepared.task
        seed = self.noise.head_init if drawn_by is None else drawn_by
        model = theta.build(
            self.encoder,
            task.kind,
            task.num_labels,
            self.recipe.dropout,
            seed,
            from_scratch,
            self.prepared.pairs,
        )
        if weights:
            load_ = load_body_ if body else load_weights_
            load_(model, self.encoder, weights)
        return model

    def train(self, model: PreTrainedModel, mask: Mask | None, point: int = 0) -> Run:
        """Train the subnetwork `mask` of `model` in place, from `point` per cent on, and predict."""
        return subnetwork.train_(
            model, self.encoder, self.prepared, mask, self.noise, self.recipe, point
        )


def load(task: str, seed: int, theta_0: Path, prepared: Path) -> Inputs:
    """Load the inputs of a training of one task and seed."""
    return beside(theta.load(theta_0), task, seed, prepared)


def beside(theta_0: Encoder, task: str, seed: int, prepared: Path) -> Inputs:
    """Load the inputs of a training of one task and seed, with an encoder that is loaded already."""
    read = settings.Recipe.model_validate(files.load_record(prepared / "recipe.json"))
    return Inputs(
        theta_0, tasks.load_prepared(prepared), seeds.derive(read.noise, task, seed), read.train
    )
