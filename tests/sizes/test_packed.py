"""Bytes of forms by hand, and models that are packed, written and read again bit for bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
)

from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.sizes import forms, packed, packed_model
from stages.tickets.sizes.packed import Packed
from tests.encoder import checkpoints

WORDS, HIDDEN, MLP, LAYERS, POSITIONS, LABELS = 11, 8, 12, 2, 6, 3
CONFIG = BertConfig(
    vocab_size=WORDS, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=2,
    intermediate_size=MLP, max_position_embeddings=POSITIONS, type_vocab_size=1,
)  # fmt: skip
CONFIG.num_labels = LABELS
EMBEDDINGS = (WORDS + POSITIONS + 1) * HIDDEN + 2 * HIDDEN
LINEAR = LAYERS * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * MLP)
"""Weights of the linear modules in the layers, all of which a mask is over but for the pooler."""
BIASES = LAYERS * (4 * HIDDEN + MLP + HIDDEN)
NORMS = LAYERS * 4 * HIDDEN
HEAD = HIDDEN * HIDDEN + HIDDEN + LABELS * HIDDEN + LABELS
"""Pooler and classifier."""
ALL = EMBEDDINGS + LINEAR + BIASES + NORMS + HEAD
UNEVEN = Structure(np.array([[True, False], [False, False]]), np.array([True, False]))


def small(kind: Any = BertForSequenceClassification) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = kind(CONFIG).train(mode=False)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def encoder_of(model: Any) -> Encoder:
    body = {name: p.detach() for name, p in model.base_model.named_parameters()}
    names = tuple(name for name, p in body.items() if p.dim() == 2 and "embeddings" not in name)
    return Encoder(CONFIG, body, {}, names)


def mask_of(model: Any) -> Mask:
    """Of every matrix the first two columns go."""
    body = dict(model.base_model.named_parameters())
    mask = {name: np.ones(body[name].shape, bool) for name in encoder_of(model).prunable}
    for kept in mask.values():
        kept[:, :2] = False
    return mask


def logits(model: Any) -> torch.Tensor:
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 0]])
    with torch.inference_mode():
        found: torch.Tensor = model(
            input_ids=ids, attention_mask=torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
        ).logits
    return found


def form_of(name: str, model: Any) -> tuple[Any, Packed]:
    if name in forms.PRECISIONS:
        made = forms.PRECISIONS[name](model)
    elif name == "zeros":
        made = forms.with_zeros(model, encoder_of(model), mask_of(model))
        return made, packed.sparse(made, mask_of(model))
    else:
        made = forms.without(model, UNEVEN) if name == "cut" else model
    return made, packed.of(made)


FORMS = ("dense", "bf16", "int8", "zeros", "cut")


def test_bytes_of_the_dense_model_and_of_bfloat16() -> None:
    assert form_of("dense", small())[1].num_bytes == 4 * ALL
    made, held = form_of("bf16", small())
    assert held.num_bytes == packed.in_memory(made) == 2 * ALL


def test_bytes_of_whole_numbers() -> None:
    """Linear modules have a byte a weight and a scale of 8 bytes; biases and all else have 4 bytes."""
    made, held = form_of("int8", small())
    weights = LINEAR + HIDDEN * HIDDEN + LABELS * HIDDEN
    memory = weights + 4 * (ALL - weights)
    assert packed.in_memory(made) == memory
    assert held.num_bytes == memory + 8 * (6 * LAYERS + 2)


def test_bytes_of_a_ticket() -> None:
    """Matrices of 8 columns keep 6 of them, those of 12 columns 10; a bit per weight comes on top."""
    made, held = form_of("zeros", small())
    wide, narrow = LAYERS * HIDDEN * MLP, LINEAR - LAYERS * HIDDEN * MLP + HIDDEN * HIDDEN
    kept = wide * 10 // 12 + narrow * 6 // 8
    assert held.num_bytes == 4 * (ALL - wide - narrow + kept) + (wide + narrow) // 8
    assert packed.in_memory(made) == 4 * ALL


def test_bytes_without_heads_and_mlps() -> None:
    """One of two heads is left with 4 * 4 * 8 weights and 12 biases, and one MLP; 8 output biases."""
    made, held = form_of("cut", small())
    left = 4 * 4 * HIDDEN + 3 * 4 + HIDDEN + 2 * HIDDEN * MLP + MLP + HIDDEN
    assert held.num_bytes == packed.in_memory(made) == 4 * (ALL - LINEAR - BIASES + left)


@pytest.mark.parametrize("kind", [BertForSequenceClassification, BertForMaskedLM])
@pytest.mark.parametrize("name", FORMS)
def test_what_is_read_again_says_the_same_bit_for_bit(
    tmp_path: Path, name: str, kind: Callable[[BertConfig], Any]
) -> None:
    made, held = form_of(name, small(kind))
    held.save(tmp_path / packed_model.FILE)
    made.config.architectures = [kind.__name__]  # type: ignore[attr-defined]
    made.config.save_pretrained(tmp_path)
    read = packed_model.load(tmp_path)
    assert not read.training
    assert torch.equal(logits(read), logits(made))
    assert packed.of(read).num_bytes == packed.of(made).num_bytes
    size = (tmp_path / packed_model.FILE).stat().st_size
    assert held.num_bytes < size < held.num_bytes + 220 * len(held.tensors)


def test_a_file_that_lacks_a_parameter_is_refused(tmp_path: Path) -> None:
    made, held = form_of("dense", small())
    few = {name: part for name, part in held.tensors.items() if name != "classifier.bias"}
    Packed(few, {}).save(tmp_path / packed_model.FILE)
    made.config.architectures = ["BertForSequenceClassification"]
    made.config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"lacks classifier\.bias"):
        packed_model.load(tmp_path)


def test_same_model_same_bytes(tmp_path: Path) -> None:
    for name in FORMS:
        for copy in ("a", "b"):
            form_of(name, small())[1].save(tmp_path / f"{name}-{copy}")
        assert (tmp_path / f"{name}-a").read_bytes() == (tmp_path / f"{name}-b").read_bytes()


def test_forms_leave_the_dense_model_as_it_is() -> None:
    model = small()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    for name in FORMS:
        form_of(name, model)
    after = dict(model.named_parameters())
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], parameter) for name, parameter in after.items())
    assert model.config.dtype != torch.bfloat16


def test_the_loader_needs_nothing_of_the_project() -> None:
    text = Path(packed_model.__file__).read_text(encoding="utf-8")
    assert "stages" not in text


def test_a_model_is_built_without_memory_and_what_is_tied_stays_so() -> None:
    model = packed_model.empty(BertForMaskedLM, CONFIG)
    assert all(parameter.is_meta for parameter in model.parameters())
    assert not any(buffer.is_meta for buffer in model.buffers())
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert not torch.nn.Linear(2, 2).weight.is_meta  # others are built as before


@pytest.mark.parametrize(
    "model_type",
    ["albert", "convbert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet"],
)
def test_other_architectures_come_back_too(tmp_path: Path, model_type: str) -> None:
    """Their layers have other names, of which none is taken for a part that is gone."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = checkpoints.config_of(model_type, num_labels=LABELS)
        model = AutoModelForSequenceClassification.from_config(config).train(mode=False)
    made = forms.int8(model)
    packed.of(made).save(tmp_path / packed_model.FILE)
    made.config.architectures = [type(model).__name__]
    made.config.save_pretrained(tmp_path)
    assert torch.equal(logits(packed_model.load(tmp_path)), logits(made))
    assert not torch.equal(logits(made), logits(model))
