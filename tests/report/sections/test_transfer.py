"""Transfer of masks, of made-up studies and as published."""

import pytest

from stages.tickets import settings
from stages.tickets.report import transfers
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import transfer
from stages.tickets.report.table import Row
from tests.made_up import Study, chen, config, study, with_everything


def sources(made: Study, margin: float | None = None) -> dict[str, Row]:
    """What every source does, by its name, with another margin."""
    asked = made.config
    if margin is not None:
        rule = asked.tickets.model_copy(update={"transfer_margin": margin})
        asked = asked.model_copy(update={"tickets": rule})
    rows = transfers.by_source(transfers.measure(made.found, asked), made.results, asked)
    return {row.name: row for row in rows}


def test_transfer_is_measured_from_dense_and_against_the_own_ticket() -> None:
    made = study(config(3, 3, 2))
    cells = transfers.measure(made.found, made.config)
    by_place = {(row.source, row.target): row for row in cells}
    cell = by_place["similarity", "entailment"]
    dense = made.found.of(Run("entailment", "dense"))
    assert len(dense) == 3
    assert cell.from_dense.mean == pytest.approx(cell.score.mean - dense[1])  # of the same seed
    assert cell.from_dense.n == 1
    levels = transfers.from_own(cells)
    assert not transfers.serves(levels["similarity", "entailment"])
    assert transfers.serves(levels["entailment", "similarity"])
    assert transfers.served("entailment", levels) == (2, 2)
    assert transfers.served("similarity", levels) == (0, 2)


def test_the_own_ticket_is_that_of_imp_if_the_target_is_no_source() -> None:
    narrow = settings.Transfer(sources=("entailment",), targets=("sentiment",), seeds=(1,), round=2)
    made = study(config(2, 3, 2).model_copy(update={"transfer": narrow}))
    (cell,) = transfers.measure(made.found, made.config)
    own = made.found.of(Run("sentiment", "imp", 2))[1]
    assert cell.from_own is not None
    assert cell.from_own.mean == cell.score.mean - own
    assert cell.from_own.n == 1


def test_the_margin_lets_masks_serve_that_fall_short() -> None:
    """Made up: 0.85 or, if the source comes after the target, 0.15 less."""
    made = study(config(3, 3, 2))
    near = {margin: sources(made, margin) for margin in (0.149, 0.15)}
    assert [row.near for row in near[0.149].values()] == [2, 1, 0]
    assert [row.near for row in near[0.15].values()] == [2, 2, 2]
    assert [row.as_good for row in near[0.15].values()] == [2, 1, 0]


def test_ranks_compare_sources_on_the_same_targets_whatever_their_metric() -> None:
    """Target c is easy; a and b are alike on it, and c, which lacks it, is the best on a and b."""
    levels = {
        ("a", "b"): 0.1, ("c", "b"): 0.2,
        ("b", "a"): 0.1, ("c", "a"): 0.2,
        ("a", "c"): 0.9, ("b", "c"): 0.9, ("c", "c"): 0.95,
    }  # fmt: skip
    ranks = transfers.mean_ranks(levels, ["a", "b", "c"])
    assert ranks == {"a": -0.5, "b": -0.5, "c": 1.0}
    scaled = {place: 40 * level if place[1] == "b" else level for place, level in levels.items()}
    assert transfers.mean_ranks(scaled, ["a", "b", "c"]) == ranks
    assert transfers.mean_ranks({("a", "b"): 0.1}, ["a", "b"]) == {}
    beside = transfers.minus_others("d", levels | {("d", "a"): 0.3}, "abc")
    assert beside == pytest.approx({"a": 0.15})


def test_a_mask_beside_the_mean_of_others_is_paired_by_seed() -> None:
    made = study(with_everything(config(3, 3, 2)))
    gain = transfers.beside_others(
        "one-shot", "sentiment", made.config.tasks, made.results, made.config
    )
    number = made.config.transfer.round
    first, *others = (
        made.found.of(Run("sentiment", "transfer", number, source))
        for source in ("one-shot", "entailment", "similarity")
    )
    by_hand = [first[seed] - (others[0][seed] + others[1][seed]) / 2 for seed in (1, 2, 3)]
    assert gain is not None
    assert gain.mean == pytest.approx(sum(by_hand) / 3)
    assert gain.n == 3


def test_transfers_that_reach_the_own_ticket_have_a_star_and_collapsed_ones_a_dagger() -> None:
    made = study(config(3, 3, 2))
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True}))
        if (row.task, row.kind, row.source) == ("similarity", "transfer", "entailment")
        else row
        for row in made.scores
    ]
    cells = transfers.measure(Scores(rows), made.config)
    by_source = transfers.by_source(cells, made.results, made.config)
    table = transfer.transfer_table(cells, by_source, made.results, made.config)
    assert ["*" in cell for cell in table.rows[0][1:4]] == [False, True, True]  # its own has none
    assert [cell.endswith(" †") for cell in table.rows[0][1:4]] == [False, False, True]
    assert [record["collapsed"] for record in table.records[:3]] == [0, 0, 1]
    assert "minus_dense_low" in table.records[0]


def test_the_answer_counts_transfers_and_names_universal_masks() -> None:
    made = study(config(3, 3, 2))
    answer = transfer.section(made.results, made.config).answer
    assert answer.startswith("3 of 6 transfers of a task's mask")
    assert "of two or more other tasks: entailment; allowing" in answer


# --- as published ----------------------------------------------------------------------------


def test_the_printed_counts_follow_from_the_published_cells_but_for_one() -> None:
    """The one-shot mask has 5 by the rounded cells, where it ties with SQuAD's own; 4 are printed."""
    own = transfers.published_from_own(chen().transfers)
    counted = {row.source: transfers.served(row.source, own)[0] for row in chen().dark}
    printed = {row.source: row.dark for row in chen().dark}
    assert {source for source in printed if printed[source] != counted[source]} == {"one-shot"}
    assert (printed["one-shot"], counted["one-shot"]) == (4, 5)
    assert (printed["mlm"], counted["wnli"], counted["squad"]) == (10, 0, 4)


def test_seven_sources_come_within_the_margin_on_half_of_the_tasks() -> None:
    """As the paper says, allowing 2.5 points; without any, one does."""
    own = transfers.published_from_own(chen().transfers)
    tasks = transfers.published_tasks(study(config(1, 1, 1)).results)
    assert len(tasks) == 11
    for margin, expected in ((0.025, 7), (0.0, 1)):
        counts = [transfers.served(task, own, margin) for task in tasks]
        assert sum(2 * near >= of for near, of in counts) == expected


def test_a_cell_that_changes_changes_the_count() -> None:
    published = [
        PublishedTransfer(**(vars(row) | {"difference": -0.5}))
        if (row.source, row.target) == ("mlm", "cola")
        else row
        for row in chen().transfers
    ]
    assert transfers.served("mlm", transfers.published_from_own(published)) == (9, 10)
