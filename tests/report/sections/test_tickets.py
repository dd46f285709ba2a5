"""Tickets, their answer, tables and claims, on made-up results and beside published ones."""

from dataclasses import replace

import pytest

from stages.tickets.report import tickets
from stages.tickets.report.claim import Claim, decided
from stages.tickets.report.papers import shared
from stages.tickets.report.papers.tables import published_tickets_table
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Kept, ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import controls
from stages.tickets.report.sections import tickets as section_of_tickets
from stages.tickets.report.table import Table
from stages.tickets.report.words import NONE
from stages.tickets.settings import Study as Params
from tests.made_up import TASKS, Study, chen, config, study, with_everything, with_scores


def results_of(made: Study, scores: Scores | None = None) -> Results:
    return replace(made.results, scores=scores or made.found)


def table_of(made: Study, scores: Scores | None = None, place: int = 0) -> Table:
    return section_of_tickets.section(results_of(made, scores), made.config).tables[place]


def answer_of(made: Study, scores: Scores | None = None) -> str:
    return section_of_tickets.section(results_of(made, scores), made.config).answer


def claims_of(made: Study, scores: Scores | None = None) -> dict[str, Claim]:
    results = results_of(made, scores)
    parts = [module.section(results, made.config) for module in (section_of_tickets, controls)]
    claims = decided([claim for part in parts for claim in part.claims], 0.95)
    return {claim.name: claim for claim in claims}


def test_a_ticket_is_chosen_on_selection_and_reported_on_validation() -> None:
    made = study(config(1, 3, 2))
    scores = with_scores(
        made,
        {
            ("entailment", "dense", 0, "selection"): [0.8, 0.9, 1.0],
            ("entailment", "imp", 1, "selection"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 2, "selection"): [0.8, 0.8, 0.8],
            ("entailment", "dense", 0, "validation"): [0.9, 0.9, 0.9],
            ("entailment", "imp", 1, "validation"): [1.0, 1.0, 1.0],
            ("entailment", "imp", 2, "validation"): [0.6, 0.7, 0.8],
        },
    )
    ticket = tickets.find(scores, made.config)[0]
    assert ticket.round == 2  # 0.8 is one standard deviation below 0.9 on selection
    assert ticket.score is not None
    assert ticket.loss is not None
    assert ticket.score.mean == pytest.approx(0.7)  # and what it scores is that of validation
    assert ticket.loss.mean == pytest.approx(-0.2)
    assert ticket.matches is False
    assert ticket.flags == ("does not match on validation", "sparsest of the grid")


def test_no_matching_ticket_is_said() -> None:
    made = study(config(1, 3, 1))
    scores = with_scores(made, {("entailment", "imp", 1, "selection"): [0.1, 0.1, 0.1]})
    row = table_of(made, scores).rows[0]
    assert row[2] == "none"
    assert row[5:9] == (NONE,) * 4
    assert row[-1] == "none matches on selection"


