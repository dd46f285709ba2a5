"""Mask seed and training seed apart, on made-up results."""

import pytest

from stages.tickets.report import answers, seed_tables
from stages.tickets.report.scores import Scores
from stages.tickets.report.words import NOT_RUN
from tests.made_up import config, study, with_everything


def test_rows_are_masks_and_columns_trainings() -> None:
    """Made up: 0.8, 0.02 more with every mask seed, 0.01 with every training seed."""
    made = study(with_everything(config(1, 3, 2)))
    cells = seed_tables.matrix("entailment", made.found, made.config)
    first = cells[0][0]
    assert first is not None
    for mask, row in enumerate(cells):
        for training, cell in enumerate(row):
            assert cell == pytest.approx(first + 0.02 * mask + 0.01 * training)
    found = seed_tables.decompose("entailment", made.found, made.config)
    assert found is not None
    assert (found.rows.share, found.columns.share) == pytest.approx((0.8, 0.2))
    assert (found.rows.std, found.columns.std) == pytest.approx((0.02, 0.01))
    text = answers.on_seeds(made.found, made.config)
    assert text.endswith(
        "entailment 80\N{NO-BREAK SPACE}% mask, 20\N{NO-BREAK SPACE}% training, "
        "0\N{NO-BREAK SPACE}% neither alone."
    )


def test_the_own_run_has_a_star() -> None:
    made = study(with_everything(config(1, 3, 1)))
    rows = seed_tables.cross_table(made.found, made.config).rows
    assert [[cell.endswith("*") for cell in row[2:5]] for row in rows[:3]] == [
        [place == mask for place in range(3)] for mask in range(3)
    ]


def test_a_hole_is_not_run_and_leaves_nothing_to_divide() -> None:
    made = study(with_everything(config(1, 2, 1), (1, 2)))
    scores = Scores(
        row for row in made.scores if (row.kind, row.source, row.seed) != ("cross", "2", 1)
    )
    assert seed_tables.decompose("entailment", scores, made.config) is None
    assert seed_tables.cross_table(scores, made.config).rows[1][2] == NOT_RUN
    row = seed_tables.variance_table(scores, made.config).rows[0]
    assert (row[1], row[-1]) == (NOT_RUN, "3")
    assert answers.on_seeds(scores, made.config).startswith("No task has a whole table")


def test_the_answer_says_what_chance_gives_and_that_no_effect_is_sure() -> None:
    """Shares of 3 x 2 cells: 2, 1 and 2 of 5 degrees of freedom."""
    made = study(with_everything(config(1, 3, 1)))
    cross = made.config.cross.model_copy(update={"seeds": (1, 2)})
    asked = made.config.model_copy(update={"cross": cross})
    levels = {
        ("1", 1): 0.8,
        ("1", 2): 0.7,
        ("2", 1): 0.71,
        ("2", 2): 0.8,
        ("3", 1): 0.79,
        ("3", 2): 0.72,
    }
    rows = [
        type(row)(**(vars(row) | {"score": levels[row.source, row.seed]}))
        if row.kind == "cross" and row.seed in (1, 2)
        else row
        for row in made.scores
    ]
    text = answers.on_seeds(Scores(rows), asked)
    assert (
        "where chance alone gives 40\N{NO-BREAK SPACE}% mask, 20\N{NO-BREAK SPACE}% training and "
        "40\N{NO-BREAK SPACE}% neither alone"
    ) in text
    assert "No effect is sure (p at least 0." in text
    assert "No effect" not in answers.on_seeds(made.found, made.config)
