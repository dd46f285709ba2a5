"""Tickets against controls, on made-up results."""

import pytest

from stages.tickets.report import control_tables, findings
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from tests.made_up import TASKS, config, study, with_everything, with_scores


def test_over_tasks_each_task_counts_once() -> None:
    made = study(config(3, 3, 2))
    table = control_tables.controls_table(made.found, made.config)
    pooled = findings.pooled_gain(2, made.found, made.config)
    per_task = [float(record["mean"] or 0) for record in table.records if record["task"] in TASKS]
    assert pooled is not None
    assert pooled.n == 3  # seeds
    assert pooled.mean == pytest.approx(sum(per_task) / 3)
    assert table.rows[0][0] == "all tasks (3)"
    assert table.rows[0][-3] == "3"


def test_a_control_that_collapsed_has_a_dagger() -> None:
    made = study(config(1, 3, 1))
    assert not any(
        "†" in cell for cell in control_tables.controls_table(made.found, made.config).rows[1]
    )
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True})) if row.kind == "random" else row
        for row in made.scores
    ]
    table = control_tables.controls_table(Scores(rows), made.config)
    assert table.rows[1][4].endswith(" †")
    assert not table.rows[1][3].endswith("†")
    assert table.records[1]["control_collapsed"] == 3


def test_every_control_is_compared_where_it_ran() -> None:
    made = study(with_everything(config(3, 3, 2)))
    found = control_tables.differences(made.found, made.config)
    assert {(number, kind) for task, number, kind in found if task == "similarity"} == {
        (2, "random"), (2, "reinitialised"), (2, "one-shot"),
    }  # fmt: skip
    assert {(number, kind) for task, number, kind in found if task == "sentiment"} == {
        (2, "random"), (2, "reinitialised"), (2, "one-shot"),
        (1, "shuffled-layers"), (2, "shuffled-layers"), (1, "random-2"), (2, "random-2"),
    }  # fmt: skip
    one = found["sentiment", 1, "shuffled-layers"]
    imp, control = (
        made.found.of(run)
        for run in (Run("sentiment", "imp", 1), Run("sentiment", "control", 1, "shuffled-layers"))
    )
    assert one.mean == pytest.approx(sum(imp[seed] - control[seed] for seed in (1, 2, 3)) / 3)


def test_p_values_of_tasks_are_corrected_apart_from_those_over_all() -> None:
    """Two tasks and one control: the smaller p is doubled; the one over all tasks stays."""
    made = study(config(2, 3, 1))
    changes = {
        ("entailment", "random", 1, "validation"): [0.5, 0.51, 0.53],
        ("sentiment", "random", 1, "validation"): [0.5, 0.7, 0.6],
    }
    scores = with_scores(made, changes)
    found = control_tables.differences(scores, made.config)
    holm = control_tables.corrected(found)
    by_task = {place[0]: one.p for place, one in found.items()}
    smaller, larger = sorted((by_task["entailment"] or 0, by_task["sentiment"] or 0))
    corrected = {place[0]: p for place, p in holm.items()}
    both = sorted((corrected["entailment"] or 0, corrected["sentiment"] or 0))
    assert both == pytest.approx([2 * smaller, max(2 * smaller, larger)])
    assert corrected[control_tables.ALL] == by_task[control_tables.ALL]


def test_names_of_controls_and_why_one_is_not_there() -> None:
    made = study(with_everything(config(2, 1, 1), (1,)))
    table = control_tables.controls_table(made.found, made.config)
    assert "random mask, draw 2" in {row[2] for row in table.rows}
    few = study(config(2, 1, 1))
    asked = few.config.model_copy(update={"controls": made.config.controls})
    caption = control_tables.controls_table(few.found, asked).caption
    assert "Re-initialised: not run: scores.csv has no such row." in caption
