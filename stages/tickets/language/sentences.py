"""A made-up miniature English: text to pre-train on, and five labelled tasks in GLUE's shapes.

Every task turns on structure that a count of words does not show: number agreement past other
nouns, negation and contrast, who does what to whom, kinds and quantifiers. The corpus carries
the knowledge that the tasks ask for, unlabelled: good adjectives stand in sentences that end
"so we love it", and two sentences that mean the same are joined by "namely", by "surely" where
the second follows from the first. Everything comes from `random.Random` seeded with a text.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

from stages.tickets.language import grammar
from stages.tickets.language.grammar import Event, Words

Claim: TypeAlias = tuple[str, bool]

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
"""For each task the number of its labels, 1 for a score in [0, 5], and whether it has pairs."""

SPLITS: Final = ("train", "validation")
JOINTS: Final = MappingProxyType(
    {"paraphrase": ("instead", "namely"), "entailment": ("surely", "maybe", "hardly")}
)
"""For each task of pairs the word that joins them in the corpus, by label."""


@dataclass(frozen=True)
class Example:
    """One sentence, or a pair, and its label: the number of a class, or a score in [0, 5]."""

    first: str
    second: str | None
    label: float


def sentences(num: int, seed: int) -> list[str]:
    """Write the corpus for masked language modelling: `num` documents of one or two sentences.

    In shares of 0.15, 0.17, 0.4 and 0.28 these are plain sentences, verdicts ("the film is not
    cruel so we gladly love it ."), and pairs of the paraphrase and of the entailment task joined
    by the word for their relation; of the paraphrase pairs, 0.7 mean the same. None holds a text
    of a validation split of a labelled task; of the sentences of masked language modelling, which
    are drawn apart, one in forty occurs here by chance. A smaller corpus of the same seed is the
    beginning of a larger one.

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

    Classes are balanced: each run of as many examples as there are classes has one of each, in
    an order drawn anew. A smaller set of the same seed is the beginning of a larger one. A hash
    of its text puts an example in the train or the validation split, whatever the seed.

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
    """Draw until the hash of the text puts it in the split."""
    while True:
        parts, value = WRITERS[task](rng, label)
        texts = tuple(" ".join(part) for part in parts)
        if split_of("\t".join(texts)) == split:
            return texts, value


def split_of(text: str) -> str:
    """The split that a text belongs to, whatever the seed; a quarter of all are for validation."""
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


# Acceptability: one word in the wrong number, or two words in the wrong order.


def _acceptability(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    if label or rng.random() < 0.6:
        return (grammar.statement(rng, wrong=not label),), label
    words = list(grammar.statement(rng, wrong=False))
    place = rng.choice([i for i, word in enumerate(words) if word in grammar.DETERMINERS])
    words[place : place + 2] = words[place + 1], words[place]
    return (tuple(words),), label


# Sentiment: the last clause decides, and a negation turns it round.


def _sentiment(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    form = rng.random()
    last = (*grammar.opinion(rng, good=bool(label), plural=rng.random() < 0.5), ".")
    if form < 0.5:
        return (last,), label
    good, joint = (not label, "but") if form < 0.8 else (bool(label), "and")
    return ((*grammar.opinion(rng, good=good, plural=rng.random() < 0.5), joint, *last),), label


# Paraphrase: the same event in other words, or one that differs in a role.


def _paraphrase(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    event = grammar.draw_event(rng)
    return (event.words(rng), (event if label else _altered(rng, event)).words(rng)), label


def _altered(rng: Random, event: Event) -> Event:
    """Swap the roles, half the time, or put another concept in one place of three."""
    place = rng.randrange(6)
    if place == 0:
        return replace(event, verb=grammar.other(rng, grammar.VERBS, event.verb))
    if place == 1:
        return replace(event, agent=grammar.other_phrase(rng, event.agent, event.patient))
    if place == 2:
        return replace(event, patient=grammar.other_phrase(rng, event.agent, event.patient))
    return event.swapped()


# Similarity: five thirds for each of agent, verb and patient; half of that for the same kind.


def _similarity(rng: Random, _label: int) -> tuple[tuple[Words, ...], float]:
    event = grammar.draw_event(rng)
    other = event
    for place in rng.sample(("agent", "verb", "patient"), rng.randrange(4)):
        if place == "verb":
            other = replace(other, verb=grammar.other(rng, grammar.VERBS, event.verb))
        else:
            phrase = grammar.other_phrase(rng, event.agent, event.patient, other.agent)
            is_agent = place == "agent"
            other = replace(other, agent=phrase) if is_agent else replace(other, patient=phrase)
    if rng.random() < 0.2:
        other = other.swapped()
    shared = [float(event.verb == other.verb)]
    for one, two in ((event.agent, other.agent), (event.patient, other.patient)):
        shared.append(1.0 if one == two else 0.5 if one.kind == two.kind else 0.0)
    return (event.words(rng), other.words(rng)), round(5 / 3 * sum(shared), 3)


# Entailment: 0 the second sentence follows from the first, 1 it may or may not hold, 2 it cannot.


def _entailment(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    return (_quantified if rng.random() < 0.4 else _reported)(rng, label), label


def _reported(rng: Random, label: int) -> tuple[Words, ...]:
    """Report an event, and then the same, its denial, or another event."""
    event = replace(grammar.draw_event(rng), negated=rng.random() < 0.5)
    if label == 1:
        second = replace(_altered(rng, event), negated=rng.random() < 0.5)
    else:
        second = replace(event, negated=event.negated == (label == 0))
    return event.words(rng), second.words(rng)


def _quantified(rng: Random, label: int) -> tuple[Words, ...]:
    """Say the same of a share of a kind, such as beasts, and of a share of one of its concepts."""
    kind = rng.choice(tuple(grammar.KINDS))
    concept = rng.choice(grammar.KINDS[kind])
    verb, patient = rng.choice(rng.choice(grammar.VERBS)), grammar.draw_phrase(rng)
    said = (grammar.agree(verb, plural=False), *patient.words(rng), ".")
    claims = rng.choice([pair for pair, relation in CLAIMS.items() if relation == label])
    return tuple(
        (quantifier, kind if wide else rng.choice(concept), *said) for quantifier, wide in claims
    )


def _relations() -> dict[tuple[Claim, Claim], int]:
    """Compare every two claims in every world there can be, where there is a dog.

    A world is the set of the creatures in it: dogs and other beasts, who do it and who do not.
    """
    creatures = tuple(product((True, False), repeat=2))  # is it a dog, does it do it
    worlds = [
        [creature for creature, there in zip(creatures, present, strict=True) if there]
        for present in product((True, False), repeat=len(creatures))
        if present[0] or present[1]
    ]
    claims = tuple(product(("every", "some", "no"), (True, False)))
    truths = {claim: [_holds(claim, world) for world in worlds] for claim in claims}
    relations = {}
    for first, second in permutations(claims, 2):
        seen = {then for given, then in zip(truths[first], truths[second], strict=True) if given}
        relations[first, second] = 1 if len(seen) == 2 else 0 if True in seen else 2
    return relations


def _holds(claim: Claim, world: list[tuple[bool, ...]]) -> bool:
    quantifier, wide = claim
    doing = [does for dog, does in world if wide or dog]
    return {"every": all(doing), "some": any(doing), "no": not any(doing)}[quantifier]


CLAIMS: Final = MappingProxyType(_relations())
"""The label of each pair of claims, such as "every beast" before "some dog"."""
WRITERS: Final[Mapping[str, Callable[[Random, int], tuple[tuple[Words, ...], float]]]] = (
    MappingProxyType(
        {
            "acceptability": _acceptability,
            "sentiment": _sentiment,
            "paraphrase": _paraphrase,
            "similarity": _similarity,
            "entailment": _entailment,
        }
    )
)
