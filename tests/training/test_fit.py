"""The training loop: steps, batches and schedule; masks that hold; rewinding; noise; same bytes."""

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from transformers import (
    PreTrainedModel,
)

from stages.tickets.encoder import parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import (
    load_weights_,
    prunable_parameters,
    prunable_weights,
    save_weights,
)
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict, schedule
from stages.tickets.training.fit import TrainingError
from stages.tickets.training.update import Subnetwork
from tests.conftest import RECIPE, SEEDS

ROOT = Path(__file__).parents[2]
NUM_STEPS = 5


def theta_0(
    encoder: Encoder, prepared: Prepared, dropout: float = RECIPE.dropout, head_init: int = 1
) -> PreTrainedModel:
    task = prepared.task
    return theta.build(encoder, task.kind, task.num_labels, dropout, head_init)


def random_mask(encoder: Encoder, sparsity: float = 0.5) -> Mask:
    weights = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    half = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    return masks.random_like(half, np.random.default_rng(0))


def subnetwork_of(model: PreTrainedModel, encoder: Encoder, mask: Mask) -> Subnetwork:
    return Subnetwork(prunable_parameters(model, encoder), mask)


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def equal(first: PreTrainedModel, second: PreTrainedModel) -> bool:
    ones, others = weights_of(first), weights_of(second)
    return all(torch.equal(ones[name], others[name]) for name in ones)


@contextmanager
def watched(model: PreTrainedModel) -> Iterator[tuple[list[Any], list[float]]]:
    """The inputs of every forward pass of `model`, and the learning rate of every optimizer step."""
    inputs: list[Any] = []
    rates: list[float] = []

    def note_inputs(_: nn.Module, __: object, kwargs: dict[str, Tensor]) -> None:
        inputs.append(kwargs["input_ids"].tolist())

    def note_rate(optimizer: Optimizer, _: object, __: object) -> None:
        rates.append(optimizer.param_groups[0]["lr"])

    hooks = [
        model.register_forward_pre_hook(note_inputs, with_kwargs=True),
        register_optimizer_step_pre_hook(note_rate),
    ]
    try:
        yield inputs, rates
    finally:
        for hook in hooks:
            hook.remove()


# --- steps and schedule ----------------------------------------------------------------------


@pytest.mark.parametrize("first_step", [0, 2])
def test_a_schedule_over_several_trainings_stops_in_its_first_part(
    encoder: Encoder, prepared: Prepared, first_step: int
) -> None:
    """The authors' code (Chen et al. 2020): each of ten rounds goes from the whole rate to 0.9 of it."""
    model = theta_0(encoder, prepared)
    with watched(model) as (_, rates):
        fit.fit_(model, prepared, SEEDS, RECIPE, first_step=first_step, decay_over=10)
    expected = [RECIPE.learning_rate * (50 - step) / 50 for step in range(NUM_STEPS)]
    assert rates == pytest.approx(expected[first_step:])


def test_a_training_that_stops_early_is_the_beginning_of_the_whole(
    encoder: Encoder, prepared: Prepared
) -> None:
    whole, part = theta_0(encoder, prepared), theta_0(encoder, prepared)
    kept: dict[str, Tensor] = {}
    fit.fit_(
        whole, prepared, SEEDS, RECIPE, after_step=lambda _: kept.update(weights_of(whole)), at=[3]
    )
    losses = fit.fit_(part, prepared, SEEDS, RECIPE, last_step=3)
    assert len(losses) == 3
    assert not equal(whole, part)
    assert all(torch.equal(kept[name], weight) for name, weight in weights_of(part).items())


