"""Workers of Dask, which share this file system: each thread of a worker is a place for a command.

Only the command goes to a worker. Its exit code is taken and its future released at once, since Dask
runs a finished task again if the worker that holds the result dies; `remote` sees to it that this does no
harm.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
from distributed import Client

from stages.launch.driver import dvc, flights, keeper, remote
from stages.launch.driver.pool import Command, End, Local, Place
from stages.tickets.settings import UserError

LOOK_SECONDS = 2
"""Seconds between two looks for new workers."""


class ByValue:
    """The function `remote.run`, which arrives at a worker with its code."""

    def __reduce__(self) -> tuple[Any, ...]:
        cloudpickle.register_pickle_by_value(remote)
        return cloudpickle.loads, (cloudpickle.dumps(remote.run),)

    def __call__(self, *arguments: str) -> int:
        return remote.run(*arguments)


class Cluster(Local):
    """Commands on the workers of a Dask scheduler.

    Args:
        client: of the scheduler.
        token: what `flights.take_over` has returned.
        cluster: is closed at the end, if the driver has started it.
        jobs: number of jobs of `cluster`; one that ends, such as after its time limit, is replaced.
    """

    def __init__(self, client: Client, token: str, cluster: Any = None, jobs: int = 0) -> None:  # noqa: ANN401
        super().__init__([])
        self.client, self.token, self.cluster, self.jobs = client, token, cluster, jobs
        self.ends: queue.SimpleQueue[tuple[str, int | None, str]] = queue.SimpleQueue()
        self.attempts: dict[str, tuple[str, Any, float]] = {}
        self.count, self.looked = 0, 0.0
        self.closing = threading.Event()
        threading.Thread(target=flights.beat, args=(self.closing,), daemon=True).start()

    def free(self) -> list[Place]:
        """List the threads of all workers that have no command.

        Raises:
            UserError: the scheduler has ended.
        """
        if time.monotonic() - self.looked > LOOK_SECONDS:
            if self.cluster is not None:
                self.cluster.scale(jobs=self.jobs)
            number = self._threads()
            if not number and (self.places or not self.looked):
                print("the scheduler has no worker at the moment", flush=True)
            self.places = [Place(each, ()) for each in range(number)]
            self.looked = time.monotonic()
        return self.places[len(self.attempts) :]

    @property
    def busy(self) -> list[str]:
        return list(self.attempts)

    def start(self, command: Command, place: Place, lent: Iterable[Place] = ()) -> None:  # noqa: ARG002
        """Send a command to the scheduler."""
        Path(command.log).unlink(missing_ok=True)
        self.count += 1
        name = f"{self.count}-{self.token}"
        future = self.client.submit(
            ByValue(),
            command.request((), str(dvc.FOLDER.absolute())),
            keeper.__file__,
            name,
            self.token,
            key=name,
            pure=False,
            priority=-self.count,
        )
        self.attempts[command.stage] = (name, future, time.monotonic())
        future.add_done_callback(lambda done: self._done(command.stage, name, done))

    def wait(self, seconds: float | None) -> Iterator[End]:
        """Wait until a command ends, or a signal comes, or it is time to look for new workers."""
        list(super().wait(LOOK_SECONDS if seconds is None else min(seconds, LOOK_SECONDS)))
        ends = [self.ends.get() for _ in range(self.ends.qsize())]
        flights.stop([self.attempts[stage][0] for stage, code, _ in ends if code is None])
        for stage, code, reason in ends:
            _, future, started = self.attempts.pop(stage)
            future.release()
            yield End(stage, code or 0, time.monotonic() - started, reason)

    def end_all(self) -> None:
        """End all commands, and wait until they have ended."""
        if self.attempts:
            self.attempts.clear()
            flights.take_over()

    def close(self) -> None:
        """End all commands, and let go of the scheduler."""
        super().close()
        self.closing.set()
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()

    def _threads(self) -> int:
        try:
            return sum(self.client.nthreads().values())
        except (OSError, AttributeError):  # Dask raises the second after it has given up
            raise UserError(
                "the scheduler has ended or does not answer; start it and run the same command again, "
                "which keeps what is finished"
            ) from None

    def _done(self, stage: str, name: str, future: Any) -> None:  # noqa: ANN401
        if self.attempts.get(stage, ("",))[0] != name:
            return
        try:
            self.ends.put((stage, future.result(), ""))
        except BaseException as error:  # noqa: BLE001  Dask raises what the worker has raised
            self.ends.put((stage, None, " ".join(str(error).split()) or type(error).__name__))
        self.wake()


def connect(scheduler: str | None, file: Path | None, token: str) -> Cluster:
    """Connect to a scheduler, or have Slurm start workers for one of this process.

    Args:
        scheduler: address such as tcp://host:8786.
        file: YAML with `jobs`, the number of jobs, and options of dask_jobqueue.SLURMCluster.
        token: what `flights.take_over` has returned.

    Raises:
        UserError: there is no scheduler, or the file is wrong.
    """
    for logger in ("distributed.client", "tornado.application"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what they say is told in sentences
    if scheduler is not None:
        try:
            return Cluster(Client(scheduler, timeout="5s"), token)
        except (OSError, ValueError) as error:
            raise UserError(f"no scheduler answers at {scheduler!r}: {error}") from None
    from dask_jobqueue import SLURMCluster  # noqa: PLC0415  slow
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        options = YAML(typ="safe").load(file) if file and file.exists() else None
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is no YAML: {reason}") from None
    if not isinstance(options, dict) or not isinstance(options.get("jobs"), int):
        raise UserError(f"{file} should have the number of `jobs`, and options of SLURMCluster")
    jobs = options.pop("jobs")
    try:
        cluster = SLURMCluster(**options)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is no description of a cluster: {reason}") from None

    async def submit() -> None:
        cluster.scale(jobs=jobs)
        await cluster

    try:
        cluster.sync(submit)
    except (OSError, RuntimeError, ValueError) as error:
        with contextlib.suppress(AssertionError):  # Dask's, about a job that was never there
            cluster.close()
        cluster.shutdown_on_close = False  # else Dask waits for that job at the end of the process
        reason = " ".join(str(error).split())
        raise UserError(f"Slurm did not take the jobs of {file}: {reason}") from None
    return Cluster(Client(cluster), token, cluster, jobs)
