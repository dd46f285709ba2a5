"""The driver does what `dvc repro` does, side by side, and leaves nothing for it to do."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from stages.commands import run as command
from stages.launch.driver import dvc, pool
from stages.launch.driver.dvc import Look
from stages.launch.driver.loop import Driver
from stages.tickets import settings
from stages.tickets.settings import UserError
from tests.launch.driver_project import (
    NAMES,
    contents,
    drive,
    forget,
    git,
    make_project,
    ran,
    run_dvc,
    start,
)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which `dvc repro` has run; nothing may change it."""
    folder = make_project(tmp_path_factory.mktemp("serial") / "p")
    done = run_dvc(folder, "repro")
    assert done.returncode == 0, done.stderr
    assert set(ran(folder)) == NAMES
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_project(tmp_path / "p")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHELL", "/bin/sh")
    return folder


@pytest.fixture
def finished(project: Path) -> Path:
    drive()
    ran(project)
    return project


def test_the_driver_makes_the_bytes_of_dvc_and_leaves_it_nothing_to_do(
    serial: Path, project: Path
) -> None:
    started = start(project, "--workers", "2")
    said, errors = started.communicate(timeout=60)
    assert (started.returncode, errors) == (0, "")
    assert "9 stages: 9 run; " in said
    assert contents(project) == contents(serial)
    names = ran(project)
    assert (len(names), set(names)) == (len(NAMES), NAMES)
    again = run_dvc(project, "repro")
    assert "Data and pipelines are up to date." in again.stdout
    assert ran(project) == []
    new = git(project, "status", "--short").split()[1::2]
    assert new == ["dvc.lock", "pipeline/train/dvc.lock", "reports/"]


def test_the_stage_that_is_planned_to_take_longest_runs_first(project: Path) -> None:
    planned = {"pipeline/train/dvc.yaml:train@b-1": 50.0, "pipeline/train/dvc.yaml:folder@b": 0.01}
    _, said = drive("folder", workers=1, planned=planned)
    assert ran(project)[:2] == ["begin", "train@b-1"]
    assert re.fullmatch(r"begin: .* s; 6 of 7 left, about .* s", said[0])


def test_what_is_unchanged_does_not_run(finished: Path) -> None:
    driver, said = drive()
    assert driver.done == {Look.UNCHANGED: 9}
    assert said == []
    assert ran(finished) == []


def test_results_come_from_the_cache_of_runs(serial: Path, finished: Path) -> None:
    """Outputs that git keeps alone are not in it, for DVC neither."""
    forget(finished)
    driver, _ = drive()
    assert driver.done == {Look.RESTORED: 8, Look.CHANGED: 1}
    assert ran(finished) == ["score"]
    assert contents(finished) == contents(serial)


def test_outputs_that_only_another_machine_has_come_from_the_cache_of_runs(
    serial: Path, finished: Path
) -> None:
    """dvc.lock names other outputs than this machine has made of the same inputs."""
    for lock in finished.rglob("dvc.lock"):
        head, _, outs = lock.read_text(encoding="utf-8").partition("outs:")
        lock.write_text(head + "outs:" + re.sub("md5: [0-9a-f]{4}", "md5: 0000", outs))
    shutil.rmtree(finished / "results")
    driver, _ = drive("begin")
    assert driver.done == {Look.RESTORED: 1}
    assert ran(finished) == []
    begin = Path("results/begin.txt")
    assert (finished / begin).read_bytes() == (serial / begin).read_bytes()


def test_a_kill_while_dvc_wrote_into_the_cache_of_runs_is_a_miss(finished: Path) -> None:
    forget(finished)
    for file in finished.glob(".dvc/cache/runs/*/*/*"):
        file.unlink()
    driver, _ = drive("begin")
    assert driver.done == {Look.CHANGED: 1}
    assert ran(finished) == ["begin"]


@pytest.mark.parametrize("end", ["outs:", "md5: ", "cmd:"])
def test_a_cut_file_in_the_cache_of_runs_is_a_miss(serial: Path, finished: Path, end: str) -> None:
    forget(finished)
    for file in finished.glob(".dvc/cache/runs/*/*/*"):
        file.write_text(file.read_text(encoding="utf-8").partition(end)[0], encoding="utf-8")
    driver, _ = drive("begin")
    assert driver.done == {Look.CHANGED: 1}
    assert ran(finished) == ["begin"]
    begin = Path("results/begin.txt")
    assert (finished / begin).read_bytes() == (serial / begin).read_bytes()


def test_a_cut_file_of_a_run_that_is_repeated_stops_nothing(finished: Path) -> None:
    """DVC reads it when it stores the same results again."""
    for file in finished.glob(".dvc/cache/runs/*/*/*"):
        file.write_text(file.read_text(encoding="utf-8").partition("outs:")[0], encoding="utf-8")
    (finished / "results" / "begin.txt").unlink()
    for file in finished.glob(".dvc/cache/files/md5/*/*"):
        file.unlink()
    driver, _ = drive("begin")
    assert driver.done == {Look.CHANGED: 1}
    assert ran(finished) == ["begin"]


