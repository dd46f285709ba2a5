"""Tickets against controls, on made-up results."""

import pytest

from stages.tickets import control_tables, findings
from tests.made_up import TASKS, config, study


def test_over_tasks_each_task_counts_once() -> None:
    made = study(config(3, 3, 2))
    table = control_tables.controls_table(made.found, made.config)
    pooled = findings.pooled_gain(2, made.found, made.config)
    per_task = [float(record["mean"] or 0) for record in table.records if record["task"] in TASKS]
    assert pooled is not None
    assert pooled.n == 3
    assert pooled.mean == pytest.approx(sum(per_task) / 3)
    assert table.rows[0][0] == "all tasks"
    assert table.rows[0][-3] == "3 tasks"
