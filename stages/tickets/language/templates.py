"""Templates of pairs, one for each subcase of HANS; see `hans`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

from stages.tickets.language import grammar
from stages.tickets.language.grammar import Words, agree, participle

Pair: TypeAlias = tuple[Words, Words]
"""Premise and hypothesis, without their full stops."""


@dataclass(frozen=True)
class Creature:
    """A creature with its words, which are the same in premise and hypothesis."""

    words: Words
    plural: bool

    def does(self, verb: str, other: "Creature") -> Words:
        return (*self.words, agree(verb, plural=self.plural), *other.words)

    def is_done(self, verb: str, other: "Creature") -> Words:
        """Say in the passive that the other creature does `verb` to this one."""
        return (*self.words, agree("are", plural=self.plural), participle(verb), "by", *other.words)

    def who(self, *clause: str) -> "Creature":
        return replace(self, words=(*self.words, "who", *clause))

    def who_does(self, verb: str, other: "Creature") -> "Creature":
        return self.who(agree(verb, plural=self.plural), *other.words)

    def near(self, preposition: str, other: "Creature") -> "Creature":
        return replace(self, words=(*self.words, preposition, *other.words))


def _creatures(rng: Random, num: int, plural: bool | None = None) -> list[Creature]:
    """Draw `num` creatures of different concepts, in the given number or each in a drawn one."""
    phrases: list[grammar.Phrase] = []
    for _ in range(num):
        phrases.append(grammar.other_phrase(rng, *phrases))
    if plural is not None:
        phrases = [replace(phrase, plural=plural) for phrase in phrases]
    return [Creature(phrase.words(rng), phrase.plural) for phrase in phrases]


def _alike(rng: Random, num: int) -> list[Creature]:
    """Draw creatures of one grammatical number, so that a verb agrees with all or none of them."""
    return _creatures(rng, num, rng.random() < 0.5)


def _verbs(rng: Random) -> tuple[str, str]:
    """Draw two verbs of different concepts."""
    first, second = rng.sample(grammar.VERBS, 2)
    return rng.choice(first), rng.choice(second)


def _preposition(rng: Random) -> str:
    return rng.choice(grammar.PREPOSITIONS)


# --- lexical overlap -------------------------------------------------------------------------


def _le_passive(rng: Random) -> Pair:
    a, b = _creatures(rng, 2)
    verb, _ = _verbs(rng)
    return b.is_done(verb, a), a.does(verb, b)


def _le_conjunction(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, _ = _verbs(rng)
    return (*a.does(verb, b), "and", *c.words), a.does(verb, c)


def _le_relative_clause(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, other = _verbs(rng)
    clause = (*b.words, agree(other, plural=b.plural))
    return a.who(*clause).does(verb, c), b.does(other, a)


def _le_around_prepositional_phrase(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, _ = _verbs(rng)
    return a.near(_preposition(rng), b).does(verb, c), a.does(verb, c)


def _le_around_relative_clause(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, other = _verbs(rng)
    return a.who_does(other, b).does(verb, c), a.does(verb, c)


def _ln_swap(rng: Random) -> Pair:
    a, b = _alike(rng, 2)
    verb, _ = _verbs(rng)
    return a.does(verb, b), b.does(verb, a)


def _ln_passive(rng: Random) -> Pair:
    a, b = _creatures(rng, 2)
    verb, _ = _verbs(rng)
    return b.is_done(verb, a), b.does(verb, a)


def _ln_conjunction(rng: Random) -> Pair:
    a, b, c = _alike(rng, 3)
    verb, _ = _verbs(rng)
    return (*a.does(verb, b), "and", *c.words), c.does(verb, b)


def _ln_preposition(rng: Random) -> Pair:
    a, b, c = _alike(rng, 3)
    verb, _ = _verbs(rng)
    return a.near(_preposition(rng), b).does(verb, c), c.does(verb, b)


def _ln_relative_clause(rng: Random) -> Pair:
    a, b, c = _alike(rng, 3)
    verb, other = _verbs(rng)
    clause = (*b.words, agree(other, plural=b.plural))
    return a.who(*clause).does(verb, c), a.does(other, b)


# --- subsequence -----------------------------------------------------------------------------


def _se_conjunction(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3, plural=True)
    verb, _ = _verbs(rng)
    return (*a.words, "and", *b.does(verb, c)), b.does(verb, c)


def _se_relative_clause_on_obj(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, other = _verbs(rng)
    return a.does(verb, b.who_does(other, c)), a.does(verb, b)


def _se_pp_on_obj(rng: Random) -> Pair:
    a, b, c = _creatures(rng, 3)
    verb, _ = _verbs(rng)
    return a.does(verb, b.near(_preposition(rng), c)), a.does(verb, b)


def _sn_relative_clause_on_subject(rng: Random) -> Pair:
    a, b, c = _alike(rng, 3)
    verb, other = _verbs(rng)
    return a.who_does(other, b).does(verb, c), b.does(verb, c)


def _sn_pp_on_subject(rng: Random) -> Pair:
    a, b, c = _alike(rng, 3)
    verb, _ = _verbs(rng)
    return a.near(_preposition(rng), b).does(verb, c), b.does(verb, c)


# --- constituent -----------------------------------------------------------------------------


def _clauses(rng: Random) -> Pair:
    a, b, c, d = _creatures(rng, 4)
    verb, other = _verbs(rng)
    return a.does(verb, b), c.does(other, d)


def _joint(rng: Random) -> str:
    return rng.choice(("and", "but"))


def _ce_adverb(rng: Random) -> Pair:
    clause, _ = _clauses(rng)
    return ("surely", *clause), clause


def _ce_conjunction(rng: Random) -> Pair:
    first, second = _clauses(rng)
    return (*first, _joint(rng), *second), rng.choice((first, second))


def _ce_adverb_in_conjunction(rng: Random) -> Pair:
    first, second = _clauses(rng)
    return (*first, _joint(rng), "surely", *second), second


def _cn_adverb(rng: Random) -> Pair:
    clause, _ = _clauses(rng)
    return (rng.choice(("maybe", "hardly")), *clause), clause


def _cn_adverb_in_conjunction(rng: Random) -> Pair:
    first, second = _clauses(rng)
    return (*first, _joint(rng), rng.choice(("maybe", "hardly")), *second), second


SUBCASES: Final[Mapping[str, Callable[[Random], Pair]]] = MappingProxyType(
    {
        "le_around_prepositional_phrase": _le_around_prepositional_phrase,
        "le_around_relative_clause": _le_around_relative_clause,
        "le_conjunction": _le_conjunction,
        "le_passive": _le_passive,
        "le_relative_clause": _le_relative_clause,
        "ln_conjunction": _ln_conjunction,
        "ln_passive": _ln_passive,
        "ln_preposition": _ln_preposition,
        "ln_relative_clause": _ln_relative_clause,
        "ln_subject/object_swap": _ln_swap,
        "se_PP_on_obj": _se_pp_on_obj,
        "se_conjunction": _se_conjunction,
        "se_relative_clause_on_obj": _se_relative_clause_on_obj,
        "sn_PP_on_subject": _sn_pp_on_subject,
        "sn_relative_clause_on_subject": _sn_relative_clause_on_subject,
        "ce_adverb": _ce_adverb,
        "ce_adverb_in_conjunction": _ce_adverb_in_conjunction,
        "ce_conjunction": _ce_conjunction,
        "cn_adverb": _cn_adverb,
        "cn_adverb_in_conjunction": _cn_adverb_in_conjunction,
    }
)
"""The templates by subcase, by heuristic, and with entailed hypotheses first."""
