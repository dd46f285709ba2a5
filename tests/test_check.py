"""A wrong params.yaml ends in one sentence before anything is done."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import check
from stages.launch import cli, numerics
from stages.tickets import settings
from stages.tickets.ternary import sizing
from tests.imports import ROOT
from tests.pipeline import STUDIES, manifest, read

OUT = Path("results/params-checked")
Change = Callable[[dict[str, Any]], object]
ROUNDS = {
    "rounds": [{"from": k, "to": k + 1, "sparsity": s} for k, s in enumerate((0.4, 0.6, 0.8))],
    "last_round": 3,
    "dense": {"points": [0, 50]},
    "rewind": {"tasks": ["sentiment"], "seeds": [1], "points": [50], "source": "dense"},
    "imp": {"rewind_to": 0, "keep_weights": [], "decay_over": 1, "classifier": "rewound"},
    "random": {"rounds": [2, 3]},
}
GREEDY = {"tasks": ["sentiment"], "seeds": [1], "sparsities": [0.5], "orders": ["greedy"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def miniature(change: Change | None = None) -> dict[str, Any]:
    """The study as shipped, with three rounds and a change."""
    study = read(ROOT / "params.yaml") | copy.deepcopy(ROUNDS)
    study["transfer"]["round"] = 1
    if change:
        change(study)
    return study


def write(study: dict[str, Any]) -> None:
    Path("params.yaml").write_text(json.dumps(study), encoding="utf-8")  # JSON is YAML


def run() -> int:
    """The exit code of the stage, run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["check.py", "--out", str(OUT), "--manifest", "results/manifest.json"]
        )
        with pytest.raises(SystemExit) as end:
            cli.run(check.main, computes=False)
    return int(end.value.code or 0)


def own(**changes: object) -> Change:
    """A task of one's own, whose table is there."""
    section: dict[str, Any] = {
        "train": "train.csv",
        "validation": "held_out.csv",
        "texts": ["text"],
        "label": "label",
        "kind": "classification",
        "metrics": ["accuracy"],
    }

    def change(study: dict[str, Any]) -> None:
        for name in ("train", "held_out"):
            Path(f"{name}.csv").write_text("text,label\na,0\nb,1\n", encoding="utf-8")
        study["own"]["reviews"] = section | changes
        study["tasks"].append("reviews")
        study["override"]["reviews"] = {}

    return change


@pytest.mark.usefixtures("project")
def test_the_study_as_shipped_is_as_it_should_be() -> None:
    write(miniature())
    assert run() == 0
    assert OUT.read_text() == "params.yaml is as it should be\n"


@pytest.mark.usefixtures("project")
def test_what_is_written_does_not_depend_on_the_study() -> None:
    """So that a change of one section reruns `check` and what reads that section, and no more."""
    write(miniature())
    run()
    before = OUT.read_bytes()
    write(miniature(lambda study: study["train"].update(learning_rate=1e-3)))
    run()
    assert OUT.read_bytes() == before


def own_pair(**changes: str) -> Change:
    """Two checkpoints of one's own, of which the first is there."""
    pair = {
        "name": "mine",
        "task": "sentiment",
        "first": "a.safetensors",
        "second": "b.safetensors",
    }

    def change(study: dict[str, Any]) -> None:
        Path("a.safetensors").touch()
        study["between"]["files"] = [pair | changes]

    return change


