"""The stage, the exports and the measurement of forms on a study that takes seconds."""

import csv
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from stages.commands import export as command
from stages.commands import measure
from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.report.rows import Speed, read
from stages.tickets.sizes import memory, packed
from tests.pipeline import manifest
from tests.pipeline.study import STUDY, TICKETS_ALONE, run, run_all, stages

SMALL: dict[str, Any] = STUDY | {
    **TICKETS_ALONE,
    "tasks": ["mood"],
    "seeds": [1],
    "data": {},
    "override": {"mood": {}},
    "search": STUDY["search"]
    | {"tasks": ["mood"], "seeds": [1]}
    | {"rule": STUDY["search"]["rule"] | {"variants": ["joint"]}},
    "sizes": {"tasks": ["mood"], "seeds": [1], "lower": {"precisions": ["bf16", "int8"]}},
}
NEEDED = (
    "check", "encoder", "prepare-own", "baselines", "fine-tune", "prune-round", "ticket", "search",
    "sizes", "score",
)  # fmt: skip
OUT = Path("results/runs/sizes/mood/seed-1")
FORMS = ("dense", "bf16", "int8", "ticket-1", "heads-and-mlps")


@pytest.fixture(scope="module")
def finished(on_the_cpu: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("sizes") / "project"
    return run_all(folder, SMALL, lambda stage: stage.group in NEEDED)


@pytest.fixture(autouse=True)
def project(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished)
    return finished


def loaded() -> Inputs:
    return inputs.load("mood", 1, Path("results/encoder"), Path("results/prepared/mood"))


def dense() -> Any:
    return loaded().model(Path("results/weights/mood/seed-1/trained.safetensors")).train(mode=False)


def plain(model: Any) -> torch.Tensor:
    """Logits of the validation split, the examples of a length together, without the pipeline."""
    split = loaded().prepared.evaluated["validation"]
    rows = [split.ids[split.starts[i] : split.starts[i + 1]] for i in range(len(split))]
    logits = torch.zeros(len(rows), 2)
    with torch.inference_mode():
        for length in {len(row) for row in rows}:
            own = [i for i, row in enumerate(rows) if len(row) == length]
            ids = torch.tensor(np.array([rows[i] for i in own]), dtype=torch.long)
            logits[own] = model(input_ids=ids).logits.float()
    return logits


def stored(name: str) -> Any:
    return files.load_arrays(OUT / name / "predictions.safetensors")["validation.logits"]


# --- the stage -------------------------------------------------------------------------------


def test_bfloat16_predicts_what_plain_torch_does() -> None:
    found, expected = stored("bf16"), plain(dense().to(torch.bfloat16)).numpy()
    assert found == pytest.approx(expected, abs=0.03)
    assert 0 < np.abs(found - plain(dense()).numpy()).max() < 0.1


@pytest.mark.filterwarnings("ignore")
def test_whole_numbers_predict_what_plain_torch_does() -> None:
    """The range of a batch sets the scale of its activations, so other batches differ a little."""
    model = torch.ao.quantization.quantize_dynamic(dense(), {torch.nn.Linear}, dtype=torch.qint8)
    found, expected = stored("int8"), plain(model).numpy()
    exact = plain(dense()).numpy()
    assert 0 < np.abs(found - exact).max() < 0.2
    assert np.abs(found - expected).max() < 0.5 * np.abs(exact).max()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


def test_bytes_are_those_of_the_files() -> None:
    """Dense by the encoder's own count, half of it in bfloat16, and zeros that memory does not save."""
    with (OUT / "sizes.csv").open(newline="") as file:
        rows = {(row["kind"], row["source"], row["round"]): row for row in csv.DictReader(file)}
    record = files.load_record(Path("results/encoder/encoder.json"))
    num = sum(parameter.numel() for parameter in dense().parameters())
    assert num >= record["num_weights"]
    assert int(rows["dense", "", "0"]["bytes"]) == 4 * num
    assert int(rows["precision", "bf16", "0"]["bytes"]) == 2 * num
    weights = sum(m.weight.numel() for m in dense().modules() if isinstance(m, torch.nn.Linear))
    assert int(rows["precision", "int8", "0"]["memory"]) == 4 * num - 3 * weights
    for number, sparsity in ((1, 0.4), (2, 0.75)):
        row, prunable = rows["imp", "", str(number)], record["num_prunable"]
        dropped = round(sparsity * prunable)
        assert int(row["bytes"]) == 4 * (num - dropped) + prunable // 8
        assert int(row["memory"]) == 4 * num


def test_both_precisions_are_scored() -> None:
    with Path("reports/tiny/scores.csv").open(newline="") as file:
        kinds = {(row["kind"], row["source"]) for row in csv.DictReader(file)}
    assert {("precision", "bf16"), ("precision", "int8"), ("dense", ""), ("imp", "")} <= kinds


def test_without_lower_precisions_bytes_alone_are_counted(tmp_path: Path) -> None:
    asked = SMALL | {"sizes": SMALL["sizes"] | {"lower": {"precisions": []}}}
    (stage,) = [stage for stage in stages(asked) if stage.group == "sizes"]
    elsewhere = [str(tmp_path) if part == str(OUT) else part for part in stage.arguments]
    assert str(tmp_path) in elsewhere
    assert run(stage.script, *elsewhere) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["sizes.csv"]
    with (tmp_path / "sizes.csv").open(newline="") as file:
        kinds = [(row["kind"], row["round"]) for row in csv.DictReader(file)]
    assert kinds == [("dense", "0"), ("imp", "1"), ("imp", "2")]
    assert not [made for made in manifest(asked).runs if made.kind == "precision"]


# --- exports ---------------------------------------------------------------------------------


def export(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["export", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(command.app, computes=False)
    return int(end.value.code or 0)


def form_of(name: str, out: Path) -> int:
    return export("form", "--task", "mood", "--seed", "1", "--form", name, "--out", str(out))


@pytest.fixture(scope="module")
def exported(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finished)
        for name in FORMS:
            assert form_of(name, folder / name) == 0
    return {name: folder / name for name in FORMS}


def card_code(folder: Path) -> str:
    text = (folder / "README.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def test_every_form_loads_in_a_fresh_process_by_the_lines_of_its_card(
    exported: dict[str, Path], tmp_path: Path
) -> None:
    """And says there what it says here, of token numbers that are no words but are any input."""
    program = tmp_path / "program.py"
    ids = "torch.arange(3, 11).reshape(2, 4)"
    blocks = [
        f"os.chdir({str(folder)!r}); sys.path[:0] = [os.getcwd()]\n{card_code(folder)}\n"
        f"with torch.inference_mode():\n"
        f"    shown = model(input_ids={ids}, attention_mask=torch.ones(2, 4)).logits.float()\n"
        f"torch.save(shown, {str(tmp_path / name)!r})\n"
        for name, folder in exported.items()
    ]
    text = "import os, sys, warnings\nwarnings.simplefilter('ignore')\n" + "\n".join(blocks)
    assert "stages" not in card_code(exported["int8"])
    program.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.split("\n")[:-1]
    assert len(lines) == len(FORMS)
    assert all(re.fullmatch(r"\['(happy|sad)', '(happy|sad)'\]", line) for line in lines)
    shown = {name: torch.load(tmp_path / name) for name in FORMS}
    with torch.inference_mode():
        expected = dense()(input_ids=torch.arange(3, 11).reshape(2, 4)).logits
    assert torch.equal(shown["dense"], expected)
    assert 0 < (shown["bf16"] - expected).abs().max() < 0.1
    assert 0 < (shown["int8"] - expected).abs().max() < 0.2
    assert not torch.equal(shown["ticket-1"], expected)


def test_cards_have_score_bytes_licence_and_origin(exported: dict[str, Path]) -> None:
    with (OUT / "sizes.csv").open(newline="") as file:
        rows = {row["source"] or row["kind"]: row for row in csv.DictReader(file)}
    for name, row in (("int8", rows["int8"]), ("bf16", rows["bf16"]), ("dense", rows["dense"])):
        content = (exported[name] / "README.md").read_text(encoding="utf-8")
        about = ModelCard(content).data.to_dict()
        assert about["license"] == "apache-2.0"
        assert f"{int(row['bytes']):,} bytes of tensors" in content
        assert "made up" in content or "pre-trained it on a made-up language" in content
        (result, *_) = about["model-index"][0]["results"]
        assert result["metrics"][0]["type"] == "accuracy"
        assert ("library_name" in about) == (name != "int8")


def test_files_are_as_large_as_the_table_says(exported: dict[str, Path]) -> None:
    names = {"int8": "packed.safetensors", "bf16": "model.safetensors"}
    with (OUT / "sizes.csv").open(newline="") as file:
        rows = {row["source"]: int(row["bytes"]) for row in csv.DictReader(file)}
    for name, file_name in names.items():
        size = (exported[name] / file_name).stat().st_size
        assert rows[name] < size < rows[name] + 20_000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("int4", "--form is 'int4', allowed are dense, bf16, int8, ticket-1, ticket-2, heads"),
        ("ticket-2", "imp.keep_weights lacks 2, so its weights are not stored"),
    ],
)
def test_what_is_no_form_is_said_before_any_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    said: str,
) -> None:
    monkeypatch.setattr(inputs, "load", lambda *_: pytest.fail("work has begun"))
    assert form_of(name, tmp_path / "out") == 1
    assert said in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


