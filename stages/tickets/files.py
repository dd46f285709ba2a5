"""Files that stages exchange: masks, splits, predictions, records, tables.

Equal content gives equal bytes. This module needs only numpy and safetensors, so that stages that read
results import no torch; the folder `encoder` reads and writes weights.
"""

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from stages.tickets import output
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure

Arrays = dict[str, NDArray[Any]]
SHAPES = "shapes"


def save_mask(mask: Mask, path: Path) -> None:
    """Write one bit per weight: a packed uint8 tensor per matrix, and the shapes as metadata."""
    shapes = {name: list(kept.shape) for name, kept in mask.items()}
    packed = {name: np.packbits(kept) for name, kept in mask.items()}
    with output.written(path) as part:
        save_file(packed, part, metadata={SHAPES: json.dumps(shapes, sort_keys=True)})


def load_mask(path: Path) -> Mask:
    """Read a mask; its matrices come in the order of their names.

    Raises:
        ValueError: the file is no mask.
    """
    try:
        with safe_open(_existing(path), "numpy") as file:
            shapes = json.loads((file.metadata() or {})[SHAPES])
            if sorted(shapes) != sorted(file.keys()):
                raise ValueError("its shapes are not those of its matrices")
            return {name: _unpacked(file.get_tensor(name), shapes[name]) for name in sorted(shapes)}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a mask: {error}") from error


def _unpacked(packed: NDArray[Any], shape: list[int]) -> NDArray[np.bool_]:
    size = math.prod(shape)
    if packed.dtype != np.uint8 or packed.shape != (-(-size // 8),):
        raise ValueError(f"{packed.shape} of {packed.dtype} are not the bits of {shape}")
    return np.unpackbits(packed, count=size).view(np.bool_).reshape(shape)


def save_structure(structure: Structure, path: Path) -> None:
    """Write a structure as 1 for each kept head and MLP and 0 for each dropped one."""
    arrays = {"heads": structure.heads, "mlps": structure.mlps}
    save_arrays({name: kept.astype(np.uint8) for name, kept in arrays.items()}, path)


def load_structure(path: Path) -> Structure:
    arrays = load_arrays(path)
    return Structure(arrays["heads"].astype(np.bool_), arrays["mlps"].astype(np.bool_))


@dataclass(frozen=True)
class Split:
    """Tokenised examples, one after another, and their labels.

    Example i holds tokens `ids[starts[i]:starts[i + 1]]`, with token types beside them. Labels are
    class numbers or floats, one per example. For spans they are the first and last token of the answer,
    0 and 0 if there is none. For masked language modelling they are zeros in `train`, since words are
    hidden anew in each step; the splits that are scored have one label per token: the hidden word, or
    -100 if there is nothing to predict.
    """

    ids: NDArray[np.int32]
    types: NDArray[np.int8]
    starts: NDArray[np.int64]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)


def save_split(split: Split, path: Path) -> None:
    save_arrays(
        {"ids": split.ids, "labels": split.labels, "starts": split.starts, "types": split.types},
        path,
    )


def load_split(path: Path) -> Split:
    arrays = load_arrays(path)
    return Split(arrays["ids"], arrays["types"], arrays["starts"], arrays["labels"])


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    with output.written(path) as part:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, part)


def load_arrays(path: Path) -> Arrays:
    return load_file(_existing(path))


def save_record(record: Mapping[str, Any], path: Path) -> None:
    """Write JSON with sorted keys; NaN and infinity raise a ValueError."""
    text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False)
    output.save_text(text + "\n", path)


def load_record(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(_existing(path).read_text(encoding="utf-8"))
    return record


def save_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write a csv file; floats have six digits, and None is an empty cell.

    Raises:
        ValueError: a row does not have the given columns.
    """
    with output.written(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if set(row) != set(columns):
                raise ValueError(f"a row of {path.name} has the columns {', '.join(row)}")
            writer.writerow([_cell(row[column]) for column in columns])


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else value


def save_run(predictions: Arrays, losses: Sequence[float], folder: Path) -> None:
    """Write the predictions of a training on the evaluated splits, and its losses, to `folder`."""
    save_arrays(predictions, folder / "predictions.safetensors")
    save_record({"losses": list(losses)}, folder / "history.json")


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; `dvc repro` makes it")
    return path
