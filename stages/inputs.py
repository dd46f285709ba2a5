"""What every training stage loads before it trains."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transformers import PreTrainedModel

from stages.tickets import encoder, params, seeds, tasks
from stages.tickets.encoder import Encoder
from stages.tickets.seeds import Seeds
from stages.tickets.tasks import Prepared


class Config(Protocol):
    """The sections that every training stage reads."""

    @property
    def noise(self) -> params.Noise: ...
    @property
    def train(self) -> params.Train: ...
    @property
    def override(self) -> params.Override: ...


@dataclass(frozen=True)
class Inputs:
    encoder: Encoder
    prepared: Prepared
    noise: Seeds
    recipe: params.Train

    def model(self, weights: Path | None = None, from_scratch: bool = False) -> PreTrainedModel:
        """A fresh model: theta_0, or the weights of a file, or with no pre-training at all."""
        task = self.prepared.task
        model = encoder.build(
            self.encoder,
            task.kind,
            task.num_labels,
            self.recipe.dropout,
            self.noise.head_init,
            from_scratch,
        )
        if weights:
            encoder.load_weights_(model, self.encoder, weights)
        return model


def load(config: Config, task: str, seed: int, theta_0: Path, prepared: Path) -> Inputs:
    return Inputs(
        encoder.load(theta_0),
        tasks.load_prepared(prepared),
        seeds.derive(config.noise, task, seed),
        recipe(config.train, config.override),
    )


def recipe(train: params.Train, override: params.Override) -> params.Train:
    """`train` with what the task does differently; what its override leaves out stays."""
    return train.model_copy(update=override.model_dump(exclude_none=True))