# --- masks hold ------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_dropped_weights_are_zero_after_training_and_the_others_have_moved(
    encoder: Encoder, prepared: Prepared, precision: str
) -> None:
    mask = random_mask(encoder)
    model = theta_0(encoder, prepared)
    recipe = RECIPE.model_copy(update={"precision": precision})
    losses = fit.fit_(model, prepared, SEEDS, recipe, subnetwork_of(model, encoder, mask))
    trained = prunable_weights(model, encoder)
    for name, kept in mask.items():
        assert (trained[name][~kept] == 0).all()
        moved = trained[name][kept] != encoder.weights[name].numpy()[kept]
        assert moved.mean() > 0.9
    num_left = sum(np.count_nonzero(weight) for weight in trained.values())
    assert num_left == masks.num_survivors(mask)  # sparsity after training is the mask's
    assert len(losses) == NUM_STEPS
    assert np.isfinite(losses).all()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_dropped_weights_are_zero_in_every_step(encoder: Encoder, prepared: Prepared) -> None:
    mask = random_mask(encoder)
    model = theta_0(encoder, prepared)
    largest: list[float] = []

    def look(_: int) -> None:
        weights = prunable_weights(model, encoder)
        largest.append(max(float(np.abs(weights[name][~mask[name]]).max()) for name in mask))

    subnetwork = subnetwork_of(model, encoder, mask)
    fit.fit_(model, prepared, SEEDS, RECIPE, subnetwork, after_step=look)
    assert largest == [0.0] * (NUM_STEPS + 1)


