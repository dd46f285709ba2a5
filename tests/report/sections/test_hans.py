"""The section on HANS: means over subcases and seeds by hand, what is shown, and the answer."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from stages.tickets import settings
from stages.tickets.report.rows import HansScore
from stages.tickets.report.section import Section
from stages.tickets.report.sections import hans
from tests.made_up import Study, config, study

DENSE = HansScore(
    "entailment", "dense", 1, 0, 0.0, None, "", "constituent", False, "cn_adverb", 0.4, 30, "here"
)  # fmt: skip


def section(made: Study, scores: Sequence[HansScore] | None = None) -> Section:
    results = made.results if scores is None else replace(made.results, hans=scores)
    return hans.section(results, made.config)


def test_subcases_count_by_their_examples_and_seeds_alike() -> None:
    scores = [
        DENSE,
        replace(DENSE, subcase="cn_disjunction", accuracy=0.8, num_examples=10),
        replace(DENSE, seed=2, accuracy=0.7),
        replace(DENSE, kind="imp"),
    ]
    made = replace(study(config(1, 2, 1)), hans=scores)
    rows = hans.accuracies(made.results)  # tickets are in hans.csv alone
    assert {row.kind for row in rows} == {"dense"}
    by_subcase = {row.subcase: row.over_seeds for row in rows}
    assert by_subcase[""].mean == pytest.approx((0.5 + 0.7) / 2)
    assert by_subcase[""].n == 2
    assert by_subcase["cn_adverb"].mean == pytest.approx(0.55)
    assert len(rows) == 3


def test_the_table_has_a_row_per_setting_and_columns_by_heuristic_and_truth() -> None:
    table, _ = section(study(config(3, 3, 2))).tables
    assert len(table.header) == 1 + 3 * 2 + 1
    assert [row[0].removeprefix("entailment: ") for row in table.rows] == [
        "majority class", "bag of words", "averaged word vectors", "dense",
        *(
            f"{kind}, {name}, {state}"
            for kind, names in (
                ("heads and MLPs", ("good", "random", "bad", "super")),
                ("weights", ("good", "random", "bad")),
            )
            for name in names
            for state in ("pruned", "retrained")
        ),
    ]  # fmt: skip
    dense = dict(zip(table.header, table.rows[3], strict=True))
    assert table.rows[0][-1] == "–"  # a baseline has no seed
    assert dense["constituent, entailed"] == "90.0 ± 0.0"
    assert dense["constituent, non-entailed"] == "10.0 ± 0.0"
    assert dense["lexical overlap, non-entailed"] == "42.5 ± 0.0"  # 75 of passives, 10 of swaps
    assert dense["n"] == "3"
    assert len(table.records) == len(table.rows) * 6


def test_the_table_by_subcase_shows_few_settings_and_has_all_in_its_records() -> None:
    made = study(config(3, 3, 2))
    _, table = section(made).tables
    first, second, *rest = table.rows
    assert (first[0], second[0]) == ("entailment: le_passive", "entailment: ln_passive")
    assert len(rest) == 5
    assert table.header[2:] == tuple(name for _, name in hans.LOOKS.values())
    assert len(table.records) == 7 * len(hans.names_of(made.config))


def test_subnetworks_that_were_not_trained_are_named() -> None:
    made = study(config(2, 1, 1))
    only = settings.Retrain(
        tasks=("sentiment",), seeds=(1,), structured=("good",), magnitude=(), scratch=()
    )
    none = settings.RetrainSuper(tasks=(), seeds=(), subnetworks=())
    other = section(study(made.config.model_copy(update={"retrain": only, "retrain_super": none})))
    assert len(other.tables[0].rows) == 4
    assert "Subnetworks of entailment: not run: not in retrain.tasks." in other.tables[0].caption
    assert {record["kind"] for record in other.figures[0].records} == {"dense"}
    assert "not run" not in section(made).tables[0].caption


def test_the_answer_says_where_dense_models_are_better_than_one_answer_to_everything() -> None:
    made = study(config(3, 3, 2))
    answer = section(made).answer
    assert "90\N{NO-BREAK SPACE}% and 42.5\N{NO-BREAK SPACE}% (lexical overlap)" in answer
    assert answer.endswith("for: lexical overlap.")  # of 90 and 42.5; the others have 50
    never = [  # says entailment: 100 on non-entailed examples is nothing to be proud of
        replace(row, accuracy=0.0 if row.entailed else 1.0) if row.kind == "dense" else row
        for row in made.hans
    ]
    assert section(made, never).answer.endswith("for: none.")
    assert section(made, []).answer == "Not run: no task has `hans` in params.yaml."


def test_two_tasks_have_sentences_and_panels_each() -> None:
    made = study(config(1, 2, 1))
    tasks = [*made.hans, *(replace(row, task="rte", origin="a file") for row in made.hans)]
    two = section(made, tasks)
    assert two.answer.count("Dense models of ") == 2
    assert {record["task"] for record in two.figures[0].records} == {"entailment", "rte"}
    assert "from the miniature language for entailment, a file for rte;" in two.tables[0].caption
