"""Train a model on a set: the project's own training loop, shown a set in place of real examples.

The tokens of a set get ids of their own, and the matrix of word embeddings is exchanged for a fixed table
of the set's vectors. So the loop, its masks and its recipe stay as they are, and word embeddings cannot
move.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder.theta import Encoder
from stages.tickets.files import Split
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import rounds
from stages.tickets.training.rounds import Round


class Table(nn.Embedding):
    """Fixed vectors by id. As a class of its own, the training loop leaves all of its rows in place."""

    def __init__(self, vectors: Tensor, padding: int | None) -> None:
        rows, size = vectors.shape
        super().__init__(rows, size, padding, _weight=vectors, _freeze=True)


@contextmanager
def shown_(model: PreTrainedModel, sequences: Sequences, prepared: Prepared) -> Iterator[Prepared]:
    """Put a set in the place of word embeddings, and yield the task whose training examples it is.

    Ids up to that of the padding keep their vectors, since models know padding by its id, and some count
    positions by it. No split is evaluated. After the block the model has its own word embeddings again.

    Args:
        model: a classifier with word embeddings in a plain nn.Embedding.
        sequences: the set.
        prepared: gives task and vocabulary.
    """
    words = model.get_input_embeddings()
    assert isinstance(words, nn.Embedding)
    padding = words.padding_idx
    first = max(prepared.vocabulary.pad, padding or 0) + 1
    vectors = torch.from_numpy(sequences.embeddings[sequences.there])
    kept = words.weight.detach()[:first]
    table = Table(torch.cat([kept, vectors.to(kept)]), padding)
    split = Split(
        np.arange(first, first + len(vectors), dtype=np.int32),
        sequences.types[sequences.there],
        np.concatenate([[0], np.cumsum(sequences.lengths)]).astype(np.int64),
        sequences.labels[:, 0] if prepared.task.kind == "regression" else sequences.labels,
    )
    model.set_input_embeddings(table)
    try:
        yield replace(prepared, train=split, evaluated={})
    finally:
        words.to(table.weight.device)
        model.set_input_embeddings(words)


def of_steps(config: Train, num_examples: int, steps: int) -> Train:
    """Return the recipe with as many epochs as make `steps` optimizer steps, at least 1."""
    return config.model_copy(update={"epochs": steps / math.ceil(num_examples / config.batch_size)})


def prune_round(
    theta_0: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    sequences: Sequences | None,
    mask: Mask,
    sparsity: float,
    seeds: Seeds,
    config: Train,
    steps: int,
) -> Round:
    """Train the subnetwork `mask` of theta_0 in place for a few steps, and drop its smallest weights.

    Args:
        theta_0: rewound in all of its parameters, head and biases too.
        encoder: theta_0's encoder.
        prepared: task and data.
        sequences: the set to train on; None for the real training examples.
        mask: survivors of the round before.
        sparsity: share of all prunable weights that are dropped in the end.
        seeds: noise of the run.
        config: recipe, but for its epochs.
        steps: number of optimizer steps, at least 1.

    McDermott and Cummings 2023. Their code rewinds matrices alone, so that biases carry what training
    on the set has taught them into the real training.
    """
    if sequences is None:
        recipe = of_steps(config, len(prepared.train), steps)
        real = replace(prepared, evaluated={})
        return rounds.prune_round(theta_0, encoder, real, mask, sparsity, seeds, recipe)
    recipe = of_steps(config, len(sequences), steps)
    with shown_(theta_0, sequences, prepared) as few:
        return rounds.prune_round(theta_0, encoder, few, mask, sparsity, seeds, recipe)
