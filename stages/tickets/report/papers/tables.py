"""Numbers that papers published, beside ours at the same place."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from stages.tickets.report import claim, columns, names, shared, words
from stages.tickets.report.names import sparsities
from stages.tickets.report.published import PublishedTicket
from stages.tickets.report.results import Results
from stages.tickets.report.scores import VALIDATION, Run
from stages.tickets.report.table import Column, Record, Table, numbers, table
from stages.tickets.report.tickets import Tickets, rule_name
from stages.tickets.report.words import NONE, percent, points
from stages.tickets.settings import Study
from stages.tickets.statistics import matching

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
    published = results.published_tickets
    tasks = list(dict.fromkeys(row.task for row in published))
    same_encoder = shared.same_encoder(results.layers)
    comparable = [
        task
        for task in tasks
        if same_encoder and task in study.tasks and _same_metric(task, results)
    ]
    rule = study.verdict
    caption = (
        "Table 2 of the paper, in points at the sparsity of its ticket: mean ± standard deviation over "
        "5 runs, or a single number; bert-base-uncased. Here: mean ± half the interval over seeds at "
        "the same sparsity, if the study has the paper's task, its metric and an encoder with as many "
        "prunable weights; in brackets whether ours agrees, that is at most "
        f"{points(rule.margin)} points apart or with the paper's in an interval of at most "
        f"{points(rule.widest)} points each way. Shuffled: here whole layers, as in the paper's code, "
        "while its text shuffles weights."
    )
    if not comparable:
        own = "an encoder" if not same_encoder else "metrics"
        own = own if set(tasks) & set(study.tasks) else "tasks"
        caption += f" Not run here: this study has {own} of its own."
    rows: list[Sequence[str]] = []
    records: list[Record] = []
    for task in tasks:
        by_setting = {(row.kind, row.source): row for row in published if row.task == task}
        cells = {
            setting: _beside(by_setting[setting], task in comparable, results, study)
            for setting in SETTINGS
        }
        at = percent(by_setting["imp", ""].sparsity)
        paper = [_published(by_setting[setting]) for setting in SETTINGS]
        rows.append((task, "paper", at, *paper, _marks(by_setting.values()) or NONE))
        if task in comparable:
            rows.append((task, "here", at, *(cell for cell, _ in cells.values()), NONE))
        records += [record for _, record in cells.values()]
    header = ("task", "from", "sparsity", *SETTINGS.values(), "mark")
    shown = [Column(name, itemgetter(place)) for place, name in enumerate(header)]
    return table("tickets_published", caption, rows, shown, long=records)


def _same_metric(task: str, results: Results) -> bool:
    """Whether our dense models have a score in the metric that the paper has of the task."""
    metric = next(row.metric for row in results.published_tickets if row.task == task)
    return bool(results.scores.of(Run(task, "dense"), VALIDATION, metric))


def _published(row: PublishedTicket) -> str:
    return points(row.mean) if row.std is None else f"{points(row.mean)} ± {points(row.std)}"


def _marks(rows: Iterable[PublishedTicket]) -> str:
    """The marks of a task, but those that the caption says once."""
    marks = dict.fromkeys(mark for row in rows for mark in row.mark.split("; "))
    return "; ".join(mark for mark in marks if mark and mark not in (SINGLE, MOVED))


def _beside(
    row: PublishedTicket, comparable: bool, results: Results, study: Study
) -> tuple[str, Record]:
    """Our cell under a published one, and the row of both in csv."""
    rounds = {round(sparsity, 6): number for number, sparsity in sparsities(study).items()}
    number = 0 if row.kind == "dense" else rounds.get(round(row.sparsity, 6))
    ours = None
    if comparable and number is not None:
        run = Run(row.task, row.kind, number, row.source)
        ours = results.scores.summary(run, study.tickets.confidence, VALIDATION, row.metric)
    if ours and row.metric == LANGUAGE:
        verdict = "no verdict: another corpus"
    elif ours:
        verdict = claim.same_score(row.mean, ours, study.verdict)
    elif not comparable:
        verdict = "not run: another task, metric or encoder"
    elif number is None:
        verdict = f"not run: rounds have no {percent(row.sparsity)}"
    else:
        verdict = names.why_no_control(row.source or row.kind, study)
    record: Record = {
        "task": row.task, "kind": row.kind, "source": row.source, "sparsity": row.sparsity,
        "metric": row.metric, "paper_mean": row.mean, "paper_std": row.std,
        **numbers(ours, "here_"), "verdict": verdict, "mark": row.mark,
    }  # fmt: skip
    return (f"{words.mean(ours)} ({verdict})" if ours else verdict), record


def rules_table(tickets: Tickets, results: Results, study: Study) -> Table:
    """The sparsity of the ticket by rule and by the split that it is chosen on, beside the paper's."""
    rules = " ".join(f"{rule}: {rule_name(rule, study)}." for rule in matching.RULES)
    caption = (
        "Highest sparsity with a matching ticket, by rule and by the split on which it is chosen. "
        f"{rules} Paper: one_std in Table 2, strict in the supplement, both chosen and reported on what "
        "is validation here, of bert-base-uncased. One seed has no interval, and thus no non_inferiority."
    )
    by_task = {
        (*choice, ticket.task): ticket for choice, listed in tickets.items() for ticket in listed
    }
    one_std = {row.task: row.sparsity for row in results.published_tickets}
    strict = {row.task: row.sparsity for row in results.published_strict}
    marks = {row.task: row.mark for row in results.published_strict}

    def choice(rule: str, split: str) -> Column[str]:
        return Column(
            f"{rule}, {split}",
            lambda task: by_task[rule, split, task].at,
            {f"{rule}_{split}": lambda task: by_task[rule, split, task].sparsity},
        )

    def paper(rule: str, published: Mapping[str, float]) -> Column[str]:
        return Column(
            f"paper, {rule}",
            lambda task: percent(published[task]) if task in published else NONE,
            {f"paper_{rule}": published.get},
        )

    shown: Sequence[Column[str]] = (
        columns.text("task", str, "task"),
        *(choice(rule, split) for rule, split in tickets),
        paper("one_std", one_std),
        paper("strict", strict),
        Column(
            "mark", lambda task: marks.get(task) or NONE, {"mark": lambda task: marks.get(task, "")}
        ),
    )
    return table("ticket_rules", caption, study.tasks, shown)
