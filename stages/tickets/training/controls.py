"""Controls of a ticket: other masks of its size, and its mask on other weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import draw_anew_, prunable_weights, set_prunable_
from stages.tickets.pruning import masks, shuffles, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings.noise import Seeds, stable_seed


@dataclass(frozen=True)
class Start:
    """The model and the mask with which the training of a ticket or a control starts."""

    model: PreTrainedModel
    """Model with the weights of theta_i, or with other weights in their place."""
    mask: Mask


@dataclass(frozen=True)
class Models:
    """Functions that make models of one task and seed when they are needed."""

    unpretrained: Callable[[int], PreTrainedModel]
    """Makes a model without pre-training, all weights drawn by the given seed."""
    fine_tuned: Callable[[], PreTrainedModel]
    """Makes the model after the dense training."""


def controlled(
    kind: str, ticket: Start, encoder: Encoder, models: Models, seeds: Seeds, number: int
) -> Start:
    """Make the control `kind` of a ticket, with exactly as many survivors, and nothing else changed.

    Chen et al. 2020, Table 2 (random masks, re-initialised and shuffled weights) and Figure 2 (one-shot
    pruning of theta_0), with variants: the paper's text and the authors' code shuffle differently.

    Args:
        kind: `ticket`, or a control of params.yaml, such as `random` or `random-2`, its second draw.
        ticket: theta_i in a model of its own, which is changed in place if the control changes weights.
        encoder: theta_0.
        models: models of the same task and seed.
        seeds: only `mask` is used, so that draws can be fixed apart from the noise of the training.
        number: round of the ticket.
    """
    name, draw = structure.numbered(kind)
    generator = _generator(name, draw, seeds, number)
    mask = _other_mask(name, ticket.mask, encoder, models, generator)
    if mask is not None:
        return replace(ticket, mask=mask)
    if name in shuffles.BY_NAME:
        weights = prunable_weights(ticket.model, encoder)
        shuffled = shuffles.BY_NAME[name](weights, generator)
        set_prunable_(ticket.model, encoder, shuffled)
    elif name != "ticket":
        drawn = models.unpretrained(int(generator.integers(2**63)))
        only_layers = name == "reinitialised-layers"
        draw_anew_(ticket.model, encoder, drawn, only_layers)
    return ticket


def _other_mask(
    name: str, mask: Mask, encoder: Encoder, models: Models, generator: np.random.Generator
) -> Mask | None:
    """Make another mask of the size of `mask`; None for a control that keeps the ticket's mask."""
    match name:
        case "random":
            return masks.random_like(mask, generator)
        case "random-by-matrix":
            return masks.random_by_matrix(mask, generator)
        case "one-shot":
            theta_0 = {matrix: encoder.weights[matrix].numpy() for matrix in encoder.prunable}
            return masks.one_shot(theta_0, mask)
        case "one-shot-fine-tuned":
            weights = prunable_weights(models.fine_tuned(), encoder)
            return masks.one_shot(weights, mask)
    return None


def _generator(name: str, draw: int, seeds: Seeds, number: int) -> np.random.Generator:
    if (name, draw) == ("random", 1):
        return seeds.mask_generator(number)
    return np.random.default_rng([seeds.mask, number, stable_seed(name), draw])
