"""Trainings with quantizers: their recipe, when ranges stay, and the three orders of pruning."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import choosing, importance
from stages.tickets.quantized import attached, stored, training
from stages.tickets.quantized.attached import QuantizedLinear
from stages.tickets.quantized.quantizers import Values
from stages.tickets.quantized.training import Order, Setup
from stages.tickets.settings import QuantizedRule, UserError
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict, schedule
from tests.conftest import RECIPE, SEEDS
from tests.quantized.test_attached import KINDS, built

pytestmark = pytest.mark.usefixtures("on_the_cpu")
RULE = QuantizedRule(calibration=6, length=0.5, rate=0.2, frozen=0.25, scales="any", tokens=8)
LONG = RECIPE.model_copy(update={"epochs": 16.0})
"""32 steps with quantizers, of which a half has windows of a step for each of four sites."""
ORDERS: tuple[Order, ...] = ("prune-first", "quantize-first", "jointly")


def setup(prepared: Prepared, arm: str = "w4a8", **changes: object) -> Setup:
    return Setup(arm, prepared, SEEDS, LONG, RULE.model_copy(update=changes))


def seen(model: PreTrainedModel) -> set[int]:
    """How many batches the ranges of activations are means of."""
    modules = [module for module in model.modules() if isinstance(module, QuantizedLinear)]
    return {module.values.seen for module in modules if isinstance(module.values, Values)}


def test_the_recipe_is_a_share_of_that_of_the_task(prepared: Prepared) -> None:
    made = setup(prepared)
    assert made.recipe().learning_rate == pytest.approx(0.2 * LONG.learning_rate)
    assert made.recipe().model_copy(update={"epochs": 16.0, "learning_rate": 0.01}) == LONG
    assert schedule.num_steps(8, made.recipe()) == 32
    assert schedule.num_steps(8, made.recipe(0.5)) == 16
    noise = [made.noise(part) for part in (0, 1)]
    assert len({part.data_order for part in (*noise, SEEDS)}) == 3
    assert len({part.dropout for part in (*noise, SEEDS)}) == 3


@pytest.mark.parametrize(("frozen", "follow"), [(1.0, 0), (0.25, 24), (0.0, 32)])
def test_ranges_follow_until_the_last_steps(
    encoder: Encoder, prepared: Prepared, frozen: float, follow: int
) -> None:
    made, model = setup(prepared, frozen=frozen), built(encoder, prepared)
    training.quantize_(model, made)
    assert seen(model) == {1}
    assert len(training.train_(model, made)) == 32
    assert seen(model) == {1 + follow}
    assert not attached.mode_of(model).follows


@pytest.mark.parametrize("kind", KINDS)
def test_32_bits_only_train_on(encoder: Encoder, kind: str, request: pytest.FixtureRequest) -> None:
    prepared: Prepared = request.getfixturevalue(kind)
    made = Setup("w32a32", prepared, SEEDS, RECIPE, RULE)
    quantized, plain = built(encoder, prepared), built(encoder, prepared)
    training.quantize_(quantized, made)
    run = training.train_on_(quantized, made)
    losses = fit.fit_(plain, prepared, made.noise(0), made.recipe())
    assert run.losses == losses
    expected = predict.predict(plain, prepared)
    assert all(run.predictions[name].tobytes() == expected[name].tobytes() for name in expected)


def test_calibration_alone_moves_no_weight_and_training_moves_them(
    encoder: Encoder, prepared: Prepared
) -> None:
    made, model = setup(prepared), built(encoder, prepared)
    before = {name: p.detach().clone() for name, p in parameters.by_name(model).items()}
    state = torch.random.get_rng_state()
    training.quantize_(model, made)
    assert torch.equal(torch.random.get_rng_state(), state)
    after = parameters.by_name(model)
    assert all(torch.equal(after[name], before[name]) for name in before)
    predictions = predict.predict(model, prepared)
    run = training.train_on_(model, made)
    assert not all(torch.equal(after[name], before[name]) for name in before)
    assert any((run.predictions[name] != predictions[name]).any() for name in predictions)


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_keeps_exact_numbers_and_ends_compact_with_quantizers(
    encoder: Encoder, prepared: Prepared, order: Order, tmp_path: Path
) -> None:
    made, model = setup(prepared), built(encoder, prepared)
    channels, run = training.prune_and_train_(model, made, order, 0.5)
    assert channels.heads.sum(1).tolist() == [1, 1]
    assert channels.neurons.sum(1).tolist() == [16, 16]
    assert len(run.losses) == 16 + 16
    linear = model.base_model.get_submodule("encoder.layer.0.output.dense")
    assert isinstance(linear, QuantizedLinear)
    assert linear.in_features == 16
    stored.save(model, made.arm, channels, prepared, 8, tmp_path)
    again = predict.predict(stored.build(encoder, tmp_path), prepared)
    assert all(again[name].tobytes() == run.predictions[name].tobytes() for name in again)


def test_orders_differ_in_what_they_compute(encoder: Encoder, prepared: Prepared) -> None:
    runs = {
        order: training.prune_and_train_(built(encoder, prepared), setup(prepared), order, 0.5)[1]
        for order in ORDERS
    }
    first = [run.losses[0] for run in runs.values()]
    assert first[1] == first[2] != first[0]  # quantizers are on from the first step
    made = {order: run.predictions["validation.logits"].tobytes() for order, run in runs.items()}
    assert len(set(made.values())) == 3


def test_importance_is_that_of_the_model_at_its_time(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantized if quantizers came first, and with its weights after half of the training."""
    known: list[tuple[bool, bool]] = []
    choose = choosing.choose

    def watched(order: choosing.Order, model: PreTrainedModel, *rest: object) -> choosing.Chosen:
        start = parameters.by_name(built(encoder, prepared))
        live = parameters.by_name(model)
        moved = any(not torch.equal(live[name], start[name]) for name in start)
        known.append((attached.MODE in vars(model), moved))
        assert order == "greedy"
        return choose(order, model, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(choosing, "choose", watched)
    for order in ("prune-first", "quantize-first"):
        training.prune_and_train_(built(encoder, prepared), setup(prepared), order, 0.5)
    assert known == [(False, False), (True, True)]


def test_jointly_channels_are_chosen_with_quantizers_on_and_ranges_that_follow(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[tuple[set[int], bool]] = []
    measure = importance.measure_

    def watched(running: object, model: PreTrainedModel, *rest: object) -> None:
        known.append((seen(model), attached.mode_of(model).follows))
        measure(running, model, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(importance, "measure_", watched)
    training.prune_and_train_(built(encoder, prepared), setup(prepared), "jointly", 0.5)
    assert known == [({1 + step}, True) for step in (1, 2, 3, 4)]


def test_a_training_too_short_for_windows_is_refused_before_any_work(
    encoder: Encoder, prepared: Prepared
) -> None:
    short, model = setup(prepared, length=0.3), built(encoder, prepared)
    before = predict.predict(model, prepared)
    with pytest.raises(UserError, match=r"has 10 steps.*12 at least; raise quantized.rule.length"):
        training.prune_and_train_(model, short, "jointly", 0.5)
    after = predict.predict(model, prepared)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    training.check_length(short, "prune-first", 2)


def test_scales_may_be_powers_of_two(encoder: Encoder, prepared: Prepared) -> None:
    model = built(encoder, prepared)
    training.quantize_(model, setup(prepared, scales="powers of two"))
    tensors = stored.tensors(model)
    scales = [tensor for name, tensor in tensors.items() if name.endswith("scale")]
    assert len(scales) == 2 * 13
    assert all((torch.frexp(scale)[0] == 0.5).all() for scale in scales)
