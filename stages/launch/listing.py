"""The list of commands and stages that `python -m stages --help` prints."""

import ast
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path

USAGE = "usage: python -m stages NAME [OPTION]..."
LAST = "`python -m stages NAME --help` lists the options of a command or a stage."


def text(modules: Mapping[str, str], root: Path) -> str:
    """Write the list, with the first line of the docstring of every module.

    Args:
        modules: modules by their names on the command line.
        root: folder that they are imported from.
    """
    commands = {name: module for name, module in modules.items() if ".commands." in module}
    stages = {name: module for name, module in modules.items() if name not in commands}
    return "\n\n".join(
        [
            USAGE,
            _list("Commands, which people run:", commands, root),
            _list("Stages, which `dvc repro` and the command `run` run:", stages, root),
            LAST,
        ]
    )


def _list(title: str, modules: Mapping[str, str], root: Path) -> str:
    columns = shutil.get_terminal_size().columns
    width = max(map(len, modules), default=0)
    lines = []
    for name, module in modules.items():
        source = (root / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        indent = " " * (width + 4)
        lines.append(textwrap.fill(first, columns, initial_indent=f"  {name:{width}}  ",
                                   subsequent_indent=indent) or f"  {name}")  # fmt: skip
    return "\n".join([title, *lines])
