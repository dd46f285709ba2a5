"""Do matching tickets exist: the sparsest ticket of every task, by rule and by split."""

from collections.abc import Iterable, Sequence

from stages.tickets.report import columns, names, table, tickets, words
from stages.tickets.report.papers import shared, tables
from stages.tickets.report.papers import tickets as statements
from stages.tickets.report.results import Results
from stages.tickets.report.scores import SELECTION, VALIDATION, Run
from stages.tickets.report.section import Section
from stages.tickets.report.table import Column, Row, Table
from stages.tickets.settings import Study

SHOWN = ("random", "reinitialised", "shuffled-layers", "one-shot")
"""Controls beside a ticket: those of the paper's Table 2, and the mask of its Figure 2."""


def section(results: Results, study: Study) -> Section:
    """Show the sparsest matching ticket of every task, and whether it is a winning one."""
    by_rule = tickets.find_by_rule(results.scores, study)
    chosen, as_in_paper = (by_rule[study.tickets.rule, split] for split in tickets.SPLITS)
    rows = [
        beside_controls(*pair, results, study) for pair in zip(chosen, as_in_paper, strict=True)
    ]
    return Section(
        "tickets",
        "Do matching tickets exist?",
        "How many weights can iterative magnitude pruning (IMP) drop before the subnetwork, "
        "trained alone from the rewound weights, scores worse than the dense model?",
        "Chen et al. 2020, Table 2; the strict rule is in the supplement.",
        answer(chosen, results, study),
        stages=(*statements.STAGES, "controls"),
        tables=(
            tickets_table(rows, results, study),
            tables.rules_table(by_rule, results, study),
            tables.published_tickets_table(results, study),
        ),
        claims=(
            statements.tickets_exist(VALIDATION, as_in_paper, results, study),
            statements.tickets_exist(SELECTION, chosen, results, study),
        ),
    )


def beside_controls(chosen: Row, on_validation: Row, results: Results, study: Study) -> Row:
    """Put the ticket of a task beside the controls of its size, and that chosen as in the paper."""
    number = chosen.round or 0  # of round 0 there is no control
    runs = {
        kind: names.control_run(chosen.task, kind, number) for kind in names.control_kinds(study)
    }
    scores = {kind: results.summary(run) for kind, run in runs.items()}
    alone = chosen.round and not any(scores.values())
    return Row(
        chosen=chosen,
        on_validation=on_validation,
        controls=scores,
        collapsed={kind: results.scores.collapsed(run) for kind, run in runs.items()},
        gain=results.compare(Run(chosen.task, "imp", number), runs["random"]),
        flags="; ".join((*chosen.flags, *([f"no control at {chosen.at}"] if alone else ()))),
        sizes=words.sizes((chosen.dense, chosen.score, *scores.values())),
    )


def answer(tickets: Sequence[Row], results: Results, study: Study) -> str:
    """Tell how many tasks have a ticket, at which sparsities, and whether tickets are winning ones."""
    tickets = [ticket for ticket in tickets if ticket.task in results.usable(study.tasks)]
    at = [ticket.sparsity for ticket in tickets if ticket.sparsity]
    if not at:
        return shared.naming("No task has a matching ticket.", results)
    held = sum(ticket.matches for ticket in tickets)
    unsure = sum(ticket.round is not None and not ticket.sure for ticket in tickets)
    doubt = (
        f", and {unsure} not above the majority class by its interval or collapsed"
        if unsure
        else ""
    )
    start = "the pre-trained weights: a matching ticket is a winning one"
    if study.imp.rewind_to:
        start = "rewound weights, so none counts as a winning ticket"
    text = (
        f"Tasks with a matching ticket: {len(at)} of {len(tickets)} (n={len(study.seeds)}) by the "
        f"selection split, at {words.ends(at, words.percent)} sparsity, of these {held} by the "
        f"validation split too{doubt}. They start from {start}."
    )
    return shared.naming(text, results)


def _nothing(row: Row) -> str:
    """Return what stands for a score that is not there."""
    return words.NONE if row.chosen.round is None else words.NOT_RUN


def _controls(study: Study) -> Iterable[Column]:
    """Show the score of every control; csv has how many of its runs collapsed, too."""
    for kind in names.control_kinds(study):
        header = names.control_name(kind) if kind in SHOWN else ""
        of, prefix = f"collapsed.{kind}", f"{kind.replace('-', '_')}_"
        yield columns.score(header, f"controls.{kind}", of, prefix, _nothing, words.spread)
        yield columns.only_csv(f"{prefix}collapsed", of)


def tickets_table(rows: Sequence[Row], results: Results, study: Study) -> Table:
    """List the sparsest matching ticket of every task, beside dense and its controls."""
    rule = tickets.rule_name(study.tickets.rule, study)
    caption = (
        f"The highest sparsity at which the mean ticket matches ({rule}), chosen on the selection split; "
        "beside it, as in the paper, chosen and reported on validation. Scores are mean ± standard "
        "deviation on validation, of controls of the size of the ticket chosen on selection; a score is "
        "not above the majority if the interval of the difference reaches down to it; from one seed the "
        "interval is that of the examples."
    )
    every = [(task, number) for task in study.tasks for number in names.sparsities(study)]
    absent = [
        f"{names.control_name(kind)}: {names.why_no_control(kind, study)}"
        for kind in names.control_kinds(study)
        if not results.scores.ran([names.control_run(task, kind, number) for task, number in every])
    ]
    if absent:
        caption += f" Controls that did not run: {'; '.join(absent)}."
    spread = words.spread
    shown = (
        columns.named("task", "chosen.task"),
        columns.named("metric", "chosen.metric", words.metric_name),
        columns.only_csv("rule", lambda _: study.tickets.rule),
        columns.text("sparsity", "chosen.at"),
        columns.value("chosen.sparsity"),
        columns.number("majority", "chosen.majority.mean", words.points, "majority"),
        columns.score("dense", "chosen.dense", "chosen.dense_collapsed", "dense_", wording=spread),
        columns.score(
            "ticket", "chosen.score", "chosen.collapsed", "ticket_", _nothing, spread
        ),
        *_controls(study),
        columns.difference("ticket − dense", "chosen.loss", "ticket_minus_dense_", _nothing),
        columns.difference("ticket − random", "gain", "ticket_minus_random_", _nothing),
        columns.text("sparsity on validation", "on_validation.at"),
        columns.only_csv("sparsity_on_validation", "on_validation.sparsity"),
        columns.score(
            "ticket on validation", "on_validation.score", "on_validation.collapsed",
            "ticket_on_validation_", words.NONE, spread,
        ),
        columns.text("n", "sizes"),
        columns.remark("flags", "flags"),
    )  # fmt: skip
    return table.table("tickets", caption, rows, shown)
