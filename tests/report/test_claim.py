"""The one rule of all claims: whether a statement holds, and whether two numbers are the same."""

import math
from dataclasses import replace

import pytest

from stages.tickets.report import claim, page
from stages.tickets.report.claim import CHEN, FAILS, HOLDS, PRASANNA, UNDECIDED, Bounded, Claim
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference
from tests.benchmarks.verdicts import (
    MARGINS,
    World,
    is_either,
    is_held,
    share,
    share_of_most,
)

STATEMENT = Claim("name", "statement", CHEN, ())


def gain(mean: float, half: float, n: int = 3) -> Difference:
    """Paired differences of n seeds whose interval reaches `half` each way."""
    ends = [mean - 1.0, mean + 1.0, *([mean] * (n - 2))]
    wide = intervals.summarize_differences(ends, 0.95)
    assert wide.half is not None
    spread = half / wide.half
    return intervals.summarize_differences([mean + (end - mean) * spread for end in ends], 0.95)


def above(mean: float, half: float, n: int = 3) -> Bounded:
    return Bounded("rte", gain(mean, half, n), low=0.0)


def near(mean: float, half: float, margin: float = 0.02) -> Bounded:
    return Bounded("rte", gain(mean, half), -margin, margin)


@pytest.mark.parametrize(
    ("test", "word"),
    [
        (above(0.2, 0.1), HOLDS),
        (above(0.1, 0.2), UNDECIDED),
        (above(-0.2, 0.1), FAILS),
        (near(-0.01, 0.005), HOLDS),
        (near(0.0, 0.03), UNDECIDED),  # however near: a wide interval says nothing
        (near(0.021, 0.003), UNDECIDED),  # a miss by .001 is no failure
        (near(0.03, 0.005), FAILS),
        (near(-0.3, 0.1), FAILS),
        (Bounded("rte", gain(0.019, 0.0005), high=0.02), HOLDS),
        (Bounded("rte", gain(-0.5, 0.3), high=0.02), HOLDS),
        (Bounded("rte", intervals.summarize_differences([0.3], 0.95), low=0.0), UNDECIDED),
    ],
)
def test_the_interval_decides_a_test_and_so_does_its_p(test: Bounded, word: str) -> None:
    assert test.word == word
    sides = {HOLDS: test.p_holds, FAILS: test.p_fails}
    assert [side for side, p in sides.items() if p <= 0.025] == (
        [] if word == UNDECIDED else [word]
    )


def test_every_test_has_to_hold_and_one_that_fails_is_enough() -> None:
    made = claim.of_every(STATEMENT, [above(0.2, 0.05), replace(above(0.1, 0.02), of="cola")], "")
    assert made.p_holds == max(test.p_holds for test in made.tests)
    assert (made.n, made.here) == (3, "+10.0 (cola) to +20.0 (rte); 2 of 2 hold")
    (sure,) = claim.decided([made], 0.95)
    assert sure.word == HOLDS
    assert sure.holm == pytest.approx(2 * made.p_holds)
    doubt = claim.of_every(STATEMENT, [above(0.2, 0.05), above(0.1, 0.2)], "")
    assert claim.decided([doubt], 0.95)[0].word == UNDECIDED
    assert doubt.here.endswith("1 of 2 hold, 1 undecided")
    failed = claim.of_every(STATEMENT, [above(0.2, 0.05), above(-0.2, 0.05)], "")
    assert claim.decided([failed], 0.95)[0].word == FAILS  # though their mean is 0
    assert failed.p_fails == pytest.approx(2 * min(test.p_fails for test in failed.tests))
    barely = above(-0.2, 0.19)
    assert barely.word == FAILS
    several = claim.of_every(STATEMENT, [barely, *[above(0.2, 0.05)] * 4], "")
    assert claim.decided([several], 0.95)[0].word == UNDECIDED  # one of five may fail by chance


@pytest.mark.parametrize(
    ("holding", "failing", "wide", "word"),
    [
        (5, 0, 0, HOLDS),
        (3, 2, 0, HOLDS),  # two that surely fail are no argument against most
        (3, 0, 2, HOLDS),
        (2, 3, 0, FAILS),
        (0, 3, 2, FAILS),
        (2, 2, 1, UNDECIDED),
        (2, 0, 3, UNDECIDED),
        (2, 2, 0, FAILS),  # half of four is not most of them
        (1, 0, 0, HOLDS),
    ],
)
def test_most_are_more_than_half(holding: int, failing: int, wide: int, word: str) -> None:
    tests = [above(0.2, 0.01)] * holding + [above(-0.2, 0.01)] * failing + [above(0.1, 0.2)] * wide
    made = claim.of_most(STATEMENT, tests, "")
    assert (made.n, made.here) == (3, claim.of_every(STATEMENT, tests, "").here)
    assert claim.decided([made], 0.95)[0].word == word


def test_the_p_of_most_by_hand() -> None:
    """Of five, the third smallest three times: two more may be there by chance."""
    tests = [above(0.2, half) for half in (0.02, 0.04, 0.06, 0.08, 0.1)]
    made = claim.of_most(STATEMENT, tests, "")
    assert made.p_holds == pytest.approx(3 * tests[2].p_holds)
    assert made.p_fails == 1
    assert claim.of_most(STATEMENT, (), "not run: no seeds").why == "not run: no seeds"


