"""Channels chosen layer by layer in the report, on made-up results."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets import files
from stages.tickets.greedy import ranking
from stages.tickets.report.claim import FAILS, HOLDS, UNDECIDED, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import greedy
from stages.tickets.settings.quantized import Greedy
from tests.made_up import Study, config, study

SEEDS = (1, 2, 3, 4, 5)
SPARSITIES = (0.25, 0.75, 0.9)
TASKS = ("sentiment", "entailment")
ORDERS = ("greedy", "one-shot", "magnitude", "random")
WINDOWS = ("greedy", "reversed", "one-shot", "magnitude")
LOSS = {"greedy": 0.1, "reversed": 0.13, "one-shot": 0.14, "magnitude": 0.09, "random": 0.3}
"""Points below the dense model if all is dropped, made up, as a share of 1."""
SLOPE = {"heads": 0.4, "neurons": 0.8}
"""How far tau is below 1 if all of the earlier layers is dropped."""
LAYERS = 6


@pytest.fixture(scope="module")
def made() -> Study:
    asked = Greedy.model_validate(
        {
            "tasks": TASKS,
            "seeds": SEEDS,
            "sparsities": SPARSITIES,
            "orders": ORDERS,
            "windows": WINDOWS,
            "keep_weights": (),
            "examples": 9,
        }
    )
    return study(config(2, len(SEEDS), 2).model_copy(update={"greedy": asked}))


def scores(made: Study) -> list[ScoreRow]:
    """Scores of all runs, as losses below the dense model; training on takes most of them back."""
    rows: list[ScoreRow] = []
    states = {"untrained": (ORDERS, 1.0), "trained": (ORDERS, 0.1), "within": (WINDOWS, 0.3)}
    for row in made.scores:
        if (row.kind, row.split, row.headline) != ("dense", "validation", True):
            continue
        if row.task not in TASKS:
            continue
        for state, (orders, share) in states.items():
            for order in orders:
                for sparsity in SPARSITIES:
                    assert row.seed
                    loss = share * LOSS[order] * sparsity * (1 + 0.01 * row.seed)
                    rows.append(
                        replace(
                            row,
                            kind="channels",
                            source=f"{state} {order} {sparsity}",
                            score=row.score - loss,
                            sparsity=sparsity - 0.01,
                        )
                    )
    return rows


def save_ranks(folder: Path, rises: bool = False) -> None:
    """What the stage `choose-channels` would have written."""
    for task in TASKS:
        for seed in SEEDS:
            table = []
            for sparsity in SPARSITIES:
                for layer in range(LAYERS):
                    for part, slope in SLOPE.items():
                        share = 1 - sparsity if rises else sparsity
                        depth = (layer + (part == "neurons") / 2) / LAYERS
                        tau = 1 - slope * share * depth * (1 + 0.02 * seed)
                        values = (layer, part, sparsity, 12, 3, tau, tau / 2, 1 - sparsity)
                        row = dict(zip(ranking.ROW, values, strict=True))
                        table.append({"task": task, "seed": seed} | row)
            path = folder / "runs" / "channels" / task / f"seed-{seed}" / "ranks.csv"
            files.save_table(table, ("task", "seed", *ranking.ROW), path)


@pytest.fixture(scope="module")
def section(made: Study, tmp_path_factory: pytest.TempPathFactory) -> Section:
    folder = tmp_path_factory.mktemp("measured") / "results"
    save_ranks(folder)
    return of(made, folder)


def of(made: Study, folder: Path) -> Section:
    all_scores = Scores([*made.scores, *scores(made)])
    return greedy.section(replace(made.results, scores=all_scores, folder=folder), made.config)


def test_rankings_are_means_over_layers_with_a_prefix(section: Section) -> None:
    rows = {(row["task"], row["part"], row["sparsity"]): row for row in section.tables[0].records}
    assert len(rows) == 2 * 2 * 3
    for (_, part, sparsity), row in rows.items():
        depth = 0.5 if part == "heads" else 3 / LAYERS  # heads of layer 0 do not count
        expected = 1 - SLOPE[str(part)] * float(str(sparsity)) * depth * 1.06
        assert row["tau_mean"] == pytest.approx(expected, abs=1e-5)
        assert row["tau_low"] < expected < row["tau_high"]  # type: ignore[operator]
        assert row["tau_n"] == 5
        assert row["jaccard"] == pytest.approx(expected / 2, abs=1e-5)
        deepest = 5 / 6 if part == "heads" else 5.5 / 6
        least = 1 - SLOPE[str(part)] * float(str(sparsity)) * deepest * 1.06
        assert row["least"] == pytest.approx(least, abs=1e-3)


def test_scores_stand_beside_those_of_other_orders(section: Section) -> None:
    rows = {(row["task"], row["state"], row["dropped"]): row for row in section.tables[1].records}
    assert len(rows) == 2 * 3 * 3
    for (_, state, dropped), row in rows.items():
        share = {"untrained": 1.0, "trained": 0.1, "within": 0.3}[str(state)]
        share *= float(str(dropped)) * 1.03
        assert row["left"] == pytest.approx(1.01 - float(str(dropped)))
        assert row["minus_one_shot_mean"] == pytest.approx(0.04 * share, abs=1e-6)
        assert row["minus_dense_mean"] == pytest.approx(-0.1 * share, abs=1e-6)
        missing = "random" if state == "within" else "reversed"
        assert row[f"{missing}_mean"] is None
        if state != "within":
            assert row["minus_random_mean"] == pytest.approx(0.2 * share, abs=1e-6)


def test_claims_follow_the_one_rule(section: Section) -> None:
    """Magnitude is better in these numbers, and greedy than all others."""
    claims = {claim.name: claim for claim in decided(section.claims, 0.95)}
    assert {name: claim.word for name, claim in claims.items()} == {
        "channels_depend": HOLDS,
        "channels_depend_more": HOLDS,
        "channels_untrained": HOLDS,
        "channels_one_shot": HOLDS,
        "channels_reversed": HOLDS,
        "channels_magnitude": FAILS,
    }
    assert [test.of for test in claims["channels_depend"].tests] == [
        f"{task} {part}" for task in TASKS for part in SLOPE
    ]
    (first, _) = claims["channels_one_shot"].tests
    mean = sum(SPARSITIES) / len(SPARSITIES)
    assert first.gain.mean == pytest.approx(0.3 * 0.04 * 1.03 * mean, abs=1e-5)


def test_a_ranking_that_hardly_changes_does_not_depend(made: Study, tmp_path: Path) -> None:
    """Here tau is nearest to 1 where most is dropped: 0.98 and more."""
    save_ranks(tmp_path / "results", rises=True)
    words = {
        claim.name: claim.word for claim in decided(of(made, tmp_path / "results").claims, 0.95)
    }
    assert words["channels_depend"] == FAILS
    assert words["channels_depend_more"] == FAILS


def test_the_answer_names_the_highest_sparsity(section: Section) -> None:
    answer = section.answer.replace("\N{NO-BREAK SPACE}", " ")
    assert "of which 90 % is dropped" in answer
    assert "sentiment heads 0.81, neurons 0.62; entailment" in answer
    assert (
        "Greedy minus one-shot, mean over sparsities, in points: untrained sentiment +2.6" in answer
    )


def test_figures_have_a_line_per_sparsity_and_order(section: Section) -> None:
    rankings, compared = section.figures
    assert "<svg" in rankings.svg
    assert {row["sparsity"] for row in rankings.records} == set(SPARSITIES)
    assert "<svg" in compared.svg
    assert {row["order"] for row in compared.records} == {*ORDERS, *WINDOWS}


def test_an_order_that_a_study_lacks_is_named(made: Study, tmp_path: Path) -> None:
    save_ranks(tmp_path / "results")
    asked = made.config.greedy.model_copy(update={"windows": ("greedy", "one-shot")})
    few = replace(made, config=made.config.model_copy(update={"greedy": asked}))
    kept = [row for row in scores(made) if "within reversed" not in row.source]
    kept = [row for row in kept if "within magnitude" not in row.source]
    results = replace(
        made.results, scores=Scores([*made.scores, *kept]), folder=tmp_path / "results"
    )
    claims = {claim.name: claim for claim in greedy.section(results, few.config).claims}
    assert claims["channels_reversed"].why == "not run: greedy.windows lacks reversed"
    assert claims["channels_one_shot"].word == UNDECIDED
    assert claims["channels_one_shot"].tests


def test_a_study_without_it_says_why() -> None:
    section = greedy.section(study(config(2, 1, 1)).results, config(2, 1, 1))
    assert section.answer == "Not run: greedy.tasks is empty in params.yaml."
    assert {table.missing for table in section.tables} == {
        "not run: greedy.tasks is empty in params.yaml"
    }
    assert {claim.word for claim in section.claims} == {"not run"}
