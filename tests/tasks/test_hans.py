"""HANS: from a file in both formats, from the miniature, what is refused; and answers by hand."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.tickets.settings import (
    FolderData,
    HansFile,
    HubData,
    MiniatureData,
    MiniatureHans,
    OwnData,
    ParamsError,
)
from stages.tickets.tasks import hans
from stages.tickets.tasks.hans import Accuracy, Case, by_subcase

ROWS = [
    ("The judge saw the actor .", "The actor saw the judge .", 1, "lexical_overlap", "ln_swap"),
    ("The judge slept .", 'The "judge" slept .', 0, "constituent", "ce_adverb"),
    *(
        (f"The judge saw actor {i} .", f"Actor {i} saw .", 1, "subsequence", "sn_NP")
        for i in range(9)
    ),
]
TABLE = pd.DataFrame(ROWS, columns=hans.COLUMNS)


def folder(path: Path | str, per_subcase: int = 5) -> FolderData:
    file = HansFile(path=str(path), per_subcase=per_subcase)
    return FolderData(source="folder", path="glue", config="rte", hans=file)


def parquet(folder_of_it: Path, table: pd.DataFrame = TABLE) -> Path:
    path = folder_of_it / "hans.parquet"
    table.to_parquet(path)
    return path


def official(folder_of_it: Path) -> Path:
    """Columns and order as in heuristics_evaluation_set.txt."""
    columns = [
        "gold_label", "sentence1_binary_parse", "sentence2_binary_parse", "sentence1_parse",
        "sentence2_parse", "sentence1", "sentence2", "pairID", "heuristic", "subcase", "template",
    ]  # fmt: skip
    lines = ["\t".join(columns)]
    for i, (premise, hypothesis, label, heuristic, subcase) in enumerate(ROWS):
        gold = ("entailment", "non-entailment")[label]
        cells = [gold, "( a )", "( b )", "(ROOT a)", "(ROOT b)", premise, hypothesis]
        lines.append("\t".join([*cells, f"ex{i}", heuristic, subcase, "temp1"]))
    path = folder_of_it / "heuristics_evaluation_set.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows_of(data: FolderData, seed: int = 0) -> list[tuple[str, str, int, str, str]]:
    examples = hans.load("rte", data, seed)
    assert examples
    texts, cases = examples
    assert texts.seconds is not None
    return [
        (first, second, label, case.heuristic, case.subcase)
        for first, second, label, case in zip(
            texts.firsts, texts.seconds, texts.labels.tolist(), cases, strict=True
        )
    ]


def test_both_formats_give_the_same_rows_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert rows_of(folder(parquet(tmp_path), 100)) == ROWS
    assert rows_of(folder(official(tmp_path), 100)) == ROWS


def test_each_subcase_gives_at_most_so_many_drawn_by_a_seed(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    five = rows_of(folder(path, 5))
    assert Counter(row[4] for row in five) == {"ln_swap": 1, "ce_adverb": 1, "sn_NP": 5}
    assert [row for row in ROWS if row in five] == five
    assert rows_of(folder(path, 5)) == five
    assert rows_of(folder(path, 5), seed=1) != five
    assert set(rows_of(folder(path, 3))) < set(five)


def test_the_origin_names_the_file_and_its_content_but_no_folder(tmp_path: Path) -> None:
    examples = hans.load("rte", folder(parquet(tmp_path)), 0)
    assert examples
    (origin,) = {case.origin for case in examples[1]}
    assert origin.startswith("hans.parquet, sha256 ")
    assert len(origin) == len("hans.parquet, sha256 ") + 12


def test_variables_in_the_path_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet(tmp_path)
    monkeypatch.setenv("SOMEWHERE", str(tmp_path))
    assert len(rows_of(folder("$SOMEWHERE/hans.parquet", 100))) == len(ROWS)


def test_the_hub_takes_a_file_too(tmp_path: Path) -> None:
    file = HansFile(path=str(parquet(tmp_path)), per_subcase=1)
    data = HubData(source="hub", name="nyu-mll/glue", config="mnli", revision="0" * 40, hans=file)
    examples = hans.load("mnli", data, 0)
    assert examples
    assert examples[0].labels.tolist() == [1, 0, 1]


def test_the_miniature_writes_its_own() -> None:
    data = MiniatureData(
        source="miniature", train=10, validation=10, seed=3, hans=MiniatureHans(per_subcase=2)
    )
    examples = hans.load("entailment", data, 0)
    assert examples
    texts, cases = examples
    assert set(Counter(case.subcase for case in cases).values()) == {2}
    assert cases[0] == Case(
        "lexical_overlap", "le_around_prepositional_phrase", "the miniature language"
    )
    assert len(texts.firsts) == len(texts.labels) == len(cases)
    assert [case.subcase[1] == "n" for case in cases] == [bool(x) for x in texts.labels]


def test_a_task_without_it_has_none() -> None:
    data = MiniatureData(source="miniature", train=10, validation=10, seed=0)
    assert hans.load("entailment", data, 0) is None
    own = OwnData(
        train="a.csv", validation="b.csv", texts=("a",), label="b", kind="regression",
        metrics=("pearson",),
    )  # fmt: skip
    assert hans.load("mine", own, 0) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"label": [2] * len(ROWS)}, "row 1, has the label 2, allowed are 0, 1"),
        (
            {"heuristic": ["constituent"] * 10 + ["guess"]},
            "row 11, has the heuristic 'guess', allowed are lexical_overlap, subsequence",
        ),
        ({"premise": ["a", None, *"abcdefghi"]}, "row 2, has no 'premise'"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, change: dict[str, list[Any]], problem: str) -> None:
    path = parquet(tmp_path, TABLE.assign(**change))
    with pytest.raises(ParamsError, match=rf"^.*hans\.parquet, {problem}"):
        hans.load("rte", folder(path), 0)


def test_a_missing_file_column_or_row_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"hans\.path is 'x\.txt', but there is no such file"):
        hans.load("rte", folder("x.txt"), 0)
    path = parquet(tmp_path, TABLE.drop(columns="subcase"))
    with pytest.raises(ParamsError, match="has no column 'subcase': its columns are"):
        hans.load("rte", folder(path), 0)
    path = parquet(tmp_path, TABLE.head(0))
    with pytest.raises(ParamsError, match="which has no rows"):
        hans.load("rte", folder(path), 0)
    path = official(tmp_path)
    path.write_text(path.read_text().replace("non-entailment", "contradiction", 1))
    with pytest.raises(
        ParamsError, match="the label 'contradiction', allowed are entailment, non-"
    ):
        hans.load("rte", folder(path), 0)
    path.write_text(path.read_text().replace("sentence1\t", "text\t", 1))
    with pytest.raises(ParamsError, match="has no column 'sentence1': its columns are"):
        hans.load("rte", folder(path), 0)
    broken = tmp_path / "broken.parquet"
    broken.write_text("no table")
    with pytest.raises(ParamsError, match="which cannot be read: "):
        hans.load("rte", folder(broken), 0)


@pytest.mark.skipif(
    "SCRATCHCARD_DATA" not in os.environ, reason="SCRATCHCARD_DATA is not set: no HANS here"
)
def test_the_real_templates_have_thirty_subcases_half_of_them_entailed() -> None:
    path = "$SCRATCHCARD_DATA/data/hans/validation-00000-of-00001.parquet"
    rows = rows_of(folder(path, 100))
    assert Counter(Counter(row[4] for row in rows).values()) == {100: 30}
    kinds = Counter((row[3], row[2]) for row in rows)
    assert set(kinds.values()) == {500}
    assert len(kinds) == 6
    assert all((row[4][1] == "n") == bool(row[2]) for row in rows)


# --- scores ----------------------------------------------------------------------------------

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
    accuracies = by_subcase(logits, np.array([1, 1, 1, 1]), [SWAP] * 4)
    assert [row.accuracy for row in accuracies] == [0.75]
    accuracies = by_subcase(logits, np.array([0, 0, 0, 0]), [PASSIVE] * 4)
    assert [row.accuracy for row in accuracies] == [0.25]


def test_class_0_that_shares_the_highest_logit_says_entailment() -> None:
    assert by_subcase(np.zeros((1, 3)), np.array([0]), [PASSIVE])[0].accuracy == 1.0


def test_a_subcase_may_have_both_answers() -> None:
    accuracies = by_subcase(
        np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), [PASSIVE, PASSIVE]
    )
    assert [(row.entailed, row.accuracy) for row in accuracies] == [(True, 1.0), (False, 0.0)]


def test_other_numbers_of_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="hans has 2 predictions, 1 labels and 1 cases"):
        by_subcase(np.zeros((2, 2)), np.array([0]), [PASSIVE])


def test_cases_are_read_as_they_were_written(tmp_path: Path) -> None:
    cases = [PASSIVE, SWAP, ADVERB, Case("subsequence", "NA", "nan")]
    hans.save_cases(cases, tmp_path / "hans.csv")
    assert hans.load_cases(tmp_path / "hans.csv") == cases
