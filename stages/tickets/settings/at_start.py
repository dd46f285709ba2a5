"""Settings of pruning at initialisation."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stages.tickets.settings.base import NeededBy, Section, Unique, Whole, matching
from stages.tickets.settings.trials import Seeds, Tasks

MaskName = Annotated[
    str,
    matching(
        "[a-z][a-z0-9-]{0,63}",
        "names of up to 64 characters a-z, 0-9 and - that begin with a letter",
    ),
]


class StartMask(Section):
    """A way to prune before any training."""

    name: MaskName
    """Name of the mask in paths and tables."""
    score: Literal["random", "magnitude", "snip", "grasp", "synflow", "synflow-without-residual"]
    """The largest scores are kept. snip: weight times gradient (Lee et al. 2019); grasp: weight times
    Hessian times gradient (Wang et al. 2020); synflow: share of the synaptic flow (Tanaka et al. 2020),
    with the encoder's residual connections or without."""
    iterations: Annotated[Whole, Field(ge=1)]
    """Number of times that weights are scored and dropped; 1 of all but SynFlow, which has 100, in Tanaka
    et al. 2020."""
    schedule: Literal["exponential", "linear"]
    """exponential: each iteration keeps the same share; linear: each drops the same number."""
    scope: Literal["global", "matrix"]
    """global: all weights are ranked together; matrix: every matrix keeps the same share."""


class StartRule(Section):
    """What all masks at initialisation have in common."""

    compressions: Annotated[
        tuple[Annotated[float, Field(gt=1)], ...], Unique, NeededBy("at_initialisation.tasks")
    ]
    """Numbers of weights for each that is kept; 2.5 keeps as many as a sparsity of 0.6."""
    examples: Annotated[Whole, Field(ge=1)]
    """Number of training examples that SNIP and GraSP see."""
    temperature: float = Field(gt=0)
    """Number that GraSP divides logits by."""
    qk: Literal["third", "exclude"]
    """Queries and keys in the synaptic flow. third: they share the scores of a head with its values, so
    that no score prunes to one weight for each matrix, since the last weight of a query has a third of
    the flow; exclude: they are no part of it, and their largest weights are kept, as many as of the
    values, so that SynFlow without residual connections reaches that maximal compression."""


def _named_once(masks: tuple[StartMask, ...]) -> tuple[StartMask, ...]:
    names = [mask.name for mask in masks]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(
                f"[{index}].name is {name!r}, allowed are names that no other mask has"
            )
    return masks


class AtInitialisation(Section):
    """Masks that are made before any training, and trained from where they are made."""

    tasks: Tasks
    seeds: Annotated[Seeds, NeededBy("at_initialisation.tasks")]
    starts: Annotated[
        tuple[Literal["pretrained", "random"], ...], Unique, NeededBy("at_initialisation.tasks")
    ]
    """pretrained: theta_0, with a classifier that the seed draws; random: the seed draws all weights.
    The dense model beside the latter is that of `scratch`. SNIP and GraSP see the task through a
    classifier that has learned nothing, so use three seeds or more."""
    masks: Annotated[
        tuple[StartMask, ...], AfterValidator(_named_once), NeededBy("at_initialisation.tasks")
    ]
    rule: StartRule
