"""Tickets against controls, on made-up results."""

import pytest

from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import controls
from stages.tickets.report.sections.controls import ALL
from stages.tickets.report.table import Table
from tests.made_up import TASKS, Study, config, study, with_everything, with_scores


def table_of(made: Study, scores: Scores | None = None) -> Table:
    rows = controls.compare(scores or made.found, made.config)
    return controls.controls_table(rows, made.results, made.config)


def test_over_tasks_each_task_counts_once() -> None:
    made = study(config(3, 3, 2))
    table = table_of(made)
    (mean,) = [row.gain for row in controls.compare(made.found, made.config) if row.is_mean]
    per_task = [float(record["mean"] or 0) for record in table.records if record["task"] in TASKS]
    assert mean.n == 3  # seeds
    assert mean.mean == pytest.approx(sum(per_task) / 3)
    assert table.rows[0][0] == "all tasks (3)"
    assert table.rows[0][-3] == "3"


def test_a_control_that_collapsed_has_a_dagger() -> None:
    made = study(config(1, 3, 1))
    assert not any("†" in cell for cell in table_of(made).rows[1])
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True})) if row.kind == "random" else row
        for row in made.scores
    ]
    table = table_of(made, Scores(rows))
    assert table.rows[1][4].endswith(" †")
    assert not table.rows[1][3].endswith("†")
    assert table.records[1]["control_collapsed"] == 3


def test_every_control_is_compared_where_it_ran() -> None:
    made = study(with_everything(config(3, 3, 2)))
    rows = controls.compare(made.found, made.config)
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


def test_p_values_of_tasks_are_corrected_apart_from_those_over_all() -> None:
    """Of two tasks and one control the smaller p is doubled; the p over all tasks stays."""
    made = study(config(2, 3, 1))
    changes = {
        ("entailment", "random", 1, "validation"): [0.5, 0.51, 0.53],
        ("sentiment", "random", 1, "validation"): [0.5, 0.7, 0.6],
    }
    rows = controls.compare(with_scores(made, changes), made.config)
    p = {row.task: row.gain.p or 0 for row in rows}
    holm = {row.task: row.holm or 0 for row in rows}
    smaller, larger = sorted((p["entailment"], p["sentiment"]))
    both = sorted((holm["entailment"], holm["sentiment"]))
    assert both == pytest.approx([2 * smaller, max(2 * smaller, larger)])
    assert holm[ALL] == p[ALL]


def test_names_of_controls_and_why_one_is_not_there() -> None:
    made = study(with_everything(config(2, 1, 1), (1,)))
    assert "random mask, draw 2" in {row[2] for row in table_of(made).rows}
    few = study(config(2, 1, 1))
    asked = few.config.model_copy(update={"controls": made.config.controls})
    rows = controls.compare(few.found, asked)
    caption = controls.controls_table(rows, few.results, asked).caption
    assert "Re-initialised: not run: scores.csv has no such row." in caption
