"""Which of the project's files a stage imports, found without running it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imported_files(file: Path) -> set[str]:
    """Paths, relative to the project, of `file` and of all it imports from `stages`, at any depth."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        for node in ast.walk(ast.parse(current.read_text(encoding="utf-8"))):
            waiting += _modules(node)
    return {str(path.relative_to(ROOT)) for path in found}


def _modules(node: ast.AST) -> list[Path]:
    names: list[str] = []
    if isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    elif isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    files = (ROOT / (name.replace(".", "/") + ".py") for name in names if name.startswith("stages"))
    return [file for file in files if file.is_file()]
