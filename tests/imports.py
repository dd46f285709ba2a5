"""Which of the project's files a stage uses, found without running it."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILE_NAME = re.compile(r"[\w-]+(\.\w+)+")


@cache
def imported_files(file: Path) -> frozenset[str]:
    """Paths, relative to the project, of `file` and of all it uses from `stages`, at any depth.

    That is what it imports, and the files beside it that it names, such as a template.
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        if current.suffix == ".py":
            source = current.read_text(encoding="utf-8")
            modules = (ROOT / (name.replace(".", "/") + ".py") for name in project_names(source))
            waiting += [module for module in modules if module.is_file()]
            waiting += _named_beside(current, source)
    return frozenset(str(path.relative_to(ROOT)) for path in found)


def imported_names(source: str) -> set[str]:
    """Dotted names that a module imports, anywhere in it; `from a import b` counts as a and a.b.

    Raises:
        ValueError: an import is relative; the project has none.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"line {node.lineno} has a relative import")
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def project_names(source: str) -> set[str]:
    """Those of them that start with `stages`."""
    return {name for name in imported_names(source) if name.split(".")[0] == "stages"}


def libraries(source: str) -> set[str]:
    """Top-level packages that a module imports from outside the project."""
    return {name.split(".")[0] for name in imported_names(source)} - {"stages"}


def _named_beside(module: Path, source: str) -> list[Path]:
    return [
        module.with_name(node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and FILE_NAME.fullmatch(node.value)
        and not node.value.endswith(".py")
        and module.with_name(node.value).is_file()
    ]
