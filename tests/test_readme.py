"""README.md and docs/ say what dvc.yaml and the code do, as far as a test can tell."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from dvc.cli import DvcParserError, parse_args
from ruamel.yaml import YAML

from stages.commands import graph
from stages.launch import warm
from stages.tickets.report.metrics import headlines
from tests.imports import ROOT
from tests.made_up import config, study, with_everything

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
"""Of pygtrie, in DVC's own index of a project."""
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
README = PAGES["README.md"]


def block(text: str, language: str) -> str:
    """The first fenced block of a language, with its fences."""
    fenced = re.search(rf"^```{language}\n.*?^```$", text, re.DOTALL | re.MULTILINE)
    assert fenced, language
    return fenced[0]


def commands(text: str, *program: str) -> list[list[str]]:
    """Arguments of every `uv run` of a program in the code blocks and in `code`, without comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    joined = [part.replace("\\\n", "") for part in blocks]
    lines = [line.removeprefix("$ ") for part in joined for line in part.splitlines()]
    lines += re.findall(r"`(uv run [^`]+)`", outside)
    start = ["uv", "run", *program]
    called = []
    for line in lines:
        for part in line.split("&&") if "uv run " in line else ():
            words = shlex.split(part, comments=True)
            if words[: len(start)] == start:
                called.append(words[len(start) :])
    return called


def is_as_committed(name: str) -> bool:
    found = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", name], cwd=ROOT, check=False)
    return found.returncode == 0


def test_the_graph_is_that_of_dvc_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if not is_as_committed("params.yaml"):
        pytest.skip("params.yaml is not as committed, and docs/stages.md shows the committed study")
    assert block(PAGES["docs/stages.md"], "mermaid") == graph.drawn(), (
        "`python -m stages graph` prints the graph for docs/stages.md"
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


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("name", PAGES)
def test_every_dvc_command_is_one(name: str) -> None:
    for arguments in commands(PAGES[name], "dvc"):
        parse_args(arguments)


def test_a_wrong_dvc_command_is_none() -> None:
    assert sum(len(commands(text, "dvc")) for text in PAGES.values()) > 25
    with pytest.raises(DvcParserError):
        parse_args(["exp", "show", "--no-such-option"])


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_project_is_one(name: str) -> None:
    """`python -m stages NAME --help` would know each option."""
    for command, *arguments in commands(PAGES[name], "python", "-m", "stages"):
        assert command in warm.modules(), command
        source = Path(importlib.util.find_spec(warm.modules()[command]).origin).read_text()  # type: ignore[union-attr,arg-type]
        for option in (word for word in arguments if word.startswith("--")):
            shown = option in source or f" {option[2:].replace('-', '_')}: " in source
            assert shown, (command, option)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_or_a_heading(name: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        place = (ROOT / name).parent / path if path else ROOT / name
        assert place.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [
                re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
            ]
            assert anchor in slugs, link


def test_every_metric_is_explained() -> None:
    made = study(with_everything(config(3, 3, 2)))
    shown: Mapping[str, Any] = headlines(made.found, made.config)
    rows = re.findall(r"^\| (`.*?) \|", PAGES["docs/experiments.md"], re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    splits = {name for name, values in shown.items() if isinstance(values, dict)}
    named = {name for split in splits for name in shown[split]}
    assert explained == splits | named


def test_the_results_are_those_of_the_report() -> None:
    """Every row of the table of MiniLM stands in its report with the same numbers."""
    part = README.split("## What MiniLM says")[1].split("\n## ")[0]
    shown = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    reported = {}
    for name in ("chen_claims", "claims"):
        table = (ROOT / "reports" / "minilm_glue" / "tables" / f"{name}.md").read_text("utf-8")
        lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:2] == "| "]
        for line in lines[2:]:
            row = dict(zip(lines[0], line, strict=True))
            reported[line[0]] = [row[key] for key in ("paper", "here", "verdict")]
    assert len(shown) == 7
    for statement, *numbers in shown[1:]:
        assert reported[statement] == numbers
