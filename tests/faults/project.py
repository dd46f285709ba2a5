"""A study of seconds with the project's real stages, its reference results, and copies for trials."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.launch.driver import locks
from tests.imports import ROOT
from tests.launch.driver_project import contents, git
from tests.launch.project import is_alive, processes
from tests.pipeline.study import STUDY, TICKETS_ALONE, TRAIN, write_study

STUDY_OF_SECONDS: dict[str, Any] = STUDY | {
    **TICKETS_ALONE,
    "random": STUDY["random"],
    "tasks": ["mood"],
    "seeds": [1],
    "data": {},
    "override": {"mood": {}},
    "train": TRAIN | {"epochs": 40},
    "patterns": STUDY["patterns"]
    | {"tasks": [], "network": STUDY["patterns"]["network"] | {"seeds": [1]}},
}
"""15 stages, of which `ticket` trains two networks side by side."""
BEGINNING = ("pipeline/encoder-and-tasks/dvc.yaml", "pipeline/patterns/dvc.yaml")
"""What has run before a trial begins, so that a trial takes seconds."""
ENGINES = {"dvc": ["dvc", "repro"], "driver": ["stages", "run", "--workers", "2"]}
SHORT = (
    *BEGINNING,
    "pipeline/tickets/dvc.yaml",
    "pipeline/masks/dvc.yaml",
    "pipeline/searches/dvc.yaml",
)
"""Targets of most trials: all but `score` and `report`, which take half of the time."""
BY_GIT_ALONE = {"score", "report"}
"""Stages whose outputs git keeps, so that neither cache has them."""
HANG_SECONDS = 120
SHIM = """\
#!/bin/sh
[ "$3" = allow ] || echo "$FAULTS_RUN ${DVC_STAGE:--}" >> "$FAULTS_LOG"
exec "%s" "$@"
"""
"""A program `python` for the commands of stages: it notes each stage that starts, and is then Python."""

START = """
import os, resource, signal, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""
"""Start a module as in a terminal, with a limit on the size of each file; -1 is none."""


@dataclass
class Run:
    """A process that a user has started: DVC, the driver or `doctor`."""

    number: int
    kind: str
    process: "subprocess.Popen[bytes]"
    printed: Path
    code: int | None = None
    hung: bool = False

    @property
    def text(self) -> str:
        return self.printed.read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """Wait for its end; after HANG_SECONDS, kill it and note that it hung."""
        try:
            self.code = self.process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self.hung = True
            self.process.kill()
            self.code = self.process.wait()


