"""Batches: draw the examples of each, and gather their tokens on the device."""

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
    """Yield example numbers batch by batch, epoch after epoch without end, by the seed `data_order`.

    An epoch shuffles all examples, cuts them into chunks of `config.group` batches, sorts each chunk
    by length so that a batch holds examples of like length, and shuffles the batches. Every example
    comes once per epoch, and an epoch has as many batches as without grouping.
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
    """A split that is moved to a device once; batches are gathered there."""

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
            split: the examples to move.
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
        """Gather the inputs of one batch without making the host wait for the device.

        Args:
            examples: numbers of the examples, int64, on the device.
            length: number of tokens to pad to; at least that of the longest example.

        Returns:
            `input_ids`, `token_type_ids` and `attention_mask`, int64, and a bool mask that is True for
            tokens; all (examples, length).
        """
        columns = torch.arange(length, device=self.ids.device)
        there = columns < self.lengths[examples, None]
        places = (self.starts[examples, None] + columns).where(there, 0)
        return {
            "input_ids": self.ids[places].long().where(there, self.pad),
            "token_type_ids": self.types[places].long().where(there, 0),
            "attention_mask": there.long(),
        }, there
