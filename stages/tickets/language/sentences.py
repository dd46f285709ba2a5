"""A made-up miniature English: text to pre-train on, and five labelled tasks in GLUE's shapes.

Every task depends on structure that a count of words does not show: number agreement past other
nouns, negation and contrast, roles in an event, kinds and quantifiers. The corpus carries the
knowledge that the tasks ask for, without labels: good adjectives stand in sentences that end "so we
love it", and two sentences are joined by "namely" if they mean the same, and by "surely" if the
second follows from the first. All draws come from `random.Random` seeded with a text.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from stages.tickets.language import grammar
from stages.tickets.language.grammar import Words
from stages.tickets.language.writers import WRITERS

WORDS: Final[Words] = grammar.vocabulary()
"""Every word of corpus and tasks, sorted; words are separated by single spaces."""

LABELLED: Final[Mapping[str, tuple[int, bool]]] = MappingProxyType(
    {
        "acceptability": (2, False),
        "sentiment": (2, False),
        "paraphrase": (2, True),
        "similarity": (1, True),
        "entailment": (3, True),
    }
)
"""Number of labels by task, 1 for a score in [0, 5], and whether its examples are pairs."""

SPLITS: Final = ("train", "validation")
JOINTS: Final = MappingProxyType(
    {"paraphrase": ("instead", "namely"), "entailment": ("surely", "maybe", "hardly")}
)
"""Words that join the two sentences of a pair in the corpus, by task and label."""


@dataclass(frozen=True)
class Example:
    """One sentence, or a pair, and its label: the number of a class, or a score in [0, 5]."""

    first: str
    second: str | None
    label: float


def sentences(num: int, seed: int) -> list[str]:
    """Write the corpus for masked language modelling: `num` documents of one or two sentences.

    They are plain sentences (a share of 0.15), verdicts such as "the film is not cruel so we gladly
    love it ." (0.17), and pairs of the paraphrase (0.4) and the entailment task (0.28), joined by the
    word for their relation; a share of 0.7 of the paraphrase pairs mean the same. No document holds a
    text of a validation split of a labelled task. The sentences of the task masked language modelling
    are drawn apart; one in forty occurs in the corpus by chance. A smaller corpus of the same seed is
    the beginning of a larger one.

    Args:
        num: number of documents, at least 1.
        seed: any int.

    Raises:
        ValueError: `num` is below 1.
    """
    _check_num(num)
    rng = Random(f"sentences {seed}")
    return [_document(rng) for _ in range(num)]


def examples(task: str, split: str, num: int, seed: int) -> list[Example]:
    """Write `num` different examples of a task.

    Classes are balanced: n classes come in runs of n examples, one of each class, in an order drawn
    anew. A smaller set of the same seed is the beginning of a larger one. A hash of its text puts an
    example in the train or the validation split, whatever the seed.

    Args:
        task: one of `LABELLED`.
        split: "train" or "validation"; a quarter of all texts are for validation.
        num: number of examples, at least 1.
        seed: any int.

    Raises:
        ValueError: unknown `task` or `split`, or `num` below 1.
    """
    if task not in LABELLED:
        raise ValueError(f"task is {task!r}; allowed are {', '.join(LABELLED)}")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; allowed are {', '.join(SPLITS)}")
    _check_num(num)
    rng = Random(f"{task} {split} {seed}")
    num_labels = LABELLED[task][0]
    drawn: dict[tuple[str, ...], float] = {}
    while len(drawn) < num:
        for label in rng.sample(range(num_labels), num_labels):
            texts, value = _draw(task, label, split, rng)
            while texts in drawn:
                texts, value = _draw(task, label, split, rng)
            drawn[texts] = value
    return [
        Example(texts[0], texts[1] if len(texts) > 1 else None, label)
        for texts, label in list(drawn.items())[:num]
    ]


def _check_num(num: int) -> None:
    if num < 1:
        raise ValueError(f"num is {num}; allowed are whole numbers from 1")


def _draw(task: str, label: int, split: str, rng: Random) -> tuple[tuple[str, ...], float]:
    """Draw examples until the hash of a text puts it in the split; return its parts and label."""
    while True:
        parts, value = WRITERS[task](rng, label)
        texts = tuple(" ".join(part) for part in parts)
        if split_of("\t".join(texts)) == split:
            return texts, value


def split_of(text: str) -> str:
    """Return the split of a text, whatever the seed; a quarter of all texts are for validation."""
    return SPLITS[hashlib.sha256(text.encode()).digest()[0] < 64]


def _document(rng: Random) -> str:
    share = rng.random()
    if share < 0.15:
        return _draw("acceptability", 1, "train", rng)[0][0]
    if share < 0.32:
        good = rng.random() < 0.5
        (text,), _ = _draw("sentiment", int(good), "train", rng)
        if share < 0.23:
            text = " ".join(grammar.praise(rng, good=good))
        mood, verdict = rng.choice(grammar.MOODS[good]), rng.choice(grammar.VERDICTS[good])
        return f"{text[:-2]} so we {mood} {verdict} it ."
    if share < 0.72:
        task, label = "paraphrase", int(rng.random() < 0.7)
    else:
        task, label = "entailment", rng.randrange(3)
    (first, second), _ = _draw(task, label, "train", rng)
    return f"{first} {JOINTS[task][label]} {second}"
