"""Means, intervals and paired tests against scipy and by hand; parsing."""

import csv
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stages.tickets.report import rows as rows_of
from stages.tickets.report import scores as scored
from stages.tickets.report.rows import Kept, ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.settings import Tickets
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Summary

SCORES = st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=8)


@given(SCORES, st.sampled_from([0.5, 0.9, 0.95]))
def test_the_interval_is_that_of_scipy(values: list[float], confidence: float) -> None:
    found = intervals.summarize(values, confidence)
    error = stats.sem(values)
    assert found.mean == pytest.approx(sum(values) / len(values), abs=1e-12)
    if error > 1e-9:
        ends = stats.t.interval(confidence, len(values) - 1, found.mean, error)
        assert (found.low, found.high) == pytest.approx(ends)


def test_the_interval_by_hand() -> (
    None
):  # std 0.1; t(0.975, 2) = 4.3027; 4.3027 * 0.1 / sqrt(3) = 0.2484
    found = intervals.summarize([0.1, 0.2, 0.3], 0.95)
    assert (found.mean, found.std) == pytest.approx((0.2, 0.1))
    assert (found.low, found.high) == pytest.approx((-0.0484, 0.4484), abs=1e-4)
    assert found.half == pytest.approx(0.2484, abs=1e-4)


def test_the_order_of_seeds_does_not_matter_to_the_last_bit() -> None:
    values = [0.1, 0.7, 0.3, 1e-9]
    assert len({intervals.summarize(order, 0.95) for order in permutations(values)}) == 1


def test_one_seed_has_no_interval() -> None:
    assert intervals.summarize([0.4], 0.95) == Summary(0.4, None, None, None, 1)


@pytest.mark.parametrize("values", [[], [0.1, float("nan")], [float("inf")]])
def test_nothing_and_nan_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="got"):
        intervals.summarize(values, 0.95)


def test_the_paired_test_is_that_of_scipy() -> None:
    first = {1: 0.81, 2: 0.84, 3: 0.80, 4: 0.86}
    second = {1: 0.79, 2: 0.80, 3: 0.81, 4: 0.80}
    found = intervals.compare(first, second, 0.95)
    reference = stats.ttest_rel(list(first.values()), list(second.values()))
    assert found is not None
    assert found.p == pytest.approx(reference.pvalue)
    interval = reference.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_only_seeds_of_both_are_compared() -> None:
    found = intervals.compare({1: 0.5, 2: 0.9}, {2: 0.4, 3: 0.0}, 0.95)
    assert found is not None
    assert (found.mean, found.n, found.p) == (0.5, 1, None)
    assert intervals.compare({1: 0.5}, {2: 0.4}, 0.95) is None


def test_equal_differences_have_no_p() -> None:
    found = intervals.compare({1: 0.3, 2: 0.4}, {1: 0.1, 2: 0.2}, 0.95)
    assert found is not None
    assert (found.p, found.n) == (None, 2)


ROW = {
    "task": "cola", "kind": "imp", "seed": "1.0", "round": "2", "sparsity": "0.6", "point": "",
    "source": "", "split": "validation", "metric": "matthews", "headline": "True",
    "score": "0.25", "num_examples": "10", "collapsed": "False",
}  # fmt: skip


def read(folder: Path, rows: Sequence[dict[str, str]], kind: type = ScoreRow) -> list[Any]:
    """The rows as `rows.read` has them from a file."""
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows_of.read(folder / "rows.csv", kind)


def test_a_row_of_text_becomes_a_score(tmp_path: Path) -> None:
    row = read(tmp_path, [ROW])[0]
    assert (row.seed, row.round, row.point, row.headline) == (1, 2, None, True)
    assert row.source == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": "nan"}, "score 'nan'"),
        ({"seed": "1.5"}, "seed '1.5'"),
        ({"collapsed": "maybe"}, "collapsed 'maybe'"),
        ({"score": ""}, "score ''"),
    ],
)
def test_a_wrong_cell_is_named(change: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"rows\.csv: row 2 has {message}"):
        read(tmp_path, [ROW, ROW | change])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\.csv: there is no column 'layer'"):
        read(tmp_path, [{"task": "cola", "seed": "1", "round": "1", "sparsity": "0.1"}], Kept)


def test_scores_are_found_by_run_split_and_metric(tmp_path: Path) -> None:
    rows = [
        ROW,
        ROW | {"seed": "2", "score": "0.5", "collapsed": "True"},
        ROW | {"split": "selection", "score": "0.75"},
        ROW | {"metric": "accuracy", "headline": "False", "score": "0.9"},
        ROW | {"metric": "loss", "headline": "False", "score": "3"},
    ]
    scores = Scores(read(tmp_path, rows))
    run = Run("cola", "imp", 2)
    assert scores.of(run) == {1: 0.25, 2: 0.5}
    assert scores.of(run, scored.SELECTION) == {1: 0.75}
    assert scores.of(run, metric="accuracy") == {1: 0.9}
    assert scores.of(Run("cola", "imp", 1)) == {}
    assert scores.collapsed(run) == 1
    assert list(scores.others) == [("cola", "validation", "accuracy")]


