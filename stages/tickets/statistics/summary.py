"""Scores over seeds: means, intervals and paired differences."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar, get_type_hints

from scipy.special import stdtr, stdtrit  # scipy.stats says the same and takes a second to load

Row = TypeVar("Row")
Key = TypeVar("Key")
Cell = str | bool | int | float | None
Seed = int | None
"""None: nothing in it depends on a seed."""
SELECTION = "selection"
VALIDATION = "validation"
BY_POINT = ("rewind", "transfer_weights")
"""Kinds of runs that differ in the point of the dense training that they start from."""
BY_ROUND = ("imp", "random", "control", "standard", "aliased", "cross", "transfer")
"""Kinds of runs that differ in the round of their mask."""


@dataclass(frozen=True)
class Summary:
    """Mean, sample standard deviation and interval of the mean over n seeds; None for n = 1."""

    mean: float
    std: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.high is None else self.high - self.mean


@dataclass(frozen=True)
class Difference(Summary):
    """Summary of paired differences, and the two-sided p value of the paired t test."""

    p: float | None
    """None where t is not defined: one pair, or all differences equal."""


def summarize(values: Collection[float], confidence: float) -> Summary:
    """Mean of `values`, with the interval of Student's t for `confidence`.

    The interval is mean +- t(1 - (1 - confidence) / 2, n - 1) * std / sqrt(n), with the standard
    deviation over n - 1. The order of the values does not matter, not even in the last bit.

    Args:
        values: one score per seed, at least one.
        confidence: of the interval, in (0, 1).

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    n = len(values)
    if n == 0:
        raise ValueError("got no value to summarize")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"got the value {value}, need finite ones")
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(mean, None, None, None, n)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * std / math.sqrt(n)
    return Summary(mean, std, mean - half, mean + half, n)


def compare(
    first: Mapping[Key, float], second: Mapping[Key, float], confidence: float
) -> Difference | None:
    """First minus second, seed by seed, over the seeds that both have.

    Returns:
        The summary of the differences with the p value of the paired t test against 0; None where
        they have no seed in common.
    """
    differences = [first[seed] - second[seed] for seed in first if seed in second]
    return summarize_differences(differences, confidence) if differences else None


def summarize_differences(differences: Collection[float], confidence: float) -> Difference:
    """The summary of paired differences, with the two-sided t test of their mean against 0.

    Differences that are equal up to rounding (std below 1e-12) count as equal: t has no value.
    """
    found = summarize(differences, confidence)
    p = None
    if found.std is not None and found.std > 1e-12:
        t = found.mean / (found.std / math.sqrt(found.n))
        p = 2 * float(stdtr(found.n - 1, -abs(t)))
    return Difference(found.mean, found.std, found.low, found.high, found.n, p)


# --- the tables that other stages write ------------------------------------------------------


@dataclass(frozen=True)
class Score:
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


class Run(NamedTuple):
    """What was trained: `at` is the round, of `rewind` and `transfer_weights` the point, and else 0.

    `source`: kind of a control, task or name of a mask, seed of a mask, or name of a subnetwork.
    """

    task: str
    kind: str
    at: int = 0
    source: str = ""


class Scores:
    """scores.csv by run, split and metric."""

    def __init__(self, rows: Iterable[Score]) -> None:
        """Raises: ValueError: the same score comes twice."""
        self.metrics: dict[str, str] = {}
        """The headline metric of every task."""
        self.others: dict[tuple[str, str, str], None] = {}
        """Task, split and metric of all other scores; a dict for its order."""
        self._scores: dict[tuple[Run, str, str], dict[Seed, float]] = {}
        self._collapsed: dict[Run, set[Seed]] = {}
        for row in rows:
            at = row.point if row.kind in BY_POINT else row.round
            has_at = row.kind in (*BY_POINT, *BY_ROUND)
            run = Run(row.task, row.kind, (at or 0) if has_at else 0, row.source)
            if row.headline:
                self.metrics[row.task] = row.metric
            if row.split == VALIDATION and row.collapsed:
                self._collapsed.setdefault(run, set()).add(row.seed)
            if row.metric != "loss" and row.split != SELECTION:
                self.others[row.task, row.split, row.metric] = None
            by_seed = self._scores.setdefault((run, row.split, row.metric), {})
            if row.seed in by_seed:
                raise ValueError(f"{run}, {row.split}, {row.metric}, seed {row.seed} comes twice")
            by_seed[row.seed] = row.score
        for task, metric in self.metrics.items():
            self.others.pop((task, VALIDATION, metric), None)

    def of(self, run: Run, split: str = VALIDATION, metric: str = "") -> dict[Seed, float]:
        """Scores by seed, in the headline metric if none is named; empty where nothing ran."""
        metric = metric or self.metrics.get(run.task, "")
        return self._scores.get((run, split, metric), {})

    def summary(
        self, run: Run, confidence: float, split: str = VALIDATION, metric: str = ""
    ) -> Summary | None:
        """Over all seeds of the run; None where nothing ran."""
        values = self.of(run, split, metric).values()
        return summarize(values, confidence) if values else None

    def compare(self, first: Run, second: Run, confidence: float) -> Difference | None:
        """First minus second over the seeds of both; None where they have none in common."""
        return compare(self.of(first), self.of(second), confidence)

    def collapsed(self, run: Run) -> int:
        """How many seeds ended in a model that predicts one class or a constant."""
        return len(self._collapsed.get(run, ()))

    def has(self, kind: str) -> bool:
        """Whether anything of this kind ran."""
        return any(run.kind == kind for run, _, _ in self._scores)
