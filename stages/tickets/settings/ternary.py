"""Settings of ternary weights in blocks, with a penalty that drives blocks to zero."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import NeededBy, Percent, Section, Unique, Whole, matching
from stages.tickets.settings.data import WIKITEXT, Data, MiniatureData, TextData
from stages.tickets.settings.trials import Seeds, Tasks

Arm = Literal["ternary", "lasso", "clipped", "pruned"]
"""ternary: no penalty; lasso: a group lasso over blocks; clipped: the same, clipped at a threshold;
pruned: blocks are dropped and trained in float32 before weights become ternary."""
Geometry = Annotated[
    str,
    matching(
        "head|[1-9][0-9]{0,4}x[1-9][0-9]{0,4}",
        "head, and outputs x inputs of a block, such as 1x16, 16x16 and 32x32",
    ),
]
Threshold = Literal["twn", "max"]
"""Rule of the magnitude up to which a weight becomes 0. twn: 0.7 times the mean magnitude; max: 0.05
times the largest, which a single outlier moves."""


class TernaryRule(Section):
    """How weights become ternary and blocks zero, in three parts of a training."""

    threshold: Threshold
    embeddings: Literal["fp32", "ternary"]
    """ternary: word embeddings become ternary, too, with a scale for every row."""
    scope: Literal["matrix", "column"]
    """matrix: every matrix keeps the same share of its blocks; column: so does every column of blocks of
    it, which balances the load of processing elements."""
    weight: float = Field(ge=0)
    """Weight of the penalty, which is summed over blocks."""
    ratio: float = Field(gt=0)
    """Threshold at which the penalty is clipped, in mean norms of the blocks of a matrix."""
    gradient: Literal["detached", "leaking"]
    """detached: this threshold passes no gradient on; leaking: it does, as in the released scripts."""
    start: float = Field(ge=0, lt=1)
    """Share of the steps after which weights are ternary and penalised."""
    freeze: float = Field(gt=0, lt=1)
    """Share of the steps after which the largest blocks are kept and the penalty ends."""
    points: Annotated[Whole, Field(ge=1)]
    """Number of times that scales and norms are noted, beside the beginnings of the three parts."""

    @model_validator(mode="after")
    def _in_order(self) -> "TernaryRule":
        if self.freeze < self.start:
            raise ValueError(
                f"freeze is {self.freeze}, allowed is at least ternary.rule.start, {self.start}"
            )
        return self


class Ternary(Section):
    """Trainings whose matrices end in ternary blocks, by four ways to the same block sparsity."""

    tasks: Tasks
    seeds: Annotated[Seeds, NeededBy("ternary.tasks")]
    arms: Annotated[tuple[Arm, ...], Unique, NeededBy("ternary.tasks")]
    blocks: Annotated[tuple[Geometry, ...], Unique, NeededBy("ternary.tasks")]
    sparsities: Annotated[tuple[Percent, ...], Unique, NeededBy("ternary.tasks")]
    """Per cent of the blocks of every matrix that are dropped."""
    rule: TernaryRule


def check_ternary(ternary: Ternary, data: dict[str, Data]) -> None:
    """Refuse ternary embeddings of language models, whose heads predict words by the same matrix."""
    for task in ternary.tasks if ternary.rule.embeddings == "ternary" else ():
        if is_language(task, data.get(task)):
            raise ValueError(
                f"ternary.tasks has {task!r}, allowed while ternary.rule.embeddings is 'ternary' are "
                "tasks other than masked language modelling, whose head predicts by the same matrix"
            )


def is_language(task: str, data: Data | None) -> bool:
    """Tell whether a task, described in `data`, is masked language modelling."""
    if isinstance(data, MiniatureData):
        return task == "mlm"
    return isinstance(data, TextData) or (data is not None and data.config in WIKITEXT)
