"""Rows of the tables of searches: what they keep, how stably, and what survivors attend to."""

from dataclasses import dataclass

from stages.tickets.report.rows import Number

STATES = ("fine-tuned", "pre-trained")
HEADS = ("all", "super")
"""super: those that the joint searches of all seeds keep, in a model cut down to the super-survivors."""


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
    kept: Number | None
    steps: int
    dense_score: Number
    score: Number


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
    value: Number
    floor: Number | None
    upper: Number | None
    p: Number | None


@dataclass(frozen=True)
class Place:
    """A row of places.csv: a head, or an MLP without `head`; no task: over all of them."""

    variant: str
    task: str
    part: str
    layer: int
    head: int | None
    mean: Number
    std: Number | None
    n: int

    @property
    def name(self) -> str:
        """The head by its number, or the MLP of its layer."""
        return "MLP" if self.head is None else f"head {self.head}"


@dataclass(frozen=True)
class Overlap:
    """A row of overlaps.csv: how many heads or MLPs two tasks both keep; for one task its size."""

    of: str
    part: str
    first: str
    second: str
    mean: Number
    std: Number | None
    n: int


@dataclass(frozen=True)
class Importance:
    """A row of importance.csv: a head, or an MLP without `head`, of one fine-tuned model."""

    task: str
    seed: int
    part: str
    layer: int
    head: int | None
    importance: Number
    magnitude: Number
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

    @property
    def share(self) -> float:
        """Share of the parameters of heads and MLPs."""
        return self.kept / self.prunable

    @property
    def share_of_flops(self) -> float | None:
        """Share of the layers' operations, if they were counted."""
        return self.flops / self.all_flops if self.flops is not None and self.all_flops else None

    @property
    def shares_of_good(self) -> dict[str, float]:
        """Share of the heads, MLPs and weights it keeps, if any, that the good one keeps too."""
        counts = {
            "heads": (self.heads_of_good_too, self.heads),
            "mlps": (self.mlps_of_good_too, self.mlps),
            "weights": (self.kept_by_good_too, self.kept),
        }
        return {
            part: common / kept
            for part, (common, kept) in counts.items()
            if common is not None and kept
        }


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
    share: Number
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
    state: str
    heads: str
    map: str
    agreement: Number
