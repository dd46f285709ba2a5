"""Settings of trainings: one recipe for all tasks, overrides by task, and sources of noise."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import Section, Seed, Share


class Train(Section):
    """One fine-tuning, the same recipe for every task unless `override` says otherwise."""

    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    """Peak of the learning rate, which changes with each optimizer step and decays linearly to 0."""
    head_rate: float = Field(gt=0)
    """Factor on the learning rate of what theta_0 lacks: a classifier, and a pooler drawn with it."""
    warmup: float = Field(ge=0, lt=1)
    """Share of the steps in which the learning rate rises from 0, in [0, 1)."""
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
    """Share of the words that masked language modelling hides, anew in every step, in (0, 1)."""
    threads: int = Field(ge=1)
    """Number of CPU threads; another number changes the last bits of the results."""


class Override(Section):
    """Settings of one task that replace those of `train`; settings that are None stay."""

    epochs: float | None = Field(default=None, gt=0)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    head_rate: float | None = Field(default=None, gt=0)


class Noise(Section):
    """Each source of noise follows the seed of the run (`seed`), or has a fixed seed (a number)."""

    head_init: Literal["seed"] | Seed
    data_order: Literal["seed"] | Seed
    dropout: Literal["seed"] | Seed
    mask: Literal["seed"] | Seed


class Recipe(Section):
    """The settings of all trainings of one task, in a file that the stage `prepare` writes."""

    noise: Noise
    train: Train
