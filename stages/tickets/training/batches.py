"""Batches: which examples share one, and their tokens gathered on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.files import Split
from stages.tickets.settings import Train


def drawn(
    lengths: NDArray[np.int64], config: Train, data_order: int
) -> Iterator[NDArray[np.int64]]:
    """Example numbers batch by batch, epoch after epoch without end, from the seed `data_order`.

    An epoch shuffles all examples, cuts them into chunks of `config.group` batches, sorts each chunk
    by length so that a batch holds examples of like length, and shuffles the batches. Every example
    comes once an epoch, and an epoch has as many batches as without grouping.
    """
    epoch = 0
    while True:
        generator = np.random.default_rng([data_order, epoch])
        order = generator.permutation(len(lengths))
        chunk = config.batch_size * config.group
        cut = [
            part[np.argsort(lengths[part], kind="stable")]
            for part in (order[i : i + chunk] for i in range(0, len(order), chunk))
        ]
        grouped = np.concatenate(cut)
        starts = np.arange(0, len(grouped), config.batch_size)
        for start in generator.permutation(starts):
            yield grouped[start : start + config.batch_size]
        epoch += 1


@dataclass(frozen=True)
class Rows:
    """A split, moved to a device once; its batches are put together there."""

    ids: Tensor
    types: Tensor
    starts: Tensor
    lengths: Tensor
    labels: Tensor
    pad: int

    @classmethod
    def of(cls, split: Split, pad: int, where: torch.device) -> "Rows":
        """
        Args:
            split: any.
            pad: id of the padding.
            where: the device.
        """

        def moved(array: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(array).to(where)

        return cls(
            moved(split.ids),
            moved(split.types),
            moved(split.starts[:-1]),
            moved(split.lengths),
            moved(split.labels),
            pad,
        )

    def padded(self, examples: Tensor, length: int) -> tuple[dict[str, Tensor], Tensor]:
        """Inputs of one batch; nothing here makes the host wait for the device.

        Args:
            examples: their numbers, int64, on the device.
            length: tokens to pad each one to; at least those of the longest.

        Returns:
            `input_ids`, `token_type_ids` and `attention_mask`, int64, and where there are tokens,
            bool; all (examples, length).
        """
        columns = torch.arange(length, device=self.ids.device)
        there = columns < self.lengths[examples, None]
        places = (self.starts[examples, None] + columns).where(there, 0)
        return {
            "input_ids": self.ids[places].long().where(there, self.pad),
            "token_type_ids": self.types[places].long().where(there, 0),
            "attention_mask": there.long(),
        }, there
