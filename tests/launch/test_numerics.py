"""Portable numerics: the same bytes whatever the processor has, or it is told to have."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.launch import cli, kernels, numerics
from tests.imports import ROOT

WORK = """
import json, os, sys
from pathlib import Path

folder, numeric, cores, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
folder.mkdir()
params = folder / "params.yaml"
params.write_text(json.dumps({"study": "tiny", "numerics": numeric}))
from stages.launch import numerics

numerics.prepare(params)
from tests.pipeline import study
from tests.test_incremental import SMALL

tiny = SMALL | {
    "numerics": numeric,
    "tasks": ["mood", "similarity", "mlm"],  # classes, numbers and words
    "data": study.STUDY["data"],
    "override": study.STUDY["override"],
    "train": SMALL["train"] | {"dropout": 0.1},
}
stages = study.stages(tiny)
until = 1 + [stage.group for stage in stages].index(last)
study.stages = lambda _: [stage for stage in stages[:until] if stage.group != "code"]
print(json.dumps(study.contents(study.run_all(folder / "project", tiny))))
"""
"""Runs the stages of a small study in one process that is started as a stage is, and prints hashes."""

OTHER = {
    "older": {
        "ATEN_CPU_CAPABILITY": "default",
        "DNNL_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "AUTO",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
        "OPENBLAS_CORETYPE": "Nehalem",
        "OMP_NUM_THREADS": "3",
    },
    "newer": {
        "ATEN_CPU_CAPABILITY": "avx512",
        "DNNL_MAX_CPU_ISA": "ALL",
        "MKL_CBWR": "AVX512",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512",
        "OPENBLAS_CORETYPE": "Zen",
        "OPENBLAS_NUM_THREADS": "2",
    },
}
"""What a user's environment may ask of the libraries; MKL's instructions stay as asked in portable runs."""


def hashes_of(folder: Path, numeric: str, cores: int, other: str, last: str) -> dict[str, str]:
    """The hash of every file that the stages up to `last` make under another environment."""
    arguments = [str(folder / f"{numeric}-{other}-{cores}"), numeric, str(cores), last]
    bare = {name: value for name, value in os.environ.items() if name not in ALL}
    done = subprocess.run(
        [sys.executable, "-c", WORK, *arguments],
        env=bare | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""} | OTHER.get(other, {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    hashes: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return hashes


ALL = {name for variables in OTHER.values() for name in variables} | set(numerics.VARIABLES)


@pytest.mark.skipif(numerics.unfit() is not None, reason="this processor has no portable numerics")
def test_portable_results_do_not_depend_on_instruction_sets_cores_or_the_users_environment(
    tmp_path: Path,
) -> None:
    runs = {
        "plain": ("portable", 2, "", "report"),
        "older": ("portable", 1, "older", "report"),
        "newer": ("portable", 1, "newer", "report"),
        "fast": ("fast", 1, "", "encoder"),
        "fast, older": ("fast", 1, "older", "encoder"),
    }
    with ThreadPoolExecutor(2) as pool:
        waiting = {name: pool.submit(hashes_of, tmp_path, *run) for name, run in runs.items()}
        made = {name: result.result() for name, result in waiting.items()}
    differing = {
        name: sorted(file for file in made["plain"] if made[name].get(file) != made["plain"][file])
        for name in ("older", "newer")
    }
    assert differing == {"older": [], "newer": []}
    for kind in ("weights.safetensors", "predictions.safetensors", ".csv", ".svg"):
        assert any(file.endswith(kind) for file in made["plain"]), kind
    weights = "results/encoder/weights.safetensors"
    assert made["fast"][weights] != made["fast, older"][weights]  # the environments do matter
