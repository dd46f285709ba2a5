"""One more experiment is four new files and a line in each of three registries, and reaches the report.

The files lie in tests/one_more_experiment; docs/add-an-experiment.md walks through them. (A file called
dvc.yaml there would be a part of this pipeline.)
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT

FILES = {
    "stages.yaml": "pipeline/reshuffled/dvc.yaml",
    "reshuffle.py": "stages/reshuffle.py",
    "method.py": "stages/tickets/pruning/reshuffled.py",
    "section.py": "stages/tickets/report/sections/reshuffled.py",
}
LINES = {
    "stages/tickets/settings/study.py": (
        "    scratch: trials.Over\n",
        "    reshuffled: trials.Over\n",
    ),
    "stages/tickets/report/sections/__init__.py": ('    "controls",\n', '    "reshuffled",\n'),
    "studies/off.yaml": (
        "scratch: {tasks: [], seeds: []}   # the dense architecture from random weights\n",
        "reshuffled: {tasks: [], seeds: []}   # the ticket's mask shuffled within every matrix\n",
    ),
}
"""The line after which a registry gets its new line, and that line."""
TINY = (
    "study=tiny", "encoder.sentences=100", "encoder.layers=2", "encoder.hidden=16", "encoder.mlp=32",
    "encoder.train.epochs=1", "data.sentiment.train=40", "data.sentiment.validation=40",
    "data.acceptability.train=40", "data.acceptability.validation=40", "train.epochs=1",
    "patterns.network.maps=10", "patterns.network.held_out=10", "patterns.network.epochs=1",
    "multitask.seeds=[]", "controls.tasks=[]", "dense.points=[0]", "rewind.tasks=[]", "rewind.points=[]",
    "transfer_weights.points=[]", "transfer_weights.sources=[]", "transfer.sources=[]",
    "reshuffled={tasks: all, seeds: all}",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project with the experiment, and a study of two tasks that takes seconds."""
    folder = tmp_path_factory.mktemp("copy") / "project"
    folder.mkdir()
    for name in ("stages", "pipeline", "published", "studies"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    for lock in folder.glob("pipeline/*/dvc.lock"):
        lock.unlink()
    for source, target in FILES.items():
        (folder / target).parent.mkdir(exist_ok=True)
        assert not (folder / target).exists()
        shutil.copy(ROOT / "tests" / "one_more_experiment" / source, folder / target)
    for name, (before, line) in LINES.items():
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, name
        (folder / name).write_text(text.replace(before, before + line), encoding="utf-8")
    run(folder, "dvc", "init", "-q", "--no-scm")
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    run(folder, "dvc", "config", "core.no_scm", "true")
    tasks = ("--tasks", "acceptability,sentiment", "--seeds", "1,2", "-o", "params.yaml")
    changes = [part for change in TINY for part in ("-S", change)]
    run(folder, "stages", "study", "miniature", *tasks, *changes)
    run(folder, "dvc", "repro", "-q")
    return folder


def run(folder: Path, module: str, *arguments: str) -> str:
    """What a module prints; its error if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=os.environ
        | {"SCRATCHCARD_WARM": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_its_scores_reach_the_table_of_scores(project: Path) -> None:
    with (project / "reports" / "tiny" / "scores.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "reshuffled"]
    coordinates = {(row["task"], row["seed"], row["round"], row["sparsity"]) for row in rows}
    assert coordinates == {
        (task, seed, "2", "0.8") for task in ("acceptability", "sentiment") for seed in "12"
    }


def test_its_table_figure_answer_and_claim_stand_on_the_page(project: Path) -> None:
    report = project / "reports" / "tiny"
    with (report / "tables" / "reshuffled.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["task"], row["n"]) for row in rows] == [("acceptability", "2"), ("sentiment", "2")]
    assert "<svg" in (report / "figures" / "reshuffled.svg").read_text(encoding="utf-8")
    page = (report / "index.html").read_text(encoding="utf-8")
    section = page.partition('<h2 id="reshuffled">')[2].partition("<h2")[0]
    for part in (
        "Does the place of a survivor matter?",
        'aria-label="Tickets minus their shuffled masks, by task"',
        'id="table-reshuffled"',
        'id="claim-places_matter"',
        "uv run dvc repro pipeline/reshuffled/dvc.yaml:reshuffle",
    ):
        assert part in section, part
    assert page.count('href="#claim-places_matter"') == 1


def test_the_budget_counts_it(project: Path) -> None:
    rows = json.loads(run(project, "stages", "plan", "--json"))["stages"]
    assert [row["trainings"] for row in rows if row["stage"] == "reshuffle"] == [1] * 4


def test_the_walk_through_shows_these_files_and_lines() -> None:
    page = (ROOT / "docs" / "add-an-experiment.md").read_text(encoding="utf-8")
    for source, target in FILES.items():
        assert f"`{target}`" in page
        assert (ROOT / "tests" / "one_more_experiment" / source).read_text(encoding="utf-8") in page
    for name, (_, line) in LINES.items():
        assert f"`{name}`" in page
        assert line.strip() in page
