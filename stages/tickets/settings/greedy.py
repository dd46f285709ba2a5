"""Settings of heads and neurons that are dropped by their activations."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import Among, NeededBy, Section, Share, Unique, Whole
from stages.tickets.settings.trials import Seeds, Tasks


class Greedy(Section):
    """Heads and neurons of MLPs that are cut out, the same share of each layer."""

    tasks: Tasks
    """Tasks of an encoder that is built like BERT."""
    seeds: Annotated[Seeds, NeededBy("greedy.tasks")]
    sparsities: Annotated[tuple[Share, ...], Unique, NeededBy("greedy.tasks")]
    """Shares of the heads and of the neurons of every layer that are dropped, in (0, 1)."""
    orders: Annotated[
        tuple[Literal["greedy", "shuffled", "one-shot", "magnitude", "random"], ...], Unique
    ]
    """Choices from the fine-tuned model, without a training; what is left is scored, and trained on.
    greedy: layer by layer from the input on, by importance behind what is pruned already; shuffled: in an
    order that is drawn; one-shot: by importance in the dense network; magnitude: by weights; random. The
    order from the output on would choose what one-shot does, since no layer changes an earlier one."""
    windows: Annotated[
        tuple[Literal["greedy", "reversed", "shuffled", "one-shot", "magnitude", "random"], ...],
        Unique,
    ]
    """Choices within a training from theta_0, of which windows take a third at most."""
    keep_weights: Annotated[tuple[Share, ...], Unique, Among("greedy.sparsities")]
    """Sparsities at which all weights of the trained models of the order greedy are stored."""
    examples: Annotated[Whole, Field(ge=1)]
    """Number of training examples on which importance is measured without a training."""
