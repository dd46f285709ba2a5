"""What word embeddings are worth without the encoder: averaged, with a linear classifier."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.tickets import settings
from stages.tickets.files import Arrays, Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import task
from stages.tickets.tasks.baselines import log_shares
from stages.tickets.tasks.task import Prepared


def embeddings_of(
    weights: Mapping[str, NDArray[np.float32]], num_words: int
) -> NDArray[np.float32]:
    """The word embeddings among an encoder's weights, (words, hidden).

    Raises:
        ParamsError: no weights of its embeddings have as many rows as there are words.
    """
    for name, array in weights.items():
        if "embeddings" in name and array.ndim == 2 and len(array) == num_words:
            return array
    raise settings.ParamsError(
        f"encoder has no word embeddings of {num_words} words, which the stage baselines averages"
    )


def predict(
    prepared: Prepared, embeddings: NDArray[np.float32], config: settings.Baselines
) -> Arrays:
    """Predictions of two baselines on every evaluated split, in the format of `baselines.predict`.

    `word_vectors` is a logistic regression (for regression a ridge) on the mean of the word vectors
    of a text; of a pair, where the tokenizer tells its texts apart, on both means u and v, |u - v| and
    u * v. It stands in for the CBoW rows that Prasanna et al. 2020, Table 2, quote from Wang et al.
    2018, who average GloVe vectors.

    `normal_draw`, for regression alone, is what that table calls the majority class of STS-B: draws
    from a normal with mean and standard deviation of the labels, here those of the training split.

    Args:
        prepared: of a task with one label per example.
        embeddings: of the encoder's vocabulary, (words, hidden).
        config: how many examples it learns from, and its penalty.
    """
    name, train, found = prepared.task.name, prepared.train, prepared.evaluated
    labels = train.labels
    if len(train) > config.examples:
        order = np.random.default_rng(stable_seed("word vectors", name)).permutation(len(train))
        train = task.take(train, np.sort(order[: config.examples]))
    inputs = {
        split: _features(examples, prepared.vocabulary.special, embeddings)
        for split, examples in {"train": train, **found}.items()
    }
    arrays: Arrays = {}
    if prepared.task.kind == "regression":
        ridge = make_pipeline(StandardScaler(), Ridge(config.penalty))
        ridge.fit(inputs["train"], train.labels)
        for split, examples in found.items():
            logits = ridge.predict(inputs[split]).astype(np.float32)
            arrays[f"word_vectors.{split}.logits"] = logits.reshape(-1, 1)
            generator = np.random.default_rng(stable_seed("draw", name, split))
            draw = generator.normal(labels.mean(), labels.std(), (len(examples), 1))
            arrays[f"normal_draw.{split}.logits"] = draw.astype(np.float32)
        return arrays
    regression = LogisticRegression(C=1 / config.penalty, max_iter=1000)
    pipeline = make_pipeline(StandardScaler(), regression).fit(inputs["train"], train.labels)
    for split in found:
        shares = pipeline.predict_proba(inputs[split])
        logits = log_shares(shares, regression.classes_, prepared.task.num_labels)
        arrays[f"word_vectors.{split}.logits"] = logits
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
    ones = np.ones(len(example), dtype=np.float32)
    shape = (len(split), len(embeddings))
    counts = csr_matrix((ones, (example, split.ids[counted])), shape=shape)
    number = np.bincount(example, minlength=len(split)).astype(np.float32)
    means: NDArray[np.float32] = counts @ embeddings
    means /= np.maximum(number, 1)[:, np.newaxis]
    return means
