"""Answers on HANS (McCoy et al. 2019): table by heuristic, table by subcase, and figure."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import names as runs
from stages.tickets.report import panels
from stages.tickets.report.figure import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Figure, render
from stages.tickets.report.figure import Config as Drawn
from stages.tickets.report.names import NAMES, STATES, Config, subnetworks
from stages.tickets.report.rows import HansScore
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, NOT_RUN, percent, spread
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Seed, Summary

BASELINES = ("majority", "bag_of_words", "word_vectors")
NOTHING = "not run: no task has `hans` in params.yaml"
TRUTHS = {True: "entailed", False: "non-entailed"}
LOOKS = {
    ("dense", ""): (BLACK, "dense"),
    ("retrained", "structured good"): (BLUE, "good heads and MLPs, retrained"),
    ("retrained", "structured random"): (SKY, "random heads and MLPs, retrained"),
    ("retrained", "structured bad"): (ORANGE, "bad heads and MLPs, retrained"),
    ("retrained", "magnitude good"): (VERMILION, "good weights, retrained"),
}
"""Settings in the figure and in the table by subcase, with their colours and names."""


class Group(NamedTuple):
    """Examples of one kind, and who answers them: kind and source of runs are those of hans.csv."""

    task: str
    kind: str
    source: str
    heuristic: str
    entailed: bool
    subcase: str = ""
    """Empty: all subcases of the heuristic."""


def summaries(found: Sequence[HansScore], config: Config) -> dict[Group, Summary]:
    """Accuracy over seeds, of every subcase and of all examples of a heuristic with one answer."""
    right: dict[Group, dict[Seed, float]] = {}
    examples: dict[Group, dict[Seed, int]] = {}
    wanted = settings(config)
    for row in found:
        if (row.kind, row.source) not in wanted:
            continue
        for subcase in (row.subcase, ""):
            where = Group(row.task, row.kind, row.source, row.heuristic, row.entailed, subcase)
            rights, nums = right.setdefault(where, {}), examples.setdefault(where, {})
            rights[row.seed] = rights.get(row.seed, 0) + row.accuracy * row.num_examples
            nums[row.seed] = nums.get(row.seed, 0) + row.num_examples
    return {
        where: intervals.summarize(
            [rights[seed] / examples[where][seed] for seed in rights], config.tickets.confidence
        )
        for where, rights in right.items()
    }


def settings(config: Config) -> dict[tuple[str, str], str]:
    """Name of every setting by kind and source: baselines, dense, searched subnetworks."""
    named = {(kind, ""): NAMES[kind] for kind in (*BASELINES, "dense")}
    for kind, name in subnetworks(config):
        what = "heads and MLPs" if kind == "structured" else "weights"
        named |= {(state, f"{kind} {name}"): f"{what}, {name}, {state}" for state in STATES}
    return named


def hans_table(found: Sequence[HansScore], config: Config) -> Table:
    """Accuracy by heuristic and true answer, a row per task and setting."""
    caption = (
        f"Accuracy on HANS (McCoy et al. 2019), in points: {_origins(found)}. An example counts as "
        "said to be entailed where class 0 has the highest logit. Who follows the heuristics says so "
        "of all of them, and has 100 on entailed and 0 on non-entailed examples; who never says so has "
        "it the other way round. Mean ± standard "
        f"deviation over n seeds.{_without_subnetworks(found, config)}"
    )
    if not found:
        return Table("hans", caption, missing=NOTHING)
    by_group = summaries(found, config)
    heuristics = _heuristics(found)
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in _tasks(found):
        for (kind, source), name in settings(config).items():
            groups = [
                Group(task, kind, source, heuristic, entailed)
                for heuristic in heuristics
                for entailed in TRUTHS
            ]
            numbered = [by_group[group].n for group in groups if group in by_group]
            if not numbered:
                continue
            cells = [spread(by_group.get(group)) for group in groups]
            n = str(max(numbered))
            if kind in BASELINES:  # of no seed
                cells, n = [cell.removesuffix(" (n=1)") for cell in cells], NONE
            rows.append((f"{task}: {name}", *cells, n))
            records += [_record(group, by_group[group]) for group in groups if group in by_group]
    columns = [
        f"{_words(heuristic)}, {truth}" for heuristic in heuristics for truth in TRUTHS.values()
    ]
    return Table("hans", caption, ("setting", *columns, "n"), tuple(rows), tuple(records))


def subcases_table(found: Sequence[HansScore], config: Config) -> Table:
    """Accuracy by subcase: shown for a few settings, in the csv for all."""
    caption = (
        "Accuracy by subcase of HANS, in points; mean ± standard deviation over seeds. Subcases are "
        "named as in HANS: the first letter is that of the heuristic, the second tells whether the "
        "hypothesis is entailed (e) or not (n). The csv has all settings."
    )
    if not found:
        return Table("hans_subcases", caption, missing=NOTHING)
    by_group = {where: one for where, one in summaries(found, config).items() if where.subcase}
    shown = [
        setting
        for setting in LOOKS
        if any((where.kind, where.source) == setting for where in by_group)
    ]
    asked = {(row.task, row.heuristic, row.entailed, row.subcase): row for row in found}
    rows = []
    for (task, heuristic, entailed, subcase), row in asked.items():
        cells = [
            spread(by_group.get(Group(task, *setting, heuristic, entailed, subcase)))
            for setting in shown
        ]
        rows.append((f"{task}: {subcase}", str(row.num_examples), *cells))
    header = ("subcase", "examples", *(LOOKS[setting][1] for setting in shown))
    records = [_record(where, one) for where, one in by_group.items()]
    return Table("hans_subcases", caption, header, tuple(rows), tuple(records))


def hans_figure(found: Sequence[HansScore], config: Drawn) -> Figure:
    """Bars by heuristic; for every task a panel of entailed and one of non-entailed examples."""
    title = "Accuracy on HANS by heuristic, entailed beside non-entailed examples"
    caption = (
        "Mean accuracy on HANS; bars of error are standard deviations over seeds. Dotted: 50, a toss "
        "of a coin. Who follows the heuristics has 100 on the left and 0 on the right; who never says "
        "entailment has it the other way round."
    )
    if not found:
        return Figure("hans", title, caption, missing=NOTHING)
    by_group = {
        where: one
        for where, one in summaries(found, config).items()
        if not where.subcase and (where.kind, where.source) in LOOKS
    }
    heuristics = _heuristics(found)
    tasks = _tasks(found)
    present = {(where.kind, where.source) for where in by_group}
    looks = [(setting, look) for setting, look in LOOKS.items() if setting in present]
    width = 0.8 / max(len(looks), 1)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(tasks), len(TRUTHS), sharex=True, sharey=True, squeeze=False)
        places = [(task, entailed) for task in tasks for entailed in TRUTHS]
        for panel, (task, entailed) in zip(grid.flat, places, strict=True):
            for offset, ((kind, source), (colour, label)) in enumerate(looks):
                at, level, error = [], [], []
                for place, heuristic in enumerate(heuristics):
                    one = by_group.get(Group(task, kind, source, heuristic, entailed))
                    if one:
                        at.append(place + width * (offset - (len(looks) - 1) / 2))
                        level.append(100 * one.mean)
                        error.append(100 * (one.std or 0.0))
                panel.bar(at, level, 0.9 * width, color=colour, label=label, yerr=error, capsize=2)
            panel.axhline(50, color=GREY, linestyle=":", label="toss of a coin")
            panel.set_axisbelow(True)
            panel.set_ylim(0, 105)
            panel.set_title(f"{task}, {TRUTHS[entailed]}")
            ticks = [_words(heuristic).replace(" ", "\n") for heuristic in heuristics]
            panel.set_xticks(range(len(heuristics)), ticks)
        for panel in grid[:, 0]:
            panel.set_ylabel("accuracy (points)")
        panels.legend(canvas, list(grid.flat))

    records = [_record(where, one) for where, one in by_group.items()]
    height = len(tasks) * config.plot.panel_height + 1.6
    svg = render("hans", title, (2 * max(config.plot.panel_width, 3.2), height), draw)
    return Figure("hans", title, caption, svg, tuple(records))


def on_hans(found: Sequence[HansScore], config: Config) -> str:
    """Where dense models are right, two sentences per task.

    Above 50 % on non-entailed examples is a model that follows no heuristic, or that seldom says
    entailment at all: the mean over both answers, 50 % for any constant one, tells the two apart.
    """
    if not found:
        return NOTHING[0].upper() + NOTHING[1:] + "."
    by_group = summaries(found, config)
    sentences = []
    for task in _tasks(found):
        shares, means = [], {}
        for heuristic in _heuristics(found):
            entailed, other = (
                by_group.get(Group(task, "dense", "", heuristic, truth)) for truth in TRUTHS
            )
            if entailed and other:
                shares.append(
                    f"{percent(entailed.mean)} and {percent(other.mean)} ({_words(heuristic)})"
                )
                means[_words(heuristic)] = (other.mean, (entailed.mean + other.mean) / 2)
        if not means:
            sentences.append(f"Dense models of {task}: {NOT_RUN}.")
            continue
        above = [
            [name for name, pair in means.items() if pair[index] > 0.5 + 1e-12] for index in (0, 1)
        ]
        named = [", ".join(names) or "none" for names in above]
        sentences.append(
            f"Of entailed and of non-entailed examples, dense models of {task} are right about "
            f"{', '.join(shares)}. Above 50 % on non-entailed examples: {named[0]}; in the mean of both, "
            f"where one answer to everything has 50 %: {named[1]}."
        )
    return " ".join(sentences)


def _words(heuristic: str) -> str:
    return heuristic.replace("_", " ")


def _tasks(found: Sequence[HansScore]) -> list[str]:
    return list(dict.fromkeys(row.task for row in found))


def _heuristics(found: Sequence[HansScore]) -> list[str]:
    return list(dict.fromkeys(row.heuristic for row in found))


def _origins(found: Sequence[HansScore]) -> str:
    """Of every task the number of its examples, and where they are from."""
    nums = {(row.task, row.subcase, row.entailed): row.num_examples for row in found}
    origins = {row.task: row.origin for row in found}
    return "; ".join(
        f"for {task} {sum(num for key, num in nums.items() if key[0] == task):,} examples from {origin}"
        for task, origin in origins.items()
    )


def _without_subnetworks(found: Sequence[HansScore], config: Config) -> str:
    """A sentence on tasks of which no subnetwork was trained, to follow a caption."""
    left = [task for task in _tasks(found) if task not in config.retrain.tasks]
    if not left:
        return ""
    why = runs.why_not("retrained", config) if not config.retrain.tasks else ""
    return f" Subnetworks of {', '.join(left)}: {why or 'not run: not in retrain.tasks'}."


def _record(where: Group, found: Summary) -> Record:
    return {
        "task": where.task,
        "kind": where.kind,
        "subnetwork": where.source,
        "heuristic": where.heuristic,
        "truth": TRUTHS[where.entailed],
        "subcase": where.subcase,
        **numbers(found),
    }
