"""Pairs in HANS's manner: words, counts and seeds; labels and overlaps, found again by a parser."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from stages.tickets.language import grammar, sentences
from stages.tickets.language.hans import HEURISTICS, Example, examples
from stages.tickets.language.templates import SUBCASES

VERBS = {
    form: verb
    for concept in grammar.VERBS
    for verb in concept
    for form in (verb, grammar.singular(verb), grammar.participle(verb))
}
ADVERBS = ("surely", "maybe", "hardly")
Fact = tuple[str, str, str]
"""Who does what to whom."""


class Reader:
    """What a sentence says, read word by word; it knows the grammar and none of the templates."""

    def __init__(self, text: str) -> None:
        self.words = text.split()
        self.facts: set[Fact] = set()
        while self.words != ["."]:
            self._clause()
            if self.words[0] in ("and", "but"):
                self.words.pop(0)

    def _clause(self) -> None:
        adverb = self.words.pop(0) if self.words[0] in ADVERBS else ""
        subjects = [self._phrase()]
        while self.words[0] == "and":
            self.words.pop(0)
            subjects.append(self._phrase())
        if self.words[0] in ("is", "are"):
            verb = VERBS[self.words[1]]
            assert self.words[2] == "by"
            del self.words[:3]
            found = {(self._phrase(), verb, subject) for subject in subjects}
        else:
            verb = VERBS[self.words.pop(0)]
            objects = [self._phrase()]
            while self.words[:2] == ["and", "the"] and self.words[3] not in VERBS:
                self.words.pop(0)
                objects.append(self._phrase())
            found = {(subject, verb, other) for subject in subjects for other in objects}
        if adverb in ("", "surely"):
            self.facts |= found

    def _phrase(self) -> str:
        """The noun of a phrase; what its relative clause says is a fact."""
        assert self.words.pop(0) == "the"
        noun = self.words.pop(0)
        if self.words[0] in grammar.PREPOSITIONS:
            self.words.pop(0)
            self._phrase()
        elif self.words[0] == "who":
            self.words.pop(0)
            if self.words[0] in VERBS:
                verb = VERBS[self.words.pop(0)]
                self.facts.add((noun, verb, self._phrase()))
            else:
                subject = self._phrase()
                self.facts.add((subject, VERBS[self.words.pop(0)], noun))
        return noun


ALL = examples(60, 1)


def test_the_reader_reads() -> None:
    text = "the dog who the cats help chases the hen and the pig but maybe the owl views the cat ."
    assert Reader(text).facts == {
        ("cats", "help", "dog"), ("dog", "chase", "hen"), ("dog", "chase", "pig"),
    }  # fmt: skip
    assert Reader("the owl is viewed by the cat .").facts == {("cat", "view", "owl")}


@pytest.mark.parametrize("subcase", SUBCASES)
def test_labels_say_whether_the_hypothesis_follows(subcase: str) -> None:
    for example in (one for one in ALL if one.subcase == subcase):
        (claim,) = Reader(example.hypothesis).facts
        assert (claim in Reader(example.premise).facts) == (example.label == 0), example
        assert example.label == {"e": 0, "n": 1}[subcase[1]]


@pytest.mark.parametrize("subcase", SUBCASES)
def test_every_heuristic_says_entailment(subcase: str) -> None:
    """But for passives, whose verb has another form than in the hypothesis."""
    for example in (one for one in ALL if one.subcase == subcase):
        premise, hypothesis = example.premise.split()[:-1], example.hypothesis.split()[:-1]
        if "passive" in subcase:
            premise = [VERBS.get(word, word) for word in premise]
            hypothesis = [VERBS.get(word, word) for word in hypothesis]
        assert not Counter(hypothesis) - Counter([*premise, "the"])
        num = len(hypothesis)
        places = [i for i in range(len(premise)) if premise[i : i + num] == hypothesis]
        if example.heuristic != "lexical_overlap":
            assert places
        if example.heuristic == "constituent":  # it begins a clause, and ends it
            before = {premise[i - 1] for i in places if i}
            assert before <= {*ADVERBS, "and", "but"}
            after = {premise[i + num] for i in places if i + num < len(premise)}
            assert after <= {"and", "but"}


def test_verbs_agree_with_their_subjects() -> None:
    for example in ALL:
        noun, verb = example.hypothesis.split()[1:3]
        assert noun.endswith("s") != verb.endswith("s"), example


def test_every_heuristic_has_subcases_of_both_kinds() -> None:
    kinds = Counter((example.heuristic, example.label) for example in ALL)
    assert set(kinds) == {(name, label) for name in HEURISTICS.values() for label in (0, 1)}
    assert min(kinds.values()) >= 2 * 60
    assert Counter(example.subcase for example in ALL) == dict.fromkeys(SUBCASES, 60)


def test_pairs_differ_and_use_words_of_the_language() -> None:
    pairs = {(example.premise, example.hypothesis) for example in ALL}
    assert len(pairs) == len(ALL)
    assert {word for pair in pairs for text in pair for word in text.split()} <= set(
        sentences.WORDS
    )


def test_none_is_in_the_training_split_of_entailment() -> None:
    """One that is in the space of its texts would be in the validation split."""
    trained = {
        (one.first, one.second) for one in sentences.examples("entailment", "train", 3000, 0)
    }
    assert trained.isdisjoint((one.premise, one.hypothesis) for one in examples(1000, 0))


def test_a_smaller_set_holds_the_first_of_every_subcase() -> None:
    larger = [one for subcase in SUBCASES for one in _of(subcase, ALL)[:7]]
    assert examples(7, 1) == larger
    assert examples(7, 2) != larger


def _of(subcase: str, found: list[Example]) -> list[Example]:
    return [one for one in found if one.subcase == subcase]


def test_another_process_writes_the_same() -> None:
    code = "from stages.tickets.language.hans import examples; print(examples(3, 1))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert found.stdout.strip() == str(examples(3, 1))


@pytest.mark.parametrize("number", [0, 1001])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"per_subcase is {number}, allowed are 1 to 1000"):
        examples(number, 0)
