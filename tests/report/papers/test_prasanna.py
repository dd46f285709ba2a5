"""Statements and scores of Prasanna et al. 2020: the paper's numbers, ours, and what did not run."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets.report import rows, sections
from stages.tickets.report.claim import PRASANNA, Claim
from stages.tickets.report.papers import prasanna, prasanna_scores, shared
from stages.tickets.report.papers.prasanna_scores import SETTINGS
from stages.tickets.report.published import Published
from tests.made_up import Study, config, study, with_language

PUBLISHED = Path(__file__).parents[3] / "published" / "prasanna2020.csv"


def claims(made: Study) -> dict[str, Claim]:
    section = prasanna.section(made.results, made.config, [])
    return {claim.name: claim for claim in section.claims}


def test_the_published_numbers_are_whole() -> None:
    """Nine tasks, 22 settings; some known cells, and the means over eight tasks that claims take."""
    published = rows.read(PUBLISHED, Published)
    assert len(published) == 9 * 22
    cells = {(row.task, row.kind, row.source): (row.mean, row.std) for row in published}
    assert cells["cola", "dense", ""] == pytest.approx((0.560, 0.006), abs=5e-4)
    assert cells["rte", "retrained", "structured bad"][0] == pytest.approx(0.588, abs=5e-4)
    assert set(SETTINGS) <= {(kind, source) for _, kind, source in cells}
    results = replace(study(config(1, 1, 1)), published=published).results
    eight = sorted({row.task for row in published} - {"wnli"})
    differences = {
        row.name: 100 * prasanna.published_difference(row, results, eight)
        for row in prasanna.statements_of(results)
    }
    expected = {
        "good_weights": -0.8, "good": -5.8, "random": -2.4, "bad": 28.6, "bad_random": -4.1,
        "random_weights": -19.3, "bad_weights": -10.1, "super": -8.8,
    }  # fmt: skip
    assert differences == pytest.approx(expected, abs=0.1)


def test_differences_are_paired_by_seed_and_averaged_over_tasks() -> None:
    """Made-up levels: good .88, random .8, majority .4; the noise of seeds is the same for all runs."""
    made = claims(study(config(3, 3, 2)))
    random, bad = made["random"], made["bad"]
    assert random.measured is not None
    assert (random.measured.mean, random.measured.low) == pytest.approx((-0.08, -0.08))
    assert (random.n, random.holds, random.verdict) == (3, "yes", "agrees")
    assert (bad.n, bad.holds) == (3, "yes")  # the majority stands beside every seed


def test_a_claim_about_what_did_not_run_says_so() -> None:
    made = study(config(1, 2, 1))
    made = replace(made, scores=[row for row in made.scores if row.source != "structured super"])
    section = prasanna.section(made.results, made.config, [])
    verdicts = {claim.name: claim.verdict for claim in section.claims}
    assert verdicts["super"] == "not run: heads and MLPs, super, retrained"
    assert verdicts["random"] == "agrees"
    assert "7 yes, 1 not run." in section.answer
    table = section.tables[0]
    assert table.rows[-1][1:] == ("−15.0", "–", "–", "–", "–", verdicts["super"])
    nothing = claims(study(config(1, 1, 1, controls=False)))
    assert nothing["good"].verdict == "not run: retrain.tasks is empty in params.yaml"


def test_super_survivors_of_other_seeds_have_no_verdict() -> None:
    assert claims(study(config(1, 3, 1)))["super"].verdict.startswith(
        "no verdict: kept by all of 3"
    )
    assert claims(study(config(1, 5, 1)))["super"].verdict == "agrees"


def test_claims_of_sections_come_along() -> None:
    made = study(config(1, 1, 1))
    more = Claim("more", "More", PRASANNA, ("search",))
    other = Claim("other", "Other", "McCoy et al. 2019", ("search",))
    section = prasanna.section(made.results, made.config, [more, other])
    assert section.claims[-1] == more
    assert len(section.claims) == 8 + 6 + 1


def test_only_tasks_of_the_paper_stand_beside_its_numbers() -> None:
    made = study(config(3, 2, 1))
    scores = prasanna_scores.compare(made.results, made.config)
    assert {row.paper.task for row in scores} == {"sentiment"}
    tasks = prasanna.tasks_of(made.results, made.config)
    assert (tasks.published, tasks.ours) == (("sentiment", "rte"), made.config.retrain.tasks)
    alone = made.config.retrain.model_copy(update={"tasks": ("sentiment",)})
    same = made.config.model_copy(update={"retrain": alone})
    tasks = prasanna.tasks_of(made.results, same)
    assert tasks.published == tasks.ours == ("sentiment",)
    others = replace(made, published=[replace(row, metric="f1") for row in made.published])
    assert prasanna.tasks_of(others.results, same).published == ("sentiment", "rte")


def test_wnli_is_on_neither_side() -> None:
    paper = ("rte", "cola", "wnli")
    tasks = shared.compared(paper, ("rte", "wnli"))
    assert tasks.published == tasks.ours == ("rte",)
    tasks = shared.compared(paper, ("mine", "wnli"))
    assert (tasks.published, tasks.ours) == (("rte", "cola"), ("mine",))
    assert shared.compared(paper, ()).published == ("rte", "cola")


def test_every_statement_of_the_file_is_decided_once() -> None:
    made = study(with_language(config(3, 3, 2)))
    collected = [
        claim.name
        for part in sections.build(made.results, made.config)
        if part.name in ("chen_claims", "claims")
        for claim in part.claims
    ]
    assert sorted(collected) == sorted(row.name for row in made.results.published_claims)
