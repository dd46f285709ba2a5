"""Statements of Chen et al. 2020 on transfer: the paper's numbers by hand, and what holds here."""

from dataclasses import replace
from typing import Any

import pytest

from stages.tickets import settings
from stages.tickets.report import transfers
from stages.tickets.report.claim import BEYOND_CHEN, Claim, decided
from stages.tickets.report.papers import shared
from stages.tickets.report.rows import Kept, ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import transfer, transfer_weights
from stages.tickets.settings import Study as Params
from tests.made_up import Study, chen, config, study, with_everything, with_language, with_scores

LARGE = Kept("entailment", 1, 1, 0.3, 0, "output.dense", shared.BERT_BASE, 1)


def claims_of(
    made: Study, scores: Scores | None = None, asked: Params | None = None, **tables: Any
) -> dict[str, Claim]:
    """The claims of a study, with other scores, settings or tables."""
    results = replace(made.results, scores=scores or made.found, **tables)
    asked = asked or made.config
    parts = [module.section(results, asked) for module in (transfer, transfer_weights)]
    claims = decided([claim for part in parts for claim in part.claims], 0.95)
    return {claim.name: claim for claim in claims}


def language(*seeds: int) -> Study:
    return study(with_language(config(3, len(seeds), 2), seeds))


def test_the_papers_numbers_by_hand() -> None:
    """Without WNLI as source or target: MNLI 0.20 - 0.14, CoLA -7.36 + 15.62, and so on."""
    claims = claims_of(study(config(1, 2, 1)))
    assert claims["universal"].published == "as printed 10 of 10; +0.1 (mnli) to +8.3 (cola)"
    assert claims["one_shot"].published == "−6.7 (cola) to +1.1 (sst2)"
    cola = [-43.32, -38.01, -50.20, -50.86, -47.03, -52.96, -46.99, -46.48]
    best = -7.36 - sum(cola) / len(cola)
    assert claims["best_source"].published.endswith(f"to +{best:.1f} (cola)")
    assert claims["half_served"].published == "7 of 11"


def test_what_did_not_run_says_why() -> None:
    claims = claims_of(study(config(1, 2, 1, controls=False)))
    assert all(claim.why.startswith("not run: ") for claim in claims.values())
    assert {claim.word for claim in claims.values()} == {"not run"}


def test_mlm_is_universal_only_if_it_serves_all() -> None:
    """Made up: a source serves the targets that come after it by name; entailment serves all."""
    made = language(1, 2, 3)
    claims = claims_of(made)
    assert claims["universal"].here == "−15.0 (entailment) to 0.0 (sentiment); 1 of 2 hold, 1 not"
    assert (claims["universal"].word, claims["universal"].over) == ("does not hold", "2 targets")
    assert claims["best_source"].here.startswith("0.0 (entailment); 0 of 2 hold")
    assert claims["best_source"].word == "undecided"
    assert claims["best_source"].same == "no verdict: another encoder"
    assert claims["half_served"].here == "3 of 6 cells hold, 3 not"
    better = [
        ScoreRow(**(vars(row) | {"score": 0.99}))
        if (row.kind, row.source, row.metric) == ("transfer", "mlm", "accuracy")
        and row.task != "mlm"
        else row
        for row in made.scores
    ]
    claims = claims_of(made, Scores(better))
    assert "2 of 2 hold" in claims["universal"].here
    assert claims["universal"].same == "no verdict: another encoder"


@pytest.mark.parametrize(
    ("fails", "wide", "word"),
    [
        (0, 0, "holds"),
        (1, 0, "holds"),
        (3, 0, "holds"),
        (4, 1, "undecided"),
        (4, 0, "does not hold"),
    ],
)
def test_half_of_the_targets_decides_for_a_source_and_half_of_the_sources_for_all(
    fails: int, wide: int, word: str
) -> None:
    """Three sources on two others each: one cell is enough for a source, two sources for the claim."""
    made = study(with_everything(config(3, 3, 2)))
    tasks = made.config.tasks
    places = [(a, b) for a in tasks for b in tasks if a != b]
    low = places[:fails]  # one source after the other
    rows = [row for row in made.scores if row.kind != "transfer"]
    for row in made.scores:
        if row.kind != "transfer" or row.split != "validation" or row.metric == "loss":
            continue
        place = row.source, row.task
        level = 0.8 if place in low else 0.9
        if place in low[fails - wide :]:
            level = 0.9 - 0.05 * (row.seed or 0)  # too wide to tell
        rows.append(ScoreRow(**(vars(row) | {"score": level + 0.001 * (row.seed or 0)})))
    claim = claims_of(made, Scores(rows))["half_served"]
    assert claim.word == word


