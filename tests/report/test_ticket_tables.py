"""The tables of tickets, on made-up results and beside published ones."""

import pytest

from stages.tickets.report import chen_tables, ticket_tables
from stages.tickets.report.rows import Kept, ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.table import Table
from stages.tickets.report.words import NONE
from tests.made_up import TASKS, Study, chen, config, study, with_everything, with_scores


def test_no_matching_ticket_is_said() -> None:
    made = study(config(1, 3, 1))
    scores = with_scores(made, {("entailment", "imp", 1, "selection"): [0.1, 0.1, 0.1]})
    row = ticket_tables.tickets_table(scores, made.config).rows[0]
    assert row[2] == "none"
    assert row[5:9] == (NONE,) * 4
    assert row[-1] == "none matches on selection"


def test_collapsed_runs_are_flagged() -> None:
    made = study(config(1, 3, 1))
    rows = [
        ScoreRow(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = ticket_tables.tickets_table(Scores(rows), made.config)
    assert "3 of 3 dense runs collapsed" in table.rows[0][-1]


def test_controls_stand_beside_the_ticket_of_their_size_alone() -> None:
    made = study(with_everything(config(3, 3, 2)))
    table = ticket_tables.tickets_table(made.found, made.config)
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert row["sparsity"] == "30\N{NO-BREAK SPACE}%"
    assert row["random mask"] == "not run"  # of the last ticket alone
    assert row["shuffled layers"].startswith("61.7")
    assert row["flags"] == "\N{EN DASH}"
    alone = study(config(3, 3, 2))
    flags = ticket_tables.tickets_table(alone.found, alone.config).rows[0][-1]
    assert flags == "no control at 30\N{NO-BREAK SPACE}%"


def test_chosen_on_validation_a_ticket_stands_beside_that_chosen_on_selection() -> None:
    made = study(config(1, 3, 2))
    dense = {("entailment", "dense", 0, split): [0.9] * 3 for split in ("selection", "validation")}
    scores = with_scores(
        made,
        dense
        | {
            ("entailment", "imp", 1, "selection"): [0.9] * 3,
            ("entailment", "imp", 2, "selection"): [0.5] * 3,
            ("entailment", "imp", 1, "validation"): [0.8] * 3,
            ("entailment", "imp", 2, "validation"): [0.95] * 3,
        },
    )
    record = ticket_tables.tickets_table(scores, made.config).records[0]
    assert (record["sparsity"], record["sparsity_on_validation"]) == (0.3, 0.6)
    assert (record["ticket_mean"], record["ticket_on_validation_mean"]) == pytest.approx(
        (0.8, 0.95)
    )
    assert "does not match on validation" in str(record["flags"])


def test_a_ticket_that_the_majority_may_reach_is_flagged() -> None:
    made = study(config(1, 3, 1))
    for level, flagged in (([0.3, 0.5, 0.7], True), ([0.79, 0.8, 0.81], False)):
        changes = {
            ("entailment", kind, number, split): level
            for kind, number in (("dense", 0), ("imp", 1))
            for split in ("selection", "validation")
        }
        flags = ticket_tables.tickets_table(with_scores(made, changes), made.config).rows[0][-1]
        assert ("dense not surely above majority" in flags) is flagged
        assert ("ticket not surely above majority" in flags) is flagged


def test_rules_stand_side_by_side() -> None:
    """Dense 0.9 with a deviation of 0.1; tickets at 0.9 without, then 0.8."""
    made = study(config(1, 3, 2))
    levels = {("dense", 0): [0.8, 0.9, 1.0], ("imp", 1): [0.8, 0.9, 1.0], ("imp", 2): [0.8] * 3}
    changes = {
        ("entailment", kind, number, split): values
        for (kind, number), values in levels.items()
        for split in ("selection", "validation")
    }
    table = ticket_tables.rules_table(
        with_scores(made, changes), chen().tickets, chen().strict, made.config
    )
    record = table.records[0]
    assert (record["one_std_selection"], record["strict_selection"]) == (0.6, 0.3)
    assert record["non_inferiority_validation"] == 0.3
    assert (record["paper_one_std"], record["paper_strict"]) == (None, None)


# --- as published ----------------------------------------------------------------------------


def renamed(made: Study, names: dict[str, str]) -> Scores:
    return Scores(
        ScoreRow(**(vars(row) | {"task": names.get(row.task, row.task)})) for row in made.scores
    )


def test_ours_stands_under_the_papers_where_task_sparsity_and_encoder_are_its() -> None:
    """Entailment plays RTE, at the 60 % of its published ticket."""
    made = study(with_everything(config(2, 3, 2)))
    asked = made.config.model_copy(update={"tasks": ("rte", "sentiment")})
    scores = renamed(made, {"entailment": "rte"})
    bert = [Kept("rte", 1, 1, 0.3, 0, "x", chen_tables.BERT_BASE, 5)]
    table = chen_tables.published_tickets_table(scores, bert, chen().tickets, asked)
    assert [row[:2] for row in table.rows if row[1] == "here"] == [("rte", "here")]
    here = {
        (record["kind"], record["source"]): record
        for record in table.records
        if record["task"] == "rte"
    }
    assert here["imp", ""]["here_mean"] == pytest.approx(0.884)
    assert here["imp", ""]["verdict"] == "differs"
    assert here["control", "shuffled-layers"]["here_n"] == 3
    assert {one["verdict"] for one in table.records if one["task"] == "cola"} == {
        "not run: another task, metric or encoder"
    }
    other = [Kept("rte", 1, 1, 0.3, 0, "x", 1000, 5)]
    table = chen_tables.published_tickets_table(scores, other, chen().tickets, asked)
    assert {row[1] for row in table.rows} == {"paper"}
    assert "an encoder of its own" in table.caption


def test_only_the_metric_may_be_another_and_mlm_has_no_verdict() -> None:
    made = study(with_everything(config(1, 3, 2)))
    bert = [Kept("x", 1, 1, 0.3, 0, "x", chen_tables.BERT_BASE, 5)]

    def table(name: str) -> Table:
        asked = made.config.model_copy(update={"tasks": (name,)})
        scores = renamed(made, {"entailment": name})
        return chen_tables.published_tickets_table(scores, bert, chen().tickets, asked)

    assert "Not run here: this study has metrics of its own." in table("cola").caption
    assert "Not run here" not in table("rte").caption
    rounds = [
        after.model_copy(update={"sparsity": 0.35 * after.to}) for after in made.config.rounds
    ]
    rows = [
        ScoreRow(
            **(
                vars(row)
                | {"task": "mlm"}
                | ({"metric": "masked_accuracy"} if row.metric == "accuracy" else {})
            )
        )
        for row in made.scores
    ]
    asked = made.config.model_copy(update={"tasks": ("mlm",), "rounds": tuple(rounds)})
    found = chen_tables.published_tickets_table(Scores(rows), bert, chen().tickets, asked)
    here = next(row for row in found.rows if row[:2] == ("mlm", "here"))
    assert here[3].endswith("(no verdict: another corpus)")
    assert here[4].endswith("(no verdict: another corpus)")
    paper = next(row for row in found.rows if row[:2] == ("mlm", "paper"))
    assert "their corpus was never published" in paper[-1]


def test_the_published_table_is_whole_and_says_which_tickets_do_not_match_by_it() -> None:
    """Four of eleven are more than one standard deviation of dense below it, as printed."""
    published = {(one.task, one.kind, one.source): one for one in chen().tickets}
    tasks = {task for task, _, _ in published}
    assert len(published) == 55
    assert len(tasks) == 11
    below = set()
    for task in tasks:
        dense, ticket = published[task, "dense", ""], published[task, "imp", ""]
        if ticket.mean < dense.mean - (dense.std or 0) - 1e-12:
            below.add(task)
        assert ("more than one std" in ticket.mark) is (task in below)
        for setting in (
            ("random", ""),
            ("control", "reinitialised"),
            ("control", "shuffled-layers"),
        ):
            one = published[task, *setting]
            assert one.std is None
            assert "a single number" in one.mark
        assert ("mismatched" in ticket.mark) is (task == "mnli")
    assert below == {"mrpc", "sst2", "cola", "mlm"}
    assert published["cola", "imp", ""].mean == 0.538
    strict = {one.task: one for one in chen().strict}
    assert strict.keys() == tasks
    assert {task for task, one in strict.items() if one.mark} == {"mnli", "wnli"}
    assert all(one.sparsity <= published[task, "imp", ""].sparsity for task, one in strict.items())
    assert not tasks & set(TASKS)
