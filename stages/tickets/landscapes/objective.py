"""The loss as a function of weights, on fixed examples, in float32 and without dropout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters
from stages.tickets.files import Split
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import NOT_SCORED, Prepared, drawn, hide_in_split, take
from stages.tickets.training.batches import Rows

Weights = Mapping[str, Tensor]
"""Weights by the names of `parameters.by_name`."""
Batch = Callable[[Weights], tuple[Tensor, Tensor]]
"""Some examples: returns the loss and the error of each, (examples,), at given weights. A hidden word of
masked language modelling counts as an example. Weights that are not given are those of the model."""

BATCH = 64
"""Examples of a batch."""


def sample(prepared: Prepared, name: str, number: int, masked: float, seed: int) -> Split:
    """Draw examples of a split by a seed; all if there are fewer.

    Args:
        prepared: task and data.
        name: `train`, or the name of an evaluated split.
        number: number of examples.
        masked: share of the words of `train` that masked language modelling hides, in (0, 1).
        seed: draws the examples, and the words to hide.
    """
    split = prepared.train if name == "train" else prepared.evaluated[name]
    examples = drawn(len(split), number, seed)
    if prepared.task.kind != "mlm":
        return take(split, examples)
    if name == "train":
        return hide_in_split(take(split, examples), prepared.vocabulary, masked, seed)
    tokens = np.concatenate([np.arange(split.starts[i], split.starts[i + 1]) for i in examples])
    return replace(take(split, examples), labels=split.labels[tokens])


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    """Copy all weights of a model in float32, each once, to the device."""
    where = device.device()
    return {
        name: parameter.detach().to(where, torch.float32, copy=True)
        for name, parameter in parameters.by_name(model).items()
    }


class _Logits(nn.Module):
    """A model as a module without batches of its own, so that its weights can be exchanged in a call."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, Tensor], hidden: Tensor | None) -> Tensor:
        return device.logits_of(self.model, inputs, hidden).float()


@dataclass(frozen=True)
class ModelBatch:
    """Some examples on the device, and the model that predicts them; a `Batch`."""

    logits: _Logits
    kind: Kind
    inputs: Mapping[str, Tensor]
    labels: Tensor
    hidden: Tensor | None
    scale: float
    """Variance of the labels of a regression."""

    def __call__(self, weights: Weights) -> tuple[Tensor, Tensor]:
        """Compute the loss and the error of each example, (examples,).

        The error is 1 for a wrong class, word or span, and else 0; for a regression it is the squared
        error over the variance of the labels.
        """
        where = self.labels.device
        named = {f"model.{name}": tensor.to(where) for name, tensor in weights.items()}
        with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
            logits = torch.func.functional_call(self.logits, named, (self.inputs, self.hidden))
        if self.kind == "regression":
            squared = (logits.squeeze(-1) - self.labels) ** 2
            return squared, squared.detach() / self.scale
        losses = nn.functional.cross_entropy(logits, self.labels, reduction="none")
        wrong = (logits.detach().argmax(1) != self.labels).float()
        if self.kind == "span":  # of starts and of ends
            return losses.mean(1), wrong.amax(1)
        return losses, wrong


def batches(model: PreTrainedModel, prepared: Prepared, split: Split, size: int) -> list[Batch]:
    """Cut a split into batches of like length on the device, on which the model predicts.

    The model is moved to the device and put into the mode of evaluation; its weights stay as they are.

    Args:
        model: any model of the task; the examples of a batch see its weights where none are given.
        prepared: task and vocabulary.
        split: the examples; for masked language modelling with a label per token.
        size: most examples of a batch.
    """
    task = prepared.task
    where = device.place_(model.train(mode=False), task.kind)
    rows = Rows.of(split, prepared.vocabulary.pad, where)
    order = np.argsort(split.lengths, kind="stable")
    logits = _Logits(model)
    scale = float(np.var(split.labels)) if task.kind == "regression" else 1.0
    made: list[Batch] = []
    for start in range(0, len(order), size):
        examples = order[start : start + size]
        numbers, lengths = torch.from_numpy(examples).to(where), split.lengths[examples]
        inputs, there = rows.padded(numbers, int(lengths.max()))
        labels, hidden = None, None
        if task.kind == "mlm":
            tokens = [np.arange(split.starts[i], split.starts[i + 1]) for i in examples]
            placed = torch.full_like(inputs["input_ids"], NOT_SCORED)
            placed[there] = torch.from_numpy(split.labels[np.concatenate(tokens)]).to(where)
            hidden = (placed.flatten() != NOT_SCORED).nonzero().flatten()
            labels = placed.flatten()[hidden]
        else:
            labels = rows.labels[numbers]
        taken = device.inputs_of(model, inputs, bool((lengths == lengths.max()).all()))
        if len(labels):
            made.append(ModelBatch(logits, task.kind, taken, labels, hidden, scale or 1.0))
    return made


def evaluate(given: Sequence[Batch], weights: Weights) -> tuple[float, float]:
    """Compute the mean loss and the mean error over all examples at given weights."""
    with torch.no_grad():
        parts = [torch.stack(batch(weights)).double().cpu() for batch in given]
    loss, error = torch.cat(parts, dim=1).mean(dim=1).tolist()
    return loss, error
