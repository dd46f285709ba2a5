"""The driver itself: it gives DVC one stage after another, and workers only their commands."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from stages.launch.driver import dvc, schedule, signals
from stages.launch.driver.dvc import Look, Project
from stages.launch.driver.pool import Command, End, Local
from stages.launch.driver.progress import Progress
from stages.launch.driver.record import Record
from stages.tickets.settings import UserError

SECONDS = dvc.FOLDER / "measured.json"
FEW = 3
"""At most so many failures are named once more at the end."""
TRIES = 3
"""A command whose worker is lost starts at most so often."""
LOOK_SECONDS = 10
"""Urgency follows the seconds that were measured, at most this often."""


class StoppedError(Exception):
    """Raised if a signal has ended the run; the argument is its number."""


class Driver:
    """A run of stages.

    A stage waits for others, then it is `ready`, then `checked` if DVC says that its command has to run,
    then running in the pool, then `ended`, and at last done. Only this process talks to DVC.

    Args:
        project: DVC.
        targets: what to run, as `dvc.Project.steps` takes it.
        pool: runs commands.
        keep_going: goes on after a failure with all that does not depend on it; otherwise, what runs goes
            on to its end, and nothing else starts.
        planned: seconds of stages by their addresses, as far as they were estimated.
        say: takes lines for the user; without it, they go to stdout, or a bar does if that is a terminal.
    """

    def __init__(
        self,
        project: Project,
        targets: Sequence[str],
        pool: Local,
        keep_going: bool,
        planned: Mapping[str, float] | None = None,
        say: Callable[[str], object] | None = None,
    ) -> None:
        self.project, self.pool, self.keep_going = project, pool, keep_going
        steps = project.steps(targets)
        self.stages = {stage.addressing: stage for stage in steps.stages}
        self.needs = {
            stage.addressing: [maker.addressing for maker in steps.needs[stage]]
            for stage in steps.stages
        }
        self.readers = schedule.readers(list(self.stages), self.needs)
        self.missing = {name: len(set(makers)) for name, makers in self.needs.items()}
        self.ready = [name for name, number in self.missing.items() if not number]
        self.checked: dict[str, Command] = {}
        self.ended: list[End] = []
        self.done: Counter[Look] = Counter()
        self.failed: list[str] = []
        self.tries: Counter[str] = Counter()
        self.left = set(self.stages)
        self.record = Record(steps.stages)
        project.note = self.record.note
        self.progress = Progress(len(self.stages), say)
        self.seconds = schedule.Seconds(SECONDS, planned or {})
        self.stop = signals.Stop()
        self.begun, self.waited = time.monotonic(), 0.0
        self.weigh()

    def run(self) -> None:
        """Run all stages.

        Raises:
            UserError: a stage has failed.
            StoppedError: a signal came.
        """
        try:
            with self.project.at_work(), signals.heard(self.stop, self.pool.waker):
                try:
                    while not self.stop.number and self.step():
                        if self.record.due_in() == 0:
                            self.flush()
                    for end in self.ended:
                        self.settle(end)
                finally:
                    self.pool.end_all()
                    self.flush()
        finally:
            self.pool.close()
            self.progress.close()
            self.seconds.save()
        if self.stop.number:
            raise StoppedError(self.stop.number)
        if self.failed:
            skipped = len(self.left)
            more = f"; {skipped} others did not run" if skipped else ""
            few = len(self.failed) <= FEW
            who = ", ".join(self.failed) if few else f"{len(self.failed)} stages"
            raise UserError(f"{who} failed, see above{more}")
        self.record.finish()

    def step(self) -> bool:
        """Do the next thing; return False if there is nothing left to do."""
        self.collect(0)
        stop = bool(self.failed) and not self.keep_going
        free = self.pool.free()
        wanted = len(self.checked) + len(self.ready)
        if self.checked and free and not stop and (wanted >= len(free) or not self.ended):
            self.start()
        elif self.ready and len(free) > len(self.checked) and not stop:
            self.check()
        elif self.ended:
            self.settle(self.ended.pop(0))
        elif self.ready and len(self.checked) < len(self.pool.places) and not stop:
            self.check()
        elif self.pool.busy or (wanted and not free and not stop):
            self.collect(self.record.due_in())
        else:
            return False
        return True

    # --- one thing at a time -----------------------------------------------------------------

    def collect(self, seconds: float | None) -> None:
        """Wait for commands that end; see at once to those that have failed."""
        start = time.monotonic()
        ends = list(self.pool.wait(seconds))
        self.waited += time.monotonic() - start
        for end in ends:
            if end.code or end.lost:
                self.settle(end)
            else:
                self.ended.append(end)

    def most_urgent(self, names: Sequence[str]) -> str:
        return max(names, key=self.urgency.__getitem__)

    def start(self) -> None:
        """Start commands in all free places; share out the cores of places that nobody wants."""
        free = self.pool.free()
        wanted = len(self.checked) + len(self.ready)
        lent = free[wanted:]
        for number, place in enumerate(free[: len(self.checked)]):
            name = self.most_urgent(list(self.checked))
            self.pool.start(self.checked.pop(name), place, lent[number::wanted])
        self.project.hold(self.stages[name] for name in self.pool.busy)

    def check(self) -> None:
        """Ask DVC about the most urgent stage that is ready."""
        name = self.most_urgent(self.ready)
        self.ready.remove(name)
        look = Look.CHANGED
        with self.blamed(name):
            look = self.project.look(self.stages[name])
            if look is Look.CHANGED:
                self.checked[name] = self.project.command(self.stages[name])
        if look is not Look.CHANGED:
            self.finish(name, look, look.value)

    def settle(self, end: End) -> None:
        """Have DVC store what a command has made."""
        took = f"{end.seconds:.1f} s"
        log = self.project.command(self.stages[end.stage])
        if end.lost:
            self.again(end)
            return
        if end.code:
            self.fail(end.stage, f"{end.outcome} after {took}{log.trace()}")
            return
        with self.blamed(end.stage, f"; its log is {log.log}"):
            self.project.keep(self.stages[end.stage])
            self.project.hold(self.stages[name] for name in self.pool.busy)
        if end.stage not in self.failed:
            self.seconds.add(end.stage, end.seconds)
            self.finish(end.stage, Look.CHANGED, took)

    def again(self, end: End) -> None:
        """Start a command again whose worker was lost; give up after TRIES."""
        self.tries[end.stage] += 1
        if self.tries[end.stage] >= TRIES:
            self.fail(end.stage, f"was lost {TRIES} times: {end.lost}")
            return
        self.progress.say(f"{end.stage} was lost and starts again: {end.lost}")
        with self.blamed(end.stage):
            self.project.clean(self.stages[end.stage])
            self.checked[end.stage] = self.project.command(self.stages[end.stage])

    def finish(self, name: str, look: Look, how: str) -> None:
        """Count a stage as done, say how, and find the stages that have waited for it alone."""
        self.done[look] += 1
        self.left.remove(name)
        for reader in self.readers[name]:
            self.missing[reader] -= 1
            if not self.missing[reader]:
                self.ready.append(reader)
        if time.monotonic() - self.weighed > LOOK_SECONDS:
            self.weigh()
        line = None if look is Look.UNCHANGED else f"{name}: {how}"
        self.progress.done(line, len(self.left), self.rest())

    def fail(self, name: str, reason: str) -> None:
        """Report a failure; what depends on the stage never gets ready."""
        self.left.remove(name)
        self.failed.append(name)
        self.progress.say(f"{name} {reason}")

    @contextmanager
    def blamed(self, name: str, log: str = "") -> Iterator[None]:
        """Take DVC's errors as a failure of a stage."""
        try:
            yield
        except dvc.FAILURES as error:
            self.fail(name, f"failed: {' '.join(str(error).split())}{log}")

    # --- in between --------------------------------------------------------------------------

    def weigh(self) -> None:
        """Compute urgency anew from the seconds that are known."""
        self.costs = self.seconds.estimates(self.stages)
        self.urgency = schedule.urgency(list(self.stages), self.readers, self.costs)
        self.weighed = time.monotonic()

    def rest(self) -> float | None:
        """Estimate the seconds of all that is left; None if nothing is known."""
        if not self.left or not self.seconds.are_known:
            return None
        longest = max(self.urgency[name] for name in self.left)
        costs = (self.costs[name] for name in self.left)
        seconds = schedule.remaining(costs, longest, len(self.pool.places))
        each = (time.monotonic() - self.begun - self.waited) / (len(self.stages) - len(self.left))
        return max(seconds, each * len(self.left))  # DVC's own time, for one stage after another

    def flush(self) -> None:
        for file in self.record.flush():
            self.project.track(file)
