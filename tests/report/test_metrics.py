"""The numbers that experiments are compared by: few, named alike at any sparsity, never blank."""

import math
import random
import re
from collections.abc import Iterable, Mapping

import pytest

from stages.tickets import settings
from stages.tickets.report import tickets
from stages.tickets.report.metrics import MOST, headlines
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.sections import controls
from stages.tickets.settings import Study as Params
from tests.made_up import config, study, with_everything

Level = tuple[str, str, int, int, str, float]
"""Task, kind, seed, round, source and score."""
FIRST = ("ticket", "dense", "ticket_minus_dense")
"""What the first columns of a table show."""


def scores(levels: Iterable[Level], on_selection: Mapping[str, float] | None = None) -> Scores:
    """Scores on validation; on selection the same, but for the kinds that are named."""
    rows = [
        ScoreRow(
            task, kind, seed, number, 0.0, None, source, split, "accuracy", True,
            (on_selection or {}).get(kind, level) if split == "selection" else level, False,
        )
        for task, kind, seed, number, source, level in levels
        for split in ("selection", "validation")
    ]  # fmt: skip
    return Scores(rows)


def flat(shown: Mapping[str, float | Mapping[str, float]]) -> dict[str, float]:
    """By the names that DVC shows."""
    found: dict[str, float] = {}
    for name, value in shown.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{task}": number for task, number in value.items()}
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
    named = len(found) - len([name for name in found if name.startswith("tickets.")])
    assert len(found) <= MOST
    assert ("tickets" in shown) == (named + number <= MOST)  # all tasks, or none
    assert tuple(found)[:3] == FIRST
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
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)?", name) and len(name) < 30 for name in found)
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
    left = {name for name in found if not name.startswith("tickets.")}
    assert left == {*FIRST, "ticket_sparsity", "matching_sparsity", "matching_tasks", "collapsed"}
    full = study(with_everything(config(3, 3, 2)))
    assert flat(headlines(full.found, full.config)).keys() - found.keys() > {
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
        "ticket": 60.0,  # (75 + 45) / 2
        "dense": 72.5,  # (85 + 60) / 2
        "ticket_minus_dense": -12.5,  # (-10 - 15) / 2
        "ticket_minus_random": 30.0,  # 80 - 50 of seed 2, not 75 - 50
        "ticket_sparsity": 60.0,
        "matching_sparsity": 15.0,  # (30 + 0) / 2: one matches in round 1, the other never
        "matching_tasks": 1,
        "collapsed": 0,
        "tickets": {one: 75.0, two: 45.0},
    }


def test_a_match_is_chosen_on_the_selection_split() -> None:
    asked = config(1, 1, 1, controls=False)
    made: list[Level] = [
        (asked.tasks[0], "dense", 1, 0, "", 0.8),
        (asked.tasks[0], "imp", 1, 1, "", 0.7),
    ]
    assert headlines(scores(made), asked)["matching_tasks"] == 0
    assert headlines(scores(made, {"imp": 0.9}), asked)["matching_tasks"] == 1


def test_collapsed_runs_are_counted() -> None:
    made = study(config(2, 3, 2))
    last = made.config.last_round
    rows = [
        ScoreRow(**(row.__dict__ | {"collapsed": row.seed == 1}))
        if row.kind in ("dense", "imp", "random")
        else row
        for row in made.scores
    ]
    assert headlines(Scores(rows), made.config)["collapsed"] == 2 * 2  # of two tasks, not round 1
    assert {row.round for row in rows if row.kind == "imp" and row.collapsed} == {1, last}


def test_numbers_are_those_of_the_report() -> None:
    made = study(with_everything(config(3, 3, 2)))
    found, asked = made.found, made.config
    shown = flat(headlines(found, asked))
    last = asked.last_round
    rows = controls.compare(found, asked)
    gains = {row.control: row.gain.mean for row in rows if row.is_mean and row.round == last}
    for kind in ("random", "reinitialised"):
        assert shown[f"ticket_minus_{kind}"] == pytest.approx(100 * gains[kind], abs=0.005)
    highest = [ticket.sparsity or 0 for ticket in tickets.find(found, asked)]
    assert shown["matching_sparsity"] == pytest.approx(100 * sum(highest) / 3, abs=0.005)
    for task in asked.tasks:
        ticket = found.summary(Run(task, "imp", last), 0.95)
        assert ticket
        assert shown[f"tickets.{task}"] == pytest.approx(100 * ticket.mean, abs=0.005)


def test_the_order_of_the_rows_does_not_matter() -> None:
    made = study(with_everything(config(3, 3, 2)))
    rows = list(made.scores)
    random.Random(0).shuffle(rows)
    assert headlines(Scores(rows), made.config) == headlines(made.found, made.config)
