"""The sizes of an encoder, from its settings or its config.json."""

import json
from pathlib import Path

from stages.tickets.encoder import checkpoint
from stages.tickets.language import sentences
from stages.tickets.plan.flops import Shape
from stages.tickets.settings import Encoder, HubEncoder, ParamsError, Pretrain

VOCABULARY = 30522
"""Number of word pieces of bert-base-uncased."""
BERTS = {
    "bert-base-uncased": (12, 768, 3072, VOCABULARY, 512, 2),
    "bert-large-uncased": (24, 1024, 4096, VOCABULARY, 512, 2),
}
"""Sizes by name on the Hub without its owner, in the order of `Shape` (Devlin et al. 2019, Sec. 3)."""
CONFIG = (
    "num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings",
    "type_vocab_size",
)  # fmt: skip
"""Sizes in a config.json of transformers, in the order of `Shape`."""
TYPES = ("bert", "camembert", "roberta", "xlm-roberta")
"""Types of models that are built like BERT."""
MEANS = {"mean": 1, "segments": 4}
"""Number of vectors that a classifier reads, by `encoder.pooler`; single texts have 1."""
SPECIAL_TOKENS = 5
"""Number of special tokens in the miniature's vocabulary."""


def shape_of(encoder: Encoder, config: Path | None) -> tuple[Shape, str]:
    """Determine the sizes of an encoder, and their source.

    Args:
        encoder: section of the study.
        config: a config.json of transformers, which has priority over all but the settings.

    Raises:
        ParamsError: the sizes of the encoder are not known.
    """
    if isinstance(encoder, Pretrain):
        words = len(sentences.WORDS) + SPECIAL_TOKENS
        sizes = (encoder.layers, encoder.hidden, encoder.mlp, words, encoder.max_length)
        return Shape(*sizes, types=2, pooler=False), "encoder"
    source, last = str(config), (encoder.pooler == "pretrained", MEANS.get(encoder.pooler, 0))
    if not config:
        if isinstance(encoder, HubEncoder):
            return Shape(*_published(encoder.name), *last), "Devlin et al. 2019"
        try:
            config = checkpoint.folder_of(encoder) / checkpoint.CONFIG
        except ParamsError as error:
            raise ParamsError(
                f"{error}; --encoder-config takes a config.json in its place"
            ) from None
        source = f"its {encoder.source}"
    try:
        read = json.loads(config.read_text(encoding="utf-8"))
        kind, numbers = read.get("model_type", "bert"), [int(read[key]) for key in CONFIG]
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ParamsError(
            f"{config} is no config.json of an encoder: {type(error).__name__}, {error}"
        ) from error
    if kind not in TYPES:
        raise ParamsError(f"{config} has the model_type {kind!r}, allowed are {', '.join(TYPES)}")
    layers, hidden, mlp, vocabulary, positions, types = numbers
    return Shape(layers, hidden, mlp, vocabulary, positions, types, *last), source


def _published(name: str) -> tuple[int, int, int, int, int, int]:
    sizes = BERTS.get(name.rpartition("/")[2])
    if sizes is None:
        raise ParamsError(
            f"encoder.name is {name!r}, whose sizes are not known here; allowed without "
            f"--encoder-config are {', '.join(BERTS)}"
        )
    return sizes
