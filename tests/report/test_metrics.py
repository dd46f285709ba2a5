"""The numbers that experiments are compared by: few, named alike at any sparsity, never blank."""

import math
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from stages.tickets import settings
from stages.tickets.report import tickets
from stages.tickets.report.metrics import MOST, Numbers, headlines
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import controls
from stages.tickets.settings import Study as Params
from tests.made_up import config, study, with_everything

Level = tuple[str, str, int, int, str, float]
"""Task, kind, seed, round, source and score."""
FIRST = "validation.ticket_minus_dense"
"""What the first column of a table shows."""


def rows_of(
    levels: Iterable[Level], on_selection: Mapping[str, float] | None = None
) -> list[ScoreRow]:
    """Scores on validation; on selection the same, but for the kinds that are named."""
    return [
        ScoreRow(
            task, kind, seed, number, 0.0, None, source, split, "accuracy", True,
            (on_selection or {}).get(kind, level) if split == "selection" else level, False,
        )
        for task, kind, seed, number, source, level in levels
        for split in ("selection", "validation")
    ]  # fmt: skip


def scores(levels: Iterable[Level], on_selection: Mapping[str, float] | None = None) -> Scores:
    return Scores(rows_of(levels, on_selection))


def flat(shown: Numbers) -> dict[str, Any]:
    """By the names that DVC shows."""
    found: dict[str, Any] = {}
    for name, value in shown.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": number for inner, number in flat(value).items()}
        else:
            found[name] = value
    return found


def of_tasks(number: int) -> Params:
    """A study of as many tasks, with nothing else to compare."""
    return config(1, 1, 1, controls=False).model_copy(
        update={"tasks": tuple(f"task_{index}" for index in range(number))}
    )


EVERY_KIND = (
    ("dense", 0, ""), ("imp", 1, ""), ("random", 1, ""), ("control", 1, "reinitialised"),
    ("standard", 1, ""), ("scratch", 0, ""), ("retrained", 0, "structured good"),
    ("retrained", 0, "structured random"), ("transfer", 1, "task_0"),
)  # fmt: skip


@pytest.mark.parametrize("number", [1, 2, 5, 6, 7, 12, 13, 20, 21, 300])
@pytest.mark.parametrize("kinds", [EVERY_KIND[:2], EVERY_KIND[:4], EVERY_KIND])
def test_no_study_has_more_than_twenty(number: int, kinds: list[tuple[str, int, str]]) -> None:
    asked = of_tasks(number)
    asked = asked.model_copy(
        update={
            "transfer": settings.Transfer(
                sources=asked.tasks[:1], targets=asked.tasks, seeds=(1,), round=1
            )
        }
    )
    made = [(task, kind, 1, at, source, 0.8) for task in asked.tasks for kind, at, source in kinds]
    shown = headlines(scores(made), asked)
    found = flat(shown)
    by_task = [
        name for name in found if name.startswith(("validation.tickets.", "validation.dense."))
    ]
    named = len(found) - len(by_task)
    assert len(found) <= MOST
    assert bool(by_task) == (named + 2 * number <= MOST)  # all tasks, or none
    assert next(iter(found)) == FIRST
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("everything", [False, True])
def test_every_study_has_short_names_and_finite_numbers(
    number: int, rounds: int, everything: bool
) -> None:
    asked = config(number, 3, rounds, controls=everything)
    made = study(with_everything(asked) if everything else asked)
    found = flat(headlines(made.found, made.config))
    assert 3 <= len(found) <= MOST
    assert all(
        re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+){1,2}", name) and len(name) < 41 for name in found
    )
    assert {name.split(".")[0] for name in found} == {"validation", "chosen_on_selection"}
    assert all(math.isfinite(value) for value in found.values())


def test_names_do_not_depend_on_sparsities() -> None:
    def of(sparsity: float) -> list[str]:
        asked = config(2, 2, 1)
        last = asked.rounds[0].model_copy(update={"sparsity": sparsity})
        made = study(asked.model_copy(update={"rounds": (last,)}))
        return list(flat(headlines(made.found, made.config)))

    assert of(0.3) == of(0.95)
    assert of(0.3) == list(flat(headlines((two := study(config(2, 2, 2))).found, two.config)))


def test_what_did_not_run_is_left_out() -> None:
    bare = study(config(2, 2, 1, controls=False))
    found = flat(headlines(bare.found, bare.config))
    left = {name.split(".")[1] for name in found}
    assert left == {
        "ticket_minus_dense", "collapsed", "dense", "tickets", "matching_sparsity", "matching_tasks",
    }  # fmt: skip
    full = study(with_everything(config(3, 3, 2)))
    more = {name.split(".")[1] for name in flat(headlines(full.found, full.config))}
    assert more - left == {
        "ticket_minus_random",
        "ticket_minus_reinitialised",
        "ticket_minus_standard",
        "transfer_minus_own",
        "good_minus_dense",
        "good_minus_random",
        "dense_minus_scratch",
    }


