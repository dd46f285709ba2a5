"""What scores without an encoder: the majority, and a bag of words."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from stages.tickets.files import Arrays, Split
from stages.tickets.tasks.task import LABELLED, NOT_SCORED, Prepared


def predict(prepared: Prepared) -> Arrays:
    """Predictions of both baselines on every evaluated split, in the format of `evaluation.predict`.

    `majority` always says the most frequent class of the training split (the smaller number on a tie),
    its mean label, or its most frequent word. `bag_of_words` is a logistic regression (for
    regression a ridge) on the counts of word pieces, those of the two texts of a pair apart; there is
    none for masked language modelling. For spans there is neither.

    Returns:
        By `<baseline>.<split>.logits`, or `.tokens` and `.losses`; see `evaluation.predict`.
    """
    arrays: Arrays = {}
    if prepared.task.kind == "span":
        return arrays
    for split, found in prepared.evaluated.items():
        for key, array in _majority(prepared, found).items():
            arrays[f"majority.{split}.{key}"] = array
    if prepared.task.kind in LABELLED:
        for split, logits in _bag_of_words(prepared).items():
            arrays[f"bag_of_words.{split}.logits"] = logits
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


def _bag_of_words(prepared: Prepared) -> dict[str, NDArray[np.float32]]:
    counts = _counts(prepared.train, prepared.vocabulary.size)
    if prepared.task.kind == "regression":
        ridge = Ridge(solver="lsqr").fit(counts, prepared.train.labels)
        return {
            name: ridge.predict(_counts(split, prepared.vocabulary.size))
            .astype(np.float32)
            .reshape(-1, 1)
            for name, split in prepared.evaluated.items()
        }
    regression = LogisticRegression(max_iter=1000).fit(counts, prepared.train.labels)
    logits = {}
    for name, split in prepared.evaluated.items():
        shares = regression.predict_proba(_counts(split, prepared.vocabulary.size))
        logits[name] = log_shares(shares, regression.classes_, prepared.task.num_labels)
    return logits


def log_shares(
    shares: NDArray[np.float64], classes: NDArray[np.int64], num_labels: int
) -> NDArray[np.float32]:
    """Logits, (examples, num_labels), of probabilities (examples, classes) of some of the labels."""
    every = np.full((len(shares), num_labels), np.log(1e-12), dtype=np.float32)
    every[:, classes] = np.log(shares + 1e-12)
    return every


def _counts(split: Split, size: int) -> csr_matrix:
    """Counts of word pieces, (examples, 2 * size): those of first and of second texts apart."""
    example = np.repeat(np.arange(len(split)), split.lengths)
    column = split.ids + size * split.types.astype(np.int64)
    ones = np.ones(len(split.ids), dtype=np.float64)
    return csr_matrix((ones, (example, column)), shape=(len(split), 2 * size))
