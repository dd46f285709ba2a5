"""Pairs of passes: medians and intervals by hand, and models that are called in turn."""

from typing import Any

import pytest
import torch
from scipy.stats import binom

from stages.tickets.sizes import timing


def test_the_median_has_an_interval_of_order_statistics() -> None:
    """Of nine ratios 1, ..., 9, the second and the eighth hold the median in 96.1 % of all samples."""
    ratio = timing.ratio([(float(k), 1.0) for k in range(1, 10)], 0.95)
    assert (ratio.median, ratio.low, ratio.high, ratio.n) == (5, 2, 8, 9)
    assert 1 - 2 * binom.cdf(1, 9, 0.5) == pytest.approx(0.961, abs=1e-3)


def test_one_slow_pair_moves_neither_median_nor_interval() -> None:
    calm = [(1.0 + k / 100, 2.0) for k in range(20)]
    assert timing.ratio(calm, 0.95) == timing.ratio([*calm[:-1], (900.0, 2.0)], 0.95)


def test_models_are_called_in_turn_and_the_first_pair_does_not_count() -> None:
    calls: list[tuple[str, tuple[int, ...]]] = []

    def model(name: str) -> Any:
        def run(input_ids: torch.Tensor) -> None:
            assert torch.is_inference_mode_enabled()
            calls.append((name, tuple(input_ids.shape)))

        return run

    ratio = timing.compare(model("small"), model("dense"), 3, 5, 8)
    assert calls == [("small", (3, 5)), ("dense", (3, 5))] * 9
    assert ratio.n == 8
    assert ratio.low <= ratio.median <= ratio.high
    assert ratio.seconds > 0
