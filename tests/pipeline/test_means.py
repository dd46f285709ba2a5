"""A study whose classifiers read means of tokens: every experiment runs, and an export loads alone."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stages.launch import inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.encoder.pooling import PooledClassifier
from tests.commands.test_export import export, run_code
from tests.encoder import checkpoints
from tests.pipeline import BASE
from tests.pipeline.study import STUDY, run_all

POOLED = STUDY | {
    "seeds": [1, 2],
    "train": STUDY["train"] | {"head_rate": 5.0},
    "override": STUDY["override"] | {"similarity": {"epochs": 1, "head_rate": 2.0}},
    "search": STUDY["search"] | {"seeds": [1]},
    "distil": STUDY["distil"],
    "cross": BASE["cross"],
    "retrain": STUDY["retrain"]
    | {"seeds": [1], "structured": ["good", "random", "bad"], "magnitude": ["good", "bad"]},
    "retrain_super": BASE["retrain_super"],
    "between": BASE["between"],
}


@pytest.mark.usefixtures("on_the_cpu")
def test_every_experiment_runs_with_means_of_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.write(tmp_path / "bert", "bert", max_position_embeddings=40)
    encoder = {"source": "folder", "path": str(tmp_path / "bert"), "pooler": "segments"}
    run_all(tmp_path / "means", POOLED | {"encoder": encoder})
    monkeypatch.chdir(tmp_path / "means")
    results = Path("results")
    theta_0 = theta.load(results / "encoder")
    for task, width in (("mood", 16), ("similarity", 64)):
        loaded = inputs.load(task, 1, results / "encoder", results / "prepared" / task)
        assert loaded.recipe.head_rate == (2.0 if task == "similarity" else 5.0)
        model = loaded.model()
        assert isinstance(model, PooledClassifier)
        assert model.classifier.in_features == width
        stored = load_file(results / "weights" / task / "seed-1" / "theta-0.safetensors")
        assert stored.keys() == {"classifier.weight", "classifier.bias"}
        mask = files.load_mask(
            results / "rounds" / task / "seed-1" / "round-2" / "mask.safetensors"
        )
        assert mask.keys() == set(theta_0.prunable)
    given = ["--task", "similarity", "--seed", "1"]
    assert export("ticket", *given, "--round", "1", "--out", "ticket") == 0
    assert export("smaller", *given, "--out", "smaller", "--subnetwork", "bad") == 0
    for folder in ("ticket", "smaller"):
        scope, said = run_code(Path(folder), monkeypatch)
        assert len(json.loads(said)) == len(scope["logits"])
        assert torch.isfinite(scope["logits"]).all()
