"""Pairs in the manner of HANS (McCoy et al. 2019) in the miniature language.

Each subcase is a template under which a shallow heuristic says "entailment": every word of the
hypothesis is in the premise (lexical overlap), all of it in one piece (subsequence), and that piece
is a clause (constituent). In one half of the subcases the heuristic is right, in the other wrong.
Subcases have the names of HANS: the first letter is that of the heuristic, the second says whether
the hypothesis is entailed (e) or not (n). Those of an adverb in a conjunction are ours. As the
language has no past tense, a passive overlaps with its active up to the form of the verb.
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
    """0: entailment, 1: non-entailment."""
    heuristic: str
    subcase: str


def examples(per_subcase: int, seed: int) -> list[Example]:
    """Write `per_subcase` different pairs of every subcase, in the order of `SUBCASES`.

    None is in the train split of the task entailment, whatever its seed. A smaller set of the same
    seed holds the first pairs of every subcase of a larger one.

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
    drawn: dict[tuple[str, str], None] = {}  # for its order
    while len(drawn) < num:
        premise, hypothesis = (" ".join((*text, ".")) for text in SUBCASES[subcase](rng))
        # A hash of the text keeps the splits of the language apart; its corpus has only "train".
        if sentences.split_of(f"{premise}\t{hypothesis}") == "validation":
            drawn[premise, hypothesis] = None
    return list(drawn)
