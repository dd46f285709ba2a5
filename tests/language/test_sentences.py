"""The miniature English: it repeats itself to the byte, is closed, balanced, and labelled right."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from stages.tickets.language import grammar
from stages.tickets.language import sentences as language
from stages.tickets.language.sentences import LABELLED, WORDS, Example, examples, sentences

CLASSES = [task for task, (num_labels, _) in LABELLED.items() if num_labels > 1]
PRINT_ALL = """
from stages.tickets.language import sentences as language
for document in language.sentences(200, 7):
    print(document)
for task in language.LABELLED:
    for split in ("train", "validation"):
        for example in language.examples(task, split, 50, 7):
            print(example)
"""


def said(task: str, num: int = 300) -> list[Example]:
    """Write examples of both splits."""
    return [*examples(task, "train", num, 1), *examples(task, "validation", num, 1)]


def tokens(example: Example) -> list[str]:
    return f"{example.first} {example.second or ''}".split()


# Laws.


def test_two_processes_write_the_same_bytes() -> None:
    def written(hash_seed: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-c", PRINT_ALL],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout

    first = written("1")
    assert first.count(b"\n") == 200 + 2 * 50 * len(LABELLED)
    assert first == written("2")


def test_words_are_sorted_single_and_a_few_hundred() -> None:
    assert list(WORDS) == sorted(set(WORDS))
    assert 200 <= len(WORDS) <= 400
    assert all(word == "." or (word.isalpha() and word.islower()) for word in WORDS)
    assert {".", "not"} <= set(WORDS)


def test_the_vocabulary_is_closed_and_the_corpus_uses_all_of_it() -> None:
    used = Counter(word for document in sentences(6000, 1) for word in document.split(" "))
    assert set(used) == set(WORDS)
    for task in LABELLED:
        assert {word for example in said(task) for word in tokens(example)} <= set(WORDS)


@pytest.mark.parametrize("task", LABELLED)
def test_the_seed_changes_the_text(task: str) -> None:
    assert examples(task, "train", 20, 1) == examples(task, "train", 20, 1)
    assert examples(task, "train", 20, 1) != examples(task, "train", 20, 2)
    assert sentences(20, 1) != sentences(20, 2)


@pytest.mark.parametrize("task", LABELLED)
def test_a_smaller_set_begins_a_larger_one(task: str) -> None:
    assert examples(task, "validation", 41, 3)[:20] == examples(task, "validation", 20, 3)
    assert sentences(41, 3)[:20] == sentences(20, 3)


@pytest.mark.parametrize("task", LABELLED)
def test_no_validation_text_is_in_train_or_in_the_corpus(task: str) -> None:
    train = {(e.first, e.second) for seed in (1, 2) for e in examples(task, "train", 1000, seed)}
    validation = {(e.first, e.second) for e in examples(task, "validation", 500, 1)}
    assert len(validation) == 500
    assert not train & validation
    held_out = {f"{first} {second or ''}".strip() for first, second in validation}
    joints = re.compile(r" (?:surely|maybe|hardly|namely|instead)(?= )")
    assert not held_out & {joints.sub("", document) for document in sentences(5000, 1)}


@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("num", [1, 2, 100, 101])
def test_labels_are_balanced_to_within_one(task: str, num: int) -> None:
    drawn = examples(task, "train", num, 5)
    counts = Counter(example.label for example in drawn)
    assert len(drawn) == num
    if num > 1:
        assert set(counts) <= set(range(LABELLED[task][0]))
        assert max(counts.values()) - min(counts[i] for i in range(LABELLED[task][0])) <= 1


@pytest.mark.parametrize("task", LABELLED)
def test_shapes(task: str) -> None:
    num_labels, is_pair = LABELLED[task]
    for example in said(task):
        sides = [side for side in (example.first, example.second) if side is not None]
        assert len(sides) == 1 + is_pair
        assert all(4 <= len(side.split()) <= 16 and side.endswith(" .") for side in sides)
        assert len(tokens(example)) <= 24
        assert example.label in range(num_labels) if num_labels > 1 else 0 <= example.label <= 5


# Labels, by rules that share no code with the writers.

SINGULAR = {word for kind in grammar.KINDS.values() for concept in kind for word in concept}
LEMMAS = {concept[0]: concept for kind in grammar.KINDS.values() for concept in kind}
CONCEPTS = {word: name for name, concept in LEMMAS.items() for word in concept}
KIND_OF = {concept[0]: kind for kind, concepts in grammar.KINDS.items() for concept in concepts}
VERB_FORMS = {
    form: concept[0]
    for concept in grammar.VERBS
    for verb in concept
    for form in (verb, f"{verb}s", f"{verb.removesuffix('e')}ed")
}


def either(words: object) -> str:
    return "(?:" + "|".join(sorted(str(word) for word in words)) + ")"  # type: ignore[attr-defined]


def grammatical() -> re.Pattern[str]:
    """Spell out the acceptable sentences of both numbers, apart, as one regular expression."""
    verbs = {verb for concept in grammar.VERBS for verb in concept}
    trait = either(word for concept in grammar.TRAITS for word in concept)
    plain, third = either(verbs), either(f"{verb}s" for verb in verbs)
    passed = either(f"{verb.removesuffix('e')}ed" for verb in verbs)
    one = rf"(?:the|this|that)(?: {trait})? {either(SINGULAR)}"
    many = rf"(?:the|these|those)(?: {trait})? {either(f'{noun}s' for noun in SINGULAR)}"
    creature = rf"(?:{one}|{many})"

    def clause(subject: str, verb: str, copula: str, auxiliary: str) -> str:
        aside = (
            rf"(?: {either(grammar.PREPOSITIONS)} {creature}| who {verb} {creature}"
            rf"| who {one} {third}| who {many} {plain})?"
        )
        predicate = (
            rf"(?:{verb} {creature}|{auxiliary} not {plain} {creature}"
            rf"|{copula} {passed} by {creature}|{copula} {trait})"
        )
        return rf"{subject}{aside} {predicate} \."

    return re.compile(clause(one, third, "is", "does") + "|" + clause(many, plain, "are", "do"))


def test_acceptable_is_what_agrees() -> None:
    rule = grammatical()
    assert rule.fullmatch("the dogs near the cat chase the boy .")
    assert not rule.fullmatch("the dogs near the cat chases the boy .")
    drawn = said("acceptability")
    assert [bool(rule.fullmatch(e.first)) for e in drawn] == [e.label == 1 for e in drawn]


def test_sentiment_is_that_of_the_last_clause_and_negation_turns_it() -> None:
    for example in said("sentiment"):
        words = re.split(" but | and ", example.first)[-1].split()
        good = any(word in grammar.GOOD for word in words)
        denied = any(word in ("not", "never", "nobody") for word in words)
        assert (good != denied) == (example.label == 1)


def parsed(sentence: str) -> tuple[str, str, str, bool]:
    """Read agent, verb and patient (concept and number), and whether the event is denied."""
    words = sentence.split()
    nouns = [
        f"{CONCEPTS[word.removesuffix('s')]}{'+' if word.endswith('s') else ''}"
        for word in words
        if word.removesuffix("s") in CONCEPTS
    ]
    (verb,) = (VERB_FORMS[word] for word in words if word in VERB_FORMS)
    agent, patient = nouns[::-1] if "by" in words else nouns
    return agent, verb, patient, "not" in words


def test_a_paraphrase_tells_the_same_event() -> None:
    assert parsed("the cat chases the lads .") == ("cat", "chase", "boy+", False)
    assert parsed("the boys are not pursued by the cat .") == ("cat", "chase", "boy+", True)
    for example in said("paraphrase"):
        assert example.second is not None
        assert (parsed(example.first) == parsed(example.second)) == (example.label == 1)


def test_paraphrases_differ_in_order_half_of_the_time() -> None:
    pairs = [(parsed(e.first), parsed(str(e.second))) for e in said("paraphrase") if e.label == 0]
    swaps = sum(first[::2] == second[::2][::-1] for first, second in pairs)
    assert 0.4 < swaps / len(pairs) < 0.6


def test_similarity_counts_what_is_shared_in_the_same_role() -> None:
    for example in said("similarity"):
        first, second = parsed(example.first), parsed(str(example.second))
        points = 2 * (first[1] == second[1])
        for one, two in ((first[0], second[0]), (first[2], second[2])):
            same_kind = KIND_OF[one.removesuffix("+")] == KIND_OF[two.removesuffix("+")]
            points += 2 if one == two else same_kind
        assert example.label == pytest.approx(points * 5 / 6, abs=1e-3)


def claimed(sentence: str) -> tuple[str, str, str]:
    quantifier, noun, rest = sentence.split(" ", 2)
    return quantifier, CONCEPTS.get(noun, noun), rest


def follows(first: tuple[str, str, str], second: tuple[str, str, str]) -> int:
    """Label two quantified claims by counting: how many dogs and other beasts do it, of two."""
    (*_, rest), (*_, other_rest) = first, second
    assert rest == other_rest

    def holds(claim: tuple[str, str, str], dogs: int, others: int, num_others: int) -> bool:
        doing, all_ = (dogs + others, 2 + num_others) if claim[1] in grammar.KINDS else (dogs, 2)
        return {"every": doing == all_, "some": doing > 0, "no": doing == 0}[claim[0]]

    worlds = [w for w in product(range(3), range(3), range(3)) if w[1] <= w[2]]
    then = {holds(second, *world) for world in worlds if holds(first, *world)}
    return 1 if len(then) == 2 else 0 if then == {True} else 2


def test_entailment_is_truth_in_every_world() -> None:
    assert follows(("every", "bird", "x"), ("some", "owl", "x")) == 0
    assert follows(("some", "owl", "x"), ("every", "owl", "x")) == 1
    assert follows(("no", "bird", "x"), ("some", "owl", "x")) == 2
    seen = Counter[bool]()
    for example in said("entailment"):
        assert example.second is not None
        quantified = not example.first.startswith("the ")
        seen[quantified] += 1
        if quantified:
            label = follows(claimed(example.first), claimed(example.second))
        else:
            (*first, denied), (*second, denied_too) = parsed(example.first), parsed(example.second)
            label = 1 if first != second else 0 if denied == denied_too else 2
        assert label == example.label
    assert min(seen.values()) > 100


# Errors name the value and what is allowed.


def test_unknown_tasks_splits_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="task is 'mood'; allowed are acceptability, sentiment"):
        examples("mood", "train", 1, 0)
    with pytest.raises(ValueError, match="split is 'test'; allowed are train, validation"):
        examples("sentiment", "test", 1, 0)
    with pytest.raises(ValueError, match="num is 0; allowed are whole numbers from 1"):
        examples("sentiment", "train", 0, 0)
    with pytest.raises(ValueError, match="num is -1; allowed are whole numbers from 1"):
        language.sentences(-1, 0)
