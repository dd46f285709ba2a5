"""Tickets and gains of made-up studies."""

import pytest

from stages.tickets.report import findings
from tests.made_up import config, study, with_scores


def test_a_ticket_is_chosen_on_selection_and_reported_on_validation() -> None:
    made = study(config(1, 3, 2))
    scores = with_scores(
        made,
        {
            ("entailment", "dense", 0, "selection"): [0.8, 0.9, 1.0],
            ("entailment", "imp", 1, "selection"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 2, "selection"): [0.8, 0.8, 0.8],
            ("entailment", "dense", 0, "validation"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 1, "validation"): [1.0, 1.0, 1.0],
            ("entailment", "imp", 2, "validation"): [0.6, 0.7, 0.8],
        },
    )
    found = findings.find_tickets(scores, made.config)[0]
    assert found.round == 2  # 0.8 is one standard deviation below 0.9 on selection
    assert found.ticket is not None
    assert found.loss is not None
    assert found.ticket.mean == pytest.approx(0.7)  # and what it scores is that of validation
    assert found.loss.mean == pytest.approx(-0.2)
    assert found.matches is False
    assert found.flags == ("does not match on validation", "sparsest of the grid")
    gain = findings.gain("entailment", 2, scores, made.config)
    assert gain is not None
    assert gain.n == 3
