"""Masks of many runs in one file, one bit per weight, for use without this project.

A safetensors file with a packed uint8 tensor per matrix and mask, named
`<task>/seed-<seed>/round-<round>/<matrix>`, and one entry of metadata, JSON with sorted keys: what masks
there are, the shapes of their matrices, which are the same for all, and where it all comes from.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from stages.tickets import files, output
from stages.tickets.export import card, origin
from stages.tickets.export.markdown import code, python
from stages.tickets.export.study import Finished
from stages.tickets.files import Arrays
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.report.scores import Run

FILE = "masks.safetensors"
KEY = "scratchcard"
FORMAT = 1
LOADER = '''\
import json

import numpy as np
from safetensors import safe_open


def load(path, task, seed, round):
    """The mask as bool arrays by matrix, True where the weight is kept; and where it comes from."""
    with safe_open(path, "numpy") as file:
        about, mask = json.loads(file.metadata()["scratchcard"]), {}
        for name, shape in about["shapes"].items():
            bits = file.get_tensor(f"{task}/seed-{seed}/round-{round}/{name}")
            mask[name] = np.unpackbits(bits, count=shape[0] * shape[1]).astype(bool).reshape(shape)
    return mask, about
'''
"""Python that reads a mask with numpy and safetensors alone."""
USE = """\
import torch

mask, about = load("{file}", "{place.task}", {place.seed}, {place.round})
for name, parameter in model.named_parameters():  # of the encoder alone, such as AutoModel loads
    if name in mask:
        parameter.data[~torch.from_numpy(mask[name])] = 0
"""
NAMES = (
    "Matrices have the names that they have in the base model of transformers (`AutoModel`), and the "
    "same shapes; a name or shape that the encoder has not is of another encoder. With one:"
)
LIMITS = (
    "A mask belongs to these pre-trained weights, its task and its seed; elsewhere it is a transfer. "
    "Dropped weights are zeros in dense matrices: they save no time and no memory."
)


@dataclass(frozen=True, order=True)
class Place:
    """The coordinates of a mask in its study."""

    task: str
    seed: int
    round: int

    def __str__(self) -> str:
        return f"{self.task}/seed-{self.seed}/round-{self.round}"


def save(placed: Iterable[tuple[Place, Mask]], about: Mapping[str, Any], path: Path) -> None:
    """Write masks over the same matrices; one unpacked mask is in memory at a time.

    Args:
        placed: at least one mask, each place once.
        about: goes into the metadata; what it has under `masks`, `shapes` and `format` is set here.
        path: the file to write.

    Raises:
        ValueError: there is no mask, or two are over different matrices.
    """
    shapes: dict[str, list[int]] = {}
    packed: Arrays = {}
    listed = {}
    for place, mask in placed:
        own = {name: list(kept.shape) for name, kept in mask.items()}
        if own != (shapes := shapes or own):
            raise ValueError(f"the mask of {place} is over other matrices than those before it")
        packed |= {f"{place}/{name}": np.packbits(kept) for name, kept in mask.items()}
        listed[str(place)] = {
            "task": place.task,
            "seed": place.seed,
            "round": place.round,
            "sparsity": round(masks.sparsity(mask), 9),
            "kept": masks.num_survivors(mask),
        }
    if not listed:
        raise ValueError("there is no mask to save")
    record = {**about, "format": FORMAT, "shapes": shapes, "masks": listed}
    about_all = json.dumps(record, sort_keys=True, allow_nan=False)
    with output.written(path) as part:
        save_file(packed, part, metadata={KEY: about_all})


def record(study: Finished, source: card.Source, described: Sequence[card.Task]) -> dict[str, Any]:
    """Where masks come from, for machines."""
    settings = study.settings
    return {
        "study": source.study,
        "encoder": origin.of_encoder(settings.encoder).record
        | {"sha256": source.sha256, "licence": source.licence},
        "rounds": [after.model_dump(by_alias=True) for after in settings.rounds],
        "imp": settings.imp.model_dump(),
        "tasks": {
            task.name: {
                "kind": task.kind,
                "data": origin.of_data(task.name, study.source(task.name)).record,
                "examples": dict(task.examples),
                "max_length": task.max_length,
                "recipe": files.load_record(study.prepared(task.name) / "recipe.json"),
            }
            for task in described
        },
        "commit": source.commit,
        "versions": dict(source.versions),
    }


def tables(study: Finished, places: Sequence[Place]) -> list[card.Table]:
    """The scores of tickets beside dense ones, a table a task."""
    made = []
    for task in dict.fromkeys(place.task for place in places):
        own = [place for place in places if place.task == task]
        runs = {
            f"{task}, round {number}, {study.settings.rounds[number - 1].sparsity:.1%} dropped": (
                Run(task, "imp", number)
            )
            for number in dict.fromkeys(place.round for place in own)
        } | {f"{task}, dense": Run(task, "dense")}
        seeds = list(dict.fromkeys(place.seed for place in own))
        made.append(card.Table(study.scores(task), study.settings.tickets.confidence, seeds, runs))
    return made


def card_of(
    study: Finished,
    source: card.Source,
    described: Sequence[card.Task],
    places: Sequence[Place],
    scores: Sequence[card.Table],
) -> str:
    """The card of a bundle."""
    imp = ", ".join(f"{key}={value}" for key, value in study.settings.imp.model_dump().items())
    seeds = ", ".join(map(str, dict.fromkeys(place.seed for place in places)))
    named = ", ".join(code(task.name) for task in described)
    what = (
        f"{len(places)} masks found by iterative magnitude pruning (Chen et al. 2020), one bit per "
        f"prunable weight, of the tasks {named} and the seeds {seeds}. A mask says which weights of an "
        "encoder are kept; it holds none."
    )
    return card.card(
        f"Masks of the study {source.study}",
        card.front_matter(source, described, ["masks", "pruning"]),
        [
            what,
            "## How to load them",
            python(LOADER),
            NAMES,
            python(USE.format(file=FILE, place=places[0])),
            "## Where they come from",
            card.provenance(source, described),
            f"Settings of the pruning: {code(imp)}; all of it is in the file's metadata.",
            "## Scores of the masks' subnetworks, trained alone",
            *(card.scored(table) for table in scores),
            "## Limits",
            LIMITS,
        ],
    )
