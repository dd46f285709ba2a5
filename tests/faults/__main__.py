"""Make faults at random instants of runs, and count what is wrong afterwards."""

import json
import random
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import typer

from tests.faults.families import cases, unmount
from tests.faults.project import Lane, Reference, close, end_all
from tests.faults.table import table
from tests.faults.trial import Fault, Outcome, Trial


def run(number: int, seed: int, lane: Lane, reference: Reference) -> Outcome:
    """Run the trial of a number."""
    (family, case, fault), *_ = of([number])
    start = time.monotonic()
    outcome = Outcome(number, family, case)
    trial = Trial(lane, reference, random.Random(f"{seed}-{number}"), outcome)
    try:
        fault(trial)
        trial.check()
    finally:
        end_all(lane.project)
        unmount(trial)
    outcome.seconds = round(time.monotonic() - start, 1)
    return outcome


def run_all(
    numbers: Sequence[int],
    seed: int,
    lanes: int,
    folder: Path,
    out: Path | None = None,
    targets: tuple[str, ...] = (),
) -> list[Outcome]:
    """Run trials, as many side by side as there are lanes; `targets` are those of the reference."""
    reference = Reference(folder, targets)
    for name in {case.split()[0] for family, case, _ in of(numbers) if family == "edit"}:
        reference.contents(name)  # before trials run side by side
    free: SimpleQueue[Lane] = SimpleQueue()
    all_lanes = [reference.lane, *(Lane(folder / f"lane-{n}") for n in range(1, lanes))]
    for lane in all_lanes:
        free.put(lane)
    writing = threading.Lock()

    def next_trial(number: int) -> Outcome:
        lane = free.get()
        try:
            outcome = run(number, seed, lane, reference)
        finally:
            free.put(lane)
        with writing:
            report(outcome, seed)
            if out:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
        return outcome

    try:
        with ThreadPoolExecutor(lanes) as pool:
            return list(pool.map(next_trial, numbers))
    finally:
        for lane in all_lanes:
            close(lane)


def of(numbers: Iterable[int]) -> list[tuple[str, str, Fault]]:
    """Return the cases of trials."""
    listed = cases()
    return [listed[number % len(listed)] for number in numbers]


def report(outcome: Outcome, seed: int) -> None:
    """Print a line on a trial, and the command that repeats it if something was wrong."""
    print(f"{outcome.number} {outcome.family}: {outcome.case}; {outcome.seconds} s", flush=True)
    if outcome.failed or outcome.silent:
        shown = {name: value for name, value in asdict(outcome).items() if isinstance(value, list)}
        for name, value in shown.items():
            if value:
                print(f"    {name}: {value[:5]}", flush=True)
        print(f"    python -m tests.faults --seed {seed} --only {outcome.number}", flush=True)


def main(
    trials: Annotated[int, typer.Option(min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Chooses instants and victims.")] = 1,
    kinds: Annotated[
        list[str] | None, typer.Option(help="Families: kill, bytes, edit, disk, two.")
    ] = None,
    only: Annotated[list[int] | None, typer.Option(help="Repeat trials by their numbers.")] = None,
    lanes: Annotated[int, typer.Option(min=1, help="Trials side by side.")] = 2,
    out: Annotated[Path | None, typer.Option(help="File that gets a JSON line per trial.")] = None,
) -> None:
    numbers = only or range(trials)
    chosen = [n for n in numbers if not kinds or of([n])[0][0] in kinds]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        outcomes = run_all(chosen, seed, lanes, Path(folder).resolve(), out)
    print(table(outcomes))
    raise typer.Exit(int(any(outcome.failed for outcome in outcomes)))


if __name__ == "__main__":
    typer.run(main)
