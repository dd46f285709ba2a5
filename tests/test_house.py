"""The house: the order of its folders is the order of imports, and no room outgrows its size."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from stages.launch import hashes
from stages.launch.warm import LIGHT
from tests.imports import ROOT, imported_names, libraries, project_names

STAGES = ROOT / "stages"
ORDER = (
    "settings", "language", "pruning", "output", "files", "tasks", "statistics", "encoder", "plan",
    "training", "distillation", "landscapes", "at_start", "learned", "greedy", "quantized", "ternary",
    "sizes", "searches", "report", "export",
)  # fmt: skip
"""Rooms of stages/tickets; each imports from those before it and from itself."""
FRAMEWORKS = {"torch", "transformers"}
FORBIDDEN: Mapping[str, set[str]] = {
    "settings": FRAMEWORKS,
    "language": {*FRAMEWORKS, "pathlib"},
    "pruning": {*FRAMEWORKS, "pathlib"},
    "statistics": {*FRAMEWORKS, "pathlib"},
    "plan": FRAMEWORKS,
    "training": {"pathlib"},
    "landscapes": {"pathlib"},
    "at_start": {"pathlib"},
    "learned": {"pathlib"},
    "searches": {"pathlib"},
    "report": FRAMEWORKS,
}
"""Libraries that a room does without: mathematics knows no files, and reports no models."""
LIGHT_COMMANDS = ("tickets.export.masks", "tickets.export.study", "commands.graph", "commands.plan")
LIGHT_AS_MODULES = ("baselines", "prepare", *LIGHT, *LIGHT_COMMANDS)
"""Modules that start without the seconds that torch and transformers cost."""


def rooms() -> dict[str, dict[str, str]]:
    """Source of every module of stages/tickets, by room and by path."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((STAGES / "tickets").rglob("*.py")):
        path = file.relative_to(STAGES / "tickets").with_suffix("")
        if path.parts != ("__init__",):
            found.setdefault(path.parts[0], {})[path.as_posix()] = file.read_text(encoding="utf-8")
    return found


