"""Attention maps: what they sum to, and that norms are those of a head's own part of the output."""

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
)

from stages.tickets.encoder import device, removal
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.attention.maps import attention_maps, num_heads, transformed
from tests.encoder.masked import masked_

SMALL = {
    "vocab_size": 50,
    "max_position_embeddings": 24,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "initializer_range": 0.3,
    "attention_probs_dropout_prob": 0.5,
}
SIZE = 4
LENGTHS = (7, 4, 6)


@pytest.fixture(autouse=True)
def _on_the_cpu(on_the_cpu: None) -> None:
    """All of these."""


@pytest.fixture
def model() -> PreTrainedModel:
    """With biases that are not 0."""
    torch.manual_seed(0)
    built: PreTrainedModel = BertModel(BertConfig.from_dict(SMALL))  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith(".bias"):
                parameter.normal_(0, 0.3)
    return built.train(mode=False)  # type: ignore[no-any-return]


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    """Pairs of three lengths, the second segment from the third token on."""
    torch.manual_seed(1)
    there = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    types = (torch.arange(max(LENGTHS)) >= 2).long().expand(3, -1) * there
    ids = torch.randint(5, 50, there.shape) * there
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": there.long()}


def layers_of(model: PreTrainedModel) -> list[nn.Module]:
    return list(model.base_model.encoder.layer)  # type: ignore[union-attr, arg-type]


