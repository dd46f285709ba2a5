"""What word embeddings are worth without the encoder: averaged, with a linear classifier."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.tickets.artifacts import Arrays, Split
from stages.tickets.seeds import stable_seed
from stages.tickets.tasks import Prepared


def predict(prepared: Prepared, embeddings: NDArray[np.float32]) -> Arrays:
    """Predictions of two baselines on every evaluated split, in the format of `baselines.predict`.

    `word_vectors` is a logistic regression (for regression a ridge) on the mean of the word vectors
    of a text; of a pair on both means u and v, |u - v| and u * v. It stands in for the CBoW rows that
    Prasanna et al. 2020, Table 2, quote from Wang et al. 2018, who average GloVe vectors.

    `normal_draw`, for regression alone, is what that table calls the majority class of STS-B: draws
    from a normal with mean and standard deviation of the labels, here those of the training split.

    Args:
        prepared: of a task with one label per example.
        embeddings: of the encoder's vocabulary, (words, hidden).
    """
    inputs = {
        name: _features(split, prepared.vocabulary.special, embeddings)
        for name, split in {"train": prepared.train, **prepared.evaluated}.items()
    }
    labels = prepared.train.labels
    arrays: Arrays = {}
    if prepared.task.kind == "regression":
        ridge = make_pipeline(StandardScaler(), Ridge(10.0)).fit(inputs["train"], labels)
        for name, split in prepared.evaluated.items():
            found = ridge.predict(inputs[name])
            arrays[f"word_vectors.{name}.logits"] = found.astype(np.float32).reshape(-1, 1)
            generator = np.random.default_rng(stable_seed("draw", prepared.task.name, name))
            draw = generator.normal(labels.mean(), labels.std(), (len(split), 1))
            arrays[f"normal_draw.{name}.logits"] = draw.astype(np.float32)
        return arrays
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    regression.fit(inputs["train"], labels)
    for name, split in prepared.evaluated.items():
        known = np.log(regression.predict_proba(inputs[name]) + 1e-12)
        every = np.full((len(split), prepared.task.num_labels), np.log(1e-12), dtype=np.float32)
        every[:, regression.classes_] = known
        arrays[f"word_vectors.{name}.logits"] = every
    return arrays


def _features(
    split: Split, special: tuple[int, ...], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(examples, hidden), or of a split with pairs (examples, 4 * hidden)."""
    first = _means(split, ~np.isin(split.ids, special) & (split.types == 0), embeddings)
    if not split.types.any():
        return first
    second = _means(split, ~np.isin(split.ids, special) & (split.types == 1), embeddings)
    return np.concatenate([first, second, abs(first - second), first * second], axis=1)


def _means(
    split: Split, counted: NDArray[np.bool_], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean vector of the counted tokens of each example, (examples, hidden); 0 where there is none."""
    example = np.repeat(np.arange(len(split)), split.lengths)[counted]
    sums = np.zeros((len(split), embeddings.shape[1]), dtype=np.float32)
    np.add.at(sums, example, embeddings[split.ids[counted]])
    number = np.bincount(example, minlength=len(split)).astype(np.float32)
    sums /= np.maximum(number, 1)[:, np.newaxis]
    return sums
