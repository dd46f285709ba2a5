"""The two networks at the ends of a path: copies, stored ones, and how unlike masks and heads meet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning.masks import Mask
from stages.tickets.training import interpolation
from stages.tickets.training.interpolation import Weights


@dataclass(frozen=True)
class End:
    """A trained network at an end of a path."""

    start: Weights
    """Weights at which its training started, m * theta_k."""
    weights: Weights
    mask: Mask | None


def end(
    start: PreTrainedModel, mask: Mask | None, trained: PreTrainedModel, encoder: Encoder
) -> End:
    """Copy start and end of a training, with the weights that `mask` drops set to 0 in both."""
    prefix = f"{trained.base_model_prefix}."
    covered = None if mask is None else {name: mask[name] for name in encoder.prunable}
    first, last = (
        interpolation.masked(interpolation.copied(model), covered, prefix)
        for model in (start, trained)
    )
    return End(first, last, mask)


def of_own(theta_0: PreTrainedModel, trained: PreTrainedModel, encoder: Encoder) -> End:
    """Make an end of a model of the user's own, of which nothing but the weights is known.

    Prunable weights that are exactly 0 count as dropped. Its start is theta_0 under that mask, and a head
    of zeros.

    Args:
        theta_0: a model of the same task.
        trained: the model.
        encoder: theta_0.
    """
    prefix, weights = f"{trained.base_model_prefix}.", interpolation.copied(trained)
    mask = {
        name: (weights[f"{prefix}{name}"] != 0).numpy() if f"{prefix}{name}" in weights else kept
        for name, kept in dense(encoder).items()
    }
    drawn = vars(theta_0)[parameters.HEAD]
    start = {
        name: torch.zeros_like(weight) if name in drawn else weight
        for name, weight in interpolation.copied(theta_0).items()
    }
    return End(interpolation.masked(start, mask, prefix), weights, mask)


def cut(model: PreTrainedModel, encoder: Encoder, ends: tuple[End, End]) -> tuple[End, End]:
    """Set to 0 in both networks what either mask drops, so that their path stays in one subspace.

    Args:
        model: any model of their architecture.
        encoder: theta_0.
        ends: the two networks; one without a mask keeps all weights.
    """
    prefix, every = f"{model.base_model_prefix}.", dense(encoder)
    first, second = (every if network.mask is None else network.mask for network in ends)
    shared = {name: first[name] & second[name] for name in every}
    a, b = (
        End(
            interpolation.masked(network.start, shared, prefix),
            interpolation.masked(network.weights, shared, prefix),
            shared,
        )
        for network in ends
    )
    return a, b


def dense(encoder: Encoder) -> Mask:
    """Make the mask that keeps all weights."""
    return {name: np.ones(encoder.weights[name].shape, np.bool_) for name in encoder.prunable}


def starts_have_unlike_heads(model: PreTrainedModel, ends: tuple[End, End]) -> bool:
    """Tell whether the trainings of two networks started with other heads.

    Heads are what the encoder lacks and their seeds draw, see `theta.build`.
    """
    drawn = vars(model)[parameters.HEAD]
    first, second = (network.start for network in ends)
    return any(not torch.equal(first[name], second[name]) for name in drawn)


# --- stored networks -------------------------------------------------------------------------


@dataclass(frozen=True)
class Stored:
    """A network whose trained weights are stored: the ticket of a round, or dense, of round 0."""

    seed: int
    round: int


def pairs(
    kinds: Collection[str], seeds: Sequence[int], kept: Sequence[int]
) -> list[tuple[Stored, Stored]]:
    """List the pairs of stored networks to walk between, each once.

    Args:
        kinds: `seeds` for dense models of two seeds; `rounds` for successive rounds of a seed; `dense`
            for the dense model and each later round.
        seeds: seeds of the task.
        kept: rounds whose weights are stored beside round 0.
    """
    listed: list[tuple[Stored, Stored]] = []
    if "seeds" in kinds:
        listed += [(Stored(a, 0), Stored(b, 0)) for a, b in combinations(sorted(seeds), 2)]
    for seed in seeds:
        rounds = [Stored(seed, number) for number in (0, *sorted(kept))]
        if "rounds" in kinds:
            listed += [(a, b) for a, b in pairwise(rounds) if b.round == a.round + 1]
        if "dense" in kinds:
            listed += [(rounds[0], later) for later in rounds[1:]]
    return list(dict.fromkeys(listed))


def walks(
    listed: Sequence[tuple[Stored, Stored]], meets: Sequence[str]
) -> list[tuple[tuple[Stored, Stored], str]]:
    """List each pair with every way to meet, `union` or `intersection`; dense models have one way."""
    return [
        (pair, meet)
        for pair in listed
        for meet in (meets if any(network.round for network in pair) else ("union",))
    ]
