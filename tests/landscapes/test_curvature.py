"""The diagonal of the Hessian beside exact ones and its errors' formula, and squared gradients."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.tickets.encoder import theta, weights
from stages.tickets.encoder.theta import Encoder
from stages.tickets.landscapes import curvature
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import objective
from stages.tickets.training.objective import Batch, Weights

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
"""torch.func.hessian calls it itself."""

DENSE = {"a": torch.ones(3, 4, dtype=torch.bool), "b": torch.ones(2, 3, dtype=torch.bool)}
PART = {
    "a": torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 1]]).bool(),
    "b": torch.tensor([[1, 1, 0], [0, 1, 1]]).bool(),
}


def net(given: Weights, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two layers with tanh between them, and the cross-entropy of each example."""
    logits = torch.tanh(x @ given["a"].T) @ given["b"].T
    losses = torch.nn.functional.cross_entropy(logits, y, reduction="none")
    return losses, torch.zeros_like(losses)


@pytest.fixture
def batches() -> list[Batch]:
    """Two batches of unlike size, float64, so that their Hessians have unlike weights."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(9, 4, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 2, (9,), generator=generator)
    return [partial(net, x=x[:6], y=y[:6]), partial(net, x=x[6:], y=y[6:])]


@pytest.fixture
def point() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(*mask.shape, generator=generator, dtype=torch.float64)
        for name, mask in DENSE.items()
    }


def exact(batches: list[Batch], point: Weights, kept: Weights) -> list[Tensor]:
    """The Hessian of each batch, weighted by its share of the examples, over the kept weights."""
    places = torch.cat([kept[name].flatten() for name in kept]).nonzero().flatten()
    flat = torch.cat([point[name].flatten() for name in kept])
    sizes = [kept[name].numel() for name in kept]
    number = sum(len(batch(point)[0]) for batch in batches)

    def loss(some: Tensor, batch: Batch) -> Tensor:
        parts = flat.clone().index_put((places,), some).split(sizes)
        named = {name: part.view(kept[name].shape) for name, part in zip(kept, parts, strict=True)}
        return batch(named)[0].sum() / number

    return [torch.func.hessian(partial(loss, batch=batch))(flat[places]) for batch in batches]


def of_kept(values: Weights, kept: Weights) -> Tensor:
    return torch.cat([values[name][kept[name]] for name in kept])


@pytest.mark.parametrize("kept", [DENSE, PART], ids=["dense", "masked"])
def test_the_estimate_is_the_exact_diagonal_within_the_errors_of_the_formula(
    batches: list[Batch], point: dict[str, Tensor], kept: dict[str, Tensor]
) -> None:
    """The variance is the sum of the squares of all other entries of the row, over the probes."""
    probes = 400
    made = curvature.hutchinson(batches, point, kept, probes, seed=0)
    hessians = exact(batches, point, kept)
    diagonal = torch.stack(hessians).sum(0).diagonal()
    others = [(h**2).sum(1) - h.diagonal() ** 2 for h in hessians]
    variance = torch.stack(others).sum(0) / probes
    off = (of_kept(made.values, kept) - diagonal).abs()
    assert (off <= 5 * variance.sqrt()).all()
    assert off.max() > 0
    estimated = of_kept(made.errors, kept)
    torch.testing.assert_close(estimated, variance.sqrt(), rtol=0.2, atol=0)
    for name, mask in kept.items():
        assert (made.values[name][~mask] == 0).all()
        assert (made.errors[name][~mask] == 0).all()


def test_more_probes_make_smaller_errors_and_seeds_other_estimates(
    batches: list[Batch], point: dict[str, Tensor]
) -> None:
    few, many, other = (
        curvature.hutchinson(batches, point, DENSE, probes, seed)
        for probes, seed in ((50, 0), (800, 0), (50, 1))
    )
    ratio = of_kept(few.errors, DENSE) / of_kept(many.errors, DENSE)
    assert float(ratio.median()) == pytest.approx(4, rel=0.15)
    assert not torch.equal(few.values["a"], other.values["a"])
    again = curvature.hutchinson(batches, point, DENSE, 50, 0)
    assert torch.equal(few.values["a"], again.values["a"])


def test_sums_over_a_matrix_have_the_errors_of_sums(
    batches: list[Batch], point: dict[str, Tensor]
) -> None:
    """The samples of a block's trace are z'Hz, of the variance 2 * (|H|^2 - |diag H|^2)."""
    made = curvature.hutchinson(batches, point, {"a": DENSE["a"]}, 1000, seed=2)
    fixed = {"a": DENSE["a"]}
    total = sum(len(batch(point)[0]) for batch in batches)
    assert total == 9

    def alone(given: Weights, batch: Batch) -> tuple[Tensor, Tensor]:
        return batch({**point, **given})

    hessians = exact([partial(alone, batch=batch) for batch in batches], point, fixed)
    trace = float(sum(hessian.trace() for hessian in hessians))
    variance = float(sum(2 * ((h**2).sum() - (h.diagonal() ** 2).sum()) for h in hessians)) / 1000
    samples = made.sums[:, :, 0]
    assert samples.mean(1).sum() == pytest.approx(trace, abs=5 * variance**0.5)
    assert samples.var(1, ddof=1).sum() / 1000 == pytest.approx(variance, rel=0.25)
    assert made.values["a"].sum().item() == pytest.approx(samples.mean(1).sum())
    scaled = (made.values["a"] * point["a"] ** 2).sum().item()
    assert made.scaled[:, :, 0].mean(1).sum() == pytest.approx(scaled)


def bowl(given: Weights, diagonal: Tensor, coupling: float = 0.0) -> tuple[Tensor, Tensor]:
    w = given["w"].double().flatten()
    loss = (diagonal * w**2).sum() / 2 + coupling * w[0] * w[1]
    return loss + torch.tensor([1.0, -1.0]), torch.zeros(2)


def test_a_diagonal_quadratic_is_exact_with_a_single_probe() -> None:
    diagonal = torch.tensor([2.0, 8.0, -3.0], dtype=torch.float64)
    kept = {"w": torch.ones(1, 3, dtype=torch.bool)}
    made = curvature.hutchinson(
        [partial(bowl, diagonal=diagonal)], {"w": torch.ones(1, 3)}, kept, 1, 0
    )
    assert torch.equal(made.values["w"][0], diagonal)
    assert made.errors["w"].isnan().all()
    several = curvature.hutchinson(
        [partial(bowl, diagonal=diagonal)], {"w": torch.ones(1, 3)}, kept, 7, 0
    )
    assert (several.errors["w"] == 0).all()
    coupled = curvature.hutchinson(
        [partial(bowl, diagonal=diagonal, coupling=1.0)], {"w": torch.ones(1, 3)}, kept, 1, 0
    )
    assert not torch.equal(coupled.values["w"][0], diagonal)


def test_the_curvature_along_a_path_is_minus_eight_mid_gaps_of_a_quadratic() -> None:
    """H = diag(2, 8) from (1, 0) to (0, 1): the mid gap is -1.25, so d'Hd is 10."""
    batch = partial(bowl, diagonal=torch.tensor([2.0, 8.0], dtype=torch.float64))
    start, end = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    at = [objective.evaluate([batch], {"w": torch.lerp(start, end, a)})[0] for a in (0, 0.5, 1)]
    gap = at[1] - (at[0] + at[2]) / 2
    assert gap == -1.25
    middle = {"w": torch.lerp(start, end, 0.5)}
    assert curvature.along([batch], middle, {"w": end - start}) == -8 * gap == 10


