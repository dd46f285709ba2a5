"""A search moves logits and a head alone, by its seed, and scores masks of the weights themselves."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights, set_prunable_
from stages.tickets.learned import masking, outcome, search
from stages.tickets.pruning import bernoulli
from stages.tickets.pruning.masks import Weights
from stages.tickets.settings import LearnRule
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import predict
from stages.tickets.training.fit import TrainingError
from tests.conftest import RECIPE, SEEDS
from tests.learned.test_masking import RULE

KINDS = ("prepared", "prepared_pairs", "prepared_spans", "prepared_words")
WITH_HEAD = RULE.model_copy(update={"head_rate": 0.02})


def theta_0(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    task = prepared.task
    return encoders.build(encoder, task.kind, task.num_labels, 0.1, 1, pairs=prepared.pairs)


def learn(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    rule: LearnRule = RULE,
    seeds: Seeds = SEEDS,
    prior: float = 0.2,
) -> search.Learned:
    return search.learn_(model, encoder, prepared, prior, rule, seeds, RECIPE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", [RULE, WITH_HEAD], ids=["frozen", "with head"])
def test_weights_stay_bit_for_bit_and_have_no_gradient(
    encoder: Encoder, kind: str, rule: LearnRule, request: pytest.FixtureRequest
) -> None:
    """Word embeddings too, which a training of a classifier exchanges for a part that trains."""
    prepared: Prepared = request.getfixturevalue(kind)
    model = theta_0(encoder, prepared)
    head = {id(parameter) for parameter in parameters.head(model)}
    before = {name: p.detach().numpy().tobytes() for name, p in model.named_parameters()}
    random = torch.random.get_rng_state()
    learned = learn(model, encoder, prepared, rule)
    moved = set()
    for name, parameter in model.named_parameters():
        if parameter.detach().numpy().tobytes() != before[name]:
            moved.add(id(parameter))
        if id(parameter) not in head:
            assert parameter.grad is None
    assert moved == (head if rule.head_rate else set())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert all(parameter.requires_grad for parameter in model.parameters())
    live = prunable_parameters(model, encoder)
    assert learned.logits.keys() == set(encoder.prunable)
    for name in live:
        assert np.abs(learned.logits[name]).min() > 0
    assert len(learned.losses) > 1
    assert learned.divergence > 0


def test_a_matrix_that_the_model_lacks_has_the_logit_of_the_prior(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    made = learn(theta_0(encoder, prepared_words), encoder, prepared_words).logits
    pooler = made["pooler.dense.weight"]
    assert bernoulli.probabilities({"p": pooler})["p"] == pytest.approx(0.2)


def test_the_same_seed_gives_the_same_mask_and_another_one_another(
    encoder: Encoder, prepared: Prepared
) -> None:
    first, again, other = (
        learn(theta_0(encoder, prepared), encoder, prepared, seeds=seeds).logits
        for seeds in (SEEDS, SEEDS, Seeds(1, 2, 3, mask=5))
    )
    for name in encoder.prunable:
        np.testing.assert_array_equal(first[name], again[name])
    assert any((first[name] != other[name]).any() for name in encoder.prunable)


def test_the_prior_draws_probabilities_down_and_the_loss_moves_them_apart(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Without its weight, logits follow the loss alone, to both sides."""
    long = RULE.model_copy(update={"length": 30.0})
    sparse, free = (
        learn(
            theta_0(encoder, prepared),
            encoder,
            prepared,
            long.model_copy(update={"weight": weight}),
            prior=0.05,
        )
        for weight in (1000.0, 0.0)
    )
    assert bernoulli.summary(sparse.logits)["mean_probability"] == pytest.approx(0.05, abs=0.03)
    assert bernoulli.summary(free.logits)["mean_probability"] == pytest.approx(0.5, abs=0.1)
    known = np.concatenate([values.ravel() for values in free.logits.values()])
    assert min((known > 0).mean(), (known < 0).mean()) > 0.3
    assert sparse.divergence < 0.05 < free.divergence


