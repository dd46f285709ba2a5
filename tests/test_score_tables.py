"""The tables of scores, on made-up results."""

from stages.tickets import score_tables
from stages.tickets.summary import Score, Scores
from tests.made_up import config, study


def test_collapsed_runs_have_a_dagger() -> None:
    made = study(config(1, 3, 1))
    rows = [
        Score(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = score_tables.scores_table(Scores(rows), made.config)
    dense = next(row for row in table.rows if row[0] == "dense")
    assert dense[1].endswith("†")
