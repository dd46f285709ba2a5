"""What is edited while a stage runs: DVC itself runs three short stages, and the tests edit meanwhile.

The project is a copy of stages/ in which some stages wait for the test: while they import a module, or
once they have read their settings and a table.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.imports import ROOT
from tests.launch.project import end_processes
from tests.pipeline.study import STUDY, write_study

FILES = {
    "stages/tickets/pruning/pausing.py": """
import time
from pathlib import Path


def pause(at):
    Path(f"at-{at}").touch()
    while Path("hold").read_text() == at:
        time.sleep(0.02)
""",
    "stages/tickets/pruning/late.py": "NUMBER = 1  # one\n",
    "stages/tickets/pruning/answer.py": """
from stages.tickets.pruning.pausing import pause

pause("importing")
from stages.tickets.pruning.late import NUMBER

pause("imported")
""",
    "stages/slow.py": """
from dataclasses import dataclass
from pathlib import Path

import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.pruning import answer, pausing


@dataclass(frozen=True)
class Params:
    encoder: settings.Encoder
    own: settings.OwnData | None


def main(
    out: Path = typer.Option(), prices: Path = typer.Option(), task: str = typer.Option()
) -> None:
    read = cli.read(Params, "mood")
    rows = len(Path(read.own.train).read_text().splitlines())
    numbers = [read.encoder.seed, rows, answer.NUMBER, len(list(prices.iterdir()))]
    pausing.pause("running")
    out.write_text(" ".join(map(str, numbers)))


if __name__ == "__main__":
    cli.run(main)
""",
    "dvc.yaml": """
stages:
  check:
    cmd: python -m stages check --out results/params-checked --manifest results/manifest.json
    params: [params.yaml: null]
    outs: [results/params-checked, results/manifest.json]
  code:
    cmd: python -m stages code --numerics fast --sources stages --out results/code
    deps: [stages]
    outs: [results/code]
  slow:
    cmd: python -m stages slow --task mood --prices ./prices --out results/slow
    deps: [results/code/slow.json, prices, train.csv]
    params: [encoder, own.mood]
    outs: [results/slow]
""",
    "prices/a.csv": "1\n",
    "mood/notes.txt": "a folder that has the name of a task\n",
}
PAUSES = {
    "stages/check.py": ("    check(settings.checked", "checking"),
    "stages/code.py": ("    used = ", "hashing"),
}
"""Lines of the project's own stages before which the copy waits."""
LIBRARIES = re.compile(r"(?s)\nLIBRARIES = \(.*?\n\)\n")
"""What the warm process loads before any stage; nothing here needs it."""
LATE = "stages/tickets/pruning/late.py"
MADE = "0 31 1 1"
"""Seed of the encoder, lines of the table, NUMBER, and number of files in prices/."""