def wrong_imports(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Imports from a later room or from outside the method, and libraries a room does without."""
    problems = []
    for room, modules in found.items():
        if room not in ORDER:
            problems.append(f"{room} has no place in the order")
            continue
        allowed = {f"stages.tickets.{other}" for other in ORDER[: ORDER.index(room) + 1]}
        for module, source in modules.items():
            for name in sorted(project_names(source) - {"stages", "stages.tickets"}):
                if not any(f"{name}.".startswith(f"{other}.") for other in allowed):
                    problems.append(f"{module} imports {name}")  # noqa: PERF401
            problems += [
                f"{module} imports {library}"
                for library in sorted(libraries(source) & FORBIDDEN.get(room, set()))
            ]
    return problems


def test_rooms_import_from_the_rooms_before_them() -> None:
    assert wrong_imports(rooms()) == []


def test_a_wrong_import_is_reported() -> None:
    found = rooms()
    found["pruning"]["pruning/masks"] += "\nfrom stages.tickets import files"
    found["statistics"]["statistics/agreement"] += "\ndef late():\n    import transformers"
    found["training"]["training/fit"] += "\nfrom pathlib import Path"
    found["files"]["files"] += "\nfrom stages.launch import cli"
    found["newcomer"] = {"newcomer/module": ""}
    assert sorted(wrong_imports(found)) == [
        "files imports stages.launch",
        "files imports stages.launch.cli",
        "newcomer has no place in the order",
        "pruning/masks imports stages.tickets.files",
        "statistics/agreement imports transformers",
        "training/fit imports pathlib",
    ]


# --- scripts ---------------------------------------------------------------------------------


def scripts() -> dict[str, str]:
    return {
        file.stem: file.read_text(encoding="utf-8")
        for file in sorted(STAGES.glob("*.py"))
        if not file.stem.startswith("__")
    }


def wrong_scripts(found: Mapping[str, str]) -> list[str]:
    """Scripts that import another script."""
    return [
        f"{name} imports {other}"
        for name, source in found.items()
        for other in sorted(found)
        if f"stages.{other}" in imported_names(source)
    ]


def test_scripts_import_no_other_script() -> None:
    assert wrong_scripts(scripts()) == []
    assert wrong_scripts(scripts() | {"code": "from stages import check"}) == ["code imports check"]


ONLY_BESIDE_TORCH = STAGES / "launch" / "kernels.py"
"""Imported by `numerics.hold` alone, and only if torch is loaded already."""


def frameworks_of(module: str) -> set[str]:
    """Those of torch and transformers that a module imports, at any depth within the project."""
    start = STAGES / f"{module.replace('.', '/')}.py"
    texts = [
        file.read_text(encoding="utf-8")
        for file in hashes.imported_files(start, ROOT)
        if file.suffix == ".py" and file != ONLY_BESIDE_TORCH
    ]
    return FRAMEWORKS & {name for text in texts for name in libraries(text)}


def test_light_modules_import_no_framework() -> None:
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(f'stages.{name}')\n"
        f"    print(name, *sorted({FRAMEWORKS!r} & set(sys.modules)))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, *LIGHT_AS_MODULES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split("\n")[:-1] == list(LIGHT_AS_MODULES)
    assert [frameworks_of(name) for name in LIGHT_AS_MODULES] == [set()] * len(LIGHT_AS_MODULES)
    assert frameworks_of("fine_tune") == FRAMEWORKS


# --- sizes -----------------------------------------------------------------------------------

MOST_MODULES, MOST_LINES, MOST_LINES_OF_A_SCRIPT = 20, 250, 80
EXCEPTIONS: Mapping[str, str] = {
    "stages": "one script per stage, so it grows with the experiments",
}
"""Files and folders that are larger, each with its reason; at most twelve."""


def too_large(sizes: Mapping[str, int]) -> list[str]:
    """Modules, scripts and folders beyond their size; `sizes` are lines by path."""
    problems = []
    for path, lines in sizes.items():
        is_script = path.count("/") == 1
        most = MOST_LINES_OF_A_SCRIPT if is_script else MOST_LINES
        if lines > most:
            problems.append(f"{path} has {lines} lines, of {most}")
    folders = Counter(str(Path(path).parent) for path in sizes if not path.endswith("__init__.py"))
    problems += [
        f"{folder} has {count} modules, of {MOST_MODULES}"
        for folder, count in folders.items()
        if count > MOST_MODULES
    ]
    return [problem for problem in problems if problem.split(" ")[0] not in EXCEPTIONS]


def sizes() -> dict[str, int]:
    return {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in sorted(STAGES.rglob("*.py"))
    }


def test_no_room_outgrows_its_size() -> None:
    assert too_large(sizes()) == []
    assert len(EXCEPTIONS) <= 12


def test_what_is_too_large_is_reported() -> None:
    large = {"stages/tickets/a/b.py": 251, "stages/c.py": 81, "stages/tickets/a/c.py": 250}
    many = {f"stages/tickets/d/e{number}.py": 1 for number in range(21)}
    assert too_large(large | many) == [
        "stages/tickets/a/b.py has 251 lines, of 250",
        "stages/c.py has 81 lines, of 80",
        "stages/tickets/d has 21 modules, of 20",
    ]


def test_exceptions_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = sizes()
    named = set(EXCEPTIONS)
    monkeypatch.setattr("tests.test_house.EXCEPTIONS", {})
    assert {problem.split(" ")[0] for problem in too_large(grown)} == named


def test_relative_imports_are_refused() -> None:
    with pytest.raises(ValueError, match="line 2 has a relative import"):
        imported_names("import os\nfrom .masks import Mask")


def test_every_module_says_what_it_is_for() -> None:
    bare = [
        file.relative_to(ROOT).as_posix()
        for file in sorted(STAGES.rglob("*.py"))
        if (text := file.read_text(encoding="utf-8")) and not ast.get_docstring(ast.parse(text))
    ]
    assert bare == []


# --- names -----------------------------------------------------------------------------------

NO_NAMES = {"one", "found", "here", "said", "theirs", "both", "whole"}
"""Words that name no thing; a field may have the name of its column in csv."""


def vague_names(source: str) -> list[str]:
    """Variables and arguments with such a name, with their lines."""
    nodes = list(ast.walk(ast.parse(source)))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    fields = {
        id(part.target) for each in classes for part in each.body if isinstance(part, ast.AnnAssign)
    }
    names = [node for node in nodes if isinstance(node, ast.Name) and id(node) not in fields]
    bound = [(node.lineno, node.id) for node in names if isinstance(node.ctx, ast.Store)]
    bound += [(node.lineno, node.arg) for node in nodes if isinstance(node, ast.arg)]
    return [f"{name} in line {line}" for line, name in sorted(bound) if name in NO_NAMES]


def test_variables_are_named_for_things() -> None:
    vague = {
        file.relative_to(ROOT).as_posix(): names
        for file in sorted(STAGES.rglob("*.py"))
        if (names := vague_names(file.read_text(encoding="utf-8")))
    }
    assert vague == {}
    assert vague_names("found = 1\nfor one in found: pass") == ["found in line 1", "one in line 2"]
