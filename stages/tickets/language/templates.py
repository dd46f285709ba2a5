"""Templates of pairs, one for each subcase of HANS; see `hans`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

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

    def who_does(self, verb: str, other: "Creature") -> "Creature":
        return self._who(agree(verb, plural=self.plural), *other.words)

    def whom(self, other: "Creature", verb: str) -> "Creature":
        """Say that the other creature does `verb` to this one, in a relative clause."""
        return self._who(*other.words, agree(verb, plural=other.plural))

    def _who(self, *clause: str) -> "Creature":
        return replace(self, words=(*self.words, "who", *clause))

    def near(self, preposition: str, other: "Creature") -> "Creature":
        return replace(self, words=(*self.words, preposition, *other.words))


@dataclass(frozen=True)
class Drawn:
    """Two verbs of different concepts, and the draws that only some templates need."""

    rng: Random
    verb: str
    other: str

    def preposition(self) -> str:
        return self.rng.choice(grammar.PREPOSITIONS)

    def joint(self) -> str:
        return self.rng.choice(("and", "but"))

    def doubt(self) -> str:
        return self.rng.choice(("maybe", "hardly"))


@dataclass(frozen=True)
class Template:
    """A template: how many creatures it needs, in which number, and the pair that they make."""

    creatures: int
    pair: Callable[..., Pair]
    """Takes a `Drawn`, and the creatures."""
    number: Literal["any", "plural", "alike"] = "any"
    """any: each creature in a drawn number; plural; alike: all in one, so that a verb agrees with all or
    none of them."""

    def __call__(self, rng: Random) -> Pair:
        """Draw creatures of different concepts, then verbs, and write the pair."""
        plural = rng.random() < 0.5 if self.number == "alike" else True
        phrases: list[grammar.Phrase] = []
        for _ in range(self.creatures):
            phrases.append(grammar.other_phrase(rng, *phrases))
        if self.number != "any":
            phrases = [replace(phrase, plural=plural) for phrase in phrases]
        creatures = [Creature(phrase.words(rng), phrase.plural) for phrase in phrases]
        verb, other = rng.sample(grammar.VERBS, 2)
        return self.pair(Drawn(rng, rng.choice(verb), rng.choice(other)), *creatures)


LEXICAL_OVERLAP = {
    "le_around_prepositional_phrase": Template(
        3,
        lambda its, a, b, c: (a.near(its.preposition(), b).does(its.verb, c), a.does(its.verb, c)),
    ),
    "le_around_relative_clause": Template(
        3, lambda its, a, b, c: (a.who_does(its.other, b).does(its.verb, c), a.does(its.verb, c))
    ),
    "le_conjunction": Template(
        3, lambda its, a, b, c: ((*a.does(its.verb, b), "and", *c.words), a.does(its.verb, c))
    ),
    "le_passive": Template(2, lambda its, a, b: (b.is_done(its.verb, a), a.does(its.verb, b))),
    "le_relative_clause": Template(
        3, lambda its, a, b, c: (a.whom(b, its.other).does(its.verb, c), b.does(its.other, a))
    ),
    "ln_conjunction": Template(
        3,
        lambda its, a, b, c: ((*a.does(its.verb, b), "and", *c.words), c.does(its.verb, b)),
        "alike",
    ),
    "ln_passive": Template(2, lambda its, a, b: (b.is_done(its.verb, a), b.does(its.verb, a))),
    "ln_preposition": Template(
        3,
        lambda its, a, b, c: (a.near(its.preposition(), b).does(its.verb, c), c.does(its.verb, b)),
        "alike",
    ),
    "ln_relative_clause": Template(
        3,
        lambda its, a, b, c: (a.whom(b, its.other).does(its.verb, c), a.does(its.other, b)),
        "alike",
    ),
    "ln_subject/object_swap": Template(
        2, lambda its, a, b: (a.does(its.verb, b), b.does(its.verb, a)), "alike"
    ),
}
SUBSEQUENCE = {
    "se_PP_on_obj": Template(
        3,
        lambda its, a, b, c: (a.does(its.verb, b.near(its.preposition(), c)), a.does(its.verb, b)),
    ),
    "se_conjunction": Template(
        3,
        lambda its, a, b, c: ((*a.words, "and", *b.does(its.verb, c)), b.does(its.verb, c)),
        "plural",
    ),
    "se_relative_clause_on_obj": Template(
        3, lambda its, a, b, c: (a.does(its.verb, b.who_does(its.other, c)), a.does(its.verb, b))
    ),
    "sn_PP_on_subject": Template(
        3,
        lambda its, a, b, c: (a.near(its.preposition(), b).does(its.verb, c), b.does(its.verb, c)),
        "alike",
    ),
    "sn_relative_clause_on_subject": Template(
        3,
        lambda its, a, b, c: (a.who_does(its.other, b).does(its.verb, c), b.does(its.verb, c)),
        "alike",
    ),
}


def _clauses(pair: Callable[[Drawn, Words, Words], Pair]) -> Template:
    """Make a template of two clauses."""
    return Template(4, lambda its, a, b, c, d: pair(its, a.does(its.verb, b), c.does(its.other, d)))


CONSTITUENT = {
    "ce_adverb": _clauses(lambda _, clause, __: (("surely", *clause), clause)),
    "ce_adverb_in_conjunction": _clauses(
        lambda its, first, second: ((*first, its.joint(), "surely", *second), second)
    ),
    "ce_conjunction": _clauses(
        lambda its, first, second: (
            (*first, its.joint(), *second),
            its.rng.choice((first, second)),
        )
    ),
    "cn_adverb": _clauses(lambda its, clause, _: ((its.doubt(), *clause), clause)),
    "cn_adverb_in_conjunction": _clauses(
        lambda its, first, second: ((*first, its.joint(), its.doubt(), *second), second)
    ),
}
SUBCASES: Final[Mapping[str, Callable[[Random], Pair]]] = MappingProxyType(
    {**LEXICAL_OVERLAP, **SUBSEQUENCE, **CONSTITUENT}
)
"""The templates by subcase, by heuristic, and with entailed hypotheses first."""
