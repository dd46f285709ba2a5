"""All statements of Chen et al. 2020 in one table, and in one sentence."""

from stages.tickets import ticket_claims, transfer_claims
from stages.tickets.checks import NO_NUMBER, Checked, Data
from stages.tickets.formatting import NONE, percent, points
from stages.tickets.runs import Config
from stages.tickets.tables import Record, Table, numbers


def check(data: Data, config: Config) -> list[Checked]:
    """Every claim, in the order of the paper."""
    return [
        ticket_claims.tickets_exist(data, config),
        *ticket_claims.controls(data, config),
        ticket_claims.rewinding(data, config),
        ticket_claims.standard(data, config),
        ticket_claims.aliased(data, config),
        *transfer_claims.universal(data, config),
        transfer_claims.larger_sources(data, config),
        transfer_claims.one_shot(data, config),
        transfer_claims.weights(data, config),
        ticket_claims.masks_agree(data, config),
    ]


def chen_claims_table(data: Data, config: Config) -> Table:
    """Every claim with the paper's number, where it could be verified, and ours."""
    rule = config.verdict
    caption = (
        "Differences of scores in points on the validation split, others as said. Paper: "
        "bert-base-uncased, mean over tasks without WNLI, or over this study's tasks where all are the "
        "paper's and so is the encoder; of transfers, mean over the other 10 targets. Here: by seed "
        f"the mean over tasks, with the {percent(config.tickets.confidence)} interval over n seeds. "
        "Holds: whether the statement is true here, by all of our interval; of counts and ranks of "
        "sources by our means, and unclear from one seed; of a correlation by its p. Same number: "
        f"agrees, if the two are at most {points(rule.margin)} points apart or the paper's lies in our "
        f"interval, and that reaches at most {points(rule.widest)} points each way; direction only, if "
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
                one.holds,
                one.verdict,
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
                "holds": one.holds,
                "verdict": one.verdict,
                "mark": one.mark,
            }
        )
    header = (
        "claim of Chen et al. 2020", "paper", "here", "n", "holds", "same number", "mark",
    )  # fmt: skip
    return Table("chen_claims", caption, header, tuple(rows), tuple(records))


def on_chen_claims(claimed: Table) -> str:
    """How many statements hold here, and which do not."""
    held = [str(record["holds"]) for record in claimed.records]
    ran = [word for word in ("yes", "no", "unclear") if word in held]
    parts = [f"{held.count(word)} {word}" for word in ran]
    absent = sum(word == NONE for word in held)
    if absent:
        parts.append(f"{absent} not run")
    text = f"Do its statements hold here? {', '.join(parts)}."
    failed = [row[0] for row, word in zip(claimed.rows, held, strict=True) if word == "no"]
    if failed:
        text += f" Not here: {'; '.join(failed)}."
    said = [str(record["verdict"]) for record in claimed.records]
    order = ("agrees", "undecided", "direction only", "differs", NO_NUMBER)
    listed = [f"{word} {said.count(word)}" for word in order if word in said]
    return text + (f" The same number: {', '.join(listed)}." if listed else "")
