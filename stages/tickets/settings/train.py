"""How models are trained: one recipe for all tasks, and what one task or one source of noise changes."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import Section, Seed, Share


class Train(Section):
    """One fine-tuning, the same recipe for every task unless `override` says otherwise."""

    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    """Peak of the schedule, per optimizer step; linear decay to 0."""
    warmup: float = Field(ge=0, lt=1)
    """Share of the steps in which the learning rate rises from 0."""
    weight_decay: float = Field(ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    epsilon: float = Field(gt=0)
    clip: float = Field(gt=0)
    """Largest norm of the gradient of the surviving weights."""
    dropout: float = Field(ge=0, lt=1)
    precision: Literal["bf16", "fp32"]
    """bf16: matrix products in bfloat16 by autocast; weights and optimizer stay in float32."""
    group: int = Field(ge=1)
    """Batches of like length are cut from chunks of `group` batches of shuffled examples."""
    masked: Share
    """Share of the words that masked language modelling hides, anew in every step."""
    threads: int = Field(ge=1)
    """CPU threads; another number moves the last bits of the results."""


class Override(Section):
    """What one task does differently from `train`; what is left out stays."""

    epochs: float | None = Field(default=None, gt=0)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)


class Noise(Section):
    """Each source of noise: `seed`, it follows the run's seed, or a number that fixes it."""

    head_init: Literal["seed"] | Seed
    data_order: Literal["seed"] | Seed
    dropout: Literal["seed"] | Seed
    mask: Literal["seed"] | Seed


class Recipe(Section):
    """What all trainings of one task read, in a file that the stage `prepare` writes."""

    noise: Noise
    train: Train
