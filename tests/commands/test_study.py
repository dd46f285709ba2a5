"""The command `study`: what it lists, writes and refuses."""

import sys

import pytest

from stages.commands import study
from stages.launch import cli
from stages.tickets import settings
from stages.tickets.settings import compose
from tests.imports import ROOT


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def ask(*arguments):
    """The exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["study.py", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(study.main, computes=False)
    return int(end.value.code or 0)


def test_without_a_name_all_studies_are_listed(capsys):
    assert ask() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        path.stem for path in compose.studies(study.STUDIES)
    ]
    assert "miniature                 Lottery tickets in a miniature BERT" in lines


def test_params_yaml_is_the_miniature(capsys):
    assert ask("miniature") == 0
    assert capsys.readouterr().out == (ROOT / "params.yaml").read_text(encoding="utf-8")


def test_bert_base_on_one_task(tmp_path):
    file = tmp_path / "params.yaml"
    options = ("--tasks", "rte", "--seeds", "1, 2", "-S", "title=BERT on RTE", "-o", str(file))
    assert ask("bert-base-glue", *options) == 0
    made = settings.load(file)
    assert (made.tasks, made.seeds, made.title) == (("rte",), (1, 2), "BERT on RTE")
    assert (made.search.tasks, made.search.seeds) == (("rte",), (1, 2))
    command = file.read_text(encoding="utf-8").splitlines()[1].strip("# ")
    expected = "bert-base-glue -S 'title=BERT on RTE' --tasks rte --seeds '1, 2'"
    assert command == f"python -m stages study {expected}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bert",), "study: there is no study 'bert', allowed are bert-base-glue, "),
        (
            ("bert-base-glue", "--tasks", "rte,boolq"),
            "--tasks has 'boolq', allowed are the tasks of",
        ),
        (("bert-base-glue", "--seeds", "1,9"), "--seeds has 9, allowed are the seeds of"),
        (("bert-base-glue", "--seeds", "one"), "--seeds has 'one', allowed are whole numbers"),
        (
            ("bert-base-glue", "-S", "train.clip=0"),
            "train.clip is 0, but it should be greater than 0",
        ),
    ],
)
def test_wrong_input_is_one_sentence_and_writes_nothing(tmp_path, capsys, arguments, message):
    assert ask(*arguments, "-o", str(tmp_path / "params.yaml")) == 1
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
