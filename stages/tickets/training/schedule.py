"""The schedule of a training: how many steps it takes, and the learning rate of each."""

import math

from stages.tickets.settings import Train


def num_steps(num_examples: int, config: Train) -> int:
    """Optimizer steps of a training: epochs times the batches of one epoch, at least 1."""
    return max(1, round(config.epochs * math.ceil(num_examples / config.batch_size)))


def step_at(percent: int, num_steps: int) -> int:
    """The step after `percent` of the training, rounded to the nearest, halves to even."""
    return round(percent * num_steps / 100)


def learning_rate_at(step: int, num_steps: int, config: Train, decay_over: int = 1) -> float:
    """The rate of a step: linear warm-up, then linear decay to 0 after `decay_over` trainings.

    Args:
        step: of one training, from 0, in [0, num_steps).
        num_steps: of one training; of these the warm-up is a share.
        config: recipe.
        decay_over: see `fit.fit_`.
    """
    num_warmup = config.warmup * num_steps
    if step < num_warmup:
        return config.learning_rate * (step + 1) / (num_warmup + 1)
    end = num_steps * decay_over
    return config.learning_rate * (end - step) / (end - num_warmup)


def sum_of_rates(num_steps: int, config: Train, first_step: int = 0, decay_over: int = 1) -> float:
    """The sum over the dense training up to `first_step` and over one that goes on from there.

    AdamW moves a weight by about this much in all at most, weight decay aside.
    """
    dense = [learning_rate_at(step, num_steps, config) for step in range(first_step)]
    rest = range(first_step, num_steps)
    going_on = [learning_rate_at(step, num_steps, config, decay_over) for step in rest]
    return math.fsum(dense + going_on)
