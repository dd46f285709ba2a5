"""Encoders: what is prunable, how theta_0 is built, and that weights go to files and come back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
)

from stages.tickets.encoder import pretrained, theta
from stages.tickets.encoder.theta import Encoder, Pretrained
from stages.tickets.encoder.weights import (
    head_parameters,
    load_body_,
    load_head_,
    load_weights_,
    prunable_parameters,
    prunable_weights,
    save_head,
    save_weights,
)
from stages.tickets.settings import Kind
from tests.conftest import Words

TINY: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 40,
}
HEAD = {"classifier.weight", "classifier.bias"}
POOLER = "pooler.dense.weight"


def theta_0(encoder: Encoder, head_init: int = 1, kind: Kind = "classification") -> PreTrainedModel:
    return theta.build(encoder, kind, 0 if kind == "mlm" else 2, 0.1, head_init)


def parameters(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def differing(first: nn.Module, second: nn.Module) -> set[str]:
    """Names of the parameters that are not equal."""
    ones, others = parameters(first), parameters(second)
    assert ones.keys() == others.keys()
    return {name for name, tensor in ones.items() if not torch.equal(tensor, others[name])}


def changed_(model: nn.Module) -> None:
    """As training does: every weight another."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)


# --- what is prunable ------------------------------------------------------------------------


def test_bert_base_has_the_published_number_of_prunable_weights() -> None:
    """Six matrices of each of twelve layers, and the pooler: Chen et al. 2020, Sec. 3."""
    with torch.device("meta"):
        body = BertModel(BertConfig())
    names = theta.prunable_names(body)
    sizes = dict(body.named_parameters())
    assert len(names) == 73
    assert sum(sizes[name].numel() for name in names) == 85_524_480


def test_the_prunable_matrices_of_bert_by_name(encoder: Encoder) -> None:
    parts = [
        *(f"attention.self.{part}" for part in ("query", "key", "value")),
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ]
    layers = [f"encoder.layer.{layer}.{part}.weight" for layer in (0, 1) for part in parts]
    assert set(encoder.prunable) == {*layers, POOLER}
    assert len(encoder.prunable) == 13


@pytest.mark.parametrize(
    ("model_class", "config", "num"),
    [
        (RobertaModel, RobertaConfig(**TINY), 13),
        (ElectraModel, ElectraConfig(**TINY, embedding_size=8), 12),
        (DistilBertModel, DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32), 12),
    ],
)
def test_other_encoders_have_six_matrices_per_layer_and_their_pooler(
    model_class: type[PreTrainedModel], config: BertConfig, num: int
) -> None:
    with torch.device("meta"):
        body = model_class(config)
    names = theta.prunable_names(body)
    assert len(set(names)) == len(names) == num
    sizes = dict(body.named_parameters())
    assert all(sizes[name].ndim == 2 for name in names)
    assert not any("mbedding" in name or "LayerNorm" in name for name in names)


def test_a_model_that_is_not_like_bert_is_refused() -> None:
    with torch.device("meta"):
        body = GPT2Model(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40))
    with pytest.raises(ValueError, match="GPT2Model has no linear module in a stack of layers"):
        theta.prunable_names(body)


# --- encoder folders -------------------------------------------------------------------------


def test_an_encoder_folder_comes_back(encoder_folder: Path, encoder: Encoder, words: Words) -> None:
    record = json.loads((encoder_folder / "encoder.json").read_text())
    assert record["source"] == "test"
    assert record["mlm_head"] is True
    assert record["num_prunable"] == sum(encoder.weights[n].numel() for n in encoder.prunable)
    assert record["num_weights"] == sum(weight.numel() for weight in encoder.weights.values())
    assert record["vocabulary"]["size"] == encoder.config.vocab_size == words[1].size
    assert encoder.mlm_head
    assert all(weight.dtype == torch.float32 for weight in encoder.weights.values())


def test_weights_are_stored_without_metadata(encoder_folder: Path) -> None:
    """safetensors writes several metadata keys in random order."""
    for name in ("weights.safetensors", "mlm_head.safetensors"):
        content = (encoder_folder / name).read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        assert len(header.get("__metadata__", {})) <= 1


def test_an_encoder_saved_twice_is_the_same_bytes(tmp_path: Path, words: Words) -> None:
    body = BertModel(BertConfig(**TINY))
    for name in ("first", "second"):
        whole = Pretrained(body, body.config, {}, True, *words)
        theta.save(whole, {"source": "test"}, tmp_path / name)
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()


