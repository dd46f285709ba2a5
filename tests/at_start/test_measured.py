"""What is measured of a mask: collapse, paths, flow, cuts."""

from dataclasses import replace

import numpy as np
import pytest
from transformers import PreTrainedModel

from stages.tickets.at_start import linear, measured, scores
from stages.tickets.at_start.linear import KEY, OUT, POOLER, QUERY, SECOND
from stages.tickets.at_start.scores import Rule, Untrained
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.steps import Scope, Step, Steps
from stages.tickets.tasks.task import Prepared
from tests.at_start.chains import random_chain, scoring
from tests.at_start.test_scores import theta_0
from tests.conftest import SEEDS

LAYER = "encoder.layer.0."


@pytest.fixture
def model(encoder: Encoder, prepared: Prepared) -> PreTrainedModel:
    return theta_0(encoder, prepared)


@pytest.fixture
def dense(model: PreTrainedModel, encoder: Encoder) -> Mask:
    return masks.dense(prunable_weights(model, encoder))


def without(mask: Mask, *names: str) -> Mask:
    return {n: np.zeros_like(kept) if n in names else kept for n, kept in mask.items()}


def test_the_record_of_a_dense_model(model: PreTrainedModel, encoder: Encoder, dense: Mask) -> None:
    record = measured.record(model, encoder, dense)
    assert record["kept"] == record["prunable"] == masks.num_weights(dense)
    assert record["collapsed"] == []
    for name in ("flow", "flow_without_residual"):
        assert record[name]["before"] == record[name]["after"]
        assert record[name]["connected"]
    assert record["flow"]["before"] > record["flow_without_residual"]["before"]


def test_a_layer_without_output_leaves_a_path_through_residual_connections_alone(
    model: PreTrainedModel, encoder: Encoder, dense: Mask
) -> None:
    record = measured.record(model, encoder, without(dense, LAYER + SECOND))
    assert record["collapsed"] == [LAYER + SECOND]
    assert record["flow"]["connected"]
    assert record["flow"]["after"] < record["flow"]["before"]
    assert record["flow_without_residual"] == {
        "before": record["flow_without_residual"]["before"], "after": None, "connected": False,
    }  # fmt: skip
    assert not measured.record(model, encoder, without(dense, POOLER))["flow"]["connected"]


def test_kept_matrices_whose_weights_do_not_meet_are_no_path(
    model: PreTrainedModel, dense: Mask
) -> None:
    network = linear.made_linear(model, "third", residual=False)
    first, second = (np.zeros_like(dense[LAYER + name]) for name in (linear.FIRST, SECOND))
    first[3], second[:, 4] = True, True
    apart = dense | {LAYER + linear.FIRST: first, LAYER + SECOND: second}
    assert not measured.is_connected(network, apart)
    second[:, 3] = True
    assert measured.is_connected(network, apart | {LAYER + SECOND: second})


def test_a_head_without_queries_and_keys_still_passes_on_its_values(
    model: PreTrainedModel, dense: Mask
) -> None:
    network = linear.made_linear(model, "third", residual=False)
    assert measured.is_connected(network, without(dense, LAYER + QUERY, LAYER + KEY))
    assert not measured.is_connected(network, without(dense, LAYER + OUT))


def test_rows_by_matrix_count_survivors_and_average_the_first_scores(dense: Mask) -> None:
    values = {name: np.full(kept.shape, float(i)) for i, (name, kept) in enumerate(dense.items())}
    first = Step(dense, values, dense)
    rows = measured.by_matrix(first, without(dense, POOLER))
    assert [row["mean_score"] for row in rows] == [float(i) for i in range(len(dense))]
    assert {row["matrix"]: row["kept"] for row in rows}[POOLER] == 0
    assert sum(row["size"] for row in rows) == masks.num_weights(dense)
    assert tuple(rows[0]) == measured.MATRICES


