"""The grammar of the miniature English: its words, and sentences built from meanings.

A sentence is a tuple of words, lower case, ended by a full stop. Meanings (`Phrase`, `Event`)
keep concepts apart from words: "dog" and "hound" are two words of one concept, whose kind is
"beast". An event that is said again gets words and a voice drawn anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, TypeAlias, TypeVar

Words: TypeAlias = tuple[str, ...]
T = TypeVar("T")

KINDS: Final[dict[str, tuple[Words, ...]]] = {
    kind: tuple(tuple(concept.split("/")) for concept in concepts.split())
    for kind, concepts in {
        "human": "boy/lad girl/maiden king/ruler doctor/medic farmer singer",
        "beast": "dog/hound horse/steed pig/hog rabbit/coney cat goat",
        "bird": "crow/raven hen/chicken dove/pigeon owl duck eagle",
    }.items()
}
"""Kinds of creatures, each with its concepts; a concept is a tuple of words in the singular."""

VERBS: Final[tuple[Words, ...]] = tuple(
    tuple(concept.split("/"))
    for concept in (
        "chase/pursue help/aid follow/trail greet/welcome scare/frighten attack/assault "
        "observe/view visit"
    ).split()
)
"""Transitive verbs by concept, in the plural; s makes the singular, d or ed the participle."""

TRAITS: Final[tuple[Words, ...]] = tuple(
    tuple(concept.split("/"))
    for concept in "big/large small/little quick/fast old/aged wet/damp dry".split()
)
"""Adjectives that say neither good nor bad, by concept."""

GOOD: Final[Words] = tuple(
    "good great kind clever lovely brave pleasant superb honest gentle".split()
)
BAD: Final[Words] = tuple("bad awful cruel stupid ugly boring nasty dreadful wicked rude".split())
THINGS: Final[Words] = tuple("film book song play meal room garden tale picture poem".split())
VERDICTS: Final[dict[bool, Words]] = {
    False: ("hate", "avoid", "regret"),
    True: ("love", "enjoy", "praise"),
}
"""Verbs for actions on a thing, by whether the thing is good."""
MOODS: Final[dict[bool, Words]] = {
    False: ("sadly", "angrily", "bitterly"),
    True: ("gladly", "happily", "proudly"),
}
"""Adverbs to these verbs, by whether the thing is good."""
PREPOSITIONS: Final[Words] = ("near", "behind", "beside", "with")
NUMBERED: Final[dict[bool, Words]] = {False: ("this", "that"), True: ("these", "those")}
"""Determiners that mark grammatical number, by whether it is the plural."""
DETERMINERS: Final[Words] = ("the", *NUMBERED[False], *NUMBERED[True])

FUNCTION_WORDS: Final[Words] = tuple(
    ". every some no is are does do not never by who but and so we it everybody nobody "
    "finds surely maybe hardly namely instead".split()
)


def singular(verb: str) -> str:
    """Return the verb in the form for a singular subject."""
    return verb + "s"


def participle(verb: str) -> str:
    """Return the verb's participle, as in the passive."""
    return verb + ("d" if verb.endswith("e") else "ed")


def agree(verb: str, *, plural: bool) -> str:
    """Return a verb, or one of "are" and "do", in the number of its subject."""
    auxiliaries = {"are": "is", "do": "does"}
    return verb if plural else auxiliaries.get(verb) or singular(verb)


def noun_form(noun: str, *, plural: bool) -> str:
    """Return the noun in the given number."""
    return noun + "s" if plural else noun


@dataclass(frozen=True)
class Phrase:
    """The meaning of a noun phrase: a creature or several of a concept, with or without a trait."""

    kind: str
    concept: Words
    plural: bool
    trait: Words | None = None

    def words(self, rng: Random, determiner: str = "the") -> Words:
        """Say the phrase; `rng` draws a word for each concept."""
        trait = () if self.trait is None else (rng.choice(self.trait),)
        return (determiner, *trait, noun_form(rng.choice(self.concept), plural=self.plural))


@dataclass(frozen=True)
class Event:
    """The meaning of a sentence: an agent does something to a patient, or does not if `negated`."""

    agent: Phrase
    verb: Words
    patient: Phrase
    negated: bool = False

    def words(self, rng: Random) -> Words:
        """Say the event as a sentence; `rng` draws the voice, active or passive, and the words."""
        verb, agent, patient = rng.choice(self.verb), self.agent.words(rng), self.patient.words(rng)
        denial = ("not",) if self.negated else ()
        if rng.random() < 0.25:
            copula = agree("are", plural=self.patient.plural)
            return (*patient, copula, *denial, participle(verb), "by", *agent, ".")
        if self.negated:
            return (*agent, agree("do", plural=self.agent.plural), "not", verb, *patient, ".")
        return (*agent, agree(verb, plural=self.agent.plural), *patient, ".")

    def swapped(self) -> "Event":
        """Return the event with agent and patient exchanged."""
        return replace(self, agent=self.patient, patient=self.agent)


