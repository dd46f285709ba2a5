"""The stage: from the files of other stages to the files of a report, the same bytes every time."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from stages import report
from stages.tickets import files, settings
from stages.tickets.plan import manifest
from stages.tickets.report import results, rows
from stages.tickets.report.published import PublishedClaim
from stages.tickets.report.results import Results
from stages.tickets.report.rows import ScoreRow
from tests.made_up import config, study

ROOT = Path(__file__).parents[2]
OPTIONS = {
    "manifest": "manifest.json",
    "measured": "measured",
    "encoder": "encoder",
    "published": "published",
    "report": "out",
}


def save(rows: Sequence[Any], kind: type, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and what the other stages wrote."""
    made = study(config(2, 2, 2))
    content = made.config.model_dump(mode="json", by_alias=True)
    for task in content["override"]:
        content["override"][task] = {}
    (tmp_path / "params.yaml").write_text(json.dumps(content))  # JSON is YAML
    save(made.scores, ScoreRow, tmp_path / "out" / "scores.csv")
    hints = get_type_hints(Results)
    for table in fields(Results):
        if path := table.metadata.get("path"):
            (kind,) = get_args(hints[table.name])
            place = path.replace("report/", "out/", 1)
            made_up = getattr(made.results, table.name)
            for task in made.config.patterns.tasks if "{task}" in path else ("",):
                own = [row for row in made_up if not task or row.task == task]
                save(own, kind, tmp_path / place.format(task=task))
    manifest.save(made.results.manifest, tmp_path / "manifest.json")
    files.save_arrays({"x": np.zeros(1)}, tmp_path / "measured" / "deviations.safetensors")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "encoder.json").write_text('{"num_prunable": 5, "num_weights": 9}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run() -> None:
    report.main(*map(Path, OPTIONS.values()))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_stage_writes_the_report_and_another_process_the_same_bytes(project: Path) -> None:
    run()
    first = contents(project / "out")
    names = ["agreement", "layers", "layers_by_task", "rewinding", "scores", "transfer"]
    names += ["subnetworks", "survival", "survival_of_weights", "survival_by_task"]
    names += ["survival_of_weights_by_task", "overlaps", "importance", "importance_by_magnitude"]
    names += ["hans", "controls", "transfer_published"]
    names += ["patterns", "pattern_examples", "movement"]
    assert {f"figures/{name}.svg" for name in names} <= set(first)
    assert {"index.html", "README.md", "figures/scores_mean_imp.csv", "tables/tickets.tex"} <= set(
        first
    )
    for written in ("tables", "figures"):
        shutil.rmtree(project / "out" / written)
    options = [part for name, path in OPTIONS.items() for part in (f"--{name}", path)]
    subprocess.run(
        [sys.executable, "-m", "stages.report", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        check=True,
    )
    assert contents(project / "out") == first
    assert str(project).encode() not in b"".join(first.values())


def test_every_link_of_the_readme_leads_to_a_file(project: Path) -> None:
    run()
    readme = (project / "out" / "README.md").read_text(encoding="utf-8")
    links = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert len(links) > 10
    assert all((project / "out" / link).is_file() for link in links)


def test_a_wrong_cell_is_named_with_its_file(project: Path) -> None:
    path = project / "out" / "scores.csv"
    path.write_text(path.read_text().replace(",0.4,", ",nan,", 1))
    with pytest.raises(ValueError, match=r"scores\.csv: row \d+ has score 'nan'"):
        run()
    assert not (project / "out" / "tables").exists()


@pytest.mark.parametrize(("column", "changed"), [("name", "statement"), ("statement", "name")])
def test_a_claim_that_stands_twice_is_refused(project: Path, column: str, changed: str) -> None:
    """As after a merge that keeps the lines of both sides."""
    path = project / "published" / "claims.csv"
    claims = rows.read(path, PublishedClaim)
    save([*claims, replace(claims[3], **{changed: "another"})], PublishedClaim, path)
    value = re.escape(repr(getattr(claims[3], column)))
    twins = rf"claims\.csv: rows 4 and {len(claims) + 1} have the same {column} {value}; remove one"
    with pytest.raises(ValueError, match=twins):
        run()
    assert not (project / "out" / "tables").exists()


SPEED = (
    "task,kind,source,round,examples,ratio,low,high,milliseconds,pairs,peak,tokens,threads,load,"
    "machine,date\nsentiment,dense,,0,1,{},0.9,1.1,5.1,20,80,64,1,0.5,a processor,2026-01-02\n"
)


def test_times_are_read_if_they_were_measured(project: Path) -> None:
    """Without the table there are no times, and a wrong cell is named."""
    config = settings.load(project / "params.yaml")
    names = ("manifest", "report", "measured", "encoder", "published")
    where = (project / OPTIONS[name] for name in names)
    manifest_file, out, *others = where
    assert results.load(config, manifest_file, out, *others).speed == ()
    (out / "speed.csv").write_text(SPEED.format(1.05))
    (row,) = results.load(config, manifest_file, out, *others).speed
    assert (row.ratio, row.source, row.machine) == (1.05, "", "a processor")
    (out / "speed.csv").write_text(SPEED.format("nan"))
    with pytest.raises(ValueError, match=r"speed\.csv: row 1 has ratio 'nan'"):
        results.load(config, manifest_file, out, *others)


def test_the_stage_imports_no_framework() -> None:
    code = "import sys, stages.report; print({'torch', 'transformers'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
