"""A model on its device: cheaper in what it does, the same in what it says."""

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoModel,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    CamembertConfig,
    CamembertForSequenceClassification,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForQuestionAnswering,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    EuroBertConfig,
    EuroBertForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from stages.tickets.encoder import checkpoint, cpu, device
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows

Kind = tuple[type[PreTrainedModel], type[PreTrainedConfig]]
SMALL = {
    "vocab_size": 50,
    "max_position_embeddings": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "embedding_size": 16,
    "intermediate_size": 32,
    "dim": 16,
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dim": 32,
    "initializer_range": 0.3,
    "num_labels": 3,
}
CLASSIFIERS: list[Kind] = [
    (AlbertForSequenceClassification, AlbertConfig),
    (BertForSequenceClassification, BertConfig),
    (CamembertForSequenceClassification, CamembertConfig),
    (DistilBertForSequenceClassification, DistilBertConfig),
    (ElectraForSequenceClassification, ElectraConfig),
    (RobertaForSequenceClassification, RobertaConfig),
    (XLMRobertaForSequenceClassification, XLMRobertaConfig),
]
MASKED: list[Kind] = [
    (BertForMaskedLM, BertConfig),
    (RobertaForMaskedLM, RobertaConfig),
    (DistilBertForMaskedLM, DistilBertConfig),
]

ANSWERING: list[Kind] = [
    (BertForQuestionAnswering, BertConfig),
    (RobertaForQuestionAnswering, RobertaConfig),
    (DistilBertForQuestionAnswering, DistilBertConfig),
]


def small(kind: Kind, **changes: int) -> PreTrainedModel:
    torch.manual_seed(0)
    model_class, config_class = kind
    model: PreTrainedModel = model_class(config_class.from_dict(SMALL | changes))  # type: ignore[no-untyped-call]
    return model.train(mode=False)  # type: ignore[no-any-return]


def batch() -> dict[str, Tensor]:
    """Three examples, one of them padded."""
    torch.manual_seed(1)
    ids, there = torch.randint(5, 50, (3, 7)), torch.ones(3, 7, dtype=torch.int64)
    ids[1, 4:], there[1, 4:] = 1, 0
    return {"input_ids": ids, "attention_mask": there}


def gradients(model: PreTrainedModel, loss: Tensor) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return {n: g for n, g in zip(names, found, strict=True) if g is not None}


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("kind", CLASSIFIERS, ids=lambda kind: kind[1].model_type)
def test_a_placed_classifier_says_the_same_with_the_same_gradients(kind: Kind) -> None:
    model, inputs = small(kind), batch()
    before = model(**inputs).logits
    expected = gradients(model, (before**2).sum())
    assert device.place_(model, "classification") == torch.device("cpu")
    after = device.logits_of(model, inputs)
    torch.testing.assert_close(after, before)
    found = gradients(model, (after**2).sum())
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(
            found[name],
            gradient,
            rtol=1e-4,
            atol=1e-4,
            msg=name,
        )


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("kind", CLASSIFIERS, ids=lambda kind: kind[1].model_type)
def test_the_last_layer_computes_the_first_token_alone(kind: Kind) -> None:
    model = small(kind)
    device.place_(model, "classification")
    device.place_(model, "classification")  # as training and evaluation do, one after the other
    last = [
        module
        for name, module in model.base_model.named_modules()
        if isinstance(module, nn.Linear) and any(part.isdigit() for part in name.split("."))
    ][-1]
    seen: list[torch.Size] = []

    def look(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen.append(given[0].shape)

    last.register_forward_pre_hook(look)
    model(**batch())
    first_alone = kind[1].model_type in checkpoint.BERTS
    assert seen[-1] == torch.Size([3, 1 if first_alone else 7, 32])


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", CLASSIFIERS, ids=lambda kind: kind[1].model_type)
def test_inputs_say_the_same_to_torchs_own_attention(kind: Kind, padded: bool) -> None:
    """As on a GPU: the mask of attention is made on the host, or left out."""
    model, inputs = small(kind), batch()
    if not padded:
        inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
    assert model.config._attn_implementation == "sdpa"
    taken = device.inputs_of(model, inputs, full=not padded)
    torch.testing.assert_close(model(**taken).logits, model(**inputs).logits)


@pytest.mark.usefixtures("on_the_cpu")
def test_an_attention_of_another_kind_is_left_alone() -> None:
    """Two keys for four queries, as in newer encoders."""
    config = EuroBertConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=1,
    )
    torch.manual_seed(0)
    model: PreTrainedModel = EuroBertForSequenceClassification(config).train(mode=False)  # type: ignore[no-untyped-call]
    before = model(**batch()).logits
    device.place_(model, "classification")
    torch.testing.assert_close(model(**batch()).logits, before)


