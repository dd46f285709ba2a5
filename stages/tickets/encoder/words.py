"""Word embeddings of the words that occur: the others cannot move in a training.

A word that is in no training example has no gradient, and AdamW's moments of it stay 0. For MiniLM on
SST-2 these are two thirds of the vocabulary and a third of all weights, left out of every step.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel


class Words:
    """Some rows of a model's matrix of word embeddings, which take its place in a `with` block.

    The ids up to the padding's keep their rows, as models know padding by its id, and some count
    positions by it; where padding comes last in the vocabulary, nothing is saved.
    """

    def __init__(self, model: PreTrainedModel, tokens: NDArray[np.integer], pad: int) -> None:
        """
        Args:
            model: on its device, with word embeddings in a plain nn.Embedding that is tied to nothing.
            tokens: ids that occur, any number of times.
            pad: id of the padding.
        """
        matrix = model.get_input_embeddings()
        assert isinstance(matrix, nn.Embedding)
        last_kept = max(pad, matrix.padding_idx or 0)
        ids = np.union1d(tokens, np.arange(last_kept + 1)).astype(np.int64)
        self._model = model
        self._all = matrix
        self._rows = torch.from_numpy(ids).to(matrix.weight.device)
        self._some = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            matrix.weight.detach()[self._rows], freeze=False, padding_idx=matrix.padding_idx
        )
        self.row_of = np.full(matrix.num_embeddings, -1, dtype=np.int32)
        """Row by token id; -1, which no embedding takes, where there is none."""
        self.row_of[ids] = np.arange(len(ids))
        self.decay = 1.0
        """The factor by which weight decay shrinks the other rows, since they were last up to date."""

    def __enter__(self) -> "Words":
        self._model.set_input_embeddings(self._some)
        return self

    def __exit__(self, *_: object) -> None:
        """Put the whole matrix back, up to date."""
        with torch.no_grad():
            self._all.weight.mul_(self.decay)
            self._all.weight[self._rows] = self._some.weight
        self.decay = 1.0
        self._model.set_input_embeddings(self._all)

    @contextmanager
    def all_shown(self) -> Iterator[None]:
        """The whole matrix is in its place in this inner block."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
