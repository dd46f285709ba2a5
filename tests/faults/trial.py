"""One trial: a fresh copy, a fault at a random instant, what a user types then, and the checks."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.faults.project import (
    BY_GIT_ALONE,
    ENGINES,
    SHORT,
    Lane,
    Reference,
    Run,
    differing,
    end_all,
    ended_stages,
    left_over,
)
from tests.imports import ROOT
from tests.launch.driver_project import contents

ORPHAN_SECONDS = 5
TRIES = 4
MOSTLY = 0.75
"""Share of the trials without the last two stages."""
RELIABILITY = ROOT / "docs" / "reliability.md"
NO_SENTENCE = re.compile(
    r"Traceback \(most recent call last\)|unexpected error|Exception ignored|Fatal Python error"
    r"|Segmentation fault|Aborted|^\w*(?:Error|Exception): ",
    re.MULTILINE,
)

RAISED = re.compile(r"[\w.]+(?:Error|Exception|Interrupt|Exit)\b")


def documented() -> dict[str, list[str]]:
    """Return DVC's own words that the page on reliability lists, each with the options for `doctor`."""
    page = RELIABILITY.read_text(encoding="utf-8")
    table = page.partition("| DVC says |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines()[2:]]
    return {
        words.rpartition("STAGE'")[2]: ["--bytes", "--mend"] if "--bytes" in todo else ["--mend"]
        for says, _, todo in rows
        for words in re.findall(r"`([^`]+)`", says)
    }


@dataclass
class Outcome:
    """What a trial has shown. All lists are empty if nothing is wrong."""

    number: int
    family: str
    case: str
    missed: bool = False
    """The run had ended before the fault came."""
    silent: list[str] = field(default_factory=list)
    """Files that were wrong after DVC had said that all is well, until `doctor --bytes` mended them."""
    wrong: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """Stages that ran again without need."""
    orphans: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """Ends of what was printed if the run did not go on after what a user types."""
    typed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return any((self.wrong, self.hung, self.again, self.orphans, self.messages, self.stuck))


@dataclass
class Trial:
    """A trial under way. A family's function makes the fault, and says what may run again for it."""

    lane: Lane
    reference: Reference
    random: random.Random
    outcome: Outcome
    expected: str = "no edit"
    """The edit after which an undisturbed run has made the bytes to compare with."""
    once: set[str] = field(default_factory=set)
    """Stages that have to run once in any case."""
    allowed: Counter[str] = field(default_factory=Counter)
    """Stages that may run again for the fault's sake, with the number of times."""
    engine: str = "dvc"
    """What goes on after the fault."""
    targets: tuple[str, ...] = ()
    """What is asked for; everything if it is empty."""
    known: dict[str, list[str]] = field(default_factory=documented)
    """DVC's own words that users can look up."""

    def begin(self, finished: bool = False) -> None:
        """Fill the lane."""
        self.lane.fill(self.reference.finished if finished else self.reference.begun)
        self.once = set() if finished else self.reference.stages_left
        self.engine = self.random.choice(list(ENGINES))
        is_short = not finished and self.random.random() < MOSTLY
        if is_short or self.reference.targets:
            self.targets = SHORT
            self.once = self.once - BY_GIT_ALONE
            self.outcome.case += ", short"

    def start(self, engine: str, most_bytes: int | None = None) -> Run:
        return self.lane.start(engine, *ENGINES[engine], *self.targets, most_bytes=most_bytes)

    def instant(self, run: Run, spare: int = 0) -> bool:
        """Wait until a random number of stages has started and a random time after; False if it ended."""
        stages = self.random.randint(0, len(self.once) - spare)
        pause = self.random.uniform(0, 0.8)
        while len(self.lane.started()) < stages and run.process.poll() is None:
            time.sleep(0.01)
        end = time.monotonic() + pause
        while time.monotonic() < end and run.process.poll() is None:
            time.sleep(0.01)
        return run.process.poll() is None

    def check(self) -> None:
        """Go on as a user does, and note all that is wrong."""
        outcome, lane = self.outcome, self.lane
        for run in lane.runs:
            if run.code is None:
                run.end()
        deadline = time.monotonic() + ORPHAN_SECONDS
        while (orphans := left_over(lane.project)) and time.monotonic() < deadline:
            time.sleep(0.05)
        outcome.orphans += orphans
        end_all(lane.project)
        flights = [stage for run in lane.runs for stage in self.in_flight(run)]
        self.go_on()
        expected = self.reference.contents(self.expected, bool(self.targets))
        if outcome.family == "bytes" and not outcome.stuck:
            outcome.silent = differing(expected, contents(lane.project))
            if outcome.silent:
                self.type("doctor", "stages", "doctor", "--bytes", "--mend")
                self.go_on()
        outcome.wrong = differing(expected, contents(lane.project))
        mended = any(run.kind == "doctor" and "mended: " in run.text for run in lane.runs)
        allowed = Counter(self.once) + self.allowed + Counter(flights)
        starts = Counter(stage for _, stage in lane.started())
        if mended:
            starts -= Counter(dict.fromkeys(BY_GIT_ALONE, 1))
        outcome.again = sorted((starts - allowed).elements())
        outcome.hung = [run.kind for run in lane.runs if run.hung]
        for run in lane.runs:
            outcome.messages += self.no_sentences(run.kind, run.text)
        for log in sorted(lane.project.glob(".dvc/tmp/run/*.log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            outcome.messages += self.no_sentences(log.name, text)

    def type(self, kind: str, *command: str) -> Run:
        self.outcome.typed.append(" ".join(command))
        return self.lane.finish(kind, *command)

    def go_on(self) -> None:
        """Type the command again; if a message is one that the documentation lists, what it says."""
        for _ in range(TRIES):
            run = self.type(self.engine, *ENGINES[self.engine], *self.targets)
            if run.code == 0:
                return
            advice = {**self.known, "python -m stages doctor": ["--mend"]}
            options = [todo for words, todo in advice.items() if words in run.text]
            if options:
                self.type("doctor", "stages", "doctor", *max(options, key=len))
        self.outcome.stuck.append(" / ".join(run.text.strip().splitlines()[-3:]))

    def in_flight(self, run: Run) -> Iterable[str]:
        """List the stages that a run may have lost."""
        started = [stage for number, stage in self.lane.started() if number == run.number]
        if run.kind == "dvc":
            return started[-1:] if run.code else []
        lost = [stage for stage in started if stage not in ended_stages(run)]
        full = re.search(r"(?m)^run: \S+ could not be written", run.text)
        if (
            run.code == -9 or full
        ):  # their entries in dvc.lock were not written, and no cache has them
            lost += [stage for stage in started if stage in BY_GIT_ALONE and stage not in lost]
        return lost if run.code else []

    def no_sentences(self, kind: str, text: str) -> list[str]:
        """List what is neither a sentence nor among DVC's words that the documentation lists."""
        lines = text.splitlines()
        listed = []
        for number, line in enumerate(lines):
            if NO_SENTENCE.search(line) and not any(words in line for words in self.known):
                ends = (end for end in lines[number + 1 :] if RAISED.match(end))
                listed.append(f"{kind}: {line} / {next(ends, '')}")
        return listed


Fault = Callable[[Trial], None]
