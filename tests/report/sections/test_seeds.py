"""Mask seed and training seed apart, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import seeds
from stages.tickets.report.table import Row
from stages.tickets.report.words import NOT_RUN
from stages.tickets.settings import Study as Params
from tests.made_up import Study, config, study, with_everything


def section_of(made: Study, scores: Scores | None = None, asked: Params | None = None) -> Section:
    results = replace(made.results, scores=scores or made.found)
    return seeds.section(results, asked or made.config)


def crossed(made: Study, scores: Scores | None = None) -> Row:
    row, *_ = seeds.cross(replace(made.results, scores=scores or made.found), made.config)
    return row


def test_rows_are_masks_and_columns_trainings() -> None:
    """Made up: 0.8, 0.02 more with every mask seed, 0.01 with every training seed."""
    made = study(with_everything(config(1, 3, 2)))
    cells = crossed(made).scores
    first = cells[0][0]
    assert first is not None
    for mask, row in enumerate(cells):
        for training, cell in enumerate(row):
            assert cell == pytest.approx(first + 0.02 * mask + 0.01 * training)
    analysis = crossed(made).analysis
    assert analysis is not None
    assert (analysis.rows.share, analysis.columns.share) == pytest.approx((0.8, 0.2))
    assert (analysis.rows.std, analysis.columns.std) == pytest.approx((0.02, 0.01))
    text = section_of(made).answer
    assert text.endswith(
        "entailment 80\N{NO-BREAK SPACE}% mask, 20\N{NO-BREAK SPACE}% training, "
        "0\N{NO-BREAK SPACE}% neither alone."
    )


def test_the_own_run_has_a_star() -> None:
    made = study(with_everything(config(1, 3, 1)))
    rows = section_of(made).tables[0].rows
    assert [[cell.endswith("*") for cell in row[2:5]] for row in rows[:3]] == [
        [place == mask for place in range(3)] for mask in range(3)
    ]


def test_a_hole_is_not_run_and_leaves_nothing_to_divide() -> None:
    made = study(with_everything(config(1, 2, 1), (1, 2)))
    scores = Scores(
        row for row in made.scores if (row.kind, row.source, row.seed) != ("cross", "2", 1)
    )
    assert crossed(made, scores).analysis is None
    assert section_of(made, scores).tables[0].rows[1][2] == NOT_RUN
    row = section_of(made, scores).tables[1].rows[0]
    assert (row[1], row[-1]) == (NOT_RUN, "3")
    assert section_of(made, scores).answer.startswith("No task has a whole table")


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
    text = section_of(made, Scores(rows), asked).answer
    assert (
        "where chance alone gives 40\N{NO-BREAK SPACE}% mask, 20\N{NO-BREAK SPACE}% training, "
        "40\N{NO-BREAK SPACE}% neither alone"
    ) in text
    assert "No effect is sure (p at least 0." in text
    assert "No effect" not in section_of(made).answer
