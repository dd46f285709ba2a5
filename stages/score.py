"""Tables of scores from all stored predictions, and the few numbers that `dvc metrics` shows."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.report import metrics
from stages.tickets.report import rows as rows_of
from stages.tickets.report import scores as scored
from stages.tickets.report.rows import HansScore, TaskSize
from stages.tickets.report.search_rows import Size
from stages.tickets.tasks import hans, scores, squad
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import Prepared

COLUMNS = [
    "task", "kind", "seed", "round", "sparsity", "point", "source",
    "split", "metric", "headline", "score", "num_examples", "collapsed",
]  # fmt: skip


@dataclass(frozen=True)
class Params:
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: tuple[settings.Round, ...]
    imp: settings.Imp
    earlier: settings.Earlier
    rewind: settings.Rewind
    random: settings.Random
    controls: settings.Controls
    standard: settings.Standard
    cross: settings.Cross
    scratch: settings.Scratch
    transfer: settings.Transfer
    transfer_weights: settings.TransferWeights
    retrain: settings.Retrain
    tickets: settings.Tickets


@dataclass(frozen=True)
class Source:
    """Where predictions lie, and the coordinates of the run that made them."""

    folder: Path
    task: str
    kind: str
    seed: int
    round: int
    point: int | None = None
    source: str | None = None
    """Of a transfer the task of the mask; of a searched subnetwork its name."""
    sparsity: float | None = None
    """None: that of the round."""


def sources(config: Params, runs: Path, rounds: Path) -> Iterator[Source]:
    """Every run of the study that is named in params.yaml; other files in the folders are not read."""
    last = len(config.rounds)

    def ticket(task: str, seed: int, number: int) -> Path:
        here = f"{task}/seed-{seed}"
        if number == last:
            return runs / "ticket" / here / "ticket"
        if number in config.earlier.rounds:
            return runs / "earlier" / here / f"round-{number}" / "ticket"
        return rounds / here / f"round-{number + 1}" / "before"

    for task in config.tasks:
        for seed in config.seeds:
            here = f"{task}/seed-{seed}"
            yield Source(runs / "dense" / here, task, "dense", seed, 0)
            for after in config.rounds:
                yield Source(ticket(task, seed, after.to), task, "imp", seed, after.to)
            for number in config.random.rounds:
                folder = runs / "random" / here / f"round-{number}" / "random"
                yield Source(folder, task, "random", seed, number)
            for kind in config.controls.every.kinds:
                yield control(runs / "ticket" / here, task, kind, seed, last)
        for seed in config.scratch.seeds:
            yield Source(runs / "scratch" / task / f"seed-{seed}", task, "scratch", seed, 0)
    for task in config.rewind.tasks:
        for seed in config.rewind.seeds:
            folder = ticket(task, seed, last)
            yield Source(folder, task, "rewind", seed, last, config.imp.rewind_to)
            for point in config.rewind.points:
                folder = runs / "rewind" / task / f"seed-{seed}" / f"point-{point}"
                yield Source(folder, task, "rewind", seed, last, point)
    yield from controls(config, runs)
    for task, mask_seed, seed in product(
        config.cross.tasks, config.cross.mask_seeds, config.cross.seeds
    ):
        folder = runs / "cross" / task / f"mask-{mask_seed}" / f"seed-{seed}"
        if mask_seed == seed:
            folder = ticket(task, seed, last)
        yield Source(folder, task, "cross", seed, last, None, str(mask_seed))
    yield from transferred(config, runs, ticket)
    yield from searched(config.retrain, runs)


def transferred(
    config: Params, runs: Path, ticket: Callable[[str, int, int], Path]
) -> Iterator[Source]:
    """Masks of sources on targets; `ticket` says where that of a task on itself lies."""
    number = config.transfer.round
    for source, target, seed in product(
        config.transfer.sources, config.transfer.targets, config.transfer.seeds
    ):
        folder = runs / "transfer" / source / target / f"seed-{seed}"
        if source == target:
            folder = ticket(target, seed, number)
        yield Source(folder, target, "transfer", seed, number, None, source)
    weights = config.transfer_weights
    for source, target, seed, point in product(
        weights.sources, weights.targets, weights.seeds, weights.points
    ):
        folder = runs / "transfer-weights" / source / target / f"seed-{seed}" / f"point-{point}"
        yield Source(folder, target, "transfer_weights", seed, number, point, source)


def control(folder: Path, task: str, kind: str, seed: int, number: int) -> Source:
    """A control of a ticket; the random mask has a kind of its own."""
    if kind == "random":
        return Source(folder / kind, task, kind, seed, number)
    return Source(folder / kind, task, "control", seed, number, None, kind)


def controls(config: Params, runs: Path) -> Iterator[Source]:
    """What tickets of chosen tasks and seeds are compared with, and standard pruning."""
    chosen = config.controls
    for task, seed, number in product(chosen.tasks, chosen.seeds, chosen.rounds):
        folder = runs / "controls" / task / f"seed-{seed}" / f"round-{number}"
        for kind in chosen.more.kinds:
            yield control(folder, task, kind, seed, number)
    for task, seed in product(config.standard.tasks, config.standard.seeds):
        for after in config.rounds:
            folder = runs / "standard" / task / f"seed-{seed}" / f"round-{after.to}"
            yield Source(folder / "standard", task, "standard", seed, after.to)
            if after.to in config.standard.aliased.rounds:
                yield Source(folder / "aliased", task, "aliased", seed, after.to)


def searched(retrain: settings.Retrain, runs: Path) -> Iterator[Source]:
    """Subnetworks that were searched for: `pruned` as they are, `retrained` or from `scratch` alone."""
    for kind, names in subnetworks(retrain):
        for task, seed, name in product(retrain.tasks, retrain.seeds, names):
            folder = runs / kind / task / f"seed-{seed}" / name
            sizes = files.load_record(folder / "subnetwork.json")
            dropped = 1 - sizes["kept"] / sizes["prunable"]
            for state in ("pruned", "retrained"):
                where = (folder / state, task, state, seed, 0, None, f"{kind} {name}", dropped)
                yield Source(*where)
    for task, seed, name in product(retrain.tasks, retrain.seeds, retrain.scratch):
        folder = runs / "scratch-structured" / task / f"seed-{seed}" / name
        sizes = files.load_record(folder / "subnetwork.json")
        dropped = 1 - sizes["kept"] / sizes["prunable"]
        yield Source(
            folder, task, "scratch_structured", seed, 0, None, f"structured {name}", dropped
        )


def subnetworks(retrain: settings.Retrain) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names of subnetworks by what is dropped: heads and MLPs, or single weights."""
    yield "structured", (*retrain.structured, *retrain.super)
    yield "magnitude", retrain.magnitude


