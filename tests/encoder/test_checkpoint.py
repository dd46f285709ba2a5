"""Spoiled checkpoints: each is refused by one sentence when it is fetched, or loads as it was meant."""

import ast
import builtins
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AddedToken, AutoModelForMaskedLM, PreTrainedTokenizerFast

from stages.tickets.encoder import pretrained, theta, tokens
from stages.tickets.encoder.theta import Pretrained
from stages.tickets.settings import FolderEncoder, HubEncoder, ParamsError
from tests.encoder import checkpoints
from tests.imports import ROOT

Spoil = Callable[[Path], object]
LAYER = "bert.encoder.layer.0"
OWN_CODE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


def fetch(folder: Path) -> Pretrained:
    return pretrained.fetch(FolderEncoder(source="folder", path=str(folder), pooler="pretrained"))


@pytest.fixture
def folder(tmp_path: Path, on_the_cpu: None) -> Path:  # noqa: ARG001
    """A checkpoint of a BERT for masked language modelling, with 40 word embeddings and 17 words."""
    checkpoints.write(tmp_path / "bert", "bert")
    return tmp_path / "bert"


# --- ways to spoil it ------------------------------------------------------------------------


def edited(file: str, **changes: object) -> Spoil:
    """Set keys of a JSON file; None removes a key."""

    def spoil(folder: Path) -> None:
        content = {**json.loads((folder / file).read_text(encoding="utf-8")), **changes}
        kept = {key: value for key, value in content.items() if value is not None}
        (folder / file).write_text(json.dumps(kept), encoding="utf-8")

    return spoil


def config(**changes: object) -> Spoil:
    return edited("config.json", **changes)


