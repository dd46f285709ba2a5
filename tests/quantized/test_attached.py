"""Quantizers on a model: what they change, what they see, and that they leave without a trace."""

import copy

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.quantized import attached, bits
from stages.tickets.quantized.attached import QuantizedEmbedding, QuantizedLinear
from stages.tickets.quantized.quantizers import Values
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, objective, predict
from stages.tickets.training.objective import ModelBatch
from tests.conftest import RECIPE, SEEDS

W8A8 = bits.of_arm("w8a8")
KINDS = ("prepared", "prepared_pairs", "prepared_spans", "prepared_words")


def built(encoder: Encoder, prepared: Prepared, dropout: float = 0.1) -> PreTrainedModel:
    task = prepared.task
    return theta.build(encoder, task.kind, task.num_labels, dropout, 1, pairs=prepared.pairs)


def batches(model: PreTrainedModel, prepared: Prepared, size: int = 100) -> list[ModelBatch]:
    sample = objective.sample(prepared, "train", 100, 0.2, 0)
    return objective.batches(model, prepared, sample, size)


def logits(model: PreTrainedModel, prepared: Prepared) -> Tensor:
    with torch.no_grad():
        return torch.cat([batch.logits({}).flatten() for batch in batches(model, prepared)])


def test_names_of_arms_say_the_bits() -> None:
    assert bits.of_arm("w4a8e2") == bits.Bits(4, 8, 2)
    assert bits.of_arm("w2a32") == bits.Bits(2, 32, 32)
    with pytest.raises(ValueError, match="'w3a8' is no arm"):
        bits.of_arm("w3a8")


@pytest.mark.parametrize("kind", KINDS)
def test_32_bits_change_no_bit(encoder: Encoder, kind: str, request: pytest.FixtureRequest) -> None:
    """Neither of predictions nor of a training."""
    prepared: Prepared = request.getfixturevalue(kind)
    plain, full = built(encoder, prepared), built(encoder, prepared)
    attached.attach_(full, bits.of_arm("w32a32"))
    attached.calibrate_(full, batches(full, prepared))
    losses = [fit.fit_(model, prepared, SEEDS, RECIPE) for model in (plain, full)]
    assert losses[0] == losses[1]
    first, second = (predict.predict(model, prepared) for model in (plain, full))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_linear_modules_of_layers_and_pooler_are_quantized_and_nothing_else(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = built(encoder, prepared)
    attached.attach_(model, bits.of_arm("w8a4"))
    base = model.base_model.named_modules()
    quantized = {f"{name}.weight" for name, part in base if isinstance(part, QuantizedLinear)}
    assert quantized == set(encoder.prunable)
    assert len(quantized) == 2 * 6 + 1
    assert not any(isinstance(part, QuantizedEmbedding) for part in model.modules())
    assert type(model.get_submodule("classifier")) is nn.Linear
    attached.detach_(model)
    attached.attach_(model, bits.of_arm("w32a32e8"))
    tables = [part for part in model.modules() if isinstance(part, QuantizedEmbedding)]
    assert len(tables) == 3
    assert not any(isinstance(part, QuantizedLinear) for part in model.modules())


@pytest.mark.parametrize("arm", ["w8a8", "w8a8e8"])
def test_more_bits_are_nearer_to_floats(encoder: Encoder, prepared: Prepared, arm: str) -> None:
    model = built(encoder, prepared)
    floats, errors = logits(model, prepared), []
    for number in "842":
        attached.attach_(model, bits.of_arm(arm.replace("8", number)))
        attached.calibrate_(model, batches(model, prepared))
        errors.append(float((logits(model, prepared) - floats).norm() / floats.norm()))
        attached.detach_(model)
    assert torch.equal(logits(model, prepared), floats)
    assert 0 < errors[0] < errors[1] / 4 < errors[1] < errors[2]


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_parameters_and_head_stay(
    encoder: Encoder, kind: str, request: pytest.FixtureRequest
) -> None:
    """So files of weights and factors on learning rates work with quantizers on."""
    prepared: Prepared = request.getfixturevalue(kind)
    model = built(encoder, prepared)
    before, head = parameters.by_name(model), parameters.head(model)
    attached.attach_(model, bits.of_arm("w4a4e4" if kind != "prepared_words" else "w4a4"))
    after = parameters.by_name(model)
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)
    assert [id(part) for part in parameters.head(model)] == [id(part) for part in head]


