"""The tables of patterns that other stages write, and the published ones."""

from collections.abc import Sequence
from dataclasses import dataclass

MAPS = ("raw", "normed")
"""Attention weights, and their products with the norms of transformed values (Kobayashi et al. 2020)."""
STATES = ("fine-tuned", "pre-trained")
HEADS = ("all", "super")
"""super: those that the joint searches of all seeds keep, in a model cut down to the super-survivors."""


@dataclass(frozen=True)
class Confusion:
    """A row of confusion.csv: held-out maps made by rule, of one class, that a network finds in one."""

    map: str
    network: int
    true: str
    found: str
    maps: int


@dataclass(frozen=True)
class PatternShare:
    """A row of shares.csv: of `maps` maps, one a head and example; no seed: the pre-trained encoder."""

    task: str
    seed: int | None
    state: str
    heads: str
    map: str
    network: int
    pattern: str
    share: float
    maps: int


@dataclass(frozen=True)
class HeadPatterns:
    """A row of heads.csv: on how many examples one head of the whole model shows a pattern."""

    task: str
    seed: int | None
    state: str
    map: str
    network: int
    layer: int
    head: int
    pattern: str
    examples: int
    all_examples: int
    survives: int
    """Number of seeds whose joint search keeps the head."""
    seeds: int
    """Number of seeds searched."""


@dataclass(frozen=True)
class NetworkAgreement:
    """A row of agreement.csv: on what share of the maps of a model two networks say the same."""

    task: str
    seed: int | None
    state: str
    heads: str
    map: str
    first: int
    second: int
    agreement: float
    maps: int


@dataclass(frozen=True)
class PublishedShare:
    """A row of published/prasanna2020_patterns.csv, over heads, 5 seeds and 100 examples."""

    task: str
    state: str
    heads: str
    map: str
    pattern: str
    share: float


@dataclass(frozen=True)
class PublishedCorrelation:
    """A row of published/prasanna2020_pattern_correlation.csv; no p where none is known."""

    map: str
    source: str
    pearson: float
    p: float | None


@dataclass(frozen=True)
class PatternResults:
    """All of these tables."""

    confusion: Sequence[Confusion]
    shares: Sequence[PatternShare]
    heads: Sequence[HeadPatterns]
    agreement: Sequence[NetworkAgreement]
    published: Sequence[PublishedShare]
    correlations: Sequence[PublishedCorrelation]
