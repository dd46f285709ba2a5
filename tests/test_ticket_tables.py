"""The tables of tickets, on made-up results and beside published ones."""

from stages.tickets import ticket_tables
from stages.tickets.formatting import NONE
from stages.tickets.summary import Score, Scores
from tests.made_up import config, study, with_scores


def test_no_matching_ticket_is_said() -> None:
    made = study(config(1, 3, 1))
    scores = with_scores(made, {("entailment", "imp", 1, "selection"): [0.1, 0.1, 0.1]})
    row = ticket_tables.tickets_table(scores, made.config).rows[0]
    assert row[2] == "none"
    assert row[5:9] == (NONE,) * 4
    assert row[-1] == "none matches on selection"


def test_collapsed_runs_are_flagged() -> None:
    made = study(config(1, 3, 1))
    rows = [
        Score(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = ticket_tables.tickets_table(Scores(rows), made.config)
    assert "3 of 3 dense runs collapsed" in table.rows[0][-1]