def test_a_training_moves_weights_and_ranges(encoder: Encoder, prepared: Prepared) -> None:
    """Also those of embeddings, whose part a training of a classifier would take out."""
    model = built(encoder, prepared)
    attached.attach_(model, bits.of_arm("w4a8e8"))
    attached.calibrate_(model, batches(model, prepared))
    before = copy.deepcopy(model)
    with attached.following(model):
        fit.fit_(model, prepared, SEEDS, RECIPE)
    assert not attached.mode_of(model).follows
    for name, module in model.named_modules():
        old = before.get_submodule(name)
        if isinstance(module, QuantizedLinear) and isinstance(old, QuantizedLinear):
            assert isinstance(module.values, Values)
            assert isinstance(old.values, Values)
            assert module.rows
            assert old.rows
            assert not torch.equal(module.weight, old.weight)
            assert not torch.equal(module.rows.high, old.rows.high)
            assert not torch.equal(module.values.high, old.values.high)
            assert module.values.seen > old.values.seen
        if isinstance(module, QuantizedEmbedding) and isinstance(old, QuantizedEmbedding):
            assert not torch.equal(module.weight, old.weight)
            assert not torch.equal(module.rows.high, old.rows.high)


def test_predictions_leave_ranges_alone(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    attached.attach_(model, W8A8)
    attached.calibrate_(model, batches(model, prepared))
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    predict.predict(model, prepared)
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


def test_calibration_sees_what_the_model_computes_in_floats_without_padding(
    encoder: Encoder, prepared: Prepared
) -> None:
    """One batch per example has no padding; with it, the ranges of one batch are those of all values."""
    model = built(encoder, prepared)
    seen: list[tuple[float, float]] = []
    name = "encoder.layer.1.intermediate.dense"
    module = model.base_model.get_submodule(name)

    def see(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append((float(given[0].min()), float(given[0].max())))

    hook = module.register_forward_pre_hook(see)
    sample = objective.sample(prepared, "train", 100, 0.2, 0)
    with torch.no_grad():
        for batch in objective.batches(model, prepared, sample, 1):
            batch.logits({})
    hook.remove()
    attached.attach_(model, bits.of_arm("w2a2"))
    attached.calibrate_(model, objective.batches(model, prepared, sample, 100))
    assert isinstance(module, QuantizedLinear)
    assert isinstance(module.values, Values)
    assert float(module.values.low) == pytest.approx(min(low for low, _ in seen), rel=1e-5)
    assert float(module.values.high) == pytest.approx(max(high for _, high in seen), rel=1e-5)


def test_detached_modules_are_those_of_before(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    classes = {name: type(module) for name, module in model.named_modules()}
    state = {name: value.clone() for name, value in model.state_dict().items()}
    attached.attach_(model, bits.of_arm("w4a4e4"))
    with pytest.raises(ValueError, match="quantizers already"):
        attached.attach_(model, W8A8)
    attached.detach_(model)
    assert {name: type(module) for name, module in model.named_modules()} == classes
    assert model.state_dict().keys() == state.keys()
    assert not model._forward_pre_hooks
    attached.attach_(model, W8A8)


def test_a_model_without_calibration_says_so(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    attached.attach_(model, W8A8)
    with pytest.raises(ValueError, match="calibrate"):
        predict.predict(model, prepared)


def test_copies_do_not_share_what_they_do(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    attached.attach_(model, W8A8)
    copied = copy.deepcopy(model)
    with attached.following(copied):
        (batch,) = batches(copied, prepared)
        copied.train()
        batch.logits({})
        modules = [m for m in copied.modules() if isinstance(m, QuantizedLinear)]
        assert [m.values.seen for m in modules if isinstance(m.values, Values)] == [1] * len(
            modules
        )
        assert not attached.mode_of(model).follows
        assert attached.mode_of(copied).there is not None
        assert attached.mode_of(model).there is None
    attached.detach_(copied)
    assert not copied._forward_pre_hooks
    assert model._forward_pre_hooks
