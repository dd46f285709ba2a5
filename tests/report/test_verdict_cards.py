"""Cards: one for each statement, with what its table says of it."""

from dataclasses import replace

import pytest

from stages.tickets.report import report, verdict_cards
from stages.tickets.report.tables import Table
from stages.tickets.report.verdict_cards import Card
from tests.made_up import config, study, with_everything


@pytest.fixture(scope="module")
def made() -> tuple[list[Card], dict[str, Table]]:
    found = study(with_everything(config(3, 3, 2)))
    sections = report.build(found.results, found.config)
    tables = {table.name: table for section in sections for table in section.tables}
    return report.cards_of(sections, found.config), tables


def test_there_is_a_card_for_every_row_of_every_table_of_claims(
    made: tuple[list[Card], dict[str, Table]],
) -> None:
    found, tables = made
    names = ("chen_claims", "claims", "structure_claims")
    rows = [(name, row[0]) for name in names for row in tables[name].rows]
    assert [(card.table, card.statement) for card in found] == rows
    assert len({card.name for card in found}) == len(found)


def test_a_card_says_what_its_row_says(made: tuple[list[Card], dict[str, Table]]) -> None:
    found, tables = made
    table = tables["chen_claims"]
    measured = [one for one in table.records if one["mean"] and one["paper"]]
    assert len(measured) == 3
    for record in measured:
        card = next(card for card in found if card.name == record["claim"])
        row = table.rows[table.records.index(record)]
        statement, theirs, here, n, over, holds, same, _ = row
        assert (card.statement, card.theirs, card.here) == (statement, theirs, here)
        assert (card.word, card.same, card.n) == (holds, same, f"{n} seeds, {over}")
        paper, mean = float(str(record["paper"])), float(str(record["mean"]))
        difference = float(card.difference.replace("−", "-"))
        assert difference == pytest.approx(100 * (mean - paper), abs=0.06)


def test_what_did_not_run_says_why() -> None:
    found = study(config(1, 1, 1, False))
    sections = report.build(found.results, found.config)
    silent = [card for card in report.cards_of(sections, found.config) if card.word == "not run"]
    assert silent
    for card in silent:
        assert card.here == card.n == "–"
        assert card.same.startswith("not run: "), card


def test_the_tally_counts_every_card_once(made: tuple[list[Card], dict[str, Table]]) -> None:
    found, _ = made
    yes, no, agrees = (replace(found[0], word=word) for word in ("yes", "no", "agrees"))
    assert verdict_cards.tally([yes, no, yes]) == "2 yes, 1 no"
    assert verdict_cards.tally([agrees, replace(agrees, word="not run")]) == "1 agrees, 1 not run"
    for _, text, own in verdict_cards.groups(found):
        assert sum(int(part.split()[0]) for part in text.split(", ")) == len(own)
    assert sum(len(own) for _, _, own in verdict_cards.groups(found)) == len(found)
