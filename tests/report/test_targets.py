"""What `dvc repro` is asked for: names that DVC knows, and nothing that a study does not have."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stages.tickets import settings as params
from stages.tickets.plan import expansion
from stages.tickets.report import sections, targets
from stages.tickets.settings import compose
from tests.made_up import config, study

ROOT = Path(__file__).parents[2]
STUDIES = [ROOT / "params.yaml", *compose.studies(ROOT / "studies")]


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_stages_without_items_are_those_that_dvc_does_not_expand(path: Path) -> None:
    pipeline = read(ROOT / "dvc.yaml")
    settings = expansion.parsing(ROOT / ".dvc" / "config")
    expanded = {
        stage.name.split("@")[0]
        for stage in expansion.expand(pipeline, params.content(path), settings)
    }
    assert targets.without_items(params.load(path)) == set(pipeline["stages"]) - expanded


def test_every_section_and_every_claim_names_stages_and_has_commands() -> None:
    known = set(read(ROOT / "dvc.yaml")["stages"])
    made = study(config(3, 3, 2))
    parts = sections.build(made.results, made.config)
    named = {part.name: part.stages for part in parts}
    named |= {claim.name: claim.stages for part in parts for claim in part.claims}
    for name, stages in named.items():
        assert set(stages) <= known, name
        assert targets.commands(stages, made.config)[-1] == targets.REPORT


def test_commands_name_only_what_the_study_has() -> None:
    full, bare = config(3, 3, 2), config(3, 3, 2, controls=False)
    assert targets.commands(("transfer",), full) == ("uv run dvc repro transfer", targets.REPORT)
    assert targets.commands(("transfer",), bare) == (targets.REPORT,)
    assert targets.commands(("ticket", "random"), bare)[0] == "uv run dvc repro ticket"
    assert targets.commands((), full) == (targets.REPORT,)
