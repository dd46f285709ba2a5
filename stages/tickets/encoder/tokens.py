"""The tokenizer of a checkpoint: loaded, and checked beside the word embeddings of its model."""

import importlib.util
import re
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stages.tickets.encoder.checked import counted_from
from stages.tickets.encoder.checkpoint import reason_of
from stages.tickets.settings import ParamsError
from stages.tickets.tasks.task import Vocabulary

SAMPLES = (
    ("Which cats sleep?", "The 2 old cats sleep."),
    ("\u2603 \u6f22\u5b57", "na\u00efve \U0001f600"),
)
"""Pairs of texts, with characters that few vocabularies have."""
SENTENCEPIECE = {"protobuf", "sentencepiece"}
"""Packages that read a vocabulary of SentencePiece, a file that ends in `.model`."""
PACKAGES = {
    *SENTENCEPIECE, "emoji", "fugashi", "ipadic", "jieba", "mistral_common", "phonemizer", "pythainlp",
    "rhoknp", "rjieba", "sacremoses", "sudachipy", "tiktoken", "unidic", "unidic_lite",
}  # fmt: skip
"""Packages that tokenizers of transformers need, by their names on PyPI."""


def load(where: dict[str, str], folder: Path, name: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a checkpoint without running any code that the checkpoint brings.

    Args:
        where: arguments of `from_pretrained` that name the checkpoint.
        folder: folder with the small files of the checkpoint.
        name: name of the encoder in messages.

    Raises:
        ParamsError: the tokenizer cannot be loaded; the message names a missing package.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            **where, use_fast=True, trust_remote_code=False
        )
    except Exception as error:
        packages = missing_packages(error, folder)
        reason = reason_of(error)
        if packages:
            reason = (
                f"it needs {' and '.join(packages)}, which a tokenizer.json in its place does not"
            )
        elif "sentencepiece or tiktoken" in str(error):
            reason = "there is no tokenizer.json"
        raise ParamsError(
            f"the encoder {name} has a tokenizer that cannot be loaded: {reason}"
        ) from error
    return tokenizer


def missing_packages(error: Exception, folder: Path) -> list[str]:
    """List the packages that a tokenizer needs and that are not installed.

    transformers asks for tiktoken if it cannot read a file of SentencePiece, and for either of them if
    there is no file at all.
    """
    needed = PACKAGES & set(re.findall(r"\w+", str(error).lower()))
    if "tiktoken" in needed:
        needed -= {"tiktoken", *SENTENCEPIECE} if "sentencepiece" in needed else set()
        if any(folder.glob("*.model")):
            needed = needed - {"tiktoken"} | SENTENCEPIECE
    return sorted(package for package in needed if not _installed(package))


def _installed(package: str) -> bool:
    module = {"protobuf": "google.protobuf"}.get(package, package.replace("-", "_"))
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # `google` is missing
        return False


def vocabulary_of(
    tokenizer: PreTrainedTokenizerBase, body: PreTrainedModel, name: str
) -> tuple[Tokenizer, Vocabulary]:
    """Check a tokenizer beside the word embeddings of its model, and return it with its vocabulary.

    More embeddings than words are normal, since some models pad them to a round number.

    Raises:
        ParamsError: the tokenizer is not fast, knows no words, lacks the token of padding or masking,
            or has ids that the model has no embedding for.
    """
    fast = getattr(tokenizer, "backend_tokenizer", None)
    kind = type(tokenizer).__name__
    if not isinstance(fast, Tokenizer):
        raise ParamsError(f"the encoder {name} has no fast tokenizer, but a {kind}")
    fast.no_truncation()
    fast.no_padding()
    numbers = fast.get_vocab(with_added_tokens=True)
    if not numbers.keys() - {*tokenizer.all_special_tokens}:
        raise ParamsError(
            f"the encoder {name} has no tokenizer: transformers made a {kind} without words of its "
            "own; allowed is a folder with tokenizer.json"
        )
    for token, number in {"pad": tokenizer.pad_token_id, "mask": tokenizer.mask_token_id}.items():
        if number is None:
            raise ParamsError(
                f"the encoder {name} has no fast tokenizer with a {token} token; its "
                f"tokenizer_config.json can name it as {token}_token"
            )
    rows = len(body.get_input_embeddings().get_parameter("weight"))
    word = max(numbers, key=lambda text: (numbers[text], text))
    if numbers[word] >= rows:
        raise ParamsError(
            f"the encoder {name} has {rows} word embeddings, for ids up to {rows - 1}, but its tokenizer "
            f"has {len(numbers)} words, of which {word!r} has the id {numbers[word]}; take the tokenizer "
            "of the model, or an encoder that was trained with all its words"
        )
    _check_samples(fast, rows, name)
    start = counted_from(body)
    if start is not None and start != tokenizer.pad_token_id:
        raise ParamsError(
            f"the encoder {name} counts positions from the padding with the id {start}, but its "
            f"tokenizer pads with the id {tokenizer.pad_token_id}"
        )
    special = tuple(sorted(number for number in tokenizer.all_special_ids if number is not None))
    vocabulary = Vocabulary(
        max(numbers.values()) + 1, tokenizer.pad_token_id, tokenizer.mask_token_id, special
    )
    return fast, vocabulary


def _check_samples(tokenizer: Tokenizer, rows: int, name: str) -> None:
    """Check what the tokenizer makes of texts, since its special tokens have ids of their own."""
    for first, second in SAMPLES:
        try:
            ids = [*tokenizer.encode(first).ids, *tokenizer.encode(first, second).ids]
        except Exception as error:
            raise ParamsError(
                f"the encoder {name} has a tokenizer that cannot read {first!r}: {reason_of(error)}"
            ) from error
        if max(ids, default=0) >= rows:
            raise ParamsError(
                f"the encoder {name} has a tokenizer that gives the id {max(ids)}, but {rows} word "
                "embeddings"
            )