def test_runs_are_compared_by_seed_in_the_headline_metric(tmp_path: Path) -> None:
    rows = [
        ROW | {"kind": kind, "seed": seed, "metric": metric, "headline": headline, "score": score}
        for kind, seed, score in (("imp", "1", "0.5"), ("imp", "2", "0.9"), ("random", "2", "0.4"))
        for metric, headline in ((ROW["metric"], "True"), ("loss", "False"))
    ]
    scores = Scores(read(tmp_path, rows))
    imp, random = Run("cola", "imp", 2), Run("cola", "random", 2)
    assert scores.compare(imp, random, 0.95) == intervals.compare({2: 0.9}, {2: 0.4}, 0.95)
    assert scores.compare(imp, Run("cola", "dense"), 0.95) is None


def moved(tmp_path: Path, scale: float) -> Scores:
    """Two seeds of a ticket and of random masks, 0.5 and 0.4 apart; the examples add what is given."""
    rows = [
        ROW | {"kind": kind, "seed": seed, "score": score}
        for kind, seeds in (("imp", ("0.9", "0.7")), ("random", ("0.4", "0.3")))
        for seed, score in zip("12", seeds, strict=True)
    ]
    rows.append(ROW | {"kind": "majority", "seed": "", "round": "0", "score": "0.1"})
    by_example = {
        "cola/imp/2//1": [0.1, -0.1, 0.2, -0.2], "cola/imp/2//2": [0.1, -0.1, 0.1, -0.1],
        "cola/random/2//1": [0.1, -0.1, 0.0, 0.0], "cola/random/2//2": [0.1, -0.1, 0.0, 0.0],
        "cola/majority/0//None": [0.0, 0.0, 0.05, -0.05],
    }  # fmt: skip
    deviations = {name: scale * np.array(values) for name, values in by_example.items()}
    return Scores(read(tmp_path, rows), deviations)


def test_the_error_of_examples_by_hand(tmp_path: Path) -> None:
    """Differences deviate by (0, 0, .2, -.2) and (0, 0, .1, -.1): their means by (0, 0, .15, -.15)."""
    imp, random = Run("cola", "imp", 2), Run("cola", "random", 2)
    gain = moved(tmp_path, 1.0).compare(imp, random, 0.95)
    assert gain is not None
    noise = 4 * 0.05**2 / (1 * 3)  # of the seeds around the mean of an example
    assert gain.examples**2 == pytest.approx((2 * 0.15**2 / 3 - noise / 2) / 4)
    alone = moved(tmp_path, 0.0).compare(imp, random, 0.95)
    assert alone is not None
    assert alone.examples == 0
    z = stats.norm.ppf(0.975)
    assert gain.half == pytest.approx(((alone.half or 0) ** 2 + (z * gain.examples) ** 2) ** 0.5)
    assert (gain.mean, gain.std) == (alone.mean, alone.std)
    assert gain.p is not None
    assert alone.p is not None
    assert gain.p > alone.p
    for bound, above in ((gain.low, True), (gain.high, False)):
        assert bound is not None
        assert gain.beyond(bound, above=above) == pytest.approx(0.025, rel=1e-6)
        assert gain.beyond(bound, above=not above) > 0.5


def test_two_seeds_with_the_same_difference_by_chance_are_not_sure(tmp_path: Path) -> None:
    """Three of 277 examples in either seed, on which two methods of noise alone differ at random."""
    rows = [
        ROW | {"kind": kind, "seed": seed, "score": score}
        for kind, score in (("imp", "0.8"), ("random", "0.789"))
        for seed in "12"
    ]
    rng = np.random.default_rng(0)
    drawn = rng.permuted(np.tile([1.0] * 15 + [-1.0] * 12 + [0.0] * 250, (2, 1)), axis=1)
    moved = {f"cola/imp/2//{seed + 1}": drawn[seed] - 3 / 277 for seed in range(2)}
    still = {f"cola/random/2//{seed + 1}": np.zeros(277) for seed in range(2)}
    imp, random = Run("cola", "imp", 2), Run("cola", "random", 2)
    gain = Scores(read(tmp_path, rows), moved | still).compare(imp, random, 0.95)
    assert gain is not None
    assert gain.std == pytest.approx(0, abs=1e-12)
    assert gain.examples == pytest.approx(drawn.mean(axis=0).std(ddof=1) / 277**0.5, rel=1e-6)
    assert gain.beyond(0.0, above=True) > 0.1
    same = Scores(read(tmp_path, rows), still | {key: 0 * of for key, of in moved.items()})
    known = same.compare(imp, random, 0.95)
    assert known is not None
    assert known.beyond(0.0, above=True) == 0  # the same predictions but for a shift: nothing moves