def test_a_language_model_is_trained_under_the_mask_of_all_matrices(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    """The mask has a pooler and the model has none: its entry is passed over, not its loss."""
    mask = random_mask(encoder)
    model = theta_0(encoder, prepared_words)
    losses = fit.fit_(model, prepared_words, SEEDS, RECIPE, subnetwork_of(model, encoder, mask))
    trained = prunable_weights(model, encoder)
    assert len(losses) == NUM_STEPS
    for name, kept in mask.items():
        if not name.startswith("pooler."):
            assert (trained[name][~kept] == 0).all()


def test_a_model_for_spans_is_trained_under_the_mask_of_all_matrices(
    encoder: Encoder, prepared_spans: Prepared
) -> None:
    """Its pooler, of which it has none, is ranked by its pre-trained values in the next round."""
    mask = random_mask(encoder)
    model = theta_0(encoder, prepared_spans)
    fit.fit_(model, prepared_spans, SEEDS, RECIPE, subnetwork_of(model, encoder, mask))
    trained = prunable_weights(model, encoder)
    for name, kept in mask.items():
        if name.startswith("pooler."):
            np.testing.assert_array_equal(trained[name], encoder.weights[name].numpy())
        else:
            assert (trained[name][~kept] == 0).all()
            assert (trained[name][kept] != encoder.weights[name].numpy()[kept]).mean() > 0.9


def test_the_loss_of_spans_is_that_of_transformers(
    encoder: Encoder, prepared_spans: Prepared
) -> None:
    """Without padding; with it, theirs would count the padding among the tokens."""
    split = prepared_spans.train
    alone = replace(prepared_spans, train=tasks.take(split, np.array([1])))
    recipe = RECIPE.model_copy(update={"epochs": 1.0, "batch_size": 1, "learning_rate": 1e-9})
    (found,) = fit.fit_(theta_0(encoder, alone, 0.0), alone, SEEDS, recipe)
    first, last = torch.from_numpy(alone.train.labels[0])
    expected = theta_0(encoder, alone, 0.0)(
        input_ids=torch.from_numpy(alone.train.ids).long()[None],
        token_type_ids=torch.from_numpy(alone.train.types).long()[None],
        start_positions=first[None],
        end_positions=last[None],
    ).loss
    assert found == pytest.approx(float(expected.detach()), abs=1e-4)


def test_a_model_learns_where_answers_are(encoder: Encoder, prepared_spans: Prepared) -> None:
    recipe = RECIPE.model_copy(update={"epochs": 40.0, "dropout": 0.0})
    model = theta_0(encoder, prepared_spans, 0.0)
    losses = fit.fit_(model, prepared_spans, SEEDS, recipe)
    assert losses[0] > 1.5
    assert losses[-1] < 0.1


def test_without_a_mask_every_weight_is_trained(encoder: Encoder, prepared: Prepared) -> None:
    model = theta_0(encoder, prepared)
    before = weights_of(model)
    fit.fit_(model, prepared, SEEDS, RECIPE)
    unmoved = {
        name for name, weight in weights_of(model).items() if torch.equal(weight, before[name])
    }
    assert unmoved == set()


def test_gradients_of_dropped_weights_do_not_enter_the_clipped_norm(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = random_mask(encoder)
    model = theta_0(encoder, prepared)
    live = prunable_parameters(model, encoder)
    raw: dict[str, Tensor] = {}
    for name, parameter in live.items():
        parameter.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient, name=name: raw.update({name: gradient.clone()})
        )
    clip = nn.utils.clip_grad_norm_
    norms: list[tuple[float, float, float]] = []

    def note(parameters: list[nn.Parameter], limit: float) -> Tensor:
        outside = [p for p in parameters if not any(p is q for q in live.values())]
        squares = sum(float(p.grad.square().sum()) for p in outside if p.grad is not None)
        kept = sum(float(raw[n][torch.from_numpy(mask[n])].square().sum()) for n in live)
        every = sum(float(gradient.square().sum()) for gradient in raw.values())
        found = clip(parameters, limit)
        norms.append((float(found), math.sqrt(squares + kept), math.sqrt(squares + every)))
        return found

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", note)
    fit.fit_(model, prepared, SEEDS, RECIPE, subnetwork_of(model, encoder, mask))
    assert len(norms) == NUM_STEPS
    for found, of_survivors, of_all in norms:
        assert found == pytest.approx(of_survivors, rel=1e-5)
        assert found < 0.99 * of_all


def test_the_gradient_is_clipped(encoder: Encoder, prepared: Prepared) -> None:
    models = [theta_0(encoder, prepared) for _ in range(2)]
    for model, clip in zip(models, (1e9, 1e-9), strict=True):
        recipe = RECIPE.model_copy(update={"clip": clip, "epsilon": 1e-4, "weight_decay": 0})
        fit.fit_(model, prepared, SEEDS, recipe)
    before = weights_of(theta_0(encoder, prepared))
    free, clipped = (
        max(float((weight - before[name]).abs().max()) for name, weight in weights_of(m).items())
        for m in models
    )
    assert clipped < 1e-4 < free


# --- rewinding -------------------------------------------------------------------------------

Build = Callable[[Encoder, Prepared], PreTrainedModel]


def check_rewinding(encoder: Encoder, prepared: Prepared, folder: Path, build: Build) -> None:
    """Train, rewind, apply a mask: theta_0 on the mask, zero off it, and theta_0 itself as it was."""
    published = {name: weight.clone() for name, weight in encoder.weights.items()}
    mask = random_mask(encoder)
    model = build(encoder, prepared)
    save_weights(model, encoder, folder / "theta-0.safetensors")
    on_disk = (folder / "theta-0.safetensors").read_bytes()
    head = model.get_parameter("classifier.weight").detach().clone()
    fit.fit_(model, prepared, SEEDS, RECIPE)
    trained = prunable_weights(model, encoder)
    for name in mask:  # or there would be nothing to rewind
        assert (trained[name] != published[name].numpy()).mean() > 0.9
    assert not torch.equal(model.get_parameter("classifier.weight"), head)

    load_weights_(model, encoder, folder / "theta-0.safetensors")
    at_start: list[dict[str, NDArray[np.float32]]] = []
    fit.fit_(
        model,
        prepared,
        SEEDS,
        RECIPE,
        subnetwork_of(model, encoder, mask),
        after_step=lambda _: at_start.append(prunable_weights(model, encoder)),
    )
    for name, kept in mask.items():
        original = published[name].numpy()
        np.testing.assert_array_equal(at_start[0][name][kept], original[kept])
        assert (at_start[0][name][~kept] == 0).all()
        assert (at_start[-1][name][kept] != original[kept]).mean() > 0.9
    for name, weight in published.items():
        assert torch.equal(encoder.weights[name], weight)
    assert (folder / "theta-0.safetensors").read_bytes() == on_disk
    load_weights_(model, encoder, folder / "theta-0.safetensors")
    assert torch.equal(model.get_parameter("classifier.weight"), head)


def test_rewound_weights_are_theta_0_on_the_mask_and_zero_off_it(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    check_rewinding(encoder, prepared, tmp_path, theta_0)


def test_a_theta_0_that_shares_memory_with_live_weights_is_caught(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    """The mistake that the test above is there for, made on purpose."""

    def aliasing(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
        model = theta_0(encoder, prepared)
        for name, parameter in prunable_parameters(model, encoder).items():
            parameter.data = encoder.weights[name]
        return model

    with pytest.raises(AssertionError):
        check_rewinding(encoder, prepared, tmp_path, aliasing)


# --- noise -----------------------------------------------------------------------------------


def trained(
    encoder: Encoder, prepared: Prepared, probability: float = RECIPE.dropout, **changes: int
) -> PreTrainedModel:
    """A whole training with other seeds, or with another probability of dropout."""
    seeds = replace(SEEDS, **changes)
    model = theta_0(encoder, prepared, probability, seeds.head_init)
    fit.fit_(model, prepared, seeds, RECIPE)
    return model


@pytest.mark.parametrize("source", ["head_init", "data_order", "dropout"])
def test_each_source_of_noise_alone_changes_the_result(
    encoder: Encoder, prepared: Prepared, source: str
) -> None:
    first, other = trained(encoder, prepared), trained(encoder, prepared, **{source: 77})
    assert not equal(first, other)


def test_the_seed_of_random_masks_does_not_touch_training(
    encoder: Encoder, prepared: Prepared
) -> None:
    assert equal(trained(encoder, prepared), trained(encoder, prepared, mask=77))


def test_without_dropout_its_seed_changes_nothing(encoder: Encoder, prepared: Prepared) -> None:
    first, other = (trained(encoder, prepared, 0.0, dropout=seed) for seed in (3, 77))
    assert equal(first, other)


def test_training_depends_on_no_global_generator_and_leaves_it_as_it_was(
    encoder: Encoder, prepared: Prepared
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = trained(encoder, prepared)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(6)
    assert equal(first, trained(encoder, prepared))


def test_the_words_to_find_are_others_in_every_step_and_the_same_in_every_run(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    same = tasks.take(prepared_words.train, np.full(8, 2))  # so that only the hidden words differ
    seen = []
    for data_order in (2, 2, 77):
        model = theta_0(encoder, prepared_words)
        with watched(model) as (inputs, _):
            seeds = replace(SEEDS, data_order=data_order)
            fit.fit_(model, replace(prepared_words, train=same), seeds, RECIPE)
        seen.append(inputs)
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
    assert len(set(map(str, seen[0]))) == NUM_STEPS


# --- going on from a later step --------------------------------------------------------------


@pytest.mark.parametrize("first_step", [0, 2, 4, 5])
def test_schedule_and_order_go_on_from_the_first_step(
    encoder: Encoder, prepared: Prepared, first_step: int
) -> None:
    whole, rest = theta_0(encoder, prepared), theta_0(encoder, prepared)
    with watched(whole) as (inputs, rates):
        fit.fit_(whole, prepared, SEEDS, RECIPE)
    done: list[int] = []
    with watched(rest) as (later_inputs, later_rates):
        losses = fit.fit_(
            rest, prepared, SEEDS, RECIPE, first_step=first_step, after_step=done.append
        )
    assert len(inputs) == NUM_STEPS
    assert later_inputs == inputs[first_step:]
    assert later_rates == rates[first_step:]
    assert rates == pytest.approx([1e-2, 8e-3, 6e-3, 4e-3, 2e-3])
    assert done == list(range(first_step, NUM_STEPS + 1))
    assert len(losses) == NUM_STEPS - first_step


def test_the_words_to_find_go_on_from_the_first_step(
    encoder: Encoder, prepared_words: Prepared
) -> None:
    seen = []
    for first_step in (0, 3):
        model = theta_0(encoder, prepared_words)
        with watched(model) as (inputs, _):
            fit.fit_(model, prepared_words, SEEDS, RECIPE, first_step=first_step)
        seen.append(inputs)
    assert seen[1] == seen[0][3:]


def test_weight_decay_is_for_matrices(encoder: Encoder, prepared: Prepared) -> None:
    """With a gradient that is almost nothing, only decay moves a weight: by lr * decay of itself."""
    recipe = RECIPE.model_copy(
        update={"weight_decay": 0.5, "clip": 1e-30, "epochs": 0.25, "epsilon": 1.0}
    )
    model = theta_0(encoder, prepared)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5)
    before = weights_of(model)
    fit.fit_(model, prepared, SEEDS, recipe)
    for name, weight in weights_of(model).items():
        factor = 1 - 1e-2 * 0.5 if weight.ndim > 1 else 1
        torch.testing.assert_close(weight, before[name] * factor)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_head_takes_steps_of_its_own_rate(
    bare_encoder: Encoder, prepared: Prepared, precision: str
) -> None:
    """The first step of AdamW goes down the sign of the gradient by the rate; decay goes by it too."""
    recipe = RECIPE.model_copy(
        update={"epochs": 0.25, "weight_decay": 0.5, "precision": precision, "epsilon": 1e-30}
    )
    models = [theta_0(bare_encoder, prepared) for _ in range(2)]
    before = weights_of(models[0])
    for model, factor in zip(models, (1.0, 5.0), strict=True):
        fit.fit_(model, prepared, SEEDS, recipe.model_copy(update={"head_rate": factor}))
    slow, fast = map(weights_of, models)
    head = {
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    }
    for name, start in before.items():
        if name not in head:
            assert torch.equal(fast[name], slow[name])
            continue
        shrunk = 0.5 * (start.ndim > 1) * start
        sign = ((1 - 1e-2 * 0.5 * (start.ndim > 1)) * start - slow[name]).sign()
        assert sign.all()
        for moved, rate in ((slow[name], 1e-2), (fast[name], 5e-2)):
            torch.testing.assert_close(moved, start - rate * (sign + shrunk), atol=1e-5, rtol=1e-4)


def test_a_head_that_the_encoder_brings_is_no_head_of_a_rate_of_its_own(
    encoder: Encoder, bare_encoder: Encoder, prepared: Prepared, prepared_words: Prepared
) -> None:
    classifier = ["classifier.weight", "classifier.bias"]
    named = {
        (kept, task.task.kind): [
            name
            for model in [theta_0(kept_encoder, task)]
            for name, parameter in model.named_parameters()
            if any(parameter is other for other in parameters.head(model))
        ]
        for kept, kept_encoder in (("all", encoder), ("body", bare_encoder))
        for task in (prepared, prepared_words)
    }
    assert named["all", "classification"] == classifier
    assert named["all", "mlm"] == []
    assert named["body", "classification"] == [
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        *classifier,
    ]
    assert len(named["body", "mlm"]) == 5  # a dense layer, a norm, and the bias of the tied decoder


# --- what goes wrong -------------------------------------------------------------------------


def test_nan_stops_with_task_step_and_learning_rate(encoder: Encoder, prepared: Prepared) -> None:
    model = theta_0(encoder, prepared)
    with torch.no_grad():
        model.get_parameter("classifier.bias").fill_(float("nan"))
    said = r"the loss of task 'acceptability' is nan from step 1 of 5 on, .* was 0\.01; lower"
    with pytest.raises(TrainingError, match=said):
        fit.fit_(model, prepared, SEEDS, RECIPE)


def test_a_diverging_training_stops_at_its_first_bad_step(
    encoder: Encoder, prepared: Prepared
) -> None:
    recipe = RECIPE.model_copy(update={"learning_rate": 1e30, "epochs": 20.0})
    model = theta_0(encoder, prepared)
    finite: list[bool] = []
    model.register_forward_hook(lambda _, __, out: finite.append(bool(out.logits.isfinite().all())))
    with pytest.raises(TrainingError) as caught:
        fit.fit_(model, prepared, SEEDS, recipe)
    step = finite.index(False) + 1
    assert step > 1
    rate = schedule.learning_rate_at(step - 1, 80, recipe)
    assert f"from step {step} of 80 on, where the learning rate was {rate:.3g};" in str(
        caught.value
    )
    assert len(finite) <= fit.CHECK_EVERY  # and not at the end


def test_the_last_steps_are_checked_too(encoder: Encoder, prepared: Prepared) -> None:
    model = theta_0(encoder, prepared)

    def spoil(step: int) -> None:
        if step == 4:
            model.get_parameter("classifier.bias").data.fill_(float("inf"))

    with pytest.raises(TrainingError, match=r"from step 5 of 5 on, .* was 0\.002;"):
        fit.fit_(model, prepared, SEEDS, RECIPE, after_step=spoil)


# --- same input, same bytes ------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from stages.tickets.encoder import parameters, theta
from stages.tickets.tasks import task
from tests.training.test_fit import whole_run
folder, out = map(Path, sys.argv[1:])
whole_run(theta.load(folder), task.load_prepared(out / "prepared"), out / "other")
"""


def whole_run(encoder: Encoder, prepared: Prepared, out: Path) -> None:
    """Train a subnetwork, predict, prune again: all that a round writes."""
    from stages.tickets import files  # noqa: PLC0415

    mask = random_mask(encoder)
    model = theta_0(encoder, prepared)
    losses = fit.fit_(model, prepared, SEEDS, RECIPE, subnetwork_of(model, encoder, mask))
    save_weights(model, encoder, out / "weights")
    files.save_run(predict.predict(model, prepared), losses, out)
    pruned = masks.prune_by_magnitude(prunable_weights(model, encoder), mask, 0.7)
    files.save_mask(pruned, out / "mask")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_one_process_writes_the_same_bytes_twice(
    encoder: Encoder, prepared: Prepared, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        whole_run(encoder, prepared, tmp_path / name)
    found = contents(tmp_path / "first")
    assert found.keys() == {"weights", "predictions.safetensors", "history.json", "mask"}
    assert found == contents(tmp_path / "second")


def test_another_process_writes_the_same_bytes(
    encoder_folder: Path, prepared: Prepared, tmp_path: Path
) -> None:
    tasks.save_prepared(prepared, tmp_path / "prepared")
    command = [sys.executable, "-c", RUN, str(encoder_folder), str(tmp_path)]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    whole_run(theta.load(encoder_folder), prepared, tmp_path / "here")
    assert contents(tmp_path / "here") == contents(tmp_path / "other")


# --- golden ----------------------------------------------------------------------------------


def test_golden_losses_of_five_steps(
    encoder: Encoder, prepared: Prepared, prepared_pairs: Prepared, prepared_words: Prepared
) -> None:
    found = {}
    for task in (prepared, prepared_pairs, prepared_words):
        recipe = RECIPE.model_copy(update={"epochs": 10 / len(task.train)})
        found[task.task.name] = fit.fit_(theta_0(encoder, task, 0.0), task, SEEDS, recipe)
    golden = {
        "acceptability": [1.10035, 0.75181, 0.87584, 0.69145, 0.69854],
        "similarity": [5.25031, 4.89965, 4.52007, 5.15077, 3.4205],
        "mlm": [2.63947, 3.72481, 2.23203, 3.27039, 2.90038],
    }
    assert found == {name: pytest.approx(losses, abs=1e-4) for name, losses in golden.items()}


def test_the_history_is_averaged_over_stretches(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = fit.fit_(theta_0(encoder, prepared), prepared, SEEDS, RECIPE)
    monkeypatch.setattr(fit, "HISTORY_POINTS", 2)
    found = fit.fit_(theta_0(encoder, prepared), prepared, SEEDS, RECIPE)
    assert found == pytest.approx([np.mean(losses[:3]), np.mean(losses[3:])], abs=2e-5)


def test_bfloat16_is_close_to_float32_and_not_the_same(
    encoder: Encoder, prepared: Prepared
) -> None:
    losses = {}
    for precision in ("fp32", "bf16"):
        model = theta_0(encoder, prepared)
        recipe = RECIPE.model_copy(update={"precision": precision})
        losses[precision] = fit.fit_(model, prepared, SEEDS, recipe)
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.1)
    assert losses["bf16"] != losses["fp32"]


# --- on a GPU --------------------------------------------------------------------------------


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_on_a_gpu_keeps_masks(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr("stages.tickets.encoder.device.device", lambda: torch.device("cuda"))
    mask = random_mask(encoder)
    placed = [theta_0(encoder, prepared) for _ in range(2)]
    for model in placed:
        recipe = RECIPE.model_copy(update={"precision": precision})
        fit.fit_(model, prepared, SEEDS, recipe, subnetwork_of(model, encoder, mask))
        assert {parameter.device.type for parameter in model.parameters()} == {"cuda"}
        found = prunable_weights(model, encoder)
        for name, kept in mask.items():
            assert (found[name][~kept] == 0).all()
            assert (found[name][kept] != encoder.weights[name].numpy()[kept]).mean() > 0.9
        assert np.isfinite(predict.predict(model, prepared)["validation.logits"]).all()
    assert equal(placed[0].cpu(), placed[1].cpu())
