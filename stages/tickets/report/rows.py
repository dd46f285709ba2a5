"""Rows of the tables that stages write and papers published, as the report reads them."""

import csv
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, TypeVar, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)
Number = Annotated[float, Field(allow_inf_nan=False)]


def read(path: Path, kind: type[Row], unique: Iterable[str] = ()) -> list[Row]:
    """Read the rows of a csv file as dataclasses of `kind`; columns that it does not name are left out.

    An empty cell of a column that may be empty is None.

    Raises:
        ValueError: a column is missing, a cell is not what the column holds, or two rows have the same
            value in a `unique` column; the message names the file, the rows, counted from 1, and the
            column.
    """
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    with path.open(encoding="utf-8", newline="") as file:
        content = list(csv.DictReader(file))
    for name in names:
        if content and content[0].get(name) is None:
            raise ValueError(f"{path}: there is no column {name!r}")
    for name in unique:
        seen: dict[str, int] = {}
        for second, row in enumerate(content, 1):
            if (first := seen.setdefault(row[name], second)) != second:
                twins = f"rows {first} and {second} have the same {name} {row[name]!r}"
                raise ValueError(f"{path}: {twins}; remove one of the rows")
    cells = [
        {name: None if row[name] == "" and hints[name] is not str else row[name] for name in names}
        for row in content
    ]
    try:
        return TypeAdapter(list[kind]).validate_python(cells)  # type: ignore[valid-type]
    except ValidationError as error:
        number, column = error.errors(include_url=False)[0]["loc"][:2]
        text = content[int(number)][str(column)]
        raise ValueError(f"{path}: row {int(number) + 1} has {column} {text!r}") from None


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Group rows by their key, each group in the order of the rows."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


@dataclass(frozen=True)
class ScoreRow:
    """A row of scores.csv."""

    task: str
    kind: str
    seed: int | None
    round: int | None
    sparsity: Number | None
    point: int | None
    source: str
    split: str
    metric: str
    headline: bool
    score: Number
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
    empty_texts: int = 0


@dataclass(frozen=True)
class Agreement:
    """A row of agreement.csv."""

    axis: str
    round: int
    sparsity: Number
    first: str
    second: str
    seeds: str
    measure: str
    value: Number
    floor: Number
    floor_by_matrix: Number


@dataclass(frozen=True)
class Movement:
    """A row of movement.csv: how far a round moved weights, and its mask beside the one-shot mask."""

    task: str
    seed: int
    round: int
    """Of the mask; the round before it was trained."""
    sparsity: Number
    steps: int
    """Of the optimizer, from theta_i on."""
    prunable: int
    largest: Number
    """Distance of a survivor from theta_i."""
    move_50: Number
    """Not exceeded by half of the survivors."""
    threshold_pretrained: Number
    """Magnitude of the largest pre-trained weight that the one-shot mask drops."""
    exchanged: int
    """Weights that the one-shot mask keeps and this one drops; as many the other way round."""
    most_exchanged: int
    """At most, given the largest distance from theta_0."""
    jaccard: Number
    jaccard_at_least: Number
    rates_distance: Number
    """Sum of the learning rates."""
    rates_jaccard_at_least: Number

    @property
    def kept(self) -> int:
        """Weights of the mask."""
        return round((1 - self.sparsity) * self.prunable)

    @property
    def could_differ(self) -> float:
        """Share of the kept weights that could be others than the one-shot mask keeps."""
        return self.most_exchanged / self.kept

    @property
    def differs(self) -> float:
        """Share of the kept weights that are others."""
        return self.exchanged / self.kept


@dataclass(frozen=True)
class Kept:
    """A row of layers.csv: survivors of one matrix; no layer for the pooler."""

    task: str
    seed: int
    round: int
    sparsity: Number
    layer: int | None
    matrix: str
    size: int
    kept: int


@dataclass(frozen=True)
class HansScore:
    """A row of hans.csv: how often a run is right in one subcase of HANS; `entailed`: the truth."""

    task: str
    kind: str
    seed: int | None
    round: int | None
    sparsity: Number | None
    point: int | None
    source: str
    heuristic: str
    entailed: bool
    subcase: str
    accuracy: Number
    num_examples: int
    origin: str


@dataclass(frozen=True)
class Speed:
    """A row of speed.csv: a form of a model beside the dense one, in passes over as many examples."""

    task: str
    kind: str
    source: str
    round: int
    examples: int
    ratio: Number
    """Time as a multiple of the dense model's: median over pairs, and the ends of its interval."""
    low: Number
    high: Number
    milliseconds: Number
    pairs: int
    peak: Number
    """Most megabytes of memory that a process of its own had beyond its libraries, one pass included."""
    tokens: int
    threads: int
    load: Number
    """Processes that waited for a core when the command started, mean of a minute."""
    machine: str
    date: str
