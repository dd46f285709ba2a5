"""Writers of the labelled tasks of the miniature: each draws an example that has a given label."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations, product
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

from stages.tickets.language import grammar
from stages.tickets.language.grammar import Event, Words

Claim: TypeAlias = tuple[str, bool]
"""A quantifier, and whether it quantifies a kind (True) or one of its concepts (False)."""

# Acceptability: one word in the wrong number, or two words in the wrong order.


def _acceptability(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    if label or rng.random() < 0.6:
        return (grammar.statement(rng, wrong=not label),), label
    words = list(grammar.statement(rng, wrong=False))
    place = rng.choice([i for i, word in enumerate(words) if word in grammar.DETERMINERS])
    words[place : place + 2] = words[place + 1], words[place]
    return (tuple(words),), label


# Sentiment: the last clause decides, and a negation reverses it.


def _sentiment(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    form = rng.random()
    last = (*grammar.opinion(rng, good=bool(label), plural=rng.random() < 0.5), ".")
    if form < 0.5:
        return (last,), label
    good, joint = (not label, "but") if form < 0.8 else (bool(label), "and")
    return ((*grammar.opinion(rng, good=good, plural=rng.random() < 0.5), joint, *last),), label


# Paraphrase: the same event in other words, or an event that differs in a role.


def _paraphrase(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    event = grammar.draw_event(rng)
    return (event.words(rng), (event if label else _altered(rng, event)).words(rng)), label


def _altered(rng: Random, event: Event) -> Event:
    """Alter an event: swap agent and patient (half the time), or draw one of three concepts anew."""
    place = rng.randrange(6)
    if place == 0:
        return replace(event, verb=grammar.other(rng, grammar.VERBS, event.verb))
    if place == 1:
        return replace(event, agent=grammar.other_phrase(rng, event.agent, event.patient))
    if place == 2:
        return replace(event, patient=grammar.other_phrase(rng, event.agent, event.patient))
    return event.swapped()


# Similarity: an equal agent, verb or patient adds 5/3, another agent or patient of the same kind 5/6.


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
    for phrase, altered in ((event.agent, other.agent), (event.patient, other.patient)):
        same_kind = phrase.kind == altered.kind
        shared.append(1.0 if phrase == altered else 0.5 if same_kind else 0.0)
    return (event.words(rng), other.words(rng)), round(5 / 3 * sum(shared), 3)


# Entailment: the second sentence follows from the first (0), may or may not hold (1), cannot hold (2).


def _entailment(rng: Random, label: int) -> tuple[tuple[Words, ...], float]:
    return (_quantified if rng.random() < 0.4 else _reported)(rng, label), label


def _reported(rng: Random, label: int) -> tuple[Words, ...]:
    """Report an event, and then the same event, its denial, or another event."""
    event = replace(grammar.draw_event(rng), negated=rng.random() < 0.5)
    if label == 1:
        second = replace(_altered(rng, event), negated=rng.random() < 0.5)
    else:
        second = replace(event, negated=event.negated == (label == 0))
    return event.words(rng), second.words(rng)


def _quantified(rng: Random, label: int) -> tuple[Words, ...]:
    """Write a quantified claim about a kind, such as beasts, and one about a concept of this kind."""
    kind = rng.choice(tuple(grammar.KINDS))
    concept = rng.choice(grammar.KINDS[kind])
    verb, patient = rng.choice(rng.choice(grammar.VERBS)), grammar.draw_phrase(rng)
    rest = (grammar.agree(verb, plural=False), *patient.words(rng), ".")
    claims = rng.choice([pair for pair, relation in CLAIMS.items() if relation == label])
    return tuple(
        (quantifier, kind if wide else rng.choice(concept), *rest) for quantifier, wide in claims
    )


def _relations() -> dict[tuple[Claim, Claim], int]:
    """Label every pair of claims by comparing them in every possible world that has a dog.

    A world is a set of creatures. A creature is a dog or another beast, and does the deed or does not.
    """
    creatures = tuple(product((True, False), repeat=2))  # is it a dog, and does it do the deed
    worlds = [
        [creature for creature, is_in in zip(creatures, present, strict=True) if is_in]
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
