"""What every training stage loads before it trains, and how it trains a subnetwork."""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from stages.tickets import files, settings
from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import noise as seeds
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import subnetwork


@dataclass(frozen=True)
class Inputs:
    encoder: Encoder
    prepared: Prepared
    noise: Seeds
    recipe: settings.Train

    def model(self, weights: Path | None = None, from_scratch: bool = False) -> PreTrainedModel:
        """A fresh model: theta_0, or the weights of a file, or with no pre-training at all."""
        task = self.prepared.task
        model = theta.build(
            self.encoder,
            task.kind,
            task.num_labels,
            self.recipe.dropout,
            self.noise.head_init,
            from_scratch,
        )
        if weights:
            theta.load_weights_(model, self.encoder, weights)
        return model

    def train(self, weights: Path, mask: Mask, point: int, out: Path) -> PreTrainedModel:
        """Train the subnetwork `mask` from theta_`point`, and write what it predicts to `out`."""
        model = self.model(weights)
        run = subnetwork.train_(
            model, self.encoder, self.prepared, mask, self.noise, self.recipe, point
        )
        files.save_run(run.predictions, run.losses, out)
        return model


def load(task: str, seed: int, theta_0: Path, prepared: Path) -> Inputs:
    return beside(theta.load(theta_0), task, seed, prepared)


def beside(theta_0: Encoder, task: str, seed: int, prepared: Path) -> Inputs:
    """What a training of one task loads beside the encoder."""
    read = settings.Recipe.model_validate(files.load_record(prepared / "recipe.json"))
    return Inputs(
        theta_0, tasks.load_prepared(prepared), seeds.derive(read.noise, task, seed), read.train
    )
