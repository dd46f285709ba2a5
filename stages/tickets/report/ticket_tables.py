"""The tables of tickets: the sparsest that match, and at which sparsity by which rule."""

from collections.abc import Sequence

from stages.tickets.report import findings
from stages.tickets.report import names as runs
from stages.tickets.report import scores as scored
from stages.tickets.report.findings import Ticket
from stages.tickets.report.names import (
    Config,
    control_kinds,
    control_name,
    interval_name,
    sparsities,
)
from stages.tickets.report.published import PublishedStrict, PublishedTicket
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.table import Record, Table, Value, numbers
from stages.tickets.report.words import (
    DAGGER,
    NONE,
    NOT_RUN,
    difference,
    marked,
    metric_name,
    percent,
    points,
    spread,
)
from stages.tickets.statistics import matching

SHOWN = ("random", "reinitialised", "shuffled-layers", "one-shot")
"""Controls beside a ticket: those of the paper's Table 2, and the mask of its Figure 2."""
SPLITS = (scored.SELECTION, scored.VALIDATION)


def rule_name(config: Config, rule: str = "") -> str:
    """What the rule asks of the mean ticket."""
    words = matching.RULES[rule or config.tickets.rule]
    return words.replace("margin", f"{points(config.tickets.margin)} points")


def sparsity_name(found: Ticket, config: Config) -> str:
    return percent(sparsities(config)[found.round]) if found.round else "none"


def ticket_cell(found: Ticket, scores: Scores) -> str:
    """The score of the ticket, with a dagger if a run of it collapsed."""
    run = Run(found.task, "imp", found.round or 0)
    return marked(spread(found.ticket), scores.collapsed(run))


def tickets_table(scores: Scores, config: Config) -> Table:
    """The sparsest matching ticket of every task, beside dense and its controls."""
    kinds = control_kinds(config)
    caption = (
        f"The highest sparsity at which the mean ticket matches ({rule_name(config)}), chosen on the "
        "selection split and reported on the validation split; beside it, as in the paper, chosen and "
        "reported on validation, the best of several on the split that reports it. Points; mean ± "
        "standard deviation over n seeds; differences are paired by seed, with the "
        f"{interval_name(config)}. Controls have the size of the ticket chosen on selection; the others, "
        "and other sizes, are in the table of controls and in the csv file. "
        f"{DAGGER}. Not surely above majority: the interval, or "
        "of one seed the score, reaches down to it."
    )
    if len(config.seeds) == 1 and config.tickets.rule == "one_std":
        caption += " With one seed the standard deviation counts as 0."
    if config.earlier.rounds:
        caption += " Tickets before the last are trained apart from the rounds."
    for kind in kinds:
        if not any(scores.of(runs.control_run(task, kind, at)) for task in config.tasks
                   for at in sparsities(config)):  # fmt: skip
            caption += f" {control_name(kind).capitalize()}: {runs.why_no_control(kind, config)}."
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    both = zip(*(findings.find_tickets(scores, config, split) for split in SPLITS), strict=True)
    for found, theirs in both:
        nothing = NONE if found.round is None else NOT_RUN
        of = {
            kind: runs.control_run(found.task, kind, found.round) if found.round else None
            for kind in kinds
        }
        controls = {
            kind: scores.summary(run, config.tickets.confidence) if run else None
            for kind, run in of.items()
        }
        collapsed = {kind: scores.collapsed(run) if run else 0 for kind, run in of.items()}
        gain = findings.gain(found.task, found.round, scores, config) if found.round else None
        flags = [*found.flags]
        if found.round and kinds and not any(controls.values()):
            flags.append(f"no control at {sparsity_name(found, config)}")
        sizes = sorted(
            {str(one.n) for one in (found.dense, found.ticket, *controls.values()) if one}
        )
        rows.append(
            (
                found.task,
                metric_name(found.metric),
                sparsity_name(found, config),
                NONE if found.majority is None else points(found.majority.mean),
                marked(spread(found.dense), scores.collapsed(Run(found.task, "dense"))),
                ticket_cell(found, scores) if found.ticket else nothing,
                *(
                    marked(spread(one), collapsed[kind]) if one else nothing
                    for kind, one in controls.items()
                    if kind in SHOWN
                ),
                difference(found.loss) if found.loss else nothing,
                difference(gain) if gain else nothing,
                sparsity_name(theirs, config),
                ticket_cell(theirs, scores) if theirs.ticket else NONE,
                ", ".join(sizes),
                "; ".join(flags) or NONE,
            )
        )
        record: dict[str, Value] = {
            "task": found.task,
            "metric": found.metric,
            "rule": config.tickets.rule,
            "sparsity": sparsities(config)[found.round] if found.round else None,
            "majority": None if found.majority is None else found.majority.mean,
            **numbers(found.dense, "dense_"),
            **numbers(found.ticket, "ticket_"),
        }
        for kind, one in controls.items():
            prefix = f"{kind.replace('-', '_')}_"
            record |= {**numbers(one, prefix), f"{prefix}collapsed": collapsed[kind]}
        records.append(
            record
            | numbers(found.loss, "ticket_minus_dense_")
            | numbers(gain, "ticket_minus_random_")
            | {"sparsity_on_validation": sparsities(config)[theirs.round] if theirs.round else None}
            | numbers(theirs.ticket, "ticket_on_validation_")
            | {"flags": "; ".join(flags)}
        )
    beside = (control_name(kind) for kind in kinds if kind in SHOWN)
    first = ("task", "metric", "sparsity", "majority", "dense", "ticket", *beside)
    last = ("sparsity on validation", "ticket on validation", "n", "flags")
    header = (*first, "ticket − dense", "ticket − random", *last)
    return Table("tickets", caption, header, tuple(rows), tuple(records))


def rules_table(
    scores: Scores,
    published: Sequence[PublishedTicket],
    strict: Sequence[PublishedStrict],
    config: Config,
) -> Table:
    """The sparsity of the ticket by rule and by the split that it is chosen on, beside the paper's."""
    caption = (
        "Highest sparsity with a matching ticket, by rule and by the split on which it is chosen. "
        + " ".join(f"{name}: {rule_name(config, name)}." for name in matching.RULES)
        + " Paper: one_std in Table 2, strict in the supplement, both chosen and reported on what "
        "is validation here, of bert-base-uncased. One seed has no interval, and thus no "
        "non_inferiority."
    )
    table2 = {one.task: one.sparsity for one in published}
    supplement = {one.task: one for one in strict}
    by_rule = {
        (rule, split): findings.find_tickets(scores, config, split, rule)
        for rule in matching.RULES
        for split in SPLITS
    }
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for place, task in enumerate(config.tasks):
        found = {key: tickets[place] for key, tickets in by_rule.items()}
        theirs = supplement.get(task)
        mark = theirs.mark if theirs else ""
        rows.append(
            (
                task,
                *(sparsity_name(one, config) for one in found.values()),
                percent(table2[task]) if task in table2 else NONE,
                percent(theirs.sparsity) if theirs else NONE,
                mark or NONE,
            )
        )
        record: dict[str, Value] = {"task": task}
        for (rule, split), one in found.items():
            record[f"{rule}_{split}"] = sparsities(config)[one.round] if one.round else None
        record |= {
            "paper_one_std": table2.get(task),
            "paper_strict": theirs.sparsity if theirs else None,
        }
        records.append(record | {"mark": mark})
    header = (
        "task",
        *(f"{rule}, {split}" for rule, split in by_rule),
        "paper, one_std",
        "paper, strict",
        "mark",
    )
    return Table("ticket_rules", caption, header, tuple(rows), tuple(records))
