"""Folders with a model that transformers alone can read, and how: what is handed to others.

A whole model is an ordinary folder of transformers. A smaller one holds `config.json` of the whole model,
`structure.json` with the kept heads and MLPs, and its weights in `smaller.safetensors`. They are not
called `model.safetensors`, since transformers would read that, warn, and draw at random what it misses
of a removed layer.
"""

from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from stages.tickets import artifacts
from stages.tickets.structure import Structure, whole

WHOLE = "model.safetensors"
SMALLER = "smaller.safetensors"
STRUCTURE = "structure.json"

WHOLE_README = """\
# {name}

No attention head and no MLP was removed, so transformers reads this folder as any other:

```python
import transformers

model = transformers.{name}.from_pretrained(".")
```
"""

SMALLER_README = """\
# {name}, smaller

{num_heads} of {all_heads} attention heads and {num_mlps} of {all_mlps} MLPs are left; the others are not
in `smaller.safetensors`. `structure.json` names those that are left, by number, heads by layer.
`from_pretrained` of transformers cannot read this; with torch, transformers and safetensors it takes:

```python
import json
from pathlib import Path

import transformers
from safetensors.torch import load_file
from torch import nn


class NoHeads(nn.Module):
    def forward(self, states, *_, **__):
        return states, None


class OnlyNorm(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.LayerNorm = norm

    def forward(self, _, states):
        return self.LayerNorm(states)


def load(folder):
    kept = json.loads((Path(folder) / "structure.json").read_text())
    config = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.{name}(config)
    for number, layer in enumerate(model.base_model.encoder.layer):
        attention, heads = layer.attention, len(kept["heads"][number])
        if heads:
            size = heads * attention.self.attention_head_size
            for name in ("query", "key", "value"):
                setattr(attention.self, name, nn.Linear(config.hidden_size, size))
            attention.output.dense = nn.Linear(size, config.hidden_size)
        else:
            attention.self, attention.output = NoHeads(), OnlyNorm(attention.output.LayerNorm)
        if number not in kept["mlps"]:
            layer.intermediate, layer.output = nn.Identity(), OnlyNorm(layer.output.LayerNorm)
    weights = load_file(Path(folder) / "smaller.safetensors")
    model.to(config.dtype).load_state_dict(weights, strict=False)  # lacks only what is tied
    return model.train(mode=False)


model = load(".")
```
"""


def save(
    model: PreTrainedModel,
    structure: Structure,
    folder: Path,
    tokenizer: Tokenizer | None = None,
) -> None:
    """Write a folder from which `model` is loaded without this project; its README.md says how.

    Args:
        model: a classifier or masked language model, without what `structure` drops.
        structure: what is kept. Heads are counted by layer; which ones are left a model does not tell.
        folder: new, or without a model.
        tokenizer: goes into `tokenizer.json`, without truncation and padding.

    Raises:
        ValueError: `model` has heads or MLPs that `structure` drops, or lacks some.
        FileExistsError: there is a model in `folder`.
    """
    _check(model, structure)
    for name in (WHOLE, SMALLER, STRUCTURE):
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} exists")
    folder.mkdir(parents=True, exist_ok=True)
    # Weights go by the names of the model in memory, also where its checkpoint had older ones.
    model.save_pretrained(folder, save_original_format=False)
    smaller = not (structure.heads.all() and structure.mlps.all())
    if smaller:
        (folder / WHOLE).rename(folder / SMALLER)
        kept = [np.flatnonzero(heads).tolist() for heads in structure.heads]
        record = {"heads": kept, "mlps": np.flatnonzero(structure.mlps).tolist()}
        artifacts.save_record(record, folder / STRUCTURE)
    text = (SMALLER_README if smaller else WHOLE_README).format(
        name=type(model).__name__,
        num_heads=structure.num_heads,
        all_heads=structure.heads.size,
        num_mlps=structure.num_mlps,
        all_mlps=structure.mlps.size,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    if tokenizer is not None:
        plain = Tokenizer.from_str(tokenizer.to_str())
        plain.no_truncation()
        plain.no_padding()
        plain.save(str(folder / "tokenizer.json"))


def load(folder: Path) -> tuple[PreTrainedConfig, Structure, dict[str, Tensor]]:
    """Read what `save` wrote, for `removal.build`.

    Returns:
        The configuration of the whole model, what is kept, and the weights of that by name.

    Raises:
        FileNotFoundError: there is no model in `folder`.
    """
    if not (
        folder / "config.json"
    ).exists():  # or transformers takes the path for a name on the Hub
        raise FileNotFoundError(f"{folder / 'config.json'} does not exist")
    config = AutoConfig.from_pretrained(folder)
    structure = whole(config.num_hidden_layers, config.num_attention_heads)
    if not (folder / STRUCTURE).exists():
        return config, structure, load_file(folder / WHOLE)
    record = artifacts.load_record(folder / STRUCTURE)
    numbers = np.arange(config.num_attention_heads)
    structure = Structure(
        np.array([np.isin(numbers, heads) for heads in record["heads"]]),
        np.isin(np.arange(config.num_hidden_layers), record["mlps"]),
    )
    return config, structure, load_file(folder / SMALLER)


def _check(model: PreTrainedModel, structure: Structure) -> None:
    size = model.config.hidden_size // model.config.num_attention_heads
    rows = {name: len(weight) for name, weight in model.base_model.named_parameters()}
    for number, (heads, mlp) in enumerate(zip(structure.heads, structure.mlps, strict=True)):
        layer = f"encoder.layer.{number}"
        num_heads = rows.get(f"{layer}.attention.self.query.weight", 0) // size
        if num_heads != np.count_nonzero(heads):
            raise ValueError(
                f"layer {number} has {num_heads} heads, but {np.count_nonzero(heads)} are kept"
            )
        if (f"{layer}.intermediate.dense.weight" in rows) != mlp:
            raise ValueError(
                f"layer {number} has {'no' if mlp else 'an'} MLP, against the structure"
            )
