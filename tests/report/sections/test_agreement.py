"""Agreement of masks, on made-up results."""

import pytest

from stages.tickets.report.claim import Claim, decided
from stages.tickets.report.section import Section
from stages.tickets.report.sections import agreement
from stages.tickets.report.words import NOT_RUN
from tests.made_up import Study, config, study, with_language


def section_of(made: Study) -> Section:
    return agreement.section(made.results, made.config)


def claims_of(made: Study) -> dict[str, Claim]:
    return {claim.name: claim for claim in decided(section_of(made).claims, 0.95)}


def test_agreement_has_tasks_off_and_seeds_on_the_diagonal() -> None:
    made = study(config(2, 3, 1))
    records = section_of(made).figures[0].records
    values = {record["pair"]: record["jaccard"] for record in records}
    assert values == pytest.approx(
        {"entailment, seeds": 0.7, "entailment and sentiment": 0.52, "sentiment, seeds": 0.7}
    )


def test_agreement_is_averaged_over_pairs_with_its_floors() -> None:
    made = study(config(3, 3, 1))
    table = section_of(made).tables[0]
    assert table.rows[0][1:4] == ("tasks, same seed", "all", "0.520 (0.250; 0.300)")
    assert table.rows[0][-1] == "9"  # 3 pairs of tasks, 3 seeds
    assert table.rows[1][-1] == "9"  # 3 pairs of seeds, 3 tasks
    assert table.rows[0][5] == NOT_RUN  # Fleiss' kappa: not in these made-up results


def test_the_answer_has_the_means_of_the_last_round() -> None:
    answer = section_of(study(config(3, 3, 2))).answer
    assert "between tasks 0.52, between seeds 0.70" in answer


def test_masks_that_are_more_alike_than_chance_agree() -> None:
    """Made up: 0.51, 0.52 and 0.53 by seed, where masks random by matrix have 0.3."""
    claim = claims_of(study(config(3, 3, 2)))["masks_agree"]
    assert [test.gain.mean for test in claim.tests] == [pytest.approx(0.22)]
    assert (claim.word, claim.n, claim.over) == ("holds", 3, "3 pairs of tasks")


def test_the_mask_of_mlm_needs_one() -> None:
    """Made up: all pairs of tasks of one seed are alike."""
    claim = claims_of(study(with_language(config())))["mlm_mask_differs"]
    assert [test.gain.mean for test in claim.tests] == [pytest.approx(0.0)]
    assert claim.word == "undecided"
    without = claims_of(study(config(3, 3, 2)))["mlm_mask_differs"]
    assert without.why.startswith("not run: needs the masks of masked language modelling")
