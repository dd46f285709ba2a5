"""What a search has found: its record, and how its model predicts without any training of the weights."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.files import Arrays
from stages.tickets.learned import masking
from stages.tickets.learned.search import Learned
from stages.tickets.pruning import bernoulli, masks
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.statistics import agreement
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import predict


def record(learned: Learned, prior: float, mask: Mask, weights: Weights) -> dict[str, Any]:
    """Put into one record what a search has found.

    Args:
        learned: the search.
        prior: its prior.
        mask: the mask of exact size that its logits give.
        weights: weights that it was learned over; the largest, as many, are the one-shot mask.

    Returns:
        prior; mean `divergence` from it; `losses`; `mean_probability`, `undecided` and `histogram` of
        the probabilities; the Jaccard similarity of mask and one-shot mask, and that of random masks.
    """
    similar = agreement.jaccard(mask, masks.one_shot(weights, mask))
    return {
        "prior": prior,
        "divergence": learned.divergence,
        "losses": learned.losses,
        "histogram": bernoulli.histogram(learned.logits).tolist(),
        "jaccard_one_shot": similar.value,
        "jaccard_by_chance": similar.floor,
        **bernoulli.summary(learned.logits),
    }


def untrained(
    model: PreTrainedModel, encoder: Encoder, prepared: Prepared, factors: Weights | Mask
) -> Arrays:
    """Predict with a model whose matrices are multiplied by probabilities or by a mask.

    Args:
        model: weights, and the head of a search; they stay as they are.
        encoder: theta_0.
        prepared: task and splits.
        factors: numbers in [0, 1] for every prunable weight.
    """
    where = device.place_(model, prepared.task.kind)
    live = prunable_parameters(model, encoder)
    fixed = {
        n: torch.from_numpy(factors[n]).to(where, weights.dtype) for n, weights in live.items()
    }
    constant = {name: partial(_itself, factor) for name, factor in fixed.items()}
    with masking.multiplied_(model, constant):
        return predict.predict(model, prepared)


def _itself(factor: Tensor) -> Tensor:
    return factor


def kinds_of(
    logits: Weights, mask: Mask, generator: np.random.Generator
) -> dict[str, Weights | Mask]:
    """Return the factors with which a search is scored untrained, by their names.

    soft: probabilities; sampled: a mask that is drawn by them; hard: the mask of exact size. Each is
    multiplied with the weights themselves, never with what another one has left of them.
    """
    return {
        "soft": bernoulli.probabilities(logits),
        "sampled": bernoulli.drawn(logits, generator),
        "hard": mask,
    }
