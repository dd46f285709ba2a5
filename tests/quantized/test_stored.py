"""Stored integers are the weights that the model computed with, and one integer product is its layer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import compact
from stages.tickets.pruning.channels import Channels
from stages.tickets.quantized import attached, bits, integers, stored
from stages.tickets.quantized.attached import QuantizedLinear
from stages.tickets.quantized.quantizers import Values
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS
from tests.quantized.test_attached import KINDS, batches, built

ARMS = ("w8a8", "w4a8e8", "w2a4e2", "w32a8", "w4a32e4", "w32a32")
CHANNELS = Channels(np.array([[True, False], [False, True]]), np.arange(64).reshape(2, 32) % 3 > 0)
NONE = Channels(np.array([[True, False], [False, False]]), np.arange(64).reshape(2, 32) > 31)
"""A layer without heads, and one without neurons."""


def trained(
    encoder: Encoder, prepared: Prepared, arm: str, channels: Channels | None = None
) -> PreTrainedModel:
    model = built(encoder, prepared)
    if channels:
        compact.compact_(model, channels)
    attached.attach_(model, bits.of_arm(arm))
    attached.calibrate_(model, batches(model, prepared))
    with attached.following(model):
        fit.fit_(model, prepared, SEEDS, RECIPE)
    return model


def arm_for(kind: str, arm: str) -> str:
    """The decoder of a language model is its table of words, which stays in floats."""
    return arm.partition("e")[0] if kind == "prepared_words" else arm


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arm", ARMS)
def test_a_stored_model_predicts_bit_for_bit_what_it_predicted(
    encoder: Encoder, kind: str, arm: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    prepared: Prepared = request.getfixturevalue(kind)
    model = trained(encoder, prepared, arm_for(kind, arm))
    stored.save(model, arm_for(kind, arm), None, prepared, 8, tmp_path)
    before = predict.predict(model, prepared)
    after = predict.predict(stored.build(encoder, tmp_path), prepared)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    first = (tmp_path / stored.TENSORS).read_bytes()
    stored.save(model, arm_for(kind, arm), None, prepared, 8, tmp_path)
    assert (tmp_path / stored.TENSORS).read_bytes() == first


@pytest.mark.parametrize("channels", [CHANNELS, NONE], ids=["some", "none in a layer"])
def test_a_compact_model_too(
    encoder: Encoder, prepared: Prepared, channels: Channels, tmp_path: Path
) -> None:
    model = trained(encoder, prepared, "w4a8e8", channels)
    stored.save(model, "w4a8e8", channels, prepared, 8, tmp_path)
    before = predict.predict(model, prepared)
    after = predict.predict(stored.build(encoder, tmp_path), prepared)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    record = files.load_record(tmp_path / stored.RECORD)
    assert record["kept"] == compact.sizes(model.config, channels)["kept"] < record["prunable"]


@pytest.mark.parametrize("arm", ["w8a8e8", "w4a8e4", "w2a2e2"])
def test_integers_times_scales_are_exactly_the_rounded_weights(
    encoder: Encoder, prepared: Prepared, arm: str, tmp_path: Path
) -> None:
    model = trained(encoder, prepared, arm)
    stored.save(model, arm, None, prepared, 8, tmp_path)
    tensors, number = load_file(tmp_path / stored.TENSORS), int(arm[1])
    checked = 0
    for name, module in model.named_modules():
        if f"{name}.weight.scale" not in tensors:
            continue
        weight, scales = tensors[f"{name}.weight"], tensors[f"{name}.weight.scale"]
        matrix, rows = module.get_parameter("weight"), module.get_submodule("rows")
        width = number if isinstance(module, QuantizedLinear) else bits.of_arm(arm).embeddings
        assert weight.dtype == (torch.int8 if width == 8 else torch.uint8)
        assert weight.shape[1] == -(-matrix.shape[1] * width // 8)
        numbers = integers.unpacked(weight, width, matrix.shape[1])
        assert int(numbers.min()) >= -(2 ** (width - 1))
        assert int(numbers.max()) <= 2 ** (width - 1) - 1
        assert int(numbers.min()) < 0 < int(numbers.max())
        assert torch.equal(numbers * scales[:, None], rows(matrix))
        checked += 1
    assert checked == 13 + 3


@pytest.mark.parametrize("arm", ["w8a8", "w4a4", "w2a8"])
def test_one_product_of_integers_is_the_layer(
    encoder: Encoder, prepared: Prepared, arm: str, tmp_path: Path
) -> None:
    """With sums in int32, up to the rounding of the simulation in floats.

    The simulation rounds both factors of a product, the product, n sums and the bias; the integers' way
    rounds the sum, the product of scales, the product of both, and the bias: together at most n + 8 units
    of rounding, 2^-24, of the sum of magnitudes.
    """
    model = trained(encoder, prepared, arm)
    stored.save(model, arm, None, prepared, 8, tmp_path)
    tensors = load_file(tmp_path / stored.TENSORS)
    passes: dict[str, tuple[Tensor, Tensor]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, given, made, name=name: passes.update({name: (given[0], made)})
        )
        for name, module in model.named_modules()
        if isinstance(module, QuantizedLinear)
    ]
    predict.predict(model, prepared)
    for hook in hooks:
        hook.remove()
    assert len(passes) == 13
    of_arm = bits.of_arm(arm)
    for name, (values, simulated) in passes.items():
        module = model.get_submodule(name)
        assert isinstance(module, QuantizedLinear)
        assert isinstance(module.values, Values)
        scale, zero = tensors[f"{name}.input.scale"], int(tensors[f"{name}.input.zero"])
        columns = values.shape[-1]
        levels = ((values * scale.reciprocal()).round() + zero).clamp(0, 2**of_arm.activations - 1)
        weight = integers.unpacked(tensors[f"{name}.weight"], of_arm.weights, columns)
        left = levels.to(torch.int32).reshape(-1, columns) - zero
        sums = left @ weight.to(torch.int32).T
        assert sums.dtype == torch.int32
        scales = tensors[f"{name}.weight.scale"]
        made = (sums * (scale * scales)).reshape(simulated.shape) + module.bias
        magnitudes = (left.abs().double() * scale) @ (weight.double().abs() * scales[:, None]).T
        bound = (columns + 8) * 2.0**-24 * (magnitudes + module.bias.abs()).reshape(simulated.shape)
        assert ((made - simulated).abs() <= bound).all(), name
        assert bound.max() < 0.01 * simulated.abs().max()
        assert not torch.equal(left, torch.zeros_like(left))


@given(st.sampled_from([8, 4, 2]), st.integers(1, 4), st.integers(1, 11), st.integers(0, 99))
def test_packing_loses_nothing(number: int, rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    half = 1 << (number - 1)
    numbers = torch.randint(-half, half, (rows, columns), generator=generator, dtype=torch.int8)
    made = integers.packed(numbers, number)
    assert torch.equal(integers.unpacked(made, number, columns), numbers)
    assert made.numel() == rows * -(-columns * number // 8)


def test_packed_bytes_by_hand() -> None:
    """Two's complement, the first number in the lowest bits, a row filled up with zeros."""
    assert integers.packed(torch.tensor([[1, -1, -8]], dtype=torch.int8), 4).tolist() == [[0xF1, 8]]
    assert integers.packed(torch.tensor([[1, -1, -2, 0, 1]], dtype=torch.int8), 2).tolist() == [
        [0b00101101, 1]
    ]


def test_a_file_of_another_model_is_refused(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    model = trained(encoder, prepared, "w8a8", CHANNELS)
    stored.save(model, "w8a8", CHANNELS, prepared, 8, tmp_path)
    (tmp_path / compact.CHANNELS).unlink()
    with pytest.raises(ValueError, match=r"query.*shape"):
        stored.build(encoder, tmp_path)


def test_layer_norms_biases_and_the_classifier_are_floats(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    model = trained(encoder, prepared, "w2a2e2")
    stored.save(model, "w2a2e2", None, prepared, 8, tmp_path)
    for name, tensor in load_file(tmp_path / stored.TENSORS).items():
        kept = "LayerNorm" in name or "bias" in name or "classifier" in name or "scale" in name
        assert (tensor.dtype == torch.float32) == kept, name
    plain = theta.build(encoder, "classification", 2, 0.0, 0)
    assert isinstance(plain.get_submodule("classifier"), nn.Linear)