@pytest.mark.parametrize("qk", ["third", "exclude"])
def test_the_cut_ratio_is_the_share_of_the_flow_that_a_step_drops(
    model: PreTrainedModel, encoder: Encoder, prepared: Prepared, dense: Mask, qk: linear.Attention
) -> None:
    rule = Rule("synflow-without-residual", 8, 1.0, qk)
    start = Untrained(model, encoder, prepared, SEEDS, 0.3)
    (step,) = scores.prune(start, rule, Steps(50.0, 1, "exponential", "global"))
    nearly_all = replace(step, after=without(dense, *dense))
    row = measured.by_step(1, nearly_all, rule)
    assert row == {"step": 1, "kept": 0, "cut_ratio": pytest.approx(9, rel=1e-10)}
    assert tuple(row) == measured.STEPS
    assert 1 < measured.by_step(1, step, rule)["cut_ratio"] < 9
    assert measured.by_step(1, step, replace(rule, score="snip"))["cut_ratio"] is None


def test_what_leads_into_a_neuron_of_an_mlp_and_out_of_it(
    model: PreTrainedModel, encoder: Encoder, prepared: Prepared
) -> None:
    start = Untrained(model, encoder, prepared, SEEDS, 0.3)
    once = Steps(2.0, 1, "exponential", "global")
    (step,) = scores.prune(start, Rule("synflow", 8, 1.0, "third"), once)
    sums = measured.neurons(step.scores)
    assert sums["in"].shape == sums["out"].shape == (64,)
    np.testing.assert_allclose(sums["in"], sums["out"], rtol=1e-6)
    (step,) = scores.prune(start, Rule("magnitude", 8, 1.0, "third"), once)
    other = measured.neurons(step.scores)
    layer = "encoder.layer.1."
    assert other["out"][33] == pytest.approx(step.scores[layer + SECOND][:, 1].sum())
    assert other["in"][33] == pytest.approx(step.scores[layer + linear.FIRST][1].sum())


def test_a_way_is_critical_where_the_weakest_of_the_largest_scores_leaves() -> None:
    """Largest scores are 9, 7 and 4; four weights have at least 4, of nine in all."""
    values = {
        "a": np.array([[9.0, 1.0, 6.0]]), "b": np.array([[7.0, 0.0, 2.0]]),
        "c": np.array([[4.0, 3.0, 0.5]]),
    }  # fmt: skip

    def way(iterations: int, kept: int, scope: Scope = "global") -> float:
        how = Steps(9 / kept, iterations, "linear", scope)
        return measured.critical(steps.prune(lambda _: values, masks.dense(values), how), scope)

    assert way(1, 3) == way(1, 1) == way(3, 3) == pytest.approx(9 / 4)
    assert way(1, 4) == pytest.approx(9 / 4)
    assert way(1, 6) == pytest.approx(9 / 6)  # as far as it went
    assert way(1, 3, "matrix") == pytest.approx(3)


@pytest.mark.parametrize("iterations", [1, 100])
def test_flow_reaches_the_maximal_compression_of_a_chain_in_many_steps_alone(
    iterations: int,
) -> None:
    weights = random_chain((20, 40, 40, 20, 10), 0)
    how = Steps(3400 / 4, iterations, "exponential", "global")
    way = steps.prune(scoring(weights), masks.dense(weights), how)
    reached = measured.critical(way, "global")
    assert reached == 850 if iterations == 100 else 5 < reached < 100


@pytest.mark.parametrize("name", ["magnitude", "synflow-without-residual"])
def test_the_critical_compression_is_the_last_at_which_a_mask_keeps_every_matrix(
    model: PreTrainedModel, encoder: Encoder, prepared: Prepared, dense: Mask, name: scores.Name
) -> None:
    start, rule = Untrained(model, encoder, prepared, SEEDS, 0.3), Rule(name, 8, 1.0, "exclude")
    how = Steps(2.0, 1 if name == "magnitude" else 100, "exponential", "global")
    record = measured.followed(start, rule, how)
    assert record["maximal"] == masks.num_weights(dense) / len(dense)
    assert record["head_init"] == SEEDS.head_init
    if name != "magnitude":
        assert record["critical"] == pytest.approx(record["maximal"])
        return
    assert record["critical"] < record["maximal"]
    for factor, is_empty in ((1.0, False), (1.01, True)):
        way = scores.prune(start, rule, replace(how, compression=factor * record["critical"]))
        (step,) = way
        assert is_empty == (not all(kept.any() for kept in step.after.values()))
