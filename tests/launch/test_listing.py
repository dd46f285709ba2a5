"""What `python -m stages --help` and `python -m stages NAME --help` say."""

import importlib
import subprocess
import sys

import pytest
import typer

from stages.launch import cli, listing, warm
from tests.imports import ROOT

COMMANDS = [name for name, module in warm.modules().items() if ".commands." in module]


def asked(*words: str) -> str:
    command = [sys.executable, "-m", "stages", *words, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_command_and_every_stage_has_a_line_of_its_own() -> None:
    commands, stages = asked().split("Stages, which")
    for name in warm.modules():
        part, other = (commands, stages) if name in COMMANDS else (stages, commands)
        (line,) = [line for line in part.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split()) > 3
        assert f"\n  {name} " not in other


def test_a_module_without_a_docstring_has_its_name(tmp_path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "bare.py").touch()
    assert "  bare\n" in listing.text({"bare": "stages.bare"}, tmp_path)


@pytest.mark.parametrize("name", [*COMMANDS, "score"])
def test_the_usage_is_what_a_user_types(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.import_module(warm.modules()[name])
    monkeypatch.setattr(sys, "argv", [module.__file__, "--help"])
    with pytest.raises(SystemExit):
        cli.run(getattr(module, "app", None) or module.main, computes=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Usage: python -m stages {name} " in shown
    first = (module.__doc__ or "").partition("\n")[0]
    assert name == "export" or first.split("`")[0] in shown


def test_a_command_asked_for_help_as_users_do_is_that_command() -> None:
    assert "Usage: python -m stages study " in asked("study")


def options(name: str) -> dict[str, str | None]:
    """The help of every option of a command and its sub-commands, by their names."""
    module = importlib.import_module(warm.modules()[name])
    app = getattr(module, "app", None) or typer.Typer()
    if not app.registered_commands:
        app.command()(module.main)
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {name: group})
    return {
        f"{sub} {parameter.name}": getattr(parameter, "help", None)
        for sub, command in commands.items()
        for parameter in command.params
        if parameter.name not in ("install_completion", "show_completion")
    }


@pytest.mark.parametrize("name", warm.modules())
def test_the_help_of_every_option_is_a_sentence_that_tells_what_to_do(name: str) -> None:
    """Of commands every option has one; people do not type those of stages."""
    for option, text in options(name).items():
        if text or name in COMMANDS:
            assert text, option
            assert text.endswith("."), option
            assert text.split()[0] in VERBS, (option, text)


VERBS = (
    "Add", "Change", "Choose", "Compare", "Compose", "Divide", "Draw", "Drop", "Find", "Give", "Go",
    "Hash", "Keep", "Let", "Look", "Make", "Name", "Note", "Pad", "Print", "Prune", "Rank", "Read",
    "Predict", "Remove", "Run", "Score", "Start", "Store", "Take", "Test", "Time", "Train", "Use",
    "Walk", "Write",
)  # fmt: skip
