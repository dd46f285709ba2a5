"""Ternary blocks in the report, on made-up results."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets import files
from stages.tickets.report.claim import FAILS, HOLDS, UNDECIDED, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import ternary
from stages.tickets.report.sections.ternary.arms import ARMS
from stages.tickets.settings import Ternary
from stages.tickets.ternary.course import COURSE
from stages.tickets.ternary.measured import PLACE, SIZE
from tests.made_up import Study, config, study

SEEDS = (1, 2, 3, 4, 5)
BLOCKS = ("1x16", "32x32")
PERCENTS = (25, 50)
GAINS = {"ternary": -0.02, "lasso": -0.05, "clipped": -0.01, "pruned": -0.03}
"""Scores minus dense, made up, at 50 %; at 25 % half of it."""
SCALES = {"ternary": 1.02, "lasso": 0.8, "clipped": 1.0, "pruned": 1.01}
"""Scales when blocks are fixed, where 1 is when weights became ternary."""
STEPS = (0, 2, 5, 6, 10)


@pytest.fixture(scope="module")
def made() -> Study:
    base = config(2, 1, 1).ternary.model_dump()
    asked = Ternary.model_validate(
        base
        | {
            "tasks": ("sentiment", "entailment"),
            "seeds": SEEDS,
            "arms": tuple(ARMS),
            "blocks": BLOCKS,
            "sparsities": PERCENTS,
        }
    )
    return study(config(2, len(SEEDS), 1).model_copy(update={"ternary": asked}))


def scores(made: Study, gains: dict[str, float]) -> list[ScoreRow]:
    dense = [row for row in made.scores if row.kind == "dense" and row.split == "validation"]
    return [
        replace(
            row,
            kind="ternary",
            source=f"{arm} {blocks} {percent}",
            score=row.score + gain * percent / 50 + 0.001 * (row.seed or 0) * (arm != "lasso"),
        )
        for row in dense
        for arm, gain in gains.items()
        for blocks in BLOCKS
        for percent in PERCENTS
    ]


def tables(made: Study, folder: Path, scales: dict[str, float]) -> None:
    """What the stage would have written for every run."""
    for entry in made.results.manifest.places["ternary"]:
        *_, arm, blocks, percent = Path(entry["folder"]).parts
        number = int(percent.removeprefix("percent-"))
        place = dict(zip(PLACE, (entry["task"], entry["seed"], arm, blocks, number), strict=True))
        kept = 100 - number
        values = (
            1600,
            16 * kept,
            4 * kept,
            100,
            kept,
            10,
            min(8, number),
            0,
            16 / kept * 100,
            15.0,
            8.0,
        )
        row = place | dict(zip(SIZE, values, strict=True))
        rows = [place | along(step, arm, scales[arm], entry["seed"], number) for step in STEPS]
        files.save_table([row], (*PLACE, *SIZE), folder / entry["folder"] / "size.csv")
        files.save_table(rows, (*PLACE, *COURSE), folder / entry["folder"] / "course.csv")


def along(step: int, arm: str, scale: float, seed: int, number: int) -> dict[str, float | bool]:
    passed = min(max(step - 2, 0) / 4, 1.0)
    now = 1 + (scale - 1 + 0.001 * seed * (arm == "clipped")) * passed
    dropped = number / 100 * (step > 6)
    values = (
        step,
        step / 10,
        step == 2,
        step == 6,
        now,
        now**2,
        now,
        0.3,
        dropped,
        0.1 + dropped,
        0.4,
    )
    return dict(zip(COURSE, values, strict=True))


def section_of(
    made: Study,
    folder: Path,
    gains: dict[str, float] = GAINS,
    scales: dict[str, float] = SCALES,
) -> Section:
    tables(made, folder, scales)
    results = replace(
        made.results,
        scores=Scores([*made.scores, *scores(made, gains)]),
        folder=folder / "results",
    )
    return ternary.section(results, made.config)


@pytest.fixture(scope="module")
def section(made: Study, tmp_path_factory: pytest.TempPathFactory) -> Section:
    return section_of(made, tmp_path_factory.mktemp("measured"))


def test_arms_stand_beside_the_dense_model_and_the_lasso(section: Section) -> None:
    rows = {
        (row["task"], row["blocks"], row["sparsity"], row["arm"]): row
        for row in section.tables[0].records
    }
    assert len(rows) == 2 * len(BLOCKS) * len(PERCENTS) * len(ARMS)
    for (_, _, sparsity, arm), row in rows.items():
        share = float(str(sparsity)) * 2
        more = 0.0 if arm == "lasso" else 0.003
        assert row["minus_dense_mean"] == pytest.approx(GAINS[str(arm)] * share + more)
        beside = (GAINS[str(arm)] - GAINS["lasso"]) * share + more
        expected = None if arm == "lasso" else pytest.approx(beside)
        assert row["minus_lasso_mean"] == expected
        assert row["zeros"] == pytest.approx(1 - 0.75 * (1 - float(str(sparsity))))
        assert row["paper"] == pytest.approx(16 / (1 - float(str(sparsity))), rel=1e-4)
        assert (row["counted"], row["model"], row["n"]) == (15.0, 8.0, 5)


def test_the_grid_is_told_when_blocks_are_fixed(section: Section) -> None:
    rows = section.tables[1].records
    assert len(rows) == 2 * len(BLOCKS) * len(ARMS)
    for row in rows:
        scale = SCALES[str(row["arm"])] + (0.003 if row["arm"] == "clipped" else 0.0)
        assert row["scale_mean"] == pytest.approx(scale, abs=1e-5)
        assert row["largest_mean"] == pytest.approx(scale**2, abs=1e-4)
        assert row["zero_mean"] == pytest.approx(0.1)
        assert row["pushed_mean"] == pytest.approx(0.3)
        assert row["zero_of_dropped"] == pytest.approx(8 / 50)


def test_claims_follow_the_one_rule(section: Section) -> None:
    claims = {claim.name: claim for claim in decided(section.claims, 0.95)}
    assert {name: claim.word for name, claim in claims.items()} == {
        "ternary_beside_lasso": HOLDS,
        "ternary_beside_pruned": HOLDS,
        "ternary_close": HOLDS,
        "ternary_moves_less": HOLDS,
        "ternary_stays": HOLDS,
    }
    assert [test.of for test in claims["ternary_beside_lasso"].tests] == [
        f"{task}, {blocks}" for task in ("sentiment", "entailment") for blocks in BLOCKS
    ]
    assert len(claims["ternary_stays"].tests) == 8
    assert {claim.published for claim in claims.values()} == {"–"}
    assert all(claim.mark for claim in claims.values())


def test_a_penalty_that_moves_the_grid_fails_and_so_does_a_worse_score(
    made: Study, tmp_path: Path
) -> None:
    """A clipped penalty that moves scales further than a lasso, and loses 15 points to dense."""
    gains = GAINS | {"clipped": -0.15}
    scales = SCALES | {"clipped": 0.6}
    claims = decided(section_of(made, tmp_path, gains, scales).claims, 0.95)
    assert {claim.name: claim.word for claim in claims} == {
        "ternary_beside_lasso": FAILS,
        "ternary_beside_pruned": FAILS,
        "ternary_close": FAILS,
        "ternary_moves_less": FAILS,
        "ternary_stays": FAILS,
    }


def test_without_the_arm_that_has_no_penalty_the_grid_is_not_judged(
    made: Study, tmp_path: Path
) -> None:
    asked = made.config.ternary.model_copy(update={"arms": ("lasso", "clipped")})
    other = study(made.config.model_copy(update={"ternary": asked}))
    claims = {claim.name: claim for claim in section_of(other, tmp_path).claims}
    assert not claims["ternary_moves_less"].tests
    assert claims["ternary_moves_less"].word != UNDECIDED
    assert claims["ternary_beside_lasso"].tests


def test_the_answer_is_about_the_most_dropped_blocks(section: Section) -> None:
    answer = section.answer.replace("\N{NO-BREAK SPACE}", " ")
    assert answer.startswith(
        "With 50 % of the blocks dropped, the clipped penalty minus the lasso: sentiment 1x16 +4.3 ["
    )
    assert "; minus the dense model −0.7." in answer
    assert "scales are at 80 % with the lasso penalty and at 100.3 % with the clipped" in answer


def test_figures_have_all_arms(section: Section) -> None:
    assert [figure.name for figure in section.figures] == [
        "ternary",
        "ternary_grid",
        "ternary_blocks",
    ]
    for figure in section.figures:
        assert "<svg" in figure.svg
        assert {row["arm"] for row in figure.records} == set(ARMS)
    grid, zero = section.figures[1:]
    assert {row["step"] for row in grid.records} == set(STEPS)
    assert {row["step"] for row in zero.records} == set(STEPS[:-1])


def test_a_study_without_it_says_why() -> None:
    section = ternary.section(study(config(2, 1, 1)).results, config(2, 1, 1))
    why = "not run: ternary.tasks is empty in params.yaml"
    assert section.answer.lower().startswith(why)
    assert {table.missing for table in section.tables} == {why}
    assert {claim.word for claim in section.claims} == {"not run"}
