"""Read data sets in the layout of the Hub, from the Hub or a folder: a table per split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.tickets.settings import FolderData, HubData, ParamsError, expanded


def tables(
    name: str, data: HubData | FolderData, splits: Sequence[str], like: str
) -> dict[str, pd.DataFrame]:
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
        return {split: loaded[split].to_pandas() for split in splits if split in loaded}
    folder = expanded(data.path, f"data.{name}.path") / data.config
    parts = {split: sorted(folder.glob(f"{split}-*.parquet")) for split in splits}
    read = {
        split: pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        for split, files in parts.items()
        if files
    }
    if "train" not in read or len(read) == 1:
        raise ParamsError(
            f"data.{name}.path is {data.path!r}, but {folder} lacks train-*.parquet or "
            f"validation-*.parquet, allowed is a folder in the layout of {like}"
        )
    return read


def check_filled(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Raise ParamsError if a column, or a value in one, is missing; `where` names the table."""
    for column in columns:
        if column not in table.columns:
            raise ParamsError(f"{where} has no column {column!r}")
        if table[column].isna().any():
            row = int(np.flatnonzero(table[column].isna())[0]) + 1
            raise ParamsError(f"{where} has no {column!r} in its row {row}")
