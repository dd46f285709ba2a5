"""All statements of Chen et al. 2020 in one table, and in one sentence."""

from stages.tickets.report import ticket_claims
from stages.tickets.report.checks import BEYOND, NO_NUMBER, NO_VERDICT, Checked, Data
from stages.tickets.report.names import Config
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, difference, percent, points


def check(data: Data, config: Config) -> list[Checked]:
    """Every claim, in the order of the paper."""
    return [
        *ticket_claims.tickets_exist(data, config),
        *ticket_claims.controls(data, config),
        ticket_claims.rewinding(data, config),
        ticket_claims.standard(data, config),
        ticket_claims.aliased(data, config),
        ticket_claims.masks_agree(data, config),
        ticket_claims.mlm_mask_differs(data, config),
    ]


def chen_claims_table(data: Data, config: Config) -> Table:
    """Every claim with the paper's number, where it could be verified, and ours."""
    rule = config.verdict
    caption = (
        "Differences of scores in points on the validation split, others as said. Paper: "
        "bert-base-uncased, mean over its tasks without WNLI, or over those that both studies have; of "
        "transfers, mean over the other targets, of all or of those that both have. Here: by seed "
        "the mean over what the next column but one names, with the "
        f"{percent(config.tickets.confidence)} interval over n seeds; of rewinding and standard pruning "
        "the least and the greatest of single tasks. Tickets and controls are those of each task's own "
        "ticket, chosen on selection, or of the last round before it that has the control. Holds: "
        "whether the statement is true here, by all of our interval, or by all of all intervals; of "
        "counts and ranks of sources by our means, and unclear from one seed, or if tickets are "
        "counted that are not surely above the majority class; of a correlation by its p. Same number: "
        "only of the same encoder, over the tasks or targets that both have, at the paper's sparsity, "
        "and never of scores in masked language modelling. Agrees, if the two are at most "
        f"{points(rule.margin)} points apart or the paper's lies in our interval, and that reaches at "
        f"most {points(rule.widest)} points each way; of counts, if they are equal. Direction only, if "
        "else all of our interval has its sign; undecided, if else the interval is wider or missing; "
        "else differs. Mark: what is doubtful of the paper's number."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for one in check(data, config):
        rows.append(
            (
                one.statement,
                one.paper,
                one.here,
                str(one.n) if one.n else NONE,
                one.over or NONE,
                one.holds,
                same_number(one),
                one.mark or NONE,
            )
        )
        records.append(
            {
                "claim": one.name,
                "paper": one.paper_value,
                "paper_shown": one.paper,
                "here_shown": one.here,
                **numbers(one.found),
                "seeds": one.n,
                "over": one.over,
                **numbers(one.same.found if one.same else None, "same_"),
                "same_over": one.same.over if one.same else "",
                "holds": one.holds,
                "verdict": one.verdict,
                "mark": one.mark,
            }
        )
    header = (
        "claim of Chen et al. 2020", "paper", "here", "n", "over", "holds", "same number", "mark",
    )  # fmt: skip
    return Table("chen_claims", caption, header, tuple(rows), tuple(records))


def same_number(one: Checked) -> str:
    """The verdict, and our number where it is of fewer tasks or other rounds than `here`."""
    if one.same is None or one.same.found is None:
        return one.verdict
    return f"{one.verdict}: {difference(one.same.found)} over {one.same.over}"


def on_chen_claims(claimed: Table) -> str:
    """How many statements of the paper hold here, and which do not."""
    held = {
        row[0]: str(record["holds"])
        for row, record in zip(claimed.rows, claimed.records, strict=True)
        if record["claim"] not in BEYOND
    }
    words = list(held.values())
    ran = [word for word in ("yes", "no", "unclear") if word in words]
    parts = [f"{words.count(word)} {word}" for word in ran]
    absent = words.count(NONE)
    if absent:
        parts.append(f"{absent} not run")
    text = f"Do its statements hold here? {', '.join(parts)}."
    failed = [statement for statement, word in held.items() if word == "no"]
    if failed:
        text += f" Not here: {'; '.join(failed)}."
    said = [str(record["verdict"]).split(":")[0] for record in claimed.records]
    order = ("agrees", "undecided", "direction only", "differs", NO_VERDICT, NO_NUMBER)
    listed = [f"{word} {said.count(word)}" for word in order if word in said]
    return text + (f" The same number: {', '.join(listed)}." if listed else "")
