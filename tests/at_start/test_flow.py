"""Synaptic flow through chains of matrices: worked by hand, by closed form, and up to one weight each."""

import numpy as np
import pytest

from stages.tickets.at_start import flow
from stages.tickets.pruning import masks, steps
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.pruning.steps import Schedule, Step, Steps
from tests.at_start.chains import chain, closed_form, random_chain, scoring

pytestmark = pytest.mark.usefixtures("on_the_cpu")
BY_HAND = {"1": np.array([[1.0, -2.0], [3.0, 0.0]]), "2": np.array([[1.0, -1.0]])}
FOUR = (20, 40, 40, 20, 10)
"""Sizes of four matrices with 3,400 weights."""


def pruned(weights: Weights, compression: float, iterations: int, *, by_flow: bool = True) -> Mask:
    *_, last = taken(weights, compression, iterations, by_flow=by_flow)
    return last.after


def taken(
    weights: Weights,
    compression: float,
    iterations: int,
    schedule: Schedule = "exponential",
    *,
    by_flow: bool = True,
) -> list[Step]:
    plan = Steps(compression, iterations, schedule, "global")
    score = scoring(weights) if by_flow else lambda mask: flow.magnitudes(weights, mask)
    return list(steps.prune(score, masks.dense(weights), plan))


def kept(mask: Mask) -> list[int]:
    return [int(of_matrix.sum()) for of_matrix in mask.values()]


def test_the_example_worked_by_hand() -> None:
    found = flow.through(chain, flow.magnitudes(BY_HAND, masks.dense(BY_HAND)))
    assert 10**found.log10 == pytest.approx(6)
    np.testing.assert_allclose(6 * found.shares["1"], [[1, 2], [3, 0]])
    np.testing.assert_allclose(6 * found.shares["2"], [[3, 3]])


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_those_of_the_closed_form(seed: int) -> None:
    weights = random_chain((12, 10, 8, 5), seed)
    found = flow.through(chain, flow.magnitudes(weights, masks.dense(weights)))
    total, scores = closed_form(weights)
    assert found.log10 == pytest.approx(np.log10(total), rel=1e-12)
    for name, share in found.shares.items():
        np.testing.assert_allclose(share * total, scores[name], rtol=1e-12)


def test_flow_is_conserved_by_every_neuron_and_matrix() -> None:
    weights = random_chain(FOUR, 0)
    shares = flow.through(chain, flow.magnitudes(weights, masks.dense(weights))).shares
    for name, share in shares.items():
        assert share.sum() == pytest.approx(1, abs=1e-10)
        if name != "0":
            before = shares[str(int(name) - 1)].sum(1)
            np.testing.assert_allclose(share.sum(0), before, rtol=1e-10)


def test_dropped_weights_score_nothing_and_nothing_flows_through_a_matrix_without_weights() -> None:
    weights = random_chain((6, 5, 4), 0)
    half = {name: np.arange(w.size).reshape(w.shape) % 2 == 0 for name, w in weights.items()}
    shares = flow.through(chain, flow.magnitudes(weights, half)).shares
    assert all((share[~half[name]] == 0).all() for name, share in shares.items())
    assert all((share[half[name]] > 0).all() for name, share in shares.items())
    none = half | {"0": np.zeros_like(half["0"])}
    found = flow.through(chain, flow.magnitudes(weights, none))
    assert found.log10 == -np.inf
    assert all((share == 0).all() for share in found.shares.values())


def test_weights_that_overflow_are_refused() -> None:
    weights = {name: np.full((3, 3), 1e200) for name in "ab"}
    with pytest.raises(ValueError, match="not finite"):
        flow.through(chain, flow.magnitudes(weights, masks.dense(weights)))


@pytest.mark.parametrize("seed", range(3))
def test_flow_in_many_steps_keeps_one_weight_of_each_matrix_on_one_path(seed: int) -> None:
    weights = random_chain(FOUR, seed)
    assert masks.num_weights(masks.dense(weights)) == 3400
    mask = pruned(weights, 3400 / 4, 100)
    assert kept(mask) == [1, 1, 1, 1]
    assert flow.total(chain, flow.magnitudes(weights, mask)).value > 0
    assert 0 in kept(pruned(weights, 3400 / 4, 1))
    assert 0 in kept(pruned(weights, 3400 / 4, 1, by_flow=False))


def test_the_more_steps_the_less_flow_is_cut_at_a_time() -> None:
    weights = random_chain(FOUR, 0)

    def largest_cut(iterations: int) -> float:
        return max(
            sum(
                float(share[step.before[n] & ~step.after[n]].sum())
                for n, share in step.scores.items()
            )
            for step in taken(weights, 3400 / 4, iterations)
        )

    once, ten, hundred = map(largest_cut, (1, 10, 100))
    assert 3.9 < once < 4
    assert 1 < ten < 2
    assert hundred < 1


def test_signs_and_scales_of_matrices_do_not_matter_to_the_flow() -> None:
    weights = random_chain((12, 10, 8, 5), 1)
    generator = np.random.default_rng(0)
    flipped = {n: w * generator.choice([-1, 1], w.shape) for n, w in weights.items()}
    scaled = {n: w * factor for (n, w), factor in zip(weights.items(), (4, 0.25, 2), strict=True)}
    mask = pruned(weights, 10, 20)
    for other in (flipped, scaled):
        again = pruned(other, 10, 20)
        assert all((again[name] == mask[name]).all() for name in mask)
    by_magnitude = [pruned(w, 10, 1, by_flow=False) for w in (weights, scaled)]
    assert kept(by_magnitude[0]) != kept(by_magnitude[1])
