"""A mask before any training: a score of every weight at the start, and the steps by which it prunes.

Random and magnitude are the baselines of Tanaka et al. 2020, beside SNIP, GraSP and SynFlow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel

from stages.tickets.at_start import flow, gradients
from stages.tickets.at_start.flow import Magnitudes
from stages.tickets.at_start.linear import KEY, QUERY, VALUE, Attention, Linear, made_linear
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Score, Step, Steps
from stages.tickets.settings import UserError
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import objective

Name = Literal["random", "magnitude", "snip", "grasp", "synflow", "synflow-without-residual"]


@dataclass(frozen=True)
class Untrained:
    """A model before its training, and the task that it is going to train on."""

    model: PreTrainedModel
    encoder: Encoder
    prepared: Prepared
    seeds: Seeds
    """Only `mask` is used: random scores and the examples for SNIP and GraSP are drawn by it."""
    masked: float
    """Share of words that masked language modelling hides, in (0, 1)."""


@dataclass(frozen=True)
class Rule:
    """How weights are scored."""

    score: Name
    examples: int
    """Number of training examples that SNIP and GraSP see."""
    temperature: float
    """Number by which GraSP divides logits."""
    qk: Attention
    """Part of queries and keys in synaptic flow, see `Linear`."""

    @property
    def is_flow(self) -> bool:
        """Tell whether scores are shares of the synaptic flow."""
        return self.score.startswith("synflow")


def prune(start: Untrained, rule: Rule, how: Steps) -> Iterator[Step]:
    """Yield the steps from all weights to the compression; the model stays as it is.

    Raises:
        UserError: the compression leaves no weight, or synaptic flow is not defined for the model.
    """
    weights = prunable_weights(start.model, start.encoder)
    dense = masks.dense(weights)
    score = scoring(start, rule, weights)
    try:
        steps.survivors_after(1, how, masks.num_weights(dense))
    except ValueError as error:
        raise UserError(f"at_initialisation.rule.compressions: {error}") from None
    return steps.prune(score, dense, how)


def scoring(start: Untrained, rule: Rule, weights: Weights) -> Score:
    """Return the function that scores the survivors of a mask.

    Args:
        start: the model and its task.
        rule: names the score.
        weights: prunable weights of the model.
    """
    seed = stable_seed("at-initialisation", start.seeds.mask)
    match rule.score:
        case "random":
            return drawn(np.random.default_rng(seed))
        case "magnitude":
            return lambda mask: flow.magnitudes(weights, mask)
        case "snip" | "grasp":
            split = objective.sample(start.prepared, "train", rule.examples, start.masked, seed)
            temperature = rule.temperature if rule.score == "grasp" else 1.0
            loss = gradients.Loss(start.model, start.encoder, start.prepared, split, temperature)
            return loss.snip if rule.score == "snip" else loss.grasp
        case _:
            network = made_linear(start.model, rule.qk, rule.score == "synflow")
            return synflow(network, weights)


def drawn(generator: np.random.Generator) -> Score:
    """Return a function that draws normal scores, anew whenever it is called."""

    def score(mask: Mask) -> Weights:
        scores = {name: generator.standard_normal(mask[name].shape) for name in sorted(mask)}
        return {name: scores[name] for name in mask}

    return score


def synflow(network: Linear, weights: Weights) -> Score:
    """Return a function that scores weights by their share of the synaptic flow.

    If queries and keys are excluded from the flow, they borrow the scores of the values of their layer,
    by rank of magnitude, so that the three matrices keep the same number of weights, up to ties.
    """

    def score(mask: Mask) -> Weights:
        values = flow.magnitudes(weights, mask)
        shares = flow.through(network, values).shares
        return shares | borrowed(network, shares, values)

    return score


def borrowed(
    network: Linear, shares: Weights, values: Magnitudes
) -> dict[str, NDArray[np.float64]]:
    """Return scores of queries and keys that are those of the values; none if they have their own."""
    if network.attention != "exclude":
        return {}
    scores: dict[str, NDArray[np.float64]] = {}
    for layer in network.layers:
        ascending = np.sort(shares[layer + VALUE].astype(np.float64), axis=None)
        for name in (layer + QUERY, layer + KEY):
            order = np.argsort(values[name], axis=None, kind="stable")
            scores[name] = steps.with_values(order, ascending, values[name].shape)
    return scores
