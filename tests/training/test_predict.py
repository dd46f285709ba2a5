"""Predictions: in the order of the examples, whatever the batches, and those of a forward pass."""

import numpy as np
import pytest
import torch

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.tasks.task import NOT_SCORED, Prepared
from stages.tickets.training import predict

BATCHES = [1, 13, 20, 16_384]
"""Tokens per batch: one example each, a few, all."""


@pytest.mark.parametrize("tokens_per_batch", BATCHES)
@pytest.mark.parametrize("pairs", [False, True])
def test_logits_are_those_of_every_example_alone(
    encoder: Encoder,
    prepared: Prepared,
    prepared_pairs: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    pairs: bool,
    tokens_per_batch: int,
) -> None:
    monkeypatch.setattr(predict, "TOKENS_PER_BATCH", tokens_per_batch)
    task = prepared_pairs if pairs else prepared
    split = task.evaluated["validation"]
    model = theta.build(encoder, task.task.kind, task.task.num_labels, 0.5, 1)
    found = predict.predict(model, task)
    assert list(found) == ["validation.logits"]
    logits = found["validation.logits"]
    assert logits.shape == (len(split), task.task.num_labels)
    assert logits.dtype == np.float32
    model.train(mode=False)
    for number, (start, stop) in enumerate(zip(split.starts[:-1], split.starts[1:], strict=True)):
        ids = torch.from_numpy(split.ids[start:stop]).long()[None]
        types = torch.from_numpy(split.types[start:stop]).long()[None]
        with torch.no_grad():
            alone = model(input_ids=ids, token_type_ids=types).logits[0].numpy()
        np.testing.assert_allclose(logits[number], alone, atol=1e-5)
    assert len(np.unique(logits.round(4), axis=0)) == len(split)  # so a wrong order would show


@pytest.mark.parametrize("tokens_per_batch", BATCHES)
def test_words_and_losses_are_those_of_every_example_alone(
    encoder: Encoder,
    prepared_words: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    tokens_per_batch: int,
) -> None:
    monkeypatch.setattr(predict, "TOKENS_PER_BATCH", tokens_per_batch)
    split = prepared_words.evaluated["validation"]
    model = theta.build(encoder, "mlm", 0, 0.5, 1)
    found = predict.predict(model, prepared_words)
    tokens, losses = [], []
    model.train(mode=False)
    for start, stop in zip(split.starts[:-1], split.starts[1:], strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.from_numpy(split.ids[start:stop]).long()[None]).logits[0]
        for position, label in enumerate(split.labels[start:stop].tolist()):
            if label != NOT_SCORED:
                tokens.append(int(logits[position].argmax()))
                losses.append(-float(logits[position].log_softmax(-1)[label]))
    assert len(tokens) > len(split)
    assert len(set(tokens)) > 1
    assert found["validation.tokens"].tolist() == tokens
    np.testing.assert_allclose(found["validation.losses"], losses, atol=1e-5)
    assert found["validation.tokens"].dtype == np.int32
    assert found["validation.losses"].dtype == np.float32


@pytest.mark.parametrize("tokens_per_batch", BATCHES)
def test_starts_and_ends_are_those_of_every_example_alone(
    encoder: Encoder,
    prepared_spans: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    tokens_per_batch: int,
) -> None:
    monkeypatch.setattr(predict, "TOKENS_PER_BATCH", tokens_per_batch)
    split = prepared_spans.evaluated["validation"]
    model = theta.build(encoder, "span", 2, 0.5, 1)
    logits = predict.predict(model, prepared_spans)["validation.logits"]
    assert logits.shape == (len(split.ids), 2)
    assert logits.dtype == np.float32
    model.train(mode=False)
    for start, stop in zip(split.starts[:-1], split.starts[1:], strict=True):
        ids = torch.from_numpy(split.ids[start:stop]).long()[None]
        types = torch.from_numpy(split.types[start:stop]).long()[None]
        with torch.no_grad():
            alone = model(input_ids=ids, token_type_ids=types)
        np.testing.assert_allclose(logits[start:stop, 0], alone.start_logits[0].numpy(), atol=1e-5)
        np.testing.assert_allclose(logits[start:stop, 1], alone.end_logits[0].numpy(), atol=1e-5)
    assert len(np.unique(split.lengths)) > 2  # so a wrong order would show


def test_every_split_is_predicted_under_its_own_name(encoder: Encoder, prepared: Prepared) -> None:
    validation = prepared.evaluated["validation"]
    both = {"selection": prepared.train, "validation": validation}
    model = theta.build(encoder, "classification", 2, 0.5, 1)
    found = predict.predict(
        model, Prepared(prepared.task, prepared.vocabulary, prepared.train, both)
    )
    assert {name: len(logits) for name, logits in found.items()} == {
        "selection.logits": len(prepared.train),
        "validation.logits": len(validation),
    }


def test_predicting_drops_nothing_and_changes_nothing(encoder: Encoder, prepared: Prepared) -> None:
    model = theta.build(encoder, "classification", 2, 0.5, 1)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    model.train()
    first = predict.predict(model, prepared)["validation.logits"]
    again = predict.predict(model, prepared)["validation.logits"]
    np.testing.assert_array_equal(first, again)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name])
