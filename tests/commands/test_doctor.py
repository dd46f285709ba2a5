"""The command `doctor`: what stops DVC is named, mended, and nothing of it is lost. DVC itself runs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.commands import doctor
from stages.launch import cli, holders
from tests.imports import ROOT
from tests.pipeline.study import STUDY, write_study

STAGES = """
stages:
  {name}:
    wdir: {wdir}
    cmd: echo {name} > {name}.txt && echo ran >> ran-{name}
    deps: [train.csv]
    outs: [{name}.txt]
"""
LOCKS = ("dvc.lock", "pipeline/second/dvc.lock")


@pytest.fixture(scope="module")
def origin() -> Iterator[Path]:
    """A project of two stages in two dvc.yaml files, both of which have run."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "origin"
        (folder / "pipeline" / "second").mkdir(parents=True)
        for name, file in {"first": "dvc.yaml", "second": "pipeline/second/dvc.yaml"}.items():
            text = STAGES.format(name=name, wdir="." if file == "dvc.yaml" else "../..")
            (folder / file).write_text(text, encoding="utf-8")
        write_study(folder, STUDY)
        assert dvc(folder, "init", "--no-scm", "-q") == (0, "")
        assert dvc(folder, "repro", "-R", ".")[0] == 0
        yield folder


@pytest.fixture
def project(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(origin, folder)
    monkeypatch.chdir(folder)
    return folder


def dvc(folder: Path, *arguments: str) -> tuple[int, str]:
    own = {
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "none"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder.parent / "none"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def ask(*arguments: str) -> int:
    """The exit code of the command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["doctor.py", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.run(doctor.main, computes=False)
    return int(end.value.code or 0)


def another() -> int:
    """The number of a living process that is no DVC."""
    return os.getppid() if "dvc" not in holders.command_of(os.getppid()) else 1


def empty_run(project: Path) -> None:
    """A cache of runs as a kill between its two steps leaves it, and a stage that looks for its run."""
    for run in project.glob(".dvc/cache/runs/*/*/*"):
        run.unlink()
    for lock in LOCKS:
        (project / lock).unlink()


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda project: (project / name).write_text(text, encoding="utf-8")


def cut(name: str, end: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        text = (project / name).read_text(encoding="utf-8")
        (project / name).write_text(text[: text.index(end) + len(end)], encoding="utf-8")

    return change


def conflict(name: str) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        text = (project / name).read_text(encoding="utf-8")
        marked = f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n"
        (project / name).write_text(marked, encoding="utf-8")

    return change


def holder(number: Callable[[], int]) -> Callable[[Path], object]:
    def change(project: Path) -> None:
        entry = {"pid": number(), "cmd": "dvc repro"}
        table = {"write": {str(project / "first.txt"): entry}, "read": {}}
        (project / holders.RWLOCK).write_text(json.dumps(table), encoding="utf-8")
        (project / "first.txt").unlink()

    return change


BROKEN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "an empty lock": (write(LOCKS[0], ""), ["dvc.lock is empty: delete it"]),
    "an empty lock of an experiment": (
        write(LOCKS[1], "\n"),
        ["pipeline/second/dvc.lock is empty: delete it"],
    ),
    "a lock cut off in a line": (cut(LOCKS[0], "size"), ["dvc.lock is cut off, or no dvc.lock"]),
    "a lock cut off in its first line": (
        cut(LOCKS[1], "schema: '2."),
        ["pipeline/second/dvc.lock is cut off, or no dvc.lock"],
    ),
    "a lock with a date that is none": (
        write(LOCKS[0], "schema: '2.0'\nstages:\n  first:\n    cmd: echo\n    md5: 2026-13-45\n"),
        ["dvc.lock is cut off, or no dvc.lock"],
    ),
    "a conflict": (
        conflict(LOCKS[1]),
        ["pipeline/second/dvc.lock holds git's marks of a conflict"],
    ),
    "an empty table of readers": (
        write(str(holders.RWLOCK), ""),
        [".dvc/tmp/rwlock is empty or cut off"],
    ),
    "a table of other content": (
        write(str(holders.RWLOCK), '{"write": []}'),
        [".dvc/tmp/rwlock is empty or cut off"],
    ),
    "a number that another process has": (
        holder(another),
        [".dvc/tmp/rwlock says that `dvc repro` runs as process "],
    ),
    "an empty folder in the cache of runs": (
        empty_run,
        [".dvc/cache/runs/"] * 2,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_stops_dvc_is_named_and_mended_and_nothing_is_lost(
    project: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    break_, beginnings = BROKEN[name]
    break_(project)
    code, output = dvc(project, "repro", "-R", ".")
    assert code != 0, output
    assert ask() == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(beginnings)
    for line, beginning in zip(lines, beginnings, strict=True):
        assert line.startswith(f"wrong: {beginning}")
        assert "delete" in line
        assert "nothing is lost" in line
    assert ask("--mend") == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == (
        ["mended"] * len(lines)
    )
    assert ask() == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    code, output = dvc(project, "repro", "-R", ".")
    assert code == 0, output
    assert [(project / f"{part}.txt").read_text() for part in ("first", "second")] == [
        "first\n",
        "second\n",
    ]
    if "cache of runs" not in name:  # there the runs had not been stored
        assert [(project / f"ran-{part}").read_text() for part in ("first", "second")] == [
            "ran\n",
            "ran\n",
        ]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_that_is_committed_comes_back_even_without_a_cache(
    project: Path, capsys: pytest.CaptureFixture[str], lock: str
) -> None:
    """Deleted, it would cost a run of every stage that this machine's cache does not hold."""
    for command in (["init", "-q"], ["add", "-f", *LOCKS], ["commit", "-q", "-m", "locks"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *command], cwd=project, check=True)
    before = (project / lock).read_bytes()
    conflict(lock)(project)
    shutil.rmtree(project / ".dvc" / "cache")
    assert ask("--mend") == 0
    line = capsys.readouterr().out
    assert line.startswith(f"mended: {lock} holds git's marks of a conflict: take the committed")
    assert "nothing is lost" not in line
    assert (project / lock).read_bytes() == before
    assert ask() == 0


def test_a_lock_that_is_committed_broken_is_deleted(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / LOCKS[0]).write_text("schema: '2.0'\nsta", encoding="utf-8")
    for command in (["init", "-q"], ["add", "-f", LOCKS[0]], ["commit", "-q", "-m", "cut off"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *command], cwd=project, check=True)
    assert ask("--mend") == 0
    assert "nothing is lost if this machine's cache holds" in capsys.readouterr().out
    assert not (project / LOCKS[0]).exists()


@pytest.mark.parametrize("file", ["dvc.yaml", "pipeline/second/dvc.yaml"])
def test_a_conflict_in_a_dvc_yaml_is_called_that_and_left_to_the_user(
    project: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    conflict(file)(project)
    before = (project / file).read_bytes()
    assert ask("--mend") == 1
    assert f"wrong: {file} holds git's marks of a conflict: edit it" in capsys.readouterr().out
    assert (project / file).read_bytes() == before


@pytest.mark.usefixtures("project")
def test_where_nothing_is_wrong_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask() == 0
    assert capsys.readouterr().out == "nothing is wrong\n"


def test_the_number_of_a_dead_process_in_a_lock_stops_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / holders.LOCK).write_text(f" {another()}\n", encoding="utf-8")
    assert dvc(project, "repro", "-R", ".")[0] == 0
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    holder(lambda: dead.pid)(project)
    assert ask() == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    assert dvc(project, "repro", "-R", ".")[0] == 0


def test_nothing_is_mended_while_dvc_works(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "stages:\n  long:\n    cmd: touch at && sleep 60\n    outs: [long.txt]\n"
    (project / "dvc.yaml").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"], cwd=project, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"DVC_SITE_CACHE_DIR": str(project.parent / "site")},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (project / "at").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (project / LOCKS[1]).write_text("", encoding="utf-8")
        assert ask() == 1
        assert ask("--mend") == 1
        captured = capsys.readouterr()
        assert f"process {process.pid}); wait for its end, then mend" in captured.err
        assert (project / LOCKS[1]).exists()
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": "all"}, "params.yaml: seeds is 'all', allowed are lists; the word stands for"),
        ({"tasks": "all"}, "params.yaml: tasks is 'all', allowed are lists; the word stands for"),
        ({"study": "../x"}, "params.yaml: study is '../x', allowed are names"),
    ],
)
def test_wrong_settings_are_named_and_left_to_the_user(
    project: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], message: str
) -> None:
    write_study(project, STUDY | change)
    before = (project / "params.yaml").read_bytes()
    assert ask("--mend") == 1
    assert capsys.readouterr().out.startswith(f"wrong: {message}")
    assert (project / "params.yaml").read_bytes() == before


