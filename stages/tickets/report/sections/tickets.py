"""Do matching tickets exist: the sparsest ticket of every task, by rule and by split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, shared, words
from stages.tickets.report.names import (
    control_kinds,
    control_name,
    control_run,
    sparsities,
    why_no_control,
)
from stages.tickets.report.papers import tickets as statements
from stages.tickets.report.papers.tables import published_tickets_table, rules_table
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.tickets import SPLITS, Ticket, Tickets, find_by_rule, rule_name
from stages.tickets.report.words import NONE, NOT_RUN, count
from stages.tickets.settings import Study
from stages.tickets.statistics.intervals import Difference, Summary

SHOWN = ("random", "reinitialised", "shuffled-layers", "one-shot")
"""Controls beside a ticket: those of the paper's Table 2, and the mask of its Figure 2."""


@dataclass(frozen=True)
class TaskTickets:
    """A task's ticket beside its controls, and the ticket that is chosen as in the paper."""

    chosen: Ticket
    """On the selection split."""
    on_validation: Ticket
    controls: Mapping[str, tuple[Summary | None, int]]
    """Score and number of collapsed runs of the controls of its size."""
    gain: Difference | None
    """Ticket minus random mask."""

    @property
    def flags(self) -> str:
        """What is doubtful of the ticket."""
        alone = self.chosen.round and not any(score for score, _ in self.controls.values())
        lacking = (f"no control at {self.chosen.at}",) if alone else ()
        return "; ".join((*self.chosen.flags, *lacking))

    def nothing(self) -> str:
        """What stands for a score that is not there."""
        return NONE if self.chosen.round is None else NOT_RUN


def section(results: Results, study: Study) -> Section:
    """The sparsest matching ticket of every task, and whether it is a winning one."""
    tickets = find_by_rule(results.scores, study)
    chosen, as_in_paper = (tickets[study.tickets.rule, split] for split in SPLITS)
    return Section(
        "tickets",
        "Do matching tickets exist?",
        "How many weights can iterative magnitude pruning (IMP) drop before the subnetwork, "
        "trained alone from the rewound weights, scores worse than the dense model?",
        "Chen et al. 2020, Table 2; the strict rule is in the supplement.",
        answer(chosen, study),
        stages=(*statements.STAGES, "random", "controls"),
        tables=(
            tickets_table(beside_controls(tickets, results, study), results, study),
            rules_table(tickets, results, study),
            published_tickets_table(results, study),
        ),
        claims=(
            statements.tickets_exist(VALIDATION, as_in_paper, results, study),
            statements.tickets_exist(SELECTION, chosen, results, study),
        ),
    )


def beside_controls(tickets: Tickets, results: Results, study: Study) -> list[TaskTickets]:
    """The tickets of the study's rule, each with the controls of its size."""
    scores, confidence, rule = results.scores, study.tickets.confidence, study.tickets.rule
    rows = []
    for chosen, on_validation in zip(*(tickets[rule, split] for split in SPLITS), strict=True):
        controls: dict[str, tuple[Summary | None, int]] = dict.fromkeys(
            control_kinds(study), (None, 0)
        )
        gain = None
        if chosen.round:
            runs = {kind: control_run(chosen.task, kind, chosen.round) for kind in controls}
            controls = {
                kind: (scores.summary(run, confidence), scores.collapsed(run))
                for kind, run in runs.items()
            }
            ticket = Run(chosen.task, "imp", chosen.round)
            gain = scores.compare(ticket, runs["random"], confidence)
        rows.append(TaskTickets(chosen, on_validation, controls, gain))
    return rows


def answer(tickets: Sequence[Ticket], study: Study) -> str:
    """How many tasks have a ticket, at which sparsities, and how many match on validation too."""
    at = [ticket.sparsity for ticket in tickets if ticket.sparsity]
    if not at:
        return (
            f"None of {count(len(tickets), 'task')} has a matching ticket."
            if len(tickets) > 1
            else "The task has no matching ticket."
        )
    held = sum(ticket.matches for ticket in tickets)
    unsure = sum(ticket.round is not None and not ticket.sure for ticket in tickets)
    text = (
        f"{len(at)} of {count(len(tickets), 'task')} {'has' if len(at) == 1 else 'have'} a matching "
        f"ticket, at {shared.span(at)} sparsity, as chosen on the selection split. On the validation "
        f"split {held} of {len(at)} {'matches' if held == 1 else 'match'}."
    )
    if unsure:
        text += (
            f" {unsure} of the {len(at)} {'is' if unsure == 1 else 'are'} not surely above the majority "
            "class, or the dense model is not."
        )
    if study.tickets.rule != "one_std":
        text += f" To match: {rule_name(study.tickets.rule, study)}."
    if study.imp.rewind_to:
        return text + " They start from rewound weights, so none counts as a winning ticket."
    return text + " They start from the pre-trained weights: a matching ticket is a winning one."