def test_the_curvature_along_a_direction_is_that_of_the_exact_hessian(
    batches: list[Batch], point: dict[str, Tensor]
) -> None:
    hessian = torch.stack(exact(batches, point, DENSE)).sum(0)
    direction = {name: torch.arange(w.numel()).view(w.shape).double() for name, w in point.items()}
    flat = torch.cat([step.flatten() for step in direction.values()])
    expected = float(flat @ hessian @ flat)
    assert curvature.along(batches, point, direction) == pytest.approx(expected)
    alone = {"a": direction["a"]}
    part = direction["a"].flatten() @ hessian[:12, :12] @ direction["a"].flatten()
    assert curvature.along(batches, point, alone) == pytest.approx(float(part))


@pytest.mark.parametrize("kept", [DENSE, PART], ids=["dense", "masked"])
def test_squared_gradients_are_those_of_single_examples(
    batches: list[Batch], point: dict[str, Tensor], kept: dict[str, Tensor]
) -> None:
    made = curvature.fisher(batches, point, kept)
    single = []
    for batch in batches:
        jacobian = torch.func.jacrev(lambda given, batch=batch: batch(given)[0])(point)
        single.append(jacobian)
    for number, (name, mask) in enumerate(kept.items()):
        each = torch.cat([jacobian[name] for jacobian in single]) ** 2 * mask
        torch.testing.assert_close(made.values[name], each.mean(0))
        torch.testing.assert_close(made.errors[name], each.std(0) / 3)
        np.testing.assert_allclose(made.sums[0, :, number], each.sum((1, 2)).numpy())
    mean = torch.cat([jacobian["a"] for jacobian in single]).mean(0)
    assert (made.values["a"] >= mean**2 * kept["a"]).all()


