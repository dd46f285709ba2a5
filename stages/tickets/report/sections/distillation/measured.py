"""What the stages of distillation have measured: scores of arms, their masks, and their copies."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.tickets.report import names, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.connectivity.lines import by_place
from stages.tickets.report.sections.connectivity.measured import POINTS, Barrier, Point
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics import barriers, intervals
from stages.tickets.statistics.intervals import Difference

REAL, SHORT, ONE_SHOT, RANDOM, NOISE = "real", "real-short", "one-shot", "random-mask", "noise"
ARMS = {
    REAL: "all real examples (ticket)",
    SHORT: "all real examples, few steps",
    "regression": "distilled: feature regression",
    "means": "distilled: means by class",
    "gradients": "distilled: gradients",
    "unrolled": "distilled: unrolled training",
    "herding": "herded examples",
    "random": "random examples",
    NOISE: "noise, shuffled labels",
    ONE_SHOT: "none: one-shot mask",
    RANDOM: "none: random mask",
}
"""What masks are found on, by the name of the arm, in the order in which they are shown."""
DISTILLED = ("regression", "means", "gradients", "unrolled")
DENSE = "dense"
WITHOUT_SET = {DENSE: DENSE, "ticket": REAL, ONE_SHOT: ONE_SHOT, "random": RANDOM}
"""Arms of the networks of `connectivity.starts` that stand beside masks of sets."""
COPIED = ARMS | {DENSE: "no mask: dense"}
Heights = Mapping[tuple[str, str, int, str], Mapping[str, float]]
"""Barriers by seed, of a task, an arm, a round and a noise."""


@dataclass(frozen=True)
class ComparedMask:
    """A row of masks.csv of the stage `newcomers`."""

    task: str
    arm: str
    seed: int
    mask_seed: int
    round: int
    jaccard_one_shot: Number
    jaccard_real: Number
    newcomers_hit: Number | None
    newcomers_chance: Number | None
    newcomers_nearest: Number | None
    leavers_hit: Number | None
    leavers_nearest: Number | None
    move_50: Number


SHARES = tuple(name for name in ComparedMask.__annotations__ if "_" in name and name != "mask_seed")


@dataclass(frozen=True)
class PairOfEnds:
    """A row of ends.csv: whether both ends of a line are better than a constant."""

    task: str
    net: str
    round: int
    point: int | None
    arm: str
    steps: str
    seeds: str
    learned: bool


def arms(results: Results, study: Study) -> list[Row]:
    """Collect the arms of every task and round that have a score, with all that is known of each."""
    asked, confidence = study.distil, study.tickets.confidence
    shares = averaged(results)
    made = []
    for task in asked.tasks:
        for number in asked.masks.rounds:
            runs = {
                REAL: Run(task, "imp", number),
                ONE_SHOT: names.control_run(task, ONE_SHOT, number),
                RANDOM: Run(task, "random", number),
            }
            for arm in ARMS:
                run = runs.get(arm, Run(task, "distilled", number, arm))
                on_set = Run(task, "on_set", 0, arm)
                score, of_set = results.summary(run), results.summary(on_set)
                is_usable = of_set and results.scores.above_majority(on_set, confidence)
                if score:
                    row = Row(task=task, arm=arm, round=number, score=score, on_set=of_set)
                    row.sparsity = names.sparsities(study)[number]
                    row.gain = None if arm == REAL else results.compare(run, runs[REAL])
                    row.usable = ("yes" if is_usable else "no") if of_set else words.NONE
                    row.seen = seen(arm, task, number, results, study)
                    for name in SHARES:
                        setattr(row, name, shares.get((task, number, arm), {}).get(name))
                    noise = shares.get((task, number, NOISE), {})
                    row.noise_hit = noise.get("newcomers_hit")
                    made.append(row)
    return made


def averaged(results: Results) -> dict[tuple[str, int, str], dict[str, float | None]]:
    """Average what masks have in common with others over seeds, by task, round and arm."""
    compared = results.read("newcomers", "masks.csv", ComparedMask)
    groups = grouped(compared, lambda row: (row.task, row.round, row.arm))
    return {place: {name: _mean(rows, name) for name in SHARES} for place, rows in groups.items()}


def _mean(rows: Sequence[ComparedMask], name: str) -> float | None:
    return intervals.average(
        value for value in (getattr(row, name) for row in rows) if value is not None
    )


def seen(arm: str, task: str, number: int, results: Results, study: Study) -> Row | None:
    """Count what a mask was found on: training points, epochs of each training, and trainings.

    None for masks that no training has made.
    """
    if arm in (ONE_SHOT, RANDOM):
        return None
    size = next(row for row in results.tasks if row.task == task)
    recipe = study.train.model_copy(update=study.override[task].model_dump(exclude_none=True))
    if arm == REAL:
        return Row(points=size.train, epochs=recipe.epochs, trainings=number)
    points = size.train if arm == SHORT else study.distil.set.per_class * size.labels
    batches = math.ceil(points / recipe.batch_size)
    return Row(points=points, epochs=study.distil.masks.steps / batches, trainings=number)


# --- copies ----------------------------------------------------------------------------------


def copies(results: Results, study: Study, known: Sequence[Row]) -> list[Row]:
    """Collect the barriers between copies of masks of sets, and of what stands beside them.

    Args:
        known: the rows of `arms`, whose columns about masks are repeated.
    """
    walked = by_place(results.read("barriers", "barriers.csv", Barrier), study)
    of_mask = {(row.task, row.round, row.arm): row for row in known}
    made = []
    for task in study.distil.tasks:
        for number in study.distil.copies.rounds:
            for noise in study.distil.copies.arms:
                own = [
                    (arm, row)
                    for row in walked
                    if (row.task, row.point, row.arm, row.steps) == (task, 0, noise, "rest")
                    and (arm := arm_of(row.net)) and row.round in (number, 0)
                ]  # fmt: skip
                for arm, row in sorted(own, key=lambda pair: [*COPIED].index(pair[0])):
                    mask = of_mask.get((task, number, arm))
                    about = vars(mask) if mask else dict.fromkeys((*SHARES, "on_set", "noise_hit"))
                    made.append(Row(**about | vars(row) | {"arm": arm, "noise": noise}))
    return made


def arm_of(net: str) -> str:
    """Return the arm that a network of a walk belongs to; empty if it stands beside none."""
    prefix = "distilled-"
    return net.removeprefix(prefix) if net.startswith(prefix) else WITHOUT_SET.get(net, "")


def heights(results: Results) -> Heights:
    """Compute the barrier of every pair of copies from theta_0 whose ends have learned something.

    Returns:
        Barriers of the error on validation against the chord, in fractions of 1.
    """
    learned = {
        (row.task, row.net, row.round, row.arm, row.seeds)
        for row in results.read("barriers", "ends.csv", PairOfEnds)
        if row.learned and (row.point, row.steps) == (0, "rest")
    }
    points = [
        row
        for row in results.read("barriers", "curves.csv", Point)
        if (row.split, row.head, row.point, row.steps) == ("validation", "own", 0, "rest")
        and (row.task, row.net, row.round, row.arm, row.seeds) in learned and arm_of(row.net)
    ]  # fmt: skip
    made: dict[tuple[str, str, int, str], dict[str, float]] = {}
    groups = grouped(points, lambda row: (row.task, row.net, row.round, row.arm, row.seeds))
    for (task, net, number, noise, seed), group in groups.items():
        curve = [
            row.value for row in group if row.metric == group[0].metric
        ]  # the error comes first
        height = float(barriers.chord_barrier(np.array(curve))) / POINTS
        made.setdefault((task, arm_of(net), number, noise), {})[seed] = height
    return made


def paired(
    first: Mapping[str, float], second: Mapping[str, float], confidence: float
) -> Difference | None:
    """Subtract second from first over the seeds of both; None if they have none in common."""
    gains = [first[seed] - second[seed] for seed in first if seed in second]
    return intervals.summarize_differences(gains, confidence) if gains else None


def learned_arms(rows: Sequence[Row], results: Results) -> Iterator[Row]:
    """Yield the rows of distilled sets in the last round, of tasks whose dense model has learned."""
    last = max((row.round for row in rows), default=0)
    for row in rows:
        if row.arm in DISTILLED and row.round == last and results.usable([row.task]):
            yield row