WRONG: list[tuple[Change, str]] = [
    (
        lambda study: study["tasks"].append("sentimant"),
        "tasks has 'sentimant', allowed are " + ", ".join(miniature()["data"]),
    ),
    (
        lambda study: study["train"].update(learning_rat=1e-3),
        "train has the unknown key 'learning_rat' with value 0.001, allowed are "
        + ", ".join(settings.Train.model_fields),
    ),
    (
        lambda study: study["encoder"].update(source="web"),
        "encoder.source is 'web', allowed are 'pretrain', 'hub', 'folder', 'package'",
    ),
    (
        lambda study: study["rounds"][1].update(sparsity=0.3),
        "rounds[1].sparsity is 0.3, allowed is more than the 0.4 before it",
    ),
    (
        lambda study: study["train"].update(batch_size=0),
        "train.batch_size is 0, but it should be greater than or equal to 1",
    ),
    (lambda study: study["train"].pop("clip"), "train.clip is missing"),
    (
        lambda study: study.update(last_round=7),
        "last_round is 7, allowed is 3, that of rounds",
    ),
    (
        lambda study: study["imp"].update(rewind_to=10),
        "imp.rewind_to is 10, allowed are the dense.points 0, 50",
    ),
    (
        lambda study: study["override"].pop("mlm"),
        "override lacks 'mlm', allowed is a section for every task",
    ),
    (
        own(train="train.xlsx"),
        (
            "own.reviews.train is 'train.xlsx', "
            "allowed are files that end in .csv, .tsv, .jsonl or .parquet"
        ),
    ),
    (
        own(kind="regression"),
        "own.reviews.metrics has 'accuracy', allowed for regression are pearson, spearman",
    ),
    (
        own(metrics=["accuracy", "f1", "accuracy"]),
        "own.reviews.metrics has 'accuracy' twice, allowed is once",
    ),
    (
        own(validation="train.csv"),
        "own.reviews.validation is 'train.csv', allowed is another file than train",
    ),
    (
        own(label="text"),
        "own.reviews.label is 'text', allowed is a column that texts does not have",
    ),
    (
        lambda study: study["imp"].update(keep_weights=[1, 1]),
        "imp.keep_weights has 1 twice, allowed is once",
    ),
]
NOT_THERE: list[tuple[Change, str]] = [
    (
        lambda study: study.update(
            encoder={"source": "folder", "pooler": "pretrained", "path": "models/mine"}
        ),
        "encoder.path is 'models/mine', but there is no such folder",
    ),
    (
        lambda study: study.update(
            encoder={"source": "folder", "pooler": "pretrained", "path": "$SOMEWHERE/models"}
        ),
        "encoder.path is '$SOMEWHERE/models', but there is no such folder",
    ),
    (
        lambda study: study.update(
            encoder={"source": "folder", "pooler": "pretrained", "path": "${NOWHERE}/models"}
        ),
        "encoder.path is '${NOWHERE}/models', but the environment variable NOWHERE is not set",
    ),
    (
        lambda study: study["data"].update(
            mlm={
                "source": "folder",
                "config": "rte",
                "path": "$NOWHERE/glue",
            }
        ),
        "data.mlm.path is '$NOWHERE/glue', but the environment variable NOWHERE is not set",
    ),
    (
        lambda study: study["data"].update(
            mlm={"source": "text", "train": "$SOMEWHERE/a.txt", "validation": "b.txt"}
        ),
        "data.mlm.train is '$SOMEWHERE/a.txt', but there is no such file",
    ),
    (
        lambda study: study["data"].update(
            mlm={"source": "folder", "config": "rte", "path": "data/glue"}
        ),
        "data.mlm.path is 'data/glue', but there is no such folder",
    ),
    (
        lambda study: study["data"].update(
            entailment={
                "source": "hub",
                "name": "nyu-mll/glue",
                "config": "rte",
                "revision": "0" * 40,
                "hans": {"path": "data/hans.txt", "per_subcase": 9},
            }
        ),
        "data.entailment.hans.path is 'data/hans.txt', but there is no such file",
    ),
    (
        lambda study: study.update(
            encoder={
                "source": "package",
                "name": "no_such_package",
                "path": "model",
                "pooler": "pretrained",
            }
        ),
        "encoder.name is 'no_such_package', but no such package is installed",
    ),
    (
        lambda study: study.update(
            encoder={
                "source": "package",
                "name": "no_such_package.inner",
                "path": "model",
                "pooler": "pretrained",
            }
        ),
        "encoder.name is 'no_such_package.inner', but no such package is installed",
    ),
    (
        own(validation="validation.csv"),
        "own.reviews.validation is 'validation.csv', but there is no such file",
    ),
    (
        own_pair(),
        "between.files[0].second is 'b.safetensors', but there is no such file or folder",
    ),
    (
        own_pair(second="$NOWHERE/b"),
        "between.files[0].second is '$NOWHERE/b', but the environment variable NOWHERE is not set",
    ),
]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("change", "message"), WRONG, ids=[text for _, text in WRONG])
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    capsys: pytest.CaptureFixture[str], change: Change, message: str
) -> None:
    write(miniature(change))
    assert run() == 1
    assert capsys.readouterr().err == f"check: params.yaml: {message}\n"
    assert {path.name for path in Path().iterdir()} <= {"params.yaml", "train.csv", "held_out.csv"}


@pytest.mark.parametrize(("change", "message"), NOT_THERE, ids=[text for _, text in NOT_THERE])
def test_what_the_study_names_has_to_be_there(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    message: str,
) -> None:
    monkeypatch.setenv("SOMEWHERE", str(project))
    monkeypatch.delenv("NOWHERE", raising=False)
    write(miniature(change))
    assert run() == 1
    assert capsys.readouterr().err == f"check: {message}\n"
    assert not OUT.parent.exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", ["train", "held_out"])
