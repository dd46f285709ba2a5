"""Numbers that papers published, beside ours at the same place."""

from collections.abc import Sequence
from dataclasses import replace

from stages.tickets.report import claim, columns, names, transfers, words
from stages.tickets.report.names import sparsities
from stages.tickets.report.papers import shared
from stages.tickets.report.published import PublishedTicket
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run
from stages.tickets.report.table import Record, Table, numbers, table
from stages.tickets.report.tickets import Tickets, rule_name
from stages.tickets.report.words import NONE, percent, points, signed
from stages.tickets.settings import Study
from stages.tickets.statistics import matching
from stages.tickets.statistics.intervals import Summary

SINGLE, MOVED = "a single number", "their code moves whole layers, the text shuffles weights"
"""Marks of all cells of a setting, which the caption says once."""
LANGUAGE = "masked_accuracy"
"""The metric of masked language modelling alone."""
SETTINGS = {
    ("dense", ""): "dense",
    ("imp", ""): "IMP ticket",
    ("random", ""): names.CONTROLS["random"],
    ("control", "reinitialised"): names.CONTROLS["reinitialised"],
    ("control", "shuffled-layers"): "shuffled",
}


def published_tickets_table(results: Results, study: Study) -> Table:
    """Table 2 of Chen et al. 2020, and under every task that is ours as well our runs at its sparsity."""
    published, rule = results.published_tickets, study.verdict
    metrics = {row.task: row.metric for row in published}
    same_encoder = shared.same_encoder(results.layers)
    comparable = [
        task
        for task, metric in metrics.items()
        if same_encoder
        and task in study.tasks
        and results.scores.of(Run(task, "dense"), VALIDATION, metric)
    ]
    caption = (
        "Table 2 of the paper at the sparsity of its ticket, bert-base-uncased: mean ± standard "
        "deviation over 5 runs, or a single number. Here: mean ± half the interval, if the study has the "
        "paper's task, metric and number of prunable weights; ours agrees if it is at most "
        f"{points(rule.margin)} points apart or the paper's is in an interval of at most "
        f"{points(rule.widest)} points each way. Shuffled: here whole layers, as in the paper's code, "
        "while its text shuffles weights"
    )
    if not comparable:
        own = "an encoder" if not same_encoder else "metrics"
        own = own if metrics.keys() & set(study.tasks) else "tasks"
        caption += f"; nothing ran here, as this study has {own} of its own"
    rows: list[Sequence[str]] = []
    records: list[Record] = []
    for task in metrics:
        by_setting = {(row.kind, row.source): row for row in published if row.task == task}
        paper = [by_setting[setting] for setting in SETTINGS]
        at = percent(by_setting["imp", ""].sparsity)
        ours = [_ours(row, task in comparable, results, study) for row in paper]
        rows.append((task, "paper", at, *map(_published, paper), _marks(paper) or NONE))
        if task in comparable:
            shown = (
                f"{words.mean(score)} ({verdict})" if score else verdict for score, verdict in ours
            )
            rows.append((task, "here", at, *shown, NONE))
        records += [
            {
                "task": task, "kind": row.kind, "source": row.source, "sparsity": row.sparsity,
                "metric": row.metric, "paper_mean": row.mean, "paper_std": row.std,
                **numbers(score, "here_"), "verdict": verdict, "mark": row.mark,
            }
            for row, (score, verdict) in zip(paper, ours, strict=True)
        ]  # fmt: skip
    header = columns.of_cells(("task", "from", "sparsity", *SETTINGS.values(), "mark"))
    return table("tickets_published", f"{caption}.", rows, header, long=records)


def _published(row: PublishedTicket) -> str:
    return points(row.mean) if row.std is None else f"{points(row.mean)} ± {points(row.std)}"


def _marks(rows: Sequence[PublishedTicket]) -> str:
    """The marks of a task, but those that the caption says once."""
    marks = dict.fromkeys(mark for row in rows for mark in row.mark.split("; "))
    return "; ".join(mark for mark in marks if mark and mark not in (SINGLE, MOVED))


