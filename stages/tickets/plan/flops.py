"""What trainings cost in floating-point operations, and what they leave behind in bytes.

A multiply-add is two operations, a backward pass twice a forward pass. Counted are the products with the
matrices of the layers, attention, and the decoder of masked language modelling on hidden words; left out
are embeddings, biases, softmax, activations, LayerNorm, pooler and classifier, less than a hundredth
together. Every layer counts with all tokens.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Train

Kind = Literal["classification", "regression", "mlm", "span"]
FLOAT = 4
"""Bytes of a weight or a logit, float32."""


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder built as BERT is (Devlin et al. 2019)."""

    layers: int
    hidden: int
    mlp: int
    vocabulary: int
    positions: int
    types: int
    """Of tokens: 2 for BERT, first and second text."""
    pooler: bool
    """Whether a pooler comes with the encoder, and so is prunable."""

    @property
    def layer_weights(self) -> int:
        """Of the matrices of all layers, six a layer; 84,934,656 for bert-base."""
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.mlp)

    @property
    def prunable(self) -> int:
        """Those and the pooler's; 85,524,480 for bert-base."""
        return self.layer_weights + self.pooler * self.hidden**2

    @property
    def body(self) -> int:
        """Parameters of the encoder without any pooler."""
        norm = 2 * self.hidden
        embeddings = (self.vocabulary + self.positions + self.types) * self.hidden + norm
        biases = self.layers * (5 * self.hidden + self.mlp + 2 * norm)
        return embeddings + self.layer_weights + biases

    def parameters(self, kind: Kind, outputs: int) -> int:
        """Of the model of a task; a decoder tied to the embeddings counts once.

        Args:
            kind: of the task.
            outputs: of its classifier; not looked at for `mlm`.
        """
        square = self.hidden**2 + self.hidden
        if kind == "mlm":
            return self.body + square + 2 * self.hidden + self.vocabulary
        head = outputs * self.hidden + outputs
        return self.body + head + (0 if kind == "span" else square)


@dataclass(frozen=True)
class Lengths:
    """Of examples in tokens, special ones included."""

    mean: float
    mean_square: float

    @classmethod
    def of(cls, tokens: ArrayLike) -> "Lengths":
        """
        Args:
            tokens: of each example, (examples,), at least one example.
        """
        each = np.asarray(tokens, dtype=np.float64)
        return cls(float(each.mean()), float((each**2).mean()))


@dataclass(frozen=True)
class Examples:
    """What a task trains and is scored on."""

    kind: Kind
    outputs: int
    """Numbers that the classifier says of an example; of a token for `span`."""
    train: int
    evaluated: int
    """Of all splits that are predicted after a training."""
    longest: int
    """Tokens that an example is cut or padded to."""
    lengths: Lengths | None = None
    """Of the training split as it is; None where it is not known."""
    evaluated_lengths: Lengths | None = None
    hidden: float = 0.0
    """Share of the words of evaluated splits that masked language modelling is scored on."""


def num_steps(examples: int, recipe: Train) -> int:
    """Optimizer steps of a training: epochs times the batches of one epoch, at least 1."""
    return max(1, round(recipe.epochs * math.ceil(examples / recipe.batch_size)))


def num_seen(examples: int, recipe: Train, percent: int = 0) -> float:
    """Examples that a training sees, one as often as it comes.

    Args:
        examples: of the training split.
        recipe: of the task.
        percent: of the training that is done before it starts, in [0, 100).
    """
    total = num_steps(examples, recipe)
    left = total - round(percent * total / 100)
    return left / math.ceil(examples / recipe.batch_size) * examples


def forward_of(hidden: int, attention: int, mlps: int, lengths: Lengths) -> float:
    """FLOPs of a forward pass through layers, mean over examples.

    With t tokens and hidden size d, attention of w units takes 8 t d w for its four matrices and 4 t^2 w
    for scores and the sum of values; MLPs of m units take 4 t d m.

    Args:
        hidden: size of the encoder's states.
        attention: units of all heads of all layers together.
        mlps: units of all MLPs together.
        lengths: lengths of the examples.
    """
    products = (8 * attention + 4 * mlps) * hidden * lengths.mean
    return products + 4 * lengths.mean_square * attention


def forward(shape: Shape, lengths: Lengths) -> float:
    """FLOPs of a forward pass through all layers, mean over examples."""
    units = shape.layers * shape.hidden
    return forward_of(shape.hidden, units, shape.layers * shape.mlp, lengths)


