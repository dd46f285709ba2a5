"""The sizes of a study's data, as far as they are known before anything has run.

`sizes.csv` has published data sets by their configuration on the Hub, then tasks of the miniature. GLUE
(Wang et al. 2018) is as in nyu-mll/glue, SQuAD v1.1 (Rajpurkar et al. 2016) in windows of 384 tokens with
a stride of 128. `validation` counts the examples of all scored splits together. `mean` and `std` describe
the lengths of training examples, cut at `cut` tokens, special ones included. Tokens of published data
are word pieces of bert-base-uncased, counted over at most 8,000 examples (SQuAD: 12,022).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from stages.tickets import files
from stages.tickets.language.templates import SUBCASES
from stages.tickets.plan import shapes
from stages.tickets.plan import stages as pipeline
from stages.tickets.plan.flops import Examples, Lengths, Shape
from stages.tickets.settings import (
    OwnData,
    ParamsError,
    Pretrain,
    Study,
    Train,
    expanded,
)
from stages.tickets.tasks import own

PRETRAINING = "pre-training"
"""Name that the encoder's pre-training has in place of a task."""
KNOWN: Any = pd.read_csv(Path(__file__).with_name("sizes.csv"), index_col="name")
HANS_SUBCASES = 30
"""Number of subcases of HANS (McCoy et al. 2019)."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the encoder, the recipes and the examples of a study."""

    shape: Shape
    encoder: str
    """Source of the encoder's sizes."""
    recipes: dict[str, Train]
    """Recipes by task, and by `PRETRAINING` if the study pre-trains its encoder."""
    examples: dict[str, Examples]
    """Examples by task, and by `PRETRAINING` if the study pre-trains its encoder."""
    sources: dict[str, str]
    """Source of the sizes of examples, by task and `PRETRAINING`."""


def measure(
    study: Study,
    content: Mapping[str, Any],
    results: Path,
    locked: Mapping[str, Any],
    given: Path | None = None,
) -> Sizes:
    """Determine the shape of the encoder, and the examples of all tasks as far as they are known.

    Outputs that `dvc repro` has made for this very study have priority.

    Args:
        study: checked settings.
        content: settings as read from the file.
        results: folder of the pipeline's results.
        locked: stages of dvc.lock by name; empty if there is no dvc.lock.
        given: a config.json of the encoder, named by the user.

    Raises:
        ParamsError: the sizes of the encoder are not known, or the study's data cannot be read.
    """
    is_there = is_made(locked, results / "encoder", content, ("encoder",))
    stored = results / "encoder" / "config.json" if is_there else None
    recipes = {
        task: study.train.model_copy(update=study.override[task].model_dump(exclude_none=True))
        for task in study.tasks
    }
    sizes = Sizes(*shapes.shape_of(study.encoder, given or stored), recipes, {}, {})
    if isinstance(study.encoder, Pretrain):
        number, longest, lengths = (
            study.encoder.sentences,
            study.encoder.max_length,
            _lengths("mlm"),
        )
        sizes.examples[PRETRAINING] = Examples("mlm", 0, number, 0, longest, lengths, lengths)
        recipes[PRETRAINING], sizes.sources[PRETRAINING] = study.encoder.train, "encoder"
    for task in study.tasks:
        folder = results / "prepared" / task
        section = "own" if task in study.own else "data"
        if is_there and is_made(locked, folder, content, ("prepare", f"{section}.{task}")):
            sizes.examples[task] = prepared(folder, study, task)
            sizes.sources[task] = folder.as_posix()
        elif sized := examples_of(study, task, sizes.shape):
            sizes.examples[task], sizes.sources[task] = sized
    return sizes


def carved(examples: int, selection: float) -> tuple[int, int]:
    """Return the sizes of `train` and `selection` after `tasks.carve`."""
    num = min(max(round(selection * examples), 1), examples - 1)
    return examples - num, num


