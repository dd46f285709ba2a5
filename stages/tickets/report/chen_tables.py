"""The published tables and heat map of Chen et al. 2020, beside ours where they are comparable."""

from collections.abc import Sequence

from stages.tickets.report import names as runs
from stages.tickets.report import transfers
from stages.tickets.report.claim import same_score
from stages.tickets.report.names import Config
from stages.tickets.report.old import ChenResults
from stages.tickets.report.published import PublishedTicket
from stages.tickets.report.rows import Kept
from stages.tickets.report.scores import VALIDATION, Run, Scores
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, mean, percent, points, signed

BERT_BASE = 85_524_480
"""Weights in the 73 matrices that the paper prunes: those of 12 layers, and the pooler."""
BERT_BASE_LAYERS = BERT_BASE - 768 * 768
"""Without the pooler."""
SINGLE, MOVED = "a single number", "their code moves whole layers, the text shuffles weights"
"""Marks of all cells of a setting, which the caption says once."""
LANGUAGE = "masked_accuracy"
"""The metric of masked language modelling alone."""
SETTINGS = {
    ("dense", ""): "dense",
    ("imp", ""): "IMP ticket",
    ("random", ""): runs.CONTROLS["random"],
    ("control", "reinitialised"): runs.CONTROLS["reinitialised"],
    ("control", "shuffled-layers"): "shuffled",
}


def same_encoder(layers: Sequence[Kept]) -> bool:
    """Whether the masks cover as many weights as those of the paper."""
    sizes: dict[tuple[str, int, int], int] = {}
    for one in layers:
        key = (one.task, one.seed, one.round)
        sizes[key] = sizes.get(key, 0) + one.size
    return bool(sizes) and set(sizes.values()) <= {BERT_BASE, BERT_BASE_LAYERS}


def same_task(task: str, published: Sequence[PublishedTicket], scores: Scores) -> bool:
    """Whether ours has the name of one of the paper's, and its metric among its own."""
    metric = next((one.metric for one in published if one.task == task), "")
    return bool(metric) and bool(scores.of(Run(task, "dense"), VALIDATION, metric))


def published_tickets_table(
    scores: Scores, layers: Sequence[Kept], published: Sequence[PublishedTicket], config: Config
) -> Table:
    """Table 2 of the paper, and under every task that is ours as well our runs at its sparsity."""
    caption = (
        "Table 2 of the paper, in points at the sparsity of its ticket: mean ± standard deviation over "
        "5 runs, or a single number; bert-base-uncased. Here: mean ± half the interval over seeds at "
        "the same sparsity, where the study has the paper's task, its metric and an encoder with as "
        "many prunable weights; of mlm without a verdict, as the paper's corpus was never published. "
        "Shuffled: here whole layers, as the paper's code does, while its text "
        "shuffles weights. In brackets whether ours agrees: undecided without an interval or with one "
        f"of more than {points(config.verdict.widest)} points each way; agrees, if at most "
        f"{points(config.verdict.margin)} points apart or if the paper's lies in our interval; else "
        "differs. Mark: what is doubtful of the paper's numbers."
    )
    tasks = list(dict.fromkeys(one.task for one in published))
    comparable = [
        task
        for task in tasks
        if same_encoder(layers) and task in config.tasks and same_task(task, published, scores)
    ]
    if not comparable:
        caption += f" Not run here: this study has {_others(tasks, layers, config)} of its own."
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for task in tasks:
        of_task = [one for one in published if one.task == task]
        by_setting = {(one.kind, one.source): one for one in of_task}
        marks = dict.fromkeys(
            mark
            for one in of_task
            for mark in one.mark.split("; ")
            if mark and mark not in (SINGLE, MOVED)
        )
        sparsity = percent(of_task[0].sparsity)
        paper = (_paper(by_setting[setting]) for setting in SETTINGS)
        rows.append((task, "paper", sparsity, *paper, "; ".join(marks) or NONE))
        ours = [
            _beside(by_setting[setting], task in comparable, scores, config) for setting in SETTINGS
        ]
        if task in comparable:
            rows.append((task, "here", sparsity, *(cell for cell, _ in ours), NONE))
        records += [record for _, record in ours]
    header = ("task", "from", "sparsity", *SETTINGS.values(), "mark")
    return Table("tickets_published", caption, header, tuple(rows), tuple(records))


