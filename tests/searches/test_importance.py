"""Gates and importance: closed gates are removal; importance is what finite differences say."""

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedModel

from stages.tickets.encoder import device, removal, theta
from stages.tickets.encoder.gates import gated
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning import structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import importance
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows

CPU = torch.device("cpu")
STRUCTURES = {
    "whole": Structure(np.ones((2, 2), np.bool_), np.ones(2, np.bool_)),
    "some": Structure(np.array([[True, False], [True, True]]), np.array([True, False])),
    "no head in a layer": Structure(
        np.array([[False, False], [True, True]]), np.array([True, True])
    ),
    "no head in the last": Structure(
        np.array([[True, False], [False, False]]), np.array([False, True])
    ),
    "nothing": Structure(np.zeros((2, 2), np.bool_), np.zeros(2, np.bool_)),
}


def model_of(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    """With biases, which a new model has none of."""
    task = prepared.task
    model = theta.build(encoder, task.kind, task.num_labels, 0.1, 1)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
    device.place_(model.train(mode=False), task.kind)
    return model


def losses(model: PreTrainedModel, prepared: Prepared) -> np.ndarray:  # type: ignore[type-arg]
    """Of every training example, through the model alone."""
    split = prepared.train
    rows = Rows.of(split, prepared.vocabulary.pad, CPU)
    inputs, _ = rows.padded(torch.arange(len(split)), int(split.lengths.max()))
    taken = device.inputs_of(model, inputs, full=False)
    with torch.no_grad():
        logits = model(**taken).logits.double()
    if prepared.task.kind == "regression":
        return ((logits[:, 0] - rows.labels.double()) ** 2).numpy()  # type: ignore[no-any-return]
    return torch.nn.functional.cross_entropy(logits, rows.labels, reduction="none").numpy()  # type: ignore[no-any-return]


@pytest.mark.parametrize("kept", STRUCTURES.values(), ids=STRUCTURES)
def test_closed_gates_say_what_removal_says(
    encoder: Encoder, prepared: Prepared, kept: Structure
) -> None:
    model = model_of(encoder, prepared)
    before = losses(model, prepared)
    with gated(model, kept):
        found = losses(model, prepared)
    assert losses(model, prepared) == pytest.approx(before)  # no hook is left
    removal.remove_(model, kept)
    assert found == pytest.approx(losses(model, prepared), abs=1e-5)
    assert (found == pytest.approx(before, abs=1e-3)) == bool(kept.heads.all())


def test_where_scores_of_attention_are_masked_the_bias_stays(
    encoder: Encoder, prepared: Prepared
) -> None:
    model, kept = model_of(encoder, prepared), STRUCTURES["no head in a layer"]
    with gated(model, kept):
        without = losses(model, prepared)
    with gated(model, kept, keep_bias=True):
        masked = losses(model, prepared)
    assert np.abs(masked - without).max() > 1e-3


def scaled_(model: PreTrainedModel, layer: int, head: int | None, gate: float) -> None:
    """What a gate does, to the weights: to a head's columns of the output matrix, or an MLP's output."""
    block = model.base_model.encoder.layer[layer]  # type: ignore[union-attr,index]
    with torch.no_grad():
        if head is None:
            block.output.dense.weight.mul_(gate)  # type: ignore[union-attr]
            block.output.dense.bias.mul_(gate)  # type: ignore[union-attr]
        else:
            block.attention.output.dense.weight[:, 8 * head : 8 * head + 8].mul_(gate)  # type: ignore[union-attr]


def by_differences(
    encoder: Encoder, prepared: Prepared, layer: int, head: int | None
) -> np.ndarray:  # type: ignore[type-arg]
    """The derivative of every example's loss in a gate at 1, from scaled weights."""
    step, ends = 1e-2, []
    for gate in (1 + step, 1 - step):
        model = model_of(encoder, prepared)
        scaled_(model, layer, head, gate)
        ends.append(losses(model, prepared))
    return (ends[0] - ends[1]) / (2 * step)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["prepared", "prepared_pairs"])
