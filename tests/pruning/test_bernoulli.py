"""Bernoulli masks: probabilities, draws, exact sizes, ties, histograms."""

import numpy as np
import pytest
from scipy.special import logit

from stages.tickets.pruning import bernoulli, masks

SHAPES = {"b": (7, 11), "a": (5, 3), "c": (40, 30)}
SIZE = sum(rows * columns for rows, columns in SHAPES.values())


def logits_of(seed: int, step: float = 0.0) -> dict[str, np.ndarray]:
    """Normal logits, rounded to multiples of a step if there is one, so that many are equal."""
    generator = np.random.default_rng(seed)
    made = {name: generator.standard_normal(shape) for name, shape in SHAPES.items()}
    return {name: np.round(x / step) * step if step else x for name, x in made.items()}


def same(first: masks.Mask, second: masks.Mask) -> bool:
    return all((first[name] == second[name]).all() for name in SHAPES)


def hard(logits: dict[str, np.ndarray], sparsity: float, scope: str = "global", seed: int = 0):
    return bernoulli.hard(logits, sparsity, scope, np.random.default_rng(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", ["global", "matrix"])
@pytest.mark.parametrize("step", [0.0, 0.5, 100.0])  # at 100 all are equal
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.9, 0.97])
def test_the_size_is_exact_whatever_is_equal(scope: str, step: float, sparsity: float) -> None:
    """A sparsity of 0.9 keeps a tenth: the released comparison keeps nine tenths for some scores."""
    mask = hard(logits_of(1, step), sparsity, scope)
    assert masks.num_survivors(mask) == round((1 - sparsity) * SIZE)
    assert {name: kept.shape for name, kept in mask.items()} == SHAPES
    if scope == "matrix":
        for kept in mask.values():
            assert abs(int(kept.sum()) - (1 - sparsity) * kept.size) <= 1


def test_the_largest_logits_stay() -> None:
    logits = logits_of(2)
    mask = hard(logits, 0.8)
    assert min(logits[n][mask[n]].min() for n in SHAPES if mask[n].any()) > max(
        logits[n][~mask[n]].max() for n in SHAPES
    )


def test_equal_logits_are_drawn_and_do_not_go_by_matrix() -> None:
    equal = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    first, again, other = hard(equal, 0.5), hard(equal, 0.5), hard(equal, 0.5, seed=1)
    assert same(first, again)
    assert not same(first, other)
    for kept in first.values():
        assert 0.2 < kept.mean() < 0.8
    reordered = {name: equal[name] for name in sorted(equal, reverse=True)}
    assert same(first, hard(reordered, 0.5))


def test_without_equal_logits_the_draw_is_of_no_account() -> None:
    assert same(hard(logits_of(3), 0.6, seed=1), hard(logits_of(3), 0.6, seed=2))


@pytest.mark.parametrize("scope", ["global", "matrix"])
def test_a_logit_that_is_no_number_is_refused(scope: str) -> None:
    broken = logits_of(4)
    broken["a"][0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        hard(broken, 0.5, scope)


def test_a_drawn_mask_keeps_each_weight_with_its_probability() -> None:
    p = np.array([[0.05, 0.3], [0.5, 0.9]])
    logits = {"m": np.broadcast_to(logit(p), (20_000, 2, 2))}
    mask = bernoulli.drawn(logits, np.random.default_rng(0))["m"]
    assert mask.mean(axis=0) == pytest.approx(p, abs=0.01)
    assert bernoulli.probabilities({"m": logit(p)})["m"] == pytest.approx(p, abs=1e-15)


def test_histogram_and_summary_count_all_weights() -> None:
    p = np.array([0.0, 0.01, 0.049, 0.051, 0.5, 0.899, 0.951, 1.0])
    with np.errstate(divide="ignore"):
        logits = {"a": logit(p).reshape(2, 4), "b": np.full((3, 3), -np.inf)}
    counts = bernoulli.histogram(logits)
    expected = np.zeros(20, int)
    expected[[0, 1, 10, 17, 19]] = [3 + 9, 1, 1, 1, 2]
    assert counts.tolist() == expected.tolist()
    known = bernoulli.summary(logits)
    assert known["mean_probability"] == pytest.approx(p.sum() / 17)
    assert known["undecided"] == pytest.approx(2 / 17)
