"""The driver on a Dask scheduler with two workers, and on a Slurm whose commands are small scripts."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.launch.driver import flights, keeper, pool, remote
from tests.launch.clusters import Scheduler, make_slurm
from tests.launch.driver_project import NAMES, contents, drive, make_project, ran, start
from tests.launch.project import end_processes, happens, processes

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
SECONDS = 5


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = make_project(tmp_path / "p")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHELL", "/bin/sh")
    yield folder
    end_processes(folder)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    made = Scheduler(tmp_path / "dask")
    yield made
    made.close()


def same_as_local(project: Path) -> None:
    finished = contents(project)
    os.chdir(make_project(project.parent / "local"))
    drive()
    assert finished == contents(Path.cwd())


def others(project: Path) -> list[int]:
    return [number for number in processes(project) if number != os.getpid()]


def test_two_workers_make_the_same_bytes(project: Path, scheduler: Scheduler) -> None:
    driver = start(project, "--scheduler", scheduler.address)
    said, errors = driver.communicate(timeout=60)
    assert driver.returncode == 0, said + errors
    assert "9 stages: 9 run; " in said
    names = ran(project)
    assert (len(names), set(names)) == (len(NAMES), NAMES)
    same_as_local(project)


def test_a_killed_worker_takes_its_command_with_it_and_another_starts_it_again(
    project: Path, scheduler: Scheduler
) -> None:
    (project / "slow").write_text("case $out in *runs/*) seconds=3;; esac\n", encoding="utf-8")
    driver = start(project, "--scheduler", scheduler.address)
    assert happens(lambda: len(list(project.glob("slow.*.txt"))) == 2)
    (project / "slow").unlink()
    scheduler.parts[1].kill()
    scheduler.add()
    said, errors = driver.communicate(timeout=60)
    assert driver.returncode == 0, said + errors
    assert said.count("was lost and starts again") == 1
    names = ran(project)
    assert (len(names), set(names)) == (len(NAMES) + 1, NAMES)
    same_as_local(project)


def test_the_next_driver_ends_what_a_killed_one_has_left(
    project: Path, scheduler: Scheduler
) -> None:
    (project / "slow").write_text("case $out in *runs/*) seconds=60;; esac\n", encoding="utf-8")
    driver = start(project, "--scheduler", scheduler.address)
    assert happens(lambda: len(list(project.glob("slow.*.txt"))) == 2)
    driver.kill()
    driver.communicate(timeout=30)
    assert len(others(project)) > 2  # the workers have not noticed
    for file in project.glob("slow*"):
        file.unlink()
    begun = time.monotonic()
    again = start(project, "--scheduler", scheduler.address)
    said, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert time.monotonic() - begun < 30
    assert "9 stages: 1 from the cache, 8 run; " in said
    assert others(project) == []
    same_as_local(project)


def test_a_stopped_driver_leaves_nothing_at_work(project: Path, scheduler: Scheduler) -> None:
    (project / "slow").write_text("case $out in *runs/*) seconds=60;; esac\n", encoding="utf-8")
    driver = start(project, "--scheduler", scheduler.address)
    assert happens(lambda: len(list(project.glob("slow.*.txt"))) == 2)
    driver.terminate()
    driver.communicate(timeout=30)
    assert driver.returncode == 128 + signal.SIGTERM
    assert others(project) == []
    assert "  begin:\n" in (project / "dvc.lock").read_text(encoding="utf-8")


def test_a_failure_is_told_as_on_one_machine(project: Path, scheduler: Scheduler) -> None:
    make = project / "make.sh"
    make.write_text(make.read_text().replace("#!/bin/sh\n", "#!/bin/sh\necho no luck; exit 7\n"))
    driver = start(project, "--scheduler", scheduler.address)
    said, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert "begin failed with exit code 7 after " in said
    assert ": no luck; its log is .dvc/tmp/run/begin.log" in said
    assert errors == "run: begin failed, see above; 8 others did not run\n"


def test_a_scheduler_that_there_is_not_is_a_sentence(project: Path) -> None:
    driver = start(project, "--scheduler", "tcp://127.0.0.1:9")
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.startswith("run: no scheduler answers at 'tcp://127.0.0.1:9'")
    assert errors.count("\n") == 1


def test_a_scheduler_that_is_killed_is_a_sentence(project: Path, scheduler: Scheduler) -> None:
    (project / "slow").write_text("case $out in *runs/*) seconds=60;; esac\n", encoding="utf-8")
    driver = start(project, "--scheduler", scheduler.address)
    assert happens(lambda: len(list(project.glob("slow.*.txt"))) == 2)
    scheduler.parts[0].kill()
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.startswith("run: the scheduler has ended or does not answer; ")
    assert errors.count("\n") == 1
    assert others(project) == []
    assert "  begin:\n" in (project / "dvc.lock").read_text(encoding="utf-8")


def test_attempts_are_stopped_together(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    flights.take_over()
    for name in "ab":
        (project / flights.FLIGHT / name).touch()
    flights.stop("ab")
    assert pauses == [flights.STILL_SECONDS]
    assert sorted(file.name for file in (project / flights.FLIGHT).iterdir()) == [
        "a.stop",
        "b.stop",
    ]


def test_files_that_cannot_be_removed_stop_no_driver(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS keeps a file, under another name, as long as anybody has it open."""
    flights.take_over()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    flights.take_over()
    assert (project / flights.FLIGHT).is_dir()


