"""Windows: how they lie in a training, and what a training with them leaves."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import choosing, importance, windows
from stages.tickets.greedy.choosing import ORDERS, Order
from stages.tickets.greedy.importance import Running
from stages.tickets.greedy.masking import Site
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS
from tests.greedy.models import layers_of

pytestmark = pytest.mark.usefixtures("on_the_cpu")
LONG = RECIPE.model_copy(update={"epochs": 8.0, "learning_rate": 1e-3})
"""32 steps: each of four sites has a window of two."""


def groups(order: Order, layers: int = 2) -> list[list[Site]]:
    return choosing.groups(order, layers, np.random.default_rng(0))


@given(st.integers(1, 12), st.integers(1, 3000), st.sampled_from(["greedy", "one-shot"]))
def test_windows_fill_a_third_at_most(layers: int, steps: int, order: Order) -> None:
    length = steps // (3 * 2 * layers)
    if not length:
        with pytest.raises(UserError, match="too short to choose channels"):
            windows.windows(groups(order, layers), steps)
        return
    plan = windows.windows(groups(order, layers), steps)
    assert plan[0].start == 0
    assert [each.start for each in plan[1:]] == [each.points[-1] for each in plan[:-1]]
    assert plan[-1].points[-1] == length * 2 * layers <= steps / 3
    for window in plan:
        size = window.points[-1] - window.start
        assert size == length * len(window.sites)
        assert len(window.points) <= 5
        gaps = np.diff([window.start, *window.points])
        assert (gaps[:-1] == math.ceil(size / 5)).all()
        assert 0 < gaps[-1] <= math.ceil(size / 5)


def test_several_sites_are_chosen_at_the_end_alone() -> None:
    (together,) = windows.windows(groups("one-shot"), 120)
    assert [step for step in together.points if together.chooses(step)] == [40]
    apart = windows.windows(groups("greedy"), 120)
    assert [step for step in apart[1].points if apart[1].chooses(step)] == [12, 14, 16, 18, 20]
    assert not apart[1].chooses(2)


def test_orders() -> None:
    greedy = [site for (site,) in groups("greedy")]
    assert [(site.layer, site.part) for site in greedy] == [
        (0, "heads"), (0, "neurons"), (1, "heads"), (1, "neurons"),
    ]  # fmt: skip
    assert [site for (site,) in groups("reversed")] == greedy[::-1]
    shuffled = [site for (site,) in groups("shuffled", 6)]
    assert sorted(map(str, shuffled)) == sorted(str(site) for (site,) in groups("greedy", 6))
    assert shuffled != [site for (site,) in groups("greedy", 6)]
    assert groups("one-shot") == [greedy]


def theta_0(encoder: Encoder) -> PreTrainedModel:
    return theta.build(encoder, "classification", 2, LONG.dropout, SEEDS.head_init)


def train(order: Order, encoder: Encoder, prepared: Prepared, sparsity: float) -> windows.Trained:
    return windows.train_(
        order, theta_0(encoder), prepared, sparsity, SEEDS, LONG, np.random.default_rng(0)
    )


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_kept_and_predicted(order: Order, encoder: Encoder, prepared: Prepared) -> None:
    model = theta_0(encoder)
    made = windows.train_(order, model, prepared, 0.5, SEEDS, LONG, np.random.default_rng(0))
    assert made.channels.heads.sum(axis=1).tolist() == [1, 1]
    assert made.channels.neurons.sum(axis=1).tolist() == [16, 16]
    assert layers_of(model)[0].output.dense.in_features == 16
    assert len(made.run.losses) == 32
    again = predict.predict(model, prepared)
    for name, logits in made.run.predictions.items():
        assert (logits == again[name]).all()


def test_without_sparsity_it_is_the_dense_training(encoder: Encoder, prepared: Prepared) -> None:
    """Measuring on the way draws nothing and changes no weight."""
    made = train("greedy", encoder, prepared, 0.0)
    dense = theta_0(encoder)
    assert made.run.losses == fit.fit_(dense, prepared, SEEDS, LONG)
    for name, logits in predict.predict(dense, prepared).items():
        np.testing.assert_array_equal(made.run.predictions[name], logits)


def test_dropped_channels_are_zero_from_their_window_on(
    encoder: Encoder, prepared: Prepared
) -> None:
    """The losses are the dense ones up to the first choice, and others from then on."""
    losses = train("greedy", encoder, prepared, 0.5).run.losses
    at_once = train("one-shot", encoder, prepared, 0.5).run.losses
    drawn = train("random", encoder, prepared, 0.5).run.losses
    dense = fit.fit_(theta_0(encoder), prepared, SEEDS, LONG)
    assert losses[0] == dense[0]
    assert losses[1] != dense[1]  # a window of two steps chooses after each
    assert at_once[:8] == dense[:8]
    assert at_once[8] != dense[8]
    assert drawn[0] != dense[0]


def test_importance_is_gathered_on_the_steps_just_taken(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[Site, list[int]] = {}
    measure_ = importance.measure_

    def spied(running: dict[Site, Running], *rest: object) -> None:
        for site in running:
            seen.setdefault(site, []).append(len(rest[2]))  # type: ignore[arg-type]
        measure_(running, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(importance, "measure_", spied)
    train("greedy", encoder, prepared, 0.5)
    assert seen == {site: [1, 1] for (site,) in groups("greedy")}
    seen.clear()
    train("one-shot", encoder, prepared, 0.5)
    assert {site: sum(steps) for site, steps in seen.items()} == dict.fromkeys(seen, 8)
    seen.clear()
    train("magnitude", encoder, prepared, 0.5)
    assert not seen


def test_a_short_training_is_refused(encoder: Encoder, prepared: Prepared) -> None:
    with pytest.raises(UserError, match=r"5 steps is too short .* take 12; raise epochs"):
        windows.train_(
            "greedy", theta_0(encoder), prepared, 0.5, SEEDS, RECIPE, np.random.default_rng(0)
        )
    assert torch.is_grad_enabled()
