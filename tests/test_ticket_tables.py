"""The tables of tickets, of controls and of transfer, on made-up results."""

import pytest

from stages.tickets import findings, ticket_tables
from stages.tickets.formatting import NONE
from stages.tickets.summary import Score, Scores
from tests.made_up import TASKS, config, study, with_scores


def test_no_matching_ticket_is_said() -> None:
    made = study(config(1, 3, 1))
    scores = with_scores(made, {("entailment", "imp", 1, "selection"): [0.1, 0.1, 0.1]})
    row = ticket_tables.tickets_table(scores, made.config).rows[0]
    assert row[2] == "none"
    assert row[4:8] == (NONE,) * 4
    assert row[-1] == "none matches on selection"


def test_collapsed_runs_are_flagged() -> None:
    made = study(config(1, 3, 1))
    rows = [
        Score(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = ticket_tables.tickets_table(Scores(rows), made.config)
    assert "3 of 3 dense runs collapsed" in table.rows[0][-1]


def test_over_tasks_each_task_counts_once() -> None:
    made = study(config(3, 3, 2))
    table = ticket_tables.controls_table(made.found, made.config)
    pooled = findings.pooled_gain(2, made.found, made.config)
    per_task = [float(record["mean"] or 0) for record in table.records if record["task"] in TASKS]
    assert pooled is not None
    assert pooled.n == 3
    assert pooled.mean == pytest.approx(sum(per_task) / 3)
    assert table.rows[0][0] == "all tasks"
    assert table.rows[0][-2] == "3 tasks"


def test_transfers_that_reach_the_own_ticket_have_a_star() -> None:
    made = study(config(3, 3, 2))
    row = ticket_tables.transfer_table(made.found, made.config).rows[0]
    assert "*" not in row[1]  # the own task is no transfer
    assert "*" in row[2]
