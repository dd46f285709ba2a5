"""Answers hold what the tables hold, on made-up results."""

from stages.tickets.report import answers
from tests.made_up import config, study


def test_answers_count_what_the_tables_hold() -> None:
    made = study(config(3, 3, 2))
    assert answers.on_transfer(made.found, made.config).startswith("3 of 6 transfers")