def _ours(
    row: PublishedTicket, comparable: bool, results: Results, study: Study
) -> tuple[Summary | None, str]:
    """Our score at the place of a published one, and whether they agree or why nothing is compared."""
    rounds = {round(sparsity, 6): number for number, sparsity in sparsities(study).items()}
    number = 0 if row.kind == "dense" else rounds.get(round(row.sparsity, 6))
    if not comparable:
        return None, "not run: another task, metric or encoder"
    if number is None:
        return None, f"not run: rounds have no {percent(row.sparsity)}"
    run = Run(row.task, row.kind, number, row.source)
    ours = results.scores.summary(run, study.tickets.confidence, VALIDATION, row.metric)
    if ours is None:
        return None, names.why_no_control(row.source or row.kind, study)
    other_corpus = row.metric == LANGUAGE
    verdict = claim.same_score(row.mean, ours, study.verdict)
    return ours, "no verdict: another corpus" if other_corpus else verdict


def rules_table(tickets: Tickets, results: Results, study: Study) -> Table:
    """The sparsity of the ticket by rule and by the split that it is chosen on, beside the paper's."""
    rules = "; ".join(f"{rule}: {rule_name(rule, study)}" for rule in matching.RULES)
    caption = (
        f"Highest sparsity with a matching ticket, by rule and by the split that chooses it ({rules}). "
        "Paper: one_std in Table 2, strict in the supplement, both chosen and reported on what is "
        "validation here, of bert-base-uncased. The standard deviation of one seed counts as 0, and it "
        "has no interval, and thus no non_inferiority."
    )
    one_std = {row.task: row.sparsity for row in results.published_tickets}
    strict = {row.task: row for row in results.published_strict}
    rows: list[Sequence[str]] = []
    records: list[Record] = []
    for place, task in enumerate(study.tasks):
        ours = {choice: listed[place] for choice, listed in tickets.items()}
        known = strict.get(task)
        paper = {"one_std": one_std.get(task), "strict": known.sparsity if known else None}
        mark = known.mark if known else ""
        at = (NONE if share is None else percent(share) for share in paper.values())
        rows.append((task, *(ticket.at for ticket in ours.values()), *at, mark or NONE))
        records.append(
            {
                "task": task,
                **{f"{rule}_{split}": ticket.sparsity for (rule, split), ticket in ours.items()},
                **{f"paper_{rule}": share for rule, share in paper.items()},
                "mark": mark,
            }
        )
    choices = [f"{rule}, {split}" for rule, split in tickets]
    header = columns.of_cells(("task", *choices, "paper, one_std", "paper, strict", "mark"))
    return table("ticket_rules", caption, rows, header, long=records)


def published_transfer_table(results: Results, study: Study) -> Table:
    """Figure 2 of Chen et al. 2020, and its counts as printed and as they follow from its cells."""
    margin, published = study.tickets.transfer_margin, results.published_transfers
    marked = (row for row in published if row.source == row.target and row.mark)
    doubts = "".join(f"; of column {row.target} {row.mark}" for row in marked)
    caption = (
        "Figure 2 of the paper, bert-base-uncased: masks of 70 % sparsity found on the row's task and "
        "trained on the column's, minus the column's dense score; * at least the column's own mask"
        f"{doubts}. As good as own: on how many other tasks, as printed and by the rounded cells; within "
        f"{points(margin)}: at most so many points below. Means over other tasks are computed here: of "
        "row − own, and, to compare rows, of row minus the mean of the tasks' masks (but the column's "
        "own) in the same column."
    )
    dense, own = transfers.published_from_dense(published), transfers.published_from_own(published)
    tasks = transfers.published_tasks(results)
    targets = list(dict.fromkeys(row.target for row in published))
    rows: list[Sequence[str]] = []
    records: list[Record] = []
    for row in results.published_dark:
        source = row.source
        near, others = transfers.served(source, own, margin)
        counts = {
            "dark_printed": row.dark,
            "dark_by_cells": transfers.served(source, own)[0],
            "within_margin": near,
        }
        means = {
            "mean_minus_own": transfers.mean_over_others(source, own),
            "mean_minus_column": transfers.centred(source, dense, tasks) or 0.0,
        }
        cells = [
            signed(dense[source, target])
            + "*" * (source != target and transfers.serves(own[source, target]))
            for target in targets
        ]
        of_others = [f"{number} of {others}" for number in counts.values()]
        shown = (*cells, *of_others, *map(signed, means.values()))
        rows.append((names.source_name(source), *shown, row.mark or NONE))
        levels = {target: dense[source, target] for target in targets}
        records.append(
            {"source": source, **levels, **counts, "others": others, **means, "mark": row.mark}
        )
    counted = ("as good as own, printed", "by the cells", f"within {points(margin)}")
    header = ("mask of", *targets, *counted, "mean − own", "mean − column", "mark")
    made = table("transfer_published", caption, rows, columns.of_cells(header), long=records)
    return replace(made, of_papers=True)