@dataclass(frozen=True)
class Project:
    folder: Path
    warm: str

    def dvc(self, *arguments: str) -> "subprocess.Popen[str]":
        beside = self.folder.parent
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(beside),
            "SCRATCHCARD_WARM": self.warm,
            "CUDA_VISIBLE_DEVICES": "",
            "CI": "1",
            "DVC_SITE_CACHE_DIR": str(beside / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(beside / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(beside / "none"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.folder,
            env=os.environ | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def repro(
        self, *arguments: str, at: str = "", edit: Callable[[], object] = lambda: None
    ) -> tuple[int, str]:
        """Exit code and output of `dvc repro`, with an edit when a stage is at a place in its code."""
        for marker in self.folder.glob("at-*"):
            marker.unlink()
        self.hold(at)
        process = self.dvc("repro", *arguments)
        self.wait(at, process)
        edit()
        self.hold("")
        output = process.communicate()[0]
        return process.returncode, output

    def hold(self, at: str) -> None:
        (self.folder / "hold").write_text(at)

    def wait(self, at: str, process: "subprocess.Popen[str] | None" = None) -> None:
        deadline = time.monotonic() + 120
        while at and not (self.folder / f"at-{at}").exists():
            assert time.monotonic() < deadline
            assert process is None or process.poll() is None, process.communicate()[0]
            time.sleep(0.02)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text, name
        self.write(name, text.replace(old, new))

    def set(self, section: str, **values: object) -> None:
        self.put(section, self.study[section] | values)

    @property
    def study(self) -> dict[str, Any]:
        study: dict[str, Any] = json.loads(
            (self.folder / "params.yaml").read_text(encoding="utf-8")
        )
        return study

    def put(self, section: str, value: object) -> None:
        study = self.study | {section: value}
        self.write("params.yaml", json.dumps(study))

    def restore(self) -> None:
        write_study(self.folder, STUDY)
        self.write(LATE, FILES[LATE])
        (self.folder / "prices" / "b.csv").unlink(missing_ok=True)

    @property
    def made(self) -> str:
        return (self.folder / "results" / "slow").read_text()

    @property
    def lock(self) -> str:
        return (self.folder / "dvc.lock").read_text(encoding="utf-8")

    @property
    def stored(self) -> tuple[str, list[Path]]:
        """The lock, and the files of DVC's cache of runs."""
        return self.lock, sorted((self.folder / ".dvc" / "cache" / "runs").rglob("*"))

    def is_clean(self) -> bool:
        return "up to date" in self.dvc("status").communicate()[0]


def make_project(folder: Path, warm: str) -> Project:
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "stages", folder / "stages", ignore=ignored)
    shutil.copy(ROOT / ".dvcignore", folder)
    project = Project(folder, warm)
    for name, text in FILES.items():
        project.write(name, text.lstrip())
    for name, (line, place) in PAUSES.items():
        wait = f"    from stages.tickets.pruning import pausing; pausing.pause('{place}')"
        project.change(name, line, f"{wait}\n{line}")
    (launcher,) = (
        file
        for file in (folder / "stages" / "launch").glob("*.py")
        if LIBRARIES.search(file.read_text())
    )
    launcher.write_text(LIBRARIES.sub("\nLIBRARIES = ()\n", launcher.read_text()), encoding="utf-8")
    write_study(folder, STUDY)
    output = project.dvc("init", "--no-scm", "-q").communicate()[0]
    assert (folder / ".dvc").is_dir(), output
    code, output = project.repro()
    assert code == 0, output
    assert (project.made, project.is_clean()) == (MADE, True)
    return project


@pytest.fixture(scope="module", params=["1", "0"], ids=["warm", "plain"])
def origin(request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project in which every stage has run, with the warm process and without.

    After all tests DVC makes the bytes and the lock of before, and finds nothing to do.
    """
    with tempfile.TemporaryDirectory() as place:
        project = make_project(Path(place).resolve() / "p", request.param)
        lock = project.lock
        yield project
        code, output = project.repro()
        assert code == 0, output
        assert (project.made, project.lock, project.is_clean()) == (MADE, lock, True)
        end_processes(Path(place).resolve() / "p")


@pytest.fixture
def project(origin: Project) -> Iterator[Project]:
    yield origin
    origin.restore()


def undone(project: Project) -> None:
    """Edit a source that the stage is about to import, and undo that before it works."""
    before = (project.folder / LATE).read_text(encoding="utf-8")
    project.change(LATE, "1", "2")
    project.hold("imported")
    project.wait("imported")
    project.write(LATE, before)


Edit = Callable[[Project], object]
REFUSED: dict[str, tuple[str, str, Edit, str]] = {
    "a setting": (
        "slow",
        "running",
        lambda project: project.set("encoder", seed=1),
        "encoder in params.yaml was edited while the stage ran",
    ),
    "a setting of a task": (
        "slow",
        "running",
        lambda project: project.set("own", mood=STUDY["own"]["mood"] | {"metrics": ["f1"]}),
        "own.mood in params.yaml was edited while the stage ran",
    ),
    "the numerics": (
        "slow",
        "running",
        lambda project: project.put("numerics", "portable"),
        "numerics in params.yaml is 'portable', but `code` noted 'fast'",
    ),
    "the file of settings, half written": (
        "slow",
        "running",
        lambda project: project.write("params.yaml", ""),
        "params.yaml is None, but it should be the sections ",
    ),
    "a source": (
        "slow",
        "importing",
        lambda project: project.change(LATE, "1", "2"),
        f"{LATE} was written while the stage ran",
    ),
    "a source, undone": ("slow", "importing", undone, f"{LATE} was written while the stage ran"),
    "a table": (
        "slow",
        "running",
        lambda project: project.change("train.csv", "happy", "merry"),
        "train.csv was written while the stage ran",
    ),
    "a file in a folder": (
        "slow",
        "running",
        lambda project: project.write("prices/b.csv", "2\n"),
        "prices/b.csv was written while the stage ran",
    ),
    "settings while they are checked": (
        "check",
        "checking",
        lambda project: project.set("encoder", seed=1),
        "params.yaml was edited while the stage ran",
    ),
    "a source while it is hashed": (
        "code",
        "hashing",
        lambda project: project.change(LATE, "1", "2"),
        f"{LATE} was written while the stage ran",
    ),
}


def test_a_setting_that_is_edited_while_the_stage_runs_is_refused(project: Project) -> None:
    refuse(project, "a setting")


def test_a_source_that_is_edited_and_undone_is_refused(project: Project) -> None:
    refuse(project, "a source, undone")


@pytest.mark.parametrize("origin", ["0"], indirect=True, ids=["plain"])
@pytest.mark.parametrize("name", sorted(REFUSED.keys() - {"a setting", "a source, undone"}))
def test_what_is_edited_while_the_stage_runs_is_refused(project: Project, name: str) -> None:
    refuse(project, name)


def refuse(project: Project, name: str) -> None:
    """DVC fails with one sentence, and stores nothing, neither in a lock nor in its cache of runs."""
    stage, place, edit, problem = REFUSED[name]
    before = project.stored
    code, output = project.repro("-f", "-s", stage, at=place, edit=lambda: edit(project))
    assert code != 0
    ending = (
        "nothing was stored[;,] (and )?(run )?`dvc repro` (runs the stage again|for all stages)"
    )
    assert re.search(rf"(?m)^{re.escape(f'{stage}: {problem}')}.*; {ending}$", output), output
    assert "Traceback" not in output
    assert project.stored == before


@pytest.mark.parametrize("origin", ["0"], indirect=True, ids=["plain"])
def test_a_source_that_code_has_not_hashed_is_refused(project: Project) -> None:
    project.change(LATE, "1", "2")
    code, output = project.repro("-f", "-s", "slow")
    assert code != 0
    assert (
        f"slow: {LATE} was edited, but the stage `code` hashed it before; run `dvc repro`, and "
        "`dvc repro -f -s code` if need be\n"
    ) in output


@pytest.mark.parametrize("origin", ["0"], indirect=True, ids=["plain"])
def test_numerics_that_code_has_not_noted_are_refused(project: Project) -> None:
    """So is an edit before the stage has begun to work, even if it is undone at its end."""
    before = project.stored
    code, output = project.repro(
        "-f", "-s", "slow", at="importing", edit=lambda: project.put("numerics", "")
    )
    assert code != 0
    assert "slow: numerics in params.yaml is '', but `code` noted 'fast'; nothing" in output
    assert not (project.folder / "at-running").exists()
    assert project.stored == before


@pytest.mark.parametrize("origin", ["0"], indirect=True, ids=["plain"])
def test_other_edits_are_free(project: Project) -> None:
    """Another section, a value as before, an imported source and a comment change no result.

    Nor do a backup of a table by a hard link, its mode, and a file in a folder that is no input.
    """

    def edit() -> None:
        project.set("train", epochs=1)
        project.set("encoder", seed=1)
        project.set("encoder", seed=0)
        project.change(LATE, "1", "2")
        os.link(project.folder / "train.csv", project.folder / "backup.csv")
        (project.folder / "prices" / "a.csv").chmod(0o600)
        project.write("mood/new.txt", "")

    project.change(LATE, "# one", "# two")
    code, output = project.repro("-f", "-s", "slow", at="running", edit=edit)
    assert code == 0, output
    assert project.made == MADE
    code, output = project.repro()
    assert code == 0, output
    assert project.made == MADE.replace("31 1", "31 2")
