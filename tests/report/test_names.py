"""What ran and what did not, of made-up studies."""

from stages.tickets.report import names as runs
from tests.made_up import config, study


def test_random_masks_are_listed_in_the_rounds_in_which_they_ran() -> None:
    made = study(config(1, 1, 2))
    assert runs.grid(made.found, made.config)[3:] == [
        ("dense", 0), ("imp", 1), ("imp", 2), ("random", 2),
    ]  # fmt: skip


def test_an_empty_list_is_why_nothing_ran() -> None:
    made = study(config(1, 1, 1, controls=False))
    lacking = "not run: random.rounds is empty in params.yaml"
    assert runs.missing_controls(made.found, made.config) == (
        f" Random mask: {lacking}."
        " Dense from scratch: not run: scratch.tasks is empty in params.yaml."
    )


def test_what_was_asked_for_and_is_not_there_is_missing_in_its_file() -> None:
    made = study(config(2, 2, 1))
    assert runs.why_no_control("random", made.config) == runs.NO_ROW
    assert runs.why_no_agreement(made.config) == "not run: agreement.csv has no such row"
    assert runs.missing_controls(made.found, made.config) == ""


def test_names_of_runs_and_tasks() -> None:
    made = study(config(3, 1, 2))
    assert runs.run_name("imp", 2, made.config) == "IMP ticket, 60\N{NO-BREAK SPACE}%"
    assert runs.run_name("dense", 0, made.config) == "dense"
    assert runs.task_name("similarity", made.found) == "similarity (Pearson)"
