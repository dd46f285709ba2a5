"""The tables of transfer, on made-up results."""

from stages.tickets.report import transfer_tables
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from tests.made_up import config, study


def test_transfers_that_reach_the_own_ticket_have_a_star() -> None:
    made = study(config(3, 3, 2))
    row = transfer_tables.transfer_table(made.found, made.config).rows[0]
    assert "*" not in row[1]  # the own task is no transfer
    assert "*" in row[2]


def test_collapsed_transfers_have_a_dagger() -> None:
    made = study(config(3, 3, 2))
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True}))
        if (row.task, row.kind, row.source) == ("similarity", "transfer", "entailment")
        else row
        for row in made.scores
    ]
    table = transfer_tables.transfer_table(Scores(rows), made.config)
    assert [cell.endswith(" †") for cell in table.rows[0][1:4]] == [False, False, True]
    assert [record["collapsed"] for record in table.records[:3]] == [0, 0, 1]
    assert "minus_dense_low" in table.records[0]
