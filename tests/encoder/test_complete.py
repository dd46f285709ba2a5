"""Checkpoints of the user's own: what is read, and one sentence for whatever is wrong with them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from stages.tickets.encoder import complete, parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import Kind, ParamsError

Tensors = dict[str, torch.Tensor]


def built(encoder: Encoder, seed: int = 1, kind: Kind = "classification") -> PreTrainedModel:
    return theta.build(encoder, kind, 2, 0.1, seed)


def moved(model: PreTrainedModel) -> PreTrainedModel:
    """Weights that are not those of theta_0."""
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(0.01 * (number + 1))
    return model


def same(first: PreTrainedModel, second: PreTrainedModel) -> bool:
    others = parameters.by_name(second)
    return all(torch.equal(p, others[name]) for name, p in parameters.by_name(first).items())


@pytest.mark.parametrize("kind", ["classification", "span", "mlm"])
@pytest.mark.parametrize("alone", [False, True])
def test_what_transformers_saves_is_read(
    encoder: Encoder, tmp_path: Path, kind: Kind, alone: bool
) -> None:
    model = moved(built(encoder, kind=kind))
    model.save_pretrained(tmp_path)
    other = built(encoder, 2, kind)
    assert not same(model, other)
    given = tmp_path / "model.safetensors" if alone else tmp_path
    assert complete.load_(other, encoder, str(given), "key") == given
    assert same(model, other)
    assert len(complete.digest(given)) == 64


def test_bfloat16_and_shards_are_read(encoder: Encoder, tmp_path: Path) -> None:
    model = moved(built(encoder)).bfloat16()
    model.save_pretrained(tmp_path, max_shard_size=4000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    other = built(encoder, 2)
    complete.load_(other, encoder, str(tmp_path), "key")
    assert {parameter.dtype for parameter in other.parameters()} == {torch.float32}
    assert same(model.float(), other)


def test_integers_that_older_models_have_do_not_count(encoder: Encoder, tmp_path: Path) -> None:
    model = moved(built(encoder))
    model.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    save_file(load_file(file) | {"bert.embeddings.position_ids": torch.arange(24)[None]}, file)
    other = built(encoder, 2)
    complete.load_(other, encoder, str(file), "key")
    assert same(model, other)


QUERY = "bert.encoder.layer.0.attention.self.query.weight"


def without_query(tensors: Tensors) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if name != QUERY}


def with_nan(tensors: Tensors) -> Tensors:
    tensors[QUERY][2, 3] = torch.nan
    tensors[QUERY][0, 0] = torch.inf
    return tensors


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (without_query, ("lacks the tensor", QUERY, "a complete model")),
        (with_nan, (QUERY, "with 2 values that are nan or infinite of 256")),
        (lambda t: t | {QUERY: torch.zeros(16, 8)}, (QUERY, "shape (16, 8), allowed is (16, 16)")),
        (
            lambda t: t | {QUERY: torch.zeros(16, 16, dtype=torch.int8)},
            (QUERY, "torch.int8", "floats"),
        ),
        (lambda t: t | {"lm_head.weight": torch.zeros(2)}, ("'lm_head.weight'", "has not")),
        (
            lambda t: t | {"classifier.weight": torch.zeros(3, 16)},
            ("'classifier.weight'", "(3, 16), allowed is (2, 16)"),
        ),
    ],
)
def test_wrong_weights_are_named_in_a_sentence(
    encoder: Encoder, tmp_path: Path, change: Callable[[Tensors], Tensors], parts: tuple[str, ...]
) -> None:
    built(encoder).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    save_file(change(load_file(file)), file)
    with pytest.raises(ParamsError) as caught:
        complete.load_(built(encoder), encoder, str(tmp_path), "between.files, mine.first")
    for part in ("between.files, mine.first", str(file.parent), *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_attention_heads", 4), ("hidden_act", "relu"), ("model_type", "roberta")],
)
def test_another_architecture_is_refused_even_if_all_shapes_fit(
    encoder: Encoder, tmp_path: Path, key: str, value: object
) -> None:
    built(encoder).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(ParamsError, match=f"another architecture .* {key} {value!r}"):
        complete.load_(built(encoder), encoder, str(tmp_path), "key")


def test_unlike_tensors_that_are_tied_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    model = built(encoder, kind="mlm")
    model.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    stored = load_file(file)
    words = stored["bert.embeddings.word_embeddings.weight"]
    save_file(stored | {"cls.predictions.decoder.weight": words + 1}, file)
    with pytest.raises(ParamsError, match=r"unlike tensors .*decoder.weight.* one in this model"):
        complete.load_(built(encoder, kind="mlm"), encoder, str(file), "key")


def test_files_that_are_missing_or_no_weights_are_named(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "text.safetensors").write_text("no weights")
    (tmp_path / "empty").mkdir()
    for given, part in (
        ("/no/such", "no such file or folder"),
        ("$NOWHERE/model", "NOWHERE is not set"),
        (str(tmp_path), "has no model.safetensors or pooled.safetensors"),
        (str(tmp_path / "empty"), "has no config.json"),
        (str(tmp_path / "text.safetensors"), "cannot be read as safetensors"),
    ):
        with pytest.raises(ParamsError, match=part):
            complete.load_(built(encoder), encoder, given, "key")


def test_names_of_classes_count_if_somebody_gave_them(encoder: Encoder, tmp_path: Path) -> None:
    model = built(encoder)
    model.save_pretrained(tmp_path)
    assert complete.labels(tmp_path) is None
    model.config.id2label = {0: "no", 1: "yes"}
    model.save_pretrained(tmp_path)
    assert complete.labels(tmp_path) == ["no", "yes"]
    assert complete.labels(tmp_path / "model.safetensors") is None
