"""Transfer, of made-up studies and as published."""

import pytest

from stages.tickets import settings
from stages.tickets.report import transfers
from stages.tickets.report.published import PublishedTransfer
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.statistics import intervals
from tests.made_up import chen, config, study, with_everything


def test_transfer_is_measured_from_dense_and_marked_against_the_own_ticket() -> None:
    made = study(config(3, 3, 2))
    cells = transfers.transfer_cells(made.found, made.config)
    by_place = {(cell.source, cell.target): cell for cell in cells}
    cell = by_place["similarity", "entailment"]
    dense = made.found.of(Run("entailment", "dense"))
    assert len(dense) == 3
    assert cell.from_dense.mean == pytest.approx(cell.score.mean - dense[1])  # of the same seed
    assert cell.from_dense.n == 1
    assert cell.reaches_own is False
    assert by_place["entailment", "similarity"].reaches_own is True
    assert transfers.reached("entailment", cells) == (2, 2)
    assert transfers.reached("similarity", cells) == (0, 2)


def test_the_own_ticket_is_that_of_imp_where_the_target_is_no_source() -> None:
    whole = config(2, 3, 2)
    narrow = settings.Transfer(sources=("entailment",), targets=("sentiment",), seeds=(1,), round=2)
    made = study(whole.model_copy(update={"transfer": narrow}))
    cell = transfers.transfer_cells(made.found, made.config)[0]
    own = made.found.of(Run("sentiment", "imp", 2))[1]
    assert cell.reaches_own is (cell.score.mean >= own)


def test_the_margin_lets_masks_serve_that_fall_short() -> None:
    """Made up: 0.85 or, where the source comes after the target, 0.15 less."""
    made = study(config(3, 3, 2))
    cells = transfers.transfer_cells(made.found, made.config)
    assert transfers.universal(cells, 0.0) == ["entailment"]
    assert transfers.universal(cells, 0.149) == ["entailment"]
    assert transfers.universal(cells, 0.15) == ["entailment", "sentiment", "similarity"]


def test_the_mean_from_own_is_paired_by_seed_and_leaves_the_own_task_out() -> None:
    made = study(with_everything(config(3, 3, 2)))
    found = transfers.mean_from_own("sentiment", made.found, made.config)
    assert found is not None
    assert found.mean == pytest.approx(-0.075)  # -0.15 on one, 0 on the other
    assert found.n == 3
    number = made.config.transfer.round
    targets = ("entailment", "similarity")
    by_hand = [
        sum(
            made.found.of(Run(target, "transfer", number, "sentiment"))[seed]
            - made.found.of(Run(target, "transfer", number, target))[seed]
            for target in targets
        )
        / 2
        for seed in (1, 2, 3)
    ]
    assert found == intervals.summarize_differences(by_hand, 0.95)


def test_sources_are_compared_on_the_same_targets() -> None:
    """Target c is easy; a and b are alike on it, and c, which lacks it, is the best on a and b."""
    cells = {
        ("a", "b"): 0.1, ("c", "b"): 0.2,
        ("b", "a"): 0.1, ("c", "a"): 0.2,
        ("a", "c"): 0.9, ("b", "c"): 0.9,
    }  # fmt: skip
    found = {source: transfers.centred(source, cells, "abc") for source in "abc"}
    assert found == pytest.approx({"a": -0.025, "b": -0.025, "c": 0.05})
    assert transfers.centred("d", cells | {("d", "a"): 0.3}, "abc") == pytest.approx(0.15)
    assert transfers.centred("a", {("a", "b"): 0.1}, "ab") is None


def test_a_target_that_is_easier_for_all_changes_no_comparison() -> None:
    made = study(with_everything(config(3, 3, 2)))
    sources = transfers.task_sources(made.config)
    found = [transfers.mean_centred(one, sources, made.found, made.config) for one in sources]
    rows = [
        ScoreRow(**(vars(row) | {"score": row.score + 0.07}))
        if (row.task, row.kind) == ("sentiment", "transfer")
        else row
        for row in made.scores
    ]
    again = [transfers.mean_centred(one, sources, Scores(rows), made.config) for one in sources]
    assert [one.mean for one in again if one] == pytest.approx([one.mean for one in found if one])
    assert len({round(one.mean, 6) for one in found if one}) > 1


# --- as published ----------------------------------------------------------------------------


def test_the_printed_counts_follow_from_the_published_cells_but_for_one() -> None:
    """The one-shot mask has 5 by the rounded cells, where it ties with SQuAD's own; 4 are printed."""
    published = chen()
    counted = {
        one.source: transfers.published_reached(one.source, published.transfers)[0]
        for one in published.dark
    }
    printed = {one.source: one.dark for one in published.dark}
    assert {source for source in printed if printed[source] != counted[source]} == {"one-shot"}
    assert (printed["one-shot"], counted["one-shot"]) == (4, 5)
    assert (printed["mlm"], counted["wnli"], counted["squad"]) == (10, 0, 4)


def test_seven_sources_come_within_the_margin_on_half_of_the_tasks() -> None:
    """As the paper says, allowing 2.5 points; without any, one does."""
    published = chen()
    tasks = [one.source for one in published.dark if one.source != "one-shot"]
    for margin, expected in ((0.025, 7), (0.0, 1)):
        found = [transfers.published_reached(task, published.transfers, margin) for task in tasks]
        assert sum(2 * count >= total for count, total in found) == expected


def test_a_cell_that_changes_changes_the_count() -> None:
    published = [
        PublishedTransfer(**(vars(one) | {"difference": -0.5}))
        if (one.source, one.target) == ("mlm", "cola")
        else one
        for one in chen().transfers
    ]
    assert transfers.published_reached("mlm", published) == (9, 10)
