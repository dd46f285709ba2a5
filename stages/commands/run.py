"""Run stages side by side, on the cores or GPUs of a machine; `dvc repro` then has nothing to do.

This is a command, not a stage: `uv run python -m stages run`. docs/many-cores.md says more.
"""

import re
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from dvc.exceptions import DvcException
from dvc.stage.exceptions import StageNotFound

from stages.commands import doctor
from stages.launch import cli, cores, holders, warm
from stages.launch.driver import dvc, flights, pool, schedule
from stages.launch.driver.loop import Driver, StoppedError
from stages.tickets import settings

GPU = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")
"""How CUDA_VISIBLE_DEVICES names a GPU: its number, or its UUID as nvidia-smi -L prints it."""


def places(workers: int | None, gpus: str | None, per_gpu: int) -> list[pool.Place]:
    """Return the places for commands that the options ask for.

    Raises:
        UserError: the options contradict each other.
    """
    names = [name.strip() for name in gpus.split(",")] if gpus is not None else []
    if not all(map(GPU.fullmatch, names)):
        raise settings.UserError(f"--gpus is {gpus!r}, but should be like 0,1,2,3")
    if gpus is None and per_gpu != 1:
        raise settings.UserError("--per-gpu says nothing without --gpus")
    if names and workers is not None:
        raise settings.UserError("give --workers or --gpus with --per-gpu, not both")
    number = len(names) * per_gpu if names else workers or cores.number()
    return pool.places(number, cores.visible(), names)


def connect(scheduler: str | None, file: Path | None, token: str) -> pool.Local:
    """Connect to a cluster as `cluster.connect` does, if the packages for it are installed."""
    try:
        from stages.launch.driver import cluster  # noqa: PLC0415  an extra
    except ImportError as error:
        raise settings.UserError(
            f"{error.name} is missing; type `uv run --extra cluster python -m stages run` and so on"
        ) from None
    return cluster.connect(scheduler, file, token)


@contextmanager
def told() -> Iterator[None]:
    """Turn errors of DVC in a `with` block into sentences that say what to type."""
    try:
        yield
    except StageNotFound as error:
        raise settings.UserError(
            f"no stage is called {error.name!r}; `uv run dvc stage list --all --name-only` lists them"
        ) from None
    except DvcException as error:
        advice = "; type `uv run python -m stages doctor` for what to do"
        wrong = doctor.problems(Path())
        raise settings.UserError(spelled(error) + (advice if wrong else "")) from None
    except sqlite3.Error as error:
        raise settings.UserError(
            f"DVC's own files could not be written ({spelled(error)}); make room and run the same "
            "command again, which keeps what is finished"
        ) from None


def spelled(error: Exception) -> str:
    """Return the message of an error in one line."""
    return " ".join(str(error).split())


def planned(on_gpus: bool) -> dict[str, float]:
    """Estimate the seconds of all stages by address; none, with a sentence, if that is not possible."""
    try:
        content = settings.content(cli.PARAMS)
        study = settings.checked(content, str(cli.PARAMS))
        from stages.tickets.plan import estimate  # noqa: PLC0415  pandas

        hardware = "A100, bf16" if on_gpus else "a CPU core, miniature"
        return estimate.seconds(study, content, Path(), hardware)
    except settings.UserError as error:  # which the stage `check` reports as its own
        print(f"the time of stages is not known beforehand: {error}", flush=True)
        return {}


def run(driver: Driver) -> None:
    """Run a driver, and say what became of all stages."""
    start = time.monotonic()
    try:
        driver.run()
    finally:
        counts = ", ".join(f"{number} {look.value}" for look, number in driver.done.items())
        took = schedule.spelled(time.monotonic() - start)
        noun = "stage" if len(driver.stages) == 1 else "stages"
        print(f"{len(driver.stages)} {noun}: {counts or 'none done'}; {took}", flush=True)


def main(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Run these stages with what they need; without a name, run all."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Run so many stages at a time; the default is one for each core."),
    ] = None,
    gpus: Annotated[str | None, typer.Option(help="Use these GPUs, such as 0,1,2,3.")] = None,
    per_gpu: Annotated[
        int, typer.Option(min=1, help="Run so many stages at a time on each GPU.")
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Run stages on the workers of this Dask scheduler, tcp://HOST:PORT."),
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(help="Run stages on workers that Slurm starts as this YAML file says."),
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", help="Go on after a failure with all that does not need the stage."
        ),
    ] = False,
    pull: Annotated[
        bool,
        typer.Option(
            "--pull", help="Take results from DVC's remote, too, as `dvc repro --pull` does."
        ),
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-S",
            help="Change params.yaml first, as `dvc exp run -S` does; repeat it for more.",
        ),
    ] = None,
) -> None:
    all_places = places(workers, gpus, per_gpu)
    remote = [name for name in (scheduler, cluster) if name is not None]
    if remote and (workers or gpus or len(remote) > 1):
        raise settings.UserError("give --scheduler or --cluster or --workers or --gpus, not two")
    if not Path(".dvc").is_dir():
        raise settings.UserError("there is no folder .dvc; run this from the project's folder")
    command = shlex.join(["python", "-m", "stages", "run", *sys.argv[1:]])
    with told():
        try:
            project = dvc.Project(command, pull)
        except dvc.BusyError as error:
            who = holders.running(Path())
            raise settings.UserError(f"{error} ({who}); wait for its end") from None
        try:
            if who := holders.running(Path(), locked=False):
                raise settings.UserError(
                    f"DVC runs a stage in this folder ({who}); wait for its end"
                )
            if changes:
                settings.checked(settings.content(cli.PARAMS, changes), str(cli.PARAMS))
                project.change(changes)
            before = project.texts()
            token = flights.take_over()
            local = not remote
            workforce = pool.Local(all_places) if local else connect(scheduler, cluster, token)
            seconds = planned(bool(remote or gpus) or warm.has_gpu())
            run(Driver(project, targets or (), workforce, keep_going, seconds))
            edited = [file for file, text in project.texts().items() if before.get(file) != text]
        except StoppedError as stop:
            print("run: stopped; the same command goes on where this was", file=sys.stderr)
            raise typer.Exit(128 + stop.args[0]) from None
        finally:
            project.close()
        if changes and targets:
            print(
                "run: other stages still have the results of other settings, which `dvc exp save` and "
                "`dvc commit` would store as those of these; run all stages before either",
                file=sys.stderr,
            )
        if edited:
            raise settings.UserError(
                f"{', '.join(edited)} changed while the driver ran; what it did is stored under what "
                "it read at the start, so run the same command again"
            )


if __name__ == "__main__":
    cli.run(main, computes=False)