# --- theta_0 ---------------------------------------------------------------------------------


def test_theta_0_has_exactly_the_stored_weights(encoder: Encoder) -> None:
    body = dict(theta_0(encoder).base_model.named_parameters())
    assert body.keys() == encoder.weights.keys()
    assert all(torch.equal(body[name], weight) for name, weight in encoder.weights.items())


def test_one_seed_gives_one_head_and_another_seed_another(encoder: Encoder) -> None:
    first = theta_0(encoder, head_init=1)
    assert differing(first, theta_0(encoder, head_init=1)) == set()
    assert differing(first, theta_0(encoder, head_init=2)) == {"classifier.weight"}  # its bias is 0


def test_building_leaves_the_global_generator_as_it_was(encoder: Encoder) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    theta_0(encoder)
    assert torch.equal(torch.rand(3), expected)


def test_the_global_generator_does_not_matter(encoder: Encoder) -> None:
    torch.manual_seed(5)
    first = theta_0(encoder)
    torch.manual_seed(6)
    assert differing(first, theta_0(encoder)) == set()


def test_from_scratch_nothing_is_pretrained(encoder: Encoder) -> None:
    scratch = theta.build(encoder, "classification", 2, 0.1, 1, from_scratch=True)
    again = theta.build(encoder, "classification", 2, 0.1, 1, from_scratch=True)
    assert differing(scratch, again) == set()
    different = differing(scratch, theta_0(encoder))
    assert {f"bert.{name}" for name in encoder.prunable} <= different
    assert "bert.embeddings.word_embeddings.weight" in different


def test_theta_0_shares_no_memory_with_the_encoder(encoder: Encoder) -> None:
    before = {name: weight.clone() for name, weight in encoder.weights.items()}
    changed_(theta_0(encoder))
    assert all(torch.equal(encoder.weights[name], weight) for name, weight in before.items())


@pytest.mark.parametrize(("kind", "num_labels"), [("classification", 3), ("regression", 1)])
def test_the_head_has_one_output_per_label(encoder: Encoder, kind: Kind, num_labels: int) -> None:
    model = theta.build(encoder, kind, num_labels, 0.3, 1)
    assert model.config.num_labels == num_labels
    assert model.get_parameter("classifier.weight").shape == (num_labels, 16)
    assert {module.p for module in model.modules() if isinstance(module, nn.Dropout)} == {0.3}
    assert encoder.config.num_labels == 2  # as it was before


def test_a_model_in_half_precision_is_built_in_float32(tmp_path: Path, words: Words) -> None:
    body = BertModel(BertConfig(**TINY, dtype="bfloat16")).bfloat16()
    theta.save(Pretrained(body, body.config, {}, True, *words), {}, tmp_path)
    encoder = theta.load(tmp_path)
    assert {parameter.dtype for parameter in theta_0(encoder).parameters()} == {torch.float32}


def test_weights_that_do_not_fit_the_model_are_refused(encoder: Encoder) -> None:
    encoder.weights["encoder.layer.9.output.dense.weight"] = torch.zeros(16, 32)
    with pytest.raises(ValueError, match=r"has no weights 'encoder\.layer\.9\.output"):
        theta_0(encoder)


def test_weights_of_another_shape_are_refused(encoder: Encoder) -> None:
    encoder.weights[POOLER] = torch.zeros(1, 16)  # torch would spread it over all rows
    with pytest.raises(ValueError, match="pooler"):
        theta_0(encoder)


# --- with and without a pooler ---------------------------------------------------------------


def test_a_missing_pooler_belongs_to_the_head(bare_encoder: Encoder) -> None:
    assert POOLER not in bare_encoder.weights
    assert POOLER not in bare_encoder.prunable
    assert len(bare_encoder.prunable) == 12
    model = theta_0(bare_encoder, head_init=1)
    assert set(prunable_parameters(model, bare_encoder)) == set(bare_encoder.prunable)
    assert differing(model, theta_0(bare_encoder, head_init=2)) == {
        "classifier.weight",
        f"bert.{POOLER}",
    }