def draw_phrase(rng: Random, traits: float = 0.0) -> Phrase:
    """Draw a creature; with probability `traits` it has a trait."""
    kind = rng.choice(tuple(KINDS))
    trait = rng.choice(TRAITS) if rng.random() < traits else None
    return Phrase(kind, rng.choice(KINDS[kind]), rng.random() < 0.5, trait)


def draw_event(rng: Random) -> Event:
    """Draw an affirmed event between two creatures of different concepts, without traits."""
    agent = draw_phrase(rng)
    return Event(agent, rng.choice(VERBS), other_phrase(rng, agent))


def other_phrase(rng: Random, *phrases: Phrase) -> Phrase:
    """Draw a creature without a trait whose concept occurs in none of `phrases`."""
    while True:
        drawn = draw_phrase(rng)
        if all(drawn.concept != phrase.concept for phrase in phrases):
            return drawn


def other(rng: Random, choices: Sequence[T], taken: T) -> T:
    """Draw one of `choices` that is not `taken`."""
    return rng.choice([choice for choice in choices if choice != taken])


def statement(rng: Random, *, wrong: bool) -> Words:
    """Write a statement about a creature with others beside it; if `wrong`, the verb disagrees."""
    subject = draw_phrase(rng, traits=0.2)
    bystander = other_phrase(rng, subject)
    verb = rng.choice(rng.choice(VERBS))
    words = subject.words(rng, _determiner(rng, subject))
    aside = rng.random()
    if aside < 0.5:
        words += (rng.choice(PREPOSITIONS), *bystander.words(rng))
    elif aside < 0.7:
        words += ("who", agree(verb, plural=subject.plural), *bystander.words(rng))
    elif aside < 0.85:
        words += ("who", *bystander.words(rng), agree(verb, plural=bystander.plural))
    return words + _predicate(rng, other_phrase(rng, subject), plural=subject.plural != wrong)


def _determiner(rng: Random, phrase: Phrase) -> str:
    return rng.choice(NUMBERED[phrase.plural]) if rng.random() < 0.3 else "the"


def _predicate(rng: Random, patient: Phrase, *, plural: bool) -> Words:
    verb = rng.choice(rng.choice(VERBS))
    passed = patient.words(rng, _determiner(rng, patient))
    form = rng.random()
    if form < 0.5:
        return (agree(verb, plural=plural), *passed, ".")
    if form < 0.65:
        return (agree("do", plural=plural), "not", verb, *passed, ".")
    if form < 0.8:
        return (agree("are", plural=plural), participle(verb), "by", *passed, ".")
    return (agree("are", plural=plural), rng.choice(rng.choice(TRAITS)), ".")


def opinion(rng: Random, *, good: bool, plural: bool) -> Words:
    """Write an opinion on a thing or several; a negation before the adjective reverses it."""
    denied = rng.random() < 0.3
    adjective = rng.choice(GOOD if good != denied else BAD)
    thing = ("the", noun_form(rng.choice(THINGS), plural=plural))
    if rng.random() < 0.3:
        return ("nobody" if denied else "everybody", "finds", *thing, adjective)
    denial = (rng.choice(("not", "never")),) if denied else ()
    return (*thing, agree("are", plural=plural), *denial, adjective)


def praise(rng: Random, *, good: bool) -> Words:
    """Write a sentence with three adjectives for a thing, all good or all bad."""
    first, second, third = rng.sample(GOOD if good else BAD, 3)
    return ("the", first, rng.choice(THINGS), "is", second, "and", third, ".")


def vocabulary() -> Words:
    """Return every word of the language, sorted."""
    nouns = [*THINGS, *(word for kind in KINDS.values() for concept in kind for word in concept)]
    verbs = [word for concept in VERBS for word in concept]
    traits = [word for concept in TRAITS for word in concept]
    forms = {
        *(*FUNCTION_WORDS, *DETERMINERS, *PREPOSITIONS, *KINDS),
        *(*GOOD, *BAD, *VERDICTS[False], *VERDICTS[True], *MOODS[False], *MOODS[True], *traits),
        *(*nouns, *(noun_form(noun, plural=True) for noun in nouns)),
        *(*verbs, *map(singular, verbs), *map(participle, verbs)),
    }
    return tuple(sorted(forms))
