"""Does a mask that is found on a few distilled sequences do as well as a ticket?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stages.tickets.report import columns, names, table, words
from stages.tickets.report.claim import Bounded, Claim, of_every
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Number, grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Row
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

PAPER = "McDermott and Cummings 2023"
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
STAGES = ("distil", "distil-rounds", "real-short", "newcomers")


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
CAPTION = (
    "Scores of masks that were found on different data and trained once on all real examples, everything "
    "rewound, and differences from the ticket, paired by seed. On the set: the dense model trained on "
    "the set alone; a set whose score is not surely above the majority class is not usable."
)
MASKS_CAPTION = (
    "The same masks beside the one-shot mask and the ticket of the same seed, means over seeds; in the "
    "row of all real examples are tickets of other seeds. Newcomers are weights that the ticket keeps "
    "and the one-shot mask drops, leavers the reverse, and a hit is one that the other mask has too. "
    "Nearest: hits of as many weights nearest to the threshold, without any training."
)
COLUMNS = (
    columns.named("task", "task"),
    columns.text("mask found on", lambda row: ARMS[row.arm]),
    columns.only_csv("arm", "arm"),
    columns.value("round"),
    columns.sparsity(),
    columns.score("score", "score", prefix="score_"),
    columns.difference("− ticket", "gain", nothing=words.NONE),
    columns.score("on the set", "on_set", prefix="on_set_", nothing=words.NONE),
    columns.named("usable", "usable"),
    columns.count("score"),
)


def _share(header: str, name: str) -> Column:
    return columns.number(header, name, "{:.3f}".format, name)


MASK_COLUMNS = (
    columns.named("task", "task"),
    columns.text("mask found on", lambda row: ARMS[row.arm]),
    columns.only_csv("arm", "arm"),
    columns.value("round"),
    _share("Jaccard with one-shot", "jaccard_one_shot"),
    _share("with the ticket", "jaccard_real"),
    _share("newcomers hit", "newcomers_hit"),
    _share("nearest", "newcomers_nearest"),
    _share("chance", "newcomers_chance"),
    _share("leavers hit", "leavers_hit"),
    _share("nearest above", "leavers_nearest"),
    columns.number("median move", "move_50", "{:.2g}".format, "move_50"),
)


def section(results: Results, study: Study) -> Section:
    """Show masks of sets beside tickets, and what of them is only the threshold's."""
    why = results.not_run("distilled")
    rows = list(scored(results, study)) if results.scores.has("distilled") else []
    known = results.read("newcomers", "masks.csv", ComparedMask)
    compared = list(averaged(known, study))
    return Section(
        "distillation",
        "Does a mask found on a few sequences do as well?",
        "Is a mask that is found on a distilled set as good as a ticket, and is it more than the "
        "one-shot mask with jitter at the threshold?",
        f"{PAPER}, on images: masks found on distilled sets match tickets with up to 150 times fewer "
        "training points. On text nobody has asked it.",
        shared.naming(answer(rows, compared), results) if rows else words.sentence(why),
        stages=STAGES,
        tables=(
            table.table("distilled", CAPTION, rows, COLUMNS, why),
            table.table("distilled_masks", MASKS_CAPTION, compared, MASK_COLUMNS, why),
        ),
        claims=tuple(claims(rows, results, study, why)),
    )


def scored(results: Results, study: Study) -> Iterator[Row]:
    """Collect the arms of every task and round that have a score."""
    asked, confidence = study.distil, study.tickets.confidence
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
                    yield Row(
                        task=task,
                        arm=arm,
                        round=number,
                        sparsity=names.sparsities(study)[number],
                        score=score,
                        gain=None if arm == REAL else results.compare(run, runs[REAL]),
                        on_set=of_set,
                        usable=("yes" if is_usable else "no") if of_set else words.NONE,
                    )


def averaged(compared: Sequence[ComparedMask], study: Study) -> Iterator[Row]:
    """Average what masks have in common over seeds, in the order of `scored`."""
    groups = grouped(compared, lambda row: (row.task, row.round, row.arm))
    for task in study.distil.tasks:
        for number in study.distil.masks.rounds:
            for arm in ARMS:
                if group := groups.get((task, number, arm)):
                    means = {name: _mean(getattr(row, name) for row in group) for name in SHARES}
                    yield Row(task=task, arm=arm, round=number, **means)


def _mean(values: Iterable[float | None]) -> float | None:
    return intervals.average(value for value in values if value is not None)


def answer(rows: Sequence[Row], compared: Sequence[Row]) -> str:
    """Say how far the sparsest distilled masks are from tickets, and what noise finds of these."""
    last = max(row.round for row in rows)
    gains = "; ".join(
        f"{row.task}, {ARMS[row.arm]}, {words.difference(row.gain)}"
        for row in rows
        if row.arm in (*DISTILLED, NOISE) and row.round == last and row.gain
    )
    hits = "; ".join(
        f"{row.task}, {ARMS[row.arm]}, {words.percent(row.newcomers_hit)}, the threshold alone "
        f"{words.percent(row.newcomers_nearest)}"
        for row in compared
        if row.arm in (*DISTILLED, NOISE)
        and row.round == last
        and None not in (row.newcomers_hit, row.newcomers_nearest)
    )
    parts = [f"Masks minus the ticket: {gains or 'no pair of seeds'}."]
    if hits:
        parts.append(f"Of what tickets bring back beyond the one-shot mask, they find: {hits}.")
    return " ".join(parts)


def claims(rows: Sequence[Row], results: Results, study: Study, why: str) -> Iterator[Claim]:
    """Try whether distilled masks match tickets, and whether they beat those of random examples."""
    last = max((row.round for row in rows), default=0)
    learned = [
        row
        for row in rows
        if row.arm in DISTILLED and row.round == last and results.usable([row.task])
    ]
    none = shared.nothing(study.distil.tasks, results, why)
    over = words.count(len({row.task for row in learned}), "task")
    match = Claim(
        "distilled_match",
        "Masks found on a distilled set are as good as tickets",
        PAPER,
        stages=("distil-rounds",),
        over=over,
    )
    beat = replace(
        match,
        name="distilled_beat_random",
        statement="Masks found on a distilled set are better than those of as many random examples",
        paper="this project",
    )
    of_tickets = [
        Bounded(f"{row.task} {row.arm}", row.gain, low=-shared.margin(row.task, results))
        for row in learned
        if row.gain
    ]
    of_random = [
        Bounded(f"{row.task} {row.arm}", gain, low=0.0)
        for row in learned
        if (gain := results.compare(*(_found_on(row, arm) for arm in (row.arm, "random"))))
    ]
    yield of_every(match, of_tickets, none)
    yield of_every(beat, of_random, none)


def _found_on(row: Row, arm: str) -> Run:
    return Run(row.task, "distilled", row.round, arm)
