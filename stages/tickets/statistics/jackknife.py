"""The interval of a mean over pairs of seeds, which are not independent: a seed is in several pairs."""

import math
from collections.abc import Mapping

from scipy.special import ndtri, stdtrit

from stages.tickets.statistics.intervals import Summary, summarize


def over_pairs(
    values: Mapping[tuple[str, str], float], confidence: float, examples: float = 0.0
) -> Summary:
    """Summarise values of pairs of seeds, with a standard error from leaving out each seed in turn.

    Three seeds make three pairs, and the error of their mean is twice what three independent values would
    have: each pair shares a seed with each other pair. The interval is that of t with a degree of freedom
    less than there are seeds.

    Args:
        values: by the two seeds, at least one pair.
        confidence: confidence of the interval, in (0, 1).
        examples: standard error that comes from the choice of examples.

    Returns:
        The mean, the standard deviation over pairs, the interval, and the number of pairs. There is no
        interval if a seed is in all pairs, as with two seeds.
    """
    plain = summarize(list(values.values()), confidence, examples)
    seeds = {seed for pair in values for seed in pair}
    without = []
    for seed in sorted(seeds):
        others = [value for pair, value in sorted(values.items()) if seed not in pair]
        if not others:
            return Summary(plain.mean, plain.std, None, None, plain.n, examples)
        without.append(math.fsum(others) / len(others))
    middle, number = math.fsum(without) / len(without), len(seeds)
    square = (number - 1) / number * math.fsum((value - middle) ** 2 for value in without)
    half = float(stdtrit(number - 1, (1 + confidence) / 2)) * math.sqrt(square)
    if examples:
        half = math.hypot(half, float(ndtri((1 + confidence) / 2)) * examples)
    return Summary(plain.mean, plain.std, plain.mean - half, plain.mean + half, plain.n, examples)
