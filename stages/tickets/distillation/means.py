"""Distribution matching: sequences whose mean features by class are those of the real examples."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.distillation.features import FixedEncoder, inputs_of
from stages.tickets.distillation.learned import Loss
from stages.tickets.distillation.sets import Sequences


def loss_of(
    encoder: FixedEncoder, sequences: Sequences, groups: Sequence[NDArray[np.int64]]
) -> Loss:
    """Make the loss of a set: the mean squared difference of mean features, by class and feature.

    Args:
        encoder: gives the features.
        sequences: gives lengths, token types, and by `rows` the class of every sequence.
        groups: numbers of the training examples of every class.

    Zhao and Bilen 2023, with fixed encoders. The labels do not change.
    """
    where = encoder.real.device
    members = [torch.from_numpy(np.isin(sequences.rows, group)).to(where) for group in groups]
    means = torch.stack([encoder.real[torch.from_numpy(g).to(where)].mean(dim=0) for g in groups])

    def loss(embeddings: Tensor, _: Tensor) -> Tensor:
        of_set = encoder.standardised(inputs_of(sequences, embeddings))
        own = torch.stack([of_set[member].mean(dim=0) for member in members])
        return (own - means).square().mean()

    return loss