def test_importance_is_the_mean_absolute_derivative(
    encoder: Encoder, name: str, request: pytest.FixtureRequest
) -> None:
    prepared: Prepared = request.getfixturevalue(name)
    model, whole = model_of(encoder, prepared), STRUCTURES["whole"]
    found = importance.measure(model, prepared, prepared.train, whole)
    heads = np.array(
        [
            [np.abs(by_differences(encoder, prepared, layer, head)).mean() for head in range(2)]
            for layer in range(2)
        ]
    )
    mlps = [np.abs(by_differences(encoder, prepared, layer, None)).mean() for layer in range(2)]
    normed = heads / np.linalg.norm(heads, axis=1, keepdims=True)
    assert found.heads == pytest.approx(normed, rel=2e-2)
    assert found.mlps == pytest.approx(np.array(mlps), rel=2e-2)


def test_the_published_rule_sums_gradients_that_are_never_set_to_zero(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of 3 in the order of the split: |g1| + |g1 + g2| + |g1 + g2 + g3|, by hand."""
    monkeypatch.setattr(importance, "BATCH", 3)
    model, whole = model_of(encoder, prepared), STRUCTURES["whole"]
    found = importance.measure(model, prepared, prepared.train, whole, "published")

    def published(layer: int, head: int | None) -> float:
        each = by_differences(encoder, prepared, layer, head)
        means = [each[start : start + 3].mean() for start in range(0, len(each), 3)]
        return float(np.abs(np.cumsum(means)).sum())

    heads = np.array([[published(layer, head) for head in range(2)] for layer in range(2)])
    heads /= np.linalg.norm(heads, axis=1, keepdims=True)
    heads = (heads - heads.min()) / (heads.max() - heads.min())
    assert found.heads == pytest.approx(heads, abs=3e-2)
    mlps = [published(layer, None) for layer in range(2)]
    assert found.mlps.tolist() == [float(mlps[0] > mlps[1]), float(mlps[1] > mlps[0])]
    correct = importance.measure(model, prepared, prepared.train, whole)
    assert correct.heads != pytest.approx(found.heads, abs=0.05)


def test_the_norm_is_that_of_the_survivors(encoder: Encoder, prepared: Prepared) -> None:
    model, kept = model_of(encoder, prepared), STRUCTURES["some"]
    found = importance.measure(model, prepared, prepared.train, kept)
    norms = np.linalg.norm(np.where(kept.heads, found.heads, 0), axis=1)
    assert norms == pytest.approx([1, 1])
    published = importance.measure(model, prepared, prepared.train, kept, "published")
    assert published.heads.min() == 0
    assert published.heads.max() == 1


def test_importance_does_not_depend_on_how_examples_are_batched(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, whole = model_of(encoder, prepared), STRUCTURES["whole"]
    found = importance.measure(model, prepared, prepared.train, whole)
    monkeypatch.setattr(importance, "BATCH", 2)
    again = importance.measure(model, prepared, prepared.train, whole)
    assert again.heads == pytest.approx(found.heads, rel=1e-5)
    assert again.mlps == pytest.approx(found.mlps, rel=1e-5)


def test_a_model_of_another_make_is_refused(prepared: Prepared) -> None:
    config = DistilBertConfig(dim=16, n_layers=1, n_heads=2, hidden_dim=16, vocab_size=30)
    model: PreTrainedModel = DistilBertForSequenceClassification(config)
    kept = structure.whole(1, 2)
    with pytest.raises(ValueError, match="of a 'distilbert' cannot be dropped, allowed are bert"):
        importance.measure(model, prepared, prepared.train, kept)


def test_a_structure_of_another_shape_is_refused(encoder: Encoder, prepared: Prepared) -> None:
    model = model_of(encoder, prepared)
    with (
        pytest.raises(ValueError, match=r"got heads of shape \(3, 2\), the model's is \(2, 2\)"),
        gated(model, structure.whole(3, 2)),
    ):
        pass
