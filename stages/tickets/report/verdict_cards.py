"""Every statement of the papers as a card: its number, ours, and whether it holds here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stages.tickets.report import targets
from stages.tickets.report.checks import BEYOND
from stages.tickets.report.formatting import NONE, NOT_RUN, count, signed
from stages.tickets.report.tables import Record, Table

CHEN = "Chen et al. 2020"
BEYOND_CHEN = f"what goes beyond {CHEN}"
PRASANNA = "Prasanna et al. 2020"
WORDS = ("yes", "no", "unclear", NOT_RUN)
"""Whether a statement holds here."""
NUMBERS = ("agrees", "direction only", "differs", "no verdict", NOT_RUN)
"""Whether a number of the paper, which says nothing more, is ours too."""


@dataclass(frozen=True)
class Card:
    """One statement or number of a paper."""

    name: str
    paper: str
    statement: str
    theirs: str
    here: str
    """With its interval."""
    difference: str
    """Here minus paper."""
    n: str
    """What was counted."""
    word: str
    """One of `WORDS` of a statement, of `NUMBERS` of a number."""
    same: str
    """Whether the number is the same, or why nothing is said."""
    mark: str
    """What is doubtful of the paper's number."""
    table: str
    """The csv that has it."""
    commands: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        return self.table == "structure_claims"


def of_claims(chen: Table, prasanna: Table, structure: Table, config: targets.Config) -> list[Card]:
    """All cards, from the tables of claims, in their order.

    Args:
        chen: as `chen_claims.chen_claims_table` makes it.
        prasanna: as `claims.claims_table`.
        structure: as `structure_claims.structure_claims_table`.
    """
    made = []
    for row, record in _lines(chen):
        statement, theirs, here, n, over, holds, same, mark = row
        made.append(
            Card(
                str(record["claim"]),
                BEYOND_CHEN if record["claim"] in BEYOND else CHEN,
                statement,
                theirs,
                here,
                _difference(record),
                _counted(n, over),
                _word(holds),
                same,
                "" if mark == NONE else mark,
                chen.name,
                targets.of_claim(str(record["claim"]), config),
            )
        )
    for row, record in _lines(prasanna):
        statement, theirs, here, apart, n, holds, same = row
        made.append(
            Card(
                str(record["claim"]),
                PRASANNA,
                statement,
                theirs,
                here,
                apart,
                _counted(n, NONE),
                _word(holds),
                same,
                "",
                prasanna.name,
                targets.of_claim(str(record["claim"]), config),
            )
        )
    for row, record in _lines(structure):
        statement, theirs, here, apart, num_tasks, same = row
        counted = f"{count(int(num_tasks), 'task')}, {count(int(str(record['seeds'])), 'seed')}"
        made.append(
            Card(
                str(record["quantity"]),
                PRASANNA,
                statement,
                theirs,
                here,
                apart,
                NONE if here == NONE else counted,
                same.split(":")[0],
                same,
                "",
                structure.name,
                targets.of_claim(str(record["quantity"]), config),
            )
        )
    return made


def _lines(table: Table) -> list[tuple[tuple[str, ...], Record]]:
    return list(zip(table.rows, table.records, strict=True))


def _difference(record: Record) -> str:
    paper, mean = record["paper"], record["mean"]
    if not isinstance(paper, float) or not isinstance(mean, float):
        return NONE
    return signed(mean - paper)


def _counted(n: str, over: str) -> str:
    if n == NONE:
        return NONE
    seeds = count(int(n), "seed")
    return seeds if over == NONE else f"{seeds}, {over}"


def _word(holds: str) -> str:
    return NOT_RUN if holds == NONE else holds


def tally(cards: Sequence[Card]) -> str:
    """How many hold: 9 yes, 2 no, 10 unclear, 1 not run."""
    counts = Counter(card.word for card in cards)
    words = dict.fromkeys((*WORDS[:-1], *NUMBERS))
    return ", ".join(f"{counts[word]} {word}" for word in words if counts[word])


def groups(cards: Sequence[Card]) -> list[tuple[str, str, list[Card]]]:
    """Title, tally and cards of the statements of each paper, then of its numbers; none is empty."""
    found = []
    for paper in (CHEN, BEYOND_CHEN, PRASANNA):
        for title, numbers in ((f"Statements of {paper}", False), (f"Numbers of {paper}", True)):
            own = [card for card in cards if card.paper == paper and card.is_number is numbers]
            if own:
                ran_first = sorted(own, key=lambda card: card.word == NOT_RUN)
                found.append((title, tally(own), ran_first))
    return found
