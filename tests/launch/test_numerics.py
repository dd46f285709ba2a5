"""Portable numerics: the same bytes whatever the processor has, or it is told to have."""

import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.launch import cli, kernels, numerics, warm
from stages.tickets import settings
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
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "AUTO",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OMP_NUM_THREADS": "3",
}
"""What a user's environment may ask of the libraries; portable runs leave MKL's instructions as asked."""


def hashes_of(
    folder: Path, numeric: str, cores: int, other: dict[str, str], last: str
) -> dict[str, str]:
    """The hash of every file that the stages up to `last` make under another environment."""
    arguments = [str(folder / f"{numeric}-{cores}"), numeric, str(cores), last]
    ours = OTHER.keys() | numerics.VARIABLES.keys()
    bare = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-c", WORK, *arguments],
        env=bare | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""} | other,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    hashes: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return hashes


FIT = numerics.unfit() is None


@pytest.mark.skipif(not FIT, reason="this processor has no portable numerics")
def test_portable_results_do_not_depend_on_instruction_sets_cores_or_the_users_environment(
    tmp_path: Path,
) -> None:
    runs: list[tuple[str, int, dict[str, str], str]] = [
        ("portable", 2, {}, "report"),
        ("portable", 1, OTHER, "report"),
        ("fast", 2, {}, "encoder"),
        ("fast", 1, OTHER, "encoder"),
    ]
    with ThreadPoolExecutor(2) as pool:
        plain, other, fast, other_fast = pool.map(lambda run: hashes_of(tmp_path, *run), runs)
    assert [file for file in plain if other.get(file) != plain[file]] == []
    for ending in ("weights.safetensors", "predictions.safetensors", ".csv", ".svg"):
        assert any(file.endswith(ending) for file in plain), ending
    weights = "results/encoder/weights.safetensors"
    assert fast[weights] != other_fast[weights]  # such an environment does matter


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("study: a\nnumerics: portable   # why\n", "portable"),
        ("train:\n  numerics: portable\nnumerics: 'fast'\n", "fast"),
        ('{"study": "a", "numerics": "portable"}', "portable"),
        ("study: a\n", ""),
        ("{broken", ""),
    ],
)
def test_the_key_is_read_without_the_rest(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    assert numerics.asked(tmp_path / "params.yaml") == expected
    assert numerics.asked(tmp_path / "none.yaml") == ""


def portable(folder: Path) -> Path:
    (folder / "params.yaml").write_text("numerics: portable\n", encoding="utf-8")
    return folder / "params.yaml"


def test_a_users_values_do_not_win_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in numerics.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_CBWR", "AVX512")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V3")
    numerics.prepare(portable(tmp_path))
    expected = "this does not count: MKL_CBWR=AVX512 NPY_DISABLE_CPU_FEATURES=X86_V3\n"
    assert capsys.readouterr().err.endswith(expected)
    assert os.environ.items() >= numerics.VARIABLES.items()
    assert "NPY_DISABLE_CPU_FEATURES" not in os.environ
    numerics.prepare(portable(tmp_path))
    assert capsys.readouterr().err == ""


def test_a_processor_without_avx2_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numerics, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    known = " ".join(numerics.FLAGS - {"avx2", "fma"})
    numerics.CPUINFO.write_text(f"processor : 0\nflags : {known} sse2\n", encoding="utf-8")
    with pytest.raises(numerics.NumericsError, match="processor lacks avx2, fma; with 'fast'"):
        numerics.hold(portable(tmp_path))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(numerics.NumericsError, match="is not x86-64 Linux but aarch64"):
        numerics.hold(tmp_path / "params.yaml")


@pytest.mark.skipif(not FIT, reason="this processor has no portable numerics")
def test_a_process_that_has_numpy_already_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    portable(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["score.py"])
    monkeypatch.delenv("MKL_CBWR", raising=False)
    with pytest.raises(SystemExit) as end:
        cli.run(lambda: None)
    assert end.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("score: numerics is 'portable'")
    assert "MKL_CBWR" in message
    assert message.count("\n") == 1


def test_studies_with_and_without_portable_numerics_have_warm_processes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = warm.name()
    assert warm.name() == before
    portable(tmp_path)
    assert warm.name() != before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.threads=2", "train.threads is 2, allowed is 1 while numerics is portable"),
        ("encoder.train.threads=2", "encoder.train.threads is 2"),
        ("patterns.network.threads=3", "patterns.network.threads is 3"),
        ("train.precision=bf16", "train.precision is bf16, allowed is fp32"),
    ],
)
def test_settings_that_cannot_be_portable_are_refused(change: str, message: str) -> None:
    study = ROOT / "studies" / "miniature.yaml"
    with pytest.raises(settings.ParamsError, match=message):
        settings.checked(settings.content(study, [change]), "params.yaml")
    settings.checked(settings.content(study, [change, "numerics=fast"]), "params.yaml")


# --- kernels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
@pytest.mark.parametrize("sizes", [(3, 4, 5), (1, 1, 1), (2, 0, 3), (33, 17, 65)])
def test_products_are_those_of_torch(dtype: torch.dtype, sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    generator = torch.Generator().manual_seed(1)
    left = torch.randint(-4, 5, (2, m, k), generator=generator).to(dtype)
    right = torch.randint(-4, 5, (2, n, k), generator=generator).to(dtype).transpose(1, 2)
    added = torch.arange(n).to(dtype)
    assert torch.equal(kernels.bmm(left, right), torch.bmm(left, right))
    assert torch.equal(kernels.mm(left[0], right[0]), torch.mm(left[0], right[0]))
    for beta, alpha in ((1, 1), (2, 3), (0, 1)):
        expected = torch.addmm(added, left[0], right[0], beta=beta, alpha=alpha)
        assert torch.equal(
            kernels.addmm(added, left[0], right[0], beta=beta, alpha=alpha), expected
        )
    with pytest.raises(RuntimeError, match="cannot multiply"):
        kernels.mm(torch.ones(2, 3), torch.ones(2, 3))


@pytest.mark.parametrize("name", kernels.BY_VALUE)
def test_functions_are_those_of_torch_and_of_no_estimate(name: str) -> None:
    function = kernels.BY_VALUE[name]
    values = torch.linspace(0.01, 0.99, 999)
    torch.testing.assert_close(kernels.by_value(function, values), getattr(torch, name)(values))
    strided = torch.rand(8, 6, dtype=torch.float64).T
    torch.testing.assert_close(kernels.by_value(function, strided), getattr(torch, name)(strided))
    assert kernels.by_value(function, torch.ones(2, dtype=torch.int64)).dtype == torch.float32
    assert kernels.by_value(function, torch.ones(2, dtype=torch.bfloat16)).dtype == torch.bfloat16
    exact = kernels.by_value(np.sqrt, values).numpy()
    assert (exact == np.sqrt(values.double().numpy()).astype(np.float32)).all()


def test_dropout_hits_where_uniform_numbers_are_small() -> None:
    """Torch does so itself unless the processor is by Intel."""
    drawn = kernels.bernoulli_(torch.empty(7, 50), 0.3, generator=torch.Generator().manual_seed(5))
    uniform = torch.rand(7, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    assert torch.equal(drawn, (uniform < 0.3).float())
    assert 0.2 < float(drawn.mean()) < 0.4
    with pytest.raises(RuntimeError, match="p is 2"):
        kernels.bernoulli_(torch.empty(1), 2)
