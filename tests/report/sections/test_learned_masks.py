"""Learned masks in the report, on made-up results."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets import files
from stages.tickets.report.claim import FAILS, HOLDS, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import learned_masks
from stages.tickets.settings import LearnedMasks
from stages.tickets.statistics import learned
from tests.made_up import Study, config, study

SEEDS = (1, 2, 3, 4, 5)
SHARES = (0.0, 0.4)
GAPS = {"dense": 0.1, "learned": 0.02, "imp": 0.08, "one-shot": 0.05, "random": 0.01}
"""Overfit gaps with flipped labels, made up; without flips they are a tenth."""
LENT = {"learned": 0.0, "imp": -0.01, "shuffled": -0.2, "by-density": -0.19}
"""Scores of lent masks minus the ticket."""
POINTS = 4
BINS = [900, 50, 0, 50]


def asked(made_of: str = "sentiment") -> LearnedMasks:
    base = config(2, 1, 2).learned_masks.model_dump()
    return LearnedMasks.model_validate(
        base
        | {
            "tasks": ("sentiment", "entailment"),
            "seeds": SEEDS,
            "rounds": (1, 2),
            "noise": {
                "tasks": (made_of,),
                "seeds": SEEDS,
                "rounds": (1, 2),
                "shares": SHARES,
                "points": POINTS,
                "sample": 9,
            },
            "lend": {
                "sources": ("sentiment",),
                "targets": ("sentiment", "entailment"),
                "seeds": SEEDS,
                "rounds": (2,),
                "starts": ("same", "fresh"),
            },
        }
    )


@pytest.fixture(scope="module")
def made() -> Study:
    """Two tasks, five seeds, tickets of 30 and 60 % sparsity, and learned masks of both sizes."""
    return study(config(2, len(SEEDS), 2).model_copy(update={"learned_masks": asked()}))


def of_tickets(made: Study, task: str, number: int) -> dict[int | None, ScoreRow]:
    return {
        row.seed: row
        for row in made.scores
        if (row.task, row.kind, row.round, row.headline, row.split)
        == (task, "imp", number, True, "validation")
    }


def scores(made: Study) -> list[ScoreRow]:
    """Scores of all runs, as differences from tickets."""
    rows: list[ScoreRow] = []
    for task in ("sentiment", "entailment"):
        for number in (1, 2):
            tickets = of_tickets(made, task, number)

            def add(
                kind: str,
                source: str,
                gain: float,
                at: int = number,
                tickets: dict[int | None, ScoreRow] = tickets,
            ) -> None:
                rows.extend(
                    replace(row, kind=kind, source=source, round=at, score=row.score + gain)
                    for row in tickets.values()
                )

            add("learned", "", -0.03)
            for kind, gain in {"soft": -0.1, "sampled": -0.3, "hard": -0.2}.items():
                add("untrained", kind, gain)
            for share in SHARES if task == "sentiment" else ():
                for mask, gap in GAPS.items():
                    if mask != "dense" or number == 1:
                        at = 0 if mask == "dense" else number
                        add("noisy", f"{mask} {share}", -gap * (1 if share else 0.1), at)
            for mask, gain in LENT.items() if number == 2 else ():
                for start, more in {"same": 0.0, "fresh": -0.15}.items():
                    add("lent", f"sentiment {mask} {start}", gain + more)
    return rows


def tables(made: Study, folder: Path) -> None:
    """What the stage `learned` would have written."""
    place = [(task, seed, k) for task in made.config.tasks for seed in SEEDS for k in (1, 2)]
    searches = [
        dict(zip(learned.PLACE, at, strict=True))
        | dict(zip(learned.SEARCH, (0.4, 0.1, 0.38, 0.25, 0.5, 0.25), strict=True))
        for at in place
    ]
    histograms = [
        dict(zip(learned.PLACE, at, strict=True)) | row
        for at in place
        for row in learned.of_histogram(BINS)
    ]
    curves = []
    for seed in SEEDS:
        for share in SHARES:
            for mask, gap in GAPS.items():
                for number in (0,) if mask == "dense" else (1, 2):
                    gap_here = (gap + 0.001 * seed) * (1 if share else 0.1)
                    curves += [
                        {
                            "task": "sentiment",
                            "seed": seed,
                            "round": number,
                            "mask": mask,
                            "share": share,
                            "step": step,
                            "score": 0.5 if step == 1 else 0.8 - gap_here * (step - 2) / 2,
                            "right": 0.9,
                            "learned_flips": gap * step if share else None,
                            "resisted_flips": 1 - gap * step if share else None,
                        }
                        for step in range(1, POINTS + 1)
                    ]
    runs = folder / "results" / "runs"
    for task in made.config.tasks:
        own = runs / "learned-masks" / task
        of_task = [[row for row in rows if row["task"] == task] for rows in (searches, histograms)]
        files.save_table(of_task[0], (*learned.PLACE, *learned.SEARCH), own / "searches.csv")
        files.save_table(of_task[1], (*learned.PLACE, *learned.BIN), own / "histograms.csv")
    path = runs / "noise-curves" / "sentiment" / "curves.csv"
    files.save_table(curves, (*learned.PLACE, *learned.CURVE), path)


@pytest.fixture(scope="module")
def section(made: Study, tmp_path_factory: pytest.TempPathFactory) -> Section:
    folder = tmp_path_factory.mktemp("measured")
    tables(made, folder)
    results = replace(
        made.results, scores=Scores([*made.scores, *scores(made)]), folder=folder / "results"
    )
    return learned_masks.section(results, made.config)


def test_masks_stand_beside_tickets_and_say_what_the_search_found(section: Section) -> None:
    records = section.tables[0].records
    assert [(row["task"], row["round"]) for row in records] == [
        (task, k) for task in ("sentiment", "entailment") for k in (1, 2)
    ]
    for row in records:
        assert row["minus_imp_mean"] == pytest.approx(-0.03)
        assert row["soft_mean"] - row["hard_mean"] == pytest.approx(0.1)  # type: ignore[operator]
        assert row["hard_mean"] - row["sampled_mean"] == pytest.approx(0.1)  # type: ignore[operator]
        assert (row["mean_probability"], row["undecided"], row["n"]) == (0.38, 0.25, 5)
        assert row["prior"] == 0.4


def test_gaps_are_best_minus_last_by_seed_and_beside_the_dense_model(section: Section) -> None:
    rows = {(row["mask"], row["share"], row["round"]): row for row in section.tables[1].records}
    assert len(rows) == len(GAPS) * len(SHARES) * 2
    for (mask, share, _), row in rows.items():
        factor = 1 if share else 0.1
        expected = (GAPS[str(mask)] + 0.003) * factor
        assert row["gap_mean"] == pytest.approx(expected, abs=1e-5)
        assert row["gap_low"] < expected < row["gap_high"]  # type: ignore[operator]
        assert row["best_mean"] == pytest.approx(0.8)
        beside = (
            None if mask == "dense" else pytest.approx((GAPS[str(mask)] - 0.1) * factor, abs=1e-5)
        )
        assert row["gap_minus_dense_mean"] == beside
        assert row["learned_flips"] == (pytest.approx(GAPS[str(mask)] * POINTS) if share else None)
    assert rows["learned", 0.4, 2]["last_minus_imp_mean"] == pytest.approx(0.06)


def test_loans_have_four_masks_and_two_starts(section: Section) -> None:
    rows = {(row["target"], row["start"]): row for row in section.tables[2].records}
    assert len(rows) == 4
    for (_, start), row in rows.items():
        assert row["minus_shuffled_mean"] == pytest.approx(0.2)
        assert row["minus_imp_mean"] == pytest.approx(0.01)
        assert row["draws_mean"] == pytest.approx(0.01)
        assert row["learned_mean"] < 0.8 if start == "fresh" else row["learned_mean"] > 0.8  # type: ignore[operator]


def test_claims_follow_the_one_rule(section: Section) -> None:
    """The made-up numbers let three hold; a mask lent is worth 3 points more than the target's own."""
    claims = {claim.name: claim for claim in decided(section.claims, 0.95)}
    words = {name: claim.word for name, claim in claims.items()}
    assert words == {
        "learned_alone": HOLDS,
        "learned_resists": HOLDS,
        "learned_beats_imp": HOLDS,
        "learned_lent": HOLDS,
    }
    assert [test.of for test in claims["learned_lent"].tests] == ["sentiment → entailment"]
    assert all("could not be read" in claim.mark for claim in claims.values())
    assert {claim.published for claim in claims.values()} == {"–"}


