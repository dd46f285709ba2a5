"""What Prasanna et al. 2020 say and published, beside what came out here; verdicts by a fixed rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from stages.tickets.report import names as runs
from stages.tickets.report.names import Config
from stages.tickets.report.published import Published
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, difference, mean, points, signed
from stages.tickets.settings import Verdict
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference, Summary

Setting = tuple[str, str]
"""Kind of run and source, as in scores.csv."""
Expected = Literal["above", "below", "near"]
UNUSABLE = ("wnli",)
"""Their full model is below the majority there."""
SETTINGS: Mapping[Setting, str] = {
    ("majority", ""): "majority class",
    ("dense", ""): "dense",
    **{
        (state, f"{kind} {name}"): f"{title}, {name}, {state}"
        for kind, title in (("structured", "heads and MLPs"), ("magnitude", "weights"))
        for name in ("good", "random", "bad")
        for state in ("pruned", "retrained")
    },
    **{
        (state, f"structured {name}"): f"heads and MLPs, {name}, {state}"
        for name in ("super", "super-random", "super-bad")
        for state in ("pruned", "retrained")
    },
}


@dataclass(frozen=True)
class Claim:
    """A statement about the difference of two settings."""

    name: str
    statement: str
    first: Setting
    second: Setting
    expected: Expected
    """Of the difference, if the statement is true."""


GOOD, RANDOM, BAD = (("retrained", f"structured {name}") for name in ("good", "random", "bad"))
GOOD_WEIGHTS, RANDOM_WEIGHTS, BAD_WEIGHTS = (
    ("retrained", f"magnitude {name}") for name in ("good", "random", "bad")
)
CLAIMS = (
    Claim(
        "good_weights",
        "Good weights retrain to about the dense score",
        GOOD_WEIGHTS,
        ("dense", ""),
        "near",
    ),
    Claim("good", "Good heads and MLPs come close to it", GOOD, ("dense", ""), "near"),
    Claim(
        "random", "Random heads and MLPs retrain about as well as good ones", RANDOM, GOOD, "near"
    ),
    Claim(
        "bad",
        "Bad heads and MLPs stay trainable: above the majority",
        BAD,
        ("majority", ""),
        "above",
    ),
    Claim("bad_random", "Bad heads and MLPs are below random ones", BAD, RANDOM, "below"),
    Claim(
        "random_weights",
        "Random weights are below good ones",
        RANDOM_WEIGHTS,
        GOOD_WEIGHTS,
        "below",
    ),
    Claim("bad_weights", "Bad weights are below random ones", BAD_WEIGHTS, RANDOM_WEIGHTS, "below"),
    Claim(
        "super",
        "Super-survivors are below dense, in the paper by nine points",
        ("retrained", "structured super"),
        ("dense", ""),
        "below",
    ),
)


def verdict(paper: float, ours: Summary | None, rule: Verdict) -> str:
    """undecided, agrees, direction only, or differs; empty where nothing ran here.

    agrees: ours is within `rule.margin` of the paper's number, or the paper's lies in our interval, and
    that reaches at most `rule.widest` each way; direction only: else, if all of our interval has the sign
    of the paper's number; undecided: else, if the interval is wider or there is none; differs: else.
    """
    if ours is None:
        return ""
    if ours.low is None or ours.high is None:
        return "undecided"
    narrow = ours.high - ours.mean <= rule.widest
    near = abs(ours.mean - paper) <= rule.margin + 1e-12 or ours.low <= paper <= ours.high
    if narrow and near:
        return "agrees"
    if ours.low > 0 if paper > 0 else ours.high < 0:
        return "direction only"
    return "differs" if narrow else "undecided"


def holds(expected: Expected, ours: Summary | None, rule: Verdict) -> str:
    """Whether the statement is true here: yes, no or unclear, by the whole of our interval.

    above and below: of 0; near: at most `rule.widest` from it.
    """
    if ours is None:
        return NONE
    if ours.low is None or ours.high is None:
        return "unclear"
    low, high = ours.low, ours.high
    if expected == "near":
        yes = -rule.widest <= low and high <= rule.widest
        no = high < -rule.widest or low > rule.widest
    else:
        yes, no = (low > 0, high < 0) if expected == "above" else (high < 0, low > 0)
    return "yes" if yes else "no" if no else "unclear"


def agreement(paper: float, ours: Summary | None, rule: Verdict) -> str:
    """Of scores, which have no direction: agrees, undecided or differs, by the same rule."""
    said = verdict(paper, ours, rule)
    if said == "direction only" and ours and ours.high is not None and ours.low is not None:
        wide = ours.high - ours.mean > rule.widest
        return "undecided" if wide and ours.low <= paper <= ours.high else "differs"
    return said


@dataclass(frozen=True)
class Compared:
    """The tasks whose means stand beside each other."""

    theirs: tuple[str, ...]
    ours: tuple[str, ...]

    @property
    def words(self) -> tuple[str, str]:
        """What a caption says of the paper's tasks, and of ours."""
        if self.theirs == self.ours:
            return "this study's tasks", "the same"
        return f"its {len(self.theirs)} tasks without WNLI", "this study's tasks, others"


