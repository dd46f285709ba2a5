"""Numbers that papers published, beside ours at the same place."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stages.tickets.report import names, table, transfers, words
from stages.tickets.report.claim import NO_EVIDENCE, agreement
from stages.tickets.report.papers import shared
from stages.tickets.report.published import PublishedTicket
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.tickets import Tickets, rule_name
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals, matching
from stages.tickets.statistics.intervals import Summary

SINGLE, MOVED = "a single number", "their code moves whole layers, the text shuffles weights"
"""Marks of all cells of a setting, which the caption says once."""
RUNS = 5
"""Runs of the paper behind a standard deviation."""
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
    """List Table 2 of Chen et al. 2020, and under every task that is ours our runs at its sparsity."""
    published = results.published_tickets
    metrics = {row.task: row.metric for row in published}
    same_encoder = shared.same_encoder(results)
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
        "paper's task, metric and encoder; ours agrees if all of the interval of ours minus the paper's "
        "is within the margin of the metric. Shuffled: here whole layers, as in the paper's code, while "
        "its text shuffles weights"
    )
    if not comparable:
        own = "an encoder" if not same_encoder else "metrics"
        own = own if metrics.keys() & set(study.tasks) else "tasks"
        caption += f"; nothing ran here, as this study has {own} of its own"
    lines: list[Sequence[str]] = []
    records: list[Record] = []
    for task in metrics:
        by_setting = {(row.kind, row.source): row for row in published if row.task == task}
        paper = [by_setting[setting] for setting in SETTINGS]
        at = words.percent(by_setting["imp", ""].sparsity)
        ours = [_ours(row, task in comparable, results, study) for row in paper]
        cells = (words.points_and_std(row.mean, row.std) for row in paper)
        lines.append((task, "paper", at, *cells, _marks(paper) or words.NONE))
        if task in comparable:
            cells = (f"{words.mean(score)} ({why})" if score else why for score, why in ours)
            lines.append((task, "here", at, *cells, words.NONE))
        records += [
            {
                "task": task, "kind": row.kind, "source": row.source, "sparsity": row.sparsity,
                "metric": row.metric, "paper_mean": row.mean, "paper_std": row.std,
                **numbers(score, "here_"), "verdict": verdict, "mark": row.mark,
            }
            for row, (score, verdict) in zip(paper, ours, strict=True)
        ]  # fmt: skip
    header = ("task", "from", "sparsity", *SETTINGS.values(), "mark")
    return table.of_cells("tickets_published", f"{caption}.", header, lines, records)


def _marks(rows: Iterable[PublishedTicket]) -> str:
    """Join the marks of a task, but those that the caption says once."""
    marks = dict.fromkeys(mark for row in rows for mark in row.mark.split("; "))
    return "; ".join(mark for mark in marks if mark and mark not in (SINGLE, MOVED))


def _ours(
    row: PublishedTicket, comparable: bool, results: Results, study: Study
) -> tuple[Summary | None, str]:
    """Return our score at a published place, and whether they agree or why nothing is compared."""
    number = 0 if row.kind == "dense" else names.round_at(row.sparsity, study)
    if not comparable:
        return None, "not run: another task, metric or encoder"
    if number is None:
        return None, f"not run: rounds have no {words.percent(row.sparsity)}"
    ours = results.summary(Run(row.task, row.kind, number, row.source), VALIDATION, row.metric)
    if ours is None:
        return None, names.why_no_control(row.source or row.kind, study)
    if row.metric == LANGUAGE:
        return ours, "no verdict: another corpus"
    if row.task in results.no_evidence:
        return ours, NO_EVIDENCE
    sure = intervals.beside(ours, row.std, RUNS, study.tickets.confidence)
    return ours, agreement([(sure, row.mean, shared.margin(row.task, results))])


def rules_table(tickets: Tickets, results: Results, study: Study) -> Table:
    """List the sparsity of the ticket by rule and by the split that it is chosen on."""
    rules = "; ".join(f"{rule}: {rule_name(rule, study)}" for rule in matching.RULES)
    caption = (
        f"Highest sparsity with a matching ticket, by rule and by the split that chooses it ({rules}). "
        "Paper: one_std in Table 2, strict in the supplement, both chosen and reported on what is "
        "validation here, of bert-base-uncased. The standard deviation of one seed counts as 0, and it "
        "has no interval, and thus no non_inferiority."
    )
    one_std = {row.task: row.sparsity for row in results.published_tickets}
    strict = {row.task: row for row in results.published_strict}
    lines: list[Sequence[str]] = []
    records: list[Record] = []
    for task, *ours in zip(study.tasks, *tickets.values(), strict=True):
        known = strict.get(task)
        paper = {"one_std": one_std.get(task), "strict": known.sparsity if known else None}
        mark = known.mark if known else ""
        at = (words.NONE if share is None else words.percent(share) for share in paper.values())
        lines.append((task, *(ticket.at for ticket in ours), *at, mark or words.NONE))
        own = {
            f"{rule}_{split}": ticket.sparsity
            for (rule, split), ticket in zip(tickets, ours, strict=True)
        }
        papers = {f"paper_{rule}": share for rule, share in paper.items()}
        records.append({"task": task, **own, **papers, "mark": mark})
    choices = (f"{rule}, {split}" for rule, split in tickets)
    header = ("task", *choices, "paper, one_std", "paper, strict", "mark")
    return table.of_cells("ticket_rules", caption, header, lines, records)


def published_transfer_table(results: Results, study: Study) -> Table:
    """List Figure 2 of Chen et al. 2020, and its counts as printed and as they follow from its cells."""
    margin, published = study.tickets.transfer_margin, results.published_transfers
    marked = (row for row in published if row.source == row.target and row.mark)
    doubts = "".join(f"; of column {row.target} {row.mark}" for row in marked)
    caption = (
        "Figure 2 of the paper, bert-base-uncased: masks of 70 % sparsity found on the row's task and "
        "trained on the column's, minus the column's dense score; * at least the column's own mask"
        f"{doubts}. As good as own: on how many other tasks, as printed and by the rounded cells; within "
        f"{words.points(margin)}: at most so many points below. Mean rank: among the tasks' masks on "
        "the same other task, from −1 to 1, mean over the other tasks but WNLI, whose full model is "
        "below the majority class; there is no mean of accuracy, F1, Matthews and Pearson."
    )
    dense, own = transfers.published_from_dense(published), transfers.published_from_own(published)
    tasks = transfers.published_tasks(results)
    targets = list(dict.fromkeys(row.target for row in published))
    usable = {place: level for place, level in dense.items() if place[1] in shared.usable(targets)}
    ranks = transfers.mean_ranks(usable, tasks)
    lines: list[Sequence[str]] = []
    records: list[Record] = []
    for row in results.published_dark:
        source = row.source
        near, others = transfers.served(source, own, margin)
        counts = {
            "dark_printed": row.dark,
            "dark_by_cells": transfers.served(source, own)[0],
            "within_margin": near,
        }
        cells = (
            words.signed(dense[source, target])
            + "*" * (source != target and transfers.serves(own[source, target]))
            for target in targets
        )
        of_others = (f"{number} of {others}" for number in counts.values())
        rank = ranks.get(source)
        shown = (*cells, *of_others, words.NONE if rank is None else words.two_digits(rank))
        lines.append((names.source_name(source), *shown, row.mark or words.NONE))
        levels = {target: dense[source, target] for target in targets}
        records.append(
            {"source": source, **levels, **counts, "others": others, "rank": rank, "mark": row.mark}
        )
    counted = ("as good as own, printed", "by the cells", f"within {words.points(margin)}")
    header = ("mask of", *targets, *counted, "mean rank", "mark")
    made = table.of_cells("transfer_published", caption, header, lines, records)
    return replace(made, of_papers=True)
