"""What is committed fits together: every dvc.lock with its dvc.yaml, params.yaml and the report."""

import csv
import hashlib
import io
import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stages import code
from stages.launch import hashes
from stages.tickets.plan import committed
from stages.tickets.plan import manifest as manifests
from stages.tickets.plan import stages as plan
from stages.tickets.plan.declared import manifest_of
from tests.imports import ROOT
from tests.pipeline import CODE, STUDIES, Stage, read, resolve, shown, shown_columns

MINIATURE = read(STUDIES[0])


def wrong_lock(
    locks: Mapping[str, Mapping[str, Any]], stages: Iterable[Stage], study: dict[str, Any]
) -> list[str]:
    """Each dvc.lock has the stages of its dvc.yaml, with their commands, paths and settings.

    Args:
        locks: what is locked of every stage, by dvc.yaml and name.
        stages: all of the study.
        study: content of params.yaml.
    """
    expected = {(stage.file, stage.name): stage for stage in stages}
    known = {(file, name) for file, entries in locks.items() for name in entries}
    problems = [f"{file} has no lock of {name}" for file, name in expected.keys() - known]
    problems += [
        f"{file} has a lock of {name} for nothing" for file, name in known - expected.keys()
    ]
    for (file, name), stage in expected.items():
        entry = locks.get(file, {}).get(name)
        if entry is None:
            continue
        if shlex.split(entry["cmd"].splitlines()[-1]) != stage.words:
            problems.append(f"{name}: another command is locked")
        for kind, paths in {"deps": stage.deps, "outs": stage.outs}.items():
            if {item["path"] for item in entry.get(kind, ())} != set(paths):
                problems.append(f"{name}: other {kind} are locked")
        tracked = study if plan.PARAMS in stage.params else dict(stage.params)
        if entry.get("params", {}).get(plan.PARAMS, {}) != tracked:
            problems.append(f"{name}: other params are locked")
    return sorted(problems)


def committed_locks() -> dict[str, dict[str, Any]]:
    """What is locked of every stage, by dvc.yaml and name."""
    names = {file: file.removesuffix("yaml") + "lock" for file in committed.pipeline(ROOT)}
    locks = {file: committed.content(ROOT, name) for file, name in names.items()}
    return {file: lock["stages"] if lock else {} for file, lock in locks.items()}


def test_the_committed_locks_are_of_the_committed_dvc_yaml_and_params_yaml() -> None:
    """What is not committed yet, such as another study, is left alone."""
    files, study = committed.pipeline(ROOT), committed.content(ROOT, plan.PARAMS)
    assert wrong_lock(committed_locks(), resolve(study, files), study) == []


def test_the_locked_manifest_is_what_dvc_yaml_declares(tmp_path: Path) -> None:
    """DVC takes no dvc.yaml for a dependency, so that an edit of `meta` alone does not rerun `check`."""
    files, study = committed.pipeline(ROOT), committed.content(ROOT, plan.PARAMS)
    manifests.save(manifest_of(resolve(study, files), files, study), tmp_path / "manifest.json")
    digest = hashlib.md5((tmp_path / "manifest.json").read_bytes()).hexdigest()
    outs = committed_locks()["dvc.yaml"]["check"]["outs"]
    assert digest in {out["md5"] for out in outs}, "`dvc repro -s -f check` makes it anew"


def test_the_committed_locks_are_of_the_committed_code() -> None:
    """A hash of code does not depend on the processor: a report of other code is seen anywhere."""
    if subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", "stages"], cwd=ROOT, check=False
    ).returncode:
        pytest.skip("stages/ is not as committed")
    known = {
        f"{CODE}/{script}.json": hashlib.md5(
            code.to_text(files, MINIATURE["numerics"]).encode()
        ).hexdigest()
        for script, files in hashes.by_script(ROOT / "stages").items()
    }
    stale = {
        f"{name}: {dep['path']}"
        for entries in committed_locks().values()
        for name, entry in entries.items()
        for dep in entry.get("deps", ())
        if dep["path"] in known and dep["md5"] != known[dep["path"]]
    }
    assert stale == set(), "`uv run dvc repro`, then commit the locks and the report"


def test_a_lock_of_another_study_is_reported() -> None:
    changed = MINIATURE | {
        "seeds": [*MINIATURE["seeds"][1:], 99],
        "encoder": MINIATURE["encoder"] | {"seed": 99},
        "dense": {"points": [0, 99]},
    }
    task, (first, second, *_) = MINIATURE["tasks"][0], MINIATURE["seeds"]
    file = "pipeline/encoder-and-tasks/dvc.yaml"
    locks = committed_locks()
    locks["dvc.yaml"]["encoder"] = locks[file].pop("encoder")
    problems = wrong_lock(locks, resolve(changed), changed)
    assert {
        f"{file} has a lock of fine-tune@{task}-{first} for nothing",
        f"{file} has no lock of fine-tune@{task}-99",
        f"fine-tune@{task}-{second}: another command is locked",
        "check: other params are locked",
        f"{file} has no lock of encoder",
        "dvc.yaml has a lock of encoder for nothing",
    } <= set(problems)


def test_other_paths_are_reported() -> None:
    stages, locks = resolve(MINIATURE), committed_locks()
    del locks["pipeline/masks/dvc.yaml"]["stability"]["deps"][0]
    locks["pipeline/masks/dvc.yaml"]["stability"]["outs"][0]["path"] = "results/elsewhere"
    found = set(wrong_lock(locks, stages, MINIATURE))
    assert {"stability: other deps are locked", "stability: other outs are locked"} <= found


# --- the report ------------------------------------------------------------------------------


def blank_columns(columns: Iterable[tuple[str, str]], folder: Path) -> list[str]:
    """What a plot shows and is not there, has no rows, or a row without a value."""
    problems = []
    for path, column in columns:
        text = io.StringIO((folder / path).read_text(encoding="utf-8"))
        values = [row.get(column) for row in csv.DictReader(text)]
        if not values or not all(values):
            problems.append(f"{path} has blanks in column {column}")
    return problems


def test_what_dvc_yaml_shows_is_in_the_committed_report() -> None:
    """Every file and column of its plots, with a value in every row, and every file of its metrics."""
    columns = shown_columns(MINIATURE)
    plots, metrics = shown(MINIATURE)
    assert len(columns) >= 2 * len(plots)
    assert blank_columns(columns, ROOT) == []
    assert all(json.loads((ROOT / path).read_text(encoding="utf-8")) for path in metrics)


def test_plots_of_what_is_blank_are_reported(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("task,score\nrte,0.5\ncola,\n", encoding="utf-8")
    (tmp_path / "none.csv").write_text("task,score\n", encoding="utf-8")
    columns = [("some.csv", name) for name in ("task", "score", "f1")] + [("none.csv", "task")]
    assert blank_columns(columns, tmp_path) == [
        "some.csv has blanks in column score",
        "some.csv has blanks in column f1",
        "none.csv has blanks in column task",
    ]
