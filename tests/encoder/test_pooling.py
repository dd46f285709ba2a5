"""Classifiers on means of tokens: by hand, over padding, in every architecture, and in every use."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.encoder import (
    checkpoint,
    device,
    gates,
    parameters,
    pooling,
    pretrained,
    removal,
    theta,
)
from stages.tickets.encoder.theta import Encoder, Pretrained
from stages.tickets.encoder.weights import (
    load_body_,
    load_weights_,
    prunable_weights,
    save_weights,
)
from stages.tickets.pruning import masks
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import search
from stages.tickets.settings import FolderEncoder, ParamsError
from stages.tickets.tasks import texts
from stages.tickets.tasks.task import Prepared
from stages.tickets.tasks.texts import Texts
from stages.tickets.training import multitask, predict, rounds
from stages.tickets.training.multitask import Part
from tests.conftest import PAIRS, RECIPE, SEEDS
from tests.encoder import checkpoints
from tests.encoder.masked import masked_
from tests.encoder.test_architectures import TRAINS, prepared_for

Pooling = Literal["mean", "segments"]
REFUSED = {
    "layoutlm": "'NoneType' object is not callable",
    "longformer": "does not depend on .*_global",
}
"""LayoutLM needs its pooler, and Longformer a classifier that chooses tokens which attend to all."""
TYPES = sorted(TRAINS.keys() - REFUSED.keys())
IDS = torch.tensor([[2, 5, 6, 7, 3, 8, 9, 3], [2, 6, 3, 10, 11, 3, 0, 0]])
SEGMENTS = torch.tensor([[0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 0, 0]])
THERE = torch.tensor([[1] * 8, [1] * 6 + [0] * 2])


def fetched(folder: Path, model_type: str, how: Pooling) -> Pretrained:
    checkpoints.write(folder, model_type)
    return pretrained.fetch(FolderEncoder(source="folder", path=str(folder), pooler=how))


def pooled(
    encoder: Encoder, how: Pooling, *, pairs: bool = True, dropout: float = 0.0, seed: int = 1
) -> PreTrainedModel:
    """The encoder with another pooler, which the checkpoint's is no part of."""
    return theta.build(
        without_pooler(encoder, how), "classification", 2, dropout, seed, pairs=pairs
    )


def without_pooler(encoder: Encoder, how: Pooling) -> Encoder:
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    setattr(config, pooling.FIELD, how)
    names = [name for name in encoder.weights if not name.startswith("pooler.")]
    prunable = tuple(name for name in encoder.prunable if name in names)
    weights = {name: encoder.weights[name] for name in names}
    return replace(encoder, config=config, weights=weights, prunable=prunable)


def logits_of(model: PreTrainedModel, rows: slice = slice(None), length: int = 8) -> Tensor:
    given = {"input_ids": IDS, "token_type_ids": SEGMENTS, "attention_mask": THERE}
    cut = {name: values[rows, :length] for name, values in given.items()}
    inputs = device.inputs_of(model, cut, bool(cut["attention_mask"].all()))
    return device.logits_of(model, inputs)


def by_hand(model: PreTrainedModel, how: Pooling, example: int) -> Tensor:
    """Loops over tokens, without padding and without a batch."""
    length = int(THERE[example].sum())
    ids, segments = IDS[example : example + 1, :length], SEGMENTS[example, :length]
    states = model.base_model(input_ids=ids, token_type_ids=segments[None]).last_hidden_state[0]
    parts = [
        [state for state, segment in zip(states, segments, strict=True) if segment == number]
        for number in (0, 1)
    ]
    u, v = (sum(part[1:], part[0]) / len(part) for part in parts)
    if how == "mean":
        vector = sum(states[1:], states[0]) / length
    else:
        vector = torch.cat([u, v, (u - v).abs(), u * v])
    weight, bias = (model.get_parameter(f"classifier.{name}") for name in ("weight", "bias"))
    return torch.addmv(bias, weight, vector)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("how", ["mean", "segments"])
