"""How texts are tokenised."""

import numpy as np
import pytest

from stages.tickets.tasks import texts
from stages.tickets.tasks.texts import Texts
from tests.conftest import Words


def test_sentences_are_tokenised_with_special_tokens(words: Words) -> None:
    tokenizer, _ = words
    split = texts.tokenise(
        Texts(["the cat", "a dog sees a unicorn"], None, np.array([1, 0])), tokenizer, 12
    )
    tokens = [tokenizer.id_to_token(number) for number in split.ids]
    assert tokens == [
        *("[CLS]", "the", "cat", "[SEP]"),
        *("[CLS]", "a", "dog", "sees", "a", "[UNK]", "[SEP]"),
    ]
    assert split.starts.tolist() == [0, 4, 11]
    assert not split.types.any()
    assert split.labels.tolist() == [1, 0]
    dtypes = [array.dtype.name for array in (split.ids, split.types, split.starts)]
    assert dtypes == ["int32", "int8", "int64"]


def test_pairs_are_tokenised_with_token_types(words: Words) -> None:
    tokenizer, _ = words
    split = texts.tokenise(Texts(["the cat"], ["a dog sees"], np.array([0.5])), tokenizer, 12)
    tokens = [tokenizer.id_to_token(number) for number in split.ids]
    assert tokens == ["[CLS]", "the", "cat", "[SEP]", "a", "dog", "sees", "[SEP]"]
    assert split.types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("seconds", [None, ["a dog sees the old old cats"]])
def test_long_inputs_are_cut_and_keep_their_special_tokens(
    words: Words, seconds: list[str] | None
) -> None:
    tokenizer, _ = words
    long = Texts(["the old old old cat sleeps not"], seconds, np.array([1]))
    split = texts.tokenise(long, tokenizer, 8)
    assert len(split.ids) == 8
    assert tokenizer.id_to_token(split.ids[0]) == "[CLS]"
    assert tokenizer.id_to_token(split.ids[-1]) == "[SEP]"
    assert len(set(split.types.tolist())) == (2 if seconds else 1)
