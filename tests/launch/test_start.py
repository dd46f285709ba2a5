"""What a stage imports before it works, which every one of a hundred stages pays for."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from stages.launch import hashes, warm

ROOT = Path(__file__).parents[2]
TRAININGS = sorted(
    {name for name, module in warm.modules().items() if ".commands." not in module}
    - {*warm.LIGHT, "train"}
)


def printed_by(script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("script", "unused"),
    [
        ("code", "pydantic ruamel dvc numpy torch pandas"),
        ("check", "numpy scipy pandas torch transformers"),
        ("reference_masks", "dvc scipy pandas torch transformers"),
        ("score", "dvc matplotlib torch transformers"),
        ("report", "dvc torch transformers"),
    ],
)
def test_a_light_stage_imports_no_library_that_it_does_not_use(script, unused):
    loaded = printed_by(f"import sys, stages.{script}; print(*sys.modules)").split()
    assert f"stages.{script}" in loaded
    assert set(loaded).isdisjoint(unused.split())


def test_the_warm_process_has_imported_what_trainings_import():
    imports = "; ".join(f"import stages.{name}" for name in TRAININGS)
    loaded = printed_by(
        "import sys; from stages.launch import server\n"
        "for library in server.LIBRARIES: __import__(library)\n"
        f"before = set(sys.modules)\n{imports}\nprint(*set(sys.modules) - before)"
    ).split()
    assert "stages.prune_round" in loaded
    assert [name for name in loaded if name.split(".")[0] in ("pydantic", "safetensors")] == []


def test_every_source_is_parsed_once(monkeypatch):
    parsed = Counter[str]()
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: parsed.update([text]) or parse(text))
    hashes._analysed.cache_clear()
    digests = hashes.by_script(ROOT / "stages")
    assert len({name for files in digests.values() for name in files}) > 50
    assert set(parsed.values()) == {1}