def test_logits_and_gradients_are_those_by_hand(encoder: Encoder, how: Pooling) -> None:
    ours, plain = pooled(encoder, how).train(), pooled(encoder, how).train()
    assert ours.get_parameter("classifier.weight").shape == (2, 16 if how == "mean" else 64)
    device.place_(ours, "classification")
    logits = logits_of(ours)
    expected = torch.stack([by_hand(plain, how, example) for example in range(2)])
    torch.testing.assert_close(logits, expected)
    for each in (logits, expected):
        torch.nn.functional.cross_entropy(each, torch.tensor([0, 1])).backward()
    others = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, others[name].grad)
        assert parameter.grad is not None
        assert parameter.grad.any()


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("how", ["mean", "segments"])
def test_padding_does_not_matter(encoder: Encoder, how: Pooling) -> None:
    model = pooled(encoder, how).train(mode=False)
    device.place_(model, "classification")
    torch.testing.assert_close(logits_of(model)[1:], logits_of(model, slice(1, 2), 6))


def test_segments_of_single_texts_are_pooled_as_one(encoder: Encoder) -> None:
    single, plain = pooled(encoder, "segments", pairs=False), pooled(encoder, "mean")
    assert single.config.text_pooling == "mean"
    assert torch.equal(logits_of(single.train(mode=False)), logits_of(plain.train(mode=False)))


def test_a_task_knows_whether_it_has_pairs(prepared: Prepared, prepared_pairs: Prepared) -> None:
    assert not prepared.pairs
    assert prepared_pairs.pairs


def test_the_seed_of_the_head_draws_the_classifier_alone(encoder: Encoder) -> None:
    first, second, again = (pooled(encoder, "mean", seed=seed) for seed in (1, 2, 1))
    name = "classifier.weight"
    assert torch.equal(first.get_parameter(name), again.get_parameter(name))
    assert not torch.equal(first.get_parameter(name), second.get_parameter(name))
    spread = float(first.get_parameter(name).detach().std())
    assert 0.1 < spread < 0.3  # 0.2, as the encoder's config says
    assert {
        n for n, p in first.named_parameters() if any(p is q for q in parameters.head(first))
    } == {
        "classifier.weight",
        "classifier.bias",
    }
    others = dict(second.named_parameters())
    assert all(
        torch.equal(p, others[n]) for n, p in first.named_parameters() if not n.startswith("class")
    )


def test_the_classifier_has_the_dropout_of_the_recipe(encoder: Encoder) -> None:
    model = pooled(encoder, "mean", dropout=0.5)
    assert model.get_submodule("dropout").p == 0.5


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("how", ["mean", "segments"])
@pytest.mark.parametrize("model_type", TYPES)
def test_every_architecture_goes_to_a_pruned_mask_and_back(
    model_type: str, how: Pooling, tmp_path: Path, prepared: Prepared
) -> None:
    """The checkpoint's tokenizer tells pairs apart, whether its model takes token types or not."""
    whole = fetched(tmp_path / "published", model_type, how)
    assert not whole.pooler
    theta.save(whole, {}, tmp_path / "stored")
    encoder = theta.load(tmp_path / "stored")
    assert not any(name.startswith("pooler.") for name in (*encoder.weights, *encoder.prunable))
    task = prepared_for(whole, prepared)
    if how == "segments":
        firsts, seconds, _ = zip(*PAIRS, strict=True)
        labels = np.arange(len(PAIRS)) % 2
        split = texts.tokenise(Texts(list(firsts), list(seconds), labels), whole.tokenizer, 16)
        task = replace(task, train=split, evaluated={"validation": split})

    def model_of() -> PreTrainedModel:
        return theta.build(encoder, "classification", 2, 0.1, 1, pairs=task.pairs)

    model = model_of()
    width = model.config.hidden_size * (4 if how == "segments" else 1)
    assert model.get_parameter("classifier.weight").shape == (2, width)
    before = prunable_weights(model, encoder)
    made = rounds.prune_round(model, encoder, task, masks.dense(before), 0.5, SEEDS, RECIPE)
    assert masks.num_survivors(made.mask) == masks.survivors_at(0.5, masks.num_weights(made.mask))
    trained = prunable_weights(model, encoder)
    assert all((trained[name] != before[name]).any() for name in encoder.prunable)

    save_weights(model, encoder, tmp_path / "trained.safetensors")
    other = model_of()
    load_weights_(other, encoder, tmp_path / "trained.safetensors")
    logits, again = (predict.predict(each, task)["validation.logits"] for each in (model, other))
    np.testing.assert_array_equal(logits, again)
    words = theta.build(encoder, "mlm", 0, 0.1, 1)  # which is as it is without a pooler
    assert not isinstance(words, pooling.PooledClassifier)
    load_body_(words, encoder, tmp_path / "trained.safetensors")
    after = prunable_weights(words, encoder)
    assert all((trained[name] == after[name]).all() for name in encoder.prunable)
    if model_type in checkpoint.BERTS:
        kept = search.find_structure(
            model, task, task.evaluated["validation"], search.STRUCTURED["joint"], 0.9, 0.3
        )
        assert kept.structure.heads.shape == (2, 2)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("how", ["mean", "segments"])
