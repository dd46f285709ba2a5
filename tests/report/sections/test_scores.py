"""Scores against sparsity, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import scores as section_of_scores
from stages.tickets.report.sections.scores import mean_scores
from tests.made_up import Study, config, study, with_scores


def section_of(made: Study, scores: Scores | None = None) -> Section:
    results = replace(made.results, scores=scores or made.found)
    return section_of_scores.section(results, made.config)


def test_the_scores_shown_are_those_of_the_table() -> None:
    made = study(config(2, 3, 2))
    shown = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in section_of(made).figures[0].records
    }
    table = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in section_of(made).tables[0].records
        if record["n"]
    }
    assert shown == table


def test_means_over_tasks_are_in_margins_and_start_at_dense() -> None:
    """Made up: tickets lose a tenth of the squared sparsity, with margins of 2 points."""
    made = study(config(3, 3, 2))
    imp = mean_scores("imp", made.results, made.config)
    random = mean_scores("random", made.results, made.config)
    assert [record["sparsity"] for record in imp] == [0.0, 0.3, 0.6]
    assert imp[0]["imp"] == random[0]["random"] == 0
    gains = [
        made.found.compare(Run(task, "imp", 2), Run(task, "dense"), 0.95)
        for task in made.config.tasks
    ]
    assert imp[2]["imp"] == pytest.approx(sum(gain.mean for gain in gains if gain) / 3 / 0.02)
    assert [record["sparsity"] for record in random] == [0.0, 0.6]  # random masks ran in round 2


def test_collapsed_runs_have_a_dagger() -> None:
    made = study(config(1, 3, 1))
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = section_of(made, Scores(rows)).tables[0]
    dense = next(row for row in table.rows if row[0] == "dense")
    assert dense[1].endswith("†")


def test_only_dense_scores_above_the_bag_of_words_line_are_counted() -> None:
    made = study(config(3, 3, 2))
    scores = with_scores(made, {("sentiment", "dense", 0, "validation"): [0.55, 0.5, 0.5]})
    assert section_of(made, scores).answer == (
        "The mean dense score is above the bag-of-words line on 2 of 3 tasks with such a line (n=3)."
    )


def test_one_bag_of_words_line_is_spoken_of_in_the_singular() -> None:
    made = study(config(1, 1, 1))
    assert section_of(made).answer == (
        "The mean dense score is above the bag-of-words line on 1 of 1 task with such a line (n=1)."
    )


def test_a_study_without_a_bag_of_words_line_says_so() -> None:
    made = study(config(1, 1, 1))
    scores = Scores([row for row in made.scores if row.kind != "bag_of_words"])
    assert section_of(made, scores).answer == "No bag-of-words line was trained."
