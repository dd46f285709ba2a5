"""What a form of a trained model is, for the commands that export and measure it."""

from collections.abc import Callable
from dataclasses import dataclass

from transformers import PreTrainedModel

from stages.tickets.encoder.theta import Encoder
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.sizes.families import Family
from stages.tickets.sizes.packed import Packed


@dataclass(frozen=True)
class Made:
    """A form as it runs, on the CPU in evaluation mode, and what its file holds."""

    model: PreTrainedModel
    held: Packed
    is_ordinary: bool = False
    """Whether transformers reads its folder as any other."""


@dataclass(frozen=True)
class Form:
    """A form that a study has of the model of one task and seed."""

    name: str
    run: Run
    """Run whose scores are those of the form."""
    family: Family
    build: Callable[[PreTrainedModel, Encoder], Made]
    """Makes it of the dense fine-tuned model, which it leaves as it is, and of theta_0."""
    not_stored: str = ""
    """Why the model has other weights than its run; empty if they are the same."""
