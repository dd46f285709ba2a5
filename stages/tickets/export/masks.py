"""Masks of many runs in one file, one bit per weight, for use without this project.

A safetensors file with a packed uint8 tensor per matrix and mask, named
`<task>/seed-<seed>/round-<round>/<matrix>`, and one entry of metadata, JSON with sorted keys: what masks
there are, the shapes of their matrices, which are the same for all, and where it all comes from.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from stages.tickets.files import Arrays
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask

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


@dataclass(frozen=True, order=True)
class Place:
    """The coordinates of a mask in its study."""

    task: str
    seed: int
    round: int

    def __str__(self) -> str:
        return f"{self.task}/seed-{self.seed}/round-{self.round}"


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk."""

    path: Path
    about: dict[str, Any]
    """The metadata: `shapes`, `masks` by place, and what `save` was told."""

    @property
    def places(self) -> list[Place]:
        found = self.about["masks"].values()
        return sorted(Place(one["task"], one["seed"], one["round"]) for one in found)

    def mask(self, place: Place) -> Mask:
        """One mask, matrices in order of their names.

        Raises:
            ValueError: the bundle has no such mask.
        """
        if str(place) not in self.about["masks"]:
            raise ValueError(f"{self.path} has no mask of {place}")
        with safe_open(self.path, "numpy") as file:
            return {
                name: np.unpackbits(file.get_tensor(f"{place}/{name}"), count=math.prod(shape))
                .view(np.bool_)
                .reshape(shape)
                for name, shape in self.about["shapes"].items()
            }


def save(found: Iterable[tuple[Place, Mask]], about: Mapping[str, Any], path: Path) -> None:
    """Write masks over the same matrices; one unpacked mask is in memory at a time.

    Args:
        found: at least one, each place once.
        about: goes into the metadata; what it has under `masks`, `shapes` and `format` is set here.
        path: of the file.

    Raises:
        ValueError: there is no mask, or two are over different matrices.
    """
    shapes: dict[str, list[int]] = {}
    packed: Arrays = {}
    listed = {}
    for place, mask in found:
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
    save_file(packed, path, metadata={KEY: json.dumps(record, sort_keys=True, allow_nan=False)})


def load(path: Path, matrices: Mapping[str, Sequence[int]]) -> Bundle:
    """Open a bundle for an encoder.

    Args:
        path: of the file.
        matrices: shapes (rows, columns) of the prunable matrices of the encoder that the masks are meant
            for, by name.

    Raises:
        ValueError: the file is no bundle, or its masks are those of another encoder.
    """
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {})[KEY])
            names = {f"{place}/{name}" for place in about["masks"] for name in about["shapes"]}
            if about["format"] != FORMAT:
                raise ValueError(f"its format is {about['format']}, known is {FORMAT}")
            if names != set(file.keys()):
                raise ValueError("its tensors are not those of its masks")
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no bundle of masks: {error}") from error
    shapes = about["shapes"]
    odd = sorted(shapes.keys() ^ matrices.keys())
    if odd:
        where = "masks have" if odd[0] in shapes else "encoder has"
        raise ValueError(
            f"{path} is of another encoder: {len(odd)} matrices are in one of the two only, such as "
            f"{odd[0]!r}, which the {where}"
        )
    for name, shape in shapes.items():
        if shape != list(matrices[name]):
            raise ValueError(
                f"{path} is of another encoder: {name!r} has shape {shape} in its masks, but "
                f"{list(matrices[name])} in the encoder"
            )
    return Bundle(path, about)
