"""A training to ternary blocks: exact blocks, three values, arms that differ in nothing else."""

import math
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.settings import UserError
from stages.tickets.settings.ternary import Arm, TernaryRule
from stages.tickets.tasks.task import Prepared
from stages.tickets.ternary import blocks, course, training
from stages.tickets.ternary.quantizer import Reading, ternary
from stages.tickets.ternary.sizing import Block
from stages.tickets.ternary.training import Trained
from stages.tickets.training import fit, predict
from tests.conftest import RECIPE, SEEDS

ARMS: tuple[Arm, ...] = ("ternary", "lasso", "clipped", "pruned")
RULE = TernaryRule(
    threshold="twn",
    embeddings="fp32",
    scope="matrix",
    weight=0.05,
    ratio=0.9,
    gradient="detached",
    start=0.2,
    freeze=0.6,
    points=5,
)
"""Of five steps the first is in float32, and blocks are fixed after the third."""


def theta_0(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    task = prepared.task
    return encoders.build(encoder, task.kind, task.num_labels, 0.1, 1)


def trained(
    encoder: Encoder,
    prepared: Prepared,
    arm: Arm = "clipped",
    geometry: str = "4x4",
    sparsity: float = 0.5,
    **changes: Any,
) -> tuple[Trained, PreTrainedModel]:
    model = theta_0(encoder, prepared)
    rule = RULE.model_copy(update=changes)
    made = training.train_(model, encoder, prepared, arm, geometry, sparsity, rule, SEEDS, RECIPE)
    return made, model


def weights_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("geometry", ["1x16", "4x4", "head"])
@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_ends_in_ternary_blocks_of_the_same_number(
    encoder: Encoder, prepared: Prepared, arm: Arm, geometry: str
) -> None:
    made, model = trained(encoder, prepared, arm, geometry)
    live = prunable_parameters(model, encoder)
    assert made.kept.keys() == live.keys()
    assert len(live) == 13
    for name, weights in live.items():
        kept, block = made.kept[name], made.block[name]
        assert int(kept.sum()) == kept.numel() // 2
        inside = blocks.spread(kept, block)
        assert not weights[~inside].any()
        values = weights.detach().unique().tolist()
        assert len(values) == 3
        assert values[0] == -values[2]
    predicted = predict.predict(model, prepared)
    for name, array in made.run.predictions.items():
        assert (predicted[name] == array).all()
    assert len(made.run.losses) == 5
    assert (made.start, made.freeze, made.total) == (1, 3, 5)


def test_columns_of_blocks_keep_equally_many(encoder: Encoder, prepared: Prepared) -> None:
    made, _ = trained(encoder, prepared, scope="column")
    assert all((kept.sum(0) == len(kept) // 2).all() for kept in made.kept.values())
    other, _ = trained(encoder, prepared)
    assert any((kept.sum(0) != len(kept) // 2).any() for kept in other.kept.values())


def test_without_weight_the_penalty_changes_no_bit(encoder: Encoder, prepared: Prepared) -> None:
    plain, model = trained(encoder, prepared, "ternary")
    for arm in ("lasso", "clipped"):
        free, other = trained(encoder, prepared, arm, weight=0.0)
        assert free.run.losses == plain.run.losses
        others = weights_of(other)
        assert all(torch.equal(others[name], own) for name, own in weights_of(model).items())
    _, pushed = trained(encoder, prepared, "lasso", weight=0.05)
    others = weights_of(pushed)
    assert not all(torch.equal(others[name], own) for name, own in weights_of(model).items())


def test_a_lasso_is_a_penalty_that_is_never_clipped(encoder: Encoder, prepared: Prepared) -> None:
    lasso, model = trained(encoder, prepared, "lasso")
    clipped, other = trained(encoder, prepared, "clipped", ratio=1e9)
    assert lasso.run.losses == clipped.run.losses
    others = weights_of(other)
    assert all(torch.equal(others[name], own) for name, own in weights_of(model).items())


def test_a_matrix_that_is_read_as_it_is_trains_as_without(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Bit for bit, as long as no gradient is clipped, whose norm is a sum in the order of parameters."""
    recipe = RECIPE.model_copy(update={"clip": math.inf})
    plain, read = (theta_0(encoder, prepared) for _ in range(2))
    losses = fit.fit_(plain, prepared, SEEDS, recipe)
    live = prunable_parameters(read, encoder)
    for name in live:
        place = training.place_of(read.base_model, name)
        torch.nn.utils.parametrize.register_parametrization(*place, Reading("twn"), unsafe=True)
    assert fit.fit_(read, prepared, SEEDS, recipe) == losses
    for name, weights in prunable_parameters(plain, encoder).items():
        assert torch.equal(live[name], weights), name


def test_the_pruned_arm_keeps_the_largest_blocks_of_the_part_in_float32(
    encoder: Encoder, prepared: Prepared
) -> None:
    """They are those of a plain training of one step; the others choose later."""
    model = theta_0(encoder, prepared)
    fit.fit_(model, prepared, SEEDS, RECIPE, last_step=1)
    expected = {
        name: blocks.kept(blocks.norms(weights.detach(), Block(4, 4)), 0.5)
        for name, weights in prunable_parameters(model, encoder).items()
    }
    made, _ = trained(encoder, prepared, "pruned")
    assert all(torch.equal(made.kept[name], kept) for name, kept in expected.items())
    later, _ = trained(encoder, prepared, "ternary")
    assert not all(torch.equal(later.kept[name], kept) for name, kept in expected.items())


def test_a_lasso_moves_the_grid_and_a_clipped_penalty_moves_it_less(
    encoder: Encoder, prepared: Prepared
) -> None:
    """The paper's point, on a toy: scales and largest weights before blocks are fixed."""
    rows = {}
    for arm in ARMS[:3]:
        made, _ = trained(encoder, prepared, arm, weight=1.0, ratio=0.5, start=0.2, freeze=0.99)
        over = course.over_matrices(made.by_step, made.start, made.freeze, made.total)
        (rows[arm],) = [row for row in over if row["is_freeze"]]
    for name in ("scale", "norm"):
        assert rows["lasso"][name] < rows["ternary"][name]
        moved = {arm: abs(rows[arm][name] - rows["ternary"][name]) for arm in ("lasso", "clipped")}
        assert moved["clipped"] < moved["lasso"]


def test_the_course_has_its_points_and_the_three_parts(
    encoder: Encoder, prepared: Prepared
) -> None:
    made, _ = trained(encoder, prepared, points=2)
    assert sorted(made.by_step) == [0, 1, 2, 3, 5]
    rows = course.over_matrices(made.by_step, made.start, made.freeze, made.total)
    assert [row["step"] for row in rows if row["is_start"]] == [1]
    assert [row["step"] for row in rows if row["is_freeze"]] == [3]
    (start,) = [row for row in rows if row["is_start"]]
    assert [start[name] for name in course.GRID] == pytest.approx([1, 1, 1])
    assert rows[-1]["latent_blocks"] == pytest.approx(0.5)
    assert rows[-1]["ternary_blocks"] >= 0.5
    by_matrix = course.rows_of(made.by_step)
    assert len(by_matrix) == 5 * 13
    assert set(by_matrix[0]) == {"step", "matrix", *course.MATRIX}


def test_parts_may_be_empty(encoder: Encoder, prepared: Prepared) -> None:
    """Ternary and with fixed blocks from before the first step, in every arm."""
    for arm in ARMS[2:]:
        made, model = trained(encoder, prepared, arm, start=0.0, freeze=0.05)
        assert (made.start, made.freeze) == (0, 0)
        for name, weights in prunable_parameters(model, encoder).items():
            assert int(made.kept[name].sum()) * 2 == made.kept[name].numel()
            assert len(weights.detach().unique()) == 3


def test_what_is_measured_of_a_matrix_by_hand() -> None:
    """Norms 5, 0, 1 and 2; the mean magnitude is 1.375, so the threshold is 0.9625."""
    weights = torch.tensor([[3.0, 4, 0, 0], [0.6, 0.8, 2, 0]])
    stats = course.measure(weights, Block(1, 2), "twn", 0.9)
    assert stats == pytest.approx(
        {
            "scale": 3.0,
            "largest": 4.0,
            "norm": 2.0,
            "pushed": 0.5,
            "latent_blocks": 0.25,
            "ternary_blocks": 0.5,
            "ternary_weights": 5 / 8,
        }
    )


def test_embeddings_become_ternary_by_row_if_asked(encoder: Encoder, prepared: Prepared) -> None:
    _, model = trained(encoder, prepared, embeddings="ternary")
    words = model.get_input_embeddings().get_parameter("weight").detach()
    torch.testing.assert_close(ternary(words, "twn", by_row=True), words, rtol=1e-6, atol=0)
    assert len({float(row.abs().max()) for row in words}) > 1
    _, other = trained(encoder, prepared)
    assert len(other.get_input_embeddings().get_parameter("weight").unique()) > 100


@pytest.mark.parametrize("geometry", ["16x32", "3x4"])
def test_blocks_that_do_not_fit_are_refused_before_any_training(
    encoder: Encoder, prepared: Prepared, geometry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "fit_", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(UserError, match=f"blocks of {geometry}, which do not divide"):
        trained(encoder, prepared, geometry=geometry)


def test_the_same_run_gives_the_same_bytes(encoder: Encoder, prepared: Prepared) -> None:
    first, second = (weights_of(trained(encoder, prepared)[1]) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
