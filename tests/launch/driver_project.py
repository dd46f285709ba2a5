"""A DVC project whose stages take no time, for tests of the driver, and ways to run it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.launch.driver import dvc, pool
from stages.launch.driver.loop import Driver
from tests.imports import ROOT

PARAMS = """\
tasks: [a, b]
seeds: [1, 2]
rate: 0.00002
sizes: [3, 0.5]
"""
MAKE = """\
#!/bin/sh
# make.sh OUT FILE...: note which stage runs, wait as the file slow says, and make OUT of the files.
out=$1
shift
echo "$DVC_STAGE $DVC_ROOT $(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" >> ran.log
seconds=
[ -f slow ] && . ./slow
if [ -n "$seconds" ]; then
  touch "slow.$(basename "$out")"
  sleep "$seconds" &
  wait
fi
mkdir -p "$(dirname "$out")"
{ echo "$out"; cat "$@"; } | cksum > "$out"
"""
ROOT_FILE = """\
stages:
  begin:
    cmd:
      - test -f params.yaml
      - sh make.sh results/begin.txt params.yaml
    deps: [make.sh]
    params: [rate, sizes]
    outs: [results/begin.txt]
  score:
    cmd: >-
      sh make.sh reports/scores.csv results/end.txt

      printf '{"score": %s}' "$(cut -d' ' -f1 reports/scores.csv)" > reports/metrics.json

      printf 'x,y\\n1,2\\n' > reports/curve.csv
    deps: [make.sh, results/end.txt, results/folders]
    outs:
      - reports/scores.csv: {cache: false}
    metrics:
      - reports/metrics.json: {cache: false}
    plots:
      - reports/curve.csv: {cache: false, x: x, y: y}
"""
TRAIN_FILE = """\
vars: [../../params.yaml]
stages:
  train:
    matrix: {task: "${tasks}", seed: "${seeds}"}
    wdir: ../..
    cmd: sh make.sh results/runs/${item.task}-${item.seed}.txt results/begin.txt
    deps: [make.sh, results/begin.txt]
    params: [rate]
    outs: ["results/runs/${item.task}-${item.seed}.txt"]
  folder:
    foreach: "${tasks}"
    do:
      wdir: ../..
      cmd: >-
        test -f results/runs/${item}-1.txt

        mkdir -p results/folders/${item}/inner && sh make.sh results/folders/${item}/inner/made.txt
        results/runs/${item}-1.txt results/runs/${item}-2.txt
      deps: ["results/runs/${item}-1.txt", "results/runs/${item}-2.txt"]
      outs: ["results/folders/${item}"]
  end:
    wdir: ../..
    cmd: sh make.sh results/end.txt results/runs/a-1.txt results/runs/b-2.txt
    deps: [make.sh, results/runs]
    outs: [results/end.txt]
  stopped:
    frozen: true
    wdir: ../..
    cmd: sh make.sh results/stopped.txt results/begin.txt
    deps: [results/begin.txt]
    outs: [results/stopped.txt]
"""
NAMES = {
    "begin", "score", "end",
    "train@a-1", "train@a-2", "train@b-1", "train@b-2", "folder@a", "folder@b",
}  # fmt: skip
"""Stages that run if nothing is there."""


def make_project(folder: Path) -> Path:
    """Make a project that git and DVC know, without anything that stages make."""
    files = {
        "params.yaml": PARAMS,
        "make.sh": MAKE,
        "dvc.yaml": ROOT_FILE,
        "pipeline/train/dvc.yaml": TRAIN_FILE,
        ".dvc/config": "[core]\n    analytics = false\n    check_update = false\n",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".gitignore": "/results/\n/ran.log\n/slow*\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "begin")
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    shown = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return shown.stdout


def environment(**variables: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "SHELL": "/bin/sh"} | variables


def run_dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(folder: Path, *arguments: str, by: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start the driver as a user does, maybe by another command such as prlimit."""
    return _start(folder, "stages", "run", *arguments, by=by)


def start_dvc(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return _start(folder, "dvc", *arguments)


def _start(folder: Path, *arguments: str, by: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*by, sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def drive(
    *targets: str,
    workers: int = 2,
    keep_going: bool = False,
    changes: Sequence[str] = (),
    planned: Mapping[str, float] | None = None,
    pull: bool = False,
) -> tuple[Driver, list[str]]:
    """Run the driver in this process, in the working directory; return it and what it said."""
    said: list[str] = []
    project = dvc.Project("driver", pull)
    try:
        if changes:  # else it writes the same settings in another way
            project.change(changes)
        local = pool.Local(pool.places(workers, [0, 1]))
        driver = Driver(project, targets, local, keep_going, planned, said.append)
        try:
            driver.run()
        except Exception as error:
            error.add_note("\n".join(said))
            raise
        return driver, said
    finally:
        project.close()


def ran(folder: Path) -> list[str]:
    """Names of the stages that have run since the last call, in order."""
    log = folder / "ran.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line.split()[0].rsplit(":", 1)[-1] for line in lines]


def contents(folder: Path) -> dict[str, bytes]:
    """All that stages and DVC have made for the user, and the dvc.lock files."""
    files = [*folder.glob("results/**/*"), *folder.glob("reports/**/*"), *folder.rglob("dvc.lock")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


def forget(folder: Path) -> None:
    """Take away what stages have made, all dvc.lock files and the driver's own files, but no cache."""
    for made in ("results", "reports", ".dvc/tmp"):
        shutil.rmtree(folder / made, ignore_errors=True)
    for lock in folder.rglob("dvc.lock"):
        lock.unlink()
