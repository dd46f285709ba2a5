"""Statements of Chen et al. 2020: bounds by hand, the paper's numbers, and what did not run."""

import math
from typing import Any

import numpy as np
import pytest

from stages.tickets import settings
from stages.tickets.report import checks, chen_claims, chen_tables, transfer_claims
from stages.tickets.report.checks import BEYOND, Checked, Data
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.settings import Study as Params
from stages.tickets.statistics import correlation
from stages.tickets.statistics.intervals import Difference, Summary
from tests.made_up import Study, chen, config, study, with_everything, with_scores


def data(made: Study, scores: Scores | None = None) -> Data:
    same = chen_tables.same_encoder(made.layers)
    return Data(scores or made.found, made.tasks, made.agreement, same, made.chen)


def checked(made: Study, scores: Scores | None = None) -> dict[str, Checked]:
    return {one.name: one for one in chen_claims.check(data(made, scores), made.config)}


def whole(*seeds: int, mlm: bool = True) -> Params:
    """Of three tasks, one of which plays masked language modelling."""
    asked = with_everything(config(3, len(seeds), 2), seeds)
    return asked if not mlm else _named(asked)


def _named(asked: Params) -> Params:
    """The shipped MLM task instead of the third."""
    tasks = (*asked.tasks[:2], "mlm")
    lists: dict[str, Any] = {
        "rewind": {"tasks": tasks},
        "standard": {"tasks": tasks},
        "transfer": {"sources": (*tasks, "one-shot"), "targets": tasks},
    }
    changed = {name: getattr(asked, name).model_copy(update=new) for name, new in lists.items()}
    described = dict(asked.data) | {"mlm": asked.data["similarity"]}
    return asked.model_copy(update={"tasks": tasks, "data": described} | changed)


def one(low: float | None, high: float | None) -> Summary:
    return Summary(0.0, None, low, high, 3)


@pytest.mark.parametrize(
    ("bounds", "found", "said"),
    [
        ((0.0, math.inf), one(0.1, 0.3), "yes"),
        ((0.0, math.inf), one(-0.1, 0.3), "unclear"),
        ((0.0, math.inf), one(-0.3, -0.1), "no"),
        ((-math.inf, 0.02), one(-0.5, 0.02), "yes"),
        ((-math.inf, 0.02), one(0.021, 0.5), "no"),
        ((-0.03, 0.02), one(-0.03, 0.02), "yes"),
        ((-0.03, 0.02), one(-0.04, 0.01), "unclear"),
        ((-0.03, 0.02), one(None, None), "unclear"),
        ((-0.03, 0.02), None, "–"),
    ],
)
def test_a_statement_holds_by_the_whole_of_the_interval(
    bounds: tuple[float, float], found: Summary | None, said: str
) -> None:
    assert checks.within(*bounds, found) == said


def test_the_papers_numbers_by_hand() -> None:
    """Over its ten tasks without WNLI; of transfers, over other targets."""
    found = checked(study(config(1, 2, 1)))
    tickets = [82.6, 90.0, 88.2, 88.9, 84.9, 66.0, 91.9, 53.8, 87.7, 63.2]
    random = [67.5, 76.3, 21.0, 61.9, 69.6, 56.0, 83.1, 9.6, 31.8, 32.3]
    fresh = [61.0, 77.0, 9.2, 60.5, 68.4, 54.5, 80.2, 0.0, 18.6, 14.4]
    moved = [70.1, 79.2, 19.6, 62.0, 69.6, 52.7, 82.6, 4.0, 24.2, 42.3]
    for name, controls in (
        ("random", random),
        ("reinitialised", fresh),
        ("shuffled-layers", moved),
    ):
        mean = sum(a - b for a, b in zip(tickets, controls, strict=True)) / 1000
        assert found[f"better_than_{name}"].paper_value == pytest.approx(mean)
    own = [0.14, -0.25, -1.75, -5.17, -0.19, -9.66, -7.79, -2.06, -15.62, -2.83, -0.34]
    mlm = [0.20, -0.16, -0.97, 0.12, 0.30, -3.65, -6.35, -0.19, -7.36, -2.29]
    one_shot = [0.07, -0.57, -3.12, -1.41, -0.01, -12.68, -7.32, -0.99, -22.30, -2.83, -6.39]
    assert found["universal_mean"].paper_value == pytest.approx((sum(mlm) - sum(own[:-1])) / 1000)
    assert found["one_shot"].paper_value == pytest.approx((sum(one_shot) - sum(own)) / 1100)
    assert found["universal"].paper == "10 of 10"
    assert found["best_source"].paper == "mlm"
    assert found["tickets_exist"].paper.startswith("11 of 11")
    for name in ("rewinding", "standard"):
        assert found[name].paper_value is None
        assert "could not be verified" in found[name].mark


