"""Training on a set: what the model sees, what moves, and which mask comes out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, RobertaConfig, RobertaForSequenceClassification

from stages.tickets.distillation import coresets, features, learner, sets
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import device, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.tasks.task import Prepared, take
from stages.tickets.training import fit, rounds, subnetwork
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import loss_of
from tests.conftest import RECIPE, SEEDS

CPU = torch.device("cpu")


def build(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    task = prepared.task
    model = theta.build(
        encoder, task.kind, task.num_labels, 0.1, SEEDS.head_init, pairs=prepared.pairs
    )
    model.train(mode=False)
    return model


def words_of(model: PreTrainedModel) -> np.ndarray:
    return model.get_input_embeddings().get_parameter("weight").detach().numpy().copy()


def of_all(model: PreTrainedModel, prepared: Prepared) -> Sequences:
    rows = np.arange(len(prepared.train))
    return sets.of_rows(prepared.task, prepared.train, rows, words_of(model))


def logits(model: PreTrainedModel, prepared: Prepared) -> torch.Tensor:
    """Logits of all training examples in one padded batch, as a training computes them."""
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, CPU)
    length = int(prepared.train.lengths.max())
    inputs, _ = rows.padded(torch.arange(len(prepared.train)), length)
    with torch.no_grad():
        return device.logits_of(model, device.inputs_of(model, inputs, full=False))


def logits_of_embeddings(
    model: PreTrainedModel, sequences: Sequences, embeddings: torch.Tensor
) -> torch.Tensor:
    with torch.no_grad():
        output = model(**features.inputs_of(sequences, embeddings)).logits
    assert isinstance(output, torch.Tensor)
    return output


@pytest.fixture(params=["prepared", "prepared_pairs"])
def task(request: pytest.FixtureRequest) -> Prepared:
    value: Prepared = request.getfixturevalue(request.param)
    return value


# --- what the model sees ---------------------------------------------------------------------


def test_examples_as_a_set_give_the_logits_of_their_ids(encoder: Encoder, task: Prepared) -> None:
    """With padding, and with the token types of pairs."""
    model = build(encoder, task)
    sequences = of_all(model, task)
    own = logits(model, task)
    with learner.shown_(model, sequences, task) as few:
        assert torch.equal(logits(model, few), own)
    by_embeddings = logits_of_embeddings(model, sequences, torch.from_numpy(sequences.embeddings))
    torch.testing.assert_close(by_embeddings, own, rtol=0, atol=1e-6)
    assert torch.equal(logits(model, task), own)


def test_token_types_count_and_what_lies_in_padding_does_not(
    encoder: Encoder, prepared_pairs: Prepared
) -> None:
    model = build(encoder, prepared_pairs)
    sequences = of_all(model, prepared_pairs)
    own = logits_of_embeddings(model, sequences, torch.from_numpy(sequences.embeddings))
    spoilt = np.where(sequences.there[..., None], sequences.embeddings, np.float32(1e3))
    assert torch.equal(logits_of_embeddings(model, sequences, torch.from_numpy(spoilt)), own)
    untyped = replace(sequences, types=sequences.types * 0)
    assert not torch.allclose(
        logits_of_embeddings(model, untyped, torch.from_numpy(sequences.embeddings)), own
    )


def test_a_model_takes_ids_or_embeddings_and_not_both(encoder: Encoder, prepared: Prepared) -> None:
    model = build(encoder, prepared)
    inputs = features.inputs_of(sequences := of_all(model, prepared), torch.zeros(1))
    embeddings = torch.from_numpy(sequences.embeddings)
    with pytest.raises(ValueError, match="exactly one"):
        model(**inputs | {"inputs_embeds": embeddings, "input_ids": torch.zeros(8, 8).long()})


def test_a_model_that_counts_positions_by_padding_sees_a_set_as_its_ids(prepared: Prepared) -> None:
    """As RoBERTa does, whose padding has another id than 0."""
    train, vocabulary = prepared.train, replace(prepared.vocabulary, pad=1)
    shifted = replace(prepared, vocabulary=vocabulary, train=replace(train, ids=train.ids + 2))
    config = RobertaConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=24, pad_token_id=1, initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = RobertaForSequenceClassification(config).eval()
    own = logits(model, shifted)
    sequences = of_all(model, shifted)
    with learner.shown_(model, sequences, shifted) as few:
        torch.testing.assert_close(logits(model, few), own, rtol=0, atol=1e-6)
    embeddings = torch.from_numpy(sequences.embeddings)
    right = logits_of_embeddings(model, sequences, embeddings)
    torch.testing.assert_close(right, own, rtol=0, atol=1e-6)
    left = replace(sequences, there=sequences.there[:, ::-1].copy())
    moved = torch.from_numpy(np.zeros_like(sequences.embeddings))
    for number, length in enumerate(sequences.lengths):
        moved[number, -length:] = embeddings[number, :length]
    assert (logits_of_embeddings(model, left, moved)[:, 0] - own[:, 0]).abs().max() > 1e-4


def test_the_models_own_words_come_back_after_an_error(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = build(encoder, prepared)
    matrix = model.get_input_embeddings()

    def fail() -> None:
        with learner.shown_(model, of_all(model, prepared), prepared):
            assert model.get_input_embeddings() is not matrix
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        fail()
    assert model.get_input_embeddings() is matrix


# --- what a training moves -------------------------------------------------------------------


def test_the_loss_of_labels_of_0_and_1_is_that_of_classes(prepared: Prepared) -> None:
    drawn = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
    soft = torch.from_numpy(sets.targets(prepared.task, prepared.train.labels))
    hard = loss_of(prepared.task, drawn, torch.from_numpy(prepared.train.labels))
    torch.testing.assert_close(loss_of(prepared.task, drawn, soft), hard, rtol=0, atol=1e-7)


def test_training_on_all_examples_as_a_set_starts_with_the_loss_of_the_real_training(
    encoder: Encoder, task: Prepared
) -> None:
    model = build(encoder, task)
    sequences = of_all(model, task)
    recipe = RECIPE.model_copy(update={"dropout": 0.0})
    with learner.shown_(model, sequences, task) as few:
        on_set = fit.fit_(model, few, SEEDS, recipe)
    real = fit.fit_(build(encoder, task), task, SEEDS, recipe)
    assert on_set[0] == pytest.approx(real[0], abs=1e-4)
    assert on_set[1:] != real[1:]  # where the words have moved too


def test_word_embeddings_cannot_move_and_all_else_does(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = build(encoder, prepared)
    words = words_of(model)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with learner.shown_(model, of_all(model, prepared), prepared) as few:
        fit.fit_(model, few, SEEDS, RECIPE)
        assert model.get_input_embeddings().get_parameter("weight").grad is None
    np.testing.assert_array_equal(words_of(model), words)
    still = [n for n, p in model.named_parameters() if torch.equal(p, before[n])]
    assert still == ["bert.embeddings.word_embeddings.weight"]


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_a_round_takes_the_steps_that_it_is_given(
    encoder: Encoder, prepared: Prepared, steps: int
) -> None:
    model = build(encoder, prepared)
    sequences = sets.of_rows(prepared.task, prepared.train, np.arange(5), words_of(model))
    dense = masks.dense(prunable_weights(model, encoder))
    for given in (sequences, None):
        made = learner.prune_round(
            build(encoder, prepared), encoder, prepared, given, dense, 0.5, SEEDS, RECIPE, steps
        )
        assert made.run is not None
        assert len(made.run.losses) == steps == made.movement["steps"]
        assert made.run.predictions == {}


def test_a_round_on_real_examples_is_a_shorter_round_of_the_chain(
    encoder: Encoder, prepared: Prepared
) -> None:
    dense = masks.dense(prunable_weights(build(encoder, prepared), encoder))
    made = learner.prune_round(
        build(encoder, prepared), encoder, prepared, None, dense, 0.5, SEEDS, RECIPE, 4
    )
    recipe = RECIPE.model_copy(update={"epochs": 1.0})  # four batches of two
    own = rounds.prune_round(build(encoder, prepared), encoder, prepared, dense, 0.5, SEEDS, recipe)
    for name, kept in own.mask.items():
        np.testing.assert_array_equal(made.mask[name], kept)


# --- masks -----------------------------------------------------------------------------------


def test_without_a_learning_rate_masks_are_the_one_shot_masks(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Round after round; neither steps nor the set matter then."""
    still = RECIPE.model_copy(update={"learning_rate": 0.0})
    theta_0 = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    mask = masks.dense(theta_0)
    for sparsity in (0.4, 0.7):
        model = build(encoder, prepared)
        noise = coresets.noise(of_all(model, prepared), 0.2, np.random.default_rng(0))
        made = learner.prune_round(model, encoder, prepared, noise, mask, sparsity, SEEDS, still, 3)
        mask = made.mask
        one_shot = masks.prune_by_magnitude(theta_0, masks.dense(theta_0), sparsity)
        assert all((mask[name] == kept).all() for name, kept in one_shot.items())
        assert made.movement["exchanged"] == 0
        assert made.movement["jaccard"] == 1


