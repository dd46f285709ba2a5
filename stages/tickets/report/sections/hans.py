"""Answers on HANS (McCoy et al. 2019), by heuristic and by subcase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Figure, render
from stages.tickets.report.results import Results
from stages.tickets.report.rows import HansScore
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.settings import Study
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


class Examples(NamedTuple):
    """Those of one heuristic and truth, or of one subcase."""

    heuristic: str
    truth: str
    subcase: str = ""


@dataclass(frozen=True)
class Setting:
    """One kind of run on one task, and how often it is right."""

    task: str
    run: tuple[str, str]
    """Kind and subnetwork, as in hans.csv."""
    accuracies: Mapping[Examples, Summary]

    def cell(self, examples: Examples) -> str:
        """Mean and standard deviation over seeds; a baseline has no seeds."""
        text = words.spread(self.accuracies.get(examples))
        return text.removesuffix(" (n=1)") if self.run[0] in BASELINES else text

    def num_seeds(self) -> str:
        most = max(accuracy.n for accuracy in self.accuracies.values())
        return words.NONE if self.run[0] in BASELINES else str(most)

    def records(self, *, by_subcase: bool) -> list[Record]:
        """What csv has of all its subcases, or of all its heuristics."""
        where = {"task": self.task, "kind": self.run[0], "subnetwork": self.run[1]}
        return [
            {**where, **examples._asdict(), **numbers(accuracy)}
            for examples, accuracy in self.accuracies.items()
            if bool(examples.subcase) is by_subcase
        ]


def section(results: Results, study: Study) -> Section:
    """Dense models and subnetworks on HANS, for every task that has it."""
    scores = results.hans
    rows = over_seeds(scores, study)
    return Section(
        "hans",
        "HANS: right for the wrong reasons?",
        "Do dense models and subnetworks look at the syntax of a pair, or do they say entailment "
        "wherever words, a subsequence or a constituent of the premise come again?",
        "McCoy et al. 2019. Prasanna et al. 2020 have settings for HANS in their code, and nothing "
        "on it in their paper.",
        answer(rows),
        stages=("ticket", "random", "retrain", "retrain-magnitude"),
        figures=(figure(rows, study),),
        tables=(hans_table(rows, scores, study), subcases_table(rows, scores)),
    )


def names_of(study: Study) -> dict[tuple[str, str], str]:
    """Name of every setting by kind and subnetwork: baselines, dense, searched subnetworks."""
    retrain = study.retrain
    kept = {f"structured {name}": name for name in (*retrain.structured, *retrain.super)}
    searched = {source: f"heads and MLPs, {name}" for source, name in kept.items()}
    searched |= {f"magnitude {name}": f"weights, {name}" for name in retrain.magnitude}
    named = {(kind, ""): names.NAMES[kind] for kind in (*BASELINES, "dense")}
    for source, name in searched.items():
        named |= {(state, source): f"{name}, {state}" for state in ("pruned", "retrained")}
    return named


def over_seeds(scores: Sequence[HansScore], study: Study) -> list[Setting]:
    """Accuracy over seeds, of every subcase and of all examples of a heuristic with one truth."""
    named = names_of(study)
    groups: dict[tuple[str, tuple[str, str], Examples], dict[Seed, list[HansScore]]] = {}
    for row in scores:
        run = row.kind, row.source
        for subcase in (row.subcase, "") if run in named else ():
            group = row.task, run, Examples(row.heuristic, TRUTHS[row.entailed], subcase)
            groups.setdefault(group, {}).setdefault(row.seed, []).append(row)
    settings: dict[tuple[str, tuple[str, str]], dict[Examples, Summary]] = {}
    for (task, run, examples), by_seed in groups.items():
        accuracies = [accuracy_over(rows) for rows in by_seed.values()]
        summary = intervals.summarize(accuracies, study.tickets.confidence)
        settings.setdefault((task, run), {})[examples] = summary
    return [Setting(task, run, known) for (task, run), known in settings.items()]


def accuracy_over(rows: Sequence[HansScore]) -> float:
    """Accuracy over the examples of several subcases."""
    right = sum(row.accuracy * row.num_examples for row in rows)
    return right / sum(row.num_examples for row in rows)


def answer(rows: Sequence[Setting]) -> str:
    """Where dense models are right, two sentences per task.

    Right about most non-entailed examples is a model that follows no heuristic, or that seldom says
    entailment at all: the mean over both truths, 50 % for any constant answer, tells the two apart.
    """
    sentences = []
    for row in (row for row in rows if row.run == ("dense", "")):
        means = {
            heuristic.replace("_", " "): [
                row.accuracies[Examples(heuristic, truth)].mean for truth in TRUTHS.values()
            ]
            for heuristic in heuristics_of([row])
        }
        shares = [
            f"{' and '.join(map(words.percent, pair))} ({name})" for name, pair in means.items()
        ]
        above = [name for name, pair in means.items() if sum(pair) / 2 > 0.5 + 1e-12]
        sentences.append(
            f"Dense models of {row.task} are right about these shares of entailed and of non-entailed "
            f"examples: {', '.join(shares)}. Their mean is above 50 %, which one answer to everything "
            f"has, for: {', '.join(above) or 'none'}."
        )
    return " ".join(sentences) or words.sentence(NOTHING)


def hans_table(rows: Sequence[Setting], scores: Sequence[HansScore], study: Study) -> Table:
    """Accuracy by heuristic and truth, a row per task and setting."""
    origins = {row.task: f"{row.origin} for {row.task}" for row in scores}
    caption = (
        f"Accuracy on HANS in points, on examples from {', '.join(origins.values())}; mean ± standard "
        "deviation over n seeds. Entailed is said of an example if class 0 has the highest logit."
    )
    if left := [task for task in origins if task not in study.retrain.tasks]:
        caption += f" Subnetworks of {', '.join(left)}: not run: not in retrain.tasks."
    named = names_of(study)
    ordered = sorted(rows, key=lambda row: ([*origins].index(row.task), [*named].index(row.run)))
    shown: list[Column[Setting]] = [
        columns.text("setting", lambda row: f"{row.task}: {named[row.run]}"),
        *(
            columns.text(
                f"{heuristic}, {truth}".replace("_", " "),
                partial(Setting.cell, examples=Examples(heuristic, truth)),
            )
            for heuristic in heuristics_of(rows)
            for truth in TRUTHS.values()
        ),
        columns.text("n", Setting.num_seeds),
    ]
    records = [record for row in ordered for record in row.records(by_subcase=False)]
    return table("hans", caption, ordered, shown, NOTHING, long=records)


def subcases_table(rows: Sequence[Setting], scores: Sequence[HansScore]) -> Table:
    """Accuracy by subcase: shown for a few settings, in the csv for all."""
    caption = (
        "Accuracy by subcase of HANS, in points; mean ± standard deviation over seeds; the csv has all "
        "settings. Subcases are named as in HANS: the first letter is that of the heuristic, the "
        "second tells whether the hypothesis is entailed (e) or not (n)."
    )
    subcases = {(row.task, row.heuristic, row.entailed, row.subcase): row for row in scores}
    settings = {(row.task, row.run): row for row in rows}

    def cell(row: HansScore, run: tuple[str, str]) -> str:
        examples = Examples(row.heuristic, TRUTHS[row.entailed], row.subcase)
        setting = settings.get((row.task, run))
        return setting.cell(examples) if setting else words.NOT_RUN

    looks = {run: label for run, (_, label) in LOOKS.items() if any(row.run == run for row in rows)}
    shown = [
        columns.text("subcase", lambda row: f"{row.task}: {row.subcase}"),
        columns.text("examples", lambda row: str(row.num_examples)),
        *(columns.text(label, partial(cell, run=run)) for run, label in looks.items()),
    ]
    records = [record for row in rows for record in row.records(by_subcase=True)]
    return table("hans_subcases", caption, [*subcases.values()], shown, NOTHING, long=records)


def figure(rows: Sequence[Setting], study: Study) -> Figure:
    """Bars by heuristic; for every task a panel of entailed and one of non-entailed examples."""
    title = "Accuracy on HANS by heuristic, entailed beside non-entailed examples"
    caption = (
        "Mean accuracy on HANS; bars of error are standard deviations over seeds. Who follows the "
        "heuristics has 100 on the left and 0 on the right, who never says entailment the reverse."
    )
    if not rows:
        return Figure("hans", title, caption, missing=NOTHING)
    drawn = {(row.task, row.run): row for row in rows if row.run in LOOKS}
    looks = [run for run in LOOKS if any(row.run == run for row in rows)]
    tasks, heuristics = list(dict.fromkeys(row.task for row in rows)), heuristics_of(rows)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(len(tasks), len(TRUTHS), sharex=True, sharey=True, squeeze=False)
        places = [(task, truth) for task in tasks for truth in TRUTHS.values()]
        for panel, (task, truth) in zip(grid.flat, places, strict=True):
            for offset, run in enumerate(looks):
                setting = drawn.get((task, run))
                width = 0.8 / len(looks)
                shift = width * (offset - (len(looks) - 1) / 2)
                known = {
                    place + shift: setting.accuracies[examples]
                    for place, heuristic in enumerate(heuristics)
                    if setting and (examples := Examples(heuristic, truth)) in setting.accuracies
                }
                mean = [100 * accuracy.mean for accuracy in known.values()]
                error = [100 * (accuracy.std or 0.0) for accuracy in known.values()]
                colour, label = LOOKS[run]
                panel.bar(
                    [*known], mean, 0.9 * width, color=colour, label=label, yerr=error, capsize=2
                )
            panel.axhline(50, color=GREY, linestyle=":", label="toss of a coin")
            panel.set_axisbelow(True)
            panel.set_ylim(0, 105)
            panel.set_title(f"{task}, {truth}")
            ticks = [heuristic.replace("_", "\n") for heuristic in heuristics]
            panel.set_xticks(range(len(heuristics)), ticks)
        for panel in grid[:, 0]:
            panel.set_ylabel("accuracy (points)")
        panels.legend(canvas, list(grid.flat))

    records = [record for row in drawn.values() for record in row.records(by_subcase=False)]
    height = len(tasks) * study.plot.panel_height + 1.6
    svg = render("hans", title, (2 * max(study.plot.panel_width, 3.2), height), draw)
    return Figure("hans", title, caption, svg, tuple(records))


def heuristics_of(rows: Sequence[Setting]) -> list[str]:
    return list(dict.fromkeys(heuristic for row in rows for heuristic, _, _ in row.accuracies))
