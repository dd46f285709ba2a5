"""The penalty on blocks by hand: clipped, detached or leaking, and as a hook on a matrix that trains."""

import math

import pytest
import torch

from stages.tickets.ternary.penalty import Penalty
from stages.tickets.ternary.sizing import Block

ROW = Block(1, 2)


def norms(*values: float) -> torch.Tensor:
    """A matrix whose blocks, one per row, have these norms."""
    direction = torch.tensor([0.6, 0.8], dtype=torch.float64)
    return torch.stack([value * direction for value in values]).requires_grad_()


def gradient(penalty: Penalty, weights: torch.Tensor) -> torch.Tensor:
    (made,) = torch.autograd.grad(penalty.of(weights, ROW), weights)
    return made @ torch.tensor([0.6, 0.8], dtype=torch.float64)


def test_the_example_by_hand() -> None:
    """Norms of 3 and 4 and 0.9 of their mean: 3.15, so 3 + 3.15; the larger block is left alone."""
    weights, penalty = norms(3, 4), Penalty(1.0, 0.9)
    assert penalty.of(weights, ROW).item() == pytest.approx(6.15)
    (made,) = torch.autograd.grad(penalty.of(weights, ROW), weights)
    assert made[0].tolist() == pytest.approx([0.6, 0.8])
    assert made[1].tolist() == [0.0, 0.0]


def test_the_threshold_of_the_scripts_leaks_gradient() -> None:
    """Of six blocks five are above it: each is pushed with 0.9 / 6 by each of the five."""
    weights = norms(3, 4, 4.1, 4.2, 4.3, 4.4)
    detached, leaking = (
        gradient(Penalty(1.0, 0.9, detach), weights).tolist() for detach in (True, False)
    )
    assert detached == pytest.approx([1, 0, 0, 0, 0, 0])
    assert leaking == pytest.approx([1.75, *[0.75] * 5])


def test_without_a_clip_it_is_the_group_lasso() -> None:
    weights = norms(1, 2, 5)
    assert Penalty(1.0, math.inf).of(weights, ROW).item() == pytest.approx(8)
    for ratio in (math.inf, 1e9):
        assert gradient(Penalty(1.0, ratio), weights).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("ratio", [0.9, math.inf])
@pytest.mark.parametrize("values", [(0.0, 4.0), (0.0, 0.0)])
def test_a_block_that_is_zero_has_a_finite_gradient(
    detach: bool, ratio: float, values: tuple[float, float]
) -> None:
    weights = norms(*values)
    (made,) = torch.autograd.grad(Penalty(1.0, ratio, detach).of(weights, ROW), weights)
    assert torch.isfinite(made).all()
    assert not made[0].any()


def test_a_hook_adds_the_gradient_of_the_weighted_penalty() -> None:
    """To that of the loss, and as a term of the loss would; weights and flags stay as they are."""
    weights = torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    penalty, block, before = Penalty(0.3, 0.95), Block(2, 2), weights.detach().clone()
    loss = (weights**3).sum()
    (expected,) = torch.autograd.grad(
        (weights**3).sum() + 0.3 * penalty.of(weights, block), weights
    )
    handle = weights.register_hook(penalty.hook(weights, block))
    loss.backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    torch.testing.assert_close(weights.grad, expected)
    handle.remove()
    (alone,) = torch.autograd.grad((weights**3).sum(), weights)
    assert not torch.allclose(alone, expected)
    assert torch.equal(weights, before)