def examples_of(study: Study, task: str, shape: Shape) -> tuple[Examples, str] | None:
    """Determine the size of a task before it is prepared, and its source; None if it is not known.

    Lengths of published texts are known only for the vocabulary of bert-base-uncased, and no lengths are
    known if the study cuts texts shorter. All splits are assumed as long as the training examples.

    Raises:
        ParamsError: a folder or table that the study names cannot be read.
    """
    data = study.data.get(task) or study.own[task]
    section = data.model_dump()
    caps, is_miniature = section.get("examples") or {}, section.get("source") == "miniature"
    longest = section.get("max_length") or study.prepare.max_length
    name = task if is_miniature else section.get("config", "")
    if isinstance(data, OwnData):
        described, splits = own.load(task, data)
        numbers = len(splits["train"]), len(splits["validation"])
        sized, source = Examples(data.kind, described.num_labels, *numbers, longest), "its tables"
    elif name in KNOWN.index:
        row = KNOWN.loc[name]
        if is_miniature:
            numbers, source = (section["train"], section["validation"]), f"data.{task}"
        else:
            rows = _rows(task, section) if row.kind != "span" else None
            numbers = rows or (int(row.train), int(row.validation))
            source = "its tables" if rows else "official sizes"
        is_known = longest >= row.cut and (is_miniature or shape.vocabulary == shapes.VOCABULARY)
        lengths = _lengths(name) if is_known else None
        sized = Examples(row.kind, int(row.outputs), *numbers, longest, lengths, lengths)
    elif caps:
        lengths, numbers = Lengths(longest, longest**2), (caps["train"], caps["validation"])
        sized, source = Examples("mlm", 0, *numbers, longest, lengths, lengths), "its blocks"
    else:
        return None
    validation = min(sized.evaluated, caps.get("validation") or sized.evaluated)
    train, selection = carved(
        min(sized.train, caps.get("train") or sized.train), study.prepare.selection
    )
    subcases = len(SUBCASES) if is_miniature else HANS_SUBCASES
    num_hans = subcases * (section.get("hans") or {"per_subcase": 0})["per_subcase"]
    hidden = study.prepare.masked if sized.kind == "mlm" else 0.0
    evaluated = selection + validation + num_hans
    return replace(sized, train=train, evaluated=evaluated, hidden=hidden), source


def _lengths(name: str) -> Lengths:
    mean, std = KNOWN.loc[name, ["mean", "std"]]
    return Lengths(mean, mean**2 + std**2)


def _rows(task: str, section: Mapping[str, Any]) -> tuple[int, int] | None:
    """Count the rows of local tables; None if they only exist where the study will run."""
    if section["source"] != "folder":
        return None
    try:
        folder = expanded(section["path"], f"data.{task}.path") / section["config"]
    except ParamsError:  # a variable that is only set where the study will run
        return None
    train, validation = (
        sum(pq.read_metadata(file).num_rows for file in folder.glob(f"{split}*-*.parquet"))
        for split in ("train", "validation")
    )
    return (train, validation) if train and validation else None


def prepared(folder: Path, study: Study, task: str) -> Examples:
    """Read the size of a task that the stage `prepare` has written to `folder`."""
    section = (study.data.get(task) or study.own[task]).model_dump()
    record = files.load_record(folder / "task.json")
    kind = record["task"]["kind"]
    train, *others = (
        files.load_split(folder / f"{name}.safetensors").lengths
        for name in ("train", *record["evaluated"])
    )
    evaluated = np.concatenate(others)
    return Examples(
        kind,
        2 if kind == "span" else record["task"]["num_labels"],
        len(train),
        len(evaluated),
        section.get("max_length") or study.prepare.max_length,
        Lengths.of(train),
        Lengths.of(evaluated),
        study.prepare.masked if kind == "mlm" else 0.0,
    )


def is_made(
    locked: Mapping[str, Any], folder: Path, content: Mapping[str, Any], keys: tuple[str, ...]
) -> bool:
    """Tell whether a folder is as dvc.lock records it, and was made with the settings of this study.

    Args:
        locked: stages of dvc.lock by name.
        folder: an output of a stage, relative to the project.
        content: content of the params file.
        keys: dotted keys of settings that have to be the same.
    """
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    for entry in locked.values():
        tracked = entry.get("params", {}).get(pipeline.PARAMS, {})
        for out in entry.get("outs", ()):
            if out["path"] == folder.as_posix():
                is_same = all(tracked.get(key, ...) == pipeline.value(content, key) for key in keys)
                return is_same and (out.get("nfiles"), out["size"]) == (len(sizes), sum(sizes))
    return False
