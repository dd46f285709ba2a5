"""What modules of the project import, found without running them."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


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
