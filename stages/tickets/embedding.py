"""Word embeddings of the words that occur: the others cannot move in a training.

A word that is in no training example has no gradient, and AdamW's moments of it stay 0. For MiniLM on
SST-2 these are two thirds of the vocabulary and a third of all weights, left out of every step.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel


class Words:
    """Some rows of a model's matrix of word embeddings, which take its place while they train."""

    def __init__(self, model: PreTrainedModel, tokens: NDArray[np.integer], pad: int) -> None:
        """Put the rows in place.

        The ids up to `pad` keep their rows: models know padding by its id, some count positions by it.

        Args:
            model: on its device; its word embeddings are tied to nothing.
            tokens: ids that occur, any number of times.
            pad: id of the padding.
        """
        ids = np.union1d(tokens, np.arange(pad + 1)).astype(np.int64)
        self._model = model
        self._whole = model.get_input_embeddings()
        weight: torch.Tensor = self._whole.weight  # type: ignore[assignment]
        self._rows = torch.from_numpy(ids).to(weight.device)
        self._some = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            weight.detach()[self._rows], freeze=False, padding_idx=pad
        )
        self.row_of = np.full(len(weight), -1, dtype=np.int32)
        """Row by token id; -1, which no embedding takes, where there is none."""
        self.row_of[ids] = np.arange(len(ids))
        self.hide_rest_()

    def hide_rest_(self) -> None:
        self._model.set_input_embeddings(self._some)

    def show_all_(self, decay: float) -> None:
        """Put the whole matrix back, up to date.

        Args:
            decay: what weight decay multiplies the other rows with since this was last called.
        """
        with torch.no_grad():
            weight: torch.Tensor = self._whole.weight  # type: ignore[assignment]
            weight.mul_(decay)
            weight[self._rows] = self._some.weight
        self._model.set_input_embeddings(self._whole)