@dataclass(frozen=True)
class Predicted:
    """The predictions of one run, or of one baseline."""

    task: str
    where: list[Any]
    """The first columns of every table: task, kind, seed, round, sparsity, point and source."""
    arrays: files.Arrays
    prefix: str = ""
    """Of the names of the splits."""


@dataclass(frozen=True)
class Folders:
    """Where predictions and what they are about lie."""

    prepared: Path
    vectors: Path
    """Baselines of word vectors."""
    runs: Path
    rounds: Path


def predicted(
    config: Params, folders: Folders, prepared: Mapping[str, Prepared]
) -> Iterator[Predicted]:
    """All runs, then the baselines of every task that has any, of `prepare` and of word vectors."""
    sparsity = {0: 0.0} | {after.to: after.sparsity for after in config.rounds}
    for run in sources(config, folders.runs, folders.rounds):
        arrays = files.load_arrays(run.folder / "predictions.safetensors")
        dropped = sparsity[run.round] if run.sparsity is None else run.sparsity
        where = [run.task, run.kind, run.seed, run.round, dropped, run.point, run.source]
        yield Predicted(run.task, where, arrays)
    for task, data in prepared.items():
        arrays = files.load_arrays(folders.prepared / task / "baselines.safetensors")
        if data.task.kind in tasks.LABELLED:
            arrays |= files.load_arrays(folders.vectors / f"{task}.safetensors")
        for kind in sorted({key.split(".")[0] for key in arrays}, reverse=True):
            yield Predicted(task, [task, kind, None, 0, 0.0, None, None], arrays, f"{kind}.")


