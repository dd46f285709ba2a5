"""Read the settings and the pipeline as last committed to git."""

import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.tickets.plan.stages import FILES, ROOT_FILE


def content(project: Path, file: str) -> Any:  # noqa: ANN401
    """Read a YAML file of a project as last committed; None if git does not have it."""
    shown = _git(project, "show", f"HEAD:./{file}")
    return YAML(typ="safe").load(shown.stdout) if shown.returncode == 0 else None


def pipeline(project: Path) -> dict[str, Any]:
    """Read every dvc.yaml as last committed, by its path; empty if git has none."""
    names = _git(project, "ls-tree", "-r", "--name-only", "HEAD").stdout.split("\n")
    ours = [name for name in names if name == ROOT_FILE or fnmatch(name, FILES)]
    return {name: content(project, name) for name in ours}


def _git(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(project), *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
