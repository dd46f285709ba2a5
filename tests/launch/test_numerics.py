"""Portable numerics: the same bytes whatever the processor has, or it is told to have."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from stages.launch import cli, kernels, numerics, orphans, warm
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

numerics.prepare(numeric)
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
    "ONEDNN_MAX_CPU_ISA": "SSE41",
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Commands of `warm.main` do nothing; names of the warm processes that they would ask are listed."""
    names: list[str] = []
    monkeypatch.setattr(orphans, "end_with_dvc", lambda: None)
    monkeypatch.setattr(warm, "run_stage", lambda _: None)
    monkeypatch.setattr(warm, "may_fork", lambda: True)
    monkeypatch.setattr(warm, "ask", lambda _, name: names.append(name))
    with pytest.MonkeyPatch.context() as patch:  # as another process would
        patch.setattr(os, "environ", os.environ.copy())
        yield names


def user_asks() -> str:
    """Set what a user's environment may say, and return it."""
    for name in numerics.VARIABLES:
        os.environ.pop(name, None)
    values = {"MKL_CBWR": "AVX512"} | dict.fromkeys(numerics.FORBIDDEN, "AVX512_CORE")
    os.environ.update(values)
    return " ".join(f"{name}={value}" for name, value in values.items())


@pytest.mark.usefixtures("asked")
def test_a_users_values_do_not_win_and_check_alone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(portable(tmp_path).parent)
    for command in ("score", "check"):
        values = user_asks()
        warm.main([command])
        note = f"numerics is portable, so this does not count: {values}\n"
        assert capsys.readouterr().err == (note if command == "check" else "")
        assert os.environ.items() >= numerics.VARIABLES.items()
        assert not os.environ.keys() & set(numerics.FORBIDDEN)
    warm.main(["check"])
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not FIT, reason="this processor has no portable numerics")
@pytest.mark.parametrize("name", numerics.FORBIDDEN)
def test_a_variable_that_contradicts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for known, value in numerics.VARIABLES.items():
        monkeypatch.setenv(known, value)
    monkeypatch.setenv(name, "AVX512_CORE")
    with pytest.raises(numerics.NumericsError, match=f"see .*{name}"):
        numerics.hold(portable(tmp_path))


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


def test_studies_with_and_without_portable_numerics_have_warm_processes_of_their_own() -> None:
    assert warm.name("portable") == warm.name("portable") != warm.name("fast")


def test_an_edit_while_a_stage_starts_mixes_no_environment_with_another_warm_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """The file says one thing at each reading, and the first reading counts for all."""
    monkeypatch.chdir(tmp_path)
    for first, second in (("portable", "fast"), ("fast", "portable")):
        os.environ.pop("MKL_CBWR", None)
        readings = iter([first, second, second])
        monkeypatch.setattr(numerics, "asked", lambda _, readings=readings: next(readings))
        with pytest.raises(SystemExit):
            warm.main(["train"])
        assert asked[-1] == warm.name(first)
        assert ("MKL_CBWR" in os.environ) == (first == "portable")


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

