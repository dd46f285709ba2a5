"""The cost of trainings in floating-point operations, and of their files in bytes.

A multiply-add is two operations, and a backward pass costs two forward passes. We count the products
with the matrices of the layers, attention, and the decoder of masked language modelling on hidden words.
Embeddings, biases, softmax, activations, LayerNorm, pooler and classifier are left out: together they are
less than a hundredth. Every layer counts with all tokens.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Kind, Train

FLOAT = 4
"""Bytes of a weight or a logit in float32."""


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder built like BERT (Devlin et al. 2019)."""

    layers: int
    hidden: int
    mlp: int
    vocabulary: int
    positions: int
    types: int
    """Number of token types: 2 for BERT, which has a first and a second text."""
    pooler: bool
    """Whether a pooler comes with the encoder, so that it is prunable."""
    means: int = 0
    """Number of vectors that a classifier without a pooler reads: 1, or up to 4; 0 with a pooler."""

    @property
    def layer_weights(self) -> int:
        """Number of weights in the six matrices of each layer; 84,934,656 for bert-base."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.mlp)

    @property
    def prunable(self) -> int:
        """Number of prunable weights in layers and pooler; 85,524,480 for bert-base."""
        return self.layer_weights + self.pooler * self.hidden**2

    @property
    def body(self) -> int:
        """Number of parameters of the encoder without a pooler."""
        norm = 2 * self.hidden
        embeddings = (self.vocabulary + self.positions + self.types) * self.hidden + norm
        biases = self.layers * (5 * self.hidden + self.mlp + 2 * norm)
        return embeddings + self.layer_weights + biases

    @property
    def square(self) -> int:
        """Number of parameters of a pooler, which is also that of the transform before a decoder."""
        return self.hidden**2 + self.hidden

    def parameters(self, kind: Kind, outputs: int) -> int:
        """Count the parameters of the model of a task; a decoder tied to the embeddings counts once.

        Args:
            kind: kind of the task.
            outputs: outputs of its classifier; not used for `mlm`.
        """
        if kind == "mlm":
            return self.body + self.square + 2 * self.hidden + self.vocabulary
        if kind == "span" or self.means:
            vectors = 1 if kind == "span" else self.means
            return self.body + (vectors * self.hidden + 1) * outputs
        return self.body + (self.hidden + 1) * outputs + self.square


@dataclass(frozen=True)
class Lengths:
    """Lengths of examples in tokens, special ones included."""

    mean: float
    mean_square: float

    @classmethod
    def of(cls, tokens: ArrayLike) -> "Lengths":
        """Summarise the lengths of at least one example, (examples,), in tokens."""
        each = np.asarray(tokens, dtype=np.float64)
        return cls(float(each.mean()), float((each**2).mean()))


@dataclass(frozen=True)
class Examples:
    """Numbers and lengths of the examples that a task trains on and is scored on."""

    kind: Kind
    outputs: int
    """Outputs of the classifier per example, or for `span` per token."""
    train: int
    evaluated: int
    """Number of examples in all splits that are predicted after a training."""
    longest: int
    """Number of tokens that an example is cut or padded to."""
    lengths: Lengths | None = None
    """Lengths in the training split; None if they are not known."""
    evaluated_lengths: Lengths | None = None
    hidden: float = 0.0
    """Share of the words in evaluated splits that masked language modelling hides, in [0, 1)."""


def num_steps(examples: int, recipe: Train) -> int:
    """Count the optimizer steps of a training: epochs times the batches of an epoch, at least 1."""
    return max(1, round(recipe.epochs * math.ceil(examples / recipe.batch_size)))


def num_seen(examples: int, recipe: Train, percent: float = 0) -> float:
    """Count the examples that a training sees, with repetitions.

    Args:
        examples: size of the training split.
        recipe: recipe of the task.
        percent: point from which the training starts, in per cent of its steps, in [0, 100).
    """
    total = num_steps(examples, recipe)
    left = total - round(percent * total / 100)
    return left / math.ceil(examples / recipe.batch_size) * examples


def forward_of(hidden: int, attention: int, mlps: int, lengths: Lengths) -> float:
    """Compute the FLOPs of a forward pass through layers, mean over examples.

    With t tokens and hidden size d, attention of w units takes 8 t d w for its four matrices and 4 t^2 w
    for scores and the sum of values; MLPs of m units take 4 t d m.

    Args:
        hidden: size of the encoder's states.
        attention: number of units of all heads of all layers together.
        mlps: number of units of all MLPs together.
        lengths: lengths of the examples.
    """
    products = (8 * attention + 4 * mlps) * hidden * lengths.mean
    return products + 4 * lengths.mean_square * attention


def forward(shape: Shape, lengths: Lengths) -> float:
    """Compute the FLOPs of a forward pass through all layers, mean over examples."""
    units = shape.layers * shape.hidden
    return forward_of(shape.hidden, units, shape.layers * shape.mlp, lengths)


def forward_through(structure: Structure, hidden: int, mlp: int, tokens: int) -> int:
    """Compute the FLOPs of a forward pass of one example through the kept heads and MLPs.

    Args:
        structure: kept heads (layers, heads) and MLPs (layers,).
        hidden: size of the encoder's states.
        mlp: number of units of one MLP.
        tokens: number of tokens of the example, with special ones and padding.
    """
    attention = structure.num_heads * (hidden // structure.heads.shape[1])
    lengths = Lengths(tokens, tokens**2)
    return int(forward_of(hidden, attention, structure.num_mlps * mlp, lengths))


def decoder(shape: Shape, words: float) -> float:
    """Compute the FLOPs of a forward pass of the masked language model's decoder over `words` words."""
    return 2 * words * shape.hidden * shape.vocabulary


