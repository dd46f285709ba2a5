"""Planes: their three points bit by bit, what stays, projections, and a bowl as worked by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.tickets.landscapes import planes
from stages.tickets.landscapes.planes import Place, Plane
from stages.tickets.training import objective
from stages.tickets.training.objective import Weights

GRID = (-1.0, -0.5, 0.0, 0.5, 1.0)


def draws(seed: int, scale: float = 1.0) -> dict[str, Tensor]:
    """Weights of all magnitudes, from 1e-8 to 100."""
    generator = torch.Generator().manual_seed(seed)
    size = 10 ** (10 * torch.rand(40, 30, generator=generator) - 8)
    signs = torch.randn(40, 30, generator=generator).sign()
    return {"w": scale * size * signs, "b": torch.randn(40, generator=generator)}


def test_the_three_points_of_a_plane_are_themselves_bit_by_bit() -> None:
    origin, first, second = draws(0), draws(1), draws(2)
    plane = planes.through(origin, first, second, {})
    for point, weights in (((0, 0), origin), ((1, 0), first), ((0, 1), second)):
        for name, made in plane.at(*point).items():
            assert made.dtype == torch.float32
            assert made.numpy().tobytes() == weights[name].numpy().tobytes()


def test_weights_that_are_equal_in_all_points_stay_and_others_move() -> None:
    origin, first, second = draws(0), draws(1), draws(2)
    for weights in (first, second):
        weights["b"] = origin["b"].clone()
    plane = planes.through(origin, first, second, {})
    for x, y in ((0.3, 0.1), (-0.5, 1.5), (1 / 3, 1 / 3)):
        moved = plane.at(x, y)
        assert torch.equal(moved["b"], origin["b"])
        assert not torch.equal(moved["w"], origin["w"])


def test_the_plane_of_subnetworks_stays_inside_their_mask() -> None:
    kept = {"w": torch.rand(40, 30, generator=torch.Generator().manual_seed(3)) < 0.4}
    first, second = ({**draws(seed), "w": draws(seed)["w"] * kept["w"]} for seed in (1, 2))
    plane = planes.through(draws(0), first, second, kept)
    for x, y in ((0, 0), (0.7, 0.6), (-0.5, 1.5)):
        assert (plane.at(x, y)["w"][~kept["w"]] == 0).all()
    assert torch.equal(plane.at(0, 0)["w"][kept["w"]], draws(0)["w"][kept["w"]])


def test_a_random_plane_has_the_weights_in_its_centre_and_their_norms_one_step_from_it() -> None:
    weights = draws(0)
    plane = planes.around(weights, {}, (1, 2))
    assert plane.origin.keys() == {"w"}  # a bias does not move
    assert plane.at(0, 0)["w"].numpy().tobytes() == weights["w"].numpy().tobytes()
    for point in ((1, 0), (0, -1)):
        step = plane.at(*point)["w"].double() - weights["w"].double()
        torch.testing.assert_close(
            step.norm(dim=1), weights["w"].double().norm(dim=1), rtol=1e-6, atol=0
        )
    other = planes.around(weights, {}, (1, 3))
    assert torch.equal(other.at(1, 0)["w"], plane.at(1, 0)["w"])
    assert not torch.equal(other.at(0, 1)["w"], plane.at(0, 1)["w"])


def test_a_projection_is_by_least_squares_to_axes_that_are_not_orthogonal() -> None:
    """The axes are (1, 0, 0) and (1, 1, 0): (3, 2, 0) is 1 and 2 of them, (3, 2, 6) lies 6 off."""

    def point(*values: float) -> dict[str, Tensor]:
        return {"w": torch.tensor(values) + 5}

    plane = planes.through(point(0, 0, 0), point(1, 0, 0), point(1, 1, 0), {})
    inside = planes.place(plane, point(3, 2, 0))
    assert (inside.x, inside.y, inside.off) == pytest.approx((1, 2, 0))
    beside = planes.place(plane, point(3, 2, 6))
    assert (beside.x, beside.y, beside.off) == pytest.approx((1, 2, 6 / 7))
    assert planes.place(plane, point(0, 0, 0)) == Place(0, 0, 0)
    ends = [planes.place(plane, weights) for weights in (plane.first, plane.second)]
    assert [(end.x, end.y, end.off) for end in ends] == [
        pytest.approx((1, 0, 0)), pytest.approx((0, 1, 0))
    ]  # fmt: skip


def test_a_plane_of_one_direction_is_refused() -> None:
    origin, first = draws(0), draws(1)
    line = Plane(origin, first, {name: 2 * w - origin[name] for name, w in first.items()})
    with pytest.raises(ValueError, match="one direction"):
        planes.place(line, draws(2))


def bowl(weights: Weights, hessian: Tensor) -> tuple[Tensor, Tensor]:
    """The loss w'Hw / 2 of two examples, which differ by 1 and -1, with a constant error."""
    w = weights["w"].double().flatten()
    return w @ hessian @ w / 2 + torch.tensor([1.0, -1.0]), torch.full((2,), 0.25)


def test_a_quadratic_bowl_has_the_contours_of_its_hessian() -> None:
    hessian = torch.diag(torch.tensor([2.0, 8.0], dtype=torch.float64))
    points = [{"w": torch.tensor(values)} for values in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))]
    plane = planes.through(points[0], points[1], points[2], {})
    made = planes.surface(plane, [partial(bowl, hessian=hessian)], GRID, GRID[1:])
    x, y = np.meshgrid(GRID, GRID[1:])
    np.testing.assert_allclose(made.loss, x**2 + 4 * y**2, atol=1e-15)
    assert made.loss.shape == (4, 5)
    assert (made.error == 0.25).all()
    assert (list(made.x), list(made.y)) == (list(GRID), list(GRID[1:]))


def test_batches_of_unlike_size_count_by_their_examples() -> None:
    def constant(weights: Weights, values: tuple[float, ...]) -> tuple[Tensor, Tensor]:
        return weights["w"].sum() * 0 + torch.tensor(values), torch.zeros(len(values))

    both = [partial(constant, values=(1.0, 1.0, 1.0)), partial(constant, values=(5.0,))]
    assert objective.evaluate(both, {"w": torch.zeros(1)}) == (2.0, 0.0)