PROBE = """
import hashlib, sys
from pathlib import Path

from stages.launch import numerics

numerics.prepare("portable")
import numpy as np, torch
from torch import nn
from torch.nn import functional

if sys.argv[1] == "held":
    params = Path(sys.argv[2], "params.yaml")
    params.write_text("numerics: portable")
    assert numerics.hold(params) == "portable"

def same(result, expected):
    return result.numpy().tobytes() == np.ascontiguousarray(expected).tobytes()

left, right, added = (torch.rand(4, 65, 65, generator=torch.Generator().manual_seed(k)) for k in range(3))
l, r, a = left.numpy(), right.numpy(), added.numpy()
products = (l[0] @ r[0], l @ r)
drawn = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
filters = right.flatten()[:288].view(8, 4, 3, 3)
near = np.concatenate([l[:, i:i + 63, j:j + 63] for i in range(3) for j in range(3)])
sums = near.reshape(36, -1).T.copy() @ filters.permute(2, 3, 1, 0).reshape(36, 8).numpy()
with torch.inference_mode():
    seen = functional.conv2d(left[None], filters)
checks = {
    "conv2d without gradients": same(seen.permute(0, 2, 3, 1).contiguous(), sums),
    "exp": same(torch.exp(left), np.exp(l)),
    "sqrt": same(left.clone().sqrt_(), np.sqrt(l)),
    "mm": same(torch.mm(left[0], right[0]), products[0]),
    "linear": same(functional.linear(left[0], right[0].T, added[0, 0]), products[0] + a[0, 0]),
    "addmm": same(torch.addmm(added[0], left[0], right[0]), products[0] + a[0]),
    "bmm": same(left @ right, products[1]),
    "baddbmm": same(torch.baddbmm(added, left, right), products[1] + a),
    "mv": same(left[0] @ right[0, 0], l[0] @ r[0, 0][:, None]),
    "dot": same(left[0, 0] @ right[0, 0], l[0, 0] @ r[0, 0][:, None]),
    "conv2d": same(functional.conv2d(left[None], filters).permute(0, 2, 3, 1).contiguous(), sums),
    "bernoulli_": torch.equal(
        torch.empty(999).bernoulli_(0.3, generator=drawn[0]).bool(),
        torch.rand(999, dtype=torch.float64, generator=drawn[1]) < 0.3,
    ),
}
print(*(name for name, is_same in checks.items() if not is_same))

torch.manual_seed(1)
layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, activation="gelu", batch_first=True)
images = nn.Conv2d(1, 8, 3)
model = nn.ModuleList([nn.Embedding(50, 32), layer, nn.Linear(32, 3), images, nn.Linear(8, 3)])
optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
words, labels = torch.randint(50, (8, 12)), torch.randint(3, (8,))
for _ in range(3):
    hidden = model[1](model[0](words))
    logits = model[2](hidden[:, 0]) + model[4](functional.gelu(images(hidden[:, None])).mean((2, 3)))
    optimizer.zero_grad()
    functional.cross_entropy(logits, labels).backward()
    optimizer.step()
weights = b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())
print(hashlib.sha256(weights).hexdigest())
"""
"""Prints the functions of torch that do not give numpy's bytes, and a hash of trained weights."""
GOLDEN = "09dcb46e00c77d62427ec3b42c65f728979b1b8d96a1e5d8ca54a82cabf44c9d"
"""The hash on an AMD EPYC with AVX-512; another processor has to give it, too."""


def probe(folder: Path, way: str) -> tuple[set[str], str]:
    ours = {*OTHER, *numerics.VARIABLES, *numerics.FORBIDDEN}
    bare = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE, way, str(folder)],
        env=bare | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    functions, digest = done.stdout.splitlines()
    return set(functions.split()), digest


@pytest.mark.skipif(not FIT, reason="this processor has no portable numerics")
def test_torch_computes_with_the_kernels_that_are_exchanged(tmp_path: Path) -> None:
    """The hash is one for all machines, and for the versions of the packages that are pinned."""
    assert probe(tmp_path, "held") == (set(), GOLDEN)


@pytest.mark.skipif(not FIT, reason="this processor has no portable numerics")
def test_torch_computes_otherwise_by_itself(tmp_path: Path) -> None:
    """So the test above can fail."""
    functions, digest = probe(tmp_path, "as torch does")
    assert functions >= {"exp", "mm", "bmm", "conv2d"}
    assert digest != GOLDEN


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
        assert torch.equal(
            kernels.baddbmm(added, left, right, beta=beta, alpha=alpha),
            torch.baddbmm(added, left, right, beta=beta, alpha=alpha),
        )
        vector = right[0, :, 0]
        of_vector = (torch.arange(m).to(dtype), left[0], vector)
        assert torch.equal(
            kernels.addmv(*of_vector, beta=beta, alpha=alpha),
            torch.addmv(*of_vector, beta=beta, alpha=alpha),
        )
    assert torch.equal(kernels.mv(left[0], vector), torch.mv(left[0], vector))
    assert torch.equal(kernels.dot(left[0, 0], vector), torch.dot(left[0, 0], vector))
    with pytest.raises(RuntimeError, match="cannot multiply"):
        kernels.mm(torch.ones(2, 3), torch.ones(2, 3))


@pytest.mark.parametrize("shape", [(2, 1, 7, 9, 3, 3), (3, 4, 5, 5, 2, 1), (1, 2, 3, 3, 6, 3)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_convolutions_are_those_of_torch(
    shape: tuple[int, int, int, int, int, int], has_bias: bool
) -> None:
    number, num_in, height, width, num_out, side = shape
    generator = torch.Generator().manual_seed(1)
    sizes = [(number, num_in, height, width), (num_out, num_in, side, side), (num_out,)]
    drawn = [torch.randn(size, dtype=torch.float64, generator=generator) for size in sizes]
    results = []
    for function in (kernels.conv2d, functional.conv2d):
        images, weight, bias = inputs = [tensor.clone().requires_grad_() for tensor in drawn]
        result = function(images, weight, bias if has_bias else None)
        result.square().sum().backward()
        results.append([result, *(tensor.grad for tensor in inputs if tensor.grad is not None)])
    assert len(results[0]) == 3 + has_bias
    torch.testing.assert_close(*results)
    with pytest.raises(RuntimeError, match="plain convolutions"):
        kernels.conv2d(images, weight, padding=(1, 1))


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