def training(
    shape: Shape, examples: Examples, recipe: Train, percent: float = 0, padded: bool = True
) -> float:
    """Compute the FLOPs of a training; NaN for real lengths that are not known.

    Args:
        shape: sizes of the complete encoder; dropped heads and MLPs would save some FLOPs.
        examples: examples of the task.
        recipe: recipe of the task.
        percent: point from which the training starts, in per cent of its steps, in [0, 100).
        padded: whether every example is padded to the longest, as in the two papers, or none.
    """
    lengths = _lengths(examples.lengths, examples.longest, padded)
    words = recipe.masked * lengths.mean if examples.kind == "mlm" else 0.0
    each = forward(shape, lengths) + decoder(shape, words)
    return 3 * num_seen(examples.train, recipe, percent) * each


def prediction(shape: Shape, examples: Examples, padded: bool = True) -> float:
    """Compute the FLOPs of the predictions after a training; NaN for real lengths not known."""
    lengths = _lengths(examples.evaluated_lengths, examples.longest, padded)
    words = examples.hidden * lengths.mean if examples.kind == "mlm" else 0.0
    return examples.evaluated * (forward(shape, lengths) + decoder(shape, words))


def _lengths(real: Lengths | None, longest: int, padded: bool) -> Lengths:
    if padded:
        return Lengths(longest, longest**2)
    return real or Lengths(math.nan, math.nan)


# --- bytes -----------------------------------------------------------------------------------


def mask_bytes(shape: Shape) -> int:
    """Return the bytes of a mask, one bit per prunable weight; 10.7 MB for bert-base."""
    return -(-shape.prunable // 8)


def weights_bytes(shape: Shape, examples: Examples) -> int:
    """Return the bytes of all weights of a trained model; 438 MB for bert-base."""
    return FLOAT * shape.parameters(examples.kind, examples.outputs)


def head_bytes(shape: Shape, examples: Examples) -> int:
    """Return the bytes of theta_0 of a task, which is stored without the encoder's own weights."""
    has_pooler = examples.kind not in ("mlm", "span") and shape.pooler
    return weights_bytes(shape, examples) - FLOAT * (shape.body + has_pooler * shape.square)


def encoder_bytes(shape: Shape) -> int:
    """Return the bytes of theta_0 with a decoder of masked language modelling, but no tokenizer."""
    return FLOAT * (shape.parameters("mlm", 0) + shape.pooler * shape.square)


def prediction_bytes(examples: Examples) -> int:
    """Return the bytes of predictions: logits, or token and loss of each hidden word.

    If lengths are not known, this is an upper bound.
    """
    tokens = examples.evaluated * _mean(examples.evaluated_lengths, examples.longest)
    if examples.kind == "mlm":
        return round(2 * FLOAT * examples.hidden * tokens)
    return round(
        FLOAT * examples.outputs * (tokens if examples.kind == "span" else examples.evaluated)
    )


def split_bytes(examples: Examples) -> int:
    """Return the bytes of tokenised splits: id and type per token, start and label per example.

    If lengths are not known, this is an upper bound.
    """
    tokens = examples.train * _mean(examples.lengths, examples.longest)
    tokens += examples.evaluated * _mean(examples.evaluated_lengths, examples.longest)
    return round(5 * tokens + 16 * (examples.train + examples.evaluated))


def _mean(lengths: Lengths | None, longest: int) -> float:
    return lengths.mean if lengths else longest
