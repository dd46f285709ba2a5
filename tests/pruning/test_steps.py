"""Pruning in steps: exact numbers at every step, nested masks, ties that fall by place alone."""

from collections.abc import Callable

import numpy as np
import pytest

from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Schedule, Scope, Steps

SHAPES = {"a": (5, 8), "b": (10, 3), "c": (6, 5)}
DENSE = {name: np.ones(shape, np.bool_) for name, shape in SHAPES.items()}


def how(
    compression: float = 10.0,
    iterations: int = 5,
    schedule: Schedule = "exponential",
    scope: Scope = "global",
) -> Steps:
    return Steps(compression, iterations, schedule, scope)


def redrawn() -> Callable[[Mask], Weights]:
    """Other scores whenever it is called, with ties and negative scores."""
    generator = np.random.default_rng(0)
    return lambda mask: {n: generator.integers(-3, 3, k.shape) / 2 for n, k in mask.items()}


def test_the_numbers_of_the_exponential_schedule() -> None:
    assert [steps.survivors_after(k, how(), 100) for k in range(1, 6)] == [63, 40, 25, 16, 10]


def test_the_numbers_of_the_linear_schedule() -> None:
    linear = how(schedule="linear")
    assert [steps.survivors_after(k, linear, 100) for k in range(1, 6)] == [82, 64, 46, 28, 10]


@pytest.mark.parametrize(("sparsity", "compression"), [(0.5, 2.0), (0.6, 2.5), (0.8, 5), (0.9, 10)])
def test_a_compression_leaves_as_many_weights_as_the_sparsity_that_it_means(
    sparsity: float, compression: float
) -> None:
    for size in (10, 85_524_480, 409_600, 33):
        assert steps.survivors_after(7, how(compression, 7), size) == masks.survivors_at(
            sparsity, size
        )


@pytest.mark.parametrize("schedule", ["exponential", "linear"])
@pytest.mark.parametrize("scope", ["global", "matrix"])
def test_every_step_is_exact_and_drops_only_survivors(schedule: Schedule, scope: Scope) -> None:
    plan = how(30.0, 13, schedule, scope)
    before = DENSE
    for number, step in enumerate(steps.prune(redrawn(), DENSE, plan), 1):
        assert step.before is before
        assert masks.num_survivors(step.after) == steps.survivors_after(number, plan, 100)
        assert all((step.after[name] <= before[name]).all() for name in before)
        before = step.after
    assert masks.num_survivors(before) == 3


def test_by_matrix_every_matrix_keeps_the_same_share() -> None:
    scores = {name: np.full(shape, float(i)) for i, (name, shape) in enumerate(SHAPES.items())}
    for step in steps.prune(lambda _: scores, DENSE, how(10.0, 4, scope="matrix")):
        share = masks.num_survivors(step.after) / 100
        for kept in step.after.values():
            assert abs(kept.sum() - share * kept.size) <= 1
    (step,) = steps.prune(lambda _: scores, DENSE, how(10.0, 1))
    assert [int(kept.sum()) for kept in step.after.values()] == [0, 0, 10]


def test_ties_fall_by_name_and_place_in_either_scope() -> None:
    scores = {name: np.ones(shape) for name, shape in SHAPES.items()}
    (step,) = steps.prune(lambda _: scores, DENSE, how(2.0, 1))
    assert [int(kept.sum()) for kept in step.after.values()] == [0, 20, 30]
    (step,) = steps.prune(lambda _: scores, DENSE, how(2.0, 1, scope="matrix"))
    for kept in step.after.values():
        assert kept.ravel().tolist() == sorted(kept.ravel())
        assert kept.sum() == kept.size / 2


def test_a_score_that_is_not_a_number_is_refused_in_either_scope() -> None:
    scores = {name: np.full(shape, np.nan) for name, shape in SHAPES.items()}
    for scope in ("global", "matrix"):
        with pytest.raises(ValueError, match="NaN"):
            list(steps.prune(lambda _: scores, DENSE, how(scope=scope)))  # type: ignore[arg-type]


def test_compressions_that_cannot_be_are_refused() -> None:
    for compression in (1.0, 0.5, 0.0, -2.0):
        with pytest.raises(ValueError, match="above 1"):
            steps.survivors_after(1, how(compression), 100)
    assert steps.survivors_after(5, how(100.0), 100) == 1
    with pytest.raises(ValueError, match="keeps at least 1 of 100 weights"):
        steps.survivors_after(1, how(201.0), 100)


def test_a_mask_that_is_too_small_at_first_is_refused() -> None:
    few = {name: np.zeros(shape, np.bool_) for name, shape in SHAPES.items()}
    with pytest.raises(ValueError, match="step 1 keeps 63 weights of 0"):
        next(steps.prune(redrawn(), few, how()))
