"""Quantized models in the report, on made-up results."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.tickets import files
from stages.tickets.report.claim import FAILS, HOLDS, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import quantized
from stages.tickets.settings import Quantized
from tests.made_up import Study, config, study

SEEDS = (1, 2, 3, 4, 5)
ARMS = ("w8a8e8", "w4a8e8", "w4a4e8", "w2a8e8")
ORDERS = ("prune-first", "quantize-first", "jointly")
LOSS = {
    "w8a8e8": (0.01, 0.001), "w4a8e8": (0.2, 0.02), "w4a4e8": (0.3, 0.05), "w2a8e8": (0.35, 0.3),
}  # fmt: skip
"""What calibration alone and training cost against the dense model, made up."""
COST = {"prune-first": 0.0, "quantize-first": 0.1, "jointly": 0.005}
"""What an order costs beside pruning first; pruning itself costs 2 points."""
WEIGHTS, ACTIVATIONS = 10_000_000, 500_000


def asked(**changes: Any) -> Quantized:
    base = config(2, 1, 2).quantized.model_dump()
    pruned = {"arms": ARMS[:3], "sparsities": (0.5, 0.75), "orders": ORDERS}
    of = {"tasks": ("sentiment", "entailment"), "seeds": SEEDS, "arms": ARMS, "pruned": pruned}
    return Quantized.model_validate(base | of | changes)


def made_of(of: Quantized) -> Study:
    return study(config(2, len(SEEDS), 2).model_copy(update={"quantized": of}))


def scores(made: Study) -> list[ScoreRow]:
    """Scores of all runs, as differences from the dense model."""
    of, rows = made.config.quantized, list[ScoreRow]()
    for task in of.tasks:
        dense = [
            row
            for row in made.scores
            if (row.task, row.kind, row.headline, row.split) == (task, "dense", True, "validation")
        ]

        def add(kind: str, source: str, loss: float, dense: list[ScoreRow] = dense) -> None:
            rows.extend(
                replace(row, kind=kind, source=source, round=0, score=row.score - loss)
                for row in dense
            )

        for arm in of.arms:
            for way, loss in zip(("calibrated", "trained"), LOSS[arm], strict=True):
                add("quantized", f"{arm} {way}", loss)
        for arm in of.pruned.arms:
            for sparsity in of.pruned.sparsities:
                for order in of.pruned.orders:
                    loss = LOSS[arm][1] + 0.02 + COST[order]
                    add("pruned_quantized", f"{arm} {sparsity} {order}", loss)
    return rows


def section_of(made: Study, folder: Path) -> Section:
    results = made.results
    results = replace(
        results, scores=Scores([*made.scores, *scores(made)]), folder=folder / "results"
    )
    entries = results.manifest.places["quantized_models"]
    for entry in entries:
        arm, *pruned = entry["source"].split()
        kept = 1 - float(pruned[0]) if len(pruned) == 2 else 1.0
        weight, activation = int(arm[1]), int(arm[3])
        record = {
            "weights": round(WEIGHTS * kept),
            "activations": round(ACTIVATIONS * kept),
            "weight_bits": weight,
            "activation_bits": activation,
            "embedding_bits": 8,
            "bytes": round(WEIGHTS * kept * weight / 8) + 4_000_000,
        }
        files.save_record(record, folder / entry["folder"] / "record.json")
    return quantized.section(results, made.config)


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    return section_of(made_of(asked()), tmp_path_factory.mktemp("quantized"))


def test_models_stand_beside_dense_calibrated_and_pruned_first(section: Section) -> None:
    rows = {
        (row["task"], row["arm"], row["pruned"], row["way"]): row
        for row in section.tables[0].records
    }
    assert len(rows) == 2 * (4 * 2 + 3 * 2 * 3)
    for (_, arm, pruned, way), row in rows.items():
        calibrated, trained = LOSS[str(arm)]
        assert row["n"] == 5
        if pruned is None:
            loss = trained if way == "trained" else calibrated
            assert row["minus_dense_mean"] == pytest.approx(-loss)
            expected = pytest.approx(calibrated - trained) if way == "trained" else None
            assert row["minus_calibrated_mean"] == expected
            assert row["minus_pruned_first_mean"] is None
        else:
            assert row["minus_dense_mean"] == pytest.approx(-trained - 0.02 - COST[str(way)])
            expected = None if way == "prune-first" else pytest.approx(-COST[str(way)])
            assert row["minus_pruned_first_mean"] == expected


def test_densities_count_bits_and_megabytes_what_is_stored(section: Section) -> None:
    """By hand: 10 million weights of 4 bits and half a million activations of 8 are 44 megabits."""
    (row,) = [
        row
        for row in section.tables[0].records
        if (row["task"], row["arm"], row["way"]) == ("sentiment", "w4a8e8", "trained")
    ]
    assert row["megabits"] == pytest.approx(44)
    assert row["performance_density"] == pytest.approx(100 * float(row["mean"]) / 44)  # type: ignore[arg-type]
    assert row["megabytes"] == pytest.approx(9)
    assert row["score_per_megabyte"] == pytest.approx(100 * float(row["mean"]) / 9)  # type: ignore[arg-type]
    half = {
        row["way"]: row["megabits"]
        for row in section.tables[0].records
        if (row["task"], row["arm"], row["pruned"]) == ("sentiment", "w4a8e8", 0.5)
    }
    assert half == dict.fromkeys(ORDERS, pytest.approx(22))


def test_claims_follow_the_one_rule(section: Section) -> None:
    claims = {claim.name: claim for claim in decided(section.claims, 0.95)}
    assert {name: claim.word for name, claim in claims.items()} == {
        "quantized_near": HOLDS,
        "quantized_trained": HOLDS,
        "quantized_half": HOLDS,
        "quantized_prune_first": HOLDS,
        "quantized_jointly": HOLDS,
    }
    assert "above −3 margins" in claims["quantized_near"].statement
    assert [test.of for test in claims["quantized_half"].tests] == [
        "sentiment, W8A8E8 and W4A4E8",
        "entailment, W8A8E8 and W4A4E8",
    ]
    assert {test.of.split(", ")[1] for test in claims["quantized_trained"].tests} == {
        "W4A8E8", "W4A4E8", "W2A8E8",
    }  # fmt: skip
    assert len(claims["quantized_prune_first"].tests) == 2 * 3 * 2


def test_the_better_order_may_be_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COST, "quantize-first", -0.1)
    monkeypatch.setitem(COST, "jointly", 0.2)
    monkeypatch.setitem(LOSS, "w4a4e8", (0.01, 0.02))
    monkeypatch.setitem(LOSS, "w8a8e8", (0.01, 0.15))
    section = section_of(made_of(asked()), tmp_path)
    claims = {claim.name: claim.word for claim in decided(section.claims, 0.95)}
    assert claims["quantized_prune_first"] == FAILS
    assert claims["quantized_jointly"] == FAILS
    assert claims["quantized_half"] == FAILS
    assert claims["quantized_near"] == FAILS
    assert claims["quantized_trained"] == FAILS


def test_the_answer_has_each_arm_from_the_worst_to_the_best_task(section: Section) -> None:
    assert section.answer.startswith(
        "Points minus the dense model: W8A8E8 −1.0 calibrated, −0.1 trained; W4A8E8 −20.0"
    )


def test_the_figure_has_a_panel_per_task_and_share(section: Section) -> None:
    (figure,) = section.figures
    assert "<svg" in figure.svg
    assert {row["pruned"] for row in figure.records} == {None, 0.5, 0.75}


def test_a_statement_without_its_arms_says_what_the_study_lacks(tmp_path: Path) -> None:
    of = asked(
        arms=("w4a8e8", "w8a8e8"),
        pruned={"arms": ("w4a8e8",), "sparsities": (0.75,), "orders": ("jointly",)},
    )
    claims = {claim.name: claim for claim in section_of(made_of(of), tmp_path).claims}
    lacks = "not run: quantized in params.yaml has no "
    assert claims["quantized_near"].why == f"{lacks}w8a8 that loses half or less"
    assert claims["quantized_half"].why.startswith(f"{lacks}w8a8 that loses half beside a w4a4")
    assert claims["quantized_jointly"].why == f"{lacks}jointly beside prune-first"
    assert not claims["quantized_trained"].why


def test_a_study_without_it_says_why() -> None:
    made = quantized.section(study(config(2, 1, 1)).results, config(2, 1, 1))
    why = "not run: quantized.tasks"
    assert made.answer.lower().startswith(why)
    assert made.tables[0].missing.startswith(why)
    assert made.figures[0].missing.startswith(why)
    assert {claim.word for claim in made.claims} == {"not run"}