def test_a_language_model_has_no_pooler_but_its_mask_has_one(encoder: Encoder) -> None:
    """Masks of all tasks cover the same matrices, so that they can be exchanged."""
    model = theta_0(encoder, kind="mlm")
    assert POOLER not in dict(model.base_model.named_parameters())
    changed_(model)
    assert POOLER not in prunable_parameters(model, encoder)
    ranked = prunable_weights(model, encoder)
    assert list(ranked) == list(encoder.prunable)
    np.testing.assert_array_equal(ranked[POOLER], encoder.weights[POOLER].numpy())
    other = encoder.prunable[0]
    np.testing.assert_allclose(ranked[other], encoder.weights[other].numpy() + 1)


def test_a_model_for_spans_has_no_pooler_but_its_mask_has_one(encoder: Encoder) -> None:
    model = theta_0(encoder, kind="span")
    found = dict(model.named_parameters())
    outside = {f"bert.{name}" for name in encoder.weights}
    assert found.keys() - outside == {"qa_outputs.weight", "qa_outputs.bias"}
    assert found["qa_outputs.weight"].shape == (2, 16)
    for name, weight in encoder.weights.items():
        if not name.startswith("pooler."):
            assert torch.equal(found[f"bert.{name}"], weight)
    changed_(model)
    ranked = prunable_weights(model, encoder)
    assert list(ranked) == list(encoder.prunable)
    np.testing.assert_array_equal(ranked[POOLER], encoder.weights[POOLER].numpy())


def test_a_language_model_has_the_stored_head_tied_to_its_embeddings(encoder: Encoder) -> None:
    model = theta_0(encoder, kind="mlm")
    found = dict(model.named_parameters())
    assert all(torch.equal(found[name], weight) for name, weight in encoder.mlm_head.items())
    assert found.keys() - {f"bert.{name}" for name in encoder.weights} == encoder.mlm_head.keys()
    embeddings = model.get_parameter("bert.embeddings.word_embeddings.weight")
    assert model.get_parameter("cls.predictions.decoder.weight") is embeddings
    assert differing(model, theta_0(encoder, kind="mlm", head_init=2)) == set()


def test_a_missing_mlm_head_is_drawn_from_the_seed(bare_encoder: Encoder) -> None:
    first, second = (theta_0(bare_encoder, seed, "mlm") for seed in (1, 2))
    assert "cls.predictions.transform.dense.weight" in differing(first, second)


# --- weights that are ranked -----------------------------------------------------------------


def test_the_weights_to_rank_are_copies(encoder: Encoder) -> None:
    model = theta_0(encoder)
    ranked = prunable_weights(model, encoder)
    for weight in ranked.values():
        np.add(weight, 1, out=weight)
    assert differing(model, theta_0(encoder)) == set()
    live = prunable_parameters(model, encoder)
    changed_(model)
    for name, weight in ranked.items():
        np.testing.assert_allclose(live[name].detach().numpy(), weight, rtol=1e-6)
        assert weight.dtype == np.float32


# --- weights on disk -------------------------------------------------------------------------


def test_theta_0_on_disk_is_little_more_than_the_head(encoder: Encoder, tmp_path: Path) -> None:
    save_weights(theta_0(encoder), encoder, tmp_path / "theta-0.safetensors")
    assert stored(tmp_path / "theta-0.safetensors") == HEAD


def test_a_pooler_of_the_head_is_stored_with_it(bare_encoder: Encoder, tmp_path: Path) -> None:
    save_weights(theta_0(bare_encoder), bare_encoder, tmp_path / "theta-0.safetensors")
    assert stored(tmp_path / "theta-0.safetensors") == {
        *HEAD,
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
    }


def stored(path: Path) -> set[str]:
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return set(header) - {"__metadata__"}


@pytest.mark.parametrize("kind", ["classification", "mlm", "span"])
def test_weights_come_back_bit_for_bit(encoder: Encoder, tmp_path: Path, kind: Kind) -> None:
    trained = theta_0(encoder, kind=kind)
    with torch.no_grad():
        trained.get_parameter("bert.encoder.layer.1.output.dense.weight").mul_(1.1)
        next(reversed(list(trained.parameters()))).fill_(0.3)
    save_weights(trained, encoder, tmp_path / "trained.safetensors")
    assert len(stored(tmp_path / "trained.safetensors")) < len(parameters(trained))
    other = theta_0(encoder, head_init=2, kind=kind)
    changed_(other)
    assert differing(other, trained) == set(parameters(trained))
    load_weights_(other, encoder, tmp_path / "trained.safetensors")
    assert differing(other, trained) == set()


