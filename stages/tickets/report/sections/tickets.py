"""Do matching tickets exist: the sparsest ticket of every task, by rule and by split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.tickets.report import columns, words
from stages.tickets.report.names import (
    control_kinds,
    control_name,
    control_run,
    sparsities,
    why_no_control,
)
from stages.tickets.report.papers import shared
from stages.tickets.report.papers import tickets as statements
from stages.tickets.report.papers.tables import published_tickets_table, rules_table
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Table, table
from stages.tickets.report.tickets import SPLITS, Ticket, Tickets, find_by_rule, rule_name
from stages.tickets.report.words import NONE, NOT_RUN
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
        return "; ".join(
            (*self.chosen.flags, *([f"no control at {self.chosen.at}"] if alone else ()))
        )

    @property
    def sizes(self) -> str:
        """How many seeds the scores are of."""
        controls = (score for score, _ in self.controls.values())
        return words.sizes((self.chosen.dense, self.chosen.score, *controls))

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
        stages=(*statements.STAGES, "controls"),
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
        number = chosen.round or 0  # of round 0 there is no control
        runs = {kind: control_run(chosen.task, kind, number) for kind in control_kinds(study)}
        controls = {
            kind: (scores.summary(run, confidence), scores.collapsed(run))
            for kind, run in runs.items()
        }
        gain = scores.compare(Run(chosen.task, "imp", number), runs["random"], confidence)
        rows.append(TaskTickets(chosen, on_validation, controls, gain))
    return rows


def answer(tickets: Sequence[Ticket], study: Study) -> str:
    """How many tasks have a ticket, at which sparsities, and whether tickets are winning ones."""
    at = [ticket.sparsity for ticket in tickets if ticket.sparsity]
    if not at:
        return "No task has a matching ticket."
    held = sum(ticket.matches for ticket in tickets)
    unsure = sum(ticket.round is not None and not ticket.sure for ticket in tickets)
    doubt = f", and {unsure} not surely above the majority class" if unsure else ""
    start = "the pre-trained weights: a matching ticket is a winning one"
    if study.imp.rewind_to:
        start = "rewound weights, so none counts as a winning ticket"
    return (
        f"Tasks with a matching ticket: {len(at)} of {len(tickets)} by the selection split, at "
        f"{shared.span(at)} sparsity, of these {held} by the validation split too{doubt}. "
        f"They start from {start}."
    )


def _control(kind: str) -> tuple[Column[TaskTickets], Column[TaskTickets]]:
    """The score of a control, and how many of its runs collapsed."""

    def collapsed(row: TaskTickets) -> int:
        return row.controls[kind][1]

    header = control_name(kind) if kind in SHOWN else ""
    prefix = f"{kind.replace('-', '_')}_"
    return (
        columns.score(
            header, lambda row: row.controls[kind][0], collapsed, prefix,
            TaskTickets.nothing, words.spread,
        ),
        columns.only_csv(f"{prefix}collapsed", collapsed),
    )  # fmt: skip


def tickets_table(rows: Sequence[TaskTickets], results: Results, study: Study) -> Table:
    """The sparsest matching ticket of every task, beside dense and its controls."""
    rule = rule_name(study.tickets.rule, study)
    caption = (
        f"The highest sparsity at which the mean ticket matches ({rule}), chosen on the selection split; "
        "beside it, as in the paper, chosen and reported on validation. Scores are mean ± standard "
        "deviation on validation, of controls of the size of the ticket chosen on selection; a score is "
        "not surely above the majority if its interval, or from one seed the score, reaches down to it."
    )
    every = [(task, number) for task in study.tasks for number in sparsities(study)]
    absent = [
        f"{control_name(kind)}: {why_no_control(kind, study)}"
        for kind in control_kinds(study)
        if not results.scores.ran([control_run(task, kind, number) for task, number in every])
    ]
    if absent:
        caption += f" Controls that did not run: {'; '.join(absent)}."
    nothing, deviation = TaskTickets.nothing, words.spread
    shown: Sequence[Column[TaskTickets]] = (
        columns.named("task", "chosen.task"),
        columns.named("metric", "chosen.metric", words.metric_name),
        columns.only_csv("rule", lambda _: study.tickets.rule),
        columns.text("sparsity", "chosen.at"),
        columns.value("chosen.sparsity"),
        columns.number("majority", "chosen.majority.mean", words.points, "majority"),
        columns.score(
            "dense", "chosen.dense", "chosen.dense_collapsed", "dense_", wording=deviation
        ),
        columns.score(
            "ticket", "chosen.score", "chosen.collapsed", "ticket_", nothing, deviation
        ),
        *(column for kind in control_kinds(study) for column in _control(kind)),
        columns.difference("ticket − dense", "chosen.loss", "ticket_minus_dense_", nothing),
        columns.difference("ticket − random", "gain", "ticket_minus_random_", nothing),
        columns.text("sparsity on validation", "on_validation.at"),
        columns.only_csv("sparsity_on_validation", "on_validation.sparsity"),
        columns.score(
            "ticket on validation", "on_validation.score", "on_validation.collapsed",
            "ticket_on_validation_", NONE, deviation,
        ),
        columns.text("n", "sizes"),
        columns.remark("flags", "flags"),
    )  # fmt: skip
    return table("tickets", caption, rows, shown)
