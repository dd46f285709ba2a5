"""Settings of the report: how results are judged and shown, and facts about the run."""

from typing import Annotated, Literal

from pydantic import Field

from stages.tickets.settings.base import Section, Share

Margin = Annotated[float, Field(gt=0, le=1)]


class Tickets(Section):
    """The rule by which a subnetwork counts as matching, and the confidence of intervals."""

    rule: Literal["one_std", "strict", "non_inferiority"]
    """one_std: the mean score is at most one standard deviation, over seeds, of the dense scores below
    their mean (Chen et al. 2020, Table 2); strict: it is at least their mean (supplement);
    non_inferiority: the lower end of the interval of the paired differences is above -margin."""
    margin: float = Field(ge=0, le=1)
    """Largest drop below the dense score that non_inferiority allows; scores are in [0, 1]."""
    transfer_margin: float = Field(ge=0, le=1)
    """Largest drop below a task's own ticket with which the mask of another task still serves it; scores
    are in [0, 1], and Chen et al. 2020 take 2.5 points."""
    confidence: Share
    """Confidence of intervals over seeds and examples, in (0, 1)."""


class Margins(Section):
    """Smallest differences of interest by metric, in (0, 1]: what is smaller counts as nothing."""

    accuracy: Margin
    masked_accuracy: Margin
    f1: Margin
    answer_f1: Margin
    exact_match: Margin
    matthews: Margin
    pearson: Margin
    spearman: Margin
    share: Margin
    """Of shares of weights and of heads, of their agreement, and of shares of attention patterns."""


class Verdict(Section):
    """The rule by which statements of papers hold here, and by which numbers agree with published ones.

    It is fixed before a study runs: a margin that is chosen after the numbers decides nothing.
    """

    margins: Margins
    close: float = Field(ge=1)
    """Number of margins by which two scores may differ that a paper calls close."""


class Plot(Section):
    """Settings of the look of figures; no number depends on them."""

    panel_width: float = Field(gt=0)
    """Width of a panel in inches."""
    panel_height: float = Field(gt=0)
    columns: int = Field(ge=1)
    """Number of panels side by side."""


class Ran(Section):
    """Facts about a run, entered by hand, since outputs of stages hold no times or machines."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """Day on which the run ended, such as 2026-11-22."""
    hardware: str = Field(min_length=1)
    hours: float = Field(gt=0)
    """Wall time from an empty folder to the report, in hours."""
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{7,40})?$")]
    """Commit of the code that trained; empty for the commit that holds the report."""
    cuts: tuple[str, ...]
    """Parts of the papers that were left out, each with its reason, a sentence each."""
