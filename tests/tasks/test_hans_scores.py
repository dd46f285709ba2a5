"""Answers on HANS by hand: two classes, three classes, ties; and cases as they were written."""

from pathlib import Path

import numpy as np
import pytest

from stages.tickets.tasks.hans_scores import Accuracy, Case, by_subcase, load_cases, save_cases

PASSIVE = Case("lexical_overlap", "le_passive", "here")
SWAP = Case("lexical_overlap", "ln_subject/object_swap", "here")
ADVERB = Case("constituent", "cn_adverb", "here, sha256 12")


def test_two_classes() -> None:
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [-1.0, 0.5], [0.5, 0.4]])
    labels = np.array([0, 0, 1, 1, 1])
    assert by_subcase(logits, labels, [PASSIVE, PASSIVE, SWAP, SWAP, ADVERB]) == [
        Accuracy("lexical_overlap", True, "le_passive", 0.5, 2, "here"),
        Accuracy("lexical_overlap", False, "ln_subject/object_swap", 0.5, 2, "here"),
        Accuracy("constituent", False, "cn_adverb", 0.0, 1, "here, sha256 12"),
    ]


def test_neutral_and_contradiction_both_say_non_entailment() -> None:
    logits = np.array([[1.0, 2.0, 0.0], [1.0, 0.0, 2.0], [2.0, 1.0, 1.5], [0.0, 3.0, 3.0]])
    said = by_subcase(logits, np.array([1, 1, 1, 1]), [SWAP] * 4)
    assert [one.accuracy for one in said] == [0.75]
    said = by_subcase(logits, np.array([0, 0, 0, 0]), [PASSIVE] * 4)
    assert [one.accuracy for one in said] == [0.25]


def test_class_0_that_shares_the_highest_logit_says_entailment() -> None:
    assert by_subcase(np.zeros((1, 3)), np.array([0]), [PASSIVE])[0].accuracy == 1.0


def test_a_subcase_may_have_both_answers() -> None:
    said = by_subcase(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), [PASSIVE, PASSIVE])
    assert [(one.entailed, one.accuracy) for one in said] == [(True, 1.0), (False, 0.0)]


def test_other_numbers_of_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="hans has 2 predictions, 1 labels and 1 cases"):
        by_subcase(np.zeros((2, 2)), np.array([0]), [PASSIVE])


def test_cases_are_read_as_they_were_written(tmp_path: Path) -> None:
    cases = [PASSIVE, SWAP, ADVERB, Case("subsequence", "NA", "nan")]
    save_cases(cases, tmp_path / "hans.csv")
    assert load_cases(tmp_path / "hans.csv") == cases
