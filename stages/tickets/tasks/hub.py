"""Read data sets in the layout of the Hub, from the Hub or a folder: a table per split."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.tickets.settings import FolderData, HubData, ParamsError, expanded
from stages.tickets.tasks import reading
from stages.tickets.tasks.tables import Table, of_arrow


def tables(
    name: str, data: HubData | FolderData, splits: Sequence[str], like: str
) -> dict[str, Table]:
    """Read the tables of the named splits, as far as the data set has them.

    Args:
        name: the task's name in messages.
        data: section of the task in params.yaml.
        splits: names of splits, `train` among them.
        like: name of a data set of this layout, for messages.

    Raises:
        ParamsError: a folder lacks the training split or all other splits.
    """
    if isinstance(data, HubData):
        import datasets  # noqa: PLC0415  takes seconds, and only this source needs it

        loaded = datasets.load_dataset(data.name, data.config, revision=data.revision)
        read = {split: loaded[split].with_format("arrow")[:] for split in splits if split in loaded}
    else:
        folder = expanded(data.path, f"data.{name}.path") / data.config
        parts = {split: sorted(folder.glob(f"{split}-*.parquet")) for split in splits}
        read = {
            split: _joined(files, f"data.{name}.path") for split, files in parts.items() if files
        }
        if "train" not in read or len(read) == 1:
            raise ParamsError(
                f"data.{name}.path is {data.path!r}, but {folder} lacks train-*.parquet or "
                f"validation-*.parquet, allowed is a folder in the layout of {like}"
            )
    for split, table in read.items():
        if not len(table):
            raise ParamsError(f"data.{name} has no rows in its split {split}")
    return {split: of_arrow(table, f"{data.config}, {split}") for split, table in read.items()}


def _joined(files: Sequence[Path], key: str) -> Any:  # noqa: ANN401  pyarrow has no types
    """Read the parts of a split, one after another."""
    parts = []
    for file in files:
        with reading.naming(str(file), key):
            parts.append(reading.parquet(file))
    with reading.naming(", ".join(file.name for file in files), key):
        return pa.concat_tables(parts, promote_options="permissive")
