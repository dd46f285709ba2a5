"""Measure what the driver and `dvc repro` cost in CPU-seconds a stage, if commands only make outputs.

`uv run python -m tests.benchmarks.driver` clones this project as committed once for every study and
composes the study there. A program `python` that is first in PATH makes the outputs of the stage in
DVC_STAGE and nothing else. Every file that it makes has a line with its own path, so it is cheap
to hash; with real trainings, hashing what they make comes on top.
"""

import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from stages.tickets import settings
from stages.tickets.plan import stages as expansion
from tests.imports import ROOT

STUDIES = {
    164: ("miniature", ["-S", "seeds=[1,2,3,4,5]"]),
    1000: ("bert-base-tickets", ["--seeds", "1,2"]),
    2117: ("bert-base-tickets", ["-S", "seeds=[1,2,3,4,5,6,7,8]"]),
}
"""Studies of about these numbers of stages, with options of `python -m stages study`."""
STUB = """\
#!/bin/sh
# Make what the stage in DVC_STAGE makes.
. "$STUBS/$(echo "$DVC_STAGE" | tr / +)"
"""


@dataclass(frozen=True)
class Cost:
    """The cost of a command and of all that it has started."""

    stages: int
    cpu: float
    """Seconds."""
    wall: float
    """Seconds."""


def prepare(folder: Path, name: str, options: Sequence[str]) -> list[expansion.Stage]:
    """Clone the project into a new folder, compose a study there, and write the stub and its table."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    for lock in [folder / "dvc.lock", *folder.glob("pipeline/*/dvc.lock")]:
        lock.unlink(missing_ok=True)
    compose = [sys.executable, "-m", "stages", "study", name, *options, "-o", "params.yaml"]
    subprocess.run(compose, cwd=folder, check=True)
    content = settings.content(folder / "params.yaml")
    parsing = expansion.parsing(folder / expansion.CONFIG)
    stages = expansion.expand(expansion.read(folder), content, parsing)
    read = {dep for stage in stages for dep in stage.deps}
    stubs = folder.with_name("stubs")
    stubs.mkdir()
    for stage in stages:
        made = [path for out in stage.outs for path in files(out, read)]
        lines = [f"mkdir -p {shlex.join({str(Path(path).parent) for path in made})}"]
        lines += [f"echo {shlex.quote(path)} > {shlex.quote(path)}" for path in made]
        (stubs / stage.address.replace("/", "+")).write_text("\n".join(lines), encoding="utf-8")
    (folder.with_name("bin")).mkdir()
    stub = folder.with_name("bin") / "python"
    stub.write_text(STUB, encoding="utf-8")
    stub.chmod(0o755)
    return stages


def files(out: str, read: set[str]) -> list[str]:
    """List the files of an output: itself, or if it is a folder, what is read of it, else one file."""
    inside = sorted(path for path in read if path.startswith(f"{out}/"))
    leaves = [path for path in inside if not any(each.startswith(f"{path}/") for each in inside)]
    if Path(out).suffix:
        return [out]
    return [path if Path(path).suffix else f"{path}/made.txt" for path in leaves or [out]]


def run(folder: Path, stages: int, *command: str) -> Cost:
    """Run a command, and return what it has cost."""
    variables = {"PATH": f"{folder.with_name('bin')}:{os.environ['PATH']}", "SHELL": "/bin/sh"}
    variables["STUBS"] = str(folder.with_name("stubs"))
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    log = folder.with_name("log")
    with log.open("w") as printed:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=folder, env=os.environ | variables,
            stdout=printed, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {log.read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(stages, cpu, time.monotonic() - start)


def by_dvc(folder: Path, stages: Sequence[expansion.Stage], stretch: int) -> Cost:
    """Measure `dvc repro` on so many stages of the longest dvc.lock, all of which are full."""
    counts = [stage.file for stage in stages]
    longest = [
        stage.address for stage in stages if stage.file == max(set(counts), key=counts.count)
    ]
    repro = ("dvc", "repro", "-q", "-f", "-s")
    short = run(folder, 1, *repro, longest[0])
    more = run(folder, stretch, *repro, *longest[-stretch:])
    return Cost(stretch - 1, more.cpu - short.cpu, more.wall - short.wall)


def main(
    sizes: Annotated[
        list[int] | None, typer.Argument(help="Measure these sizes; the default is all.")
    ] = None,
    serial: Annotated[
        int, typer.Option(help="Have `dvc repro` run a study of up to so many stages from nothing.")
    ] = 200,
    stretch: Annotated[
        int, typer.Option(min=2, help="Have `dvc repro` run so many stages of a larger study.")
    ] = 13,
    workers: Annotated[int, typer.Option(min=1, help="Run so many stages at a time.")] = 2,
) -> None:
    """Print a table of CPU-seconds a stage, and the load of the machine after each run."""
    print("| study | stages | what ran | CPU-seconds a stage | seconds a stage | load after |")
    print("|---|---|---|---|---|---|")
    for size in sizes or STUDIES:
        name, options = STUDIES[size]
        with TemporaryDirectory() as temporary:
            folder = Path(temporary) / "p"
            stages = prepare(folder, name, options)
            label = f"{' '.join([name, *options])} | {len(stages):,}"
            line = ("stages", "run", "--workers", str(workers))
            show(label, "the driver, from nothing", run(folder, len(stages), *line))
            show(label, "the driver, nothing to do", run(folder, len(stages), *line))
            if len(stages) > serial:
                what = f"`dvc repro`, {stretch - 1} stages, full dvc.lock"
                show(label, what, by_dvc(folder, stages, stretch))
                continue
        with TemporaryDirectory() as temporary:
            folder = Path(temporary) / "p"
            prepare(folder, name, options)
            show(label, "`dvc repro`, from nothing", run(folder, len(stages), "dvc", "repro", "-q"))


def show(label: str, what: str, cost: Cost) -> None:
    each = f"{cost.cpu / cost.stages:.3f} | {cost.wall / cost.stages:.3f}"
    print(f"| {label} | {what} | {each} | {os.getloadavg()[0]:.1f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
