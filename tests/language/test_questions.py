"""Questions about three events of the miniature language: answered by the text, and not by one word."""

import pytest

from stages.tickets.language import grammar, questions
from stages.tickets.language import sentences as language

QUIZZES = questions.quizzes("train", 300, 1)
FORMS = {
    form: concept
    for concept in (*grammar.VERBS, *(c for kind in grammar.KINDS.values() for c in kind))
    for word in concept
    for form in (
        (word, grammar.singular(word), grammar.participle(word))
        if concept in grammar.VERBS
        else (word, grammar.noun_form(word, plural=True))
    )
}
"""Concept by every form of its words."""


def concepts(text: str) -> list[tuple[str, ...]]:
    return [FORMS[word] for word in text.split() if word in FORMS]


@pytest.mark.parametrize("quiz", QUIZZES[:100], ids=lambda quiz: quiz.question)
def test_one_sentence_alone_has_verb_patient_and_answer(quiz: questions.Quiz) -> None:
    assert quiz.context[quiz.start : quiz.start + len(quiz.answer)] == quiz.answer
    verb, patient = concepts(quiz.question)
    (answer,) = concepts(quiz.answer)
    sentences = [concepts(part) for part in quiz.context.split(" .") if part]
    assert len(sentences) == 3
    assert [{verb, patient} <= set(said) for said in sentences].count(True) == 1
    assert sum(verb in said for said in sentences) == 2
    assert sum(patient in said for said in sentences) == 2
    (asked,) = (said for said in sentences if {verb, patient} <= set(said))
    assert set(asked) == {verb, patient, answer}
    assert sum(answer in said for said in sentences) == 1


def test_questions_are_closed_different_and_fit_the_miniature() -> None:
    words = {word for quiz in QUIZZES for word in f"{quiz.question} {quiz.context}".split()}
    assert words <= set(language.WORDS)
    assert len(set(QUIZZES)) == 300
    assert max(len(f"{q.question} {q.context}".split()) + 3 for q in QUIZZES) <= 32


def test_answers_stand_at_all_places() -> None:
    starts = [quiz.start for quiz in QUIZZES]
    assert starts.count(0) > 30
    assert len(set(starts)) > 30


def test_a_smaller_set_begins_a_larger_one_and_seeds_differ() -> None:
    assert questions.quizzes("train", 50, 1) == QUIZZES[:50]
    assert questions.quizzes("train", 50, 2) != QUIZZES[:50]


def test_no_question_is_in_both_splits() -> None:
    assert not set(questions.quizzes("validation", 300, 1)) & set(QUIZZES)


def test_what_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="split is 'test'"):
        questions.quizzes("test", 1, 1)
    with pytest.raises(ValueError, match="num is 0"):
        questions.quizzes("train", 0, 1)
