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
        whole = model.get_input_embeddings()
        assert isinstance(whole, nn.Embedding)
        last_kept = max(pad, whole.padding_idx or 0)
        ids = np.union1d(tokens, np.arange(last_kept + 1)).astype(np.int64)
        self._model = model
        self._whole = whole
        self._rows = torch.from_numpy(ids).to(whole.weight.device)
        self._some = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            whole.weight.detach()[self._rows], freeze=False, padding_idx=whole.padding_idx
        )
        self.row_of = np.full(whole.num_embeddings, -1, dtype=np.int32)
        """Row by token id; -1, which no embedding takes, where there is none."""
        self.row_of[ids] = np.arange(len(ids))
        self.decay = 1.0
        """What weight decay multiplies the other rows with, since the whole was last up to date."""

    def __enter__(self) -> "Words":
        self._model.set_input_embeddings(self._some)
        return self

    def __exit__(self, *_: object) -> None:
        """Put the whole matrix back, up to date."""
        with torch.no_grad():
            self._whole.weight.mul_(self.decay)
            self._whole.weight[self._rows] = self._some.weight
        self.decay = 1.0
        self._model.set_input_embeddings(self._whole)

    @contextmanager
    def all_shown(self) -> Iterator[None]:
        """The whole matrix is in its place in this inner block."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