def _control(kind: str) -> tuple[Column[TaskTickets], Column[TaskTickets]]:
    """The score of a control, and how many of its runs collapsed."""
    prefix = f"{kind.replace('-', '_')}_"
    return (
        columns.score(
            control_name(kind) if kind in SHOWN else "",
            lambda row: row.controls[kind][0],
            lambda row: row.controls[kind][1],
            prefix,
            TaskTickets.nothing,
            words.spread,
        ),
        columns.only_csv(f"{prefix}collapsed", lambda row: row.controls[kind][1]),
    )


def _sizes(row: TaskTickets) -> str:
    scores = (row.chosen.dense, row.chosen.score, *(score for score, _ in row.controls.values()))
    return ", ".join(sorted({str(score.n) for score in scores if score}))


def tickets_table(rows: Sequence[TaskTickets], results: Results, study: Study) -> Table:
    """The sparsest matching ticket of every task, beside dense and its controls."""
    caption = (
        f"The highest sparsity at which the mean ticket matches ({rule_name(study.tickets.rule, study)}),"
        " chosen on the selection split; beside it, as in the paper, chosen and reported on validation, "
        "the best of several on the split that reports it. Scores are mean ± standard deviation on "
        "validation, and controls have the size of the ticket chosen on selection. Not surely above "
        "majority: the interval, or of one seed the score, reaches down to it."
    )
    if len(study.seeds) == 1 and study.tickets.rule == "one_std":
        caption += " With one seed the standard deviation counts as 0."
    if study.earlier.rounds:
        caption += " Tickets before the last are trained apart from the rounds."
    for kind in control_kinds(study):
        runs = [
            control_run(row.chosen.task, kind, number)
            for row in rows
            for number in sparsities(study)
        ]
        if not results.scores.ran(runs):
            caption += f" {control_name(kind).capitalize()}: {why_no_control(kind, study)}."
    shown: Sequence[Column[TaskTickets]] = (
        columns.text("task", lambda row: row.chosen.task, "task"),
        Column(
            "metric",
            lambda row: words.metric_name(row.chosen.metric),
            {"metric": lambda row: row.chosen.metric},
        ),
        columns.only_csv("rule", lambda _: study.tickets.rule),
        Column(
            "sparsity", lambda row: row.chosen.at, {"sparsity": lambda row: row.chosen.sparsity}
        ),
        Column(
            "majority",
            lambda row: words.points(row.chosen.majority.mean) if row.chosen.majority else NONE,
            {"majority": lambda row: row.chosen.majority.mean if row.chosen.majority else None},
        ),
        columns.score(
            "dense",
            lambda row: row.chosen.dense,
            lambda row: row.chosen.dense_collapsed,
            "dense_",
            wording=words.spread,
        ),
        columns.score(
            "ticket",
            lambda row: row.chosen.score,
            lambda row: row.chosen.collapsed,
            "ticket_",
            TaskTickets.nothing,
            words.spread,
        ),
        *(column for kind in control_kinds(study) for column in _control(kind)),
        columns.difference(
            "ticket − dense",
            lambda row: row.chosen.loss,
            "ticket_minus_dense_",
            TaskTickets.nothing,
        ),
        columns.difference(
            "ticket − random", lambda row: row.gain, "ticket_minus_random_", TaskTickets.nothing
        ),
        Column(
            "sparsity on validation",
            lambda row: row.on_validation.at,
            {"sparsity_on_validation": lambda row: row.on_validation.sparsity},
        ),
        columns.score(
            "ticket on validation",
            lambda row: row.on_validation.score,
            lambda row: row.on_validation.collapsed,
            "ticket_on_validation_",
            NONE,
            words.spread,
        ),
        Column("n", _sizes),
        Column("flags", lambda row: row.flags or NONE, {"flags": lambda row: row.flags}),
    )
    return table("tickets", caption, rows, shown)
