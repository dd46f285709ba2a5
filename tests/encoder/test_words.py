"""Word embeddings of the words that occur: training moves what it would have moved, and no more."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, RobertaConfig, RobertaForSequenceClassification

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.words import Words
from stages.tickets.tasks import task
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit
from tests.conftest import RECIPE, SEEDS

WEIGHT = "embeddings.word_embeddings.weight"


class Everything(Words):
    """All rows, as without the saving."""

    def __init__(self, model: PreTrainedModel, tokens: object, pad: int) -> None:  # noqa: ARG002
        super().__init__(model, np.arange(len(embeddings_of(model))), pad)


def embeddings_of(model: PreTrainedModel) -> torch.Tensor:
    return model.get_input_embeddings().get_parameter("weight")


@pytest.fixture
def some(prepared: Prepared) -> Prepared:
    """The first sentences: not all words are in them."""
    return replace(prepared, train=task.take(prepared.train, np.arange(3)))


def trained(encoder: Encoder, prepared: Prepared, weight_decay: float) -> dict[str, torch.Tensor]:
    model = theta.build(encoder, "classification", 2, 0.0, 1)
    recipe = RECIPE.model_copy(update={"weight_decay": weight_decay, "epochs": 4, "dropout": 0.0})
    fit.fit_(model, prepared, SEEDS, recipe)
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_training_ends_where_it_would_with_all_words(
    encoder: Encoder, some: Prepared, weight_decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trained(encoder, some, weight_decay)
    monkeypatch.setattr(fit, "Words", Everything)
    expected = trained(encoder, some, weight_decay)
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, msg=name)
    rows, before = found[f"bert.{WEIGHT}"], encoder.weights[WEIGHT]
    unseen = np.setdiff1d(np.arange(len(rows)), some.train.ids)
    assert len(unseen) > 3
    assert (rows[unseen] == before[unseen]).all() == (weight_decay == 0)
    words = np.setdiff1d(some.train.ids, [some.vocabulary.pad])
    assert (rows[words] != before[words]).any(-1).all()


def test_the_optimizer_holds_the_words_that_occur_alone(encoder: Encoder, some: Prepared) -> None:
    model = theta.build(encoder, "classification", 2, 0.0, 1)
    module, whole = model.get_input_embeddings(), embeddings_of(model)
    with Words(model, some.train.ids, some.vocabulary.pad) as words:
        held = embeddings_of(model)
        assert len(held) == len(set(some.train.ids.tolist()) | {some.vocabulary.pad})
        assert len(held) < len(whole)
        assert torch.equal(held[words.row_of[some.train.ids]], whole[some.train.ids])
    assert model.get_input_embeddings() is module


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_looking_on_sees_all_words_up_to_date_and_moves_nothing(
    encoder: Encoder, some: Prepared, weight_decay: float
) -> None:
    recipe = RECIPE.model_copy(update={"weight_decay": weight_decay, "epochs": 4, "dropout": 0.0})
    model = theta.build(encoder, "classification", 2, 0.0, 1)
    seen: list[torch.Tensor] = []
    fit.fit_(
        model,
        some,
        SEEDS,
        recipe,
        after_step=lambda _: seen.append(embeddings_of(model).detach().clone()),
    )
    assert {weight.shape for weight in seen} == {encoder.weights[WEIGHT].shape}
    assert torch.equal(seen[0], encoder.weights[WEIGHT])
    word = int(some.train.ids[1])
    assert all((a[word] != b[word]).any() for a, b in pairwise(seen[:-1]))
    unseen = np.setdiff1d(np.arange(len(seen[0])), some.train.ids)
    assert all((a[unseen] == b[unseen]).all() == (weight_decay == 0) for a, b in pairwise(seen))
    expected = trained(encoder, some, weight_decay)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.detach(), expected[name], msg=name)


def test_all_words_are_back_after_a_training_that_fails(encoder: Encoder, some: Prepared) -> None:
    model = theta.build(encoder, "classification", 2, 0.0, 1)
    recipe = RECIPE.model_copy(update={"learning_rate": 1e30, "epochs": 4})
    with pytest.raises(fit.TrainingError):
        fit.fit_(model, some, SEEDS, recipe)
    assert embeddings_of(model).shape == encoder.weights[WEIGHT].shape


def test_padding_keeps_its_id() -> None:
    """RoBERTa counts positions by it."""
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=1,
    )
    model = RobertaForSequenceClassification(config).train(mode=False)  # type: ignore[no-untyped-call]
    ids = np.array([[0, 40, 30, 2], [0, 20, 2, 1]])
    before = model(input_ids=torch.from_numpy(ids)).logits
    with Words(model, ids, pad=1) as words:
        row = words.row_of[ids]
        after = model(input_ids=torch.from_numpy(row)).logits
    assert row[1, 3] == 1
    torch.testing.assert_close(after, before)
