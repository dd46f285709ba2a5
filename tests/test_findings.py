"""Tickets, gains and transfers of made-up studies."""

import pytest

from stages.tickets import findings, params
from stages.tickets.summary import Run
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
    assert found.flags == ("does not match on validation",)
    assert found.gain is not None
    assert found.gain.n == 3


def test_transfer_is_measured_from_dense_and_marked_against_the_own_ticket() -> None:
    made = study(config(3, 3, 2))
    cells = findings.transfer_cells(made.found, made.config)
    by_place = {(cell.source, cell.target): cell for cell in cells}
    cell = by_place["similarity", "entailment"]
    dense = made.found.summary(Run("entailment", "dense"), 0.95)
    assert dense is not None
    assert cell.difference == pytest.approx(cell.score.mean - dense.mean)
    assert cell.reaches_own is False
    assert by_place["entailment", "similarity"].reaches_own is True
    assert findings.reached("entailment", cells) == (2, 2)
    assert findings.reached("similarity", cells) == (0, 2)


def test_the_own_ticket_is_that_of_imp_where_the_target_is_no_source() -> None:
    whole = config(2, 3, 2)
    narrow = params.Transfer(sources=("entailment",), targets=("sentiment",), seeds=(1,), round=2)
    made = study(whole.model_copy(update={"transfer": narrow}))
    cell = findings.transfer_cells(made.found, made.config)[0]
    own = made.found.of(Run("sentiment", "imp", 2))[1]
    assert cell.reaches_own is (cell.score.mean >= own)
