"""Pairs in the manner of HANS (McCoy et al. 2019) in the miniature language.

Each subcase is a template under which a shallow heuristic says "entailment": because the premise has
every word of the hypothesis (lexical overlap), or all of it in one piece (subsequence), or because this
piece is a clause (constituent). The heuristic is right in half of the subcases and wrong in the others.
Subcases have the names of HANS: the first letter stands for the heuristic, the second says whether the
hypothesis is entailed (e) or not (n). The subcases with an adverb in a conjunction are ours. The language
has no past tense, so a passive overlaps with its active up to the form of the verb.
"""

from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from stages.tickets.language import sentences
from stages.tickets.language.templates import SUBCASES

HEURISTICS: Final = MappingProxyType(
    {"l": "lexical_overlap", "s": "subsequence", "c": "constituent"}
)
"""Names of the heuristics by the first letter of a subcase."""


@dataclass(frozen=True)
class Example:
    """A pair of sentences, and the heuristic and subcase that it tests."""

    premise: str
    hypothesis: str
    label: int
    """Class: 0 for entailment, 1 for non-entailment."""
    heuristic: str
    subcase: str


def examples(per_subcase: int, seed: int) -> list[Example]:
    """Write `per_subcase` different pairs of every subcase, in the order of `SUBCASES`.

    No pair is in the train split of the task entailment, whatever its seed. A smaller set of the same
    seed holds the first pairs of every subcase of a larger set.

    Args:
        per_subcase: from 1 to 1000; every subcase has some thousands of pairs.
        seed: any int.

    Raises:
        ValueError: `per_subcase` is out of range.
    """
    if not 1 <= per_subcase <= 1000:
        raise ValueError(f"per_subcase is {per_subcase}, allowed are 1 to 1000")
    return [
        Example(*pair, int(subcase[1] == "n"), HEURISTICS[subcase[0]], subcase)
        for subcase in SUBCASES
        for pair in _pairs(subcase, per_subcase, seed)
    ]


def _pairs(subcase: str, num: int, seed: int) -> list[tuple[str, str]]:
    rng = Random(f"hans {subcase} {seed}")
    drawn: dict[tuple[str, str], None] = {}  # a dict keeps the order
    while len(drawn) < num:
        premise, hypothesis = (" ".join((*text, ".")) for text in SUBCASES[subcase](rng))
        # A hash of the text keeps the splits of the language apart; its corpus has only "train".
        if sentences.split_of(f"{premise}\t{hypothesis}") == "validation":
            drawn[premise, hypothesis] = None
    return list(drawn)
