"""The schedule of a training: its number of steps, and the learning rate of each step."""

import math

from stages.tickets.settings import Train


def num_steps(num_examples: int, config: Train) -> int:
    """Count the optimizer steps of a training: epochs times the batches of an epoch, at least 1."""
    return max(1, round(config.epochs * math.ceil(num_examples / config.batch_size)))


def step_at(percent: int, num_steps: int) -> int:
    """Return the step after `percent` of the training, rounded to the nearest, halves to even."""
    return round(percent * num_steps / 100)


def learning_rate_at(step: int, num_steps: int, config: Train, decay_over: int = 1) -> float:
    """Return the learning rate of a step: linear warm-up, then linear decay to 0.

    Args:
        step: number of the step in one training, in [0, num_steps).
        num_steps: number of steps of one training; the warm-up is a share of them.
        config: recipe.
        decay_over: number of trainings after which the rate would be 0, see `fit.fit_`.
    """
    num_warmup = config.warmup * num_steps
    if step < num_warmup:
        return config.learning_rate * (step + 1) / (num_warmup + 1)
    end = num_steps * decay_over
    return config.learning_rate * (end - step) / (end - num_warmup)


def sum_of_rates(num_steps: int, config: Train, first_step: int = 0, decay_over: int = 1) -> float:
    """Sum the rates of the dense training up to `first_step` and of a training from there to the end.

    Apart from weight decay, AdamW moves a weight by about this sum at most.
    """
    dense = [learning_rate_at(step, num_steps, config) for step in range(first_step)]
    rest = range(first_step, num_steps)
    going_on = [learning_rate_at(step, num_steps, config, decay_over) for step in rest]
    return math.fsum(dense + going_on)
