"""What no file of the project says, and what git leaves alone."""

import re
import subprocess

import pytest

from tests.imports import ROOT

REGISTRIES_AND_MACHINES = re.compile(
    "|".join(
        (
            r"pypi\.(?:org|python)",
            "files.python" + "hosted",
            "index" + "[-_]url",
            r"(?<![\w.$}/])/(?:wo" + "rk|ro" + r"ot)/",
            "/opt/wh" + "eels",
        )
    ),
    re.IGNORECASE,
)


def files_of_the_project() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_machines_path() -> None:
    found = {}
    for name in files_of_the_project():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        if match := REGISTRIES_AND_MACHINES.search(text):
            found[name] = match[0]
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org/packages",
        "--index" + "-url x",
        "see '/wo" + "rk/shared'",
        "cd /ro" + "ot/project",
    ],
)
def test_such_a_name_is_found(text: str) -> None:
    assert REGISTRIES_AND_MACHINES.search(text)


def test_uv_lock_is_ignored() -> None:
    assert "uv.lock" not in files_of_the_project()
    ignored = subprocess.run(["git", "check-ignore", "-q", "uv.lock"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
