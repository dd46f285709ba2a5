"""The forms of a trained model that are compared by size: what each is, its bytes and its scores.

Every experiment that compresses gives its forms by one function in `SOURCES`. A form is a run that
is scored, with the bytes of its file and of its weights in memory, by seed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stages.tickets.report import names, words
from stages.tickets.report.figure import BLACK, BLUE, GREEN, GREY, ORANGE
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.scores import Run
from stages.tickets.settings import Study

FLOAT = 4
"""Bytes of a weight in float32."""


@dataclass(frozen=True)
class Family:
    """What all forms of one kind have in common."""

    name: str
    file: str
    """What the file holds."""
    fast: str
    """Where it runs faster than the dense model in float32, and where not."""
    look: tuple[str, str]
    """Colour and marker."""


DENSE = Family("dense, fp32", "all parameters with 32 bits", "It is the yardstick.", (BLACK, "o"))
BF16 = Family(
    "bf16",
    "all parameters with 16 bits",
    "It is fast on GPUs from Ampere on and on x86 with AVX512-BF16 or AMX; other CPUs convert, which is "
    "slower than fp32.",
    (BLUE, "s"),
)
INT8 = Family(
    "int8, dynamic",
    "weights of linear layers with 8 bits, embeddings and LayerNorms with 32",
    "It is fast on x86 CPUs with AVX2, and more so with VNNI; torch has no such kernel for GPUs.",
    (GREEN, "D"),
)
TICKET = Family(
    "IMP ticket, packed",
    "a bit for every prunable weight, kept ones and all other parameters with 32 bits",
    "It is fast nowhere: it is unpacked to dense matrices with zeros, which take the time and the memory "
    "of dense fp32, and as much disk if they are stored as they are.",
    (GREY, "v"),
)
HEADS = Family(
    "good heads and MLPs",
    "parameters that are left with 32 bits",
    "It is faster everywhere, since whole matrices are smaller or gone.",
    (ORANGE, "^"),
)
PRECISIONS: Mapping[str, Family] = {"bf16": BF16, "int8": INT8}


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
    families = {Run(task, "dense"): DENSE}
    families |= {
        Run(task, "precision", 0, name): PRECISIONS[name] for name in study.sizes.lower.precisions
    }
    for run, family in families.items():
        if run in known:
            yield Arm(run, family.name, family, known[run])


def tickets(task: str, known: Counted, _: Results, study: Study) -> Iterator[Arm]:
    """List the tickets of all rounds."""
    for number, sparsity in names.sparsities(study).items():
        run = Run(task, "imp", number)
        if run in known:
            yield Arm(run, f"ticket, {words.percent(sparsity)}", TICKET, known[run])


def heads(task: str, known: Counted, results: Results, _: Study) -> Iterator[Arm]:
    """List the good heads and MLPs as fine-tuned and trained alone: dense less what is dropped."""
    good = [row for row in results.sizes if (row.kind, row.subnetwork) == ("structured", "good")]
    dropped = {
        row.seed: FLOAT * (row.prunable - row.kept)
        for row in grouped(good, lambda row: row.task).get(task, ())
    }
    dense = known.get(Run(task, "dense"), {})
    sizes = {
        seed: (dense[seed][0] - less, dense[seed][1] - less)
        for seed, less in dropped.items()
        if seed in dense
    }
    for kind, name in {
        "pruned": "heads and MLPs",
        "retrained": "heads and MLPs, retrained",
    }.items():
        if sizes:
            yield Arm(Run(task, kind, 0, "structured good"), name, HEADS, sizes)


SOURCES: tuple[Callable[[str, Counted, Results, Study], Iterator[Arm]], ...] = (
    precisions,
    tickets,
    heads,
)
"""Functions that list forms of a task; one more experiment that compresses is one more line."""


def of_task(task: str, known: Counted, results: Results, study: Study) -> list[Arm]:
    """List the forms of a task that have scores, the dense model first."""
    arms = [arm for source in SOURCES for arm in source(task, known, results, study)]
    return [arm for arm in arms if results.scores.of(arm.run)]