def test_a_baseline_stands_beside_every_seed(tmp_path: Path) -> None:
    scores = moved(tmp_path, 1.0)
    gain = scores.compare(Run("cola", "imp", 2), Run("cola", "majority"), 0.95)
    assert gain is not None
    assert gain.mean == pytest.approx(0.7)
    assert gain.n == 2
    assert gain.examples > 0
    assert scores.above_majority(Run("cola", "imp", 2), 0.5)
    assert not scores.above_majority(Run("cola", "imp", 2), 0.95)  # two seeds, four examples


def dense_of_one_seed(tmp_path: Path, more: int, num: int = 277) -> Scores:
    """A dense model of one seed that is right on so many examples more than the majority class."""
    right = np.arange(num) < 150
    changed = (np.arange(num) >= 120) & (np.arange(num) < 180 + more)  # 30 of them are right
    by_kind = {"majority": right, "dense": right ^ changed}
    rows, moved = [], {}
    for (kind, correct), seed in zip(by_kind.items(), ("", "1"), strict=True):
        place = {"kind": kind, "seed": seed, "round": "0", "score": str(correct.mean())}
        rows.append(ROW | place)
        moved[f"cola/{kind}/0//{seed or None}"] = correct - correct.mean()
    return Scores(read(tmp_path, rows), moved)


@pytest.mark.parametrize(("more", "learned"), [(2, False), (14, False), (40, True)])
def test_two_examples_more_than_the_majority_are_no_evidence(
    more: int, learned: bool, tmp_path: Path
) -> None:
    """Of one seed the examples' interval is taken: 60 + more differ, 1.96 roots of that are about 15."""
    scores = dense_of_one_seed(tmp_path, more)
    gain = scores.compare(Run("cola", "dense"), Run("cola", "majority"), 0.95)
    assert gain is not None
    assert (gain.n, gain.low) == (1, None)
    assert gain.mean == pytest.approx(more / 277, abs=1e-6)
    assert scores.above_majority(Run("cola", "dense"), 0.95) is learned


def test_a_rule_is_tried_with_the_interval_of_the_split_that_chooses(tmp_path: Path) -> None:
    """Equal seeds, so only examples widen; deviations of a split do not count on the other."""
    rows = [
        ROW | {"kind": kind, "seed": seed, "round": at, "split": split, "score": "0.8"}
        for kind, at in (("imp", "2"), ("dense", "0"))
        for seed in "12"
        for split in ("selection", "validation")
    ]
    rng = np.random.default_rng(0)
    drawn = rng.permutation([1.0] * 8 + [-1.0] * 8 + [0.0] * 84)
    moved = {
        f"cola/{kind}//{seed}/selection": sign * drawn
        for kind, sign in (("imp/2", 1), ("dense/0", 0))
        for seed in "12"
    }
    scores, imp = Scores(read(tmp_path, rows), moved), Run("cola", "imp", 2)
    rule = Tickets(rule="non_inferiority", margin=0.02, transfer_margin=0.025, confidence=0.95)
    assert scores.matches(imp, rule, "validation")
    assert not scores.matches(imp, rule, "selection")
    assert not scores.matches(Run("cola", "imp", 1), rule, "selection")


def test_the_papers_own_error_widens_the_difference_from_it() -> None:
    """Two means of as many runs with the same deviation: the interval of the difference is √2 as wide."""
    ours = intervals.summarize([0.1, 0.2, 0.3], 0.95)
    wide = intervals.beside(ours, 0.1, 3, 0.95)
    assert wide.mean == ours.mean
    assert wide.half == pytest.approx(2**0.5 * (ours.half or 0))
    assert intervals.beside(ours, None, 5, 0.95) == ours
    assert intervals.beside(intervals.summarize([0.4], 0.95), 0.1, 5, 0.95).half is None


def test_examples_widen_the_interval_of_the_main_metric_alone(tmp_path: Path) -> None:
    scores, alone = moved(tmp_path, 1.0), moved(tmp_path, 0.0)
    wide, narrow = (of.summary(Run("cola", "imp", 2), 0.95) for of in (scores, alone))
    assert wide is not None
    assert narrow is not None
    assert wide.examples > 0
    assert (wide.half or 0) > (narrow.half or 0)


def test_the_same_score_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="comes twice"):
        Scores(read(tmp_path, [ROW, ROW]))