def test_a_frozen_stage_does_not_run(project: Path) -> None:
    drive("begin")
    with pytest.raises(UserError, match="stopped failed") as failure:
        drive("stopped")
    assert "missing" in str(failure.value.__notes__)
    (project / "results" / "stopped.txt").write_text("by hand", encoding="utf-8")
    driver, _ = drive("stopped")
    assert driver.done == {Look.VERIFIED: 1}
    assert ran(project) == ["begin"]
    assert "stopped:" in (project / "pipeline/train/dvc.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (["begin"], {"begin"}),
        (["train@a-1"], {"begin", "train@a-1"}),
        (["train"], {"begin", "train@a-1", "train@a-2", "train@b-1", "train@b-2"}),
        (["pipeline/train/dvc.yaml:train@b-2"], {"begin", "train@b-2"}),
        (["folder@a", "begin"], {"begin", "train@a-1", "train@a-2", "folder@a"}),
    ],
)
def test_targets_run_with_what_they_need(
    project: Path, targets: list[str], names: set[str]
) -> None:
    drive(*targets)
    assert set(ran(project)) == names


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="one core, nothing to share"
)
def test_a_stage_that_is_alone_has_all_cores(project: Path) -> None:
    drive("train")
    lines = (project / "ran.log").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1:] for line in lines[:4]] == [
        [str(project), "2"],
        *[[str(project), "1"]] * 3,  # two at a time; the last may be alone again
    ]


def test_a_setting_reruns_what_tracks_it(finished: Path) -> None:
    params = finished / "params.yaml"
    params.write_text(params.read_text().replace("[3, 0.5]", "[3, 0.25]"))
    drive("train@a-1")
    assert ran(finished) == ["begin", "train@a-1"]
    assert "- 0.25\n" in (finished / "dvc.lock").read_text(encoding="utf-8")


# --- failures --------------------------------------------------------------------------------


def broken(project: Path, name: str, line: str) -> None:
    """Have the command of train@NAME or of another stage fail."""
    make = project / "make.sh"
    text = make.read_text(encoding="utf-8")
    make.write_text(
        text.replace("#!/bin/sh\n", f'#!/bin/sh\ncase "$1" in *{name}*) {line};; esac\n')
    )


def test_a_failure_stops_what_depends_on_it_and_others_end(project: Path) -> None:
    broken(project, "runs", "mkdir slow.down 2> /dev/null && echo no luck && exit 7; sleep 0.5")
    with pytest.raises(UserError, match="failed, see above; 6 others did not run") as error:
        drive()
    sentence = re.search(
        r"train@(.*) failed with exit code 7 after .* s: no luck; its log is (.*)",
        error.value.__notes__[0],
    )
    assert sentence
    assert sentence[2] == f".dvc/tmp/run/pipeline.train.dvc.yaml.train@{sentence[1]}.log"
    printed = (project / sentence[2]).read_text(encoding="utf-8")
    line = f"sh make.sh results/runs/{sentence[1]}.txt results/begin.txt"
    assert printed == f"> {line}\nno luck\n"
    begin, other = ran(project)  # the failed stage adds nothing to ran.log
    assert begin == "begin"
    assert f"  {other}:\n" in (project / "pipeline/train/dvc.lock").read_text(encoding="utf-8")


def test_entries_of_two_runs_stand_in_the_order_of_dvc(serial: Path, project: Path) -> None:
    fails = project / "slow"
    fails.write_text("case $out in *a-1*) exit 7;; esac\n", encoding="utf-8")
    with pytest.raises(UserError, match="3 others did not run"):
        drive(keep_going=True)
    fails.unlink()
    drive()
    assert contents(project) == contents(serial)


def test_what_an_earlier_command_has_left_is_gone(finished: Path) -> None:
    (finished / "results/folders/a/left.txt").touch()
    params = finished / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("0.00002", "0.5"))
    make = finished / "make.sh"
    make.write_text(make.read_text(encoding="utf-8") + "echo more >> $out\n", encoding="utf-8")
    drive("folder@a")
    assert "folder@a" in ran(finished)
    assert not (finished / "results/folders/a/left.txt").exists()


def test_keep_going_runs_all_that_does_not_need_it(project: Path) -> None:
    broken(project, "a-1", "exit 7")
    with pytest.raises(UserError, match="3 others did not run"):
        drive(keep_going=True)
    assert set(ran(project)) == {"begin", "train@a-2", "train@b-1", "train@b-2", "folder@b"}


def test_lines_after_the_first_that_fails_do_not_run(project: Path) -> None:
    broken(project, "scores.csv", "exit 3")
    with pytest.raises(UserError, match="score failed"):
        drive()
    assert not (project / "reports").exists()


def test_a_missing_output_is_a_sentence(project: Path) -> None:
    broken(project, "begin", "exit 0")
    with pytest.raises(UserError, match="begin failed") as error:
        drive("begin")
    assert "output 'results/begin.txt' does not exist; its log is " in error.value.__notes__[0]


