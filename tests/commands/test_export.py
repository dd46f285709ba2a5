"""The exports of a finished study: what they write is what the pipeline has, and loads without it."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from stages.commands import export as command
from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.encoder import removal
from stages.tickets.export import model as exports
from stages.tickets.export import ticket
from stages.tickets.training import predict as evaluation
from stages.tickets.training.predict import predict
from tests.imports import ROOT
from tests.pipeline.study import STUDY, TICKETS_ALONE, run_all

EXPORTED: dict[str, Any] = STUDY | {
    **TICKETS_ALONE,
    "search": STUDY["search"]
    | {"tasks": ["mood"], "seeds": [1]}
    | {"rule": STUDY["search"]["rule"] | {"variants": ["joint"]}},
    "retrain": STUDY["retrain"]
    | {
        "seeds": [1],
        "structured": ["good", "bad"],
        "magnitude": [],
        "scratch": [],
    },
}
NEEDED = (
    "check", "encoder", "prepare", "prepare-own", "baselines", "fine-tune", "prune-round", "ticket",
    "search",
    "retrain", "score",
)  # fmt: skip
AUTO = {
    "mood": AutoModelForSequenceClassification,
    "similarity": AutoModelForSequenceClassification,
    "mlm": AutoModelForMaskedLM,
}


@pytest.fixture(scope="module")
def finished(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """A folder in which what exports read has been made."""
    folder = tmp_path_factory.mktemp("export") / "project"
    return run_all(folder, EXPORTED, lambda stage: stage.group in NEEDED)


@pytest.fixture(autouse=True)
def project(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished)
    return finished


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def export(*arguments: str) -> int:
    """The exit code of the command with these arguments, run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["export", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(command.app, computes=False)
    return int(end.value.code or 0)


def ticket_of(out: Path, task: str, number: int, *options: str) -> int:
    given = ["--task", task, "--seed", "1", "--round", str(number), "--out", str(out)]
    return export("ticket", *given, *options)


def loaded_of(task: str) -> Inputs:
    return inputs.load(task, 1, Path("results/encoder"), Path("results/prepared") / task)


def mask_of(task: str, number: int, seed: int = 1) -> Any:
    return files.load_mask(
        Path(f"results/rounds/{task}/seed-{seed}/round-{number}/mask.safetensors")
    )


def stored_of(task: str, number: int) -> files.Arrays:
    """What the pipeline's training of the ticket predicts."""
    last = f"results/runs/ticket/{task}/seed-1/ticket"
    folder = last if number == 2 else f"results/rounds/{task}/seed-1/round-2/before"
    return files.load_arrays(Path(folder) / "predictions.safetensors")


def scores_of(kind: str, task: str = "mood", split: str = "validation") -> dict[int, float]:
    """Of the headline, by seed; of tickets those of round 1."""
    with Path("reports/tiny/scores.csv").open(newline="") as file:
        return {
            int(row["seed"]): float(row["score"])
            for row in csv.DictReader(file)
            if (row["kind"], row["task"], row["split"]) == (kind, task, split)
            and row["headline"] == "True"
            and row["round"] in ("0", "1")
            and row["source"] in ("", "structured bad")
        }


def run_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """What the code of a card leaves and prints, run as it stands, in its folder."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    said = io.StringIO()
    with monkeypatch.context() as patch, redirect_stdout(said):
        patch.chdir(folder)
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            assert "stages" not in block
            exec(block, scope)
    return scope, said.getvalue()


def assert_like_stored(model: Any, task: str, expected: files.Arrays, abs_: float) -> None:
    """Predictions of `model` on validation; of hidden words their losses and the words."""
    found = predict(model, loaded_of(task).prepared)
    for name, array in expected.items():
        if name.startswith("validation."):
            assert found[name] == pytest.approx(array, abs=abs_)


# --- tickets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("task", list(AUTO))
def test_a_trained_ticket_predicts_what_the_pipeline_stored(
    out: Path, task: str, number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Round 1 has its weights kept, round 2 is trained again: bit for bit on the same machine."""
    assert ticket_of(out, task, number) == 0
    said = capfd.readouterr().out
    assert ("by the pipeline" if number == 1 else "the pipeline's bit for bit") in said
    model = AUTO[task].from_pretrained(out, trust_remote_code=False)
    assert not model.training
    assert_like_stored(model, task, stored_of(task, number), 0)
    fresh = predict(loaded_of(task).model(), loaded_of(task).prepared)
    key = "validation.losses" if task == "mlm" else "validation.logits"
    assert np.abs(fresh[key] - stored_of(task, number)[key]).max() > 1e-3


@pytest.mark.parametrize("task", ["mood", "similarity"])
def test_plain_transformers_say_what_the_pipeline_stored(out: Path, task: str) -> None:
    """Padded, with attention as transformers has it, in float32: to 1e-5."""
    assert ticket_of(out, task, 2) == 0
    split = loaded_of(task).prepared.evaluated["validation"]
    tokenizer, model = (
        AutoTokenizer.from_pretrained(out, trust_remote_code=False),
        AUTO[task].from_pretrained(out, trust_remote_code=False),
    )
    rows = [
        {
            "input_ids": split.ids[start:end].tolist(),
            "token_type_ids": split.types[start:end].tolist(),
        }
        for start, end in zip(split.starts[:-1], split.starts[1:], strict=True)
    ]
    with torch.inference_mode():
        logits = model(**tokenizer.pad(rows, return_tensors="pt")).logits
    assert model.dtype == torch.float32
    assert logits.numpy() == pytest.approx(stored_of(task, 2)["validation.logits"], abs=1e-5)


@pytest.mark.parametrize("task", list(AUTO))
def test_a_start_is_theta_0_times_the_mask(out: Path, task: str) -> None:
    assert ticket_of(out, task, 2, "--start") == 0
    loaded, mask = loaded_of(task), mask_of(task, 2)
    expected = loaded.model(Path(f"results/weights/{task}/seed-1/theta-0.safetensors"))
    body = dict(expected.base_model.named_parameters())
    for name, kept in mask.items():
        if name in body:
            body[name].data *= torch.from_numpy(kept)
    found = AUTO[task].from_pretrained(out, trust_remote_code=False)
    for (name, one), other in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert_like_stored(found, task, predict(expected, loaded.prepared), 0)


@pytest.mark.parametrize("option", ["--start", "--trained"])
@pytest.mark.parametrize("task", list(AUTO))
def test_zeros_are_where_the_mask_has_them(out: Path, task: str, option: str) -> None:
    """And nowhere else; the head of a task, tied embeddings and a pooler of another task are whole."""
    assert ticket_of(out, task, 1, option) == 0
    mask, model = mask_of(task, 1), AUTO[task].from_pretrained(out, trust_remote_code=False)
    body = dict(model.base_model.named_parameters())
    assert ("pooler.dense.weight" in body) == (task != "mlm")
    for name, parameter in body.items():
        if name in mask:
            assert np.array_equal(parameter.detach().numpy() != 0, mask[name]), name
    assert all(name in body for name in mask if not name.startswith("pooler"))
    heads = {name for name, _ in model.named_parameters() if not name.startswith("bert.")}
    assert "cls.predictions.bias" in heads if task == "mlm" else "classifier.weight" in heads
    if task == "mlm":
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
        assert "cls.predictions.decoder.weight" not in load_file(out / "model.safetensors")


def test_classes_and_numbers_have_names(out: Path, tmp_path: Path) -> None:
    assert ticket_of(out, "mood", 1) == 0
    config = AutoModelForSequenceClassification.from_pretrained(out, trust_remote_code=False).config
    assert config.id2label == {0: "happy", 1: "sad"}
    assert config.problem_type == "single_label_classification"
    assert ticket_of(tmp_path / "other", "similarity", 1) == 0
    config = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "other", trust_remote_code=False
    ).config
    assert (config.num_labels, config.problem_type) == (1, "regression")


