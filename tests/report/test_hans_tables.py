"""The section on HANS: means over subcases and seeds by hand, what is shown, and the answer."""

from dataclasses import replace

import pytest

from stages.tickets import settings
from stages.tickets.report import hans_tables
from stages.tickets.report.hans_tables import (
    Group,
    hans_figure,
    hans_table,
    on_hans,
    subcases_table,
)
from stages.tickets.report.rows import HansScore
from tests.made_up import config, study

DENSE = HansScore(
    "entailment", "dense", 1, 0, 0.0, None, "", "constituent", False, "cn_adverb", 0.4, 30, "here"
)  # fmt: skip


def test_subcases_count_by_their_examples_and_seeds_alike() -> None:
    rows = [
        DENSE,
        replace(DENSE, subcase="cn_disjunction", accuracy=0.8, num_examples=10),
        replace(DENSE, seed=2, accuracy=0.7),
        replace(DENSE, kind="imp"),
    ]
    found = hans_tables.summaries(rows, config(1, 2, 1))
    whole = found[Group("entailment", "dense", "", "constituent", False)]
    assert whole.mean == pytest.approx((0.5 + 0.7) / 2)
    assert whole.n == 2
    adverb = found[Group("entailment", "dense", "", "constituent", False, "cn_adverb")]
    assert adverb.mean == pytest.approx(0.55)
    assert len(found) == 3  # tickets are in hans.csv alone


def test_the_table_has_a_row_per_setting_and_columns_by_heuristic_and_answer() -> None:
    made = study(config(3, 3, 2))
    table = hans_table(made.hans, made.config)
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
    assert "for entailment 140 examples from the miniature language" in table.caption


def test_the_table_by_subcase_shows_few_settings_and_has_all_in_its_records() -> None:
    made = study(config(3, 3, 2))
    table = subcases_table(made.hans, made.config)
    assert [row[0] for row in table.rows][:2] == [
        "entailment: le_passive",
        "entailment: ln_passive",
    ]
    assert len(table.rows) == 7
    assert table.header[2:] == tuple(name for _, name in hans_tables.LOOKS.values())
    assert len(table.records) == 7 * len(hans_tables.settings(made.config))


def test_subnetworks_that_were_not_trained_are_named() -> None:
    made = study(config(2, 1, 1))
    only = settings.Retrain(
        tasks=("sentiment",), seeds=(1,), structured=("good",), super=(), magnitude=(), scratch=()
    )
    other = study(made.config.model_copy(update={"retrain": only}))
    table = hans_table(other.hans, other.config)
    assert len(table.rows) == 4
    assert "Subnetworks of entailment: not run: not in retrain.tasks." in table.caption
    none = only.model_copy(update={"tasks": ()})
    nothing = study(made.config.model_copy(update={"retrain": none}))
    assert "retrain.tasks is empty" in hans_table(nothing.hans, nothing.config).caption
    assert {record["kind"] for record in hans_figure(nothing.hans, nothing.config).records} == {
        "dense"
    }


def test_the_answer_says_where_dense_models_are_above_chance() -> None:
    made = study(config(3, 3, 2))
    said = on_hans(made.hans, made.config)
    assert "90\N{NO-BREAK SPACE}% and 42.5\N{NO-BREAK SPACE}% (lexical overlap)" in said
    assert "on non-entailed examples: none; in the mean" in said
    assert said.endswith("has 50 %: lexical overlap.")  # of 90 and 42.5; the others have 50
    rarely = [  # says entailment: 100 on non-entailed examples is nothing to be proud of
        replace(row, accuracy=0.0 if row.entailed else 1.0) if row.kind == "dense" else row
        for row in made.hans
    ]
    said = on_hans(rarely, made.config)
    assert "non-entailed examples: lexical overlap, subsequence, constituent; in the mean" in said
    assert said.endswith("has 50 %: none.")
    others = [row for row in made.hans if row.kind != "dense"]
    assert on_hans(others, made.config) == "Dense models of entailment: not run."
    assert on_hans([], made.config) == "Not run: no task has `hans` in params.yaml."


def test_two_tasks_have_a_sentence_and_two_panels_each() -> None:
    made = study(config(1, 2, 1))
    both = made.hans + [replace(row, task="rte", origin="a file") for row in made.hans]
    assert on_hans(both, made.config).count("dense models of ") == 2
    assert {record["task"] for record in hans_figure(both, made.config).records} == {
        "entailment", "rte",
    }  # fmt: skip
    assert "; for rte 140 examples from a file" in hans_table(both, made.config).caption
