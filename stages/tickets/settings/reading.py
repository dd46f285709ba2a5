"""How results are read and shown, and what is told about a run."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import Section, Share


class Tickets(Section):
    """When a subnetwork counts as matching, and what intervals say."""

    rule: Literal["one_std", "strict", "non_inferiority"]
    """one_std: at most one standard deviation over seeds of the dense scores below their mean (Chen et
    al. 2020, Table 2); strict: at least their mean (its supplement); non_inferiority: the lower end of
    the interval of the paired differences is above -margin."""
    margin: float = Field(ge=0, le=1)
    """How far below the dense score a ticket may be under non_inferiority; scores are in [0, 1]."""
    transfer_margin: float = Field(ge=0, le=1)
    """A task is served by another's mask that scores so far below its own ticket at most; scores are in
    [0, 1], and Chen et al. 2020 take 2.5 points."""
    confidence: Share
    """Intervals over seeds (Student's t) cover so much."""


class Verdict(Section):
    """When a result agrees with a published one."""

    margin: float = Field(ge=0, le=1)
    """Scores, in [0, 1], that are so far apart still agree, as they do if the interval has the published
    one."""
    widest: float = Field(gt=0, le=1)
    """An interval that reaches further to either side decides nothing."""


class Plot(Section):
    """What the figures look like; no number depends on it."""

    panel_width: float = Field(gt=0)
    """Panels are so many inches wide."""
    panel_height: float = Field(gt=0)
    columns: int = Field(ge=1)
    """Panels side by side."""


class Ran(Section):
    """Where a study ran, as whoever ran it says: outputs of stages hold no times and no machines."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The day on which it ended, as 2026-11-22."""
    hardware: str = Field(min_length=1)
    hours: float = Field(gt=0)
    """Hours of wall time from nothing to the report."""
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{7,40})?$")]
    """The commit whose code trained; empty: that which holds the report."""
    cuts: tuple[str, ...]
    """What was left out of what the papers did, and why, a sentence each."""