def test_tables_are_read_before_any_work(capsys: pytest.CaptureFixture[str], name: str) -> None:
    study = miniature(own())
    Path(f"{name}.csv").write_text("text,label\na,0\nb,1\nc,-1\n", encoding="utf-8")
    write(study)
    assert run() == 1
    error = capsys.readouterr().err
    assert error.startswith(
        f"check: {name}.csv, line 4, has the label '-1' in 'label', which in many"
    )
    assert error.count("\n") == 1
    assert not OUT.parent.exists()


@pytest.mark.usefixtures("project")
def test_what_is_there_is_accepted() -> None:
    Path("models").mkdir()
    Path("models/config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    study = miniature(own())
    write(study | {"encoder": {"source": "folder", "pooler": "pretrained", "path": "models"}})
    assert run() == 0


@pytest.mark.usefixtures("project")
def test_neurons_are_dropped_in_encoders_built_like_bert(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("models").mkdir()
    Path("models/config.json").write_text('{"model_type": "albert"}', encoding="utf-8")
    study = miniature(lambda study: study["greedy"].update(GREEDY))
    for section in ("search", "retrain", "retrain_super", "patterns"):
        lists: dict[str, list[str]] = {
            key: [] for key, value in study[section].items() if isinstance(value, list)
        }
        study[section] |= lists
    encoder = {"source": "folder", "pooler": "pretrained", "path": "models"}
    write(study | {"encoder": encoder})
    assert run() == 1
    refused = "allowed are none with an encoder of type 'albert'"
    assert f"greedy.tasks has 'sentiment', {refused}" in capsys.readouterr().err
    study["greedy"] |= {key: [] for key in GREEDY}
    complete = {"tasks": ["sentiment"], "seeds": [1], "arms": ["w8a8"]}
    study["quantized"] |= complete
    write(study | {"encoder": encoder})
    assert run() == 0
    study["quantized"]["pruned"] = {
        "arms": ["w8a8"], "sparsities": [0.5], "orders": ["prune-first"],
    }  # fmt: skip
    write(study | {"encoder": encoder})
    assert run() == 1
    assert f"quantized.pruned.arms has 'w8a8', {refused}" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("precisions", [["int8"], [], ["bf16", "int8"]])
def test_the_miniature_can_be_made_smaller_in_all_ways(
    precisions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its numerics are portable, which bfloat16 is not."""

    def change(study: dict[str, Any]) -> None:
        of = {"tasks": ["sentiment", "mlm"], "seeds": [1]}
        pruned = {"arms": ["w8a8"], "sparsities": [0.5], "orders": ["prune-first", "jointly"]}
        study["greedy"] |= GREEDY | of | {"windows": ["greedy", "reversed"]}
        study["quantized"] |= of | {"arms": ["w8a8", "w4a8"], "pruned": pruned}
        study["ternary"] |= BLOCKS | of | {"blocks": ["16x16", "head"], "sparsities": [25, 50]}
        study["sizes"] |= of | {"lower": {"precisions": precisions}}

    write(miniature(change))
    assert run() == ("bf16" in precisions)
    said = "sizes.lower.precisions has 'bf16', allowed are int8 and none while numerics is portable"
    assert (said in capsys.readouterr().err) == ("bf16" in precisions)
    kinds = {made.kind for made in manifest(miniature(change)).runs}
    assert {"channels", "quantized", "pruned_quantized", "ternary"} <= kinds
    assert ("precision" in kinds) == bool(precisions)


BLOCKS = {"tasks": ["sentiment"], "seeds": [1], "arms": ["clipped"]}
QUERY = "encoder.layer.0.attention.self.query.weight"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"blocks": ["16x16", "16x48"], "sparsities": [25]},
            f"ternary.blocks has blocks of 16x48, which do not divide {QUERY} of 128 x 128; take blocks",
        ),
        (
            {"blocks": ["256x1"], "sparsities": [25]},
            f"ternary.blocks has blocks of 256x1, which do not divide {QUERY} of 128 x 128; take blocks",
        ),
        (
            {"blocks": ["head"], "sparsities": [25, 90]},
            "ternary.sparsities has 90, which leaves none of 4 blocks of 32x128 in ",
        ),
    ],
)
def test_blocks_that_do_not_fit_are_refused_before_any_work(
    asked: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(miniature(lambda study: study["ternary"].update(BLOCKS | asked)))
    assert run() == 1
    assert message in capsys.readouterr().err
    write(miniature(lambda study: study["ternary"].update(BLOCKS | asked | {"tasks": []})))
    assert run() == 0
    fine = {"blocks": ["1x16", "head"], "sparsities": [25]}
    write(miniature(lambda study: study["ternary"].update(BLOCKS | fine)))
    assert run() == 0


@pytest.mark.parametrize(
    ("config", "blocks", "message"),
    [
        ({"model_type": "bert"}, ["5x5"], None),  # its sizes are those of transformers
        ({"model_type": "albert"}, ["5x5"], None),
        ({"model_type": "albert"}, ["head"], "the encoder is of the type 'albert'"),
        (
            {
                "model_type": "roberta",
                "hidden_size": 32,
                "intermediate_size": 40,
                "num_attention_heads": 2,
            },
            ["16x16"],
            "which do not divide encoder.layer.0.intermediate.dense.weight of 40 x 32",
        ),
    ],
)
def test_so_are_those_of_an_encoder_on_this_machine(
    project: Path, config: dict[str, Any], blocks: list[str], message: str | None
) -> None:
    (project / "config.json").write_text(json.dumps(config), encoding="utf-8")
    study = settings.checked(
        miniature(lambda study: study["ternary"].update(BLOCKS, blocks=blocks, sparsities=[25])),
        "it",
    )
    encoder = settings.FolderEncoder(source="folder", path=str(project), pooler="mean")
    if message is None:
        sizing.check_study(study.ternary, encoder)
        return
    with pytest.raises(settings.UserError, match=re.escape(message)):
        sizing.check_study(study.ternary, encoder)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "the encoder models has no model_type in its config.json"),
        (
            {"model_type": "bert", "auto_map": {"AutoModel": "own.Own"}},
            "the encoder models brings code of its own, auto_map in its config.json for own.py, and ",
        ),
        (
            {"model_type": "t5", "is_encoder_decoder": True},
            "the encoder models of the architecture 't5' is an encoder-decoder, allowed are encoders",
        ),
        (
            {"model_type": "distilbert"},
            "search.tasks has 'acceptability', allowed are none with an encoder of type 'distilbert'",
        ),
    ],
)
def test_an_encoder_is_checked_before_any_work(
    capsys: pytest.CaptureFixture[str], config: dict[str, Any], message: str
) -> None:
    Path("models").mkdir()
    Path("models/config.json").write_text(json.dumps(config), encoding="utf-8")
    Path("models/own.py").write_text("raise SystemExit", encoding="utf-8")
    encoder = {"source": "folder", "pooler": "pretrained", "path": "models"}
    write(miniature() | {"encoder": encoder})
    assert run() == 1
    assert capsys.readouterr().err.startswith(f"check: {message}")
    assert not OUT.parent.exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: [a\nseeds: 1\n", "is not YAML: "),
        ("", "is None, but it should be "),
        ("- 1\n", "is [1], but it should be "),
    ],
)
def test_a_file_that_is_no_study(
    capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    Path("params.yaml").write_text(text, encoding="utf-8")
    assert run() == 1
    error = capsys.readouterr().err
    assert error.startswith("check: params.yaml")
    assert message in error
    assert (error.count("\n"), error.count("  ")) == (1, 0)
    assert not OUT.parent.exists()


@pytest.mark.usefixtures("project")
def test_no_file_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 1
    assert capsys.readouterr().err == (
        "check: params.yaml does not exist; run this from the project's folder\n"
    )


@pytest.mark.usefixtures("project")
def test_the_exponent_that_dvc_writes_is_a_number() -> None:
    """`dvc exp run -S train.learning_rate=2e-5` writes 2e-05, which YAML 1.1 reads as text."""
    write(miniature(lambda study: study["train"].update(learning_rate=2e-5)))
    assert '"learning_rate": 2e-05' in Path("params.yaml").read_text(encoding="utf-8")
    assert run() == 0


def test_the_command_of_dvc_yaml_ends_with_1(project: Path) -> None:
    write(miniature(WRONG[0][0]))
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "stages.check",
            "--out",
            str(OUT),
            "--manifest",
            "results/manifest.json",
        ],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == f"check: params.yaml: {WRONG[0][1]}\n"
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


def test_every_study_has_right_settings() -> None:
    assert [settings.load(path).study for path in STUDIES]


def test_a_machine_without_portable_numerics_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "pipeline", project / "pipeline")
    shutil.copy(ROOT / "dvc.yaml", project)
    write(miniature())
    monkeypatch.setattr(numerics, "unfit", lambda: "this processor lacks avx2")
    assert run() == 1
    assert capsys.readouterr().err == "check: this processor lacks avx2\n"
    assert not OUT.exists()