def compared(
    known: Sequence[str], here: Sequence[str], same: Callable[[str], bool] = lambda _: True
) -> Compared:
    """Our usable tasks on both sides, if the paper has them all; else its usable ones, and ours.

    WNLI is on neither side, unless it is all that we have.

    Args:
        known: tasks of the paper.
        here: tasks of the study.
        same: whether a task of the paper's name is the paper's task, such as by its metric.
    """
    usable = tuple(task for task in here if task not in UNUSABLE) or tuple(here)
    if usable and all(task in known and same(task) for task in usable):
        return Compared(usable, usable)
    paper = dict.fromkeys(task for task in known if task not in UNUSABLE)
    return Compared(tuple(paper), usable)


def of_scores(scores: Scores, published: Sequence[Published], config: Config) -> Compared:
    """The tasks of claims about scores."""
    metrics = {one.task: one.metric for one in published}
    return compared(
        list(metrics),
        config.retrain.tasks,
        lambda task: scores.metrics.get(task) == metrics[task],
    )


def published_difference(
    claim: Claim, published: Sequence[Published], tasks: Sequence[str]
) -> float:
    """Mean over tasks of the first setting minus the second."""
    means = {(one.task, one.kind, one.source): one.mean for one in published}
    found = [means[task, *claim.first] - means[task, *claim.second] for task in tasks]
    return sum(found) / len(found)


def our_difference(
    claim: Claim, scores: Scores, tasks: Sequence[str], confidence: float
) -> Difference | None:
    """The difference that a claim is about."""
    return mean_difference(claim.first, claim.second, scores, tasks, confidence)


def mean_difference(
    one: Setting, other: Setting, scores: Scores, tasks: Sequence[str], confidence: float
) -> Difference | None:
    """By seed the mean over tasks of the first minus the second; None unless every task has both."""
    by_task = []
    for task in tasks:
        first, second = (scores.of(Run(task, kind, 0, source)) for kind, source in (one, other))
        if None in second:  # a baseline, of no seed
            second = dict.fromkeys(first, second[None])
        by_task.append({seed: first[seed] - second[seed] for seed in first if seed in second})
    seeds = set.intersection(*(set(found) for found in by_task)) if by_task else set()
    if not seeds:
        return None
    means = [
        sum(found[seed] for found in by_task) / len(by_task) for seed in sorted(seeds, key=str)
    ]
    return intervals.summarize_differences(means, confidence)


def not_the_same_seeds(config: Config) -> str:
    """Why super-survivors have no verdict: fewer seeds leave more of them. Empty for five seeds."""
    number = len(config.search.seeds)
    return f"no verdict: kept by all of {number} seeds, the paper's of 5" if number != 5 else ""


