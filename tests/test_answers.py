"""Answers hold what the tables hold, on made-up results."""

from stages.tickets import answers
from tests.made_up import config, study


def test_answers_count_what_the_tables_hold() -> None:
    made = study(config(3, 3, 2))
    assert answers.on_transfer(made.found, made.config).startswith("3 of 6 transfers")
    agreement = answers.on_agreement(made.agreement, made.config)
    assert "between tasks 0.52, between seeds 0.70" in agreement
    assert answers.on_rewinding(made.found, made.config).endswith(
        "+5.0 from i = 50 % (by task +5.0 to +5.0)."
    )
