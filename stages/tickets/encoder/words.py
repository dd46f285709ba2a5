"""Train only the embeddings of words that occur, since a training cannot move any others.

A word in no training example has no gradient, and its moments in AdamW stay 0. For MiniLM on SST-2 such
words are two thirds of the vocabulary and a third of all weights, which every step now leaves out.
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

    Ids up to that of the padding keep their rows, since models know padding by its id, and some count
    positions by it. If padding comes last in the vocabulary, nothing is saved.
    """

    def __init__(self, model: PreTrainedModel, tokens: NDArray[np.integer], pad: int) -> None:
        """
        Args:
            model: on its device, with word embeddings in a plain nn.Embedding that is tied to nothing.
            tokens: the ids that occur; they may be repeated.
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
        """Row by token id; -1, which no embedding accepts, for an id without a row."""
        self.row_of[ids] = np.arange(len(ids))
        self.decay = 1.0
        """Factor by which weight decay has shrunk the other rows since they were last up to date."""

    def __enter__(self) -> "Words":
        self._model.set_input_embeddings(self._some)
        return self

    def __exit__(self, *_: object) -> None:
        """Put the complete matrix back, up to date."""
        with torch.no_grad():
            self._all.weight.mul_(self.decay)
            self._all.weight[self._rows] = self._some.weight
        self.decay = 1.0
        self._model.set_input_embeddings(self._all)

    @contextmanager
    def all_shown(self) -> Iterator[None]:
        """Put the complete matrix in its place for an inner `with` block."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
