"""The study for a GPU: its settings, its encoder in float16, and what comes home."""

import importlib.util
import json
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages.tickets import settings
from stages.tickets.encoder import checkpoint
from tests.benchmarks.workload import MINILM
from tests.gpu import minilm, study


def test_the_rehearsed_study_says_on_what_it_ran(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (tmp_path / "commit").write_text("abc1234\n", encoding="utf-8")
    study.copy(project)
    for seeds in ("1,2", "1,2,3,4,5"):
        study.compose(project, tmp_path, seeds, 0.5, rehearse=seeds == "1,2")
        found = settings.load(project / "params.yaml")
        assert found.seeds == tuple(map(int, seeds.split(",")))
        assert found.ran is not None
        assert found.ran.commit == "abc1234"
        assert found.ran.cuts[0].startswith("MiniLM's weights were rounded to float16")
        assert len(found.ran.cuts) == (2 if seeds == "1,2" else 1)
    assert len(found.rounds) == 9
    assert not list(project.rglob("dvc.lock"))


@pytest.mark.skipif(
    importlib.util.find_spec(MINILM.name) is None, reason="the extra minilm is not installed"
)
def test_minilm_comes_back_as_float32_rounded_to_float16(tmp_path: Path) -> None:
    (tmp_path / MINILM.path).mkdir()
    minilm.main("pack", tmp_path)
    packed = load_file(tmp_path / MINILM.path / minilm.WEIGHTS)
    minilm.main("unpack", tmp_path)
    found = load_file(tmp_path / MINILM.path / minilm.WEIGHTS)
    weights = load_file(checkpoint.folder_of(MINILM) / minilm.WEIGHTS)
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        if weight.is_floating_point():
            assert packed[name].dtype == torch.float16
            assert found[name].dtype == torch.float32
            assert torch.equal(found[name], weight.half().float())
            assert (found[name] - weight).abs().max() <= 5e-4 * weight.abs().max()


def test_reports_and_predictions_come_home_before_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, out = tmp_path / "project", tmp_path / "out"
    out.mkdir()
    sizes = {"params.yaml": 10, "kept/index.html": 300, "results/theta.safetensors": 5}
    for number in range(4):
        sizes[f"results/rounds/rte/seed-1/round-{number}/mask.safetensors"] = 200
        sizes[f"results/rounds/rte/seed-1/round-{number}/predictions.safetensors"] = 100
    for name, size in sizes.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(bytes(size))
    monkeypatch.setattr(study, "PIECE", 500)
    monkeypatch.setattr(study, "ALL", 1200)
    study.bring_home(project, out, ["1,2"], 99.6)
    archives = sorted(out.glob("study-*.tar.gz"))
    names = []
    for archive in archives:
        with tarfile.open(archive) as packed:
            assert sum(member.size for member in packed.getmembers()) <= 500
            names += packed.getnames()
    home = {name for name in sizes if "theta" not in name} - {"kept/index.html"}
    home.add("reports/minilm_gpu/index.html")
    left = {f"results/rounds/rte/seed-1/round-{number}/mask.safetensors" for number in (0, 1)}
    assert set(names) == home - left
    assert len(names) == len(set(names))
    record = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert record == {"seeds": ["1,2"], "seconds": 100, "files_left_out": 2}
