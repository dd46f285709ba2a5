"""Rows of the tables that stages write and papers published, as the report reads them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar, get_type_hints

from stages.tickets.statistics.intervals import Seed

Row = TypeVar("Row")
Cell = str | bool | int | float | None


@dataclass(frozen=True)
class ScoreRow:
    """A row of scores.csv."""

    task: str
    kind: str
    seed: Seed
    round: int | None
    sparsity: float | None
    point: int | None
    source: str
    split: str
    metric: str
    headline: bool
    score: float
    collapsed: bool


@dataclass(frozen=True)
class TaskSize:
    """A row of tasks.csv: examples of a task by split; labels: classes, 1 for a score, 0 for words."""

    task: str
    kind: str
    labels: int
    metrics: str
    train: int
    selection: int
    validation: int


@dataclass(frozen=True)
class Agreement:
    """A row of agreement.csv."""

    axis: str
    round: int
    sparsity: float
    first: str
    second: str
    seeds: str
    measure: str
    value: float
    floor: float
    floor_by_matrix: float


@dataclass(frozen=True)
class Movement:
    """A row of movement.csv: how far a round moved weights, and its mask beside the one-shot mask."""

    task: str
    seed: int
    round: int
    """Of the mask; the round before it was trained."""
    sparsity: float
    steps: int
    """Of the optimizer, from theta_i on."""
    prunable: int
    largest: float
    """Distance of a survivor from theta_i."""
    move_50: float
    """Not exceeded by half of the survivors."""
    threshold_pretrained: float
    """Magnitude of the largest pre-trained weight that the one-shot mask drops."""
    exchanged: int
    """Weights that the one-shot mask keeps and this one drops; as many the other way round."""
    most_exchanged: int
    """At most, given the largest distance from theta_0."""
    jaccard: float
    jaccard_at_least: float
    rates_distance: float
    """Sum of the learning rates."""
    rates_jaccard_at_least: float

    @property
    def kept(self) -> int:
        """Weights of the mask."""
        return round((1 - self.sparsity) * self.prunable)


@dataclass(frozen=True)
class Kept:
    """A row of layers.csv: survivors of one matrix; no layer for the pooler."""

    task: str
    seed: int
    round: int
    sparsity: float
    layer: int | None
    matrix: str
    size: int
    kept: int


@dataclass(frozen=True)
class Searched:
    """A row of searched.csv: what one search kept; of weights the share, else numbers."""

    task: str
    seed: int
    variant: str
    heads: int | None
    all_heads: int | None
    mlps: int | None
    all_mlps: int | None
    kept: float | None
    steps: int
    dense_score: float
    score: float


@dataclass(frozen=True)
class StructureAgreement:
    """A row of the agreement of structures; no p but of Cochran's Q, which has nothing else."""

    axis: str
    variant: str
    task: str
    seed: str
    part: str
    masks: int
    measure: str
    value: float
    floor: float | None
    upper: float | None
    p: float | None


@dataclass(frozen=True)
class Place:
    """A row of places.csv: a head, or an MLP without `head`; no task: over all of them."""

    variant: str
    task: str
    part: str
    layer: int
    head: int | None
    mean: float
    std: float | None
    n: int


@dataclass(frozen=True)
class Overlap:
    """A row of overlaps.csv: how many heads or MLPs two tasks both keep; for one task its size."""

    of: str
    part: str
    first: str
    second: str
    mean: float
    std: float | None
    n: int


@dataclass(frozen=True)
class Importance:
    """A row of importance.csv: a head, or an MLP without `head`, of one fine-tuned model."""

    task: str
    seed: int
    part: str
    layer: int
    head: int | None
    importance: float
    magnitude: float
    first_dropped: bool
    kept: bool


@dataclass(frozen=True)
class WeightsOfLayer:
    """A row of layers.csv of the magnitude search: weights and biases of one layer."""

    task: str
    seed: int
    layer: int
    size: int
    kept: int


@dataclass(frozen=True)
class Published:
    """A row of published/prasanna2020.csv: mean and sample standard deviation over n seeds."""

    task: str
    kind: str
    source: str
    metric: str
    mean: float
    std: float | None
    n: int


@dataclass(frozen=True)
class PublishedStructure:
    """A row of published/prasanna2020_structure.csv: a number of a task, over n seeds."""

    task: str
    quantity: str
    value: float
    n: int


@dataclass(frozen=True)
class Size:
    """A row of subnetworks.csv: what a subnetwork keeps, and what of it the good one keeps."""

    task: str
    seed: int
    kind: str
    subnetwork: str
    kept: int
    prunable: int
    heads: int | None
    all_heads: int | None
    mlps: int | None
    all_mlps: int | None
    heads_of_good_too: int | None
    mlps_of_good_too: int | None
    flops: int | None
    """Of the layers in a forward pass of an example of mean length."""
    all_flops: int | None
    kept_by_good_too: int | None


@dataclass(frozen=True)
class HansScore:
    """A row of hans.csv: how often a run is right in one subcase of HANS; `entailed`: the truth."""

    task: str
    kind: str
    seed: Seed
    round: int | None
    sparsity: float | None
    point: int | None
    source: str
    heuristic: str
    entailed: bool
    subcase: str
    accuracy: float
    num_examples: int
    origin: str


def parse(kind: type[Row], rows: Iterable[Mapping[str, str]]) -> list[Row]:
    """Rows of text as rows of `kind`; columns that it does not name are left out.

    Raises:
        ValueError: a column is missing, or a cell is not what the column holds.
    """
    hints = get_type_hints(kind)
    found = []
    for number, row in enumerate(rows, start=1):
        cells: dict[str, Cell] = {}
        for field in fields(kind):  # type: ignore[arg-type]
            text = row.get(field.name)
            if text is None:
                raise ValueError(f"row {number} has no column {field.name!r}")
            try:
                cells[field.name] = _value(text, hints[field.name])
            except ValueError:
                raise ValueError(f"row {number} has {field.name} {text!r}") from None
        found.append(kind(**cells))
    return found


def _value(text: str, hint: object) -> Cell:
    if hint is str:
        return text
    if hint is bool:
        if text not in ("True", "False"):
            raise ValueError
        return text == "True"
    if hint in (int | None, float | None) and text == "":
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    if hint in (int, int | None):
        if value != int(value):  # a column with empty cells may hold 3.0
            raise ValueError
        return int(value)
    return value
