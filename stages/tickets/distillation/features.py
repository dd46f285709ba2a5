"""Fixed encoders, and what they make of real examples and of a set's sequences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import device, pooling
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.files import Split
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import objective
from stages.tickets.training.batches import Rows

EXAMPLES_PER_BATCH = 128


@dataclass(frozen=True)
class FixedEncoder:
    """An encoder whose weights stay, with the standardised features of all training examples."""

    name: str
    model: PreTrainedModel
    mean: Tensor
    """Means of the features over the training examples, (size,)."""
    std: Tensor
    """Standard deviations; 1 for a feature that is constant."""
    real: Tensor
    """Standardised features of the training examples, (examples, size)."""

    def standardised(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Compute standardised features, see `features`."""
        return (features(self.model, inputs) - self.mean) / self.std


def fixed(name: str, model: PreTrainedModel, prepared: Prepared) -> FixedEncoder:
    """Fix a model in evaluation mode on its device, and compute features of the training examples."""
    model.train(mode=False).requires_grad_(requires_grad=False)
    where = device.place_(model, prepared.task.kind)
    values = of_split(model, prepared.train, prepared.vocabulary.pad, where)
    mean, std = values.mean(dim=0), values.std(dim=0, correction=0)
    std = torch.where(std > 0, std, 1.0)
    return FixedEncoder(name, model, mean, std, (values - mean) / std)


def features(model: PreTrainedModel, inputs: Mapping[str, Tensor]) -> Tensor:
    """Compute the states of the last layer that the classifier reads, before any pooler, in float32.

    They are those of the first token, or if the classifier reads means, the mean of all tokens.

    Args:
        model: a classifier on its device.
        inputs: `input_ids` or `inputs_embeds`, `token_type_ids` and `attention_mask`, by (examples,
            tokens).

    Returns:
        (examples, size).
    """
    there = inputs["attention_mask"]
    taken = device.inputs_of(model, inputs, full=bool(there.all()))
    if isinstance(model, PooledClassifier) and not pooling.has_types(model.config):
        taken.pop("token_type_ids", None)
    states: Tensor = model.base_model(**taken).last_hidden_state
    if isinstance(model, PooledClassifier):
        return pooling.mean(states, there)
    return states[:, 0].float()


def of_split(model: PreTrainedModel, split: Split, pad: int, where: torch.device) -> Tensor:
    """Compute the features of all examples of a split, in their order, without gradients."""
    rows, numbers, pieces = Rows.of(split, pad, where), [], []
    with torch.no_grad():
        for examples, inputs, _ in objective.padded(rows, split.lengths, EXAMPLES_PER_BATCH):
            numbers.append(examples)
            pieces.append(features(model, inputs))
    order = np.argsort(np.concatenate(numbers))
    return torch.cat(pieces)[torch.from_numpy(order).to(where)]


def inputs_of(sequences: Sequences, embeddings: Tensor) -> dict[str, Tensor]:
    """Return a set's inputs of a model on the device of `embeddings`, which are its own or others."""
    where = embeddings.device
    return {
        "inputs_embeds": embeddings,
        "attention_mask": torch.from_numpy(sequences.there).to(where).long(),
        "token_type_ids": torch.from_numpy(sequences.types).to(where).long(),
    }
