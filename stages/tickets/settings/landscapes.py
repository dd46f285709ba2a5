"""Settings of the loss around trained networks: random planes, planes of two networks, curvature."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import AllOrNone, Section, Seed, Unique, Whole, listed
from stages.tickets.settings.rounds import Imp
from stages.tickets.settings.trials import Over, Seeds


class Sample(Section):
    """Examples on which the loss is computed, the same at every point."""

    split: Literal["train", "selection", "validation"]
    number: Annotated[Whole, Field(ge=2)]
    """Number of examples; all of the split if it has fewer."""
    draw: Seed
    """Seed that draws them."""


class Networks(Over, AllOrNone):
    """Trained networks whose weights are stored, by task, seed and round."""

    rounds: Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], Unique]
    """Rounds of the networks: 0 for the dense one, or rounds of imp.keep_weights."""


class RandomGrid(Section):
    """A square grid around a network, in steps along two random directions."""

    resolution: Annotated[Whole, Field(ge=3)]
    """Number of points along each side, an odd one, so that the network is in the middle."""
    reach: float = Field(gt=0)
    """Coordinate of the outermost points; 1 is as far as the weights are large."""
    directions: Seed
    """Seed that draws the directions, the same for all networks of the study."""

    @model_validator(mode="after")
    def _has_a_middle(self) -> "RandomGrid":
        if self.resolution % 2 == 0:
            raise ValueError(f"resolution is {self.resolution}, allowed are odd numbers")
        return self


class Landscapes(Networks):
    """The loss on a random plane around each network."""

    examples: Sample
    grid: RandomGrid


class PlaneGrid(Section):
    """A grid on a plane with theta_0 at (0, 0) and two networks at (1, 0) and (0, 1)."""

    resolution: Annotated[Whole, Field(ge=3)]
    """Number of points along each side."""
    low: float
    high: float

    @model_validator(mode="after")
    def _has_all_three(self) -> "PlaneGrid":
        if self.low > 0 or self.high < 1:
            raise ValueError(
                f"low is {self.low} and high {self.high}, allowed are at most 0 and at least 1, so that "
                "all three networks are on the grid"
            )
        return self


class Planes(Networks):
    """The loss on the plane through theta_0 and the networks of two seeds."""

    others: Seeds
    """Seeds of the second network; each forms a pair with each of `seeds`."""
    examples: Sample
    grid: PlaneGrid


class Probes(Section):
    """Random vectors that estimate the diagonal of the Hessian."""

    probes: Annotated[Whole, Field(ge=2)]
    """Number of vectors for each batch of examples."""
    signs: Seed
    """Seed that draws them."""


class Curvature(Networks):
    """The diagonal of the Hessian and squared gradients over the kept weights of each network."""

    examples: Sample
    estimate: Probes


def check_networks(imp: Imp, planes: Planes, sections: dict[str, Networks]) -> None:
    """Refuse networks whose weights are not stored, and a pair of a network with itself."""
    stored = (0, *imp.keep_weights)
    for key, section in sections.items():
        for number in section.rounds:
            if number not in stored:
                raise ValueError(
                    f"{key}.rounds has {number}, allowed are 0, the dense network, and imp.keep_weights, "
                    + listed(imp.keep_weights)
                )
    for seed in planes.others:
        if seed in planes.seeds:
            raise ValueError(
                f"planes.others has {seed}, allowed are seeds that planes.seeds has not"
            )