@pytest.fixture
def temperatures(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Temperatures of all samples that are drawn."""
    seen: list[float] = []
    relaxed = masking.relaxed

    def watched(logits: Tensor, temperature: float, uniform: Tensor) -> Tensor:
        seen.append(temperature)
        return relaxed(logits, temperature, uniform)

    monkeypatch.setattr(masking, "relaxed", watched)
    return seen


@pytest.mark.parametrize("ends", [(0.2, 0.2), (1.0, 0.2)])
def test_temperatures_are_constant_or_fall_by_equal_factors(
    encoder: Encoder, prepared: Prepared, temperatures: list[float], ends: tuple[float, float]
) -> None:
    learn(
        theta_0(encoder, prepared),
        encoder,
        prepared,
        RULE.model_copy(update={"temperatures": ends}),
    )
    by_step = list(dict.fromkeys(temperatures)) if ends[0] != ends[1] else temperatures[:1]
    assert by_step[0] == ends[0]
    assert by_step[-1] == pytest.approx(ends[1])
    factors = np.divide(by_step[1:], by_step[:-1])
    assert factors == pytest.approx([0.2 ** (1 / 4)] * (len(by_step) - 1))
    assert len(temperatures) == 5 * len(encoder.prunable)  # one sample per matrix and step


def test_a_search_that_diverges_names_its_own_rate(encoder: Encoder, prepared: Prepared) -> None:
    model = theta_0(encoder, prepared)
    with torch.no_grad():
        parameters.head(model)[0].fill_(torch.inf)
    with pytest.raises(TrainingError, match=r"lower learned_masks\.rule\.learning_rate$"):
        learn(model, encoder, prepared)
    assert "classifier.weight" in dict(model.named_parameters())


# --- scores without training -------------------------------------------------------------------


def logits_of(encoder: Encoder, model: PreTrainedModel) -> Weights:
    generator = np.random.default_rng(0)
    return {
        name: generator.standard_normal(weights.shape).astype(np.float32)
        for name, weights in prunable_weights(model, encoder).items()
    }


def test_soft_sampled_and_hard_scores_are_of_the_weights_themselves(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Each is what the model predicts whose weights are multiplied by hand, whatever came before.

    The released code multiplies the masks of several samples into the same weights.
    """
    model = theta_0(encoder, prepared)
    logits = logits_of(encoder, model)
    mask = bernoulli.hard(logits, 0.6, "global", np.random.default_rng(1))
    kinds = outcome.kinds_of(logits, mask, np.random.default_rng(2))
    assert list(kinds) == ["soft", "sampled", "hard"]
    assert {np.asarray(part).dtype.kind for part in kinds["hard"].values()} == {"b"}
    assert all(((part == 0) | (part == 1)).all() for part in kinds["sampled"].values())
    assert not all(((part == 0) | (part == 1)).all() for part in kinds["soft"].values())
    predicted = {
        kind: outcome.untrained(model, encoder, prepared, factors)["validation.logits"]
        for kind, factors in kinds.items()
    }
    for kind, factors in kinds.items():
        other = theta_0(encoder, prepared)
        weights = prunable_weights(other, encoder)
        product = {n: w * factors[n].astype(np.float32) for n, w in weights.items()}
        set_prunable_(other, encoder, product)
        expected = predict.predict(other, prepared)["validation.logits"]
        np.testing.assert_allclose(predicted[kind], expected, rtol=0, atol=1e-6)
    assert not np.array_equal(predicted["soft"], predicted["hard"])
    assert not np.array_equal(predicted["sampled"], predicted["hard"])
    again = outcome.untrained(model, encoder, prepared, kinds["soft"])["validation.logits"]
    np.testing.assert_array_equal(again, predicted["soft"])
    assert not any(hasattr(module, "parametrizations") for module in model.modules())
