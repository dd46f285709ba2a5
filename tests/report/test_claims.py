"""Claims and published numbers beside ours: differences by hand, and the rule of the verdict."""

import csv
from pathlib import Path
from typing import Any

import pytest

from stages.tickets.report import claims, rows
from stages.tickets.report import scores as scored
from stages.tickets.report.claims import CLAIMS, SETTINGS
from stages.tickets.report.published import Published
from stages.tickets.settings import Verdict
from stages.tickets.statistics.intervals import Summary
from tests.made_up import config, study

ROOT = Path(__file__).parents[2]


RULE = Verdict(margin=0.02, widest=0.1)


def read() -> list[Published]:
    with (ROOT / "published" / "prasanna2020.csv").open(encoding="utf-8", newline="") as file:
        return rows.parse(Published, csv.DictReader(file))


def one(mean: float, half: float | None) -> Summary:
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return Summary(mean, None, low, high, 1 if half is None else 3)


@pytest.mark.parametrize(
    ("paper", "ours", "said"),
    [
        (0.10, one(0.12, 0.001), "agrees"),  # at the margin
        (0.10, one(0.121, 0.001), "direction only"),
        (0.10, one(0.13, 0.05), "agrees"),  # in the interval
        (0.10, one(0.20, 0.15), "direction only"),  # in one that is too wide, of a sure sign
        (0.10, one(0.11, 0.15), "undecided"),  # however near
        (0.10, one(0.30, 0.15), "direction only"),  # wide, but its sign is sure
        (0.30, one(0.01, 0.08), "differs"),  # it may be 0
        (0.10, one(-0.05, 0.01), "differs"),
        (0.10, one(0.30, None), "undecided"),  # one seed
        (-0.10, one(-0.30, 0.01), "direction only"),
        (0.0, one(0.30, 0.01), "differs"),
        (0.10, None, ""),
    ],
)
def test_the_verdict_by_its_rule(paper: float, ours: Summary | None, said: str) -> None:
    assert claims.verdict(paper, ours, RULE) == said


@pytest.mark.parametrize(
    ("expected", "ours", "said"),
    [
        ("above", one(0.2, 0.1), "yes"),
        ("above", one(0.1, 0.2), "unclear"),
        ("above", one(-0.2, 0.1), "no"),
        ("below", one(-0.2, 0.1), "yes"),
        ("below", one(0.2, 0.1), "no"),
        ("near", one(-0.01, 0.03), "yes"),
        ("near", one(-0.08, 0.03), "unclear"),
        ("near", one(-0.3, 0.1), "no"),
        ("near", one(0.0, None), "unclear"),
        ("above", None, "–"),
    ],
)
def test_whether_a_statement_holds(expected: Any, ours: Summary | None, said: str) -> None:
    assert claims.holds(expected, ours, RULE) == said


def test_scores_agree_or_differ() -> None:
    assert claims.agreement(0.84, one(0.30, 0.05), RULE) == "differs"
    assert claims.agreement(0.84, one(0.80, 0.1), RULE) == "agrees"
    assert claims.agreement(0.84, None, RULE) == ""


def test_the_published_numbers_are_whole() -> None:
    """Nine tasks, 22 settings; some known cells, and the means over eight tasks that claims take."""
    found = read()
    assert len(found) == 9 * 22
    cells = {(row.task, row.kind, row.source): (row.mean, row.std) for row in found}
    assert cells["cola", "dense", ""][0] == pytest.approx(0.560, abs=5e-4)
    assert cells["cola", "dense", ""][1] == pytest.approx(0.006, abs=5e-4)
    assert cells["rte", "retrained", "structured bad"][0] == pytest.approx(0.588, abs=5e-4)
    assert set(SETTINGS) <= {(kind, source) for _, kind, source in cells}
    eight = sorted({row.task for row in found} - {"wnli"})
    differences = {
        claim.name: round(100 * claims.published_difference(claim, found, eight), 1)
        for claim in CLAIMS
    }
    assert differences == {
        "good_weights": pytest.approx(-0.8, abs=0.1),
        "good": pytest.approx(-5.8, abs=0.1),
        "random": pytest.approx(-2.4, abs=0.1),
        "bad": pytest.approx(28.6, abs=0.1),
        "bad_random": pytest.approx(-4.1, abs=0.1),
        "random_weights": pytest.approx(-19.3, abs=0.1),
        "bad_weights": pytest.approx(-10.1, abs=0.1),
        "super": pytest.approx(-8.8, abs=0.1),
    }


def test_differences_are_paired_by_seed_and_averaged_over_tasks() -> None:
    """Made-up levels: good .88, random .8, majority .4; the noise of seeds is the same for all runs."""
    made = study(config(3, 3, 2))
    by_name = {claim.name: claim for claim in CLAIMS}
    found = claims.our_difference(by_name["random"], made.found, made.config.retrain.tasks, 0.95)
    assert found is not None
    assert found.mean == pytest.approx(-0.08)
    assert found.n == 3
    assert found.low == pytest.approx(-0.08)
    majority = claims.our_difference(by_name["bad"], made.found, made.config.retrain.tasks, 0.95)
    assert majority is not None
    assert majority.n == 3


def test_a_claim_about_what_did_not_run_says_so() -> None:
    made = study(config(1, 2, 1))
    retrain = made.config.retrain.model_copy(update={"super": ()})
    few = made.config.model_copy(update={"retrain": retrain})
    scores = scored.Scores(row for row in made.scores if row.source != "structured super")
    table = claims.claims_table(scores, made.published, few)
    said = {record["claim"]: record["verdict"] for record in table.records}
    assert said["super"] == "not run: heads and MLPs, super, retrained"
    assert said["random"] == "agrees"
    assert "not run 1." in claims.on_claims(table, table)


def test_only_tasks_of_the_paper_stand_beside_its_numbers() -> None:
    made = study(config(3, 2, 1))
    table = claims.published_table(made.found, made.published, made.config)
    assert {row[0] for row in table.rows} == {"sentiment"}
    found = claims.of_scores(made.found, made.published, made.config)
    assert (found.theirs, found.ours) == (("sentiment", "rte"), made.config.retrain.tasks)
    alone = made.config.retrain.model_copy(update={"tasks": ("sentiment",)})
    same = made.config.model_copy(update={"retrain": alone})
    found = claims.of_scores(made.found, made.published, same)
    assert found.theirs == found.ours == ("sentiment",)
    others = [Published(**(vars(row) | {"metric": "f1"})) for row in made.published]
    assert claims.of_scores(made.found, others, same).theirs == ("sentiment", "rte")


def test_wnli_is_on_neither_side() -> None:
    paper = ("rte", "cola", "wnli")
    found = claims.compared(paper, ("rte", "wnli"))
    assert found.theirs == found.ours == ("rte",)
    found = claims.compared(paper, ("mine", "wnli"))
    assert (found.theirs, found.ours) == (("rte", "cola"), ("mine",))
    assert claims.compared(paper, ()).theirs == ("rte", "cola")
