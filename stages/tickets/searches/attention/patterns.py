"""Patterns of self-attention: the classes, maps made by rule for each, and their shares among heads.

The maps that Kovaleva et al. 2019 and Prasanna et al. 2020 labelled by hand are not public. We make maps
by rule from their descriptions instead. Shares by a network that is trained on these can be compared
between our own models, but not digit by digit with published shares. This module needs no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Map = NDArray[np.float32]
"""The map of one head on one example, (tokens, tokens): row i holds the attention of token i."""
PATTERNS = ("vertical", "diagonal", "vertical+diagonal", "block", "heterogeneous")
"""Classes of Kovaleva et al. 2019, Sec. 4.1, numbered in this order from 0."""
ABSENT = -1
"""Number in place of a class if the model has lost the head."""
MAPS = ("raw", "normed")
"""Kinds of maps: attention weights, and their products with the norms of transformed values (Kobayashi
et al. 2020)."""
SHORTEST = 5
"""Tokens of the shortest pair of sentences, [CLS] a [SEP] b [SEP]."""


@dataclass(frozen=True)
class Rule:
    """The rule by which maps are made."""

    lengths: Sequence[int]
    """Numbers of tokens from which lengths are drawn uniformly; each is at least SHORTEST."""
    noise: float
    """Standard deviation of normal noise on the logarithms of attention; rows are scaled after it."""
    normed: bool
    """Whether columns are weighted by made-up norms of transformed values (Kobayashi et al. 2020)."""


def generate(
    rule: Rule, number: int, generator: np.random.Generator
) -> tuple[list[Map], NDArray[np.int64]]:
    """Make maps and their classes; map k has class k % 5.

    Raises:
        ValueError: there is no length, one is below SHORTEST, or the noise is negative.
    """
    if not rule.lengths or min(rule.lengths) < SHORTEST:
        raise ValueError(
            f"lengths are {list(rule.lengths)}, allowed are {SHORTEST} tokens and more"
        )
    if rule.noise < 0:
        raise ValueError(f"noise is {rule.noise}, allowed is 0 and more")
    classes = np.arange(number) % len(PATTERNS)
    lengths = generator.choice(np.asarray(rule.lengths), number)
    maps = [
        _drawn(PATTERNS[c], int(length), rule, generator)
        for c, length in zip(classes, lengths, strict=True)
    ]
    return maps, classes


def _drawn(pattern: str, length: int, rule: Rule, generator: np.random.Generator) -> Map:
    """Draw a map: a mixture of the pattern and of smooth random attention, with noise.

    The pattern has a share of 0.55 to 0.95 of the attention, drawn by map, and a little more or less in
    each row. The text is a pair of sentences in half of the maps, and always for the class block; each of
    the pair has at least a quarter of the tokens, [CLS] and [SEP] included.
    """
    least = max(length // 4, 2)
    between = int(generator.integers(least, length - least))  # [SEP] after the first sentence
    is_pair = pattern == "block" or generator.random() < 0.5
    special = np.array([0, between, length - 1] if is_pair else [0, length - 1])
    if pattern == "heterogeneous":
        attention = _smooth(length, generator.uniform(0, 2.5), generator)
    else:
        share = generator.uniform(0.55, 0.95) + generator.normal(0, 0.05, (length, 1))
        share = share.clip(0.4, 0.98)
        attention = share * _structure(pattern, length, special, between, generator)
        attention += (1 - share) * _smooth(length, generator.uniform(0, 1.5), generator)
    attention *= np.exp(rule.noise * generator.normal(size=(length, length)))
    attention /= attention.sum(-1, keepdims=True)
    if rule.normed:
        attention *= _value_norms(length, special, generator)
    return attention.astype(np.float32)


def _structure(
    pattern: str,
    length: int,
    special: NDArray[np.int64],
    between: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Make the pattern alone, in rows that sum to 1.

    vertical: attention goes to some of the special tokens, the same in all rows. diagonal: it goes to the
    token before, the token itself or the token after; in half of the maps to only one of these, in the
    others to a mixture by row; a token without the neighbour attends to itself. vertical+diagonal: each
    of the two has a share of 0.3 to 0.7. block: attention is even over the token's own sentence.
    """
    match pattern:
        case "vertical":
            columns = generator.permutation(special)[: generator.integers(1, len(special) + 1)]
            row = np.zeros(length)
            row[columns] = generator.dirichlet(np.full(len(columns), 2.0))
            return np.tile(row, (length, 1))
        case "diagonal":
            tokens, diagonal = np.arange(length), np.zeros((length, length))
            parts = generator.multinomial(1, [1 / 3] * 3) * np.ones((length, 1))
            if generator.random() < 0.5:
                parts = generator.dirichlet(np.ones(3), length)
            for number, offset in enumerate((-1, 0, 1)):
                diagonal[tokens, (tokens + offset).clip(0, length - 1)] += parts[:, number]
            return diagonal
        case "vertical+diagonal":
            share = generator.uniform(0.3, 0.7)
            vertical, diagonal = (
                _structure(part, length, special, between, generator)
                for part in ("vertical", "diagonal")
            )
            return share * vertical + (1 - share) * diagonal
        case _:
            in_second = np.arange(length) > between
            same: NDArray[np.float64] = (in_second[:, None] == in_second).astype(np.float64)
            same /= same.sum(-1, keepdims=True)
            return same


