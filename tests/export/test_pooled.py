"""Classifiers on means of tokens in folders for others, loaded by the lines of their cards."""

import re
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    RobertaConfig,
)

from stages.tickets.encoder import pooling, removal
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.export import model as exports
from stages.tickets.export import usage
from stages.tickets.pruning.structure import Structure
from tests.conftest import Words
from tests.encoder.test_removal import SMALL, STRUCTURES, batch

MODELS: list[tuple[Any, str]] = [
    (config_class, few)
    for config_class in (BertConfig, RobertaConfig)
    for few in ("whole", "uneven", "nothing")
] + [(DistilBertConfig, "whole")]


def pooled(config_class: Any, how: Literal["mean", "segments"], few: Structure) -> PooledClassifier:
    config = AutoConfig.for_model(config_class.model_type, **SMALL)
    config.text_pooling, config.text_pooling_dropout, config.dtype = how, 0.1, torch.float32
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PooledClassifier(config)
    if few is not STRUCTURES["whole"]:
        removal.remove_(model, few)
    model.train(mode=False)
    return model


def given(how: str) -> dict[str, Tensor]:
    ids = batch()["input_ids"]
    types = (torch.arange(ids.shape[1]) >= 2).long().expand_as(ids)
    return batch() | ({"token_type_ids": types} if how == "segments" else {})


@pytest.mark.parametrize("how", ["mean", "segments"])
@pytest.mark.parametrize(("config_class", "few"), MODELS)
def test_the_lines_of_the_card_load_the_same_model_bit_for_bit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config_class: Any,
    few: str,
    how: Literal["mean", "segments"],
) -> None:
    structure = STRUCTURES[few]
    model = pooled(config_class, how, structure)
    if config_class is DistilBertConfig:
        exports.save_whole(model, tmp_path)
    else:
        exports.save(model, structure, tmp_path)
    code, scope = usage.loading(model, "classification", structure), dict[str, Any]()
    assert "stages" not in code
    monkeypatch.chdir(tmp_path)
    exec(code, scope)
    others = [scope["model"]]
    if config_class is not DistilBertConfig:
        others.append(removal.build(*exports.load(tmp_path)))
    for other in others:
        assert not other.training
        assert torch.equal(other(**given(how)).logits, model(**given(how)).logits)
        assert {name: p.shape for name, p in other.named_parameters()} == {
            name: p.shape for name, p in model.named_parameters()
        }


@pytest.mark.parametrize("config_class", [BertConfig, DistilBertConfig])
def test_the_lines_of_the_card_answer_about_pairs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config_class: Any,
    words: Words,
) -> None:
    """The tokenizer gives token types, also for a model that has no embeddings of them."""
    model = pooled(config_class, "segments", STRUCTURES["whole"])
    exports.save_whole(model, tmp_path)
    exports.save_tokenizer(*words, 9, pooling.takes_types(model.config), tmp_path)
    parts = usage.how_to_load(model, "classification", None, pair=True)
    monkeypatch.chdir(tmp_path)
    scope = dict[str, Any]()
    for code in re.findall(r"```python\n(.*?)```", "\n".join(parts), re.DOTALL):
        exec(code, scope)
    assert "LABEL_" in capsys.readouterr().out
    inputs = scope["inputs"]
    assert inputs["token_type_ids"].any()
    assert torch.equal(scope["logits"], model(**inputs).logits)


@pytest.mark.parametrize("few", ["whole", "uneven"])
def test_it_is_not_loaded_as_a_classifier_of_transformers(tmp_path: Path, few: str) -> None:
    """That would draw a pooler at random."""
    exports.save(pooled(BertConfig, "mean", STRUCTURES[few]), STRUCTURES[few], tmp_path)
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AutoModelForSequenceClassification.from_pretrained(tmp_path, trust_remote_code=False)
