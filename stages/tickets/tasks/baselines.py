"""Scores without an encoder: the majority, a bag of words, and averaged word vectors."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.tickets import settings
from stages.tickets.files import Arrays, Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import task
from stages.tickets.tasks.task import LABELLED, NOT_SCORED, Prepared

TINY = 1e-12
"""Term added to probabilities, so that their logarithms are finite."""
MOST_COEFFICIENTS = 2_000_000
"""Largest number of coefficients of a bag of words; its training holds about 25 copies of them."""


def from_counts(prepared: Prepared) -> Arrays:
    """Predict every evaluated split by the majority and by a bag of words.

    `majority` predicts the most frequent class of the training split (the smaller number on a tie),
    its mean label, or its most frequent word. `bag_of_words` is a logistic regression (for regression a
    ridge) on the counts of word pieces, separate for the two texts of a pair. A piece counts if training
    has it, and if there would be more than MOST_COEFFICIENTS coefficients (pieces times classes), those
    count that most training examples have. Masked language modelling has no bag of words, and spans have
    neither baseline.

    Returns:
        Arrays named `<baseline>.<split>.logits`, or `.tokens` and `.losses`, in the format of
        `predict.predict`.
    """
    if prepared.task.kind == "span":
        return {}
    arrays = {
        f"majority.{name}.{key}": array
        for name, split in prepared.evaluated.items()
        for key, array in _majority(prepared, split).items()
    }
    if prepared.task.kind in LABELLED:
        size = prepared.vocabulary.size
        is_regression = prepared.task.kind == "regression"
        model = Ridge(solver="lsqr") if is_regression else LogisticRegression(max_iter=1000)
        counts = _counts(prepared.train, size)
        columns = _most_common(counts, MOST_COEFFICIENTS // prepared.task.num_labels)
        model.fit(counts[:, columns], prepared.train.labels)
        for name, split in prepared.evaluated.items():
            logits = _logits(model, _counts(split, size)[:, columns], prepared.task)
            arrays[f"bag_of_words.{name}.logits"] = logits
    return arrays


def from_word_vectors(
    prepared: Prepared, embeddings: NDArray[np.float32], config: settings.Baselines
) -> Arrays:
    """Predict every evaluated split from averaged word vectors; arrays are named as by `from_counts`.

    `word_vectors` is a logistic regression (for regression a ridge) on the mean of the word vectors
    of a text. For a pair whose texts have different token types, its inputs are the two means u and v,
    |u - v| and u * v. It replaces the CBoW rows that Prasanna et al. 2020, Table 2, quote from Wang
    et al. 2018, who average GloVe vectors.

    `normal_draw` exists for regression alone: draws from a normal distribution with the mean and standard
    deviation of the training labels. That table calls such draws the majority class of STS-B.

    Args:
        prepared: a task with one label per example.
        embeddings: word embeddings of the encoder, (rows, hidden); a row by the id of its word.
        config: most training examples, and the penalty of the regression.
    """
    name, train, labels = prepared.task.name, prepared.train, prepared.train.labels
    is_regression = prepared.task.kind == "regression"
    if len(train) > config.examples:
        order = np.random.default_rng(stable_seed("word vectors", name)).permutation(len(train))
        train = task.take(train, np.sort(order[: config.examples]))
    special = prepared.vocabulary.special
    model = make_pipeline(
        StandardScaler(),
        Ridge(config.penalty)
        if is_regression
        else LogisticRegression(C=1 / config.penalty, max_iter=1000),
    )
    model.fit(_features(train, special, embeddings), train.labels)
    arrays: Arrays = {}
    for split, examples in prepared.evaluated.items():
        logits = _logits(model, _features(examples, special, embeddings), prepared.task)
        arrays[f"word_vectors.{split}.logits"] = logits
        if is_regression:
            generator = np.random.default_rng(stable_seed("draw", name, split))
            draw = generator.normal(labels.mean(), labels.std(), (len(examples), 1))
            arrays[f"normal_draw.{split}.logits"] = draw.astype(np.float32)
    return arrays


def _majority(prepared: Prepared, split: Split) -> Arrays:
    labels = prepared.train.labels
    match prepared.task.kind:
        case "regression":
            return {"logits": np.full((len(split), 1), labels.mean(), dtype=np.float32)}
        case "classification":
            shares = np.bincount(labels, minlength=prepared.task.num_labels) / len(labels)
            return {"logits": np.tile(shares.astype(np.float32), (len(split), 1))}
        case _:
            words = prepared.train.ids[~np.isin(prepared.train.ids, prepared.vocabulary.special)]
            counts = np.bincount(words, minlength=prepared.vocabulary.size) + 1.0
            hidden = split.labels[split.labels != NOT_SCORED]
            losses = -np.log(counts[hidden] / counts.sum())
            return {
                "tokens": np.full(len(hidden), counts.argmax(), dtype=np.int32),
                "losses": losses.astype(np.float32),
            }


def _logits(
    model: BaseEstimator, inputs: csr_matrix | NDArray[np.float32], scored: task.Task
) -> NDArray[np.float32]:
    """Predict logits, (examples, num_labels); a class that training lacks gets the least logit."""
    if scored.kind == "regression":
        numbers: NDArray[np.float32] = model.predict(inputs).astype(np.float32)
        return numbers.reshape(-1, 1)
    shares = model.predict_proba(inputs)
    logits = np.full((len(shares), scored.num_labels), np.log(TINY), dtype=np.float32)
    logits[:, model.classes_] = np.log(shares + TINY)
    return logits


def _counts(split: Split, size: int) -> csr_matrix:
    """Count word pieces, (examples, 2 * size): columns of the first text, then of the second."""
    example = np.repeat(np.arange(len(split)), split.lengths)
    column = split.ids + size * split.types.astype(np.int64)
    ones = np.ones(len(split.ids), dtype=np.float64)
    return csr_matrix((ones, (example, column)), shape=(len(split), 2 * size))


def _most_common(counts: csr_matrix, number: int) -> NDArray[np.int64]:
    """List at most `number` columns that are not all 0: those of most examples, in their order.

    Columns of as many examples go by their number.
    """
    examples = counts.getnnz(axis=0)
    ranked = np.argsort(-examples, kind="stable")[:number]
    return np.sort(ranked[examples[ranked] > 0])


def _features(
    split: Split, special: tuple[int, ...], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Make the inputs of the regression: (examples, hidden), or (examples, 4 * hidden) for pairs."""
    first = _means(split, ~np.isin(split.ids, special) & (split.types == 0), embeddings)
    if not split.types.any():
        return first
    second = _means(split, ~np.isin(split.ids, special) & (split.types == 1), embeddings)
    return np.concatenate([first, second, abs(first - second), first * second], axis=1)


def _means(
    split: Split, counted: NDArray[np.bool_], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Average the counted tokens' vectors by example, (examples, hidden); 0 if no token counts."""
    example = np.repeat(np.arange(len(split)), split.lengths)[counted]
    ones = np.ones(len(example), dtype=np.float32)
    shape = (len(split), len(embeddings))
    counts = csr_matrix((ones, (example, split.ids[counted])), shape=shape)
    number = np.bincount(example, minlength=len(split)).astype(np.float32)
    means: NDArray[np.float32] = counts @ embeddings
    means /= np.maximum(number, 1)[:, np.newaxis]
    return means