def tables(
    config: Params, folders: Folders, prepared: Mapping[str, Prepared]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The long table, one row per run, split and metric, and that of HANS, one per run and subcase."""
    rows: list[list[Any]] = []
    on_hans: list[list[Any]] = []
    cases = {
        task: hans.load_cases(folders.prepared / task / "hans.csv")
        for task, data in prepared.items()
        if hans.SPLIT in data.evaluated
    }
    asked = {
        (task, split): squad.load_asked(folders.prepared / task, split)
        for task, data in prepared.items()
        if data.task.kind == "span"
        for split in data.evaluated
    }
    for run in predicted(config, folders, prepared):
        data = prepared[run.task]
        for split, examples in data.evaluated.items():
            prefix = run.prefix + split
            if split == hans.SPLIT:
                logits = run.arrays[f"{prefix}.logits"]
                found = hans.by_subcase(logits, examples.labels, cases[run.task])
                on_hans += [[*run.where, *astuple(one)] for one in found]
            else:
                about = asked.get((run.task, split))
                rows += _rows(run.where, data.task, run.arrays, prefix, split, examples, about)
    both = (
        pd.DataFrame(rows, columns=COLUMNS),
        pd.DataFrame(on_hans, columns=[field.name for field in fields(HansScore)]),
    )
    whole = dict.fromkeys(("seed", "round", "point"), "Int64")
    return both[0].astype(whole), both[1].astype(whole)


def _rows(
    where: list[Any],
    task: tasks.Task,
    predictions: files.Arrays,
    prefix: str,
    split: str,
    examples: files.Split,
    asked: Asked | None,
) -> list[list[Any]]:
    return [
        [
            *where,
            split,
            found.metric,
            found.metric == task.metrics[0],
            found.value,
            found.num_examples,
            found.collapsed,
        ]
        for found in scores.score(task, predictions, prefix, examples, asked)
    ]


def described(prepared: Mapping[str, Prepared]) -> pd.DataFrame:
    """What every task asks for, and how many examples it has."""
    rows = [
        TaskSize(
            name, data.task.kind, data.task.num_labels, " ".join(data.task.metrics), len(data.train),
            len(data.evaluated["selection"]), len(data.evaluated["validation"]),
        )
        for name, data in prepared.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[field.name for field in fields(TaskSize)])


def sizes(config: Params, runs: Path) -> pd.DataFrame:
    """What every searched subnetwork keeps."""
    columns = [field.name for field in fields(Size)]
    rows = [
        {"task": task, "seed": seed, "kind": kind, "subnetwork": name}
        | files.load_record(runs / kind / task / f"seed-{seed}" / name / "subnetwork.json")
        for kind, names in subnetworks(config.retrain)
        for task, seed, name in product(config.retrain.tasks, config.retrain.seeds, names)
    ]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[4:], "Int64"))


def main(
    prepared: Annotated[Path, typer.Option()],
    vectors: Annotated[Path, typer.Option("--baselines", help="Those of word vectors.")],
    runs: Annotated[Path, typer.Option()],
    rounds: Annotated[Path, typer.Option()],
    scores_out: Annotated[Path, typer.Option("--scores")],
    metrics_out: Annotated[Path, typer.Option("--metrics")],
    sizes_out: Annotated[Path, typer.Option("--subnetworks")],
    tasks_out: Annotated[Path, typer.Option("--tasks")],
    hans_out: Annotated[Path, typer.Option("--hans")],
) -> None:
    config = cli.read(Params)
    data = {task: tasks.load_prepared(prepared / task) for task in config.tasks}
    found, on_hans = tables(config, Folders(prepared, vectors, runs, rounds), data)
    scores_out.parent.mkdir(parents=True, exist_ok=True)
    for table, path in ((found, scores_out), (on_hans, hans_out)):
        table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    described(data).to_csv(tasks_out, index=False, lineterminator="\n")
    sizes(config, runs).to_csv(sizes_out, index=False, lineterminator="\n")
    written = scored.Scores(rows_of.read(scores_out, rows_of.ScoreRow))
    shown = json.dumps(metrics.headlines(written, config), indent=1, allow_nan=False)
    metrics_out.write_text(shown + "\n", encoding="utf-8")  # DVC shows the order of the file


if __name__ == "__main__":
    cli.run(main)
