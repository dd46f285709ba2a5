"""Ternary values by hand, the best scale, and the gradient that passes straight through."""

import pytest
import torch
from torch.optim import AdamW

from stages.tickets.settings.ternary import Threshold
from stages.tickets.ternary import blocks
from stages.tickets.ternary.quantizer import Reading, grid, straight_through, ternary
from stages.tickets.ternary.sizing import Block

RULES: tuple[Threshold, ...] = ("max", "twn")


def gaussian(rows: int = 64, columns: int = 64, seed: int = 0) -> torch.Tensor:
    return 0.05 * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_the_example_by_hand() -> None:
    """0.05 of 0.9 is 0.045, and 0.9 and 0.5 have the mean 0.7."""
    weights = torch.tensor([[0.9, -0.5, 0.02, -0.04]])
    made = grid(weights, "max")
    assert float(made.threshold) == pytest.approx(0.045)
    assert float(made.scale) == pytest.approx(0.7)
    assert ternary(weights, "max").tolist() == [[pytest.approx(0.7), pytest.approx(-0.7), 0, 0]]


def test_the_mean_rule_by_hand() -> None:
    """The mean magnitude is 0.4, so the threshold is 0.28."""
    weights = torch.tensor([[0.9, -0.3, 0.2, -0.2]])
    assert float(grid(weights, "twn").threshold) == pytest.approx(0.28)
    assert ternary(weights, "twn").tolist() == [[pytest.approx(0.6), pytest.approx(-0.6), 0, 0]]


@pytest.mark.parametrize("rule", RULES)
def test_a_matrix_has_three_values_of_which_two_differ_in_sign(rule: Threshold) -> None:
    weights = gaussian()
    values = ternary(weights, rule)
    scale = float(grid(weights, rule).scale)
    assert set(values.unique().tolist()) == {-scale, 0.0, scale}
    assert torch.equal(values, -ternary(-weights, rule))


@pytest.mark.parametrize("rule", RULES)
def test_ternary_values_stay_under_the_same_rule(rule: Threshold) -> None:
    once = ternary(gaussian(), rule)
    torch.testing.assert_close(ternary(once, rule), once, rtol=1e-6, atol=0)


@pytest.mark.parametrize("rule", RULES)
def test_the_scale_is_that_of_least_squares_for_its_support(rule: Threshold) -> None:
    weights = gaussian().double()
    values = ternary(weights, rule)
    scale = values.abs().max()

    def error(factor: float) -> float:
        return float(((weights - factor * values) ** 2).sum())

    assert error(1.0) < min(error(0.999), error(1.001))
    inside = values != 0
    solved = (weights * values.sign())[inside].sum() / inside.sum()
    assert float(scale) == pytest.approx(float(solved))


def test_the_mean_rule_is_nearer_to_a_gaussian_than_the_rule_of_the_largest() -> None:
    """The mean rule drops 42 % of a Gaussian, the other far fewer, and is nearer to it."""
    weights = gaussian(512, 512)
    errors, shares = {}, {}
    for rule in RULES:
        values = ternary(weights, rule)
        errors[rule] = float(((weights - values) ** 2).sum())
        shares[rule] = float((values == 0).float().mean())
    assert shares["twn"] == pytest.approx(0.42, abs=0.01)
    assert shares["max"] < 0.25
    assert errors["twn"] < 0.75 * errors["max"]


def test_the_mean_rule_is_nearly_the_best_threshold_for_a_gaussian() -> None:
    """Its error is within 2 % of that of the best of all thresholds, the other's is far from it."""
    weights = gaussian(128, 128).double()
    sizes = weights.abs().flatten().sort(descending=True).values
    counts = torch.arange(1, len(sizes) + 1)
    best = float((sizes**2).sum() - (sizes.cumsum(0) ** 2 / counts).max())
    errors = {rule: float(((weights - ternary(weights, rule)) ** 2).sum()) for rule in RULES}
    assert best <= errors["twn"] < 1.02 * best
    assert errors["max"] > 1.3 * best


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("by_row", [False, True])
def test_a_weight_that_is_no_number_is_not_hidden(rule: Threshold, by_row: bool) -> None:
    """Else a training that went wrong would go on with a matrix of zeros, and a finite loss."""
    weights = gaussian(3, 8)
    weights[1, 2] = torch.nan
    values = ternary(weights, rule, by_row=by_row)
    assert values[1].isnan().all()
    assert values[0].isnan().any() != by_row


def test_an_outlier_moves_the_rule_of_the_largest() -> None:
    weights = gaussian()
    moved = weights.clone()
    moved[0, 0] = 3.0
    assert float(grid(moved, "max").threshold) == pytest.approx(0.15)
    assert (ternary(moved, "max") == 0).float().mean() > 0.99
    assert (ternary(moved, "twn") == 0).float().mean() < 0.45


@pytest.mark.parametrize("rule", RULES)
def test_rows_have_scales_of_their_own(rule: Threshold) -> None:
    weights = gaussian(4, 32) * torch.tensor([[1.0], [2.0], [4.0], [0.0]])
    by_row = ternary(weights, rule, by_row=True)
    for row, values in zip(weights, by_row, strict=True):
        assert torch.equal(values[None], ternary(row[None], rule))
    assert not by_row[3].any()


def test_dropped_weights_do_not_enter_the_mean() -> None:
    weights = torch.tensor([[0.4, -0.2, 0.0, 0.0]])
    kept = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    assert float(grid(weights, "twn").threshold) == pytest.approx(0.7 * 0.15)
    assert float(grid(weights, "twn", kept).threshold) == pytest.approx(0.7 * 0.3)


@pytest.mark.parametrize("rule", RULES)
def test_a_matrix_of_zeros_stays_one(rule: Threshold) -> None:
    assert not ternary(torch.zeros(3, 4), rule).any()


def test_the_gradient_is_upstream_within_the_clip_and_zero_outside() -> None:
    weights = torch.tensor([[0.9, -0.5, 0.02, -1.0, 1.5, -2.0]], requires_grad=True)
    values = ternary(weights, "max")
    passed = straight_through(weights, values)
    assert torch.equal(passed, values)
    upstream = torch.tensor([[1.0, -2.0, 3.0, 4.0, 5.0, 6.0]])
    passed.backward(upstream)  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    assert weights.grad.tolist() == [[1.0, -2.0, 3.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("is_ternary", [False, True])
def test_dropped_blocks_are_zero_after_100_steps_of_adamw(is_ternary: bool) -> None:
    """Moments from before, decay and a loss that asks for other values do not bring them back."""
    block, weights = Block(4, 4), gaussian(16, 16).requires_grad_()
    target, reading = gaussian(16, 16, seed=1), Reading("twn")
    reading.is_ternary = is_ternary
    optimizer = AdamW([weights], lr=0.01, weight_decay=0.1)

    def step() -> None:
        optimizer.zero_grad()
        ((reading(weights) - target) ** 2).sum().backward()
        optimizer.step()

    for _ in range(10):
        step()
    stays = blocks.spread(blocks.kept(blocks.norms(weights.detach(), block), 0.5), block)
    reading.kept = stays.float()
    before = weights.detach().clone()
    for _ in range(100):
        step()
        assert weights.grad is not None
        assert not weights.grad[~stays].any()
        assert not reading(weights)[~stays].any()
    assert reading(weights)[stays].any()
    assert not torch.equal(weights[stays], before[stays])
