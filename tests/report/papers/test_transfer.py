"""Statements of Chen et al. 2020 on transfer: the paper's numbers by hand, and what holds here."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stages.tickets import settings
from stages.tickets.report import transfers
from stages.tickets.report.claim import Claim
from stages.tickets.report.papers import shared
from stages.tickets.report.rows import Kept, ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import transfer, transfer_weights
from stages.tickets.settings import Study as Params
from stages.tickets.statistics import correlation
from tests.made_up import Study, chen, config, study, with_everything, with_language, with_scores

LARGE = Kept("entailment", 1, 1, 0.3, 0, "output.dense", shared.BERT_BASE, 1)


def claims_of(
    made: Study, scores: Scores | None = None, asked: Params | None = None, **tables: Any
) -> dict[str, Claim]:
    """The claims of a study, with other scores, settings or tables."""
    results = replace(made.results, scores=scores or made.found, **tables)
    asked = asked or made.config
    parts = [module.section(results, asked) for module in (transfer, transfer_weights)]
    return {claim.name: claim for part in parts for claim in part.claims}


def language(*seeds: int) -> Study:
    return study(with_language(config(3, len(seeds), 2), seeds))


def test_the_papers_numbers_by_hand() -> None:
    """Of transfers over other targets."""
    claims = claims_of(study(config(1, 2, 1)))
    own = [0.14, -0.25, -1.75, -5.17, -0.19, -9.66, -7.79, -2.06, -15.62, -2.83, -0.34]
    mlm = [0.20, -0.16, -0.97, 0.12, 0.30, -3.65, -6.35, -0.19, -7.36, -2.29]
    one_shot = [0.07, -0.57, -3.12, -1.41, -0.01, -12.68, -7.32, -0.99, -22.30, -2.83, -6.39]
    mean = claims["universal_mean"].published_value
    assert mean == pytest.approx((sum(mlm) - sum(own[:-1])) / 1000)
    mean = claims["one_shot"].published_value
    assert mean == pytest.approx((sum(one_shot) - sum(own)) / 1100)
    assert claims["universal"].published == "10 of 10"
    assert claims["best_source"].published == "mlm"
    assert claims["half_served"].published == "7 of 11"


def test_what_did_not_run_says_why() -> None:
    claims = claims_of(study(config(1, 2, 1, controls=False)))
    assert all(claim.verdict.startswith("not run: ") for claim in claims.values())
    assert {claim.holds for claim in claims.values()} == {"–"}


def test_mlm_is_universal_only_if_it_serves_all() -> None:
    """Made up: a source serves the targets that come after it by name; entailment serves all."""
    made = language(1, 2, 3)
    claims = claims_of(made)
    assert (claims["universal"].here, claims["universal"].holds) == ("1 of 2", "no")
    assert (claims["best_source"].here, claims["best_source"].over) == ("entailment", "3 sources")
    assert claims["best_source"].holds == "no"
    assert claims["best_source"].verdict == "no verdict: another encoder"
    assert claims["half_served"].here.endswith(" of 3")
    better = [
        ScoreRow(**(vars(row) | {"score": 0.99}))
        if (row.kind, row.source, row.metric) == ("transfer", "mlm", "accuracy")
        and row.task != "mlm"
        else row
        for row in made.scores
    ]
    claims = claims_of(made, Scores(better))
    assert (claims["universal"].here, claims["universal"].holds) == ("2 of 2", "yes")
    assert claims["universal"].verdict == "no verdict: another encoder"
    assert claims["best_source"].holds == "yes"


def test_one_seed_decides_nothing() -> None:
    claims = claims_of(language(1)).values()
    assert {claim.holds for claim in claims} <= {"unclear", "–"}
    assert not {"agrees", "differs", "direction only"} & {claim.verdict for claim in claims}


def test_the_one_shot_mask_is_judged_by_transfer_else_as_a_control() -> None:
    made = language(1, 2, 3)
    assert "control" not in claims_of(made)["one_shot"].statement
    narrow = made.config.transfer.model_copy(update={"sources": ()})
    again = study(made.config.model_copy(update={"transfer": narrow}))
    assert claims_of(again)["one_shot"].holds == "–"  # tickets are of 30 %, the control of 60 %
    matching = {(task, "imp", 2, "selection"): [0.95] * 3 for task in again.config.tasks}
    claim = claims_of(again, with_scores(again, matching))["one_shot"]
    assert "here: a control, 3 of 3 tasks, at 60" in claim.statement
    imp, control = (
        again.found.of(run) for run in (Run("mlm", "imp", 2), Run("mlm", "control", 2, "one-shot"))
    )
    by_hand = sum(control[seed] - imp[seed] for seed in (1, 2, 3)) / 3  # the same for every task
    assert claim.measured is not None
    assert claim.measured.mean == pytest.approx(by_hand)
    assert claim.holds == "yes"


def test_larger_sources_are_ranked() -> None:
    """Six GLUE-like sources would be needed for a small p; three leave it unclear."""
    made = study(with_everything(config(3, 3, 2)))
    claim = claims_of(made)["larger_sources"]
    assert claim.published == "0.81 (p 0.008, 10 sources)"
    assert claim.verdict == "not run: ranks need three sources of different sizes"
    sizes = dict(zip(made.config.tasks, (900, 90, 9), strict=True))
    tasks = [replace(row, train=sizes[row.task]) for row in made.tasks]
    claim = claims_of(made, tasks=tasks)["larger_sources"]
    assert claim.here.startswith("1.00 (p ")  # entailment transfers best, then sentiment
    assert (claim.holds, claim.verdict) == ("unclear", "no verdict: another encoder")
    assert (claim.n, claim.over) == (3, "3 sources")


def test_the_sources_weights_gain_nothing_if_they_are_worse_than_theta_0() -> None:
    """Made up: 0.80 at every point and 0.85 or 0.70 by transfer, each with the same noise by seed."""
    made = study(with_everything(config(3, 3, 2)))
    claim = claims_of(made)["weights"]
    number = made.config.transfer.round
    by_hand = [
        sum(
            made.found.of(Run(target, "transfer_weights", 50, "entailment"))[seed]
            - made.found.of(Run(target, "transfer", number, "entailment"))[seed]
            for target in ("sentiment", "similarity")
        )
        / 2
        for seed in (1, 2, 3)
    ]
    assert claim.measured is not None
    assert claim.measured.mean == pytest.approx(sum(by_hand) / 3)
    assert claim.over == "2 pairs of tasks"
    assert claim.holds == "yes"


def as_published(made: Study, names: dict[str, str]) -> dict[str, Claim]:
    """The claims of the study with tasks renamed to those of the paper, and with its encoder."""

    def renamed(tasks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(task, task) for task in tasks)

    def new(name: str) -> str:
        return names.get(name, name)

    rows = [replace(row, task=new(row.task), source=new(row.source)) for row in made.scores]
    places = {
        "sources": renamed(made.config.transfer.sources),
        "targets": renamed(made.config.transfer.targets),
    }
    update = {
        "tasks": renamed(made.config.tasks),
        "transfer": made.config.transfer.model_copy(update=places),
    }
    asked = made.config.model_copy(update=update)
    tasks = [replace(row, task=new(row.task)) for row in made.tasks]
    return claims_of(made, Scores(rows), asked, tasks=tasks, layers=[LARGE])


def at(sparsity: float) -> Params:
    """All that the paper has, with transfers at this sparsity."""
    asked = with_everything(config(3, 3, 2))
    last = asked.rounds[1].model_copy(update={"sparsity": sparsity})
    return asked.model_copy(update={"rounds": (asked.rounds[0], last)})


def test_transfers_are_compared_at_the_papers_sparsity_over_shared_targets() -> None:
    """Made up: what comes later by name serves a target 15 points worse."""
    names = {"entailment": "mnli", "sentiment": "sst2"}
    claim = as_published(study(at(0.7)), names)["one_shot"]
    assert claim.same is not None
    assert claim.same.over == "2 targets"
    assert claim.published_value == pytest.approx((0.0007 - 0.0014 - 0.0099 + 0.0206) / 2)
    assert as_published(study(at(0.6)), names)["one_shot"].verdict.startswith(
        "no verdict: masks of 60"
    )
    assert as_published(study(at(0.7)), {})["one_shot"].verdict == "no verdict: other tasks"


def test_masked_language_modelling_is_known_by_its_kind() -> None:
    made = language(1, 2, 3)
    usual, other = as_published(made, {}), as_published(made, {"mlm": "wikitext"})
    for name in ("universal", "universal_mean", "best_source"):
        assert other[name].here == usual[name].here.replace("mlm", "wikitext") != "–"
    assert other["universal"].holds == usual["universal"].holds
    assert claims_of(made, tasks=[])["universal"].verdict == (
        "not run: transfer.sources has no masked language modelling"
    )


def test_several_sources_of_masked_language_modelling_have_a_claim_each() -> None:
    made = language(1, 2, 3)
    tasks = [replace(row, kind="mlm") for row in made.tasks if row.task != "entailment"]
    claims = claims_of(made, tasks=tasks)
    assert {"universal_sentiment", "universal_mean_mlm", "several_tasks_mlm"} < set(claims)
    assert claims["universal_mlm"].statement.endswith(" (mlm)")


def test_the_papers_rank_correlation_by_hand() -> None:
    """Without SQuAD, whose training set is not one of GLUE's, 0.80; of plain means it would be 0.73."""
    sizes = {row.source: row.train for row in chen().dark if row.train is not None}
    assert sizes.pop("squad") == 87599
    levels = transfers.published_from_dense(chen().transfers)
    gains = transfers.all_centred(levels, list(sizes))
    ranks = correlation.of_ranks(
        np.array(list(sizes.values()), float), np.array(list(gains.values()))
    )
    assert ranks == pytest.approx(0.8)


def test_every_published_metric_is_one_of_its_kind_of_task() -> None:
    kinds: dict[str, settings.Kind] = {"stsb": "regression", "squad": "span", "mlm": "mlm"}
    for row in chen().tickets:
        assert row.metric in settings.ALLOWED_METRICS[kinds.get(row.task, "classification")]
