"""Rows of the tables in published/, whose file names say the paper; `mark` says what is doubtful."""

from dataclasses import dataclass

from stages.tickets.report.rows import Number


@dataclass(frozen=True)
class PublishedClaim:
    """A row of published/claims.csv: a statement of a paper, or a number that it gives."""

    name: str
    paper: str
    stages: str
    """Names of the stages that decide it, with blanks between them."""
    first: str
    """Kind and source of the setting that `second` is subtracted from; empty if it is none of scores."""
    expected: str
    """Where the difference lies: near, above or below 0; directed: a number that is not 0."""
    second: str
    statement: str
    """With words in braces for what the study says."""
    mark: str


@dataclass(frozen=True)
class Published:
    """A row of published/prasanna2020.csv: mean and sample standard deviation over n seeds."""

    task: str
    kind: str
    source: str
    metric: str
    mean: Number
    std: Number | None
    n: int


@dataclass(frozen=True)
class PublishedStructure:
    """A row of published/prasanna2020_structure.csv: a number of a task, over n seeds."""

    task: str
    quantity: str
    value: Number
    n: int


@dataclass(frozen=True)
class PublishedTicket:
    """A row of chen2020_table2.csv: a score in [0, 1] at the sparsity of the task's ticket."""

    task: str
    kind: str
    source: str
    sparsity: Number
    metric: str
    mean: Number
    std: Number | None
    """Over 5 runs; None for a single number."""
    mark: str


@dataclass(frozen=True)
class PublishedTransfer:
    """A row of chen2020_figure2.csv: score of the source's mask on the target minus the dense score."""

    source: str
    target: str
    difference: Number
    mark: str


@dataclass(frozen=True)
class PublishedDark:
    """A row of chen2020_dark.csv: other targets on which a mask does as well as their own, as printed."""

    source: str
    dark: int
    train: int | None
    """Examples of the task's training set, of SQuAD its 87,599 questions; None if it is unknown."""
    mark: str


@dataclass(frozen=True)
class PublishedStrict:
    """A row of chen2020_strict.csv: the highest sparsity with a ticket at least as good as dense."""

    task: str
    sparsity: Number
    mark: str


@dataclass(frozen=True)
class PublishedShare:
    """A row of published/prasanna2020_patterns.csv, over heads, 5 seeds and 100 examples."""

    task: str
    state: str
    heads: str
    map: str
    pattern: str
    share: Number


@dataclass(frozen=True)
class PublishedCorrelation:
    """A row of published/prasanna2020_pattern_correlation.csv; no p where none is known."""

    map: str
    source: str
    pearson: Number
    p: Number | None


@dataclass(frozen=True)
class PublishedStability:
    """A row of published/frankle2020.csv: from where on copies of a network for images are stable."""

    network: str
    net: str
    """dense, or the ticket that is found with weights of that point."""
    at: int
    unit: str


@dataclass(frozen=True)
class PublishedStart:
    """A row of published/tanaka2020.csv: a mean over n runs of a convolutional network.

    Of the dense network there is no score and no n; its accuracy is rounded.
    """

    network: str
    data: str
    score: str
    quantity: str
    """accuracy, in [0, 1], dense, or log10_critical."""
    compression: Number | None
    value: Number
    n: int | None