def _smooth(length: int, strength: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw smoothed normal noise of standard deviation `strength`, and take the softmax of each row."""
    scores = gaussian_filter(generator.normal(size=(length, length)), generator.uniform(0.4, 1.5))
    weights: NDArray[np.float64] = np.exp(scores * (strength / scores.std()))
    weights /= weights.sum(-1, keepdims=True)
    return weights


def _value_norms(
    length: int, special: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw norms by token, with a factor of the head between 1/2 and 8.

    A special token has 0.2 to 0.8 of the norm of other tokens, since Kobayashi et al. 2020 found that
    attention goes to special tokens with small values. In MiniLM on MNLI, 90 % of special tokens have
    a share of 0.26 to 0.89, and 90 % of heads have a factor of 2 to 6.
    """
    norms = np.exp(generator.normal(0, 0.25, length))
    norms[special] *= generator.uniform(0.2, 0.8, len(special))
    return norms * 2 ** generator.uniform(-1, 3)


def padded(maps: Sequence[NDArray[np.floating]], size: int) -> NDArray[np.float32]:
    """Put every map in the middle of a square of zeros, with an odd row or column of zeros after it.

    Args:
        maps: maps (tokens, tokens), whose values do not change.
        size: number of rows and columns, at least the number of tokens of any map.

    Returns:
        The squares, (maps, size, size).

    Raises:
        ValueError: a map is larger than `size`.
    """
    squares = np.zeros((len(maps), size, size), np.float32)
    for square, attention in zip(squares, maps, strict=True):
        length = len(attention)
        if length > size:
            raise ValueError(f"a map has {length} tokens, but is to be padded to {size}")
        start = (size - length) // 2
        square[start : start + length, start : start + length] = attention
    return squares


def shares(classes: NDArray[np.integer], heads: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Compute the share of each class, over the examples and the heads that `heads` selects.

    Args:
        classes: numbers of PATTERNS, (examples, layers, heads), or ABSENT.
        heads: (layers, heads), True for the heads that count.

    Returns:
        Shares that sum to 1, (5,).

    Raises:
        ValueError: shapes differ, no head is selected, there is no example, or a selected head is absent.

    Prasanna et al. 2020, Fig. 4, the bar of one task.
    """
    if classes.shape[1:] != heads.shape:
        raise ValueError(f"classes have shape {classes.shape}, heads {heads.shape}")
    chosen = classes[:, heads]
    if chosen.size == 0:
        raise ValueError(f"no head on no example: {len(classes)} examples, {heads.sum()} heads")
    if (chosen == ABSENT).any():
        raise ValueError("a head is chosen that the model does not have")
    counts = np.bincount(chosen.reshape(-1), minlength=len(PATTERNS))
    return counts / chosen.size
