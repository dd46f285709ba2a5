"""Rows about curvature: for every matrix, every layer, every type of matrix, and all of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.landscapes.curvature import Diagonal

ALL = "all"
COLUMNS = (
    "layer", "matrix", "size", "kept", "sum", "sum_error", "scaled", "scaled_error", "positive",
    "negative", "surely_negative", "relative_error", "fisher", "fisher_error", "fisher_scaled",
    "fisher_scaled_error",
)  # fmt: skip
"""Columns of the rows. Values without `scaled` are about h, the diagonal of the Hessian, or g ** 2; those
with it about h * w ** 2. Sums are over the kept weights, each with its standard error."""
SURE = 2.0
"""Standard errors below 0 from which on an estimate counts as surely negative."""


def rows(
    hessian: Diagonal, fisher: Diagonal, kept: Mapping[str, Tensor]
) -> Iterator[dict[str, Any]]:
    """List what the two diagonals amount to in each group of matrices.

    A probe touches all matrices at once, so errors of sums are those of the sums by probe, not those of
    single matrices put together.

    Args:
        hessian: Hutchinson's estimate.
        fisher: the squared gradients.
        kept: masks of the same matrices by name, in the same order.
    """
    names = [*kept]
    for (layer, matrix), group in groups(names).items():
        chosen = [names[number] for number in group]
        inside = [kept[name] for name in chosen]
        values, errors = (
            torch.cat([of[name][kept[name]] for name in chosen]).cpu().numpy()
            for of in (hessian.values, hessian.errors)
        )
        row: dict[str, Any] = {
            "layer": layer,
            "matrix": matrix,
            "size": sum(mask.numel() for mask in inside),
            "kept": len(values),
        }
        for name, samples in (
            ("sum", hessian.sums),
            ("scaled", hessian.scaled),
            ("fisher", fisher.sums),
            ("fisher_scaled", fisher.scaled),
        ):
            row[name], row[f"{name}_error"] = total(samples[:, :, group].sum(-1))
        row["positive"] = float(values.clip(min=0).sum())
        row["negative"], row["surely_negative"], row["relative_error"] = _signs(values, errors)
        yield row


def total(samples: NDArray[np.float64]) -> tuple[float, float]:
    """Add up the means over samples of all batches; return the sum and its standard error.

    Args:
        samples: independent samples, (batches, samples); with a single sample there is no error, NaN.
    """
    number = samples.shape[1]
    if number < 2:
        return float(samples.mean(1).sum()), float("nan")
    variance = samples.var(1, ddof=1).sum() / number
    return float(samples.mean(1).sum()), float(np.sqrt(variance))


def _signs(values: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the shares of negative and surely negative values, and the typical error of a value.

    The error is the root of the mean squared error over that of the mean squared value; from about 1 on,
    values of single weights are noise.
    """
    if not len(values):
        return 0.0, 0.0, 0.0
    size = float(np.sqrt(np.mean(values**2)))
    noise = float(np.sqrt(np.mean(errors**2)))
    surely = float(np.mean(values + SURE * errors < 0))
    return float(np.mean(values < 0)), surely, noise / size if size else 0.0


def groups(names: Sequence[str]) -> dict[tuple[int | None, str], list[int]]:
    """Group matrices, by their places in `names`, by layer and type; a pooler has no layer.

    The key (None, type) is for a type in all layers, (layer, all) for a layer, (None, all) for all.
    """
    made: dict[tuple[int | None, str], list[int]] = {}
    for number, name in enumerate(names):
        inside = re.search(r"\.(\d+)\.(.+)\.weight$", name)
        layer = int(inside[1]) if inside else None
        matrix = inside[2] if inside else ".".join(name.split(".")[-3:-1])  # pooler.dense
        for place in dict.fromkeys([(layer, matrix), (layer, ALL), (None, matrix), (None, ALL)]):
            made.setdefault(place, []).append(number)
    return made
