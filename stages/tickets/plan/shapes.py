"""The sizes of an encoder, from its settings or its config.json."""

import importlib.util
import json
from pathlib import Path

from stages.tickets.language import sentences
from stages.tickets.plan.flops import Shape
from stages.tickets.settings import (
    FolderEncoder,
    HubEncoder,
    PackageEncoder,
    ParamsError,
    Pretrain,
    expanded,
)

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


def shape_of(
    encoder: Pretrain | HubEncoder | FolderEncoder | PackageEncoder, config: Path | None
) -> tuple[Shape, str]:
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
    if not config and isinstance(encoder, HubEncoder):
        name = encoder.name.split("/")[-1]
        if name not in BERTS:
            raise ParamsError(
                f"encoder.name is {encoder.name!r}, whose sizes are not known here; allowed without "
                f"--encoder-config are {', '.join(BERTS)}"
            )
        return Shape(*BERTS[name], *last), "Devlin et al. 2019"
    if not config and isinstance(encoder, FolderEncoder):
        config, source = expanded(encoder.path, "encoder.path") / "config.json", "its folder"
    elif not config and isinstance(encoder, PackageEncoder):
        config, source = _package(encoder) / "config.json", "its package"
    try:
        read = json.loads(Path(config or "").read_text(encoding="utf-8"))
        kind, numbers = read.get("model_type", "bert"), [int(read[key]) for key in CONFIG]
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ParamsError(
            f"{config} is no config.json of an encoder: {type(error).__name__}, {error}"
        ) from error
    if kind not in TYPES:
        raise ParamsError(f"{config} has the model_type {kind!r}, allowed are {', '.join(TYPES)}")
    layers, hidden, mlp, vocabulary, positions, types = numbers
    return Shape(layers, hidden, mlp, vocabulary, positions, types, *last), source


def _package(encoder: PackageEncoder) -> Path:
    try:
        package = importlib.util.find_spec(encoder.name)
    except ModuleNotFoundError:
        package = None
    if package is None or package.origin is None:
        raise ParamsError(
            f"encoder.name is {encoder.name!r}, but no such package is installed; --encoder-config "
            "takes a config.json in its place"
        )
    return Path(package.origin).parent / encoder.path
