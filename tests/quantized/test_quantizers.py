"""Quantizers: levels, ranges and gradients, by hand and beside torch's own rounding."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from stages.tickets.quantized import quantizers
from stages.tickets.quantized.quantizers import Mode, Rows, Values, rounded

BITS = (8, 4, 2)


def drawn(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_example_of_the_paper_by_hand_saturates() -> None:
    """The largest weight is no level of two's complement, and the clamp is applied."""
    weights = torch.tensor([-0.8, 0.3, 0.79, 3.0, -3.0])
    made = rounded(weights, torch.tensor(0.1), 0, -8, 7)
    assert made.tolist() == pytest.approx([-0.8, 0.3, 0.7, 0.7, -0.8])


def test_halves_go_to_even() -> None:
    halves = torch.tensor([-1.5, -0.5, 0.5, 1.5, 2.5])
    assert rounded(halves, torch.tensor(1.0), 0, -8, 7).tolist() == [-2, 0, 0, 2, 2]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("seed", range(3))
def test_rows_and_tensors_are_rounded_as_torch_rounds_them_and_have_its_gradient(
    bits: int, seed: int
) -> None:
    matrix = drawn(7, 11, seed=seed).requires_grad_()
    scales = torch.rand(7, generator=torch.Generator().manual_seed(seed)) / 2 ** (bits - 1) + 1e-3
    half, last = 1 << (bits - 1), (1 << bits) - 1
    ours = rounded(matrix, scales[:, None], 0, -half, half - 1)
    zeros = torch.zeros(7, dtype=torch.int32)
    torchs = torch.fake_quantize_per_channel_affine(matrix, scales, zeros, 0, -half, half - 1)
    assert torch.equal(ours, torchs)
    weights = drawn(7, 11, seed=seed + 10)
    (gradient,) = torch.autograd.grad((ours * weights).sum(), matrix, retain_graph=True)
    (expected,) = torch.autograd.grad((torchs * weights).sum(), matrix, retain_graph=True)
    assert torch.equal(gradient, expected)
    assert 0 < (gradient == 0).sum() < gradient.numel()  # some are outside the range
    scale, zero = scales[0], torch.tensor(last // 3, dtype=torch.int32)
    ours = rounded(matrix, scale, zero, 0, last)
    torchs = torch.fake_quantize_per_tensor_affine(matrix, scale, zero, 0, last)
    assert torch.equal(ours, torchs)


def test_the_gradient_is_that_of_the_result_inside_and_nothing_outside() -> None:
    """Its value is not clipped, as in the published code: 5 stays 5."""
    weights = torch.tensor([-1.0, -0.86, 0.0, 0.74, 0.76, 2.0], requires_grad=True)
    made = rounded(weights, torch.tensor(0.1), 0, -8, 7)
    (made * 5).sum().backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    assert weights.grad.tolist() == [0, 0, 5, 5, 0, 0]


@pytest.mark.parametrize("bits", BITS)
def test_rows_have_a_scale_each_few_levels_and_are_idempotent(bits: int) -> None:
    matrix = drawn(5, 4000)
    rows = Rows(Mode(), bits, False, matrix)
    largest = matrix.abs().amax(1)
    assert torch.equal(rows.scales(), largest / 2 ** (bits - 1))
    made = rows(matrix)
    for row, scale in zip(made, rows.scales(), strict=True):
        levels = row.unique()
        assert len(levels) <= 2**bits
        assert torch.equal((levels / scale).round() * scale, levels)
    assert len(made[0].unique()) > 2 ** (bits - 1)
    assert torch.equal(rows(made), made)
    errors = (made - matrix).abs() / rows.scales()[:, None]
    assert errors.max() <= 1 + 1e-4  # the largest weight loses a step, all others half of one
    assert errors[matrix < (largest * (1 - 1 / 2 ** (bits - 1)))[:, None]].max() <= 0.5 + 1e-4


def test_a_row_of_zeros_stays_zero() -> None:
    matrix = torch.zeros(2, 3)
    matrix[1] = torch.tensor([1.0, -1.0, 0.5])
    made = Rows(Mode(), 4, False, matrix)(matrix)
    assert made[0].tolist() == [0, 0, 0]
    assert made[1].tolist() == [0.875, -1.0, 0.5]


@pytest.mark.parametrize("bits", BITS)
def test_both_ends_and_zero_are_levels_of_activations(bits: int) -> None:
    """The range moves by half a step at most, so that 0 is a level."""
    values = torch.tensor([-0.17, 0.0, 0.4, 1.9])
    quantizer = Values(Mode(follows=True), bits, False, torch.zeros(()))
    made = quantizer(values)
    scale, zero = quantizer.grid()
    assert float(scale) == pytest.approx(2.07 / (2**bits - 1))
    assert float(zero) == round(0.17 / float(scale))
    assert made[1] == 0
    assert (made - values).abs().max() <= scale * (0.5 + 1e-5)
    exact = quantizer(torch.tensor([0.0, 2.07]) - float(scale) * float(zero))
    assert exact.tolist() == pytest.approx([-float(scale * zero), 2.07 - float(scale * zero)])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_range_on_one_side_of_zero_reaches_to_zero(sign: float) -> None:
    quantizer = Values(Mode(follows=True), 2, False, torch.zeros(()))
    made = quantizer(sign * torch.tensor([3.0, 6.0]))
    assert made.tolist() == [sign * 4, sign * 6]


def test_ranges_are_means_over_batches_of_any_size() -> None:
    mode = Mode(follows=True)
    quantizer = Values(mode, 8, False, torch.zeros(()))
    quantizer(torch.tensor([-1.0, 2.0, *[0.0] * 50]))
    quantizer(torch.tensor([-3.0, 6.0]))
    assert (float(quantizer.low), float(quantizer.high)) == (-2, 4)
    mode.follows = False
    quantizer(torch.tensor([-100.0, 100.0]))
    assert (float(quantizer.low), float(quantizer.high)) == (-2, 4)
    rows = Rows(mode, 8, False, torch.tensor([[1.0, -3.0]]))
    mode.follows = True
    rows(torch.tensor([[5.0, 2.0]]))
    assert rows.scales().tolist() == [4 / 128]


def test_padding_does_not_widen_a_range() -> None:
    mode = Mode(follows=True, there=torch.tensor([[True, True, False], [True, False, False]]))
    values = torch.tensor([[1.0, -2.0, 90.0], [3.0, -80.0, 70.0]])[..., None]
    quantizer = Values(mode, 8, False, torch.zeros(()))
    quantizer(values)
    assert (float(quantizer.low), float(quantizer.high)) == (-2, 3)
    first = Values(mode, 8, False, torch.zeros(()))
    first(values[:, :1])  # of the last layer of a classifier
    assert (float(first.low), float(first.high)) == (0, 3)


def test_without_rounding_values_pass_as_they_are_and_are_seen() -> None:
    mode = Mode(calibrates=True)
    quantizer = Values(mode, 2, False, torch.zeros(()))
    values = drawn(3, 4)
    assert quantizer(values) is values
    assert float(quantizer.high) == float(values.max())
    rows = Rows(mode, 2, False, values)
    assert rows(values) is values


def test_a_quantizer_that_has_seen_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="calibrate"):
        Values(Mode(), 8, False, torch.zeros(()))(torch.zeros(3))


@given(st.floats(1e-30, 1e30))
def test_powers_of_two_are_the_least_not_below(number: float) -> None:
    scale = torch.tensor(number)
    made = float(quantizers.power_of_two(scale))
    assert math.frexp(made)[0] == 0.5
    assert float(scale) <= made < 2 * float(scale)


def test_scales_may_be_powers_of_two() -> None:
    rows = Rows(Mode(), 4, True, torch.tensor([[0.9, -0.3], [1.0, 0.0]]))
    assert rows.scales().tolist() == [0.125, 0.125]


def test_some_rows_are_rounded_as_in_the_complete_matrix() -> None:
    matrix = drawn(9, 5)
    rows = Rows(Mode(), 4, False, matrix)
    numbers = torch.tensor([[3, 3], [0, 8]])
    assert torch.equal(rows(matrix, numbers), rows(matrix)[numbers])