def test_loaded_weights_share_no_memory_with_the_encoder(encoder: Encoder, tmp_path: Path) -> None:
    model = theta_0(encoder)
    before = {name: weight.clone() for name, weight in encoder.weights.items()}
    save_weights(model, encoder, tmp_path / "theta-0.safetensors")
    load_weights_(model, encoder, tmp_path / "theta-0.safetensors")
    changed_(model)
    assert all(torch.equal(encoder.weights[name], weight) for name, weight in before.items())
    load_weights_(model, encoder, tmp_path / "theta-0.safetensors")
    assert differing(model, theta_0(encoder)) == set()


def test_missing_weights_are_said_to_come_from_dvc(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist; `dvc repro` makes it"):
        load_weights_(theta_0(encoder), encoder, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("kind", "num_labels", "said"),
    [
        ("mlm", 0, r"has 'cls\.predictions"),  # another kind of head
        ("regression", 1, r"classifier"),  # torch would spread one row over two
        ("classification", 3, r"classifier"),
    ],
)
def test_weights_of_another_task_are_refused(
    encoder: Encoder, tmp_path: Path, kind: Kind, num_labels: int, said: str
) -> None:
    other = theta.build(encoder, kind, num_labels, 0.1, 1)
    changed_(other)
    save_weights(other, encoder, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=said):
        load_weights_(theta_0(encoder), encoder, tmp_path / "other.safetensors")


def test_weights_that_lack_a_part_of_the_head_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    model = theta_0(encoder)
    half = {"classifier.weight": model.get_parameter("classifier.weight").detach()}
    save_file(half, tmp_path / "half.safetensors")
    with pytest.raises(ValueError, match=r"half\.safetensors lacks 'classifier\.bias'"):
        load_weights_(model, encoder, tmp_path / "half.safetensors")


def test_the_mlm_head_is_what_lies_outside_the_body(encoder: Encoder) -> None:
    head = pretrained.mlm_head(theta_0(encoder, kind="mlm"))
    assert head.keys() == encoder.mlm_head.keys()
    assert not any(name.startswith("bert.") for name in head)


# --- heads and bodies apart ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_the_head_is_what_the_encoder_does_not_bring(
    encoder: Encoder, bare_encoder: Encoder, kind: Kind
) -> None:
    head = set(head_parameters(theta_0(encoder, kind=kind), encoder))
    bare = set(head_parameters(theta_0(bare_encoder, kind=kind), bare_encoder))
    poolers = {f"bert.{POOLER}", "bert.pooler.dense.bias"}
    assert not any(name.startswith("bert.") for name in head)
    assert bare == (head | poolers if kind == "classification" else head)


def test_a_head_comes_back_to_another_body(bare_encoder: Encoder, tmp_path: Path) -> None:
    model, other = theta_0(bare_encoder), theta_0(bare_encoder, head_init=2)
    changed_(model)
    save_head(model, bare_encoder, tmp_path / "head.safetensors")
    load_head_(other, bare_encoder, tmp_path / "head.safetensors")
    body = {f"bert.{name}" for name in bare_encoder.weights}
    assert differing(model, other) == body


def test_a_head_of_another_task_is_refused(encoder: Encoder, tmp_path: Path) -> None:
    save_head(theta_0(encoder, kind="mlm"), encoder, tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match="classifier"):
        load_head_(theta_0(encoder), encoder, tmp_path / "head.safetensors")


@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_a_body_comes_from_a_file_of_any_task_without_its_head(
    encoder: Encoder, bare_encoder: Encoder, tmp_path: Path, kind: Kind
) -> None:
    for one in (encoder, bare_encoder):
        source, target = theta_0(one, head_init=1, kind=kind), theta_0(one, head_init=2)
        changed_(source)
        save_weights(source, one, tmp_path / "source.safetensors")
        before = parameters(target)
        load_body_(target, one, tmp_path / "source.safetensors")
        moved = {
            name for name, old in before.items() if not torch.equal(old, parameters(target)[name])
        }
        without_pooler = {f"bert.{n}" for n in one.weights if not n.startswith("pooler.")}
        assert moved - {f"bert.{POOLER}", "bert.pooler.dense.bias"} == without_pooler
        pooler_comes = one is encoder and kind == "classification"
        assert (f"bert.{POOLER}" in moved) == pooler_comes
        trained = parameters(source)
        assert all(torch.equal(parameters(target)[name], trained[name]) for name in moved)
