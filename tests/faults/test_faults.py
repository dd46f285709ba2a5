"""A trial of each family of faults, and the checks of the trials themselves."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.__main__ import of, run_all
from tests.faults.families import cases
from tests.faults.project import SHORT, Lane, Reference, Run, ended_stages
from tests.faults.table import table
from tests.faults.trial import NO_SENTENCE, Outcome, documented
from tests.imports import ROOT

SHORT_FORM = {
    "kill": "SIGKILL to engine of driver",
    "bytes": "flip in cache",
    "edit": "table beside driver, undone",
    "disk": "limit for dvc",
    "two": "driver and dvc",
}
"""A case of each family; `python -m tests.faults` takes all cases."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the trials look into /proc")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    numbers = [n for n, case in enumerate(cases()) if case[1] == SHORT_FORM[case[0]]]
    folder = tmp_path_factory.mktemp("faults")
    return {outcome.family: outcome for outcome in run_all(numbers, 1, 1, folder, targets=SHORT)}


@pytest.mark.parametrize("family", SHORT_FORM)
def test_after_a_fault_nothing_is_wrong(outcomes: Mapping[str, Outcome], family: str) -> None:
    assert not outcomes[family].failed, outcomes[family]


def test_a_trial_sees_wrong_bytes(outcomes: Mapping[str, Outcome]) -> None:
    """DVC believes its cache, so the bit that was flipped there comes back as a result at first."""
    assert outcomes["bytes"].silent
    assert "stages doctor --bytes --mend" in outcomes["bytes"].typed


def test_every_case_is_tried_in_turn() -> None:
    names = [case[:2] for case in of(range(len(cases())))]
    assert len(set(names)) == len(cases()) == 64
    assert of([64]) == of([0]) or of([64])[0][:2] == names[0]
    assert {family for family, _ in names} == SHORT_FORM.keys()


def test_words_of_dvc_that_are_documented_are_known() -> None:
    assert documented()["Unable to read RWLock-file"] == ["--mend"]
    assert documented()[": 'outs'"] == ["--bytes", "--mend"]
    assert len(documented()) > 8


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("fine-tune: params.yaml was edited while the stage ran", True),
        ("ERROR: failed to reproduce 'code': failed to run: python, exited with -9", True),
        ("Traceback (most recent call last):", False),
        ("ERROR: unexpected error - 'NoneType'", False),
        ("KeyError: 'epochs'", False),
    ],
)
def test_what_is_no_sentence_is_seen(text: str, is_one: bool) -> None:
    assert (NO_SENTENCE.search(f"before\n{text}\nafter") is None) == is_one


def test_stages_that_a_driver_has_stored_are_read_from_its_lines(tmp_path: Path) -> None:
    lane = Lane(tmp_path)
    run = lane.finish("driver", "this")
    assert isinstance(run, Run)
    run.printed.write_text(
        "pipeline/tickets/dvc.yaml:ticket@a-1: 0.3 s; 4 of 15 left, about 2 s\n"
        "score: 12.5 s; 0 of 15 left\n"
        "code: from the cache; 3 of 15 left\n"
        "report failed with exit code 1 after 0.2 s: no room; its log is x\n"
        "15 stages: 7 unchanged, 8 run; 9 s\n",
        encoding="utf-8",
    )
    assert ended_stages(run) == {"ticket@a-1", "score"}


def test_the_table_counts_trials_and_stages() -> None:
    outcomes = [
        Outcome(0, "kill", "a", wrong=["x", "y"]),
        Outcome(1, "kill", "b", again=["score", "score"]),
        Outcome(2, "two", "c", missed=True),
    ]
    rows = [line.strip("| ").split(" | ") for line in table(outcomes).splitlines()]
    columns = dict(zip(rows[0], zip(*rows[2:], strict=True), strict=True))
    assert columns["family"] == ("kill", "two", "all")
    assert columns["trials"] == ("2", "1", "3")
    assert columns["wrong bytes"] == ("1", "0", "1")
    assert columns["too late"] == ("0", "1", "1")
    assert columns["stages rerun without need"] == ("2", "0", "2")
    assert [outcome.failed for outcome in outcomes] == [True, True, False]


def test_the_short_form_expects_nothing_that_its_targets_do_not_make() -> None:
    lock = (ROOT / "dvc.lock").read_bytes()
    made = ("results/deviations.safetensors", "reports/miniature/scores.csv")
    reference = Reference.__new__(Reference)
    reference.targets = ()
    reference.expected = {
        "no edit": {"dvc.lock": lock, "results/a": b"", **dict.fromkeys(made, b"")}
    }
    files = reference.contents("no edit", is_short=True)
    assert files.keys() == {"dvc.lock", "results/a"}
    assert not any(name.encode() in files["dvc.lock"] for name in made)
