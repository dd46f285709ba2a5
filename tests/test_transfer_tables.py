"""The tables of transfer, on made-up results."""

from stages.tickets import transfer_tables
from tests.made_up import config, study


def test_transfers_that_reach_the_own_ticket_have_a_star() -> None:
    made = study(config(3, 3, 2))
    row = transfer_tables.transfer_table(made.found, made.config).rows[0]
    assert "*" not in row[1]  # the own task is no transfer
    assert "*" in row[2]
