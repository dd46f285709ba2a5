"""Statements on stability, decided from made-up barriers, and the contrary from the contrary."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets.report.claim import FAILS, HOLDS, NO_EVIDENCE, UNDECIDED, Claim, decided
from stages.tickets.report.sections.connectivity.claims import STATEMENTS, claims
from stages.tickets.report.sections.connectivity.lines import lines
from tests.made_up import config, study
from tests.made_up_lines import Lines, switched_on

TASKS = ("entailment", "sentiment")
REFIT = ("validation", "refit", "accuracy")
EXPECTED = {
    "dense": 0.5, "dense 50": 0.3, "dense 50 all": 0.4, "scratch": 12.0, "head": 8.0, "refit": 0.2,
    "ticket": 0.6, "random": 10.0, "reinitialised": 6.0, "rounds 0 and 1": 0.5, "rounds 1 and 2": 7.0,
}  # fmt: skip
"""Barriers in points that the statements expect."""
BELOW = {"ticket": 0.005, "random": 0.2, "reinitialised": 0.1, "round 1": 0.005, "round 2": 0.3}
"""How much lower than dense networks score."""


def curves(height: float) -> dict[str, list[float]]:
    """Lines of three seeds whose barriers are 0.05 points apart."""
    return {str(seed): [10.0, 10.0 + height + 0.05 * (seed - 2), 10.0] for seed in (1, 2, 3)}


def tried(
    folder: Path, heights: dict[str, float], below: dict[str, float], learned: int = 1
) -> dict[str, Claim]:
    """Decide all statements.

    Args:
        heights, below: what differs from EXPECTED and BELOW.
        learned: whether random masks have learned something.
    """
    height, lower = EXPECTED | heights, BELOW | below
    made = study(switched_on(config(2, 3, 2)))
    levels = {
        (row.task, row.seed, row.split): row.score
        for row in made.scores
        if row.kind == "dense" and row.headline
    }
    scores = [
        replace(row, score=levels[row.task, row.seed, row.split] - lower[f"round {row.round}"])
        if row.kind == "imp" and row.headline
        else row
        for row in made.scores
    ]
    built = Lines(replace(made, scores=scores))
    for task in TASKS:
        start = (0, "order", "rest")
        built.add((task, "dense", 0, *start), curves(height["dense"]))
        built.add((task, "dense", 0, 50, "order", "rest"), curves(height["dense 50"]))
        built.add((task, "dense", 0, 50, "order", "all"), curves(height["dense 50 all"]))
        built.add((task, "scratch", 0, *start), curves(height["scratch"]))
        refitted = {REFIT: curves(height["refit"])}
        built.add((task, "dense", 0, 0, "head", "rest"), curves(height["head"]), more=refitted)
        for net in ("ticket", "random", "reinitialised"):
            known = learned if net == "random" else 1
            built.add((task, net, 2, *start), curves(height[net]), lower[net], learned=known)
        for number in (1, 2):
            net = f"rounds {number - 1} and {number}"
            built.add((task, net, number, None, "stored", ""), curves(height[net]))
    results = built.results(folder)
    listed = claims(lines(results, made.config), results, made.config, "")
    return {claim.name: claim for claim in decided(list(listed), 0.95)}


def test_all_statements_hold_where_all_is_as_they_expect(tmp_path: Path) -> None:
    made = tried(tmp_path, {}, {})
    assert {name: claim.word for name, claim in made.items()} == dict.fromkeys(STATEMENTS, HOLDS)
    assert {name: len(claim.tests) for name, claim in made.items()} == dict.fromkeys(
        STATEMENTS, 2
    ) | {"dense_stable": 4, "rounds_connected": 4}
    dense = made["dense_stable"]
    assert "under 2 points" in dense.statement
    assert dense.published.startswith(
        "ResNet-20 iteration 2,000, VGG-16 iteration 1,000, ResNet-50"
    )
    assert dense.here == (
        "+0.3 (entailment, dense from 50\xa0%) to +0.5 (entailment, dense from 0\xa0%); 4 of 4 hold"
    )
    assert made["random_less_stable"].tests[0].gain.mean == pytest.approx(0.094)


@pytest.mark.parametrize(
    ("heights", "below", "failing"),
    [
        ({"dense": 5.0}, {}, {"dense_stable"}),
        ({"scratch": 0.5}, {}, {"scratch_unstable"}),
        ({"dense 50 all": 4.0}, {}, {"time_left"}),
        ({"ticket": 9.0}, {}, {"matching_stable", "tickets_as_stable"}),
        ({"random": 0.2}, {}, {"random_unstable", "random_less_stable"}),
        ({}, {"random": 0.001}, {"random_not_matching"}),
        ({"reinitialised": 0.2}, {}, {"reinitialised_unstable"}),
        ({}, {"reinitialised": 0.0}, {"reinitialised_not_matching"}),
        ({"head": 0.2}, {}, {"head_above_order"}),
        ({"refit": 7.0}, {}, {"head_refitted"}),
        ({"rounds 0 and 1": 7.0, "rounds 1 and 2": 0.5}, {}, {"rounds_connected"}),
    ],
)  # fmt: skip
def test_the_contrary_fails_and_nothing_else(
    heights: dict[str, float], below: dict[str, float], failing: set[str], tmp_path: Path
) -> None:
    words = {name: claim.word for name, claim in tried(tmp_path, heights, below).items()}
    assert {name for name, word in words.items() if word == FAILS} == failing
    assert {word for name, word in words.items() if name not in failing} == {HOLDS}


def test_a_barrier_at_the_threshold_decides_nothing(tmp_path: Path) -> None:
    assert tried(tmp_path, {"dense": 2.0}, {})["dense_stable"].word == UNDECIDED


def test_pairs_at_chance_have_no_barrier_but_a_score(tmp_path: Path) -> None:
    made = tried(tmp_path, {}, {}, learned=0)
    for name in ("random_unstable", "random_less_stable"):
        assert (made[name].word, made[name].why) == (
            NO_EVIDENCE,
            "no evidence: all pairs at chance",
        )
    assert made["random_not_matching"].word == HOLDS


def test_tickets_that_do_not_match_are_in_no_statement_on_matching_ones(tmp_path: Path) -> None:
    made = tried(tmp_path, {"ticket": 9.0}, {"ticket": 0.2})
    assert made["matching_stable"].why == "no evidence: no ticket surely matches"
    assert made["tickets_as_stable"].word == FAILS