# --- what a worker does ----------------------------------------------------------------------


@pytest.fixture
def asked(tmp_path: Path) -> Callable[[], int]:
    """Have this process, as a worker, run a command that notes that it ran and ends with 3."""
    folder = tmp_path / ".dvc" / "tmp" / "run"
    (folder / "flight").mkdir(parents=True)
    (folder / "token").write_text("token", encoding="utf-8")
    line = ["/bin/sh", "-c", "echo x >> ran; [ ! -e slow ] || sleep 60; exit 3"]
    command = pool.Command("s", [line], str(tmp_path), {}, str(tmp_path / "log"))
    request = command.request((), str(folder))
    return lambda: remote.run(request, keeper.__file__, "1-token", "token")


def test_a_finished_command_that_dask_asks_for_again_does_not_run(
    tmp_path: Path, asked: Callable[[], int]
) -> None:
    assert [asked(), asked()] == [3, 3]
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "x\n"


def test_a_command_whose_first_worker_was_lost_does_not_run(
    tmp_path: Path, asked: Callable[[], int]
) -> None:
    (tmp_path / ".dvc/tmp/run/flight/1-token").touch()
    with pytest.raises(RuntimeError, match="its worker was lost"):
        asked()
    assert not (tmp_path / "ran").exists()


def test_a_worker_without_the_drivers_folder_says_so(
    tmp_path: Path, asked: Callable[[], int]
) -> None:
    (tmp_path / ".dvc/tmp/run/token").unlink()
    with pytest.raises(RuntimeError, match=r"does not see .* a file system that they share"):
        asked()


