"""Feature regression: ridge heads by hand, and what learning a set changes and leaves."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from stages.tickets import settings
from stages.tickets.distillation import features, learned, means, regression, sets
from stages.tickets.distillation.coresets import classes
from stages.tickets.distillation.features import FixedEncoder
from stages.tickets.distillation.learned import Centred
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.settings import SetOfSequences
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.fit import TrainingError

CPU = torch.device("cpu")
CONFIG = SetOfSequences.model_validate(
    {
        "per_class": 2, "encoders": [0], "seed": 1, "steps": 20, "embeddings": 0.02, "labels": 0.02,
        "ridge": 0.01, "unrolled": {"inner": 1, "rate": 0.1},
    }
)  # fmt: skip


def tensor(*values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# --- ridge regression ------------------------------------------------------------------------


def test_ridge_worked_by_hand() -> None:
    support, labels, points = tensor((1, 0), (0, 1)), tensor((1,), (-1,)), tensor((2, 0), (1, 1))
    for predict in (regression.dual, regression.primal):
        torch.testing.assert_close(predict(support, labels, points, 1.0), tensor((1,), (0,)))


def test_one_point_is_enough_for_a_head_of_two_classes() -> None:
    """Any head w is that of s = w with the label |w|^2 + ridge."""
    for predict in (regression.dual, regression.primal):
        found = predict(tensor((3, 4)), tensor((26,)), torch.eye(2, dtype=torch.float64), 1.0)
        torch.testing.assert_close(found, tensor((3,), (4,)))


@pytest.mark.parametrize("few", [1, 3, 8])
def test_the_dual_and_the_primal_agree(few: int) -> None:
    generator = torch.Generator().manual_seed(few)
    support, labels, points = (
        torch.randn(*shape, generator=generator) for shape in ((few, 5), (few, 3), (9, 5))
    )
    dual, primal = (f(support, labels, points, 0.1) for f in (regression.dual, regression.primal))
    torch.testing.assert_close(dual, primal, rtol=1e-4, atol=1e-5)


def test_scores_of_a_head_are_accuracy_or_explained_variance() -> None:
    real = tensor((0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, -0.5))
    assert regression.score(tensor((1, 0), (0, 1), (0, 1), (2, 1)), real) == 0.75
    real = tensor((1,), (-1,))
    assert regression.score(tensor((0.5,), (-0.5,)), real) == pytest.approx(0.75)
    assert regression.score(tensor((0,), (0,)), real) == 0


# --- learning a set --------------------------------------------------------------------------


class Learning:
    """Encoders of a task, a set to begin with, and what both become."""

    def __init__(self, encoder: Encoder, prepared: Prepared, rows: Sequence[int]) -> None:
        task = prepared.task
        self.prepared, self.centred = prepared, Centred.of(prepared)
        models = [theta.build(encoder, task.kind, task.num_labels, 0.1, 0) for _ in range(2)]
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():  # another point of a training, in its layers
            for name, parameter in models[1].base_model.named_parameters():
                if "layer" in name:
                    parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
        self.words = (
            models[0].get_input_embeddings().get_parameter("weight").detach().numpy().copy()
        )
        self.start = sets.of_rows(task, prepared.train, np.array(rows), self.words)
        self.encoders = [features.fixed(str(i), model, prepared) for i, model in enumerate(models)]
        self.real = torch.from_numpy(self.centred.real)

    def losses(self) -> list[learned.Loss]:
        return [
            regression.loss_of(fixed, self.start, self.real, CONFIG.ridge)
            for fixed in self.encoders
        ]

    def learn(self, **changes: object) -> tuple[Sequences, dict[str, object]]:
        config = CONFIG.model_copy(update=changes)
        std = float(self.words.std())
        return learned.learn(self.start, self.centred, self.losses(), config, std, CPU)

    def loss(self, fixed: FixedEncoder, of: Sequences) -> float:
        loss = regression.loss_of(fixed, of, self.real, CONFIG.ridge)
        labels = torch.from_numpy(self.centred.centred(of.labels))
        return float(loss(torch.from_numpy(of.embeddings), labels))


@pytest.fixture
def learning(encoder: Encoder, prepared: Prepared) -> Learning:
    return Learning(encoder, prepared, [0, 2, 4, 6])


def test_features_are_of_the_first_token_before_the_pooler_and_standardised(
    learning: Learning,
) -> None:
    fixed, train = learning.encoders[0], learning.prepared.train
    torch.testing.assert_close(fixed.real.mean(dim=0), torch.zeros(16), rtol=0, atol=1e-5)
    torch.testing.assert_close(fixed.real.std(dim=0, correction=0), torch.ones(16))
    ids = torch.from_numpy(train.ids[train.starts[3] : train.starts[4]]).long()[None]
    with torch.no_grad():
        states = fixed.model.base_model(input_ids=ids).last_hidden_state[:, 0]
    torch.testing.assert_close(
        (states[0] - fixed.mean) / fixed.std, fixed.real[3], rtol=0, atol=1e-4
    )
    own = fixed.standardised(
        features.inputs_of(learning.start, torch.from_numpy(learning.start.embeddings))
    )
    torch.testing.assert_close(own, fixed.real[[0, 2, 4, 6]], rtol=0, atol=1e-4)


def test_learning_lowers_the_loss_of_every_encoder(learning: Learning) -> None:
    new, record = learning.learn()
    for fixed in learning.encoders:
        assert learning.loss(fixed, new) < learning.loss(fixed, learning.start)
    losses = record["losses"]
    assert isinstance(losses, list)
    assert len(losses) == 20
    moved = new.embeddings - learning.start.embeddings
    assert (moved[~new.there] == 0).all()
    assert record["moved"] == pytest.approx(np.sqrt(np.square(moved[new.there]).mean()))


def test_learned_labels_are_soft_and_sum_to_1(learning: Learning) -> None:
    new, record = learning.learn()
    np.testing.assert_allclose(new.labels.sum(axis=1), 1, atol=1e-6)
    assert (new.labels >= 0).all()
    assert ((new.labels > 0) & (new.labels < 1)).any()
    assert record["lowest_label"] != 0
    assert record["highest_label"] != 1


def test_without_steps_the_set_is_that_of_the_examples_bit_by_bit(
    encoder: Encoder, prepared: Prepared, prepared_pairs: Prepared
) -> None:
    for task, rows in ((prepared, [1, 5]), (prepared_pairs, [0, 3, 4])):
        learning = Learning(encoder, task, rows)
        new, record = learning.learn(steps=0)
        for name in ("embeddings", "there", "types", "labels", "rows"):
            np.testing.assert_array_equal(getattr(new, name), getattr(learning.start, name))
        assert record["moved"] == 0


def test_rates_of_0_keep_what_they_are_rates_of(learning: Learning) -> None:
    only_labels, _ = learning.learn(embeddings=0.0)
    np.testing.assert_array_equal(only_labels.embeddings, learning.start.embeddings)
    assert (only_labels.labels != learning.start.labels).any()
    only_words, _ = learning.learn(labels=0.0)
    np.testing.assert_array_equal(only_words.labels, learning.start.labels)
    assert (only_words.embeddings != learning.start.embeddings).any()


def test_encoders_stay_as_they_are_bit_by_bit(learning: Learning) -> None:
    before = [
        {name: p.clone() for name, p in fixed.model.named_parameters()}
        for fixed in learning.encoders
    ]
    learning.learn()
    for fixed, old in zip(learning.encoders, before, strict=True):
        assert all(torch.equal(p, old[name]) for name, p in fixed.model.named_parameters())
        assert all(p.grad is None for p in fixed.model.parameters())


def test_the_same_start_gives_the_same_set(learning: Learning) -> None:
    first, again = learning.learn()[0], learning.learn()[0]
    np.testing.assert_array_equal(first.embeddings, again.embeddings)
    np.testing.assert_array_equal(first.labels, again.labels)


def test_scores_are_learned_in_standard_deviations(
    encoder: Encoder, prepared_pairs: Prepared
) -> None:
    learning = Learning(encoder, prepared_pairs, [0, 3, 4])
    assert learning.centred.real.mean() == pytest.approx(0, abs=1e-6)
    assert learning.centred.real.std() == pytest.approx(1, rel=1e-6)
    new, _ = learning.learn()
    assert (new.labels != learning.start.labels).all()
    assert learning.loss(learning.encoders[0], new) < learning.loss(
        learning.encoders[0], learning.start
    )


def test_a_probe_of_all_examples_reaches_the_probe_of_all(
    encoder: Encoder, prepared: Prepared
) -> None:
    learning = Learning(encoder, prepared, range(8))
    for fixed in learning.encoders:
        probe = regression.probe(fixed, learning.start, learning.real, learning.real, CONFIG.ridge)
        assert probe["set"] == pytest.approx(probe["all"], abs=1e-6)


def test_labels_that_are_cut_to_nothing_are_even(prepared: Prepared) -> None:
    raw = np.array([[-0.2, 1.4], [0.3, 0.9], [-0.1, -0.1]], dtype=np.float32)
    even = np.array([[0, 1], [0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(Centred.of(prepared).labels(raw), even, atol=1e-6)


def test_a_loss_that_is_not_finite_is_one_sentence(learning: Learning) -> None:
    def broken(embeddings: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return embeddings.sum() * torch.nan

    with pytest.raises(TrainingError, match="'acceptability' is nan in step 1 of 20; lower distil"):
        learned.learn(learning.start, learning.centred, [broken], CONFIG, 1.0, CPU)
    assert issubclass(TrainingError, settings.UserError)


# --- means by class --------------------------------------------------------------------------


def test_means_of_all_examples_have_no_loss_and_other_sets_come_nearer(
    encoder: Encoder, prepared: Prepared
) -> None:
    groups = classes(prepared, 4)
    everything = Learning(encoder, prepared, range(8))
    fixed = everything.encoders[0]
    loss = means.loss_of(fixed, everything.start, groups)
    assert float(loss(torch.from_numpy(everything.start.embeddings), torch.zeros(1))) < 1e-8
    few = Learning(encoder, prepared, [0, 4])
    losses = [means.loss_of(one, few.start, groups) for one in few.encoders]
    new, _ = learned.learn(few.start, few.centred, losses, CONFIG, float(few.words.std()), CPU)
    np.testing.assert_array_equal(new.labels, few.start.labels)
    for of_encoder in losses:
        after, before = (
            float(of_encoder(torch.from_numpy(of.embeddings), torch.zeros(1)))
            for of in (new, few.start)
        )
        assert after < before
