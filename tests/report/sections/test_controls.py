"""Tickets against controls, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.results import Results
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import controls
from stages.tickets.report.table import Table
from tests.made_up import TASKS, Study, config, study, with_everything, with_scores


def results_of(made: Study, scores: Scores | None = None) -> Results:
    return replace(made.results, scores=scores or made.found)


def table_of(made: Study, scores: Scores | None = None) -> Table:
    results = results_of(made, scores)
    return controls.controls_table(controls.compare(results, made.config), results, made.config)


def test_no_row_is_a_mean_over_tasks_of_unlike_metrics() -> None:
    made = study(config(3, 3, 2))
    assert {row[0] for row in table_of(made).rows} == set(TASKS)
    answer = controls.section(made.results, made.config).answer
    assert "random mask +36.4 (entailment at 60" in answer
    assert "surely above 0 in" in answer


def test_reinitialised_weights_stand_beside_the_architecture_from_scratch() -> None:
    made = study(with_everything(config(2, 3, 1)))
    shown = {(row[0], row[2]): row[5] for row in table_of(made).rows}
    assert shown["sentiment", "re-initialised"] == "57.0 (n=1)"
    assert shown["sentiment", "random mask"] == "–"
    bare = Scores(row for row in made.scores if row.kind != "scratch")
    assert {row[5] for row in table_of(made, bare).rows} == {"–"}


def test_a_control_that_collapsed_has_a_dagger() -> None:
    made = study(config(1, 3, 1))
    assert not any("†" in cell for cell in table_of(made).rows[0])
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True})) if row.kind == "random" else row
        for row in made.scores
    ]
    table = table_of(made, Scores(rows))
    assert table.rows[0][4].endswith(" †")
    assert not table.rows[0][3].endswith("†")
    assert table.records[0]["control_collapsed"] == 3


def test_every_control_is_compared_where_it_ran() -> None:
    made = study(with_everything(config(3, 3, 2)))
    rows = controls.compare(made.results, made.config)
    of_all_tasks = {(2, "random")}
    kinds = made.config.controls.more.kinds
    assert len(kinds) == 4
    for task, expected in {
        "similarity": of_all_tasks,
        "sentiment": of_all_tasks | {(number, kind) for number in (1, 2) for kind in kinds},
    }.items():
        assert {(row.round, row.control) for row in rows if row.task == task} == expected
    place = ("sentiment", 1, "shuffled-layers")
    (gain,) = [row.gain for row in rows if (row.task, row.round, row.control) == place]
    imp, control = (
        made.found.of(run)
        for run in (Run("sentiment", "imp", 1), Run("sentiment", "control", 1, "shuffled-layers"))
    )
    assert gain.mean == pytest.approx(sum(imp[seed] - control[seed] for seed in (1, 2, 3)) / 3)


def test_p_values_are_corrected_for_all_rows() -> None:
    """Of two tasks and one control the smaller p is doubled."""
    made = study(config(2, 3, 1))
    changes = {
        ("entailment", "random", 1, "validation"): [0.5, 0.51, 0.53],
        ("sentiment", "random", 1, "validation"): [0.5, 0.7, 0.6],
    }
    rows = controls.compare(results_of(made, with_scores(made, changes)), made.config)
    p = {row.task: row.gain.p or 0 for row in rows}
    holm = {row.task: row.holm or 0 for row in rows}
    smaller, larger = sorted((p["entailment"], p["sentiment"]))
    both = sorted((holm["entailment"], holm["sentiment"]))
    assert both == pytest.approx([2 * smaller, max(2 * smaller, larger)])


def test_names_of_controls_and_why_one_is_not_there() -> None:
    made = study(with_everything(config(2, 1, 1), (1,)))
    assert "random mask, draw 2" in {row[2] for row in table_of(made).rows}
    few = study(config(2, 1, 1))
    asked = few.config.model_copy(update={"controls": made.config.controls})
    rows = controls.compare(few.results, asked)
    caption = controls.controls_table(rows, few.results, asked).caption
    assert "Re-initialised: not run: scores.csv has no such row." in caption