def test_a_command_does_not_start_beside_the_next_driver(
    tmp_path: Path, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next driver has looked for files just before that of this command was there."""
    touch = Path.touch

    def late(file: Path, *, exist_ok: bool) -> None:
        (tmp_path / ".dvc/tmp/run/token").write_text("other", encoding="utf-8")
        touch(file, exist_ok=exist_ok)

    monkeypatch.setattr(Path, "touch", late)
    with pytest.raises(RuntimeError, match="its driver has given it up"):
        asked()
    assert not (tmp_path / "ran").exists()


def test_a_command_has_no_folder_of_the_drivers_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".dvc" / "tmp" / "run"
    (folder / "flight").mkdir(parents=True)
    (folder / "token").write_text("token", encoding="utf-8")
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    driver = {"TMPDIR": "/none", "SLURM_JOB_ID": "1", "SLURM_NNODES": "2", "KEPT": "k"}
    line = ["/bin/sh", "-c", "echo $TMPDIR $SLURM_JOB_ID $SLURM_NNODES $KEPT > seen"]
    command = pool.Command("s", [line], str(tmp_path), driver, str(tmp_path / "log"))
    code = remote.run(command.request((), str(folder)), keeper.__file__, "1-token", "token")
    assert (code, (tmp_path / "seen").read_text(encoding="utf-8")) == (0, "7 k\n")


@pytest.mark.parametrize("reason", ["silence", "stop", "token"])
def test_a_command_ends_with_its_driver(
    tmp_path: Path, asked: Callable[[], int], monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    (tmp_path / "slow").touch()
    folder = tmp_path / ".dvc" / "tmp" / "run"
    if reason == "silence":
        monkeypatch.setattr(remote, "SILENT_SECONDS", 0.5)
    late = threading.Timer(0.5, lambda: None)
    if reason == "stop":
        late = threading.Timer(0.5, (folder / "flight" / "1-token.stop").touch)
    if reason == "token":
        late = threading.Timer(0.5, (folder / "token").write_text, ["other"])
    late.start()
    with pytest.raises(RuntimeError, match="its driver has given it up"):
        asked()
    late.join()
    assert happens(lambda: not processes(tmp_path), 1)
    assert not (folder / "flight" / "1-token").exists()


# --- Slurm -----------------------------------------------------------------------------------


def test_jobs_of_slurm_make_the_same_bytes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bins, file = make_slurm(tmp_path)
    monkeypatch.setenv("PATH", f"{bins}:{os.environ['PATH']}")
    driver = start(project, "--cluster", str(file))
    said, errors = driver.communicate(timeout=90)
    assert driver.returncode == 0, said + errors
    assert "9 stages: 9 run; " in said
    submitted = (bins / "sbatch.numbers").read_text(encoding="utf-8").split()
    ended = (bins / "scancel.numbers").read_text(encoding="utf-8").split()
    assert len(submitted) == 2
    script = (bins / "sbatch.job").read_text(encoding="utf-8")
    for line in ("-p gpu", "--cpus-per-task=8", "--gres=gpu:1", "-t 24:00:00"):
        assert f"#SBATCH {line}\n" in script
    assert sorted(submitted) == sorted(ended)
    assert happens(lambda: others(project) == [], SECONDS)
    same_as_local(project)


def test_jobs_that_end_are_replaced(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the end of their time; Dask waits a little if a lost worker comes back."""
    bins, file = make_slurm(tmp_path)
    monkeypatch.setenv("PATH", f"{bins}:{os.environ['PATH']}")
    monkeypatch.setenv("DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT", "1s")
    (project / "slow").write_text("case $out in *runs/*) seconds=60;; esac\n", encoding="utf-8")
    driver = start(project, "--cluster", str(file))
    assert happens(lambda: len(list(project.glob("slow.*.txt"))) == 2, 60)
    (project / "slow").unlink()
    for number in (bins / "sbatch.numbers").read_text(encoding="utf-8").split():
        os.killpg(int(number), signal.SIGKILL)
    said, errors = driver.communicate(timeout=90)
    assert driver.returncode == 0, said + errors
    assert said.count("was lost and starts again") == 2
    assert len((bins / "sbatch.numbers").read_text(encoding="utf-8").split()) == 4
    same_as_local(project)


def test_jobs_that_slurm_refuses_are_a_sentence(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first job is taken, and cancelled when the second is refused."""
    bins, file = make_slurm(tmp_path)
    monkeypatch.setenv("PATH", f"{bins}:{os.environ['PATH']}")
    sbatch = bins / "sbatch"
    refuse = 'mkdir "$0.first" 2> /dev/null || { echo no more jobs >&2; exit 1; }\n'
    sbatch.write_text(sbatch.read_text().replace("cp ", f"{refuse}cp ", 1), encoding="utf-8")
    driver = start(project, "--cluster", str(file))
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.startswith(f"run: Slurm did not take the jobs of {file}: ")
    assert errors.endswith("no more jobs\n")
    assert errors.count("\n") == 1
    taken = (bins / "sbatch.numbers").read_text(encoding="utf-8")
    assert (bins / "scancel.numbers").read_text(encoding="utf-8") == taken
    sbatch.unlink()
    driver = start(project, "--cluster", str(file))
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.endswith("No such file or directory: 'sbatch'\n")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("text", ["cores: 1", "jobs: 2\nnodes: 3\n", "- 1", "jobs: [1"])
def test_a_wrong_description_of_a_cluster_is_a_sentence(
    project: Path, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "slurm.yaml"
    file.write_text(text, encoding="utf-8")
    driver = start(project, "--cluster", str(file))
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.startswith(f"run: {file} ")
    assert errors.count("\n") == 1
