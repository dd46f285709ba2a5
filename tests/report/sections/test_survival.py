"""What searches keep and how stably, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.search_rows import StructureAgreement
from stages.tickets.report.sections import survival
from tests.made_up import config, study


def kappa(axis: str, variant: str, value: float, upper: float) -> StructureAgreement:
    return StructureAgreement(
        axis, variant, "rte", "1", "heads", 2, "cohen_kappa", value, 0.0, upper, None
    )


def test_numbers_of_a_search_are_means_over_seeds() -> None:
    """Made up: 6, 5 and 6 of 8 heads in seeds 1 to 3, 3 of 4 MLPs; half of the weights."""
    made = study(config(1, 3, 1))
    outcomes = survival.outcomes(made.results, made.config)
    assert outcomes[0].variant == "joint"
    assert outcomes[0].kept["heads"].mean == pytest.approx(17 / 3)
    table = survival.searches_table(outcomes, made.results, made.config)
    rows = {row[1]: row for row in table.rows}
    assert rows["heads and MLPs"][2:5] == ("5.7 ± 0.6 of 8", "3.0 ± 0.0 of 4", "–")
    assert rows["weights by magnitude"][2:5] == ("–", "–", "50.0 ± 0.0 %")


def test_comparisons_stand_under_their_axis() -> None:
    structures = [
        kappa("seeds", "joint", 0.5, 0.2),
        kappa("seeds", "joint", 0.1, 0.1),  # as high as chance reaches is not above it
        kappa("seeds", "half-1", 0.3, 0.2),
        kappa("seeds", "magnitude", 0.9, 0.2),
        kappa("halves", "half-1 and half-2", -0.004, 0.2),
    ]
    rows = survival.compare(structures)
    assert [(row.axis, row.above_chance) for row in rows] == [
        ("seeds", "1 of 2"), ("halves", "0 of 1"), ("seeds on halves", "1 of 1"),
    ]  # fmt: skip
    assert survival.answer(rows) == (
        "Mean Cohen's κ of the heads that survive: 0.30 between seeds (n=2), 0.30 between seeds "
        "searched on the same half of the examples (n=1), 0.00 between the two halves for one seed "
        "(n=1); chance has 0."
    )
    made = replace(study(config(1, 1, 1)), structures=structures)
    table = survival.agreement_table(rows, structures, made.results, made.config)
    assert table.rows[0][2:] == ("not run", "0.30 (0.00, 0.15)", "not run", "not run", "1 of 2")
    assert len(table.records) == len(structures)


def test_without_comparisons_the_answer_says_what_is_needed() -> None:
    assert survival.answer([]).startswith("Agreement needs")
