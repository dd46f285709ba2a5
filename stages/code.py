"""What every stage's code amounts to: one file per script, which DVC compares in place of the sources.

`results/code/<script>.json` lists the script and all files of this project that it imports, at any
depth, each with a hash of its source without comments, docstrings and layout. A stage depends on
the file of its script: it reruns when code that it uses changes, and not for a comment. (Listing the
sources in dvc.yaml instead, a dozen to a stage, makes dvc.lock four times as long, and DVC rewrites that
file after every stage.)
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

LAUNCHERS = ("__init__.py", "warm.py")
"""Files that start stages and change nothing that they do."""


def imported_files(script: Path, root: Path) -> list[Path]:
    """`script` and all it imports from the project in `root`, and files named after those modules.

    Found without running anything, so imports inside functions count. A template such as
    `report.html.jinja` belongs to `report.py`.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += _imports(ast.parse(current.read_text(encoding="utf-8")), root)
    beside = {
        other
        for file in found
        for other in file.parent.glob(f"{file.stem}.*")
        if other.is_file() and other.suffix not in (".py", ".pyc")
    }
    return sorted(found | beside)


def _imports(tree: ast.Module, root: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            file = root / (name.replace(".", "/") + ".py")
            if file.is_file() and file.name not in LAUNCHERS:
                yield file


def essence(source: str) -> str:
    """Python source without comments, docstrings and layout, as Python itself would print it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [part for part in body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    """A docstring, of a module, class, function or field: a text that stands alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def digest(file: Path) -> str:
    """sha256 of a file; of a Python file that of its essence."""
    text = file.read_text(encoding="utf-8")
    return hashlib.sha256((essence(text) if file.suffix == ".py" else text).encode()).hexdigest()


def main(
    sources: Annotated[Path, typer.Option(help="Folder of the stages.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    root = sources.parent
    if not sources.is_dir():
        raise FileNotFoundError(f"{sources} is no folder")
    out.mkdir(parents=True, exist_ok=True)
    for script in sorted(sources.glob("*.py")):
        if script.name not in LAUNCHERS:
            files = imported_files(script, root)
            hashes = {file.relative_to(root).as_posix(): digest(file) for file in files}
            text = json.dumps(hashes, indent=1, sort_keys=True)
            (out / f"{script.stem}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
