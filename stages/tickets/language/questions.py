"""Questions about three events of the miniature language, in the shape of SQuAD."""

from dataclasses import dataclass, replace
from random import Random

from stages.tickets.language import grammar, sentences
from stages.tickets.language.grammar import Event, Words


@dataclass(frozen=True)
class Quiz:
    """A question, a text of three sentences, and the part of the text that answers it."""

    question: str
    context: str
    answer: str
    start: int
    """First character of the answer in the text."""


def quizzes(split: str, num: int, seed: int) -> list[Quiz]:
    """Write `num` different questions (who does something to someone), each with a text of its own.

    A text has three sentences in random order: the event that is asked for, an event with the same verb
    and another patient, and an event with the same patient and another verb. Their agents are three
    different creatures. The question draws verbs and nouns anew among words of the same meaning, so that
    neither verb nor patient alone gives the answer, nor does an equal word. A smaller set of the same
    seed is the beginning of a larger set. The split of a question depends on a hash of its text alone.

    Args:
        split: "train" or "validation"; a quarter of all texts are for validation.
        num: number of questions, at least 1.
        seed: any int.

    Raises:
        ValueError: unknown `split`, or `num` below 1.
    """
    if split not in sentences.SPLITS:
        raise ValueError(f"split is {split!r}; allowed are {', '.join(sentences.SPLITS)}")
    if num < 1:
        raise ValueError(f"num is {num}; allowed are whole numbers from 1")
    rng = Random(f"question {split} {seed}")
    drawn: dict[Quiz, None] = {}
    while len(drawn) < num:
        quiz = _drawn(rng)
        if sentences.split_of(f"{quiz.question}\t{quiz.context}") == split:
            drawn[quiz] = None
    return list(drawn)


def _drawn(rng: Random) -> Quiz:
    asked = grammar.draw_event(rng)
    patient = grammar.other_phrase(rng, asked.agent, asked.patient)
    agent = grammar.other_phrase(rng, asked.agent, asked.patient, patient)
    same_verb = Event(agent, asked.verb, patient)
    verb = grammar.other(rng, grammar.VERBS, asked.verb)
    agent = grammar.other_phrase(rng, asked.agent, asked.patient, patient, agent)
    same_patient = replace(asked, agent=agent, verb=verb)
    events = rng.sample((asked, same_verb, same_patient), 3)
    statements = [event.words(rng) for event in events]
    doing = grammar.agree(rng.choice(asked.verb), plural=False)
    question = ("who", doing, *asked.patient.words(rng), ".")
    number = events.index(asked)
    place = _place(statements[number], asked)
    statement = statements[number]
    before = " ".join((*map(" ".join, statements[:number]), *statement[:place]))
    answer = " ".join(statement[place : place + 2])
    context = " ".join(map(" ".join, statements))
    return Quiz(" ".join(question), context, answer, len(before) + 1 if before else 0)


def _place(words: Words, event: Event) -> int:
    """Find the determiner of the event's agent in a sentence; return its number among the words."""
    nouns = {grammar.noun_form(noun, plural=event.agent.plural) for noun in event.agent.concept}
    return next(place for place, word in enumerate(words) if word in nouns) - 1
