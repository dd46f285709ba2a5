"""The budget in words: how numbers are written, and that tables hold what was counted."""

import json

import pytest

from stages.tickets.plan import budget_tables, work
from stages.tickets.plan.budget_tables import Change, Plan
from stages.tickets.plan.flops import Examples
from stages.tickets.plan.lineage import Changes
from stages.tickets.plan.work import Study
from tests.conftest import RECIPE
from tests.plan.test_flops import TINY
from tests.plan.test_stages import stage
from tests.plan.test_work import STUDY

STAGES = [
    stage("score"),
    stage("ticket@mood", command="x --task mood --point 0 --kinds ticket"),
    stage("odd@1", command="x"),
]


def plan(study=STUDY, names=None):
    new, stale = (work.budget(STAGES[part], study) for part in (slice(1, 2), slice(0, 1)))
    change = Change("old.yaml", names, new, stale) if names else None
    whole = work.budget(STAGES, study)
    return Plan("small", "p.yaml", "guess", {"mood": "here"}, study, whole, {"given": 2.0}, change)


def rows(text):
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (0.01234, "0.0123"), (4.5678, "4.57"), (99.9, "99.9"), (1234.6, "1,235")],
)
def test_numbers_have_three_digits(number, written):
    assert budget_tables.short(number) == written


@pytest.mark.parametrize(
    ("hours", "written"),
    [(12.0, "12 h"), (1.0, "60 min"), (0.01, "36 s"), (1e-5, "0.036 s"), (float("nan"), "–")],
)
def test_durations_have_the_unit_that_reads_best(hours, written):
    assert budget_tables.duration(hours) == written


def test_sizes_are_decimal():
    found = [budget_tables.size(number) for number in (10_690_560, 1_500, 98_535_400_200)]
    assert found == ["10.7 MB", "1.5 kB", "98.5 GB"]


def test_columns_end_in_line():
    assert budget_tables.table(["a", "number"], [["long name", "1"], ["b", "22,000"]]) == (
        "a          number\nlong name       1\nb          22,000"
    )


def test_the_text_has_what_was_counted_and_what_was_not():
    text = budget_tables.text(plan())
    assert ["all", "3", "1"] in [row[:3] for row in rows(text)]
    assert ["mood", "90", "56"] in [row[:3] for row in rows(text)]
    assert "Not counted: stages odd: what they do is not known here." in text
    assert "Compared" not in text


def test_a_task_of_unknown_size_has_dashes():
    study = Study(TINY, {}, {}, {"mood": "nobody has counted it"})
    text = budget_tables.text(plan(study))
    assert "Not counted: FLOPs and bytes of mood: nobody has counted it." in text
    assert ["mood", "–", "–", "–", "–", "–", "1", "–", "–"] in rows(text)


def test_what_changes_is_listed_or_said_to_be_nothing():
    names = Changes(("ticket@mood",), ("ticket@old", "ticket@older"), ("score",))
    found = rows(budget_tables.text(plan(names=names)))
    assert {("new", "ticket", "1", "1"), ("again", "score", "1", "0")} <= {
        tuple(row[:4]) for row in found
    }
    assert ["gone", "ticket", "2"] in found
    assert ["to", "run", "2", "1"] in [row[:4] for row in found]
    nothing = budget_tables.text(plan(names=Changes((), (), ())))
    assert nothing.endswith("Compared with old.yaml: no stage is new, gone or run again.")


def test_the_record_is_json_without_nan():
    unknown = Study(TINY, {"mood": Examples("mlm", 0, 9, 9, 8)}, {"mood": RECIPE})
    names = Changes(("ticket@mood",), (), ("score",))
    found = json.loads(json.dumps(budget_tables.record(plan(unknown, names)), allow_nan=False))
    assert (found["all"]["stages"], found["all"]["trainings"]) == (3, 1)
    assert found["all"]["flops_padded"] > 0
    assert found["all"]["flops_real_lengths"] is None
    assert found["change"]["new"]["names"] == ["ticket@mood"]
    assert found["change"]["again"]["all"]["trainings"] == 0
    assert budget_tables.record(plan())["change"] is None