@pytest.mark.usefixtures("on_the_cpu")
def test_dropout_and_attention_are_exchanged_on_the_cpu() -> None:
    model = small(CLASSIFIERS[0])
    device.place_(model, "classification")
    assert model.config._attn_implementation == device.OWN_ATTENTION
    kinds = {type(module) for module in model.modules() if isinstance(module, nn.Dropout)}
    assert kinds == {cpu.Dropout}


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("kind", MASKED, ids=lambda kind: kind[1].model_type)
def test_the_decoder_sees_hidden_words_alone(kind: Kind) -> None:
    model, inputs = small(kind), batch()
    hidden = torch.tensor([2, 0, 13, 20])
    whole = model(**inputs).logits.reshape(-1, 50)[hidden]
    device.place_(model, "mlm")
    decoded: list[int] = []
    decoder = model.get_output_embeddings()
    hook = decoder.register_forward_hook(lambda *call: decoded.append(call[2].numel()))
    found = device.logits_of(model, inputs, hidden)
    assert decoded == [4 * 50]
    torch.testing.assert_close(found, whole)
    hook.remove()
    assert model(**inputs).logits.shape == (3, 7, 50)  # the model is as it was


@pytest.mark.parametrize(
    ("config", "takes"),
    [
        (BertConfig(), {"input_ids": 2, "token_type_ids": 2, "attention_mask": 4}),
        (RobertaConfig(type_vocab_size=1), {"input_ids": 2, "attention_mask": 4}),
        (DistilBertConfig(), {"input_ids": 2, "attention_mask": 2}),
    ],
)
def test_models_get_the_inputs_they_take(
    prepared: Prepared, config: PreTrainedConfig, takes: dict[str, int]
) -> None:
    """Token types where there are several, and the mask of attention where the model takes one."""
    with torch.device("meta"):
        model: PreTrainedModel = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, torch.device("cpu"))
    inputs, _ = rows.padded(torch.tensor([0, 3]), 12)
    found = device.inputs_of(model, inputs, full=False)
    assert {name: tensor.ndim for name, tensor in found.items()} == takes
    unpadded = device.inputs_of(model, inputs, full=True)
    assert ("attention_mask" in unpadded) == (takes["attention_mask"] == 2)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", ANSWERING, ids=lambda kind: kind[1].model_type)
def test_spans_have_logits_at_every_token_and_none_in_padding(kind: Kind, padded: bool) -> None:
    """Every example alone says the same, so the first token is not the only one of the last layer."""
    model, inputs = small(kind, num_labels=2), batch()
    if not padded:
        inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
    device.place_(model, "span")
    found = device.logits_of(model, device.inputs_of(model, inputs, full=not padded))
    assert found.shape == (3, 7, 2)
    for number, there in enumerate(inputs["attention_mask"].bool()):
        alone = small(kind, num_labels=2)(input_ids=inputs["input_ids"][number, there][None])
        torch.testing.assert_close(found[number, there, 0], alone.start_logits[0])
        torch.testing.assert_close(found[number, there, 1], alone.end_logits[0])
        assert (found[number, ~there] == -torch.inf).all()
