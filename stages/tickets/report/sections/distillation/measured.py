"""What the stages of distillation have measured: scores of arms, their masks, and their copies."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from stages.tickets.report import names, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.connectivity.lines import lines
from stages.tickets.report.table import Row
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

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
OF_LINE = ("task", "round", "sparsity", "chord", "frankle", "loss", "verdict")
"""What is shown of a line between copies."""


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
    jaccard_at_least: Number


SHARES = tuple(name for name in ComparedMask.__annotations__ if "_" in name and name != "mask_seed")


def arms(results: Results, study: Study) -> list[Row]:
    """Collect the arms of every task and round that have a score, with all that is known of each."""
    asked, confidence = study.distil, study.tickets.confidence
    shares = averaged(results)
    made = []
    for task, number in product(asked.tasks, asked.masks.rounds):
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
    return {
        place: {name: intervals.average(getattr(row, name) for row in rows) for name in SHARES}
        for place, rows in groups.items()
    }


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
    """Collect the lines between copies of masks of sets, and of what stands beside them.

    Args:
        known: the rows of `arms`, whose columns about masks are repeated.
    """
    asked = study.distil.copies
    of_mask = {(row.task, row.round, row.arm): row for row in known}
    from_theta_0 = [
        (line, arm)
        for line in lines(results, study)
        if (line.point, line.steps) == (0, "rest") and (arm := arm_of(line.net))
    ]
    made = []
    for task, number, noise in product(study.distil.tasks, asked.rounds, asked.arms):
        own = [
            (line, arm)
            for line, arm in from_theta_0
            if (line.task, line.arm) == (task, noise) and line.round in (number, 0)
        ]
        for line, arm in sorted(own, key=lambda pair: [*COPIED].index(pair[1])):
            mask = of_mask.get((task, number, arm))
            about = vars(mask) if mask else dict.fromkeys((*SHARES, "on_set", "noise_hit"))
            barriers = {name: getattr(line, name) for name in OF_LINE}
            made.append(Row(**about | barriers | {"arm": arm, "noise": noise, "line": line}))
    return made


def arm_of(net: str) -> str:
    """Return the arm that a network of a walk belongs to; empty if it stands beside none."""
    prefix = "distilled-"
    return net.removeprefix(prefix) if net.startswith(prefix) else WITHOUT_SET.get(net, "")


def learned_arms(rows: Sequence[Row], results: Results) -> Iterator[Row]:
    """Yield the rows of distilled sets in the last round, of tasks whose dense model has learned."""
    last = max((row.round for row in rows), default=0)
    for row in rows:
        if row.arm in DISTILLED and row.round == last and results.usable([row.task]):
            yield row
