"""A second warm-up: its rates by hand, and a training that without one is the usual one."""

from typing import Any

import numpy as np
import pytest
import torch

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks
from stages.tickets.settings import Train
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import rewarmed, schedule, subnetwork
from stages.tickets.training.update import Descent
from tests.conftest import RECIPE, SEEDS

WARMED = RECIPE.model_copy(update={"warmup": 0.4, "dropout": 0.0})
"""Five steps, of which the schedule warms up over two."""


def test_the_factor_rises_over_as_many_steps_as_the_schedules_own_warm_up() -> None:
    recipe = RECIPE.model_copy(update={"warmup": 0.1})
    factors = [rewarmed.factor(step, 50, 100, recipe) for step in range(50, 100)]
    assert factors[:10] == pytest.approx([step / 11 for step in range(1, 11)])
    assert set(factors[10:]) == {1.0}
    # From the beginning it is the rise of the schedule itself.
    rates = [schedule.learning_rate_at(step, 100, recipe) for step in range(10)]
    assert [recipe.learning_rate * rewarmed.factor(step, 0, 100, recipe) for step in range(10)] == (
        pytest.approx(rates)
    )


def trained(
    encoder: Encoder, prepared: Prepared, recipe: Train, *, warmed: bool, percent: int = 40
) -> tuple[dict[str, torch.Tensor], subnetwork.Run]:
    model = theta.build(encoder, "classification", 2, recipe.dropout, SEEDS.head_init)
    weights = prunable_weights(model, encoder)
    mask = masks.prune_by_magnitude(weights, masks.dense(weights), 0.5)
    train_ = rewarmed.train_ if warmed else subnetwork.train_
    run = train_(model, encoder, prepared, mask, SEEDS, recipe, percent)
    for name, kept in mask.items():
        np.testing.assert_array_equal(model.state_dict()[f"bert.{name}"].numpy() != 0, kept)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, run


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_without_a_warm_up_to_repeat_it_is_the_usual_training(
    encoder: Encoder, prepared: Prepared, dropout: float
) -> None:
    recipe = RECIPE.model_copy(update={"warmup": 0.0, "dropout": dropout})
    first, usual = trained(encoder, prepared, recipe, warmed=False)
    second, run = trained(encoder, prepared, recipe, warmed=True)
    assert run.losses == pytest.approx(usual.losses, rel=1e-5)
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-4, atol=1e-6)


def test_every_step_takes_its_rate_from_schedule_and_second_warm_up(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    set_rate = Descent.set_rate

    def noting(descent: Descent, rate: float) -> Any:
        rates.append(rate)
        set_rate(descent, rate)

    monkeypatch.setattr(Descent, "set_rate", noting)
    trained(encoder, prepared, WARMED, warmed=True)
    # The schedule falls from 1e-2 at step 2 of 5 to 0; two steps are warmed up, over 3 parts.
    assert rates == pytest.approx([1e-2 / 3, 1e-2 * 2 / 3 * 2 / 3, 1e-2 / 3])


def test_hidden_words_are_those_of_the_usual_training(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    recipe = RECIPE.model_copy(update={"warmup": 0.0})
    runs = []
    for train_ in (subnetwork.train_, rewarmed.train_):
        model = theta.build(encoder, "mlm", 0, recipe.dropout, SEEDS.head_init)
        runs.append(train_(model, encoder, prepared_words, None, SEEDS, recipe, 40))
    assert runs[1].losses == pytest.approx(runs[0].losses, rel=1e-5)
