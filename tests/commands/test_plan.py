"""The command `plan`: what it compares, its errors, and that it needs no framework."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.commands import plan
from stages.launch import cli
from stages.tickets import settings
from stages.tickets.plan import stages
from tests.imports import ROOT


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """The committed pipeline in a folder without results."""
    for file in (*stages.read(ROOT), "params.yaml", ".dvc/config"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRATCHCARD_DATA", raising=False)
    git("init", "-q")
    git("add", "dvc.yaml", "pipeline", "params.yaml")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "-m", "x")


def git(*arguments):
    subprocess.run(["git", *arguments], check=True)


def ask(*arguments):
    """The exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["plan", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(plan.main, computes=False)
    return int(end.value.code or 0)


def answer(capsys, *arguments):
    assert ask("--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_as_committed_nothing_reruns(capsys):
    found = answer(capsys)
    assert found["against"] == "params.yaml as committed"
    assert found["change"] == {"new": [], "again": [], "gone": []}
    assert ask() == 0
    assert "no stage is new, gone or run again" in capsys.readouterr().out


def test_an_edit_is_compared_with_what_is_committed(capsys):
    text = Path("params.yaml").read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^plot: (.*)columns: \d+", r"plot: \1columns: 7", text)
    assert count == 1
    Path("params.yaml").write_text(changed, encoding="utf-8")
    assert answer(capsys)["change"]["again"] == ["check", "report"]
    pipeline = Path("dvc.yaml").read_text(encoding="utf-8")
    Path("dvc.yaml").write_text(
        pipeline.replace("stages report", "stages reports"), encoding="utf-8"
    )
    Path("params.yaml").write_text(text, encoding="utf-8")
    assert answer(capsys)["change"]["again"] == ["report"]


def test_set_is_compared_with_the_file_itself_and_changes_no_file(capsys):
    before = Path("params.yaml").read_bytes()
    found = answer(capsys, "-S", "plot.columns=2", "--set", "train.epochs=6")
    assert found["against"] == "params.yaml"
    assert "fine-tune@sentiment-1" in found["change"]["again"]
    assert Path("params.yaml").read_bytes() == before
    other = answer(capsys, "--params", str(ROOT / "studies" / "minilm-rte-mrpc.yaml"))["change"]
    assert other is None


def test_against_another_file(capsys):
    shutil.copy("params.yaml", "old.yaml")
    found = answer(capsys, "--against", "old.yaml", "-S", "plot.columns=1")
    assert (found["against"], found["change"]["again"]) == ("old.yaml", ["check", "report"])


def test_a_study_that_is_in_no_git_is_compared_with_nothing(capsys):
    shutil.rmtree(".git")
    assert answer(capsys)["change"] is None


def test_a_rate_gives_hours(capsys):
    padded = answer(capsys)["all"]["padded"]
    assert ask("--rate", "2") == 0
    line = re.search(r"given: 2 TFLOP/s +([0-9.]+) s +", capsys.readouterr().out)
    assert line
    assert float(line[1]) == pytest.approx(padded / 2e12, rel=5e-3)  # three digits


def test_a_rate_of_nothing_is_refused(capsys):
    assert ask("--rate", "0") == 2
    assert "--rate" in capsys.readouterr().err


def test_bert_base_on_glue(capsys):
    path = ROOT / "studies" / "bert-base-glue.yaml"
    found = answer(capsys, "--params", str(path))
    assert found["encoder"]["prunable"] == 85_524_480
    study = settings.load(path)
    assert set(study.tasks) <= set(found["tasks"])
    assert found["all"]["real"] < found["all"]["padded"]
    trained = [part for part in found["stages"] if part["trainings"]]
    assert sum(part["trainings"] for part in trained) == found["all"]["trainings"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--params", "none.yaml"), "plan: none.yaml does not exist; run this from the project"),
        (("-S", "train.epochs=-1"), "plan: params.yaml: train.epochs is -1, but it should be"),
        (("-S", "train.epoch=1"), "Could not override 'train.epoch'"),
        (("-S", "tran.epochs=1"), "there are the keys study, title"),
        (("--against", "none.yaml"), "plan: none.yaml does not exist"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, arguments, message):
    assert ask(*arguments) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_an_unknown_encoder_of_the_hub_needs_a_config(capsys):
    change = (
        "+encoder={source: hub, name: me/mine, pooler: fresh, "
        "revision: 86b5e0934494bd15c9632b12f734a8a67f723594}"
    )
    assert ask("-S", "~encoder", "-S", change) == 1
    assert "allowed without --encoder-config are bert-base-uncased" in capsys.readouterr().err
    config = {"num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 16, "vocab_size": 9}
    config |= {"max_position_embeddings": 32, "type_vocab_size": 2}
    Path("config.json").write_text(json.dumps(config), encoding="utf-8")
    found = answer(capsys, "-S", "~encoder", "-S", change, "--encoder-config", "config.json")
    assert (found["encoder"]["layers"], found["from"]["encoder"]) == (2, "config.json")


def test_it_runs_without_a_framework():
    """As a user starts it; see also the light scripts in test_pipeline.py."""
    program = (
        "import runpy, sys\n"
        "sys.argv = ['plan', '--params', 'studies/bert-base-glue.yaml']\n"
        "try:\n    runpy.run_module('stages.commands.plan', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)), sep='')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("bert_base_glue (studies/bert-base-glue.yaml)")
    assert found.stdout.endswith("\n\n")