def test_a_missing_dependency_is_a_sentence(project: Path) -> None:
    (project / "make.sh").unlink()
    with pytest.raises(UserError, match="begin failed") as error:
        drive("begin")
    (sentence,) = error.value.__notes__
    assert sentence.startswith("begin failed: ")
    assert sentence.endswith("make.sh'")


def test_a_killed_command_is_a_failure(project: Path) -> None:
    broken(project, "begin", "kill -9 $PPID")
    with pytest.raises(UserError, match="begin failed") as error:
        drive("begin")
    assert "begin was killed by signal 9 after" in error.value.__notes__[0]


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("results", ["cache", "none"])
def test_a_line_that_cannot_be_printed_is_no_failure_of_a_stage(results: str) -> None:
    forget(Path())
    if results == "none":
        shutil.rmtree(".dvc/cache")

    def say(_: str) -> None:
        raise OSError(28, "no room")

    project = dvc.Project("driver")
    try:
        driver = Driver(project, ["begin"], pool.Local(pool.places(1, [0])), False, None, say)
        with pytest.raises(OSError, match="no room"):
            driver.run()
    finally:
        project.close()
    assert (driver.failed, driver.done.total()) == ([], 1)
    assert "  begin:\n" in Path("dvc.lock").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is a program of Linux")
@pytest.mark.parametrize("limit", [2_000, 20_000, 40_000])
def test_no_room_for_the_files_of_dvc_is_a_sentence(project: Path, limit: int) -> None:
    started = start(project, by=["prlimit", f"--fsize={limit}"])
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert errors.startswith("run: ")
    assert errors.count("\n") == 1
    assert "Traceback" not in errors


def test_what_stops_dvc_is_a_sentence_that_names_the_doctor(project: Path) -> None:
    (project / "dvc.lock").write_text("schema: '2.0'\nsta", encoding="utf-8")
    started = start(project)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert re.fullmatch(r"run: .*dvc\.lock.*; type `uv run python -m stages doctor` .*\n", errors)


def test_settings_that_are_edited_meanwhile_are_named(project: Path) -> None:
    broken(project, "end.txt", "echo >> params.yaml")
    started = start(project)
    said, errors = started.communicate(timeout=60)
    assert "9 stages: 9 run; " in said
    assert errors.startswith("run: params.yaml changed while the driver ran; ")
    assert started.returncode == 1


# --- experiments -----------------------------------------------------------------------------


def test_an_experiment_is_what_dvc_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both begin from a commit with all results, with the setting `rate` changed."""
    folders = [make_project(tmp_path / name) for name in ("by-dvc", "by-driver")]
    for folder in folders:
        training = folder / "pipeline/train/dvc.yaml"
        text = training.read_text(encoding="utf-8").partition("  stopped:")[0]
        training.write_text(
            text, encoding="utf-8"
        )  # `dvc exp save` wants the outputs of all stages
        assert run_dvc(folder, "repro").returncode == 0
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "results")
    done = run_dvc(folders[0], "exp", "run", "-q", "-n", "new", "-S", "rate=0.5")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(folders[1])
    driver, _ = drive(changes=["rate=0.5"])
    assert driver.done == {Look.CHANGED: 9}
    assert run_dvc(folders[1], "exp", "save", "-n", "new").returncode == 0
    trees = []
    for folder in folders:
        experiment = git(folder, "for-each-ref", "--format=%(objectname)", "refs/exps/*/*/new")
        listed = git(folder, "ls-tree", "-r", experiment.strip()).splitlines()
        # `dvc exp save` adds a file of its own, whoever has run the stages.
        trees.append([line for line in listed if not line.endswith(".dvc/tmp/repro.dat")])
    assert trees[0] == trees[1]
    assert contents(folders[0]) == contents(folders[1])
    assert "rate: 0.5\n" in (folders[1] / "params.yaml").read_text(encoding="utf-8")


def test_an_experiment_with_a_setting_that_there_is_not_changes_nothing(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    started = start(project, "-S", "speed=0.5")
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert errors.startswith("run: ")
    assert errors.count("\n") == 1
    assert (project / "params.yaml").read_bytes() == before
    assert ran(project) == []


def test_a_stage_that_there_is_not_is_a_sentence(project: Path) -> None:
    started = start(project, "train@none")
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert errors == (
        "run: no stage is called 'train@none'; `uv run dvc stage list --all --name-only` lists them\n"
    )


@pytest.mark.parametrize("targets", [[], ["begin"]])
def test_a_part_of_an_experiment_is_not_to_be_saved(
    finished: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    targets: list[str],
) -> None:
    """`dvc exp save` takes all results of the folder as made with the settings of now."""
    monkeypatch.chdir(finished)
    monkeypatch.setattr(settings, "checked", lambda *_: None)  # the setting is made up
    monkeypatch.setattr(command, "planned", lambda _: {})
    command.main(targets, changes=["rate=0.5"])
    assert ("run all stages before either" in capsys.readouterr().err) == bool(targets)
