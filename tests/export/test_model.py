"""Folders for others: loaded bit for bit, with and without this project, and never mistaken."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    ElectraConfig,
    RobertaConfig,
)

from stages.tickets.encoder import pretrained, removal
from stages.tickets.export import model as exports
from stages.tickets.export import usage
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Kind
from stages.tickets.tasks import texts
from tests.conftest import Words
from tests.encoder.test_removal import BERTS, STRUCTURES, batch, small

AUTO = {"classification": AutoModelForSequenceClassification, "mlm": AutoModelForMaskedLM}


def removed(few: Structure, kind: Kind = "classification", config_class: Any = BERTS[0]) -> Any:
    model = small(kind, config_class)
    removal.remove_(model, few)
    return model


def run_loading(model: Any, few: Structure, kind: Kind) -> Any:
    """The model that the code of a card loads, run as it stands, in the folder of the model."""
    code, scope = usage.loading(model, kind, few), dict[str, Any]()
    assert "stages" not in code
    exec(code, scope)
    return scope["model"]


@pytest.mark.parametrize("kind", ["classification", "mlm"])
@pytest.mark.parametrize(
    ("config_class", "few"),
    [(BERTS[0], few) for few in STRUCTURES] + [(other, "uneven") for other in BERTS[1:]],
    ids=lambda value: getattr(value, "model_type", value),
)
def test_what_is_loaded_says_the_same_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config_class: Any, kind: Kind, few: str
) -> None:
    model, folder = removed(STRUCTURES[few], kind, config_class), tmp_path / "new" / "folder"
    exports.save(model, STRUCTURES[few], folder)
    monkeypatch.chdir(folder)
    for other in (
        removal.build(*exports.load(folder)),
        run_loading(model, STRUCTURES[few], kind),
    ):
        assert type(other) is type(model)
        assert not other.training
        assert torch.equal(other(**batch()).logits, model(**batch()).logits)
        assert {name: p.shape for name, p in other.named_parameters()} == {
            name: p.shape for name, p in model.named_parameters()
        }


@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_a_whole_model_is_an_ordinary_folder(tmp_path: Path, kind: Kind) -> None:
    model = removed(STRUCTURES["whole"], kind, RobertaConfig)
    exports.save(model, STRUCTURES["whole"], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json", "model.safetensors",
    }  # fmt: skip
    found = AUTO[kind].from_pretrained(tmp_path, trust_remote_code=False)
    assert torch.equal(found(**batch()).logits, model(**batch()).logits)


@pytest.mark.parametrize("umask", [0o022, 0o077])
@pytest.mark.parametrize("few", STRUCTURES)
def test_files_have_the_mode_of_any_new_file(tmp_path: Path, few: str, umask: int) -> None:
    before = os.umask(umask)
    try:
        exports.save(removed(STRUCTURES[few]), STRUCTURES[few], tmp_path / "model")
    finally:
        os.umask(before)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "model").iterdir()}
    assert any(name.endswith(".safetensors") for name in modes)
    assert set(modes.values()) == {0o666 & ~umask}


@pytest.mark.parametrize("few", ["uneven", "no MLP", "nothing"])
def test_a_smaller_model_is_not_loaded_as_a_whole_one(tmp_path: Path, few: str) -> None:
    """Weights called model.safetensors would be, with what was removed drawn at random."""
    exports.save(removed(STRUCTURES[few]), STRUCTURES[few], tmp_path)
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AutoModel.from_pretrained(tmp_path, trust_remote_code=False)


def test_half_precision_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = STRUCTURES["uneven"]
    model = removed(few).to(torch.bfloat16)
    exports.save(model, few, tmp_path)
    monkeypatch.chdir(tmp_path)
    for other in (
        removal.build(*exports.load(tmp_path)),
        run_loading(model, few, "classification"),
    ):
        assert other.dtype == torch.bfloat16
        assert torch.equal(other(**batch()).logits, model(**batch()).logits)


def test_the_structure_is_written_by_number(tmp_path: Path) -> None:
    few = STRUCTURES["layer 1 without heads"]
    exports.save(removed(few), few, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json", "smaller.safetensors", "structure.json",
    }  # fmt: skip
    record = json.loads((tmp_path / "structure.json").read_text())
    assert record == {"heads": [[0, 3], []], "mlps": [1]}
    _, found, _ = exports.load(tmp_path)
    assert found.heads.tolist() == few.heads.tolist()
    assert found.mlps.tolist() == few.mlps.tolist()


@pytest.mark.parametrize("few", ["whole", "uneven"])
@pytest.mark.parametrize("kind", ["classification", "mlm"])
def test_same_model_same_bytes(tmp_path: Path, words: Words, kind: Kind, few: str) -> None:
    """Also when written again from what was read, which comes from another folder."""
    structure = STRUCTURES[few]
    model = removed(structure, kind, ElectraConfig)
    exports.save(model, structure, tmp_path / "a")
    exports.save(model, structure, tmp_path / "b")
    again = removal.build(*exports.load(tmp_path / "a"))
    exports.save(again, structure, tmp_path / "c")
    for name in "abc":
        exports.save_tokenizer(*words, 9, True, tmp_path / name)
    written = [
        {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())}
        for name in "abc"
    ]
    assert written[0] == written[1] == written[2]
    assert str(tmp_path).encode() not in b"".join(written[2].values())
    (weights,) = (tmp_path / "a").glob("*.safetensors")
    with safe_open(weights, "pt") as file:
        assert len(file.metadata() or {}) <= 1


def asked(tokenizer: Any, *texts: list[str]) -> list[list[list[int]]]:
    found = tokenizer(*texts, truncation=True)
    return [found["input_ids"], found["token_type_ids"]]


def test_the_tokenizer_says_what_prepare_said(tmp_path: Path, words: Words) -> None:
    """Single texts and pairs, longer than allowed; transformers would build its own for a BERT."""
    tokenizer = Tokenizer.from_str(words[0].to_str())
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=9)
    exports.save_whole(small("classification", BERTS[0]), tmp_path)
    exports.save_tokenizer(tokenizer, words[1], 9, True, tmp_path)
    assert len(tokenizer.encode("the old cat sees a dog").ids) == 9  # the one given is as it was
    found = AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)
    firsts, seconds = (
        ["the old cat sees a dog The", "the cat"],
        ["a dog sleeps the old dogs see", "a"],
    )
    for second in (None, seconds):
        split = texts.tokenise(texts.Texts(firsts, second, np.zeros(2)), words[0], 9)
        expected = [
            [part.tolist() for part in np.split(whole, split.starts[1:-1])]
            for whole in (split.ids.astype(np.int64), split.types.astype(np.int64))
        ]
        assert asked(found, *((firsts, second) if second else (firsts,))) == expected
    assert words[1].size - 1 == words[0].token_to_id("not")
    assert found.mask_token_id == words[1].mask
    assert found.pad_token_id == words[1].pad
    assert found.unk_token_id == words[0].token_to_id("[UNK]")
    words[0].no_truncation()


def test_letters_keep_their_case_where_the_encoder_tells_them_apart(tmp_path: Path) -> None:
    """transformers would take lower case for an encoder of type BERT that says nothing of it."""
    tokenizer, vocabulary = pretrained.word_tokenizer(["cat", "Cat"])
    exports.save_whole(small("classification", BERTS[0]), tmp_path)
    exports.save_tokenizer(tokenizer, vocabulary, 9, True, tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)("Cat cat")[
        "input_ids"
    ] == [2, 6, 5, 3]


def test_no_token_types_for_a_model_without_them(tmp_path: Path, words: Words) -> None:
    exports.save_whole(small("classification", RobertaConfig), tmp_path)
    exports.save_tokenizer(*words, 9, False, tmp_path)
    found = AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)("the cat", "a dog")
    assert sorted(found) == ["attention_mask", "input_ids"]


def test_outputs_are_described() -> None:
    model = small("classification", BERTS[0])
    exports.describe_(model, "classification", ["no", "on: yes", "\n#"])
    assert model.config.id2label == {0: "no", 1: "on: yes", 2: "\n#"}
    assert model.config.label2id == {"no": 0, "on: yes": 1, "\n#": 2}
    with pytest.raises(ValueError, match="3 classes have the names"):
        exports.describe_(model, "classification", ["no", "yes"])
    exports.describe_(model, "regression", None)
    assert model.config.problem_type == "regression"


@pytest.mark.parametrize(
    ("has", "said", "message"),
    [
        ("uneven", "whole", "layer 0 has 3 heads, but 4 are kept"),
        ("whole", "uneven", "layer 0 has 4 heads, but 3 are kept"),
        ("nothing", "no head", "layer 0 has no MLP, against the structure"),
        ("no head", "nothing", "layer 0 has an MLP, against the structure"),
    ],
)
def test_a_structure_of_another_model_is_refused(
    tmp_path: Path, has: str, said: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        exports.save(removed(STRUCTURES[has]), STRUCTURES[said], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_no_model_is_written_over_another(tmp_path: Path) -> None:
    few = STRUCTURES["uneven"]
    exports.save(removed(few), few, tmp_path)
    with pytest.raises(FileExistsError, match=r"smaller\.safetensors exists"):
        exports.save(removed(STRUCTURES["whole"]), STRUCTURES["whole"], tmp_path)


def test_a_folder_without_a_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json does not exist"):
        exports.load(tmp_path / "none")
    few = STRUCTURES["uneven"]
    exports.save(removed(few), few, tmp_path)
    (tmp_path / "structure.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        exports.load(tmp_path)