@dataclass
class Lane:
    """A folder for one trial at a time. Its path stays, so the warm process serves all trials."""

    folder: Path
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        for part in (self.project, self.folder / "bin"):
            part.mkdir(parents=True, exist_ok=True)
        shim = self.folder / "bin" / "python"
        shim.write_text(SHIM % sys.executable, encoding="utf-8")
        shim.chmod(0o755)

    @property
    def project(self) -> Path:
        return self.folder / "p"

    @property
    def log(self) -> Path:
        return self.folder / "started"

    def environment(self, number: int) -> dict[str, str]:
        kept = {
            name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        return kept | {
            "PATH": os.pathsep.join(
                [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "FAULTS_LOG": str(self.log),
            "FAULTS_RUN": str(number),
            "TMPDIR": str(self.folder),
            "CUDA_VISIBLE_DEVICES": "",
            "CI": "1",  # no look for a new version of DVC
            "OMP_NUM_THREADS": "1",
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(self.folder / "none"),
            "DVC_SYSTEM_CONFIG_DIR": str(self.folder / "none"),
            "SHELL": "/bin/sh",
        }

    def fill(self, source: Path) -> None:
        """Make the project a fresh copy of `source`, and forget all runs."""
        end_all(self.project)
        for part in (*self.project.iterdir(), self.folder / "site"):
            shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink(True)
        for part in self.folder.glob("printed-*"):
            part.unlink()
        self.log.unlink(missing_ok=True)
        subprocess.run(["cp", "-a", f"{source}/.", str(self.project)], check=True)
        self.runs.clear()

    def start(self, kind: str, *command: str, most_bytes: int | None = None) -> Run:
        """Start what a user types after `python -m`; `most_bytes` limits the size of each file."""
        printed = self.folder / f"printed-{len(self.runs)}"
        with printed.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", START, str(most_bytes or -1), *command],
                cwd=self.project,
                env=self.environment(len(self.runs)),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.runs.append(Run(len(self.runs), kind, process, printed))
        return self.runs[-1]

    def finish(self, kind: str, *command: str) -> Run:
        """Run something to its end."""
        run = self.start(kind, *command)
        run.end()
        return run

    def started(self) -> list[tuple[int, str]]:
        """List the runs and the names of the stages that they have started, in order."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        pairs = [line.split(" ", 1) for line in lines]
        return [(int(number), stage.rsplit(":", 1)[-1]) for number, stage in pairs if stage != "-"]


def ended_stages(run: Run) -> set[str]:
    """Return the stages that a driver has reported as stored."""
    return {
        line.split(": ")[0].rsplit(":", 1)[-1]
        for line in run.text.splitlines()
        if ": " in line and line.split(": ")[1].split(";")[0].endswith(" s")
    }


# --- processes -------------------------------------------------------------------------------


def parent(number: int) -> int:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rsplit(")", 1)[1].split()[1])
    return 0


def kinds(folder: Path) -> dict[str, list[int]]:
    """Sort the processes of a project: shells and askers, keepers, the warm process, its forks."""
    everything = processes(folder)
    sorted_by: dict[str, list[int]] = {
        "keeper": [], "asker": [], "shell": [], "warm": [], "training": [], "other": [],
    }  # fmt: skip
    forks = {number for number, words in everything.items() if "stages.launch.server" in words}
    for number, words in everything.items():
        if number in forks:
            kind = "training" if parent(number) in forks else "warm"
        elif any(word.endswith("keeper.py") for word in words):
            kind = "keeper"
        elif words[1:3] == ["-m", "stages"] and words[3] not in ("run", "doctor", "allow"):
            kind = "asker"
        elif words[0] == "/bin/sh":
            kind = "shell"
        else:
            kind = "other"
        sorted_by[kind].append(number)
    leaves = {parent(number) for number in sorted_by["training"]}
    sorted_by["training"].sort(key=lambda number: number in leaves)
    return sorted_by


def left_over(folder: Path) -> list[str]:
    """List the commands of processes that run on, but for an idle warm process."""
    by_kind, everything = kinds(folder), processes(folder)
    numbers = [number for kind, of in by_kind.items() for number in of if kind != "warm"]
    return [" ".join(everything[number]) for number in numbers if number in everything]


def end_all(folder: Path) -> None:
    """Kill all processes of a project but the warm process."""
    for kind, numbers in kinds(folder).items():
        for number in numbers:
            if kind != "warm":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while left_over(folder) and time.monotonic() < deadline:
        time.sleep(0.02)


# --- edits and references --------------------------------------------------------------------


def edit_params(project: Path) -> None:
    params = project / "params.yaml"
    study = json.loads(params.read_text(encoding="utf-8"))
    study["train"]["learning_rate"] *= 2
    params.write_text(json.dumps(study), encoding="utf-8")


def edit_source(project: Path) -> None:
    with (project / "stages" / "tickets" / "pruning" / "masks.py").open("a") as file:
        file.write("\nEDITED = 1\n")


def edit_table(project: Path) -> None:
    with (project / "train.csv").open("a", encoding="utf-8") as file:
        file.write("the dog is bad again,sad\n")


EDITS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "params": ("params.yaml", edit_params),
    "source": ("stages/tickets/pruning/masks.py", edit_source),
    "table": ("train.csv", edit_table),
}
"""What may be edited: the file, and the edit."""


class Reference:
    """The project before a trial, after an undisturbed run, and the bytes that have to come out.

    Args:
        folder: holds all that is made.
        targets: what all runs are asked for, such as SHORT; everything if it is empty.
    """

    def __init__(self, folder: Path, targets: tuple[str, ...] = ()) -> None:
        self.targets = targets
        self.lane = Lane(folder / "reference")
        self.begun, self.finished = folder / "begun", folder / "finished"
        self.expected: dict[str, dict[str, bytes]] = {}
        self._make()
        self.lane.finish("dvc", "dvc", "repro", *BEGINNING)
        git(self.lane.project, "add", "-A")
        git(self.lane.project, "commit", "-qm", "locks")
        shutil.copytree(self.lane.project, self.begun, symlinks=True)
        begun = len(self.lane.started())
        self.expected["no edit"] = self._run()
        shutil.copytree(self.lane.project, self.finished, symlinks=True)
        self.stages_left = {stage for _, stage in self.lane.started()[begun:]}

    def contents(self, edit: str, is_short: bool = False) -> dict[str, bytes]:
        """Return what an undisturbed run makes after an edit, with or without SHORT as its targets."""
        if edit not in self.expected:
            self.lane.fill(self.begun)
            EDITS[edit][1](self.lane.project)
            self.expected[edit] = self._run()
        files = self.expected[edit]
        if self.targets or not is_short:
            return files
        stages = YAML(typ="safe").load(files["dvc.lock"].decode())["stages"]
        late = tuple(out["path"] for name in BY_GIT_ALONE for out in stages[name]["outs"])
        first = {n: text for n, text in files.items() if not n.startswith(("reports/", *late))}
        kept = locks.split(files["dvc.lock"].decode())
        texts = [text for name, text in kept.items() if name not in BY_GIT_ALONE]
        return first | {"dvc.lock": (locks.HEAD + "".join(texts)).encode()}

    def affected(self, edit: str) -> set[str]:
        """Return the stages that an edit reruns."""
        before, after = (entries(self.contents(name)) for name in ("no edit", edit))
        return {stage for stage, entry in after.items() if entry != before.get(stage)}

    def _make(self) -> None:
        project = self.lane.project
        for part in ("stages", "published", "pipeline"):
            ignore = shutil.ignore_patterns("__pycache__", "dvc.lock")
            shutil.copytree(ROOT / part, project / part, ignore=ignore)
        for part in ("dvc.yaml", ".dvcignore", ".dvc/config", ".gitignore"):
            (project / part).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, project / part)
        (project / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
        write_study(project, STUDY_OF_SECONDS)
        git(project, "init", "-q")
        git(project, "add", ".")
        git(project, "commit", "-qm", "begin")

    def _run(self) -> dict[str, bytes]:
        run = self.lane.finish("dvc", *ENGINES["dvc"], *self.targets)
        assert run.code == 0, run.text
        return contents(self.lane.project)


def close(lane: Lane) -> None:
    """Kill all processes of a lane, also the warm one."""
    for numbers in kinds(lane.project).values():
        for number in numbers:
            if is_alive(number):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)


def entries(files: dict[str, bytes]) -> dict[str, object]:
    """Return the entries of all dvc.lock files by stage."""
    locks = [text for name, text in files.items() if Path(name).name == "dvc.lock"]
    return {
        name: entry
        for lock in locks
        for name, entry in YAML(typ="safe").load(lock.decode())["stages"].items()
    }


def differing(expected: dict[str, bytes], actual: dict[str, bytes]) -> list[str]:
    """List the files that are missing, additional or other than expected."""
    names: Sequence[str] = sorted(expected.keys() | actual.keys())
    return [name for name in names if expected.get(name) != actual.get(name)]