def forward_through(structure: Structure, hidden: int, mlp: int, tokens: int) -> int:
    """FLOPs of a forward pass of one example through the heads and MLPs that are kept.

    Args:
        structure: kept heads (layers, heads) and MLPs (layers,).
        hidden: size of the encoder's states.
        mlp: units of one MLP.
        tokens: tokens of the example, with special ones and padding.
    """
    attention = structure.num_heads * (hidden // structure.heads.shape[1])
    lengths = Lengths(tokens, tokens**2)
    return int(forward_of(hidden, attention, structure.num_mlps * mlp, lengths))


def decoder(shape: Shape, words: float) -> float:
    """FLOPs of a forward pass through the decoder of masked language modelling, for hidden words only."""
    return 2 * words * shape.hidden * shape.vocabulary


def training(
    shape: Shape, examples: Examples, recipe: Train, percent: int = 0, padded: bool = True
) -> float:
    """FLOPs of a training; NaN where it should be of the real lengths, and they are not known.

    Args:
        shape: of the whole encoder: dropped heads and MLPs would save some.
        examples: of the task.
        recipe: of the task.
        percent: of the training that is done before it starts, in [0, 100).
        padded: every example is padded to the longest, as both papers did; else none is.
    """
    lengths = _lengths(examples.lengths, examples.longest, padded)
    words = recipe.masked * lengths.mean if examples.kind == "mlm" else 0.0
    each = forward(shape, lengths) + decoder(shape, words)
    return 3 * num_seen(examples.train, recipe, percent) * each


def prediction(shape: Shape, examples: Examples, padded: bool = True) -> float:
    """FLOPs of the predictions after a training; NaN as in `training`."""
    lengths = _lengths(examples.evaluated_lengths, examples.longest, padded)
    words = examples.hidden * lengths.mean if examples.kind == "mlm" else 0.0
    return examples.evaluated * (forward(shape, lengths) + decoder(shape, words))


def _lengths(real: Lengths | None, longest: int, padded: bool) -> Lengths:
    if padded:
        return Lengths(longest, longest**2)
    return real or Lengths(math.nan, math.nan)


# --- bytes -----------------------------------------------------------------------------------


def mask_bytes(shape: Shape) -> int:
    """Of a mask, one bit a prunable weight; 10.7 MB for bert-base."""
    return -(-shape.prunable // 8)


def weights_bytes(shape: Shape, examples: Examples) -> int:
    """Of all weights of a trained model; 438 MB for bert-base."""
    return FLOAT * shape.parameters(examples.kind, examples.outputs)


def head_bytes(shape: Shape, examples: Examples) -> int:
    """Of theta_0 of a task, which is stored without what is the encoder's."""
    brought = examples.kind not in ("mlm", "span") and shape.pooler
    pooler = brought * (shape.hidden**2 + shape.hidden)
    return weights_bytes(shape, examples) - FLOAT * (shape.body + pooler)


def encoder_bytes(shape: Shape) -> int:
    """Of theta_0 with a decoder of masked language modelling, without the tokenizer."""
    pooler = shape.pooler * (shape.hidden**2 + shape.hidden)
    return FLOAT * (shape.parameters("mlm", 0) + pooler)


def prediction_bytes(examples: Examples) -> int:
    """Of what a training predicts: logits, or token and loss of each hidden word; at most, where lengths
    are not known."""
    tokens = examples.evaluated * _longest_or_mean(examples.evaluated_lengths, examples.longest)
    if examples.kind == "mlm":
        return round(2 * FLOAT * examples.hidden * tokens)
    per = tokens if examples.kind == "span" else examples.evaluated
    return round(FLOAT * examples.outputs * per)


def split_bytes(examples: Examples) -> int:
    """Of the tokenised splits: id and type of a token, start and label of an example; likewise."""
    tokens = examples.train * _longest_or_mean(examples.lengths, examples.longest)
    tokens += examples.evaluated * _longest_or_mean(examples.evaluated_lengths, examples.longest)
    return round(5 * tokens + 16 * (examples.train + examples.evaluated))


def _longest_or_mean(lengths: Lengths | None, longest: int) -> float:
    return lengths.mean if lengths else longest


# --- time ------------------------------------------------------------------------------------

RATES: Mapping[str, float] = {
    "a CPU core, miniature": 0.04,
    "a CPU core, bf16": 0.1,
    "V100, fp32": 8,
    "V100, mixed precision": 35,
    "A100, bf16": 110,
    "H200, bf16": 250,
}
"""TFLOP/s, as examples. Those of a core were measured on trainings of this project at real lengths, on
one thread of an AMD EPYC: 0.03 to 0.046 for the miniature's encoder in fp32 on an idle machine, half of
that on a busy one; on a busy one 0.035 for MiniLM in fp32, 0.093 in bf16, 0.11 for bert-base in bf16.
Those of GPUs are guesses for large batches, none was measured; of batches of short texts expect a half to
a quarter."""


def hours(flops: float, rate: float) -> float:
    """At a sustained rate in TFLOP/s."""
    return flops / (rate * 1e12) / 3600


def overhead(run: int, stages: int) -> float:
    """Seconds that DVC and the start of processes take, beside what these do.

    DVC rewrites dvc.lock after every stage: with DVC 3.67 it took 5 s for 50 stages that do nothing, 57 s
    for 200 and 383 s for 500 on one machine, twice that on a busy one. A process takes 0.6 s to start.

    Args:
        run: stages that run.
        stages: of the study, whose entries dvc.lock has in the end; at least `run`.
    """
    return (0.6 + 0.02) * run + 0.0015 * run * (2 * stages - run)
