"""Analysis of variance: the shares of the variance of scores due to the mask and to the training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc  # scipy.stats has it too, but takes a second to load


@dataclass(frozen=True)
class Effect:
    """The effect of a part of a table: of its rows, its columns, or the rest."""

    share: float
    """Share of the sum of squares around the mean of all cells, in [0, 1]."""
    chance: float
    """Expected share if cells are independent and alike: the share of the degrees of freedom."""
    std: float
    """Standard deviation of the effect: root of (mean square - mean square of rest) / cells, or 0."""
    p: float | None
    """p value of the F test against the rest; None for the rest itself, and if there is no rest."""


@dataclass(frozen=True)
class TwoWay:
    """The effects of rows and of columns, and the rest that neither explains."""

    rows: Effect
    columns: Effect
    rest: Effect


def two_way(cells: Sequence[Sequence[float]]) -> TwoWay | None:
    """Analyse the variance of a table with one score per cell: cell = mean + row + column + rest.

    With one score per cell the rest holds the interaction of row and column together with noise.

    Args:
        cells: scores by row and column; every row has the same number of columns.

    Returns:
        The effects; None if all cells are equal up to 1e-12, or there is only one row or column.

    Raises:
        ValueError: rows differ in length.
    """
    if len({len(row) for row in cells}) > 1:
        raise ValueError(f"rows have {[len(row) for row in cells]} cells, need as many in each")
    table = np.array(cells, np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or np.ptp(table) <= 1e-12:
        return None
    num_rows, num_columns = table.shape
    mean = table.mean()
    rows, columns = table.mean(1, keepdims=True), table.mean(0, keepdims=True)
    squares = {
        "rows": num_columns * float(((rows - mean) ** 2).sum()),
        "columns": num_rows * float(((columns - mean) ** 2).sum()),
        "rest": float(((table - rows - columns + mean) ** 2).sum()),
    }
    freedom = {
        "rows": num_rows - 1,
        "columns": num_columns - 1,
        "rest": (num_rows - 1) * (num_columns - 1),
    }
    cells_per = {"rows": num_columns, "columns": num_rows, "rest": 1}
    total, all_freedom = sum(squares.values()), sum(freedom.values())
    rest = squares["rest"] / freedom["rest"]

    def effect(name: str) -> Effect:
        square = squares[name] / freedom[name]
        share, chance = squares[name] / total, freedom[name] / all_freedom
        if name == "rest":
            return Effect(share, chance, rest**0.5, None)
        std = max(square - rest, 0.0) / cells_per[name]
        p = float(fdtrc(freedom[name], freedom["rest"], square / rest)) if rest > 1e-24 else None
        return Effect(share, chance, std**0.5, p)

    return TwoWay(effect("rows"), effect("columns"), effect("rest"))