def test_what_did_not_run_says_why() -> None:
    made = study(config(1, 2, 1, controls=False))
    found = checked(made)
    assert {name for name, claim in found.items() if not claim.verdict.startswith("not run: ")} == {
        "tickets_exist",
        "tickets_exist_apart",
    }
    table = chen_claims.chen_claims_table(data(made), made.config)
    assert f"{len(found) - 2 - len(BEYOND)} not run" in chen_claims.on_chen_claims(table)


def test_differences_are_means_over_tasks_by_seed() -> None:
    """Made up: rewinding to 50 % brings 5 points, standard pruning loses 2.1, the aliased mask 6.4."""
    found = checked(study(whole(1, 2, 3)))
    assert (found["rewinding"].holds, found["rewinding"].n) == ("no", 3)
    assert "+5.0" in found["rewinding"].here
    assert found["standard"].holds == "yes"
    assert found["aliased"].found is not None
    assert found["aliased"].found.mean == pytest.approx(-0.064)
    assert found["aliased"].holds == "no"
    assert found["better_than_shuffled-layers"].holds == "yes"
    assert found["masks_agree"].holds == "yes"


def test_mlm_is_universal_only_if_it_serves_all() -> None:
    """Made up: a source serves the targets that come after it by name; entailment serves all."""
    made = study(whole(1, 2, 3))
    found = checked(made)
    assert (found["universal"].here, found["universal"].holds) == ("1 of 2", "no")
    assert (found["best_source"].here, found["best_source"].over) == ("entailment", "3 sources")
    assert found["best_source"].holds == "no"
    assert found["best_source"].verdict == "no verdict: another encoder"
    rows = [
        type(row)(**(vars(row) | {"score": 0.99}))
        if (row.kind, row.source, row.metric) == ("transfer", "mlm", "accuracy")
        and row.task != "mlm"
        else row
        for row in made.scores
    ]
    found = checked(made, Scores(rows))
    assert (found["universal"].here, found["universal"].holds) == ("2 of 2", "yes")
    assert found["universal"].verdict == "no verdict: another encoder"
    assert found["best_source"].holds == "yes"


def test_one_seed_decides_nothing() -> None:
    held = {name: claim.holds for name, claim in checked(study(whole(1))).items()}
    assert set(held.values()) <= {"unclear", "–"}
    verdicts = {claim.verdict for claim in checked(study(whole(1))).values()}
    assert not {"agrees", "differs", "direction only"} & verdicts


def test_rewound_tickets_win_nothing() -> None:
    asked = config(2, 3, 1)
    imp = asked.imp.model_copy(update={"rewind_to": 50})
    found = checked(study(asked.model_copy(update={"imp": imp, "rewind": asked.rewind.model_copy(
        update={"points": (0,)}
    )})))  # fmt: skip
    assert found["tickets_exist"].holds == "–"
    assert "no ticket can be a winning one" in found["tickets_exist"].verdict


def test_tickets_chosen_apart_may_fail_where_those_chosen_on_validation_do_not() -> None:
    made = study(config(1, 3, 2))
    flat = {("entailment", "dense", 0, split): [0.9] * 3 for split in ("selection", "validation")}
    changes = {
        ("entailment", "imp", 1, "selection"): [0.5] * 3,
        ("entailment", "imp", 1, "validation"): [0.95] * 3,
        ("entailment", "imp", 2, "selection"): [0.95] * 3,
        ("entailment", "imp", 2, "validation"): [0.5] * 3,
    }
    found = checked(made, with_scores(made, flat | changes))
    assert (found["tickets_exist"].holds, found["tickets_exist_apart"].holds) == ("yes", "no")


def test_the_one_shot_mask_is_judged_by_transfer_else_as_a_control() -> None:
    made = study(whole(1, 2, 3))
    assert "control" not in checked(made)["one_shot"].statement
    narrow = made.config.transfer.model_copy(update={"sources": ()})
    again = study(made.config.model_copy(update={"transfer": narrow}))
    assert checked(again)["one_shot"].holds == "–"  # the tickets are of 30 %, the control of 60 %
    matching = {(task, "imp", 2, "selection"): [0.95] * 3 for task in again.config.tasks}
    found = checked(again, with_scores(again, matching))["one_shot"]
    assert "here: a control, 3 of 3 tasks, at 60" in found.statement
    assert found.found is not None
    imp, control = (
        again.found.of(run) for run in (Run("mlm", "imp", 2), Run("mlm", "control", 2, "one-shot"))
    )
    by_hand = sum(control[s] - imp[s] for s in (1, 2, 3)) / 3  # the same for every task
    assert found.found.mean == pytest.approx(by_hand)
    assert found.holds == "yes"


