"""Planes in weight space: where their points lie, and the loss over a grid of them.

A plane is given by three of its points. Point (x, y) is (1 - x - y) * origin + x * first + y * second, in
float64 and then rounded to float32. So the three points are themselves bit by bit, a weight that is equal
in all three is the same everywhere, and a weight that is 0 in all three stays 0.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from stages.tickets.landscapes import directions
from stages.tickets.training.objective import Batch, Weights, evaluate

Coordinates = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Three points of a plane, each with the same names; weights that are not named do not move."""

    origin: Weights
    first: Weights
    """The point (1, 0)."""
    second: Weights
    """The point (0, 1)."""

    def at(self, x: float, y: float) -> dict[str, Tensor]:
        """Return the weights of the point (x, y), float32."""
        parts = [(1 - x - y, self.origin), (x, self.first), (y, self.second)]
        there = [(share, weights) for share, weights in parts if share]
        made = {}
        for name in self.origin:
            terms = [share * weights[name].double() for share, weights in there]
            made[name] = sum(terms[1:], terms[0]).float()
        return made


@dataclass(frozen=True)
class Place:
    """The point of a plane that is nearest to some weights."""

    x: float
    y: float
    off: float
    """Distance of the weights from the plane, as a share of their distance from the origin; 0 at it."""


@dataclass(frozen=True)
class Surface:
    """Losses and errors over a grid, (points of y, points of x)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    loss: NDArray[np.float64]
    error: NDArray[np.float64]


def around(weights: Weights, kept: Mapping[str, Tensor], seeds: tuple[int, int]) -> Plane:
    """Span a plane by two random directions around weights, which become its origin.

    Args:
        weights: all weights by name, dropped ones 0.
        kept: masks by name, bool, see `directions.random`.
        seeds: of the two directions.
    """
    first, second = (directions.random(weights, kept, seed) for seed in seeds)
    origin = {name: weights[name] for name in first}

    def moved(direction: Weights) -> dict[str, Tensor]:
        return {name: origin[name].double() + step for name, step in direction.items()}

    return Plane(origin, moved(first), moved(second))


def through(theta_0: Weights, first: Weights, second: Weights, kept: Mapping[str, Tensor]) -> Plane:
    """Span the plane through theta_0 and two networks that were trained from it.

    Its axes are W - m * theta_0 as they are, neither orthogonal nor of one length, so tick 1 of each axis
    is a network (Hao et al. 2019). The mask m keeps the plane of subnetworks among their weights.

    Args:
        theta_0: all weights at the start, by name.
        first, second: all weights of the networks, by the same names.
        kept: masks by name, bool; a matrix without a mask keeps all of its weights.
    """
    origin = {name: w * kept[name] if name in kept else w for name, w in theta_0.items()}
    return Plane(origin, first, second)


def place(plane: Plane, weights: Weights) -> Place:
    """Project weights to a plane by least squares over all weights that the plane names.

    Raises:
        ValueError: the axes of the plane have one direction or none, so a point has no coordinates.
    """

    ends = plane.first, plane.second, weights

    def moves() -> Iterator[Tensor]:
        for name, start in plane.origin.items():
            yield torch.stack([end[name].double() - start.double() for end in ends]).flatten(1)

    products = sum((move @ move.T for move in moves()), torch.zeros(())).cpu().numpy()
    norms = products.diagonal()
    if products[0, 1] ** 2 >= (1 - 1e-12) * norms[0] * norms[1]:
        raise ValueError("the axes of the plane have one direction, allowed are two")
    x, y = np.linalg.solve(products[:2, :2], products[:2, 2]).tolist()
    left = torch.tensor([-x, -y, 1.0], dtype=torch.float64)
    off = math.sqrt(sum(float(((left.to(move.device) @ move) ** 2).sum()) for move in moves()))
    far = math.sqrt(norms[2])
    return Place(x, y, off / far if far > 0 else 0.0)


def surface(
    plane: Plane, batches: Sequence[Batch], x: Coordinates, y: Coordinates, name: str = ""
) -> Surface:
    """Evaluate every point of a grid on the same batches.

    Args:
        plane: its points are evaluated.
        batches: the examples.
        x, y: coordinates of the grid.
        name: shown beside the progress.
    """
    points = [(at_x, at_y) for at_y in y for at_x in x]
    values = [
        evaluate(batches, plane.at(*point))
        for point in tqdm(points, name, unit="point", mininterval=5)
    ]
    loss, error = np.array(values).reshape(len(y), len(x), 2).transpose(2, 0, 1)
    return Surface(np.array(x), np.array(y), loss, error)