def test_a_set_moves_the_mask_and_every_round_lies_in_the_one_before(
    encoder: Encoder, prepared: Prepared
) -> None:
    mask = masks.dense(prunable_weights(build(encoder, prepared), encoder))
    for sparsity in (0.4, 0.7):
        model = build(encoder, prepared)
        made = learner.prune_round(
            model, encoder, prepared, of_all(model, prepared), mask, sparsity, SEEDS, RECIPE, 5
        )
        assert all((made.mask[name] <= mask[name]).all() for name in mask)
        assert masks.sparsity(made.mask) == pytest.approx(sparsity, abs=1e-4)
        assert made.movement["exchanged"] > 0
        mask = made.mask


def test_the_set_and_the_order_of_its_sequences_decide_on_the_mask(
    encoder: Encoder, prepared: Prepared
) -> None:
    dense = masks.dense(prunable_weights(build(encoder, prepared), encoder))

    def mask_of(rows: list[int]) -> masks.Mask:
        model = build(encoder, prepared)
        sequences = sets.of_rows(prepared.task, prepared.train, np.array(rows), words_of(model))
        return learner.prune_round(
            model, encoder, prepared, sequences, dense, 0.5, SEEDS, RECIPE, 4
        ).mask

    first, again, other = mask_of([0, 5]), mask_of([0, 5]), mask_of([2, 7])
    assert all((first[name] == kept).all() for name, kept in again.items())
    assert any((first[name] != kept).any() for name, kept in other.items())


def test_a_set_of_examples_moves_matrices_as_these_examples_do_without_their_words(
    encoder: Encoder, prepared: Prepared
) -> None:
    """A training of the examples themselves whose word embeddings are fixed ends where the set's does."""
    rows = np.array([0, 3, 5])
    recipe = learner.of_steps(RECIPE.model_copy(update={"dropout": 0.0}), len(rows), 5)
    model, real = build(encoder, prepared), build(encoder, prepared)
    sequences = sets.of_rows(prepared.task, prepared.train, rows, words_of(model))
    with learner.shown_(model, sequences, prepared) as few:
        subnetwork.train_(model, encoder, few, None, SEEDS, recipe)
    fixed = real.get_input_embeddings().requires_grad_(requires_grad=False)
    fixed.__class__ = type("Fixed", (torch.nn.Embedding,), {})
    few_real = replace(prepared, train=take(prepared.train, rows), evaluated={})
    subnetwork.train_(real, encoder, few_real, None, SEEDS, recipe)
    moved = dict(real.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, moved[name], rtol=0, atol=2e-5)
