"""README.md says what dvc.yaml and the code do, where a test can tell."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from dvc.cli import DvcParserError, parse_args
from ruamel.yaml import YAML

from stages.commands import graph
from stages.tickets.report.metrics import headlines
from tests.imports import ROOT
from tests.made_up import config, study, with_everything

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
"""Of pygtrie, in DVC's own index of a project."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPERIMENTS = README.partition("\n## Experiments\n")[2].partition("\n## ")[0]


def block(text: str, language: str) -> str:
    """The first fenced block of a language, with its fences."""
    found = re.search(rf"^```{language}\n.*?^```$", text, re.DOTALL | re.MULTILINE)
    assert found, language
    return found[0]


def commands(text: str) -> list[list[str]]:
    """Arguments of every `dvc` in the code blocks and in `code`, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    joined = [found.replace("\\\n", "") for found in blocks]
    lines = [line.removeprefix("$ ") for found in joined for line in found.splitlines()]
    lines += re.findall(r"`(uv run dvc [^`]+)`", outside)
    found = []
    for line in lines:
        if "uv run dvc " in line:
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words[:3] == ["uv", "run", "dvc"]:
                    found.append(words[3:])
    return found


def is_as_committed(name: str) -> bool:
    found = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", name], cwd=ROOT, check=False)
    return found.returncode == 0


def test_the_graph_is_that_of_dvc_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if not is_as_committed("params.yaml"):
        pytest.skip("params.yaml is not as committed, and README.md shows the committed study")
    assert block(README, "mermaid") == graph.drawn(), (
        "`python -m stages graph` prints the graph for README.md"
    )


def test_the_graph_of_another_pipeline_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    outs = ["made-${item.n}"]
    stages = {
        "check": {"cmd": "c", "outs": ["checked"]},
        "first": {"matrix": {"n": [1, 2]}, "cmd": "a", "deps": ["checked"], "outs": outs},
        "second": {"cmd": "b", "deps": ["made-1", "made-2"]},
    }
    YAML().dump({"stages": stages}, tmp_path / "dvc.yaml")
    assert graph.drawn().splitlines()[2:-1] == [
        '    stage_first["first"]',
        '    stage_second["second"]',
        "    stage_first --> stage_second",
    ]


def test_every_dvc_command_is_one() -> None:
    found = commands(README)
    assert len(found) > 10
    for arguments in found:
        parse_args(arguments)
    with pytest.raises(DvcParserError):
        parse_args(["exp", "show", "--no-such-option"])


def test_every_metric_is_explained() -> None:
    made = study(with_everything(config(3, 3, 2)))
    shown: Mapping[str, object] = headlines(made.found, made.config)
    rows = re.findall(r"^\| (`.*?) \|", EXPERIMENTS, re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert explained == set(shown)


def test_the_results_are_those_of_the_report() -> None:
    """Every claim that ran stands in the table of MiniLM, with the words of its report."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text.split("## The papers and MiniLM")[1].split("\n## ")[0]
    shown = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    found = {}
    for name in ("chen_claims", "claims"):
        with (ROOT / "reports" / "minilm_glue" / "tables" / f"{name}.md").open(
            encoding="utf-8"
        ) as file:
            lines = [line.strip("| \n").split(" | ") for line in file if line.startswith("| ")]
        header = lines[0]
        for line in lines[2:]:
            row = dict(zip(header, line, strict=True))
            if row["holds"] != "–":
                found[line[0]] = [row[key] for key in ("paper", "here", "n", "holds")]
    assert len(found) > 10
    assert {row[0]: [row[2], *row[3:]] for row in shown[1:]} == found
