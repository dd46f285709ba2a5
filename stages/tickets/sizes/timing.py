"""How long models take beside each other, in pairs of passes that follow one another."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch
from scipy.stats import quantile_test
from torch import Tensor
from transformers import PreTrainedModel


@dataclass(frozen=True)
class Ratio:
    """Time of a model as a multiple of another's: median over pairs, and its interval."""

    median: float
    low: float
    high: float
    seconds: float
    """Median of the model itself."""
    n: int
    """Number of pairs."""


def compare(
    model: PreTrainedModel,
    other: PreTrainedModel,
    examples: int,
    tokens: int,
    pairs: int,
    confidence: float = 0.95,
) -> Ratio:
    """Time forward passes of two models on the CPU, in turn, after one of each to warm up.

    What else the machine does hits both models of a pair alike. The interval of the median is made of
    order statistics of the ratios, so it assumes nothing of their distribution.

    Args:
        model: the model whose time is in question.
        other: the model that it is compared with.
        examples: examples of a pass.
        tokens: tokens of each example, without padding.
        pairs: number of pairs.
        confidence: confidence of the interval, in (0, 1).
    """
    ids = torch.ones(examples, tokens, dtype=torch.long)
    timed = [(_seconds(model, ids), _seconds(other, ids)) for _ in range(pairs + 1)][1:]
    return ratio(timed, confidence)


def ratio(timed: Sequence[tuple[float, float]], confidence: float) -> Ratio:
    """Summarise the seconds of pairs of passes, of the model and of the other."""
    ratios = [first / second for first, second in timed]
    interval = quantile_test(ratios, q=median(ratios), p=0.5).confidence_interval(confidence)
    low, high = float(interval.low), float(interval.high)
    return Ratio(median(ratios), low, high, median(first for first, _ in timed), len(ratios))


def _seconds(model: PreTrainedModel, ids: Tensor) -> float:
    """Measure the seconds of one forward pass."""
    with torch.inference_mode():
        start = time.perf_counter()
        model(input_ids=ids)
    return time.perf_counter() - start