def claims_table(scores: Scores, published: Sequence[Published], config: Config) -> Table:
    """Every claim with the paper's number and ours."""
    tasks = of_scores(scores, published, config)
    paper_tasks, our_tasks = tasks.words
    caption = (
        f"Differences of scores in points on the validation split. Paper: mean over {paper_tasks}, of "
        f"means over 5 seeds, bert-base-uncased. Here: by seed the mean over {our_tasks} "
        f"({len(tasks.ours)}), with the interval over n seeds. Holds: whether the statement is true "
        "here, by all of our interval: it is above 0, below 0, or for about as well at most "
        f"{points(config.verdict.widest)} points from it. Same number: agrees, if the two are at most "
        f"{points(config.verdict.margin)} points apart or the paper's lies in our interval, and that "
        f"reaches at most {points(config.verdict.widest)} points each way; direction only, if else all "
        "of our interval has its sign; undecided, if else the interval is wider or missing; else differs."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for claim in CLAIMS:
        paper = published_difference(claim, published, tasks.theirs)
        found = our_difference(claim, scores, tasks.ours, config.tickets.confidence)
        why = runs.why_not("retrained", config)
        if config.retrain.tasks and found is None:
            missing = [
                SETTINGS[setting]
                for setting in (claim.first, claim.second)
                for task in config.retrain.tasks[:1]
                if not scores.of(Run(task, setting[0], 0, setting[1]))
            ]
            why = f"not run: {' and '.join(missing) or 'no seed has both'}"
        said = verdict(paper, found, config.verdict) or why
        if found and claim.name == "super":
            said = not_the_same_seeds(config) or said
        rows.append(
            (
                claim.statement,
                signed(paper),
                difference(found) if found else NONE,
                signed(found.mean - paper) if found else NONE,
                str(found.n) if found else NONE,
                holds(claim.expected, found, config.verdict),
                said,
            )
        )
        records.append(
            {
                "claim": claim.name,
                "first": " ".join(claim.first).strip(),
                "second": " ".join(claim.second).strip(),
                "paper": paper,
                **numbers(found),
                "holds": holds(claim.expected, found, config.verdict),
                "verdict": said,
            }
        )
    header = (
        "claim of Prasanna et al. 2020",
        "paper",
        "here",
        "here − paper",
        "n",
        "holds",
        "same number",
    )
    return Table("claims", caption, header, tuple(rows), tuple(records))


def published_table(scores: Scores, published: Sequence[Published], config: Config) -> Table:
    """The paper's table of all settings, task by task, beside ours."""
    caption = (
        "Scores on the validation split in points. Paper: mean ± standard deviation over 5 seeds, "
        "bert-base-uncased, searched on the validation split itself. "
        f"Here: mean ± half the interval over n seeds, searched on {config.search.rule.split}. Verdict: "
        f"undecided without an interval or with one of more than {points(config.verdict.widest)} points "
        f"each way; agrees, if at most {points(config.verdict.margin)} points apart or if the paper's "
        "lies in our interval; else differs. Our majority is the most frequent class of the training "
        "split, theirs of the validation split; of a task with scores, both are draws from a normal."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for one in published:
        setting = (one.kind, one.source)
        if one.task not in config.tasks or setting not in SETTINGS:
            continue
        if scores.metrics.get(one.task) != one.metric:
            continue
        run = Run(one.task, one.kind, 0, one.source)
        drawn = Run(one.task, "normal_draw")
        if one.kind == "majority" and scores.of(drawn):
            run = drawn
        found = scores.summary(run, config.tickets.confidence)
        if found and None in scores.of(run):  # a baseline, of no seed and thus sure
            found = Summary(found.mean, None, found.mean, found.mean, found.n)
        said = agreement(one.mean, found, config.verdict)
        spread = points(one.mean) if one.std is None else f"{points(one.mean)} ± {points(one.std)}"
        rows.append(
            (
                one.task,
                SETTINGS[setting],
                spread,
                mean(found),
                signed(found.mean - one.mean) if found else NONE,
                str(found.n) if found else NONE,
                said or "not run",
            )
        )
        records.append(
            {
                "task": one.task, "kind": one.kind, "source": one.source, "metric": one.metric,
                "paper_mean": one.mean, "paper_std": one.std, **numbers(found, "here_"), "verdict": said,
            }
        )  # fmt: skip
    if not rows:
        why = "not run: no task here has the name and headline metric of one of the paper's"
        return Table("published", caption, missing=why)
    header = ("task", "setting", "paper", "here", "here − paper", "n", "verdict")
    return Table("published", caption, header, tuple(rows), tuple(records))


def on_claims(claimed: Table, structure: Table) -> str:
    """How many statements hold here, and how many of the paper's numbers ours agree with."""
    held = [str(record["holds"]) for record in claimed.records]
    parts = [f"{held.count(word)} {word}" for word in ("yes", "no", "unclear") if word in held]
    order = ("agrees", "undecided", "direction only", "differs", "no verdict", "not run")
    sentences = [f"Do its statements on scores hold? {', '.join(parts) or 'not run'}."]
    for table, title in ((claimed, "The same difference"), (structure, "Its sizes and places")):
        said = [str(one["verdict"]).split(":")[0] for one in table.records]
        listed = ", ".join(f"{name} {said.count(name)}" for name in order if name in said)
        sentences.append(f"{title}: {listed}.")
    return " ".join(sentences)
