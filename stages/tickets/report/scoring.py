"""The tables that `score` writes, from all stored predictions of a study."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from stages.tickets import files
from stages.tickets.plan.manifest import Manifest
from stages.tickets.report.rows import HansScore, TaskSize
from stages.tickets.report.search_rows import Size
from stages.tickets.tasks import hans, scores, squad
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.hans import Case
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import Prepared

Record = dict[str, Any]
"""A row of a table, by column."""
RUN = ("task", "kind", "seed", "round", "sparsity", "point", "source")
SCORES = (*RUN, "split", "metric", "headline", "score", "num_examples", "collapsed")
"""Columns of scores.csv."""
HANS, SIZES, TASKS = (
    [field.name for field in fields(kind)] for kind in (HansScore, Size, TaskSize)
)
"""Columns of hans.csv, subnetworks.csv and tasks.csv."""


@dataclass(frozen=True)
class Predicted:
    """The predictions of one run, or of one baseline."""

    coordinates: Record
    """The columns `RUN`."""
    arrays: files.Arrays
    prefix: str = ""
    """What names of splits in `arrays` begin with."""


@dataclass(frozen=True)
class Examples:
    """What predictions of one task are scored with."""

    prepared: Prepared
    asked: Mapping[str, Asked]
    """The questions of every split; empty unless the task is one of spans."""
    cases: Sequence[Case]
    """What the examples of HANS test; empty without them."""


def load_examples(folder: Path) -> Examples:
    """Read what `prepare` wrote for one task."""
    prepared = tasks.load_prepared(folder)
    spans = prepared.evaluated if prepared.task.kind == "span" else ()
    on_hans = hans.SPLIT in prepared.evaluated
    return Examples(
        prepared,
        {split: squad.load_asked(folder, split) for split in spans},
        hans.load_cases(folder / "hans.csv") if on_hans else (),
    )


def predicted(manifest: Manifest, examples: Mapping[str, Examples]) -> Iterator[Predicted]:
    """All runs, then the baselines of every task, those of word vectors only if it has labels."""
    for run in manifest.runs:
        coordinates = {name: getattr(run, name) for name in RUN}
        if run.size is not None:
            size = files.load_record(Path(run.size))
            coordinates["sparsity"] = 1 - size["kept"] / size["prunable"]
        yield Predicted(
            coordinates, files.load_arrays(Path(run.folder) / "predictions.safetensors")
        )
    for task, data in examples.items():
        arrays = files.load_arrays(manifest.place("prepared", task=task) / "baselines.safetensors")
        if data.prepared.task.kind in tasks.LABELLED:
            arrays |= files.load_arrays(manifest.place("baselines") / f"{task}.safetensors")
        for kind in sorted({key.split(".")[0] for key in arrays}, reverse=True):
            known = {"task": task, "kind": kind, "round": 0, "sparsity": 0.0}
            yield Predicted(dict.fromkeys(RUN) | known, arrays, f"{kind}.")


def score(
    runs: Iterable[Predicted], examples: Mapping[str, Examples]
) -> tuple[list[Record], list[Record]]:
    """Rows of scores.csv, one per run, split and metric, and of hans.csv, one per run and subcase."""
    long: list[Record] = []
    on_hans: list[Record] = []
    for run in runs:
        data = examples[run.coordinates["task"]]
        task = data.prepared.task
        for split, given in data.prepared.evaluated.items():
            prefix = run.prefix + split
            if split == hans.SPLIT:
                logits = run.arrays[f"{prefix}.logits"]
                accuracies = hans.by_subcase(logits, given.labels, data.cases)
                on_hans += [run.coordinates | asdict(row) for row in accuracies]
                continue
            for row in scores.score(task, run.arrays, prefix, given, data.asked.get(split)):
                headline = row.metric == task.metrics[0]
                cells = (split, row.metric, headline, row.value, row.num_examples, row.collapsed)
                long.append(run.coordinates | dict(zip(SCORES[len(RUN) :], cells, strict=True)))
    return long, on_hans


def sizes(manifest: Manifest) -> list[Record]:
    """Rows of subnetworks.csv: what every subnetwork keeps that is trained alone from theta_0."""
    rows = []
    for run in manifest.runs:
        if run.kind == "retrained" and run.size and run.source:
            kind, _, name = run.source.partition(" ")
            row = {"task": run.task, "seed": run.seed, "kind": kind, "subnetwork": name}
            rows.append(dict.fromkeys(SIZES) | row | files.load_record(Path(run.size)))
    return rows


def described(examples: Mapping[str, Examples]) -> list[Record]:
    """Rows of tasks.csv: what every task asks for, and how many examples it has."""
    rows = []
    for name, data in examples.items():
        task, evaluated = data.prepared.task, data.prepared.evaluated
        splits = data.prepared.train, evaluated["selection"], evaluated["validation"]
        metrics = " ".join(task.metrics)
        rows.append(asdict(TaskSize(name, task.kind, task.num_labels, metrics, *map(len, splits))))
    return rows
