"""Python in the cards of models: how to load one without this project, and how to ask it."""

from collections.abc import Mapping

from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.encoder.pooling import PooledClassifier, has_types
from stages.tickets.export.markdown import python
from stages.tickets.export.model import is_whole
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Kind

OUTPUTS: Mapping[Kind, str] = {
    "classification": "print([model.config.id2label[number] for number in logits.argmax(-1).tolist()])",
    "regression": "print(logits[:, 0].tolist())",
    "mlm": """\
place = (inputs["input_ids"] == tokenizer.mask_token_id).nonzero()[0]
print(tokenizer.decode(logits[place[0], place[1]].argmax()))""",
    "span": """\
start, end = output.start_logits[0].argmax(), output.end_logits[0].argmax()
print(tokenizer.decode(inputs["input_ids"][0, start : end + 1]))""",
}
"""Python that prints what a model says, by kind of its task."""
POOLED = """\
class PooledClassifier(nn.Module):
    base_model = property(lambda self: self.{prefix})

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.{prefix} = transformers.AutoModel.from_config(config, trust_remote_code=False)
        self.{prefix}.pooler = None
        self.classifier = nn.Linear({vectors} * config.hidden_size, config.num_labels)

    def mean(self, states, chosen):
        weights = chosen.float()[..., None]
        return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        inputs = dict(input_ids=input_ids, attention_mask=attention_mask{types})
        states = self.base_model(**inputs).last_hidden_state
{pool}
        return SequenceClassifierOutput(logits=self.classifier(pooled))


"""
POOLS = {
    "mean": "        pooled = self.mean(states, attention_mask)",
    "segments": """\
        second = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        u, v = (self.mean(states, attention_mask * (second == n)) for n in (0, 1))
        pooled = torch.cat([u, v, (u - v).abs(), u * v], dim=-1)""",
}
"""Python that pools the tokens of a text or a pair, by the field of `pooling`."""
IMPORTS_POOLED = """\
import torch
import transformers
from safetensors.torch import load_file
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput


"""
LOAD_POOLED = """\
config = transformers.AutoConfig.from_pretrained(".", trust_remote_code=False)
model = PooledClassifier(config).to(config.dtype)
model.load_state_dict(load_file("pooled.safetensors"))
model.train(mode=False)
"""
LOAD_SMALLER = """\
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
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    model = {name}(config)
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
"""
LOAD_WHOLE = """\
from transformers import {name}

model = {name}.from_pretrained(".")
"""
MEANS = "Its classifier reads means of tokens, as no class of transformers does, so it takes these lines:"
TOKENIZER = """\
The tokenizer is the one it was trained with; `truncation=True` cuts as its training did."""


def how_to_load(
    model: PreTrainedModel, kind: Kind, structure: Structure | None, pair: bool
) -> list[str]:
    """Write the parts of a card that say it."""
    why = [MEANS] if isinstance(model, PooledClassifier) else []
    return [*why, python(loading(model, kind, structure)), python(asking(kind, pair)), TOKENIZER]


def loading(model: PreTrainedModel, kind: Kind, structure: Structure | None = None) -> str:
    """Write Python that loads `model` from its folder, run in there.

    Args:
        model: model of a task.
        kind: kind of the task.
        structure: what `save` was told; None for `save_whole`.
    """
    name, is_cut = type(model).__name__, structure is not None and not is_whole(structure)
    if isinstance(model, PooledClassifier):
        return pooled(model) + (LOAD_SMALLER.format(name=name) if is_cut else LOAD_POOLED)
    if is_cut:
        return LOAD_SMALLER.format(name=f"transformers.{name}")
    return LOAD_WHOLE.format(name=theta.MODELS[kind].__name__)


def pooled(model: PooledClassifier) -> str:
    """Write Python of the class of a classifier on means of tokens, with what it imports."""
    return IMPORTS_POOLED + POOLED.format(
        prefix=model.base_model_prefix,
        vectors=model.classifier.in_features // model.config.hidden_size,
        types=", token_type_ids=token_type_ids" if has_types(model.config) else "",
        pool=POOLS[model.config.text_pooling],
    )


def asking(kind: Kind, pair: bool) -> str:
    """Write Python that asks the model of `loading`, and prints what it says.

    Args:
        kind: kind of the task.
        pair: an example has two texts.
    """
    given = {
        "mlm": 'f"one word is {tokenizer.mask_token} ."',
        "span": '"a question?", "a text with the answer"',
    }.get(kind, '["a first text"], ["a second text"]' if pair else '["a text", "another"]')
    output = "" if kind == "span" else ".logits"
    return f"""\
import torch
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".", trust_remote_code=False)
inputs = tokenizer({given}, truncation=True, padding=True, return_tensors="pt")
with torch.inference_mode():
    {"output" if kind == "span" else "logits"} = model(**inputs){output}
{OUTPUTS[kind]}
"""
