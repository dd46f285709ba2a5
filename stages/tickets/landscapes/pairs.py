"""Two networks trained from one start: where theta_i lies in their plane, and the path between them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from stages.tickets.landscapes import curvature, planes
from stages.tickets.landscapes.planes import Plane
from stages.tickets.training.objective import Batch, Weights, evaluate

MARKS = ("name", "x", "y", "off", "loss", "error")
"""Columns of the rows of `marks`."""


def marks(
    plane: Plane,
    batches: Sequence[Batch],
    seeds: tuple[int, int],
    weights: Mapping[str, Weights],
) -> Iterator[dict[str, Any]]:
    """List points in the plane of two networks, and others that are projected to it.

    Loss and error are those of the weights themselves, not of their places in the plane.

    Args:
        plane: made by `planes.through`.
        batches: the examples.
        seeds: seeds of the first and the second network.
        weights: weights to project, by what they are called.
    """
    middle = plane.at(0.5, 0.5)
    named = {
        f"theta_0, seed {seeds[0]}": plane.origin,
        f"network, seed {seeds[0]}": plane.first,
        f"network, seed {seeds[1]}": plane.second,
        "mean of both": middle,
        **weights,
    }
    for name, of in named.items():
        at = planes.place(plane, of)
        loss, error = evaluate(batches, of)
        yield {
            "name": name,
            "x": round(at.x, 6),
            "y": round(at.y, 6),
            "off": round(at.off, 6),
            "loss": loss,
            "error": error,
        }


def path(plane: Plane, batches: Sequence[Batch], kept: Mapping[str, Tensor]) -> dict[str, float]:
    """Measure the straight path between two networks: its middle, and the curvature there.

    Args:
        plane: made by `planes.through`.
        batches: the examples.
        kept: masks by name, bool; weights that either network keeps.

    Returns:
        `mid_gap`: the loss in the middle minus the mean loss of the ends, below 0 in a bowl. `curvature`:
        d'Hd in the middle, d the way between the ends; -8 mid gaps for a quadratic loss. `length`: the
        norm of d. `density`: the share of prunable weights that either network keeps.
    """
    middle = plane.at(0.5, 0.5)
    way = {name: plane.second[name].double() - plane.first[name].double() for name in middle}
    (at_first, _), (at_middle, _), (at_second, _) = (
        evaluate(batches, of) for of in (plane.first, middle, plane.second)
    )
    masks = kept.values()
    return {
        "curvature": curvature.along(batches, middle, way),
        "density": sum(float(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks),
        "length": sum(float((step**2).sum()) for step in way.values()) ** 0.5,
        "mid_gap": at_middle - (at_first + at_second) / 2,
    }
