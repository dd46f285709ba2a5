"""The schedule of a training by hand: its steps, and the learning rate of each."""

import pytest

from stages.tickets.training import schedule
from tests.conftest import RECIPE


@pytest.mark.parametrize(
    ("num_examples", "epochs", "batch_size", "num"),
    [
        (8, 1.25, 2, 5),
        (9, 1, 2, 5),
        (9, 3, 2, 15),
        (8, 0.5, 2, 2),
        (1, 0.01, 32, 1),
        (10, 3, 32, 3),
    ],
)
def test_the_number_of_steps(num_examples: int, epochs: float, batch_size: int, num: int) -> None:
    recipe = RECIPE.model_copy(update={"epochs": epochs, "batch_size": batch_size})
    assert schedule.num_steps(num_examples, recipe) == num


@pytest.mark.parametrize(
    ("percent", "num_steps", "step"),
    [(0, 141, 0), (50, 141, 70), (50, 142, 71), (50, 5, 2), (50, 7, 4), (10, 141, 14), (99, 3, 3)],
)
def test_the_step_at_a_percentage(percent: int, num_steps: int, step: int) -> None:
    """Halves go to even: 70.5 to 70, 3.5 to 4."""
    assert schedule.step_at(percent, num_steps) == step


@pytest.mark.parametrize(
    ("warmup", "rates"),
    [
        (0.0, [1.0, 0.8, 0.6, 0.4, 0.2]),
        (0.4, [1 / 3, 2 / 3, 1.0, 2 / 3, 1 / 3]),  # two steps up, three down
        (0.2, [0.5, 1.0, 0.75, 0.5, 0.25]),
    ],
)
def test_the_learning_rate_rises_and_falls_linearly(warmup: float, rates: list[float]) -> None:
    recipe = RECIPE.model_copy(update={"warmup": warmup, "learning_rate": 2e-3})
    made = [schedule.learning_rate_at(step, 5, recipe) for step in range(5)]
    assert made == pytest.approx([2e-3 * rate for rate in rates])
    assert schedule.learning_rate_at(5, 5, recipe) == 0


@pytest.mark.parametrize(
    ("warmup", "decay_over", "rates"),
    [
        (0.4, 1, [1 / 3, 2 / 3, 1.0, 2 / 3, 1 / 3]),
        (0.4, 2, [1 / 3, 2 / 3, 1.0, 7 / 8, 6 / 8]),  # up over two of five steps, down over eight
        (0.2, 3, [1 / 2, 1.0, 13 / 14, 12 / 14, 11 / 14]),
    ],
)
def test_a_longer_decay_leaves_the_warm_up_to_one_training(
    warmup: float, decay_over: int, rates: list[float]
) -> None:
    recipe = RECIPE.model_copy(update={"warmup": warmup, "learning_rate": 1.0})
    made = [schedule.learning_rate_at(step, 5, recipe, decay_over) for step in range(5)]
    assert made == pytest.approx(rates)


def test_the_sum_of_the_rates_of_a_training_and_of_what_led_to_it() -> None:
    """Rates 1, .8, .6, .4, .2; over two trainings 1, .9, .8, .7, .6."""
    recipe = RECIPE.model_copy(update={"learning_rate": 1.0})
    assert schedule.sum_of_rates(5, recipe) == pytest.approx(3)
    assert schedule.sum_of_rates(5, recipe, 2) == pytest.approx(3)
    assert schedule.sum_of_rates(5, recipe, 0, 2) == pytest.approx(4)
    assert schedule.sum_of_rates(5, recipe, 2, 2) == pytest.approx(1 + 0.8 + 0.8 + 0.7 + 0.6)
