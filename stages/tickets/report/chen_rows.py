"""Rows of the files with numbers of Chen et al. 2020; `mark` says what is doubtful of one."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedTicket:
    """A row of chen2020_table2.csv: a score at the sparsity of the task's ticket.

    No std: a single number; mean and std are those of the metric, in [0, 1]; std is over 5 runs.
    """

    task: str
    kind: str
    source: str
    sparsity: float
    metric: str
    mean: float
    std: float | None
    mark: str


@dataclass(frozen=True)
class PublishedTransfer:
    """A row of chen2020_figure2.csv: score of the source's mask on the target minus the dense score."""

    source: str
    target: str
    difference: float
    mark: str


@dataclass(frozen=True)
class PublishedDark:
    """A row of chen2020_dark.csv: other targets on which a mask does as well as their own, as printed.

    train: examples of the task's training set, of SQuAD its 87,599 questions, which
    make 88,641 windows; none where it is unknown.
    """

    source: str
    dark: int
    train: int | None
    mark: str


@dataclass(frozen=True)
class PublishedStrict:
    """A row of chen2020_strict.csv: the highest sparsity with a ticket at least as good as dense."""

    task: str
    sparsity: float
    mark: str


@dataclass(frozen=True)
class ChenResults:
    """What the paper published."""

    tickets: Sequence[PublishedTicket]
    transfers: Sequence[PublishedTransfer]
    dark: Sequence[PublishedDark]
    strict: Sequence[PublishedStrict]