def test_one_seed_decides_nothing() -> None:
    known = claims_of(language(1))
    assert known["universal"].here.endswith("0 of 2 hold, 2 undecided; one seed")
    assert known["half_served"].here == "0 of 6 cells hold, 6 undecided; one seed"
    assert "one seed" not in claims_of(language(1, 2, 3))["universal"].here
    claims = known.values()
    assert {claim.word for claim in claims} <= {"undecided", "not run"}
    assert not {"agrees", "differs"} & {claim.same.split(" on ")[0] for claim in claims}


def test_the_one_shot_mask_is_judged_by_transfer_else_as_a_control() -> None:
    made = language(1, 2, 3)
    assert "control" not in claims_of(made)["one_shot"].statement
    assert claims_of(made)["one_shot"].paper == BEYOND_CHEN  # no sentence of the paper says it
    narrow = made.config.transfer.model_copy(update={"sources": ()})
    again = study(made.config.model_copy(update={"transfer": narrow}))
    assert (
        claims_of(again)["one_shot"].word == "not run"
    )  # tickets are of 30 %, the control of 60 %
    matching = {(task, "imp", 2, "selection"): [0.95] * 3 for task in again.config.tasks}
    claim = claims_of(again, with_scores(again, matching))["one_shot"]
    assert "here: a control, 3 of 3 tasks, at 60" in claim.statement
    imp, control = (
        again.found.of(run) for run in (Run("mlm", "imp", 2), Run("mlm", "control", 2, "one-shot"))
    )
    by_hand = sum(control[seed] - imp[seed] for seed in (1, 2, 3)) / 3  # the same for every task
    assert [test.gain.mean for test in claim.tests] == pytest.approx([by_hand] * 3)
    assert claim.word == "holds"


def test_larger_sources_are_ranked() -> None:
    """Six GLUE-like sources would be needed for a small p; three leave it undecided."""
    made = study(with_everything(config(3, 3, 2)))
    claim = claims_of(made)["larger_sources"]
    assert claim.published.endswith("9 sources)")
    assert claim.why == "not run: ranks need three sources of different sizes"
    sizes = dict(zip(made.config.tasks, (900, 90, 9), strict=True))
    tasks = [replace(row, train=sizes[row.task]) for row in made.tasks]
    claim = claims_of(made, tasks=tasks)["larger_sources"]
    assert claim.here.startswith("1.00 (p ")  # entailment transfers best, then sentiment
    assert (claim.word, claim.same) == ("undecided", "no verdict: another encoder")
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
            for seed in (1, 2, 3)
        )
        / 3
        for target in ("sentiment", "similarity")
    ]
    assert [test.gain.mean for test in claim.tests] == pytest.approx(by_hand)
    assert (claim.over, claim.word) == ("2 intervals", "holds")


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
    assert claim.same in ("differs on 2 targets", "agrees on 2 targets")
    assert as_published(study(at(0.6)), names)["one_shot"].same.startswith(
        "no verdict: masks of 60"
    )
    assert as_published(study(at(0.7)), {})["one_shot"].same == "no verdict: other tasks"


def test_masked_language_modelling_is_known_by_its_kind() -> None:
    made = language(1, 2, 3)
    usual, other = as_published(made, {}), as_published(made, {"mlm": "wikitext"})
    for name in ("universal", "best_source"):
        assert other[name].here == usual[name].here.replace("mlm", "wikitext") != "–"
    assert other["universal"].word == usual["universal"].word
    assert claims_of(made, tasks=[])["universal"].why == (
        "not run: transfer.sources has no masked language modelling"
    )


def test_several_sources_of_masked_language_modelling_have_a_claim_each() -> None:
    made = language(1, 2, 3)
    tasks = [replace(row, kind="mlm") for row in made.tasks if row.task != "entailment"]
    claims = claims_of(made, tasks=tasks)
    assert {"universal_sentiment", "best_source_mlm", "several_tasks_mlm"} < set(claims)
    assert claims["universal_mlm"].statement.endswith(" (mlm)")


def test_the_papers_rank_correlation_by_hand() -> None:
    """Of the mean rank of every source among the others on the same target but WNLI and itself."""
    sizes = {row.source: row.train for row in chen().dark if row.train and row.source != "wnli"}
    cells = {(row.source, row.target): row.difference for row in chen().transfers}
    ranks = {}
    for source in sizes:
        shares = []
        for target in sizes.keys() - {source}:
            others = [cells[other, target] for other in sizes if other not in (source, target)]
            own = cells[source, target]
            shares.append(sum((own > other) - (own < other) for other in others) / len(others))
        ranks[source] = sum(shares) / len(shares)
    levels = transfers.published_from_dense(chen().transfers)
    usable = {place: level for place, level in levels.items() if place[1] in sizes}
    assert transfers.mean_ranks(usable, list(sizes)) == pytest.approx(ranks)


def test_every_published_metric_is_one_of_its_kind_of_task() -> None:
    kinds: dict[str, settings.Kind] = {"stsb": "regression", "squad": "span", "mlm": "mlm"}
    for row in chen().tickets:
        assert row.metric in settings.ALLOWED_METRICS[kinds.get(row.task, "classification")]