def test_a_scale_that_a_layernorm_absorbs_changes_the_diagonal_and_not_its_scale_free_form() -> (
    None
):
    """Twice the weights give a quarter of the curvature, and the same h * w ** 2."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(8, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (8,), generator=generator)

    def normed(given: Weights) -> tuple[Tensor, Tensor]:
        logits = torch.nn.functional.layer_norm(x @ given["w"].T, (3,), eps=0.0)
        losses = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        return losses, torch.zeros(8)

    w = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    kept = {"w": torch.ones(3, 5, dtype=torch.bool)}
    once, twice = (
        curvature.hutchinson([normed], {"w": scale * w}, kept, 20, 0) for scale in (1, 2)
    )
    torch.testing.assert_close(twice.values["w"], once.values["w"] / 4)
    np.testing.assert_allclose(twice.scaled, once.scaled)


def test_the_diagonal_of_an_encoder_is_exact_within_its_errors(
    encoder: Encoder, prepared: Prepared
) -> None:
    """Forty weights of attention and MLP, beside second derivatives one by one; no weight changes."""
    model = theta.build(encoder, "classification", 2, 0.5, head_init=1)
    before = objective.weights_of(model)
    names = ("encoder.layer.0.attention.self.key.weight", "encoder.layer.1.output.dense.weight")
    kept = {}
    for name, matrix in weights.prunable_parameters(model, encoder).items():
        if name in names:
            mask = torch.zeros(matrix.shape, dtype=torch.bool)
            mask[:4, :5] = True
            kept[f"bert.{name}"] = mask
    batches = objective.batches(model, prepared, prepared.train, 5)
    made = curvature.hutchinson(batches, before, kept, 60, seed=0)

    leaves = {name: before[name].clone().requires_grad_() for name in kept}
    losses = torch.cat([batch({**before, **leaves})[0] for batch in batches])
    gradient = torch.autograd.grad(losses.mean(), [*leaves.values()], create_graph=True)
    diagonal = []
    for first, leaf, mask in zip(gradient, leaves.values(), kept.values(), strict=True):
        for place in mask.nonzero().tolist():
            (second,) = torch.autograd.grad(first[tuple(place)], leaf, retain_graph=True)
            diagonal.append(second[tuple(place)])
    off = (of_kept(made.values, kept) - torch.stack(diagonal)).abs()
    errors = of_kept(made.errors, kept)
    assert (off <= 5 * errors + 1e-7).all()
    assert torch.stack(diagonal).abs().max() > 20 * errors.median()
    assert all(torch.equal(objective.weights_of(model)[name], w) for name, w in before.items())
    assert all(p.grad is None for p in model.parameters())
