"""What `dvc repro` is asked for: names that DVC knows, and nothing that a study does not have."""

from stages.tickets.report.results import REPORT
from tests.made_up import config, sections_of, study


def test_every_section_and_every_claim_has_commands() -> None:
    made = study(config(3, 3, 2))
    parts = sections_of((3, 3, 2, True), everything=False)
    for stages in (*(part.stages for part in parts), *(c.stages for p in parts for c in p.claims)):
        assert made.results.commands(stages)[-1] == REPORT


def test_commands_name_only_what_the_study_has() -> None:
    full, bare = study(config(3, 3, 2)).results, study(config(3, 3, 2, controls=False)).results
    transfer = "uv run dvc repro pipeline/transfer/dvc.yaml:transfer"
    assert full.commands(("transfer",)) == (transfer, REPORT)
    assert bare.commands(("transfer",)) == (REPORT,)
    ticket = "uv run dvc repro pipeline/tickets/dvc.yaml:ticket"
    assert bare.commands(("ticket", "controls"))[0] == ticket
    assert full.commands(()) == (REPORT,)


def test_why_nothing_ran_is_the_empty_list_of_dvc_yaml() -> None:
    bare = study(config(1, 1, 1, controls=False)).results
    for kind, key in {
        "transfer": "transfer.sources",
        "rewind": "rewind.tasks",
        "standard": "standard.tasks",
        "aliased": "standard.tasks",
        "search": "search.tasks",
        "patterns": "patterns.tasks",
        "retrained": "retrain.tasks",
        "scratch": "scratch.tasks",
    }.items():
        assert bare.not_run(kind) == f"not run: {key} is empty in params.yaml"