@pytest.mark.parametrize("task", list(AUTO))
def test_the_code_of_a_card_runs(out: Path, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ticket_of(out, task, 1) == 0
    scope, said = run_code(out, monkeypatch)
    assert said.strip()
    if task == "mood":
        assert re.fullmatch(r"\['(happy|sad)', '(happy|sad)'\]\n", said)
    assert scope["tokenizer"].model_max_length == 32
    assert ("token_type_ids" in scope["inputs"]) == (scope["model"].config.type_vocab_size > 1)


def test_the_card_of_a_ticket_has_the_scores(out: Path) -> None:
    assert ticket_of(out, "mood", 1) == 0
    content = (out / "README.md").read_text(encoding="utf-8")
    about = ModelCard(content).data.to_dict()
    (result, *_) = about["model-index"][0]["results"]
    own, dense = scores_of("imp"), scores_of("dense")
    assert (about["license"], about["pipeline_tag"]) == ("apache-2.0", "text-classification")
    assert (result["dataset"]["split"], result["metrics"][0]["type"]) == ("validation", "accuracy")
    assert result["metrics"][0]["value"] == own[1]
    for values, name in ((own, "ticket of round 1, trained alone"), (dense, "dense")):
        mean, half = np.mean(list(values.values())), 12.7062 * np.std(list(values.values()), ddof=1)
        half /= np.sqrt(2)  # Student's t of one degree of freedom
        row = next(line for line in content.splitlines() if line.startswith(f"| {name} | valid"))
        cells = [cell.strip() for cell in row.split("|")[4:-1]]
        assert [
            float(cell.replace("−", "-")) for cell in (*cells[:2], *cells[2].split(" to "))
        ] == (
            pytest.approx([100 * v for v in (values[1], mean, mean - half, mean + half)], abs=0.06)
        )
        assert cells[3] == "2"
    assert "they save no time" in content


# --- smaller models --------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True])
def test_a_subnetwork_is_exported_as_a_smaller_model(
    out: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    alone: bool,
) -> None:
    options = ["--task", "mood", "--seed", "1", "--subnetwork", "bad", "--out", str(out)]
    assert export("smaller", *options, *(["--retrain"] if alone else [])) == 0
    assert "of 4 heads" in capfd.readouterr().out
    model = removal.build(*exports.load(out))
    prepared = loaded_of("mood").prepared
    state = "retrained" if alone else "pruned"
    expected = files.load_arrays(
        Path(f"results/runs/structured/mood/seed-1/bad/{state}/predictions.safetensors")
    )["validation.logits"]
    found = evaluation.predict(model, prepared)["validation.logits"]
    assert found == pytest.approx(expected, abs=1e-5)
    scope, said = run_code(out, monkeypatch)
    assert re.fullmatch(r"\['(happy|sad)', '(happy|sad)'\]\n", said)
    with torch.inference_mode():
        ids = torch.from_numpy(prepared.train.ids[: prepared.train.starts[1]].astype(np.int64))[
            None
        ]
        logits = removal.build(*exports.load(out))(input_ids=ids).logits
        assert torch.equal(scope["model"](input_ids=ids).logits, logits)
    about = ModelCard.load(out / "README.md").data.to_dict()
    (result, *_) = about["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == scores_of(state)[1]
    assert "library_name" not in about  # transformers alone cannot read it


def test_a_subnetwork_that_the_study_has_not_scored_says_so(out: Path) -> None:
    options = ["--task", "mood", "--seed", "1", "--subnetwork", "random-7", "--out", str(out)]
    assert export("smaller", *options) == 0
    content = (out / "README.md").read_text(encoding="utf-8")
    assert "The study has no score of: random-7 heads and MLPs, as fine-tuned." in content
    assert "model-index" not in ModelCard(content).data.to_dict()


# --- masks -----------------------------------------------------------------------------------


def test_all_masks_come_in_one_file(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert export("masks", "--out", str(out)) == 0
    assert "12 masks" in capfd.readouterr().out
    text = (out / "README.md").read_text(encoding="utf-8")
    loader = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    scope: dict[str, Any] = {}
    exec(loader, scope)
    for task, seed, number in product(EXPORTED["tasks"], (1, 2), (1, 2)):
        mask, about = scope["load"](out / "masks.safetensors", task, seed, number)
        expected = mask_of(task, number, seed)
        assert mask.keys() == expected.keys()
        assert all(np.array_equal(mask[name], expected[name]) for name in expected)
        kept = sum(int(matrix.sum()) for matrix in expected.values())
        assert about["masks"][f"{task}/seed-{seed}/round-{number}"]["kept"] == kept
    assert len(about["masks"]) == 12


def test_a_bundle_says_where_it_comes_from(project: Path, out: Path, tmp_path: Path) -> None:
    assert export("masks", "--out", str(out)) == 0
    with safe_open(out / "masks.safetensors", "numpy") as file:
        (text,) = file.metadata().values()
    about = json.loads(text)
    assert text == json.dumps(about, sort_keys=True)
    assert about["study"] == "tiny"
    assert about["encoder"]["licence"] == "Apache-2.0"
    assert re.fullmatch("[0-9a-f]{64}", about["encoder"]["sha256"])
    assert about["imp"] == EXPORTED["imp"]
    assert about["rounds"] == EXPORTED["rounds"]
    assert about["tasks"]["similarity"]["recipe"]["train"]["epochs"] == 1
    assert about["tasks"]["mood"]["data"] == {
        "source": "own", "train": "train.csv", "validation": "validation.csv"
    }  # fmt: skip
    assert about["masks"]["mood/seed-2/round-1"]["sparsity"] == pytest.approx(0.4, abs=1e-3)
    assert {"torch", "transformers", "python"} <= about["versions"].keys()
    again = tmp_path / "again"
    assert export("masks", "--out", str(again)) == 0
    for path in out.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
        assert str(project).encode() not in path.read_bytes()


def test_some_masks(out: Path) -> None:
    options = ["--task", "mlm", "--seed", "2", "--round", "1", "--round", "2"]
    assert export("masks", *options, "--out", str(out)) == 0
    with safe_open(out / "masks.safetensors", "numpy") as file:
        listed = json.loads(file.metadata()["scratchcard"])["masks"]
    assert sorted(listed) == ["mlm/seed-2/round-1", "mlm/seed-2/round-2"]


def test_masks_need_no_framework(out: Path) -> None:
    """As a user starts it."""
    program = (
        "import runpy, sys\n"
        "sys.argv = ['export', 'masks', '--out', sys.argv[1]]\n"
        "try:\n    runpy.run_module('stages.commands.export', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)), sep='')\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, str(out)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.endswith(" MB\n\n")


# --- what goes wrong -------------------------------------------------------------------------

TICKET = ["--task", "mood", "--seed", "1", "--round", "1"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("masks", ["--task", "no\n---"], "--task is 'no\\n---', allowed are mood, similarity, mlm"),
        ("masks", ["--seed", "3"], "--seed is 3, allowed are 1, 2"),
        ("masks", ["--round", "3"], "--round is 3, allowed are 1, 2"),
        ("masks", ["--out", "."], "--out is '.', allowed is a folder without files"),
        ("masks", ["--out", "params.yaml"], "'params.yaml', allowed is a folder without files"),
        ("ticket", [*TICKET, "--task", "x"], "--task is 'x', allowed are mood"),
        ("ticket", [*TICKET, "--seed", "9"], "--seed is 9, allowed are 1, 2"),
        ("ticket", [*TICKET, "--round", "0"], "--round is 0, allowed are 1, 2"),
        ("ticket", [*TICKET, "--out", "."], "allowed is a folder without files"),
        ("ticket", [*TICKET, "--reports", "none"], "none/tiny/scores.csv does not exist; did `uv"),
        ("ticket", [*TICKET, "--results", "none/results"], "none/results/manifest.json does not"),
        ("masks", ["--reports", "none"], "none/tiny/scores.csv does not exist; did `uv"),
        ("smaller", ["--task", "mlm", "--seed", "1"], "have to be among search.tasks, mood, and"),
        ("smaller", ["--task", "mood", "--seed", "2"], "and search.seeds, 1"),
        ("smaller", ["--task", "mood", "--seed", "1", "--subnetwork", "best"], "allowed are good"),
        ("smaller", ["--task", "mood", "--seed", "1", "--out", "."], "allowed is a folder without"),
    ],
)
def test_what_cannot_be_exported(
    out: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    options: list[str],
    said: str,
) -> None:
    """Said before anything is loaded or trained."""
    monkeypatch.setattr(inputs, "load", lambda *_: pytest.fail("work has begun"))
    where = [] if "--out" in options else ["--out", str(out)]
    assert export(name, *options, *where) == 1
    assert said in capfd.readouterr().err
    assert not out.exists()


def test_a_mask_that_is_missing_or_of_other_settings(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = Path("results/rounds/mood/seed-1/round-2/mask.safetensors")
    hidden = file.with_name("hidden")
    file.rename(hidden)
    try:
        assert export("masks", "--out", str(out)) == 1
        assert f"{file} does not exist; did `uv run dvc repro` run" in capfd.readouterr().err
    finally:
        hidden.rename(file)
    text = Path("params.yaml").read_text()
    assert '"sparsity": 0.75' in text
    Path("params.yaml").write_text(text.replace('"sparsity": 0.75', '"sparsity": 0.7'))
    try:
        assert ticket_of(out, "mood", 2) == 1
        assert "rounds[1].sparsity is 0.7, but" in capfd.readouterr().err
    finally:
        Path("params.yaml").write_text(text)
    assert not out.exists()


def test_tables_that_have_changed_since_are_noticed(
    out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = Path("validation.csv")
    text = table.read_text()
    table.write_text(text.replace("happy", "sad", 1))
    try:
        assert ticket_of(out, "mood", 1) == 1
        assert "own.mood names tables whose labels are not those" in capfd.readouterr().err
    finally:
        table.write_text(text)
    assert not out.exists()


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_no_half_of_a_folder_is_left(
    out: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(exports, "save_tokenizer", fails)
    with pytest.raises(type(error)):
        command.export_ticket("mood", 1, 1, out)
    assert list(out.parent.iterdir()) == []


def test_weights_of_another_run_are_refused() -> None:
    loaded = loaded_of("mood")
    with pytest.raises(settings.ParamsError, match="other than 0 where the mask drops them"):
        ticket.check_zeros(loaded.model(), loaded.encoder, mask_of("mood", 1))


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        ([], 2, "Missing command"),
        (["weights"], 2, "No such command 'weights'"),
        (["--help"], 0, "smaller"),
        (["ticket", "--help"], 0, "--start"),
        (["masks", "--seed", "7", "--out", "x"], 1, "export: --seed is 7"),
    ],
)
def test_the_first_word_names_the_export(
    capfd: pytest.CaptureFixture[str], words: list[str], code: int, shown: str
) -> None:
    assert export(*words) == code
    printed = capfd.readouterr()
    assert shown in printed.out + printed.err