def test_numbers_worked_by_hand() -> None:
    asked = config(2, 2, 2, controls=False)
    one, two = asked.tasks
    shown = headlines(
        scores(
            [
                (one, "dense", 1, 0, "", 0.80), (one, "dense", 2, 0, "", 0.90),
                (two, "dense", 1, 0, "", 0.60), (two, "dense", 2, 0, "", 0.60),
                (one, "imp", 1, 1, "", 0.85), (one, "imp", 2, 1, "", 0.85),
                (two, "imp", 1, 1, "", 0.50), (two, "imp", 2, 1, "", 0.50),
                (one, "imp", 1, 2, "", 0.70), (one, "imp", 2, 2, "", 0.80),
                (two, "imp", 1, 2, "", 0.40), (two, "imp", 2, 2, "", 0.50),
                (one, "random", 2, 2, "", 0.50),  # of one task and seed
            ]
        ),
        asked,
    )  # fmt: skip
    assert shown == {
        "validation": {
            "ticket_minus_dense": -6.25,  # (-10 - 15) / 2 points, in margins of 2
            "ticket_minus_random": 15.0,  # 80 - 50 of seed 2, not 75 - 50
            "collapsed": 0,
            "dense": {one: 85.0, two: 60.0},
            "tickets": {one: 75.0, two: 45.0},
        },
        "chosen_on_selection": {
            "matching_tasks": 1,
            "matching_sparsity": 15.0,  # (30 + 0) / 2: one matches in round 1, the other never
        },
    }


def test_points_of_unlike_metrics_are_not_added_up() -> None:
    """Matthews has a margin of 4 points: 8 points of it weigh as much as 4 of accuracy."""
    asked = config(2, 1, 1, controls=False)
    levels = [(task, kind, 1, at, "", level) for task in asked.tasks
              for kind, at, level in (("dense", 0, 0.5), ("imp", 1, 0.54))]  # fmt: skip
    rows = [
        replace(row, metric="matthews", score=0.58 if row.kind == "imp" else row.score)
        if row.task == asked.tasks[0]
        else row
        for row in rows_of(levels)
    ]
    assert flat(headlines(Scores(rows), asked))[FIRST] == 2.0


def test_a_task_without_evidence_enters_nothing() -> None:
    made = study(with_everything(config(3, 3, 2)))
    rows = [
        replace(row, score=0.3) if (row.task, row.kind) == ("sentiment", "dense") else row
        for row in made.scores
    ]
    made_up = headlines(Scores(rows), made.config)
    shown = flat(made_up)
    assert shown["validation.no_evidence"] == "sentiment"
    assert "validation.no_evidence" not in flat(headlines(made.found, made.config))
    assert shown["chosen_on_selection.matching_tasks"] == 2
    assert not [name for name in shown if name.endswith(".sentiment")]


def test_a_match_is_chosen_on_the_selection_split() -> None:
    asked = config(1, 1, 1, controls=False)
    made: list[Level] = [
        (asked.tasks[0], "dense", 1, 0, "", 0.8),
        (asked.tasks[0], "imp", 1, 1, "", 0.7),
    ]
    name = "chosen_on_selection.matching_tasks"
    assert flat(headlines(scores(made), asked))[name] == 0
    assert flat(headlines(scores(made, {"imp": 0.9}), asked))[name] == 1


def test_collapsed_runs_are_counted() -> None:
    made = study(config(2, 3, 2))
    last = made.config.last_round
    rows = [
        replace(row, collapsed=row.seed == 1) if row.kind in ("dense", "imp", "random") else row
        for row in made.scores
    ]
    shown = flat(headlines(Scores(rows), made.config))
    assert shown["validation.collapsed"] == 2 * 2  # of two tasks, not round 1
    assert {row.round for row in rows if row.kind == "imp" and row.collapsed} == {1, last}


def test_numbers_are_those_of_the_report() -> None:
    made = study(with_everything(config(3, 3, 2)))
    found, asked = made.found, made.config
    shown = flat(headlines(found, asked))
    last = asked.last_round
    rows = controls.compare(made.results, asked)
    for kind in ("random", "reinitialised"):
        own = [row.gain.mean for row in rows if (row.control, row.round) == (kind, last)]
        by_hand = sum(own) / len(own) / 0.02
        assert shown[f"validation.ticket_minus_{kind}"] == pytest.approx(by_hand, abs=0.005)
    highest = [ticket.sparsity or 0 for ticket in tickets.find(found, asked)]
    name = "chosen_on_selection.matching_sparsity"
    assert shown[name] == pytest.approx(100 * sum(highest) / 3, abs=0.005)
    for task in asked.tasks:
        ticket = found.summary(Run(task, "imp", last), 0.95)
        assert ticket
        assert shown[f"validation.tickets.{task}"] == pytest.approx(100 * ticket.mean, abs=0.005)


def test_the_order_of_the_rows_does_not_matter() -> None:
    made = study(with_everything(config(3, 3, 2)))
    rows = list(made.scores)
    random.Random(0).shuffle(rows)
    assert headlines(Scores(rows), made.config) == headlines(made.found, made.config)
