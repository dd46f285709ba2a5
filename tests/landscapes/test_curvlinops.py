"""Our second derivatives beside those of curvlinops, which computes them by code of its own."""

import warnings
from functools import partial
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from stages.tickets.landscapes import curvature
from stages.tickets.training.objective import Weights

PROBES = 400


@pytest.fixture(scope="module")
def curvlinops() -> ModuleType:
    with warnings.catch_warnings():  # about what torch has deprecated
        warnings.simplefilter("ignore")
        module: ModuleType = pytest.importorskip("curvlinops", exc_type=ImportError)
    return module


def losses(given: Weights, net: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    logits = torch.func.functional_call(net, dict(given), (x,))
    made = nn.functional.cross_entropy(logits, y, reduction="none")
    return made, torch.zeros_like(made)


@pytest.mark.filterwarnings("ignore")
def test_the_hessian_of_curvlinops_has_our_diagonal_and_our_directions(
    curvlinops: ModuleType,
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 2, bias=False))
        net = net.double()
        x, y = torch.randn(9, 4, dtype=torch.float64), torch.randint(0, 2, (9,))
        direction = torch.randn(18, dtype=torch.float64)
    data = [(x[:6], y[:6]), (x[6:], y[6:])]
    hessian = curvlinops.HessianLinearOperator(
        net, nn.CrossEntropyLoss(), list(net.parameters()), data
    )
    dense = hessian @ torch.eye(18, dtype=torch.float64)
    batches = [partial(losses, net=net, x=some, y=labels) for some, labels in data]
    weights = {name: p.detach() for name, p in net.named_parameters()}
    kept = {name: torch.ones_like(p, dtype=torch.bool) for name, p in weights.items()}
    made = curvature.hutchinson(batches, weights, kept, PROBES, seed=0)
    values, errors = (
        torch.cat([part.flatten() for part in of.values()]) for of in (made.values, made.errors)
    )
    assert ((values - dense.diagonal()).abs() <= 5 * errors).all()
    assert dense.diagonal().abs().max() > 10 * errors.median()
    parts = direction.split([p.numel() for p in weights.values()])
    steps = {
        name: part.view(p.shape) for (name, p), part in zip(weights.items(), parts, strict=True)
    }
    along = curvature.along(batches, weights, steps)
    assert along == pytest.approx(float(direction @ dense @ direction))
