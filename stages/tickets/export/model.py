"""Folders with a model that transformers alone can read, to be handed to others.

A whole model is an ordinary folder of transformers. A smaller one holds `config.json` of the whole model,
`structure.json` with the kept heads and MLPs, and its weights in `smaller.safetensors`. They are not
called `model.safetensors`, since transformers would read that, warn, and draw at random what it misses
of a removed layer. For the same reason a whole classifier on means of tokens is in `pooled.safetensors`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from stages.tickets import files, output
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.pruning.structure import Structure, whole
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import Vocabulary

WHOLE = "model.safetensors"
POOLED = "pooled.safetensors"
SMALLER = "smaller.safetensors"
STRUCTURE = "structure.json"


def save(model: PreTrainedModel, structure: Structure, folder: Path) -> None:
    """Write a folder from which `model` is loaded without this project, as `usage.loading` says.

    Args:
        model: of a task, without what `structure` drops.
        structure: what is kept. Heads are counted by layer; which ones are left a model does not tell.
        folder: new, or without a model.

    Raises:
        ValueError: `model` has heads or MLPs that `structure` drops, or lacks some.
        FileExistsError: there is a model in `folder`.
    """
    _check(model, structure)
    for name in (WHOLE, POOLED, SMALLER, STRUCTURE):
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} exists")
    save_whole(model, folder)
    if not is_whole(structure):
        (folder / _whole(model.config)).rename(folder / SMALLER)
        kept = [np.flatnonzero(heads).tolist() for heads in structure.heads]
        record = {"heads": kept, "mlps": np.flatnonzero(structure.mlps).tolist()}
        files.save_record(record, folder / STRUCTURE)


def save_whole(model: PreTrainedModel, folder: Path) -> None:
    """Write a model of any architecture, with all of its matrices, as transformers does.

    Only the weights of a classifier on means of tokens have another name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Weights go by the names of the model in memory, also where its checkpoint had older ones.
    model.save_pretrained(folder, save_original_format=False)
    for weights in folder.glob("*.safetensors"):  # which only their owner may read
        with output.written(folder / POOLED if is_pooled(model.config) else weights) as part:
            weights.replace(part)


def save_tokenizer(
    tokenizer: Tokenizer, vocabulary: Vocabulary, max_length: int, types: bool, folder: Path
) -> None:
    """Write a tokenizer for AutoTokenizer of transformers, which tokenises as `prepare` did.

    transformers takes `tokenizer.json` as it is, and builds none of its own from the vocabulary, as it
    would for an encoder of type BERT that says no more: with lower case and word pieces.

    Args:
        tokenizer: of the encoder; truncation and padding are left out.
        vocabulary: its special tokens.
        max_length: tokens, to which `truncation=True` cuts.
        types: the model tells the two texts of a pair apart by token types.
        folder: of the model.
    """
    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.no_truncation()
    plain.no_padding()
    around = plain.encode("").ids
    names = {"pad_token": vocabulary.pad, "mask_token": vocabulary.mask}
    if len(around) == 2:  # what stands around every text
        names |= {"cls_token": around[0], "sep_token": around[1]}
    unknown = json.loads(plain.to_str())["model"].get("unk_token")
    record = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", *["token_type_ids"] * types, "attention_mask"],
        "model_max_length": max_length,
    } | {key: plain.id_to_token(number) for key, number in names.items()}
    if unknown:
        record["unk_token"] = unknown
    output.save_text(plain.to_str(pretty=True), folder / "tokenizer.json")
    files.save_record(record, folder / "tokenizer_config.json")


def describe_(model: PreTrainedModel, kind: Kind, labels: Sequence[str] | None) -> None:
    """Have the configuration of `model` say what its outputs are.

    Args:
        model: of a task.
        kind: of the task.
        labels: names of the classes; None for none.

    Raises:
        ValueError: there is not one name per class.
    """
    if kind == "classification":
        model.config.problem_type = "single_label_classification"
    elif kind == "regression":
        model.config.problem_type = "regression"
    if labels is not None:
        if len(labels) != model.config.num_labels:
            raise ValueError(f"{model.config.num_labels} classes have the names {list(labels)}")
        model.config.id2label = dict(enumerate(labels))
        model.config.label2id = {label: number for number, label in enumerate(labels)}


def load(folder: Path) -> tuple[PreTrainedConfig, Structure, dict[str, Tensor]]:
    """Read what `save` wrote, for `removal.build`.

    Returns:
        The configuration of the whole model, what is kept, and the weights of that by name.

    Raises:
        FileNotFoundError: there is no model in `folder`.
    """
    if not (folder / "config.json").exists():  # transformers would take it for a name on the Hub
        raise FileNotFoundError(f"{folder / 'config.json'} does not exist")
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    structure = whole(config.num_hidden_layers, config.num_attention_heads)
    if not (folder / STRUCTURE).exists():
        return config, structure, load_file(folder / _whole(config))
    record = files.load_record(folder / STRUCTURE)
    numbers = np.arange(config.num_attention_heads)
    structure = Structure(
        np.array([np.isin(numbers, heads) for heads in record["heads"]]),
        np.isin(np.arange(config.num_hidden_layers), record["mlps"]),
    )
    return config, structure, load_file(folder / SMALLER)


def is_pooled(config: PreTrainedConfig) -> bool:
    """Tell whether a model is a `PooledClassifier`, which transformers does not know."""
    return PooledClassifier.__name__ in (config.architectures or ())


def _whole(config: PreTrainedConfig) -> str:
    return POOLED if is_pooled(config) else WHOLE


def is_whole(structure: Structure) -> bool:
    """Tell whether nothing is removed."""
    return bool(structure.heads.all() and structure.mlps.all())


def _check(model: PreTrainedModel, structure: Structure) -> None:
    size = model.config.hidden_size // model.config.num_attention_heads
    rows = {name: len(weight) for name, weight in model.base_model.named_parameters()}
    for number, (heads, mlp) in enumerate(zip(structure.heads, structure.mlps, strict=True)):
        layer, kept = f"encoder.layer.{number}", np.count_nonzero(heads)
        present = rows.get(f"{layer}.attention.self.query.weight", 0) // size
        if present != kept:
            raise ValueError(f"layer {number} has {present} heads, but {kept} are kept")
        if (f"{layer}.intermediate.dense.weight" in rows) != mlp:
            article = "no" if mlp else "an"
            raise ValueError(f"layer {number} has {article} MLP, against the structure")
