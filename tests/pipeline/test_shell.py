"""No value of params.yaml that is not allowed reaches a shell, whichever stage DVC is told to run."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.stage.run import _enforce_cmd_list  # type: ignore[import-untyped]

from stages.commands import allow
from stages.tickets import settings
from stages.tickets.plan import stages as plan
from stages.tickets.settings.base import LONGEST_NAME
from tests.imports import ROOT
from tests.pipeline import STUDIES, pipeline, read, resolve
from tests.pipeline.study import STUDY, write_study
from tests.pipeline.test_dvc_yaml import wrong_outs

EVIL = (
    "x$(touch pwned)",
    "x'$(touch pwned)'",
    'x"$(touch pwned)"',
    "x;touch pwned",
    "x`touch pwned`",
    "x\ntouch pwned",
    "x' ; touch pwned #",
)
FIRST = "cmp -s params.yaml .dvc/tmp/allowed.yaml || python -m stages allow"
Key = tuple[str | int, ...]


def commands() -> dict[str, tuple[str, list[str]]]:
    """Of every stage the command in dvc.yaml, and the lists that it is repeated over."""
    return {
        name: (entry.get("do", entry)["cmd"], list(plan.repeated_over(entry)))
        for content in pipeline().values()
        for name, entry in content["stages"].items()
    }


def filled_in() -> set[str]:
    """Dotted keys of params.yaml whose values are in a command; of data and own it is the names."""
    keys: set[str] = set()
    for command, lists in commands().values():
        for variable in plan.LIST.findall(command):
            keys |= set(lists) if variable.split(".")[0] in ("item", "key") else {variable}
    return keys


def places(content: Any, key: Key = ()) -> Iterator[Key]:
    """All places below a value: those of single values, and of names that could be added to sections."""
    if isinstance(content, dict):
        yield (*key, "")
        for name, value in content.items():
            yield from places(value, (*key, name))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from places(value, (*key, index))
    else:
        yield key


def reaching() -> list[Key]:
    """The places of a study all of whose values come into commands."""
    found: list[Key] = []
    for dotted in sorted(filled_in()):
        names = tuple(dotted.split("."))
        below = [names] if dotted in ("data", "own") else []
        value = plan.value(STUDY, dotted)
        found += [(*names, "")] if below else [(*names, *key) for key in places(value)]
    return found


def with_evil(place: Key, text: str) -> dict[str, Any]:
    study = copy.deepcopy(STUDY)
    *around, last = place
    section: Any = study
    for name in around:
        section = section[name]
    if last == "":
        section[text] = next(iter(section.values()), 1)
    else:
        section[last] = text
    return study


def test_every_command_with_values_is_preceded_by_the_check_of_params_yaml() -> None:
    assert {name: command.splitlines()[:-1] for name, (command, _) in commands().items()} == {
        name: [FIRST] if "${" in command else [] for name, (command, _) in commands().items()
    }
    assert str(allow.COPY) in FIRST
    assert "study" in filled_in()


@pytest.mark.parametrize("place", reaching(), ids=lambda place: ".".join(map(str, place)))
def test_what_comes_into_a_command_is_checked(place: Key) -> None:
    for text in EVIL:
        with pytest.raises(settings.ParamsError):
            settings.checked(with_evil(place, text), "params.yaml")


def run_as_dvc_does(command: str, folder: Path) -> int:
    """Exit code of a command whose stages do nothing, but for `allow`."""
    stand_in = folder / "bin" / "python"
    stand_in.parent.mkdir(exist_ok=True)
    stand_in.write_text(
        f'#!/bin/sh\n[ "$3" != allow ] || exec {sys.executable} "$@"\n', encoding="utf-8"
    )
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
    for line in _enforce_cmd_list(command):
        code = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        ).returncode
        if code:
            return code
    return 0


def resolved(name: str, study: dict[str, Any]) -> str:
    """The command of the first stage of a name, with the lines before it, filled in by DVC."""
    stage = next(stage for stage in resolve(study) if stage.group == name)
    before, _, _ = commands()[name][0].rpartition("\n")
    return f"{before}\n{stage.command}"


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ("score", ("study",)),
        ("report", ("study",)),
        ("fine-tune", ("seeds", 0)),
        ("prune-round", ("imp", "")),
        ("prune-round", ("rounds", 0, "sparsity")),
    ],
)
def test_the_shell_sees_nothing_of_it(tmp_path: Path, stage: str, place: Key) -> None:
    study = with_evil(place, EVIL[0])
    write_study(tmp_path, study)
    command = resolved(stage, study)
    assert run_as_dvc_does(command, tmp_path) == 1
    assert not (tmp_path / "pwned").exists()
    run_as_dvc_does(command.splitlines()[-1], tmp_path)  # without the first line
    assert (tmp_path / "pwned").exists()


def test_a_study_is_checked_once(tmp_path: Path) -> None:
    """The second stage only compares params.yaml with the copy, until that is edited."""
    write_study(tmp_path, STUDY)
    command = resolved("score", STUDY)
    assert run_as_dvc_does(command, tmp_path) == 0
    kept = tmp_path / allow.COPY
    assert kept.read_bytes() == (tmp_path / "params.yaml").read_bytes()
    before = kept.stat().st_mtime_ns
    assert run_as_dvc_does(command, tmp_path) == 0
    assert kept.stat().st_mtime_ns == before
    write_study(tmp_path, STUDY | {"study": "other"})
    assert run_as_dvc_does(command, tmp_path) == 0
    assert json.loads(kept.read_text())["study"] == "other"
    write_study(tmp_path, STUDY | {"study": "../other"})
    assert run_as_dvc_does(command, tmp_path) == 1


def test_dvc_repro_of_one_stage_runs_no_command_in_a_name(tmp_path: Path) -> None:
    for part in ("stages", "published", "dvc.yaml"):
        (tmp_path / part).symlink_to(ROOT / part)
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(tmp_path / "none"),
        "DVC_SYSTEM_CONFIG_DIR": str(tmp_path / "none"),
    }
    write_study(tmp_path, STUDY | {"study": "x$(touch pwned)"})
    for dep in ("prepared", "baselines", "runs", "rounds", "code"):
        (tmp_path / "results" / dep).mkdir(parents=True)
    for dep in ("manifest.json", "code/score.json"):
        (tmp_path / "results" / dep).write_text("{}", encoding="utf-8")
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=tmp_path,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout
        for arguments in (("init", "--no-scm", "-q"), ("repro", "-s", "score"))
    ]
    assert "allow: params.yaml: study is 'x$(touch pwned)', allowed are names" in outputs[1]
    assert not list(tmp_path.rglob("pwned"))


# --- names as parts of paths -----------------------------------------------------------------

NO_NAMES = (
    "a/b", "..", ".", "", "-x", "--task", ".hidden", "Mood", "mOOD", "one-shot", "multi-task", "a b", "é",
    "a\n", "1a", "x" * (LONGEST_NAME + 1),
)  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("section", ["study", "tasks", "data", "own", "override"])
def test_a_name_that_is_no_part_of_a_path_is_refused_in_one_sentence(
    section: str, name: str
) -> None:
    study = copy.deepcopy(STUDY)
    if section == "study":
        study["study"] = name
    elif section == "tasks":
        study["tasks"][0] = name
    else:
        study[section][name] = next(iter(study[section].values()))
    with pytest.raises(settings.ParamsError, match=re.escape(repr(name))) as error:
        settings.checked(study, "params.yaml")
    assert "allowed are names of up to 64 characters a-z, 0-9 and _" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_task_may_be_called_as_any_folder_is() -> None:
    """No outputs overlap if a task has the name of a folder, of a kind, or the longest name there is."""
    parts = {
        part
        for path in STUDIES
        for stage in resolve(read(path))
        for out in stage.outs
        for part in Path(out).parts
    }
    names = {part for part in parts if re.fullmatch("[a-z][a-z0-9_]*", part)} - set(STUDY["tasks"])
    assert {"results", "runs", "weights", "rounds", "baselines"} <= names
    text = json.dumps(STUDY)
    for name in (*sorted(names), "x" * LONGEST_NAME):
        study = json.loads(text.replace('"mood"', f'"{name}"'))
        assert settings.checked(study, "params.yaml")
        stages = resolve(study)
        assert wrong_outs(stages) == [], name
        assert max(len(part) for s in stages for out in s.outs for part in Path(out).parts) < 200