def states_of(model: PreTrainedModel, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """What each layer gets."""
    with torch.no_grad():
        return model(**inputs, output_hidden_states=True).hidden_states[:-1]  # type: ignore[no-any-return]


def array(parameter: nn.Parameter) -> NDArray[np.float64]:
    return parameter.detach().numpy().astype(np.float64)


def test_maps_are_between_real_tokens_and_raw_rows_sum_to_1(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    for maps in attention_maps(model, inputs):
        shapes = [[layer.shape for layer in example] for example in maps]
        assert shapes == [[(4, length, length)] * 2 for length in LENGTHS]
    raw, normed = attention_maps(model, inputs)
    for example in raw:
        for layer in example:
            np.testing.assert_allclose(layer.sum(-1), 1, rtol=1e-5)
    assert np.abs(normed[0][0].sum(-1) - 1).max() > 0.1


def test_padding_and_company_change_nothing(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    together = attention_maps(model, inputs)
    for number, length in enumerate(LENGTHS):
        alone = {name: tensor[number : number + 1, :length] for name, tensor in inputs.items()}
        for found, expected in zip(attention_maps(model, alone), together, strict=True):
            for one, other in zip(found[0], expected[number], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_normed_maps_are_the_norms_of_what_each_head_adds(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    """Sum by sum, from the definition; with the output matrix cut by rows it is something else."""
    raw, normed = attention_maps(model, inputs)
    for number, (layer, states) in enumerate(
        zip(layers_of(model), states_of(model, inputs), strict=True)
    ):
        value = array(layer.get_parameter("attention.self.value.weight"))
        bias = array(layer.get_parameter("attention.self.value.bias"))
        output = array(layer.get_parameter("attention.output.dense.weight"))
        for example, length in enumerate(LENGTHS):
            x = states[example].numpy().astype(np.float64)
            for head in range(4):
                own = range(head * SIZE, (head + 1) * SIZE)
                by_columns, by_rows = np.zeros((2, length, length))
                for i in range(length):
                    for j in range(length):
                        alpha = raw[example][number][head, i, j]
                        values = [value[k] @ x[j] + bias[k] for k in own]
                        right = sum(v * output[:, k] for v, k in zip(values, own, strict=True))
                        wrong = sum(v * output[k] for v, k in zip(values, own, strict=True))
                        by_columns[i, j] = np.linalg.norm(alpha * right)
                        by_rows[i, j] = np.linalg.norm(alpha * wrong)
                found = normed[example][number][head]
                np.testing.assert_allclose(found, by_columns, rtol=1e-4)
                assert not np.allclose(found, by_rows, rtol=0.05)


def test_heads_and_the_output_bias_add_up_to_what_attention_says(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    said: list[Tensor] = []
    for layer in layers_of(model):
        dense = layer.get_submodule("attention.output.dense")
        dense.register_forward_hook(lambda *call: said.append(call[2]))
    states = states_of(model, inputs)
    raw, _ = attention_maps(model, inputs)
    with torch.no_grad():
        for number, layer in enumerate(layers_of(model)):
            total = layer.get_parameter("attention.output.dense.bias").expand(LENGTHS[0], -1)
            for head in range(4):
                weights = torch.from_numpy(raw[0][number][head])
                total = total + weights @ transformed(model, layer, states[number], head)[0]
            torch.testing.assert_close(total, said[number][0], rtol=1e-4, atol=1e-5)


def test_token_types_are_wanted_and_used(model: PreTrainedModel, inputs: dict[str, Tensor]) -> None:
    one_segment = inputs | {"token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    pairs, single = (attention_maps(model, given)[0] for given in (inputs, one_segment))
    assert not np.allclose(pairs[0][0], single[0][0], atol=1e-3)
    del inputs["token_type_ids"]
    with pytest.raises(ValueError, match="lack token_type_ids"):
        attention_maps(model, inputs)


def test_models_of_one_type_of_token_need_no_types(inputs: dict[str, Tensor]) -> None:
    config = RobertaConfig.from_dict(SMALL | {"type_vocab_size": 1, "pad_token_id": 0})
    roberta: PreTrainedModel = RobertaModel(config)  # type: ignore[no-untyped-call]
    given = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    raw, _ = attention_maps(roberta, given)
    assert raw[1][1].shape == (4, 4, 4)


def test_other_models_are_refused(inputs: dict[str, Tensor]) -> None:
    config = DistilBertConfig(vocab_size=50, dim=16, n_layers=1, n_heads=2, hidden_dim=32)
    other: PreTrainedModel = DistilBertModel(config)  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match="distilbert"):
        attention_maps(other, inputs)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["sdpa", "eager", device.OWN_ATTENTION])
def test_the_model_is_left_as_it_was(
    model: PreTrainedModel, inputs: dict[str, Tensor], kind: str, training: bool
) -> None:
    """Also where it fails, on a word that it does not know; dropout has no part in the maps."""
    expected = attention_maps(model, inputs)[1][0][1]
    model.set_attn_implementation(kind)
    model.train(training)
    unknown = inputs | {"input_ids": inputs["input_ids"] + 50}
    with pytest.raises(IndexError):
        attention_maps(model, unknown)
    for _ in range(2):
        assert model.config._attn_implementation == kind
        assert {module.training for module in model.modules()} == {training}
        assert not any(module._forward_hooks for module in model.modules())
        np.testing.assert_allclose(attention_maps(model, inputs)[1][0][1], expected, rtol=1e-5)


def test_placed_classifiers_have_the_same_maps(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    classifier: PreTrainedModel = BertForSequenceClassification(BertConfig.from_dict(SMALL))  # type: ignore[no-untyped-call]
    classifier.base_model.load_state_dict(model.state_dict())
    device.place_(classifier, "classification")
    for found, expected in zip(
        attention_maps(classifier, inputs), attention_maps(model, inputs), strict=True
    ):
        for layer, other in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(layer, other, rtol=1e-4)


def without_heads(model: PreTrainedModel, kept: list[list[int]]) -> PreTrainedModel:
    """A copy with the rows and columns of the other heads cut out; without heads, no output bias."""
    smaller = copy.deepcopy(model)
    for layer, heads in zip(layers_of(smaller), kept, strict=True):
        rows = torch.tensor([h * SIZE + k for h in heads for k in range(SIZE)], dtype=torch.int64)
        for name in ("query", "key", "value"):
            module = layer.get_submodule(f"attention.self.{name}")
            for part in ("weight", "bias"):
                cut = module.get_parameter(part).detach()[rows]
                setattr(module, part, nn.Parameter(cut))
        dense = layer.get_submodule("attention.output.dense")
        dense.weight = nn.Parameter(dense.get_parameter("weight").detach()[:, rows])
        if not heads:
            nn.init.zeros_(dense.get_parameter("bias"))
    return smaller


def test_removed_heads_leave_the_maps_of_the_others(
    model: PreTrainedModel, inputs: dict[str, Tensor]
) -> None:
    """As in the whole model, where what the removed heads say counts for nothing."""
    smaller = without_heads(model, [[1, 3], [0, 1, 2]])
    with torch.no_grad():
        for layer, columns in zip(
            layers_of(model), ([0, 1, 2, 3, 8, 9, 10, 11], [12]), strict=True
        ):
            layer.get_parameter("attention.output.dense.weight")[:, columns] = 0
    assert [num_heads(model, layer) for layer in layers_of(smaller)] == [2, 3]
    for found, whole in zip(
        attention_maps(smaller, inputs), attention_maps(model, inputs), strict=True
    ):
        for example, expected in zip(found, whole, strict=True):
            np.testing.assert_allclose(example[0], expected[0][[1, 3]], rtol=1e-4)
            np.testing.assert_allclose(example[1], expected[1][:3], rtol=1e-4)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_layer_may_have_lost_all_heads(
    model: PreTrainedModel, inputs: dict[str, Tensor], replaced: bool
) -> None:
    """Cut down to matrices without rows, or exchanged as `removal` does; masked, they still have maps."""
    heads = np.array([[False] * 4, [False, False, True, False]])
    kept = Structure(heads, np.array([True, True]))
    smaller, masked = copy.deepcopy(model), copy.deepcopy(model)
    masked_(masked, kept)
    if replaced:
        removal.remove_(smaller, kept)
    else:
        smaller = without_heads(model, [[], [2]])
    assert [num_heads(model, layer) for layer in layers_of(smaller)] == [0, 1]
    for maps, whole in zip(
        attention_maps(smaller, inputs), attention_maps(masked, inputs), strict=True
    ):
        shapes = [[layer.shape for layer in example] for example in maps]
        assert shapes == [[(0, length, length), (1, length, length)] for length in LENGTHS]
        for example, expected in zip(maps, whole, strict=True):
            np.testing.assert_allclose(example[1], expected[1][[2]], rtol=1e-4)