def test_collapsed_runs_are_flagged() -> None:
    made = study(config(1, 3, 1))
    rows = [
        ScoreRow(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = table_of(made, Scores(rows))
    assert "3 of 3 dense runs collapsed" in table.rows[0][-1]


def test_controls_stand_beside_the_ticket_of_their_size_alone() -> None:
    made = study(with_everything(config(3, 3, 2)))
    table = table_of(made)
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert row["sparsity"] == "30\N{NO-BREAK SPACE}%"
    assert row["random mask"] == "not run"  # of the last ticket alone
    assert row["shuffled layers"].startswith("61.7")
    assert row["flags"] == "\N{EN DASH}"
    alone = study(config(3, 3, 2))
    flags = table_of(alone).rows[0][-1]
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
    record = table_of(made, scores).records[0]
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
        flags = table_of(made, with_scores(made, changes)).rows[0][-1]
        assert ("dense not above majority" in flags) is flagged
        assert ("ticket not above majority" in flags) is flagged


def test_rules_stand_side_by_side() -> None:
    """Dense 0.9 with a deviation of 0.1; tickets at 0.9 without, then 0.8."""
    made = study(config(1, 3, 2))
    levels = {("dense", 0): [0.8, 0.9, 1.0], ("imp", 1): [0.8, 0.9, 1.0], ("imp", 2): [0.8] * 3}
    changes = {
        ("entailment", kind, number, split): values
        for (kind, number), values in levels.items()
        for split in ("selection", "validation")
    }
    table = table_of(made, with_scores(made, changes), place=1)
    record = table.records[0]
    assert (record["one_std_selection"], record["strict_selection"]) == (0.6, 0.3)
    assert record["non_inferiority_validation"] == 0.3
    assert (record["paper_one_std"], record["paper_strict"]) == (None, None)


# --- answer ----------------------------------------------------------------------------------

DENSE = {
    (task, "dense", 0, split): [0.8, 0.9, 1.0]  # matching is 0.8: the mean less a deviation
    for task in TASKS
    for split in ("selection", "validation")
}
MATCHES, FAILS = [0.85] * 3, [0.5] * 3


@pytest.mark.parametrize(
    ("rewind_to", "start"),
    [
        (0, "They start from the pre-trained weights: a matching ticket is a winning one."),
        (50, "They start from rewound weights, so none counts as a winning ticket."),
    ],
)
def test_tickets_are_chosen_on_selection_held_on_validation_and_winning_from_pre_trained_weights(
    rewind_to: int, start: str
) -> None:
    asked = config(3, 3, 2)
    imp = asked.imp.model_copy(update={"rewind_to": rewind_to})
    made = study(asked.model_copy(update={"imp": imp}))
    scores = with_scores(
        made,
        DENSE
        | {
            ("entailment", "imp", 1, "selection"): FAILS,
            ("entailment", "imp", 2, "selection"): MATCHES,
            ("entailment", "imp", 2, "validation"): MATCHES,
            ("sentiment", "imp", 1, "selection"): MATCHES,
            ("sentiment", "imp", 1, "validation"): FAILS,
            ("sentiment", "imp", 2, "selection"): FAILS,
            ("similarity", "imp", 1, "selection"): FAILS,
            ("similarity", "imp", 2, "selection"): FAILS,
        },
    )
    assert answer_of(made, scores) == (
        "Tasks with a matching ticket: 2 of 3 (n=3) by the selection split, at 30\N{NO-BREAK SPACE}% to "
        f"60\N{NO-BREAK SPACE}% sparsity, of these 1 by the validation split too. {start}"
    )


def test_a_count_of_tickets_of_one_seed_says_so() -> None:
    made = study(config(1, 1, 1))
    matching = {("entailment", "imp", 1, split): [0.95] for split in ("selection", "validation")}
    text = answer_of(made, with_scores(made, matching))
    assert text.startswith("Tasks with a matching ticket: 1 of 1 (n=1) by")


def test_if_no_ticket_matches_nothing_is_said_of_winning() -> None:
    made = study(config(3, 3, 2))
    changes = {(task, "imp", k, "selection"): FAILS for task in TASKS for k in (1, 2)}
    assert answer_of(made, with_scores(made, DENSE | changes)) == "No task has a matching ticket."


def test_tasks_whose_dense_model_has_not_learned_are_named_and_not_counted() -> None:
    made = study(config(2, 3, 1))
    low = {
        ("entailment", kind, number, split): [0.39, 0.4, 0.41]
        for kind, number in (("dense", 0), ("imp", 1))
        for split in ("selection", "validation")
    }
    text = answer_of(made, with_scores(made, low))
    assert text.startswith("Tasks with a matching ticket: 1 of 1 (n=3) by")
    assert "No evidence: the dense model of entailment is not above the majority class" in text
    assert "No evidence" not in answer_of(made)


# --- as published ----------------------------------------------------------------------------


def renamed(made: Study, names: dict[str, str]) -> Scores:
    return Scores(
        ScoreRow(**(vars(row) | {"task": names.get(row.task, row.task)})) for row in made.scores
    )


def published(made: Study, scores: Scores, layers: list[Kept], asked: Params) -> Table:
    return published_tickets_table(replace(made.results, scores=scores, layers=layers), asked)


def test_ours_stands_under_the_papers_where_task_sparsity_and_encoder_are_its() -> None:
    """Entailment plays RTE, at the 60 % of its published ticket."""
    made = study(with_everything(config(2, 3, 2)))
    asked = made.config.model_copy(update={"tasks": ("rte", "sentiment")})
    scores = renamed(made, {"entailment": "rte"})
    bert = [Kept("rte", 1, 1, 0.3, 0, "x", shared.BERT_BASE, 5)]
    table = published(made, scores, bert, asked)
    assert [row[:2] for row in table.rows if row[1] == "here"] == [("rte", "here")]
    ours = {
        (record["kind"], record["source"]): record
        for record in table.records
        if record["task"] == "rte"
    }
    assert ours["imp", ""]["here_mean"] == pytest.approx(0.884)
    assert ours["imp", ""]["verdict"] == "differs"
    assert ours["control", "shuffled-layers"]["here_n"] == 3
    assert {record["verdict"] for record in table.records if record["task"] == "cola"} == {
        "not run: another task, metric or encoder"
    }
    other = [Kept("rte", 1, 1, 0.3, 0, "x", 1000, 5)]
    table = published(made, scores, other, asked)
    assert {row[1] for row in table.rows} == {"paper"}
    assert "an encoder of its own" in table.caption


def test_only_the_metric_may_be_another_and_mlm_has_no_verdict() -> None:
    made = study(with_everything(config(1, 3, 2)))
    bert = [Kept("x", 1, 1, 0.3, 0, "x", shared.BERT_BASE, 5)]

    def table(name: str) -> Table:
        asked = made.config.model_copy(update={"tasks": (name,)})
        scores = renamed(made, {"entailment": name})
        return published(made, scores, bert, asked)

    assert "nothing ran here, as this study has metrics of its own." in table("cola").caption
    assert "nothing ran here" not in table("rte").caption
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
    shown = published(made, Scores(rows), bert, asked)
    ours = next(row for row in shown.rows if row[:2] == ("mlm", "here"))
    assert ours[3].endswith("(no verdict: another corpus)")
    assert ours[4].endswith("(no verdict: another corpus)")
    paper = next(row for row in shown.rows if row[:2] == ("mlm", "paper"))
    assert "their corpus was never published" in paper[-1]


def test_the_published_table_is_whole_and_says_which_tickets_do_not_match_by_it() -> None:
    """Four of eleven are more than row standard deviation of dense below it, as printed."""
    published = {(row.task, row.kind, row.source): row for row in chen().tickets}
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
            row = published[task, *setting]
            assert row.std is None
            assert "a single number" in row.mark
        assert ("mismatched" in ticket.mark) is (task == "mnli")
    assert below == {"mrpc", "sst2", "cola", "mlm"}
    assert published["cola", "imp", ""].mean == 0.538
    strict = {row.task: row for row in chen().strict}
    assert strict.keys() == tasks
    assert {task for task, row in strict.items() if row.mark} == {"mnli", "wnli"}
    assert all(row.sparsity <= published[task, "imp", ""].sparsity for task, row in strict.items())
    assert not tasks & set(TASKS)


# --- claims ----------------------------------------------------------------------------------


def test_rewound_tickets_win_nothing() -> None:
    asked = config(2, 3, 1)
    imp = asked.imp.model_copy(update={"rewind_to": 50})
    claims = claims_of(study(asked.model_copy(update={"imp": imp, "rewind": asked.rewind.model_copy(
        update={"points": (0,)}
    )})))  # fmt: skip
    assert claims["tickets_exist"].word == "not run"
    assert "no ticket can be a winning one" in claims["tickets_exist"].why


def test_a_ticket_chosen_apart_may_fail_but_there_is_none_only_if_all_sparsities_fail() -> None:
    made = study(config(1, 3, 2))
    flat = {("entailment", "dense", 0, split): [0.9] * 3 for split in ("selection", "validation")}
    changes = {
        ("entailment", "imp", 1, "selection"): [0.5] * 3,
        ("entailment", "imp", 1, "validation"): [0.95] * 3,
        ("entailment", "imp", 2, "selection"): [0.95] * 3,
        ("entailment", "imp", 2, "validation"): [0.5] * 3,
    }
    claims = claims_of(made, with_scores(made, flat | changes))
    assert claims["tickets_exist"].word == "holds"
    apart = claims["tickets_exist_apart"]
    assert apart.tests[0].gain.mean == pytest.approx(-0.4)
    assert (apart.word, apart.tests[0].word) == ("undecided", "undecided")
    lost = {("entailment", "imp", 1, "validation"): [0.5] * 3}
    apart = claims_of(made, with_scores(made, flat | changes | lost))["tickets_exist_apart"]
    assert (apart.word, apart.tests[0].word) == ("does not hold", "does not hold")


def test_a_ticket_that_misses_the_rule_by_little_is_undecided() -> None:
    """Dense varies little, so half a point is a miss by one_std, and may be nothing by its interval."""
    made = study(config(1, 3, 1))
    changes = {
        ("entailment", kind, number, split): values
        for split in ("selection", "validation")
        for kind, number, values in (
            ("dense", 0, [0.9, 0.901, 0.902]),
            ("imp", 1, [0.88, 0.9, 0.908]),
            ("random", 1, [0.9, 0.9, 0.9]),
        )
    }
    claim = claims_of(made, with_scores(made, changes))["tickets_exist"]
    assert claim.here.startswith("0 of 1 by one_std; as good as dense: −0.5")
    assert claim.word == "undecided"
    worse = changes | {("entailment", "imp", 1, "validation"): [0.8, 0.801, 0.802]}
    assert claims_of(made, with_scores(made, worse))["tickets_exist"].word == "does not hold"


def test_a_random_mask_that_passes_the_papers_rule_is_named() -> None:
    made = study(config(1, 3, 1))
    assert "random mask" not in claims_of(made)["tickets_exist"].here
    passes = {
        ("entailment", kind, number, split): [0.8, 0.85, 0.9]
        for split in ("selection", "validation")
        for kind, number in (("dense", 0), ("imp", 1), ("random", 1))
    }
    scores = with_scores(made, passes)
    here = claims_of(made, scores)["tickets_exist"].here
    assert "with a random mask that passes it too on entailment" in here
    assert "the random mask of its size matches, too" in table_of(made, scores).rows[0][-1]


def test_controls_are_judged_at_the_sparsity_of_each_tasks_own_ticket() -> None:
    """Made up: all tickets are of 30 %; shuffled layers ran there for two tasks, random masks did not."""
    made = study(with_everything(config(3, 3, 2)))
    claims = claims_of(made)
    shuffled = claims["better_than_shuffled-layers"]
    assert shuffled.over == "2 of 3 tasks"
    assert shuffled.statement.endswith(
        "(here: shuffled layers, 2 of 3 tasks, at 30\N{NO-BREAK SPACE}%)"
    )
    assert [test.of for test in shuffled.tests] == ["entailment", "sentiment"]
    assert [test.gain.mean for test in shuffled.tests] == pytest.approx([0.891 - 0.6] * 2)
    assert claims["better_than_random"].word == "not run"
    assert claims["better_than_random"].why == (
        "not run: nothing at the sparsity of a ticket or below it"
    )
    sparser = with_scores(made, {("entailment", "imp", 2, "selection"): [0.95] * 3})
    again = claims_of(made, sparser)["better_than_shuffled-layers"]
    assert "at 30\N{NO-BREAK SPACE}% to 60\N{NO-BREAK SPACE}%)" in again.statement
    alone = claims_of(made, sparser)["better_than_random"]
    assert alone.over == "1 of 3 tasks"


def test_a_control_below_the_ticket_is_named() -> None:
    made = study(with_everything(config(1, 3, 2)))
    sparser = with_scores(made, {("entailment", "imp", 2, "selection"): [0.95] * 3})
    rows = [
        ScoreRow(
            **(vars(row) | {"score": sparser.of(Run(row.task, "imp", 2), row.split)[row.seed]})
        )
        if (row.kind, row.round, row.metric) == ("imp", 2, "accuracy")
        else row
        for row in made.scores
        if (row.kind, row.source, row.round) != ("control", "shuffled-layers", 2)
    ]
    statement = claims_of(made, Scores(rows))["better_than_shuffled-layers"].statement
    assert "entailment at 30\N{NO-BREAK SPACE}%, below its ticket's" in statement


def as_published(made: Study, names: dict[str, str], same_encoder: bool = True) -> dict[str, Claim]:
    """The claims of the study with tasks renamed to those of the paper, and with its encoder."""
    scores = renamed(made, names)
    tasks = [replace(row, task=names.get(row.task, row.task)) for row in made.tasks]
    standard = made.config.standard.model_copy(update={"tasks": ()})
    asked = made.config.model_copy(
        update={
            "tasks": tuple(names.get(task, task) for task in made.config.tasks),
            "standard": standard,
        }
    )
    size = shared.BERT_BASE if same_encoder else 1000
    layers = [Kept("x", 1, 1, 0.3, 0, "x", size, 5)]
    results = replace(made.results, scores=scores, tasks=tasks, layers=layers)
    return {claim.name: claim for claim in controls.section(results, asked).claims}


def test_the_same_number_is_over_the_tasks_that_both_have_at_the_papers_sparsity() -> None:
    """RTE and SST-2 at their 60 %; similarity has no counterpart, and the others are not lost."""
    made = study(with_everything(config(3, 3, 2)))

    def same(names: dict[str, str], same_encoder: bool = True) -> str:
        return as_published(made, names, same_encoder)["better_than_shuffled-layers"].same

    names = {"entailment": "rte", "sentiment": "sst2"}
    assert same(names) == "differs on 2 tasks"  # +26.4 points of the second round
    claim = as_published(made, names)["better_than_shuffled-layers"]
    assert [test.gain.mean for test in claim.tests] == pytest.approx([0.891 - 0.6] * 2)  # tickets'
    assert same({"entailment": "rte"}, same_encoder=False) == "no verdict: another encoder"
    assert same({}) == "no verdict: other tasks"
    assert same({"entailment": "cola"}) == "no verdict: other tasks"  # it has Matthews' correlation
    assert same({"entailment": "mnli"}) == "no verdict: not run at 70\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(("difference", "word"), [(0.133, "agrees"), (0.16, "differs")])
def test_one_shared_task_is_enough_to_agree(difference: float, word: str) -> None:
    """RTE, of which the paper's ticket is 13.3 points above its mask on shuffled weights."""
    made = study(with_everything(config(1, 3, 2)))
    moved = [
        replace(row, score=row.score + 0.264 - difference)
        if (row.kind, row.source) == ("control", "shuffled-layers")
        else row
        for row in made.scores
    ]
    claims = as_published(replace(made, scores=moved), {"entailment": "rte"})
    assert claims["better_than_shuffled-layers"].same == f"{word} on 1 task"


def test_a_task_without_evidence_enters_no_claim() -> None:
    made = study(with_everything(config(2, 3, 1)))
    low = {
        ("entailment", "dense", 0, split): [0.3, 0.5, 0.43] for split in ("selection", "validation")
    }
    scores = with_scores(made, low)
    claims = claims_of(made, scores)
    for name in ("tickets_exist", "better_than_random", "better_than_reinitialised"):
        assert [test.of for test in claims[name].tests] == ["sentiment"]
    both = low | {("sentiment", *place[1:]): values for place, values in low.items()}
    claims = claims_of(made, with_scores(made, both))
    assert {claim.word for claim in claims.values()} == {"no evidence"}
    assert claims["tickets_exist"].why == "no evidence: entailment, sentiment"


def test_the_papers_numbers_by_hand() -> None:
    """The least and the greatest of its ten tasks without WNLI."""
    claims = claims_of(study(config(1, 2, 1)))
    tasks = ["mnli", "qqp", "stsb", "qnli", "mrpc", "rte", "sst2", "cola", "squad", "mlm"]
    scores = [82.6, 90.0, 88.2, 88.9, 84.9, 66.0, 91.9, 53.8, 87.7, 63.2]
    levels = {
        "random": [67.5, 76.3, 21.0, 61.9, 69.6, 56.0, 83.1, 9.6, 31.8, 32.3],
        "reinitialised": [61.0, 77.0, 9.2, 60.5, 68.4, 54.5, 80.2, 0.0, 18.6, 14.4],
        "shuffled-layers": [70.1, 79.2, 19.6, 62.0, 69.6, 52.7, 82.6, 4.0, 24.2, 42.3],
    }
    for name, control in levels.items():
        gains = sorted((a - b, task) for a, b, task in zip(scores, control, tasks, strict=True))
        (low, least), (high, greatest) = gains[0], gains[-1]
        assert claims[f"better_than_{name}"].published == (
            f"+{low:.1f} ({least}) to +{high:.1f} ({greatest})"
        )
    assert claims["tickets_exist"].published.startswith("11 of 11")


@pytest.mark.parametrize("num_seeds", [1, 3])
def test_one_seed_decides_nothing(num_seeds: int) -> None:
    asked = with_everything(config(3, num_seeds, 2), tuple(range(1, num_seeds + 1)))
    held = {claim.word for claim in claims_of(study(asked)).values()}
    assert (held <= {"undecided", "not run"}) is (num_seeds == 1)
