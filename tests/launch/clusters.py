"""A Dask scheduler with two workers, and a Slurm whose commands are small scripts."""

import json
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from tests.imports import ROOT
from tests.launch.project import happens

SBATCH = """\
#!/bin/sh
# sbatch FILE: start the job in the background, and print its number as Slurm does.
cp "$1" "$0.job"
cp "$1" "$0.job.$$"
setsid sh "$0.job.$$" > "$0.log" 2>&1 < /dev/null &
echo $! >> "$0.numbers"
echo "Submitted batch job $!"
"""
SCANCEL = """\
#!/bin/sh
# scancel NUMBER: end a job.
for number in "$@"; do kill -9 "-$number"; done
echo "$@" >> "$0.numbers"
"""
SMALL = {"jobs": 2, "memory": "1GB", "interface": "lo"}
"""What a job of the example has in a test."""


def make_slurm(folder: Path) -> tuple[Path, Path]:
    """Return a folder for PATH with the commands of Slurm, and a description of a cluster."""
    bins = folder / "bin"
    bins.mkdir()
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        (bins / name).write_text(text, encoding="utf-8")
        (bins / name).chmod(0o755)
    file = folder / "slurm.yaml"
    example = YAML(typ="safe").load(ROOT / "docs" / "slurm.yaml")
    logs = {"log_directory": str(folder / "logs")}
    file.write_text(json.dumps(example | SMALL | logs), encoding="utf-8")  # JSON is YAML
    return bins, file


class Scheduler:
    """A scheduler and two workers with one thread each, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.parts = [
            self.start("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        ]
        assert happens(self.file.exists)
        self.address = json.loads(self.file.read_text(encoding="utf-8"))["address"]
        for _ in range(2):
            self.add()

    def add(self) -> None:
        self.parts.append(self.start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"))

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--scheduler-file", str(self.file)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        for part in self.parts:
            part.kill()
            part.wait()