def test_a_tally_is_plain_english() -> None:
    def tally(*words: str) -> str:
        return claim.tally([replace(STATEMENT, word=word) for word in words])

    assert tally(HOLDS, FAILS, HOLDS, UNDECIDED, "not run") == (
        "2 hold, 1 does not hold, 1 undecided, 1 not run"
    )
    assert tally(HOLDS, FAILS, FAILS) == "1 holds, 2 do not hold"
    assert tally("agrees", "agrees", "differs", "differs", "no verdict") == (
        "2 agree, 2 differ, 1 no verdict"
    )


def test_something_is_not_there_only_if_every_candidate_fails() -> None:
    wide, far, further = gain(-0.1, 0.2), gain(-0.2, 0.05), gain(-0.3, 0.05)
    assert Bounded("rte", far, -0.02, others=(further,)).word == FAILS
    unsure = Bounded("rte", far, -0.02, others=(wide, further))
    assert unsure.word == UNDECIDED
    assert unsure.p_fails == Bounded("rte", wide, -0.02).p_fails
    assert unsure.p_holds == Bounded("rte", far, -0.02).p_holds  # no candidate is chosen by it


def test_holm_is_for_the_claims_of_a_paper() -> None:
    """A p of .034 is one of .135 among four, as the least of them."""
    half = 0.1
    while 2 * above(0.1, half).p_holds > 0.034:
        half -= 0.0005
    surest = claim.of_every(STATEMENT, [above(0.1, half)], "")
    others = [
        replace(claim.of_every(STATEMENT, [above(0.01, 0.1)], ""), name=str(number))
        for number in range(3)
    ]
    beside = replace(surest, name="other paper", paper=PRASANNA)
    number = replace(STATEMENT, name="number", is_number=True, n=3)
    ran_not = claim.without(replace(STATEMENT, name="none"), "not run: no seeds")
    single = claim.of_every(replace(STATEMENT, name="one"), [above(0.1, 0.1, 2)], "")
    single = replace(single, n=1)
    made = claim.decided([surest, *others, beside, number, ran_not, single], 0.95)
    assert made[0].p == pytest.approx(0.034, abs=1e-3)
    assert made[0].holm == pytest.approx(4 * made[0].p)
    assert [known.word for known in made] == [
        UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED, HOLDS, UNDECIDED, "not run", UNDECIDED,
    ]  # fmt: skip
    assert made[4].holm == pytest.approx(made[0].p)
    assert {known.holm for known in made[5:]} == {None}


def test_what_has_no_evidence_is_no_verdict() -> None:
    made = claim.of_every(STATEMENT, (), "no evidence: rte, wnli")
    assert (made.word, made.why) == ("no evidence", "no evidence: rte, wnli")
    assert claim.tally([made]) == "1 no evidence"
    (group,) = page.groups([made])
    assert (group.folds, group.decided) == ([("1 no evidence", [made])], [])


@pytest.mark.parametrize(
    ("ours", "paper", "words"),
    [
        (gain(0.12, 0.005), 0.11, "agrees"),
        (gain(0.12, 0.015), 0.11, UNDECIDED),  # the paper's is in our interval, which is too wide
        (gain(0.12, 0.5), 0.12, UNDECIDED),
        (gain(0.15, 0.005), 0.11, "differs"),
        (intervals.summarize_differences([0.11], 0.95), 0.11, UNDECIDED),
        (None, 0.11, UNDECIDED),
    ],
)
def test_numbers_agree_within_the_margin_alone(
    ours: Difference | None, paper: float, words: str
) -> None:
    assert claim.agreement([(ours, paper, 0.02)]) == words


def test_all_shared_tasks_have_to_agree() -> None:
    close, far = (gain(0.11, 0.005), 0.11, 0.02), (gain(0.2, 0.005), 0.11, 0.02)
    assert claim.agreement([close, close]) == "agrees"
    assert claim.agreement([close, far]) == "differs"
    assert claim.agreement([close, (gain(0.11, 0.1), 0.11, 0.02)]) == UNDECIDED
    assert claim.agreement([]) == UNDECIDED


@pytest.mark.parametrize(("least", "by_every"), [(5, False), (8, True)])
def test_how_often_half_of_the_tasks_are_taken_for_most(least: int, by_every: bool) -> None:
    """On 4 of 8 tasks there is nothing, on 4 much; the statement of every task is not made by these."""
    holds, _ = share_of_most(8, 4, least, 0.0, 5.0, 2000)
    assert holds <= 0.025 + 2 * math.sqrt(0.025 * 0.975 / 2000)
    found, _ = share_of_most(8, 7, least, -5.0, 5.0, 200)
    assert found == (0 if by_every else pytest.approx(1, abs=0.05))


@pytest.mark.parametrize("metric", MARGINS)
@pytest.mark.parametrize("seeds", [3, 5])
def test_how_often_a_true_nothing_is_taken_for_a_difference(metric: str, seeds: int) -> None:
    """At most about 5 % of 400 studies; with the seeds alone it is more where examples are few."""
    wrong, by_seeds = share(World(metric, 0.05), 0.0, seeds, 277, 400, is_either, low=0.0)
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)
    if metric != "pearson":
        assert wrong < by_seeds


def test_how_often_a_difference_of_the_margin_is_taken_for_none() -> None:
    margin = MARGINS["accuracy"]
    size = (3, 1000, 200)
    wrong, _ = share(World("accuracy", 0.05), margin, *size, is_held, -margin, margin)
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)
    found, _ = share(World("accuracy", 0.05), 5 * margin, *size, is_held, low=0.0)
    assert found > 0.8  # ten points