def test_a_conflict_in_params_yaml_is_called_that(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    marked = text.replace("seeds:", "<<<<<<< HEAD\nseeds:", 1)
    (project / "params.yaml").write_text(marked, encoding="utf-8")
    assert ask() == 1
    assert "wrong: params.yaml holds git's marks of a conflict: " in capsys.readouterr().out


# --- bytes -----------------------------------------------------------------------------------


def flip(file: Path) -> None:
    """Change a bit of a file as a failing disk does: mode, size and time stay."""
    status, content = file.stat(), bytearray(file.read_bytes())
    content[0] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(status.st_mode)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def objects(project: Path) -> list[Path]:
    return sorted(project.glob(".dvc/cache/files/md5/*/*"))


def test_changed_bytes_of_the_cache_that_dvc_believes_are_named_and_mended(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in objects(project):
        flip(file)
    (project / "first.txt").unlink()
    code, output = dvc(project, "repro", "-R", ".")
    assert (code, (project / "first.txt").read_text()) == (0, "girst\n"), output
    assert ask() == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    assert ask("--bytes") == 1
    lines = capsys.readouterr().out.splitlines()
    names = [str(file.relative_to(project)) for file in objects(project)]
    assert [line.split()[:2] for line in lines] == [
        ["wrong:", name] for name in (*names, "first.txt")
    ]
    assert ask("--bytes", "--mend") == 0
    assert capsys.readouterr().out.count("mended: ") == len(lines)
    code, output = dvc(project, "repro", "-R", ".")
    assert (code, (project / "first.txt").read_text()) == (0, "first\n"), output
    assert ask("--bytes") == 0


def test_a_cut_file_in_the_cache_of_runs_is_named_and_mended(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = sorted(project.glob(".dvc/cache/runs/*/*/*"))
    for file in runs:
        file.write_text(file.read_text(encoding="utf-8").partition("outs:")[0], encoding="utf-8")
    for lock in LOCKS:
        (project / lock).unlink()
    code, output = dvc(project, "repro", "-R", ".")
    assert code
    assert "failed to reproduce 'first': 'outs'" in output  # words that the documentation lists
    assert ask() == 0
    assert ask("--bytes", "--mend") == 0
    assert (
        capsys.readouterr().out.count(" is not what DVC stored under that name") == len(runs) == 2
    )
    assert dvc(project, "repro", "-R", ".")[0] == 0


def test_changed_bytes_of_a_folder_of_results_are_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "stages:\n  first:\n    cmd: mkdir -p made && echo x > made/x && echo y > made/y\n"
    (project / "dvc.yaml").write_text(f"{text}    outs: [made]\n", encoding="utf-8")
    assert dvc(project, "repro")[0] == 0
    assert ask("--bytes") == 0
    capsys.readouterr()
    flip(project / "made" / "y")
    assert ask("--bytes", "--mend") == 0
    assert capsys.readouterr().out.startswith("mended: made/y is not what its dvc.lock says")
    assert dvc(project, "repro")[0] == 0
    assert (project / "made" / "y").read_text(encoding="utf-8") == "y\n"


@pytest.mark.parametrize("end", ["", "      size: 60\n"])
def test_a_lock_whose_cut_dvc_does_not_see_is_named_and_mended(
    project: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    lock = project / LOCKS[0]
    before = lock.read_bytes()
    text, _, _ = lock.read_text(encoding="utf-8").rpartition("      size: ")
    lock.write_text(f"{text}{end}", encoding="utf-8")
    assert dvc(project, "status")[0] == 0
    assert ask() == 0
    assert ask("--bytes", "--mend") == 0
    assert "mended: dvc.lock has another size of first.txt: " in capsys.readouterr().out
    assert dvc(project, "repro", "-R", ".")[0] == 0
    assert lock.read_bytes() == before
    assert (project / "ran-first").read_text(encoding="utf-8") == "ran\n"


def test_a_lock_with_a_byte_that_is_no_text_is_named_and_mended(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = project / LOCKS[0]
    before = lock.read_bytes()
    lock.write_bytes(before.replace(b"train.csv", b"tr\xe1in.csv"))
    code, output = dvc(project, "repro", "-R", ".")
    assert code
    assert "is not valid utf-8" in output  # words that the documentation lists
    assert ask("--mend") == 0
    assert "mended: dvc.lock is cut off, or no dvc.lock" in capsys.readouterr().out
    assert dvc(project, "repro", "-R", ".")[0] == 0
    assert lock.read_bytes() == before
