"""The code that decides what a stage computes: one file per script, which DVC compares.

`results/code/<script>.json` lists the script and all files of this project that it imports, at any
depth, each with a hash of its source without comments, docstrings and blank lines. A stage depends on
the file of its script, so it reruns when code that it uses changes, and not for a comment. (If dvc.yaml
listed the sources, a dozen per stage, dvc.lock would be four times as long, and DVC rewrites that file
after every stage.)
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

LAUNCHERS = (
    "stages/__init__.py", "stages/__main__.py", "stages/launch/warm.py", "stages/launch/guard.py",
)  # fmt: skip
"""Files that start stages without changing their results."""
SETTINGS = "stages/tickets/settings/"
"""Folder of the code that checks settings. It is left out, since DVC compares the values themselves."""
NOISE = SETTINGS + "noise.py"
"""Module among the settings that is hashed all the same: it derives seeds, so it moves results."""


def imported_files(script: Path, root: Path) -> list[Path]:
    """List `script` and all files of the project in `root` that it uses.

    Imports are read from the source, at any depth and inside functions too. A template such as
    `page.html.jinja` belongs to `page.py`. If the `__init__` of a package has code, such as a list of
    its modules, all modules in its folder belong to it.
    """
    return _used(script, lambda file: list(_imports(file, root)))


def _used(script: Path, imports: Callable[[Path], list[Path]]) -> list[Path]:
    used: set[Path] = set()
    waiting = [script]
    while waiting:
        current = waiting.pop()
        if current not in used:
            used.add(current)
            waiting += imports(current)
            if current.name == "__init__.py":
                waiting += current.parent.rglob("*.py")
    templates = {other for file in used for other in file.parent.glob(f"{file.stem}.*.jinja")}
    return sorted(used | templates)


def _imports(script: Path, root: Path) -> Iterator[Path]:
    for name in _imported_names(script.read_text(encoding="utf-8")):
        place = root / name.replace(".", "/")
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file() and _moves_results(file, root):
                yield file


def _moves_results(file: Path, root: Path) -> bool:
    name = file.relative_to(root).as_posix()
    if name in LAUNCHERS or (name.startswith(SETTINGS) and name != NOISE):
        return False
    return file.name != "__init__.py" or bool(essence(file.read_text(encoding="utf-8")))


def _imported_names(source: str) -> list[str]:
    return _analysed(source)[0]


def essence(source: str) -> str:
    """Return Python source without comments, docstrings, blank lines and trailing blanks.

    They are cut out of the text, so that all versions of Python agree. String literals stay as they are.
    """
    return _analysed(source)[1]


@cache
def _analysed(source: str) -> tuple[list[str], str]:
    """Return the names that a source imports, and its essence; it is parsed once for both."""
    nodes = list(ast.walk(ast.parse(source)))
    return _names(nodes), _essence(source, nodes)


def _names(nodes: Iterable[ast.AST]) -> list[str]:
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def _essence(source: str, nodes: Sequence[ast.AST]) -> str:
    lines = source.splitlines()
    # Tokens take longer than all else, and most files have no comment.
    tokens = tokenize.generate_tokens(io.StringIO(source).readline) if "#" in source else ()
    cuts = [(token.start, token.end) for token in tokens if token.type == tokenize.COMMENT]
    docstrings = [n.value for n in nodes if isinstance(n, ast.Expr) and _is_text(n.value)]
    cuts += [_span(node, lines) for node in docstrings]
    inside: set[int] = set()
    for node in nodes:
        if node not in docstrings and (isinstance(node, ast.JoinedStr) or _is_text(node)):
            (first, _), (last, _) = _span(node, lines)
            inside |= set(range(first + 1, last + 1))
    for (first, start), (last, end) in sorted(cuts, reverse=True):
        lines[first - 1 : last] = [
            lines[first - 1][:start] + lines[last - 1][end:],
            *[""] * (last - first),
        ]
    return "\n".join(
        line if number in inside else line.rstrip()
        for number, line in enumerate(lines, start=1)
        if number in inside or line.strip()
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _span(node: ast.AST, lines: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the ends of a node, each as a line number from 1 and a character number from 0."""
    place = vars(node)
    ends = []
    for number, column in (
        (place["lineno"], place["col_offset"]),
        (place["end_lineno"], place["end_col_offset"]),
    ):
        ends.append((number, len(lines[number - 1].encode()[:column].decode())))
    return ends[0], ends[1]


class Digests(NamedTuple):
    """Two sha256 of one file, of the same reading of it."""

    code: str
    """Of the `essence` of a Python file, and of the whole text of any other."""
    content: str
    """Of all bytes, as `sha256sum` gives it."""


def digests(file: str | Path, content: bytes) -> Digests:
    """Return the digests of a file with this content."""
    text = content.decode().replace("\r\n", "\n")
    code = essence(text) if Path(file).suffix == ".py" else text
    return Digests(_sha256(code.encode()), _sha256(content))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def by_script(sources: Path) -> dict[str, dict[str, Digests]]:
    """Hash all files that each script in the folder `sources` uses; by script, then by path.

    Raises:
        FileNotFoundError: `sources` is no folder.
    """
    root = sources.parent
    if not sources.is_dir():
        raise FileNotFoundError(f"{sources} is no folder")
    scripts = [file for file in sorted(sources.glob("*.py")) if not file.stem.startswith("__")]
    imports = cache(lambda file: list(_imports(file, root)))  # most scripts use the same files
    used = {script: _used(script, imports) for script in scripts}
    hashed = {file: digests(file, file.read_bytes()) for file in set().union(*used.values())}
    return {
        script.stem: {file.relative_to(root).as_posix(): hashed[file] for file in listed}
        for script, listed in used.items()
    }
