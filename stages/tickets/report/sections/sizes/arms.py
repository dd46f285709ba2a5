"""The forms of a trained model that are compared by size: what each is, its bytes and its scores.

Every experiment that compresses gives its forms by one function in `SOURCES`. A form is a run that
is scored, with the bytes of its file and of its weights in memory, by seed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.tickets import files
from stages.tickets.report import names, words
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.report.sections.sizes import families
from stages.tickets.report.sections.sizes.families import Family
from stages.tickets.settings import Study

FLOAT = 4
"""Bytes of a weight in float32."""
STORED = "model.safetensors"
"""File of a model that an experiment has stored, in the folder of its run."""


@dataclass(frozen=True)
class Size:
    """A row of sizes.csv: bytes of a form's file, and of its weights in memory as it runs."""

    kind: str
    source: str
    round: int
    bytes: int
    memory: int


@dataclass(frozen=True)
class Arm:
    """A form of the models of a task."""

    run: Run
    """Run that is scored."""
    name: str
    family: Family
    sizes: Mapping[int, tuple[int, int]]
    """Bytes of the file, and of the weights in memory, by seed."""


Counted = Mapping[Run, Mapping[int, tuple[int, int]]]
"""What the stage `sizes` has counted, by run and seed."""


def counted(results: Results) -> Counted:
    """Read the bytes that the stage `sizes` has counted."""
    sizes: dict[Run, dict[int, tuple[int, int]]] = {}
    for entry in results.manifest.places.get("sizes", ()):
        for row in results.read_of(entry, "sizes.csv", Size):
            run = Run(entry["task"], row.kind, row.round, row.source)
            sizes.setdefault(run, {})[entry["seed"]] = (row.bytes, row.memory)
    return sizes


def precisions(task: str, known: Counted, _: Results, study: Study) -> Iterator[Arm]:
    """List the dense model and its lower precisions."""
    of_runs = {Run(task, "dense"): families.DENSE}
    for name in study.sizes.lower.precisions:
        of_runs[Run(task, "precision", 0, name)] = families.PRECISIONS[name]
    for run, family in of_runs.items():
        if run in known:
            yield Arm(run, family.name, family, known[run])


def tickets(task: str, known: Counted, _: Results, study: Study) -> Iterator[Arm]:
    """List the tickets of all rounds."""
    for number, sparsity in names.sparsities(study).items():
        run = Run(task, "imp", number)
        if run in known:
            yield Arm(run, f"ticket, {words.percent(sparsity)}", families.TICKET, known[run])


def heads(task: str, known: Counted, results: Results, _: Study) -> Iterator[Arm]:
    """List the good heads and MLPs as fine-tuned and trained alone: dense less what is dropped."""
    good = [row for row in results.sizes if (row.kind, row.subnetwork) == ("structured", "good")]
    left_out = {
        row.seed: FLOAT * (row.prunable - row.kept)
        for row in grouped(good, lambda row: row.task).get(task, ())
    }
    dense = known.get(Run(task, "dense"), {})
    sizes = {
        seed: (dense[seed][0] - less, dense[seed][1] - less)
        for seed, less in left_out.items()
        if seed in dense
    }
    for kind, name in {
        "pruned": "heads and MLPs",
        "retrained": "heads and MLPs, retrained",
    }.items():
        if sizes:
            yield Arm(Run(task, kind, 0, "structured good"), name, families.HEADS, sizes)


def stored(
    task: str, known: Counted, results: Results, kind: str, naming: Callable[..., str]
) -> Iterator[tuple[Run, str, dict[int, tuple[int, int]]]]:
    """List the runs of a kind whose models are stored or are dense ones without some parameters.

    Args:
        task: the task.
        known: what was counted of the dense model, which says what is in memory.
        results: tells the runs and their folders.
        kind: of the runs.
        naming: names a run by the words of its source; an empty name leaves it out.
    """
    sizes: dict[Run, dict[int, tuple[int, int]]] = {}
    dense = known.get(Run(task, "dense"), {})
    root = results.folder.parent
    for run in results.manifest.runs:
        source = run.source or ""
        if (run.task, run.kind) != (task, kind) or run.seed not in dense:
            continue
        if naming(*source.split()):
            less = dropped(root / run.size) if run.size else 0
            file, (size, memory) = root / run.folder / STORED, dense[run.seed]
            of_file = payload(file) if file.exists() else size - less
            at = Run(task, kind, run.round, source)
            sizes.setdefault(at, {})[run.seed] = (of_file, memory - less)
    for at, by_seed in sizes.items():
        yield at, naming(*at.source.split()), by_seed


def dropped(record: Path) -> int:
    """Return the bytes of the parameters that a model lacks, as its record tells."""
    counts = files.load_record(record)
    return FLOAT * (counts["prunable"] - counts["kept"]) if "heads" in counts else 0


def payload(file: Path) -> int:
    """Return the bytes of the tensors of a file of safetensors, without its header."""
    with file.open("rb") as opened:
        header = int.from_bytes(opened.read(8), "little")
    return file.stat().st_size - 8 - header


def channels(task: str, known: Counted, results: Results, _: Study) -> Iterator[Arm]:
    """List the models without the heads and neurons that the greedy order drops."""

    def name(state: str, order: str, sparsity: str) -> str:
        share = words.percent(float(sparsity))
        return f"greedy {share}, {state}" if order == "greedy" else ""

    for run, text, sizes in stored(task, known, results, "channels", name):
        yield Arm(run, text, families.CHANNELS, sizes)


def few_bits(task: str, known: Counted, results: Results, _: Study) -> Iterator[Arm]:
    """List the models of few bits, complete or without heads and neurons."""
    for kind in ("quantized", "pruned_quantized"):
        for run, text, sizes in stored(task, known, results, kind, lambda *parts: " ".join(parts)):
            yield Arm(run, text, families.FEW_BITS, sizes)


def ternary(task: str, known: Counted, results: Results, _: Study) -> Iterator[Arm]:
    """List the models with ternary blocks."""

    def name(arm: str, block: str, share: str) -> str:
        return f"{arm} {block}, {words.percent(float(share) / 100)}"

    for run, text, sizes in stored(task, known, results, "ternary", name):
        yield Arm(run, text, families.TERNARY, sizes)


SOURCES: tuple[Callable[[str, Counted, Results, Study], Iterator[Arm]], ...] = (
    precisions,
    tickets,
    heads,
    channels,
    few_bits,
    ternary,
)
"""Functions that list forms of a task; one more experiment that compresses is one more line."""


def of_task(task: str, known: Counted, results: Results, study: Study) -> list[Arm]:
    """List the forms of a task that have scores, the dense model first."""
    arms = [arm for source in SOURCES for arm in source(task, known, results, study)]
    return [arm for arm in arms if results.scores.of(arm.run)]