def test_larger_sources_are_ranked() -> None:
    """Six GLUE-like sources would be needed for a small p; three leave it unclear."""
    found = checked(study(whole(1, 2, 3, mlm=False)))["larger_sources"]
    assert found.paper == "0.81 (p 0.008, 10 sources)"
    assert found.verdict == "not run: ranks need three sources of different sizes"
    made = study(whole(1, 2, 3, mlm=False))
    sizes = dict(zip(made.config.tasks, (900, 90, 9), strict=True))
    tasks = [type(one)(**(vars(one) | {"train": sizes[one.task]})) for one in made.tasks]
    changed = data(made)
    claims = chen_claims.check(
        Data(changed.scores, tasks, changed.agreement, False, changed.published), made.config
    )
    here = next(claim for claim in claims if claim.name == "larger_sources")
    assert here.here.startswith("1.00 (p ")  # entailment transfers best, then sentiment
    assert (here.holds, here.verdict) == ("unclear", "no verdict: another encoder")
    assert (here.n, here.over) == (3, "3 sources")


# --- at which sparsity, and over which tasks -------------------------------------------------


def test_controls_are_judged_at_the_sparsity_of_each_tasks_own_ticket() -> None:
    """Made up: all tickets are of 30 %; shuffled layers ran there for two tasks, random masks did not."""
    made = study(with_everything(config(3, 3, 2)))
    found = checked(made)
    shuffled = found["better_than_shuffled-layers"]
    assert shuffled.over == "2 of 3 tasks"
    assert shuffled.statement.endswith(
        "(here: shuffled layers, 2 of 3 tasks, at 30\N{NO-BREAK SPACE}%)"
    )
    assert shuffled.found is not None
    assert shuffled.found.mean == pytest.approx(0.891 - 0.6)
    assert found["better_than_random"].holds == "–"
    assert found["better_than_random"].verdict == (
        "not run: nothing at the sparsity of a ticket or below it"
    )
    sparser = with_scores(made, {("entailment", "imp", 2, "selection"): [0.95] * 3})
    again = checked(made, sparser)["better_than_shuffled-layers"]
    assert "at 30\N{NO-BREAK SPACE}% to 60\N{NO-BREAK SPACE}%)" in again.statement
    alone = checked(made, sparser)["better_than_random"]
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
    statement = checked(made, Scores(rows))["better_than_shuffled-layers"].statement
    assert "entailment at 30\N{NO-BREAK SPACE}%, below its ticket's" in statement


def as_published(
    made: Study, names: dict[str, str], same_encoder: bool = True
) -> dict[str, Checked]:
    """The study with tasks renamed to those of the paper."""
    scores = Scores(
        ScoreRow(
            **(
                vars(row)
                | {
                    "task": names.get(row.task, row.task),
                    "source": names.get(row.source, row.source),
                }
            )
        )
        for row in made.scores
    )

    def renamed(tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(task, task) for task in tasks)

    transfer, standard = made.config.transfer, made.config.standard
    places = {"sources": renamed(transfer.sources), "targets": renamed(transfer.targets)}
    asked = made.config.model_copy(
        update={
            "tasks": renamed(made.config.tasks),
            "standard": standard.model_copy(update={"tasks": renamed(standard.tasks)}),
            "transfer": transfer.model_copy(update=places),
        }
    )
    tasks = [
        type(one)(**(vars(one) | {"task": names.get(one.task, one.task)})) for one in made.tasks
    ]
    found = Data(scores, tasks, made.agreement, same_encoder, made.chen)
    return {one.name: one for one in chen_claims.check(found, asked)}


