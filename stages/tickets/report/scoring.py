"""The tables that `score` writes, from all stored predictions of a study."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from stages.tickets import files
from stages.tickets.plan.manifest import Manifest, Run
from stages.tickets.report.rows import HansScore, ScoreRow, TaskSize
from stages.tickets.report.scores import SELECTION, VALIDATION, deviations_key, run_of
from stages.tickets.report.search_rows import Size
from stages.tickets.tasks import deviations, hans, scores, squad
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.hans import Case
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import Prepared

Record = dict[str, Any]
"""A row of a table, by column."""
SCORES = (
    "task", "kind", "seed", "round", "sparsity", "point", "source",
    "split", "metric", "headline", "score", "num_examples", "collapsed",
)  # fmt: skip
"""Columns of scores.csv."""
HANS, SIZES, TASKS = (
    [field.name for field in fields(kind)] for kind in (HansScore, Size, TaskSize)
)
"""Columns of hans.csv, subnetworks.csv and tasks.csv."""
CHOSEN = ("dense", "imp")
"""Kinds of runs that are compared on the selection split, to choose a ticket there."""


@dataclass(frozen=True)
class Predicted:
    """The predictions of one run, or of one baseline."""

    coordinates: Record
    """Task, kind, seed, round, sparsity, point and source: the first columns of scores.csv."""
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
    """Read what `prepare` has left for a task."""
    prepared = tasks.load_prepared(folder)
    spans = prepared.evaluated if prepared.task.kind == "span" else ()
    on_hans = hans.SPLIT in prepared.evaluated
    return Examples(
        prepared,
        {split: squad.load_asked(folder, split) for split in spans},
        hans.load_cases(folder / "hans.csv") if on_hans else (),
    )


def predicted(manifest: Manifest, examples: Mapping[str, Examples]) -> Iterator[Predicted]:
    """Yield all runs, then the baselines of every task, of word vectors only if it has labels."""
    for run in manifest.runs:
        coordinates = {name: getattr(run, name) for name in SCORES[:7]} | {
            "sparsity": sparsity(run)
        }
        arrays = files.load_arrays(Path(run.folder) / "predictions.safetensors")
        yield Predicted(coordinates, arrays)
    for task, data in examples.items():
        arrays = files.load_arrays(manifest.place("prepared", task=task) / "baselines.safetensors")
        if data.prepared.task.kind in tasks.LABELLED:
            arrays |= files.load_arrays(manifest.place("baselines") / f"{task}.safetensors")
        for kind in sorted({key.split(".")[0] for key in arrays}, reverse=True):
            coordinates = dict.fromkeys(SCORES[:7]) | {"task": task, "kind": kind}
            yield Predicted(coordinates | {"round": 0, "sparsity": 0.0}, arrays, f"{kind}.")


def sparsity(run: Run) -> float | None:
    """Return the share of the prunable weights that a run drops."""
    if run.size is None:
        return run.sparsity
    size = files.load_record(Path(run.size))
    return 1 - float(size["kept"]) / float(size["prunable"])


def score(
    runs: Iterable[Predicted], examples: Mapping[str, Examples]
) -> tuple[list[Record], list[Record], files.Arrays]:
    """Make rows of scores.csv by run, split and metric, and of hans.csv by run and subcase.

    Returns:
        Both, and by run what each example adds to the headline score, for intervals: on validation, and
        on selection of what is chosen there.
    """
    long: list[Record] = []
    on_hans: list[Record] = []
    by_example: files.Arrays = {}
    for run in runs:
        data = examples[run.coordinates["task"]]
        task = data.prepared.task
        for split, given in data.prepared.evaluated.items():
            prefix = run.prefix + split
            if split == hans.SPLIT:
                logits = run.arrays[f"{prefix}.logits"]
                accuracies = hans.by_subcase(logits, given.labels, data.cases)
                on_hans += [rounded(run.coordinates | asdict(row)) for row in accuracies]
                continue
            known = (task, run.arrays, prefix, given, data.asked.get(split))
            place = run_of(run.coordinates)
            if split == VALIDATION or (split == SELECTION and place.kind in CHOSEN):
                key = deviations_key(place, run.coordinates["seed"], split)
                by_example[key] = deviations.deviations(*known).astype(np.float32)
            for row in scores.score(*known):
                record = {
                    "split": split,
                    "metric": row.metric,
                    "headline": row.metric == task.metrics[0],
                    "score": float(row.value),
                    "num_examples": row.num_examples,
                    "collapsed": row.collapsed,
                }
                long.append(rounded(run.coordinates | record))
    return long, on_hans, by_example


def rounded(record: Record) -> Record:
    """Round every fraction to six digits, for tables and for what is computed from them."""
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in record.items()
    }


def as_rows(records: Iterable[Record]) -> Iterator[ScoreRow]:
    """Make of rows of scores.csv what the report reads."""
    names = [field.name for field in fields(ScoreRow)]
    for record in records:
        yield ScoreRow(
            **{name: record[name] for name in names} | {"source": record["source"] or ""}
        )


def sizes(manifest: Manifest) -> list[Record]:
    """Make rows of subnetworks.csv: what every subnetwork keeps that is trained alone from theta_0."""
    rows = []
    for run in manifest.runs:
        if run.kind == "retrained" and run.size and run.source:
            kind, _, name = run.source.partition(" ")
            row = {"task": run.task, "seed": run.seed, "kind": kind, "subnetwork": name}
            rows.append(row | files.load_record(Path(run.size)))
    return rows


def described(examples: Mapping[str, Examples]) -> list[Record]:
    """Make rows of tasks.csv: what every task asks for, and how many examples it has."""
    rows = []
    for name, data in examples.items():
        task, evaluated = data.prepared.task, data.prepared.evaluated
        row = TaskSize(
            name,
            task.kind,
            task.num_labels,
            " ".join(task.metrics),
            len(data.prepared.train),
            len(evaluated["selection"]),
            len(evaluated["validation"]),
            data.prepared.empty_texts,
        )
        rows.append(asdict(row))
    return rows