def test_gates_masks_and_removal_agree(encoder: Encoder, how: Pooling) -> None:
    kept = Structure(np.array([[True, False], [False, False]]), np.array([True, False]))
    gated, masked, cut = (pooled(encoder, how).train(mode=False) for _ in range(3))
    with gates.gated(gated, kept):
        expected = logits_of(gated)
    masked_(masked, kept)
    removal.remove_(cut, kept)
    for model in (masked, cut):
        device.place_(model, "classification")
        torch.testing.assert_close(logits_of(model), expected)


@pytest.mark.usefixtures("on_the_cpu")
def test_tasks_with_and_without_pairs_share_a_body(
    encoder: Encoder, prepared: Prepared, prepared_pairs: Prepared, prepared_words: Prepared
) -> None:
    own = without_pooler(encoder, "segments")
    parts = [Part(task, SEEDS, RECIPE) for task in (prepared, prepared_pairs, prepared_words)]
    joined = multitask.built(own, parts)
    widths = [model.get_parameter("classifier.weight").shape[1] for model in joined[:2]]
    assert widths == [16, 64]
    (made,) = multitask.chain(own, parts, [0.5])
    assert made.mask.keys() == set(own.prunable)
    assert all(np.isfinite(losses).all() for losses in made.losses.values())


@pytest.mark.usefixtures("on_the_cpu")
def test_a_tokenizer_without_segments_is_refused(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, "roberta")
    file = tmp_path / "tokenizer.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"type_id": 1', '"type_id": 0'))
    pretrained.fetch(FolderEncoder(source="folder", path=str(tmp_path), pooler="mean"))
    message = r"\(roberta\), .*encoder\.pooler is 'segments', but its tokenizer .*allowed is 'mean'"
    with pytest.raises(ParamsError, match=message):
        pretrained.fetch(FolderEncoder(source="folder", path=str(tmp_path), pooler="segments"))


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize(("model_type", "reason"), REFUSED.items())
def test_a_model_that_needs_its_own_classifier_is_refused(
    model_type: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(
        ParamsError, match=rf"\({model_type}\), which cannot be trained here: .*{reason}"
    ):
        fetched(tmp_path, model_type, "mean")


@pytest.mark.usefixtures("on_the_cpu")
def test_a_checkpoint_does_not_choose_the_pooler_itself(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, "bert", text_pooling="mean", text_pooling_dropout=0.5)
    source = FolderEncoder(source="folder", path=str(tmp_path), pooler="fresh")
    encoder = theta.content_of(pretrained.fetch(source))
    model = theta.build(encoder, "classification", 2, 0.1, 1)
    assert not isinstance(model, pooling.PooledClassifier)
    assert not hasattr(model.config, pooling.FIELD)
