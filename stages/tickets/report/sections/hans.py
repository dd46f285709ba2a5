"""Answers on HANS (McCoy et al. 2019), by heuristic and by subcase."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from matplotlib.figure import Figure as Canvas

from stages.tickets.report import columns, names, panels, table, words
from stages.tickets.report.figure import BLACK, BLUE, GREY, ORANGE, SKY, VERMILION, Figure, drawn
from stages.tickets.report.papers import shared
from stages.tickets.report.results import Results
from stages.tickets.report.rows import HansScore, grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, Table
from stages.tickets.settings import Study

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
"""Colour and name of the runs in the figure and in the table by subcase."""
TITLE = "Accuracy on HANS by heuristic, entailed beside non-entailed examples"
PLACE = ("task", "kind", "subnetwork", "heuristic", "truth", "subcase")
CSV = (columns.value(*PLACE), columns.spread_of("over_seeds"))


def section(results: Results, study: Study) -> Section:
    """Show dense models and subnetworks on HANS, for every task that has it."""
    rows = accuracies(results)
    learned = [row for row in rows if row.task not in results.no_evidence]
    why = shared.nothing([*dict.fromkeys(row.task for row in rows)], results, NOTHING)
    return Section(
        "hans",
        "HANS: right for the wrong reasons?",
        "Do dense models and subnetworks look at the syntax of a pair, or do they say entailment "
        "wherever words, a subsequence or a constituent of the premise come again?",
        "McCoy et al. 2019. Prasanna et al. 2020 have settings for HANS in their code, and nothing "
        "on it in their paper.",
        shared.naming(answer(learned) or words.sentence(why), results),
        stages=("ticket", "retrain"),
        figures=(figure(rows, study),),
        tables=(hans_table(rows, results.hans, study), subcases_table(rows, results.hans)),
    )


def names_of(study: Study) -> dict[tuple[str, str], str]:
    """Name baselines, dense models and searched subnetworks, by kind and subnetwork."""
    named = {(kind, ""): names.NAMES[kind] for kind in (*BASELINES, "dense")}
    for (kind, name), state in product(names.subnetworks(study), ("pruned", "retrained")):
        named[state, f"{kind} {name}"] = f"{names.SEARCHED[kind]}, {name}, {state}"
    return named


def accuracies(results: Results) -> list[Row]:
    """Compute accuracies over seeds by subcase, then those over all examples of a heuristic and truth.

    Returns:
        The place by the names in `PLACE`, the subcase empty for all examples; `run`: kind and subnetwork;
        `over_seeds`, and as it is shown.
    """
    named = names_of(results.study)
    known = [row for row in results.hans if (row.kind, row.source) in named]
    groups = grouped(
        [*known, *(replace(row, subcase="") for row in known)],
        lambda row: (
            row.task, row.kind, row.source, row.heuristic, TRUTHS[row.entailed], row.subcase
        ),
    )  # fmt: skip
    rows = []
    for place, group in groups.items():
        by_seed = [
            sum(row.accuracy * row.num_examples for row in own)
            / sum(row.num_examples for row in own)
            for own in grouped(group, lambda row: row.seed).values()
        ]
        row = Row(**dict(zip(PLACE, place, strict=True)), run=place[1:3])
        row.over_seeds = results.over(by_seed)
        row.shown = words.spread(row.over_seeds)
        if row.kind in BASELINES:
            row.shown = row.shown.removesuffix(" (n=1)")
        rows.append(row)
    return rows


def answer(rows: Sequence[Row]) -> str:
    """Tell for every task on which examples dense models are right; empty without any.

    A model that is right about most non-entailed examples follows no heuristic, or seldom says
    entailment at all. The mean over both truths, 50 % for any constant answer, tells the two apart.
    """
    dense = [row for row in rows if row.kind == "dense" and not row.subcase]
    sentences = []
    for task, own in grouped(dense, lambda row: row.task).items():
        shares, above = [], []
        for heuristic, pair in grouped(own, lambda row: row.heuristic).items():
            by_truth = {row.truth: row.over_seeds.mean for row in pair}
            means = [by_truth[truth] for truth in TRUTHS.values()]
            name = heuristic.replace("_", " ")
            shares.append(f"{' and '.join(map(words.percent, means))} ({name})")
            above += [name] if sum(means) / 2 > 0.5 + 1e-12 else []
        sentences.append(
            f"Dense models of {task} are right about these shares of entailed and of non-entailed "
            f"examples: {', '.join(shares)}; their mean is above 50 %, which one answer to everything "
            f"has, for: {', '.join(above) or 'none'}."
        )
    return " ".join(sentences)


def hans_table(rows: Sequence[Row], scores: Sequence[HansScore], study: Study) -> Table:
    """List accuracy by heuristic and truth, a row per task and kind of run."""
    origins = {row.task: f"{row.origin} for {row.task}" for row in scores}
    caption = (
        f"Accuracy on HANS in points, on examples from {', '.join(origins.values())}; mean ± standard "
        "deviation over n seeds. A model says entailment if class 0 has the highest logit."
    )
    if left := [task for task in origins if task not in study.retrain.tasks]:
        caption += f" Subnetworks of {', '.join(left)}: not run: not in retrain.tasks."
    places = list(product(dict.fromkeys(row.heuristic for row in rows), TRUTHS.values()))
    by_run = grouped([row for row in rows if not row.subcase], lambda row: (row.task, row.run))
    lines, listed = [], []
    for task, (run, name) in product(origins, names_of(study).items()):
        if own := by_run.get((task, run)):
            cells = {(row.heuristic, row.truth): row.shown for row in own}
            seeds = words.NONE if run[0] in BASELINES else str(own[0].over_seeds.n)
            lines.append([f"{task}: {name}", *(cells[place] for place in places), seeds])
            listed += own
    header = ("setting", *(", ".join(place).replace("_", " ") for place in places), "n")
    csv = table.records(listed, *CSV)
    return table.of_cells("hans", caption, header, lines, csv, NOTHING)


def subcases_table(rows: Sequence[Row], scores: Sequence[HansScore]) -> Table:
    """List accuracy by subcase: shown for a few kinds of runs, in the csv for all."""
    caption = (
        "Accuracy by subcase of HANS, in points; mean ± standard deviation over seeds; the csv has all "
        "settings. Subcases are named as in HANS: the first letter is that of the heuristic, the "
        "second tells whether the hypothesis is entailed (e) or not (n)."
    )
    examples = {(row.task, row.subcase): str(row.num_examples) for row in scores}
    listed = [row for row in rows if row.subcase]
    lines = []
    for place, own in grouped(listed, lambda row: (row.task, row.subcase)).items():
        cells = {row.run: row.shown for row in own}
        shown = (cells.get(run, words.NOT_RUN) for run in LOOKS)
        lines.append([": ".join(place), examples[place], *shown])
    header = ("subcase", "examples", *(label for _, label in LOOKS.values()))
    csv = table.records(listed, *CSV)
    return table.of_cells("hans_subcases", caption, header, lines, csv, NOTHING)


def figure(rows: Sequence[Row], study: Study) -> Figure:
    """Draw bars by heuristic; for every task a panel of entailed and of non-entailed examples."""
    caption = (
        "Mean accuracy on HANS; bars of error are standard deviations over seeds. Who follows the "
        "heuristics has 100 on the left and 0 on the right, who never says entailment the reverse."
    )
    bars = [row for row in rows if row.run in LOOKS and not row.subcase]
    looks = [run for run in LOOKS if any(row.run == run for row in bars)]
    tasks = list(dict.fromkeys(row.task for row in rows))
    heuristics = list(dict.fromkeys(row.heuristic for row in rows))

    def draw(canvas: Canvas) -> None:
        width = 0.8 / len(looks)
        grid = canvas.subplots(len(tasks), len(TRUTHS), sharex=True, sharey=True, squeeze=False)
        for panel, place in zip(grid.flat, product(tasks, TRUTHS.values()), strict=True):
            for offset, run in enumerate(looks):
                shift = width * (offset - (len(looks) - 1) / 2)
                own = {
                    heuristics.index(row.heuristic) + shift: row.over_seeds
                    for row in bars
                    if (row.task, row.truth, row.run) == (*place, run)
                }
                panels.columns(panel, own, 0.9 * width, *LOOKS[run])
            panel.axhline(50, color=GREY, linestyle=":", label="toss of a coin")
            panel.set_axisbelow(True)
            panel.set_ylim(0, 105)
            panel.set_title(", ".join(place))
            ticks = [heuristic.replace("_", "\n") for heuristic in heuristics]
            panel.set_xticks(range(len(heuristics)), ticks)
        for panel in grid[:, 0]:
            panel.set_ylabel("accuracy (points)")
        panels.legend(canvas, grid.flat)

    size = 2 * max(study.plot.panel_width, 3.2), len(tasks) * study.plot.panel_height + 1.6
    csv = table.records(bars, *CSV)
    return drawn(Figure("hans", TITLE, caption, "", csv, NOTHING), size, draw)
