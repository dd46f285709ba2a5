"""The work of a stage, in trainings, predictions and files."""

from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.plan.stages import Stage


@dataclass(frozen=True)
class Work:
    """The work of one stage."""

    trainings: int = 0
    """Number of trainings of the encoder."""
    percent: float = 0
    """Point from which trainings start, in per cent of their steps, in [0, 100); of several the mean."""
    predictions: int = 0
    """Number of sets of predictions on all evaluated splits of its task, computed and stored."""
    masks: int = 0
    """Number of stored masks, one bit per prunable weight."""
    weights: int = 0
    """Number of stored sets of all weights of a model."""
    heads: int = 0
    """Number of stored theta_0 of a task, which are little more than the classifier."""
    encoders: int = 0
    """Number of stored encoders."""
    splits: int = 0
    """Number of stored sets of tokenised splits."""
    left_out: str = ""
    """Work that is not counted, in words; empty if there is none."""


NOTHING = Work()


def point_of(stage: Stage) -> int:
    """Return the point that the trainings of a stage start from, in per cent; 0 if it names none."""
    return int(stage.option("point") or stage.option("rewind_to") or 0)


def number_of(values: object) -> int:
    """Count the values of a list; 0 of anything else."""
    return len(values) if isinstance(values, Sequence) else 0
