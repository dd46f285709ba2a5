"""The straight line between two sets of weights, and how far apart and how far from their start they lie.

Frankle et al. 2020 train two copies of a network from the same weights with other noise, and walk from
one result to the other. Both ends are masked, so the path of copies with one mask stays in its subspace.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import agreement

T = TypeVar("T")
Weights = Mapping[str, Tensor]
"""Tensors by their full names in a model."""
Record = dict[str, float | None]


def places(number: int) -> list[float]:
    """Return evenly spaced places from 0 to 1; with an odd number one half is among them."""
    return [step / (number - 1) for step in range(number)]


def moving(model: nn.Module) -> dict[str, Tensor]:
    """Return the live tensors that a path moves: parameters and buffers of floats, each once."""
    live = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor for name, tensor in live.items() if tensor.is_floating_point()}


def copied(model: nn.Module) -> dict[str, Tensor]:
    """Copy the tensors of `moving` to the CPU, in float32."""
    return {
        name: tensor.detach().to("cpu", torch.float32, copy=True)
        for name, tensor in moving(model).items()
    }


def masked(weights: Weights, mask: Mask | None, prefix: str = "") -> dict[str, Tensor]:
    """Set dropped weights to 0; tensors that the mask does not cover stay.

    Args:
        weights: tensors by their full names.
        mask: the survivors by name in the base model; None drops nothing. A matrix that `weights` lack,
            such as the pooler of a language model, is ignored.
        prefix: what full names have before the name in the base model, such as `bert.`.
    """
    kept = {f"{prefix}{name}": torch.from_numpy(matrix) for name, matrix in (mask or {}).items()}
    return {
        name: weight.masked_fill(~kept[name], 0.0) if name in kept else weight
        for name, weight in weights.items()
    }


def walk(
    model: nn.Module,
    first: Weights,
    second: Weights,
    alphas: Sequence[float],
    measure: Callable[[], T],
) -> list[T]:
    """Set `model` to (1 - alpha) * first + alpha * second for every alpha in turn, and measure it.

    The ends are met exactly, and so are weights that are equal at the ends, all along. The model is in
    evaluation mode meanwhile; afterwards, also after an error, its weights and modes are as before.

    Args:
        model: filled in place, on its device.
        first, second: all tensors of `moving`, as `copied` makes them.
        alphas: places on the path, in [0, 1].
        measure: called at every place; what it returns is listed.

    Raises:
        ValueError: names or shapes of ends and model differ.
    """
    live = moving(model)
    for end in (first, second):
        _check_fits(live, end)
    ends = [
        {name: end[name].to(tensor.device, torch.float32) for name, tensor in live.items()}
        for end in (first, second)
    ]
    before = {name: tensor.detach().clone() for name, tensor in live.items()}
    modes = [(module, module.training) for module in model.modules()]
    model.train(mode=False)
    measured = []
    try:
        for alpha in alphas:
            _fill_(live, {name: torch.lerp(ends[0][name], ends[1][name], alpha) for name in live})
            measured.append(measure())
    finally:
        _fill_(live, before)
        for module, mode in modes:
            module.training = mode
    return measured


def _check_fits(live: Weights, end: Weights) -> None:
    if odd := sorted(live.keys() ^ end.keys()):
        raise ValueError(f"{len(odd)} tensors are in one of model and end only, such as {odd[0]!r}")
    for name, tensor in live.items():
        if end[name].shape != tensor.shape:
            raise ValueError(
                f"{name} has shape {tuple(end[name].shape)} at an end and {tuple(tensor.shape)} in the "
                "model"
            )


def _fill_(live: Weights, source: Weights) -> None:
    with torch.no_grad():
        for name, tensor in live.items():
            tensor.copy_(source[name])


# --- geometry --------------------------------------------------------------------------------


def geometry(
    starts: tuple[Weights, Weights], ends: tuple[Weights, Weights], names: Iterable[str]
) -> Record:
    """Measure over some tensors how far two networks went, how far apart they are, and the angle.

    Starts are m * theta_k: with dropped weights of theta_k in them, these would dominate every travel.

    Args:
        starts: where the two trainings started; equal but for what their seeds draw.
        ends: where they ended, in the same order.
        names: full names of the tensors that count.

    Returns:
        `travel_1`, `travel_2`, `distance` and `start_distance`, Euclidean lengths; `ratio` of distance to
        mean travel; `cosine` and `degrees` between the two ways. The last three are None if there is no
        way. If both start at the same place, distance**2 = t1**2 + t2**2 - 2 * t1 * t2 * cosine.
    """
    squares = dict.fromkeys(("11", "22", "12", "distance", "start"), 0.0)
    for name in names:
        (a0, b0), (a1, b1) = ([pair[0][name], pair[1][name]] for pair in (starts, ends))
        a, b = a1.double() - a0, b1.double() - b0
        for key, left, right in (
            ("11", a, a),
            ("22", b, b),
            ("12", a, b),
            ("distance", gap := b1.double() - a1, gap),
            ("start", gap := b0.double() - a0, gap),
        ):
            squares[key] += float(left.flatten() @ right.flatten())
    first, second, distance, start = (
        math.sqrt(squares[key]) for key in ("11", "22", "distance", "start")
    )
    product, travel = first * second, (first + second) / 2
    cosine = min(1.0, max(-1.0, squares["12"] / product)) if product else None
    return {
        "travel_1": _rounded(first),
        "travel_2": _rounded(second),
        "distance": _rounded(distance),
        "start_distance": _rounded(start),
        "ratio": _rounded(distance / travel) if travel else None,
        "cosine": None if cosine is None else _rounded(cosine),
        "degrees": None if cosine is None else _rounded(math.degrees(math.acos(cosine))),
    }


def _rounded(value: float) -> float:
    """Leave out the last bits of sums, which a processor may add in another order."""
    return float(f"{value:.9g}")


def meeting(first: Mask, second: Mask) -> Record:
    """Measure what two masks share: inside a path between unlike masks, more weights are not 0.

    Returns:
        `density_1`, `density_2`, and `union` and `shared`, the shares of all prunable weights that either
        mask or both keep; `jaccard`, which is shared by union. Two masks of density d have the union
        2d / (1 + jaccard). `nested` is 1 if a mask lies in the other, else 0.
    """
    masks.check_same_matrices(first, second)
    total, sizes = masks.num_weights(first), [masks.num_survivors(mask) for mask in (first, second)]
    shared = sum(int(np.count_nonzero(first[name] & second[name])) for name in first)
    return {
        "density_1": _rounded(sizes[0] / total),
        "density_2": _rounded(sizes[1] / total),
        "union": _rounded((sum(sizes) - shared) / total),
        "shared": _rounded(shared / total),
        "jaccard": _rounded(agreement.jaccard(first, second).value),
        "nested": float(shared == min(sizes)),
    }
