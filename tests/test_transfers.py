"""Transfer, of made-up studies and as published."""

import pytest

from stages.tickets import params, transfers
from stages.tickets.summary import Run
from tests.made_up import config, study


def test_transfer_is_measured_from_dense_and_marked_against_the_own_ticket() -> None:
    made = study(config(3, 3, 2))
    cells = transfers.transfer_cells(made.found, made.config)
    by_place = {(cell.source, cell.target): cell for cell in cells}
    cell = by_place["similarity", "entailment"]
    dense = made.found.summary(Run("entailment", "dense"), 0.95)
    assert dense is not None
    assert cell.difference == pytest.approx(cell.score.mean - dense.mean)
    assert cell.reaches_own is False
    assert by_place["entailment", "similarity"].reaches_own is True
    assert transfers.reached("entailment", cells) == (2, 2)
    assert transfers.reached("similarity", cells) == (0, 2)


def test_the_own_ticket_is_that_of_imp_where_the_target_is_no_source() -> None:
    whole = config(2, 3, 2)
    narrow = params.Transfer(sources=("entailment",), targets=("sentiment",), seeds=(1,), round=2)
    made = study(whole.model_copy(update={"transfer": narrow}))
    cell = transfers.transfer_cells(made.found, made.config)[0]
    own = made.found.of(Run("sentiment", "imp", 2))[1]
    assert cell.reaches_own is (cell.score.mean >= own)
