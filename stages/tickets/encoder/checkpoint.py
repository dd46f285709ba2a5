"""The small files of a checkpoint, checked without torch, before weights are fetched or read.

A checkpoint is a folder in transformers' format. Its code is never run.
"""

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.tickets.settings import FolderEncoder, PackageEncoder, ParamsError, expanded

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
BERTS = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Types of models built like BERT, whose classifier reads only the first token of the last layer."""
UNSUPPORTED: Mapping[str, str] = {
    "is_encoder_decoder": "an encoder-decoder, allowed are encoders",
    "is_decoder": "a decoder, allowed are encoders",
    "add_cross_attention": "a decoder that attends to another model, allowed are encoders",
    "pruned_heads": "without attention heads that were cut out before, allowed are models with all heads",
    "layerdrop": "a model that drops layers at random, allowed is a layerdrop of 0",
    "quantization_config": "quantised, allowed are weights in float32, float16 or bfloat16",
}
"""Keys of config.json that no encoder of ours may have, unless their value is empty or false, with
the reason."""


def folder_of(source: FolderEncoder | PackageEncoder) -> Path:
    """Return the folder of a checkpoint on this machine.

    Raises:
        ParamsError: package or folder do not exist, or a variable in the path is not set.
    """
    if isinstance(source, FolderEncoder):
        folder = expanded(source.path, "encoder.path")
    else:
        folder = _package(source.name) / source.path
    if folder.is_file():
        raise ParamsError(f"encoder.path is {source.path!r}, but {folder} is a file, not a folder")
    if not folder.is_dir():
        raise ParamsError(f"encoder.path is {source.path!r}, but there is no such folder")
    if not (folder / CONFIG).is_file():
        raise ParamsError(f"encoder.path is {source.path!r}, but {folder} has no {CONFIG}")
    return folder


def check(folder: Path, name: str) -> str:
    """Check config.json and tokenizer_config.json of a checkpoint.

    Args:
        folder: folder of the checkpoint; weights may be missing.
        name: name of the encoder in messages.

    Returns:
        The type of the model, such as bert.

    Raises:
        ParamsError: a file is no JSON, the checkpoint brings code of its own, or its model is none that
            can be trained here.
    """
    config = _content(folder / CONFIG, name)
    _check_code(config, folder, name)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise ParamsError(
            f"the encoder {name} has no model_type in its {CONFIG}, which names its architecture, "
            "such as bert"
        )
    for key, reason in UNSUPPORTED.items():
        if config.get(key):
            raise ParamsError(
                f"the encoder {name} of the architecture {_architecture(config)} is {reason}: its "
                f"{CONFIG} has the {key} {config[key]!r}"
            )
    return model_type


def reason_of(error: Exception) -> str:
    """Shorten the message of a library to its first sentence, on one line and without colours."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
    first = re.split(r"(?<=[\w)'\"`])\.(?= [A-Z(`]|$)", text)[0]
    return f"{type(error).__name__}, {first}" if first else type(error).__name__


def _architecture(config: Mapping[str, Any]) -> str:
    """Name the architecture of a config.json: the class of its model if it says so, and its type."""
    names, kind = config.get("architectures"), config["model_type"]
    return f"{names[0]} ({kind})" if isinstance(names, list) and names else repr(kind)


def _check_code(config: Mapping[str, Any], folder: Path, name: str) -> None:
    """Refuse a checkpoint that asks for code of its own, even where transformers would not run it.

    Without that code the model may compute something else than the one that was pre-trained.
    """
    files = {CONFIG: config}
    if (folder / TOKENIZER_CONFIG).is_file():
        files[TOKENIZER_CONFIG] = _content(folder / TOKENIZER_CONFIG, name)
    for file, content in files.items():
        if content.get("auto_map"):
            modules = sorted(path.name for path in folder.glob("*.py"))
            raise ParamsError(
                f"the encoder {name} brings code of its own, auto_map in its {file}"
                f"{' for ' + ', '.join(modules) if modules else ''}, and this project never runs code "
                "from a checkpoint; if transformers itself computes the same model, remove auto_map "
                "from a copy of the folder"
            )


def _content(path: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ParamsError(
            f"the encoder {name} has a {path.name} that is no JSON: {error}"
        ) from error
    if not isinstance(content, dict):
        raise ParamsError(
            f"the encoder {name} has a {path.name} that is a {type(content).__name__}, allowed is an "
            "object with keys"
        )
    return content


def _package(name: str) -> Path:
    try:
        package = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # a package that a dotted name lies in is missing
        package = None
    if package is None or package.origin is None:
        raise ParamsError(f"encoder.name is {name!r}, but no such package is installed")
    return Path(package.origin).parent