def test_a_gap_larger_than_that_of_the_dense_model_fails(made: Study, tmp_path: Path) -> None:
    tables(made, tmp_path)
    path = tmp_path / "results" / "runs" / "noise-curves" / "sentiment" / "curves.csv"
    swapped = path.read_text(encoding="utf-8").replace(",dense,", ",swap,")
    swapped = swapped.replace(",learned,", ",dense,").replace(",swap,", ",learned,")
    lines = swapped.splitlines()
    kept = [line for line in lines if not (",dense," in line and ",1,dense," in line)]
    moved = [
        line.replace(",2,dense,", ",0,dense,").replace(",0,learned,", ",2,learned,")
        for line in kept
    ]
    path.write_text("\n".join(moved) + "\n", encoding="utf-8")
    results = replace(
        made.results, scores=Scores([*made.scores, *scores(made)]), folder=tmp_path / "results"
    )
    claims = decided(learned_masks.section(results, made.config).claims, 0.95)
    assert next(c.word for c in claims if c.name == "learned_resists") == FAILS


def test_the_answer_is_about_the_sparsest_masks_and_the_most_flips(section: Section) -> None:
    answer = section.answer.replace("\N{NO-BREAK SPACE}", " ")
    assert "Learned masks of 60 % sparsity" in answer
    assert "with 40 % of the labels flipped" in answer
    assert "dense 10.3, learned mask 2.3" in answer
    assert "same start +20.0; fresh start +20.0" in answer


def test_figures_have_a_line_per_mask_and_size(section: Section) -> None:
    histogram, curves = section.figures
    assert "<svg" in histogram.svg
    assert {row["round"] for row in histogram.records} == {1, 2}
    assert "<svg" in curves.svg
    assert {row["mask"] for row in curves.records} == set(GAPS)


def test_a_study_without_it_says_why() -> None:
    section = learned_masks.section(study(config(2, 1, 1)).results, config(2, 1, 1))
    why = "not run: learned_masks.tasks is empty in params.yaml"
    assert section.answer.lower().startswith(why)
    assert [table.missing.partition(" is")[0] for table in section.tables] == [
        "not run: learned_masks.tasks",
        "not run: learned_masks.noise.tasks",
        "not run: learned_masks.lend.sources",
    ]
    assert {claim.word for claim in section.claims} == {"not run"}