def _others(tasks: Sequence[str], layers: Sequence[Kept], config: Config) -> str:
    """What keeps the whole study from standing beside the paper."""
    if not set(tasks) & set(config.tasks):
        return "tasks"
    return "metrics" if same_encoder(layers) else "an encoder"


def _paper(one: PublishedTicket) -> str:
    return points(one.mean) if one.std is None else f"{points(one.mean)} ± {points(one.std)}"


def _beside(
    one: PublishedTicket, comparable: bool, scores: Scores, config: Config
) -> tuple[str, Record]:
    """Our cell under a published one, and the row of both in csv."""
    rounds = {round(sparsity, 6): number for number, sparsity in runs.sparsities(config).items()}
    number = 0 if one.kind == "dense" else rounds.get(round(one.sparsity, 6))
    found = None
    if comparable and number is not None:
        run = Run(one.task, one.kind, number, one.source)
        found = scores.summary(run, config.tickets.confidence, VALIDATION, one.metric)
    if found and one.metric == LANGUAGE:
        said = "no verdict: another corpus"
    elif found:
        said = same_score(one.mean, found, config.verdict)
    elif not comparable:
        said = "not run: another task, metric or encoder"
    elif number is None:
        said = f"not run: rounds have no {percent(one.sparsity)}"
    else:
        said = runs.why_no_control(one.source or one.kind, config)
    record: Record = {
        "task": one.task, "kind": one.kind, "source": one.source, "sparsity": one.sparsity,
        "metric": one.metric, "paper_mean": one.mean, "paper_std": one.std,
        **numbers(found, "here_"), "verdict": said, "mark": one.mark,
    }  # fmt: skip
    return (f"{mean(found)} ({said})" if found else said), record


def published_transfer_table(published: ChenResults, config: Config) -> Table:
    """Figure 2 of the paper, and its counts as printed and as they follow from its cells."""
    margin = config.tickets.transfer_margin
    caption = (
        "Figure 2 of the paper: masks of 70 % sparsity found on the row's task and trained on the "
        "column's, minus the column's dense score, in points, bert-base-uncased. * at least "
        "the column's own mask. As good as own: on how many other tasks, as printed, and as the cells, "
        f"which are rounded, say; within {points(margin)}: at most so many points below. Means over "
        "other tasks, computed here: of row − own, which are not the same tasks for all rows; and, to "
        "compare rows, of row − column, minus the mean of the tasks' masks (but the column's own) in "
        "the same column."
    )
    cells = {(one.source, one.target): one.difference for one in published.transfers}
    from_own = transfers.published_from_own(published.transfers)
    reached = {place for place, found in from_own.items() if found >= -transfers.ROUNDING}
    targets = list(dict.fromkeys(one.target for one in published.transfers))
    marks = {one.target: one.mark for one in published.transfers if one.source == one.target}
    of_columns = [f" Of column {task}: {mark}." for task, mark in marks.items() if mark]
    tasks = [row.source for row in published.dark if row.source not in runs.SOURCES]
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for row in published.dark:
        count, total = transfers.published_reached(row.source, published.transfers)
        near, _ = transfers.published_reached(row.source, published.transfers, margin)
        average = transfers.published_mean(row.source, published.transfers)
        shown = (
            signed(cells[row.source, target])
            + ("*" if row.source != target and (row.source, target) in reached else "")
            for target in targets
        )
        centred = transfers.centred(row.source, cells, tasks) or 0.0
        rows.append(
            (
                runs.source_name(row.source),
                *shown,
                f"{row.dark} of {total}",
                f"{count} of {total}",
                f"{near} of {total}",
                signed(average),
                signed(centred),
                row.mark or NONE,
            )
        )
        records.append(
            {
                "source": row.source,
                **{target: cells[row.source, target] for target in targets},
                "dark_printed": row.dark, "dark_by_cells": count, "within_margin": near,
                "others": total, "mean_minus_own": average, "mean_minus_column": centred,
                "mark": row.mark,
            }
        )  # fmt: skip
    header = (
        "mask of", *targets, "as good as own, printed", "by the cells", f"within {points(margin)}",
        "mean − own", "mean − column", "mark",
    )  # fmt: skip
    caption += "".join(of_columns)
    return Table("transfer_published", caption, header, tuple(rows), tuple(records))
