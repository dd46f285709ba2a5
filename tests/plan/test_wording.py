"""The budget in words and as JSON: how numbers are written, and that tables hold what was counted."""

import json

import pytest

from stages.tickets.plan import wording
from stages.tickets.plan.budget import budget
from stages.tickets.plan.lineage import Changes
from stages.tickets.plan.wording import Plan
from tests.plan.test_budget import NONE, SIZES, UNKNOWN, scored, trained
from tests.plan.test_lineage import stage

STAGES = [scored(), trained("ticket@mood"), stage("odd@1")]


def plan(sizes=SIZES, changes=NONE, against="old.yaml"):
    return Plan("small", "p.yaml", sizes, budget(STAGES, sizes, changes), against, {"given": 2.0})


def rows(text):
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"), (0.01234, "0.0123"), (4.5678, "4.57"), (99.9, "99.9"), (1234.6, "1,235"),
        (float("nan"), "–"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(number, written):
    assert wording.short(number) == written


@pytest.mark.parametrize(
    ("hours", "written"),
    [(12.0, "12 h"), (1.0, "60 min"), (0.01, "36 s"), (1e-5, "0.036 s"), (float("nan"), "–")],
)
def test_durations_have_the_unit_that_reads_best(hours, written):
    assert wording.duration(hours) == written


def test_sizes_are_decimal():
    written = [wording.size(number) for number in (10_690_560, 1_500, 98_535_400_200)]
    assert written == ["10.7 MB", "1.5 kB", "98.5 GB"]


def test_the_text_has_what_was_counted_and_what_was_not():
    text = wording.text(plan())
    assert ["all", "3", "1"] in [row[:3] for row in rows(text)]
    assert ["mood", "90", "56", "8", "5.0"] in [row[:5] for row in rows(text)]
    assert "Not counted: stages odd: what they do is not known here." in text
    assert text.endswith("Compared with old.yaml: no stage is new, gone or run again.")
    assert "Compared" not in wording.text(plan(against=None))


def test_lengths_that_are_not_known_are_dashes():
    text = wording.text(plan(UNKNOWN))
    assert [row[-1] for row in rows(text) if row[:1] == ["ticket"]] == ["–"]
    assert any(row[-2:-1] != ["–"] and row[-1] == "–" for row in rows(text) if "given:" in row)


def test_what_changes_is_listed():
    changes = Changes(("ticket@mood",), ("ticket@old", "ticket@older"), ("score",))
    text = wording.text(plan(changes=changes))
    listed = [row[:4] for row in rows(text)]
    assert ["new", "ticket", "1", "1"] in listed
    assert ["again", "score", "1", "0"] in listed
    assert ["all", "2", "1"] in [row[:3] for row in listed]
    assert "Gone: 2 of ticket." in text


def test_the_record_is_json_without_nan():
    changes = Changes(("ticket@mood",), (), ("score",))
    made = wording.record(plan(UNKNOWN, changes))
    record = json.loads(json.dumps(made, allow_nan=False))
    assert (record["all"]["stages"], record["all"]["trainings"]) == (3, 1)
    assert record["all"]["padded"] > 0
    assert record["all"]["real"] is None
    assert record["change"] == {"new": ["ticket@mood"], "again": ["score"], "gone": []}
    assert [row["name"] for row in record["stages"]] == ["score", "ticket@mood", "odd@1"]
    assert wording.record(plan(against=None))["change"] is None