# --- the measurement -------------------------------------------------------------------------


def measured(*arguments: str) -> int:
    return run("measure", *arguments)


def test_the_command_measures_all_forms_of_a_study(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is measured for one of them, as each takes a process that imports torch."""
    table, peak = Path("reports/tiny/speed.csv"), memory.peak

    def of_one(save: Any, code: str, *rest: Any) -> float:
        model = save.args[0].model
        return peak(save, code, *rest) if packed.layers_of(model) else 1.5

    monkeypatch.setattr(memory, "peak", of_one)
    try:
        assert measured("--pairs", "6", "--tokens", "9") == 0
        said = capfd.readouterr().out
        rows = read(table, Speed)
    finally:
        table.unlink(missing_ok=True)
    kinds = {(row.kind, row.source, row.round) for row in rows}
    assert kinds == {
        ("dense", "", 0), ("precision", "bf16", 0), ("precision", "int8", 0), ("imp", "", 2),
        ("pruned", "structured good", 0),
    }  # fmt: skip
    assert sum(row.peak != 1.5 for row in rows) == 2
    assert [row.examples for row in rows] == [1, 32] * len(kinds)
    for row in rows:
        assert 0 < row.low <= row.ratio <= row.high
        assert 0 < row.peak < 2000
        assert (row.pairs, row.tokens, row.threads) == (6, 9, 1)
    assert "dvc repro -s -f report" in said
    assert said.count("n=6") == len(rows)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "x"], "--task is 'x', allowed are mood"),
        (["--seed", "7"], "--seed is 7, allowed are 1"),
        (["--tokens", "999"], "--tokens is 999, allowed is at most 32, that of 'mood'"),
        (["--form", "int4"], "--form is 'int4', allowed are dense"),
        (["--results", "none/results"], "none/results/manifest.json does not exist"),
    ],
)
def test_what_cannot_be_measured_is_said_before_any_work(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    said: str,
) -> None:
    monkeypatch.setattr(inputs, "load", lambda *_: pytest.fail("work has begun"))
    assert measured(*options) == 1
    assert said in capfd.readouterr().err
    assert not Path("reports/tiny/speed.csv").exists()


def test_peak_memory_has_what_a_process_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 MB of ones, and as much again in the pass."""
    code = (
        "import torch\nheld = torch.ones(10_000_000)\n"
        "def model(input_ids, attention_mask):\n    return held + 1\n"
    )
    peak = memory.peak(lambda _: None, code, "torch", (1, 1, 1))
    assert 75 < peak < 110
    with pytest.raises(settings.UserError, match="form of the model failed: ValueError: no"):
        memory.peak(lambda _: None, "raise ValueError('no')", "torch", (1, 1, 1))
    monkeypatch.setattr(memory, "STATUS", Path("none"))
    with pytest.raises(settings.UserError, match="on Linux alone"):
        memory.peak(lambda _: None, "", "torch", (1, 1, 1))


def test_measuring_is_part_of_no_stage() -> None:
    """No stage depends on the table of times, so that none reruns for it."""
    every = stages(SMALL)
    assert not any("speed" in path for stage in every for path in (*stage.deps, *stage.outs))
    assert measure.__name__ not in {stage.script for stage in every}