def test_the_same_number_is_over_the_tasks_that_both_have_at_the_papers_sparsity() -> None:
    """RTE and SST-2 at their 60 %; similarity has no counterpart, and the others are not lost."""
    made = study(with_everything(config(3, 3, 2)))
    found = as_published(made, {"entailment": "rte", "sentiment": "sst2"})[
        "better_than_shuffled-layers"
    ]
    assert found.same is not None
    assert found.same.found is not None
    assert found.paper_value == pytest.approx(((0.66 - 0.527) + (0.919 - 0.826)) / 2)
    assert found.same.found.mean == pytest.approx(0.864 - 0.6)  # of the second round
    assert found.same.over == "2 tasks"
    assert found.found is not None
    assert found.found.mean == pytest.approx(0.891 - 0.6)  # of the tickets
    other = as_published(made, {"entailment": "rte"}, same_encoder=False)[
        "better_than_shuffled-layers"
    ]
    assert other.verdict == "no verdict: another encoder"
    none = as_published(made, {})["better_than_shuffled-layers"]
    assert none.verdict == "no verdict: other tasks"
    metric = as_published(made, {"entailment": "cola"})["better_than_shuffled-layers"]
    assert metric.verdict == "no verdict: other tasks"  # of the paper in Matthews' correlation
    sparser = as_published(made, {"entailment": "mnli"})["better_than_shuffled-layers"]
    assert sparser.verdict == "no verdict: not run at 70\N{NO-BREAK SPACE}%"


def test_transfers_are_compared_at_the_papers_sparsity_over_shared_targets() -> None:
    """Made up: what comes later by name serves a target 15 points worse."""
    asked = with_everything(config(3, 3, 2))
    rounds = (asked.rounds[0], asked.rounds[1].model_copy(update={"sparsity": 0.7}))
    names = {"entailment": "mnli", "sentiment": "sst2"}
    found = as_published(study(asked.model_copy(update={"rounds": rounds})), names)["one_shot"]
    assert found.same is not None
    assert found.same.over == "2 targets"
    assert found.paper_value == pytest.approx((0.0007 - 0.0014 - 0.0099 + 0.0206) / 2)
    at_sixty = as_published(study(asked), names)["one_shot"]
    assert at_sixty.verdict.startswith("no verdict: masks of 60")


def test_masked_language_modelling_is_known_by_its_kind() -> None:
    made = study(whole(1, 2, 3))
    usual, other = as_published(made, {}), as_published(made, {"mlm": "wikitext"})
    for name in ("universal", "universal_mean", "best_source"):
        assert other[name].here == usual[name].here.replace("mlm", "wikitext") != "–"
    assert other["universal"].holds == usual["universal"].holds
    as_text = Data(made.found, [], made.agreement, False, made.chen)
    unknown = {one.name: one for one in chen_claims.check(as_text, made.config)}
    assert (
        unknown["universal"].verdict == "not run: transfer.sources has no masked language modelling"
    )


# --- rules ------------------------------------------------------------------------------------


def gain(mean: float, half: float) -> Difference:
    return Difference(mean, 0.01, mean - half, mean + half, 3, None)


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((0.05, -0.05), "no"),  # their mean is 0
        ((0.005, -0.005), "yes"),
        ((0.005, 0.018), "unclear"),
        ((0.005, 0.018, 0.05), "no"),
    ],
)
def test_the_worst_task_decides(gains: tuple[float, ...], said: str) -> None:
    found = {str(number): gain(mean, 0.005) for number, mean in enumerate(gains)}
    claim = checks.of_worst(("name", "statement"), (-0.03, 0.02), found, "not run")
    assert claim.holds == said
    assert claim.n == 3


def test_tickets_not_surely_above_the_majority_leave_it_unclear() -> None:
    made = study(config(2, 3, 1))
    assert checked(made)["tickets_exist"].holds == "yes"
    low = {
        ("entailment", kind, number, split): [0.39, 0.4, 0.41]
        for kind, number in (("dense", 0), ("imp", 1))
        for split in ("selection", "validation")
    }
    found = checked(made, with_scores(made, low))["tickets_exist"]
    assert found.holds == "unclear"
    assert found.here.endswith(", 1 not surely above the majority")


def test_the_papers_rank_correlation_by_hand() -> None:
    """Without SQuAD, whose training set is not one of GLUE's, 0.80; of plain means it would be 0.73."""
    published = chen()
    sizes = {one.source: one.train for one in published.dark if one.train is not None}
    assert sizes.pop("squad") == 87599
    levels = transfer_claims.centred_there(published.transfers, list(sizes))
    assert correlation.of_ranks(
        np.array(list(sizes.values()), float), np.array(list(levels.values()))
    ) == pytest.approx(0.8)


def test_most_sources_serve_half_of_the_targets_as_the_paper_says() -> None:
    found = checked(study(whole(1, 2, 3)))["half_served"]
    assert found.paper == "7 of 11"
    assert found.here.endswith(" of 3")


def test_every_published_metric_is_one_of_its_kind_of_task() -> None:
    kinds: dict[str, settings.Kind] = {"stsb": "regression", "squad": "span", "mlm": "mlm"}
    for one in chen().tickets:
        assert one.metric in settings.ALLOWED_METRICS[kinds.get(one.task, "classification")]
