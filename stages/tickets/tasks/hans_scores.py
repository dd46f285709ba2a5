"""What examples of HANS test, and how often a model is right about each case."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPLIT = "hans"
"""Name of the split; its labels are 0 for entailment and 1 for non-entailment."""


@dataclass(frozen=True)
class Case:
    """What an example tests, and where it is from."""

    heuristic: str
    subcase: str
    origin: str


@dataclass(frozen=True)
class Accuracy:
    """Of one subcase; `entailed` is the true answer."""

    heuristic: str
    entailed: bool
    subcase: str
    accuracy: float
    num_examples: int
    origin: str


def save_cases(cases: Sequence[Case], path: Path) -> None:
    pd.DataFrame(list(cases)).to_csv(path, index=False, lineterminator="\n")


def load_cases(path: Path) -> list[Case]:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [Case(*row) for row in zip(*(table[name] for name in Case.__annotations__), strict=True)]


def by_subcase(
    logits: NDArray[np.floating], labels: NDArray[np.integer], cases: Sequence[Case]
) -> list[Accuracy]:
    """Accuracy in every subcase, in the order in which they first occur.

    An example counts as said to be entailed where class 0 has the highest logit (or shares it): of
    three classes, neutral and contradiction both count as non-entailment.

    Args:
        logits: (examples, classes), class 0 for entailment.
        labels: (examples,), 0 for entailment and 1 for non-entailment.
        cases: one per example.

    Raises:
        ValueError: logits, labels and cases differ in number.

    McCoy et al. 2019, Sec. 4.
    """
    if not len(logits) == len(labels) == len(cases):
        raise ValueError(
            f"hans has {len(logits)} predictions, {len(labels)} labels and {len(cases)} cases"
        )
    right = (logits.argmax(-1) == 0) == (labels == 0)
    examples: dict[tuple[Case, bool], list[bool]] = {}
    for case, label, is_right in zip(cases, labels.tolist(), right.tolist(), strict=True):
        examples.setdefault((case, label == 0), []).append(is_right)
    return [
        Accuracy(
            case.heuristic,
            entailed,
            case.subcase,
            sum(rights) / len(rights),
            len(rights),
            case.origin,
        )
        for (case, entailed), rights in examples.items()
    ]