def weights(change: Callable[[dict[str, Tensor]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        stored = load_file(folder / "model.safetensors")
        change(stored)
        save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})

    return spoil


def words(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        change(content)
        (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")

    return spoil


def all_of(*spoils: Spoil) -> Spoil:
    return lambda folder: [spoil(folder) for spoil in spoils]


def without(*files: str) -> Spoil:
    def spoil(folder: Path) -> None:
        for file in files:
            (folder / file).unlink()

    return spoil


def with_file(name: str, content: str) -> Spoil:
    return lambda folder: (folder / name).write_text(content, encoding="utf-8")


def not_finite(value: float) -> Spoil:
    return weights(lambda stored: stored[f"{LAYER}.output.dense.weight"].view(-1)[7:8].fill_(value))


def relative_positions(stored: dict[str, Tensor]) -> None:
    for layer in (0, 1):
        name = f"bert.encoder.layer.{layer}.attention.self.distance_embedding.weight"
        stored[name] = torch.zeros(47, 8)


def without_a_head(stored: dict[str, Tensor]) -> None:
    for part in ("query", "key", "value"):
        for kind in ("weight", "bias"):
            name = f"{LAYER}.attention.self.{part}.{kind}"
            stored[name] = stored[name][:8].clone()
    name = f"{LAYER}.attention.output.dense.weight"
    stored[name] = stored[name][:, :8].clone()


def with_added_words(folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)  # type: ignore[no-untyped-call]
    tokenizer.add_tokens([AddedToken(f"new{number}") for number in range(30)])
    tokenizer.save_pretrained(folder)


def cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


class Harmful:
    """An object whose unpickling makes a file."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("ran",)


def pickled(folder: Path, **more: object) -> None:
    stored = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save({**stored, **more}, folder / "pytorch_model.bin")


def slow_tokenizer(name: str, *files: str, **changes: object) -> Spoil:
    """Leave a tokenizer of a class of transformers that reads `files`."""
    return all_of(
        without("tokenizer.json"),
        with_file("tokenizer_config.json", json.dumps({"tokenizer_class": name, **changes})),
        *(with_file(file, "{}" if file.endswith("json") else "") for file in files),
    )


# --- what is refused -------------------------------------------------------------------------

OWN = {"auto_map": {"AutoModel": "modeling_own.Own", "AutoConfig": "modeling_own.OwnConfig"}}
NEVER = "this project never runs code from a checkpoint"
REFUSED: dict[str, tuple[Spoil, str]] = {
    "code of its own": (
        all_of(config(model_type="own", **OWN), with_file("modeling_own.py", OWN_CODE)),
        rf"auto_map in its config\.json for modeling_own\.py, and {NEVER}",
    ),
    "code for a known type": (config(**OWN), rf"auto_map in its config\.json, and {NEVER}"),
    "a tokenizer of its own": (
        edited("tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]}),
        rf"auto_map in its tokenizer_config\.json, and {NEVER}",
    ),
    "pickled code": (
        lambda folder: pickled(folder, harmful=Harmful()),
        rf"its pickled weights hold more than weights, and {NEVER}",
    ),
    "no config": (without("config.json"), r"encoder\.path is .*, but .* has no config\.json$"),
    "half a config": (
        with_file("config.json", "{"),
        r"has a config\.json that is no JSON: Expecting",
    ),
    "a deep config": (
        with_file("config.json", "[" * 50_000),
        r"has a config\.json that is no JSON: maximum recursion depth",
    ),
    "a list for a config": (
        with_file("config.json", "[]"),
        r"config\.json that is a list, allowed",
    ),
    "no type": (config(model_type=None), r"has no model_type in its config\.json"),
    "an unknown type": (
        config(model_type="own"),
        r"'own', which transformers [\d.]+ does not know",
    ),
    "heads cut out": (
        all_of(config(pruned_heads={"0": [1]}), weights(without_a_head)),
        r"BertForMaskedLM \(bert\) is without attention heads .* pruned_heads \{'0': \[1\]\}$",
    ),
    "heads cut out in silence": (
        weights(without_a_head),
        r"'encoder\.layer\.0\.attention\.output\.dense\.weight' in the shape \(16, 8\), .* \(16, 16\)",
    ),
    "a decoder": (
        config(is_decoder=True),
        r"BertForMaskedLM \(bert\) is a decoder, .*is_decoder True",
    ),
    "quantised": (config(quantization_config={"bits": 4}), r"is quantised, allowed are .*float16"),
    "heads that do not fit": (
        config(num_attention_heads=3),
        r"hidden size \(16\) is not a multiple",
    ),
    "padding out of range": (config(pad_token_id=100), "Padding_idx must be within num_embeddings"),
    "not a number": (
        not_finite(float("nan")),
        r"has weights 'encoder\.layer\.0\.output\.dense\.weight' that are not finite$",
    ),
    "an infinite weight": (not_finite(float("-inf")), "that are not finite$"),
    "an infinite bias of the language model": (
        weights(lambda stored: stored["cls.predictions.bias"][3:4].fill_(float("inf"))),
        r"has weights 'cls\.predictions\.bias' that are not finite$",
    ),
    "relative positions": (
        all_of(weights(relative_positions), config(position_embedding_type="relative_key")),
        r"'encoder\.layer\.0\.attention\.self\.distance_embedding\.weight' \(2 .* does not take",
    ),
    "too many layers": (config(num_hidden_layers=1), r"'encoder\.layer\.1\..* does not take"),
    "too few layers": (config(num_hidden_layers=3), r"lacks the weights 'encoder\.layer\.2\."),
    "a missing matrix": (
        weights(lambda stored: stored.pop(f"{LAYER}.output.dense.weight")),
        r"lacks the weights 'encoder\.layer\.0\.output\.dense\.weight' of its BertModel$",
    ),
    "a file that is cut off": (cut_off, "cannot be loaded: SafetensorError, "),
    "no weights": (without("model.safetensors"), "cannot be loaded: OSError, .*safetensors"),
    "more words than embeddings": (
        words(
            lambda content: content["model"]["vocab"].update({f"w{i}": i for i in range(17, 47)})
        ),
        r"has 40 word embeddings, for ids up to 39, but its tokenizer .*, of which 'w46' has the id 46;",
    ),
    "a gap beyond the embeddings": (
        words(lambda content: content["model"]["vocab"].update(sleeps=40)),
        r"40 word embeddings, .* has 17 words, of which 'sleeps' has the id 40;",
    ),
    "added words": (with_added_words, r"40 word embeddings, .* of which 'new29' has the id 46;"),
    "a special token out of range": (
        words(
            lambda content: content["post_processor"]["special_tokens"]["[CLS]"].update(ids=[101])
        ),
        "has a tokenizer that gives the id 101, but 40 word embeddings$",
    ),
    "no padding": (
        edited("tokenizer_config.json", pad_token=None),
        "no fast tokenizer with a pad token",
    ),
    "no mask": (
        edited("tokenizer_config.json", mask_token=None),
        "no fast tokenizer with a mask token",
    ),
    "no token for unknown words": (
        words(lambda content: content["model"].update(unk_token="nothing")),
        r"has a tokenizer that cannot read 'Which cats sleep\?': .*Missing \[UNK\] token",
    ),
    "no tokenizer": (
        without("tokenizer.json", "tokenizer_config.json"),
        r"has no tokenizer: transformers made a BertTokenizer without words of its own; allowed is",
    ),
    "half a tokenizer": (
        without("tokenizer.json"),
        r"cannot be loaded: there is no tokenizer\.json$",
    ),
    "a broken tokenizer": (
        with_file("tokenizer.json", "{"),
        "tokenizer that cannot be loaded: JSON",
    ),
    "an unknown tokenizer": (
        with_file("tokenizer.json", '{"version": "1.0", "model": {"type": "Own"}}'),
        "has a tokenizer that cannot be loaded: ",
    ),
    "a slow tokenizer": (
        slow_tokenizer("CanineTokenizer"),
        "no fast tokenizer, but a CanineTokenizer$",
    ),
    "without sentencepiece": (
        slow_tokenizer("CamembertTokenizer", "sentencepiece.bpe.model"),
        "it needs protobuf and sentencepiece, which",
    ),
    "without sentencepiece for DeBERTa": (
        slow_tokenizer("DebertaV2Tokenizer", "spm.model"),
        "it needs protobuf and sentencepiece, which",
    ),
    "without sacremoses": (
        slow_tokenizer("FlaubertTokenizer", "vocab.json", "merges.txt"),
        "it needs sacremoses, which",
    ),
    "without fugashi": (
        slow_tokenizer("BertJapaneseTokenizer", "vocab.txt", word_tokenizer_type="mecab"),
        "it needs fugashi, which",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), REFUSED.values(), ids=REFUSED)
def test_a_spoiled_checkpoint_is_refused_by_one_sentence(
    folder: Path,
    spoil: Spoil,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tokens, "_installed", lambda _: False)
    monkeypatch.setattr(builtins, "input", lambda *_: pytest.fail("it asks whether to run code"))
    monkeypatch.chdir(folder.parent)
    spoil(folder)
    capfd.readouterr()
    with pytest.raises(ParamsError, match=message) as refused:
        fetch(folder)
    sentence = str(refused.value)
    assert str(folder) in sentence
    assert "\n" not in sentence
    assert "\x1b" not in sentence
    assert len(sentence) < 400
    assert "[transformers]" not in capfd.readouterr().err
    assert not list(folder.parent.rglob("ran"))


def test_a_file_in_place_of_a_folder_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParamsError, match=r"^encoder\.path is .* is a file, not a folder$"):
        fetch(tmp_path / "file")
    with pytest.raises(ParamsError, match=r"^encoder\.path is .* has no config\.json$"):
        fetch(tmp_path / "empty")
    with pytest.raises(ParamsError, match=r"^encoder\.path is .*, but there is no such folder$"):
        fetch(tmp_path / "nothing")


def test_positions_and_padding_have_to_agree(tmp_path: Path, on_the_cpu: None) -> None:  # noqa: ARG001
    checkpoints.write(tmp_path / "roberta", "roberta")
    edited("tokenizer_config.json", pad_token="<unk>")(tmp_path / "roberta")
    with pytest.raises(
        ParamsError, match=r"padding with the id 1, but its tokenizer pads with .* 3$"
    ):
        fetch(tmp_path / "roberta")


# --- what loads ------------------------------------------------------------------------------


def stored(folder: Path, encoder: Pretrained) -> dict[str, Tensor]:
    theta.save(encoder, {}, folder)
    loaded = theta.load(folder)
    return {**loaded.weights, **loaded.mlm_head}


def in_shards(folder: Path) -> None:
    model = AutoModelForMaskedLM.from_pretrained(folder, trust_remote_code=False)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="4KB")
    assert len(list(folder.glob("*.safetensors"))) > 2


LOADED: dict[str, Spoil] = {
    "shards": in_shards,
    "pickled weights": pickled,
    "tuples for results": config(return_dict=False),
    "all states": config(output_hidden_states=True, output_attentions=True),
    "no heads cut out": config(pruned_heads={}),
    "a Python file that nothing asks for": with_file("train_script.py", OWN_CODE),
    "numbers of positions": weights(
        lambda content: content.update({"bert.embeddings.position_ids": torch.arange(24)[None]})
    ),
}


@pytest.mark.parametrize("change", LOADED.values(), ids=LOADED)
def test_what_is_the_same_checkpoint_loads_the_same(folder: Path, change: Spoil) -> None:
    plain = fetch(folder)
    expected = stored(folder.parent / "plain", plain)
    change(folder)
    found = stored(folder.parent / "changed", fetch(folder))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    model = theta.build(theta.load(folder.parent / "changed"), "classification", 2, 0.0, 1)
    assert model(torch.tensor([[2, 5, 3]])).logits.shape == (1, 2)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_precision_are_loaded_exactly(folder: Path, dtype: torch.dtype) -> None:
    weights(lambda content: content.update({k: v.to(dtype) for k, v in content.items()}))(folder)
    published = load_file(folder / "model.safetensors")
    found = stored(folder.parent / "stored", fetch(folder))
    assert {weight.dtype for weight in found.values()} == {torch.float32}
    for name, weight in found.items():
        full = name if name.startswith("cls.") else f"bert.{name}"
        assert torch.equal(weight.to(torch.float64), published[full].to(torch.float64))


def test_weights_of_other_tasks_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = {"classifier.weight": torch.zeros(2, 16), "qa_outputs.bias": torch.zeros(2)}
    weights(lambda content: content.update(more))(folder)
    fetch(folder)
    assert "left out: classifier.weight, qa_outputs.bias." in capsys.readouterr().out


def test_a_head_that_is_not_complete_is_none(folder: Path) -> None:
    weights(lambda content: content.pop("cls.predictions.transform.dense.bias"))(folder)
    assert fetch(folder).mlm_head == {}


def test_an_id_without_a_word_is_below_the_size_of_the_vocabulary(folder: Path) -> None:
    words(lambda content: content["model"]["vocab"].update(sleeps=39))(folder)
    found = fetch(folder)
    assert found.tokenizer.encode("sleeps").ids == [2, 39, 3]
    assert found.vocabulary.size == 40


# --- the Hub ---------------------------------------------------------------------------------


def test_the_small_files_of_the_hub_are_checked_before_its_weights_are_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def download(name: str, *, revision: str, allow_patterns: list[str], **_: object) -> str:
        assert not any("safetensors" in pattern or "py" in pattern for pattern in allow_patterns)
        asked.append((name, revision))
        return str(folder)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("weights are fetched")

    config(**OWN)(folder)
    monkeypatch.setattr(pretrained, "snapshot_download", download)
    for auto in ("AutoConfig", "AutoModel", "AutoModelForMaskedLM"):
        monkeypatch.setattr(f"stages.tickets.encoder.pretrained.{auto}.from_pretrained", refuse)
    source = HubEncoder(source="hub", name="owner/bert", revision="0" * 40, pooler="fresh")
    with pytest.raises(ParamsError, match=rf"^the encoder owner/bert brings code .*{NEVER}"):
        pretrained.fetch(source)
    assert asked == [("owner/bert", "0" * 40)]


def test_a_model_that_the_hub_does_not_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    source = HubEncoder(source="hub", name="owner/none", revision="0" * 40, pooler="fresh")
    with pytest.raises(ParamsError, match=r"^the encoder owner/none cannot be loaded: ") as refused:
        pretrained.fetch(source)
    assert len(str(refused.value)) < 400


# --- code ------------------------------------------------------------------------------------


def loading(source: str) -> list[str]:
    """Calls of `from_pretrained` of transformers that might run code of a checkpoint."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
        and re.match(r"(transformers\.)?auto", ast.unparse(node.func), re.IGNORECASE)
    ]
    safe = {"trust_remote_code": False}
    return [
        ast.unparse(call)
        for call in calls
        if not safe.items()
        <= {
            k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)
        }.items()
    ]


def test_no_call_in_the_project_runs_code_of_a_checkpoint() -> None:
    assert loading("AutoModel.from_pretrained(folder, trust_remote_code=True)")
    assert loading("AUTO[kind].from_pretrained(folder)")
    for path in sorted([*(ROOT / "stages").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        assert loading(path.read_text(encoding="utf-8")) == [], path


def test_exports_tell_their_readers_the_same() -> None:
    told = (ROOT / "stages" / "tickets" / "export" / "usage.py").read_text(encoding="utf-8")
    calls = re.findall(r"Auto\w+\.from_pretrained\(.*", told)
    assert len(calls) == 3
    assert all("trust_remote_code=False" in call for call in calls)
