"""Data sets in the layout of the Hub, from the Hub or a folder: a table per split."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.tickets.settings import FolderData, HubData, ParamsError, expanded


def tables(
    name: str, data: HubData | FolderData, splits: Sequence[str], like: str
) -> dict[str, pd.DataFrame]:
    """Those of the named splits that there are.

    Args:
        name: of the task, for messages.
        data: its section in params.yaml.
        splits: `train` and others.
        like: a data set of this layout, for messages.

    Raises:
        ParamsError: a folder lacks the training split or all others.
    """
    if isinstance(data, HubData):
        import datasets  # noqa: PLC0415  costs seconds, and only this source needs it

        loaded = datasets.load_dataset(data.name, data.config, revision=data.revision)
        return {split: loaded[split].to_pandas() for split in splits if split in loaded}
    folder = expanded(data.path, f"data.{name}.path") / data.config
    found = {}
    for split in splits:
        files = sorted(folder.glob(f"{split}-*.parquet"))
        if files:
            found[split] = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    if "train" not in found or len(found) == 1:
        raise ParamsError(
            f"data.{name}.path is {data.path!r}, but {folder} lacks train-*.parquet or "
            f"validation-*.parquet, allowed is a folder in the layout of {like}"
        )
    return found


def check_filled(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Raise ParamsError where a column, or a value in one, is not there."""
    for column in columns:
        if column not in table.columns:
            raise ParamsError(f"{where} has no column {column!r}")
        if table[column].isna().any():
            row = int(np.flatnonzero(table[column].isna())[0]) + 1
            raise ParamsError(f"{where} has no {column!r} in its row {row}")
