"""The loss as a function of weights, on fixed examples, in float32 and without dropout."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedModel

from stages.tickets.encoder import device, parameters
from stages.tickets.files import Split
from stages.tickets.tasks.task import NOT_SCORED, Prepared, Task, drawn, hide_in_split, take
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import loss_of

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
        return device.logits_of(self.model, inputs, hidden)


@dataclass(frozen=True)
class ModelBatch:
    """Some examples on the device, and the model that predicts them; a `Batch`."""

    model: PreTrainedModel
    task: Task
    inputs: Mapping[str, Tensor]
    """Those that the model takes, see `device.inputs_of`."""
    labels: Tensor
    """(examples,), for spans (examples, 2); without errors also probabilities, (examples, classes)."""
    hidden: Tensor | None = None
    """Numbers of the hidden words among examples * tokens."""
    scale: float = 1.0
    """Variance of the labels of a regression."""
    temperature: float = 1.0
    """Number that logits are divided by before a cross-entropy."""

    def __len__(self) -> int:
        return len(self.labels)

    def logits(self, weights: Weights) -> Tensor:
        """Predict the examples with other weights, (examples, outputs)."""
        where = self.labels.device
        named = {f"model.{name}": tensor.to(where) for name, tensor in weights.items()}
        with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
            taken = (self.inputs, self.hidden)
            made: Tensor = torch.func.functional_call(_Logits(self.model), named, taken)
        return made if self.task.kind == "regression" else made / self.temperature

    def losses(self, weights: Weights) -> Tensor:
        """Compute the loss of each example as a training does, (examples,)."""
        return self._losses(self.logits(weights))

    def _losses(self, logits: Tensor) -> Tensor:
        def of_example(logits: Tensor, label: Tensor) -> Tensor:
            return loss_of(self.task, logits[None], label[None])

        made: Tensor = torch.vmap(of_example)(logits, self.labels)
        return made

    def __call__(self, weights: Weights) -> tuple[Tensor, Tensor]:
        """Compute the loss and the error of each example, (examples,).

        The error is 1 for a wrong class, word or span, and else 0; for a regression it is the squared
        error over the variance of the labels.
        """
        logits = self.logits(weights)
        losses = self._losses(logits)
        if self.task.kind == "regression":
            return losses, losses.detach() / self.scale
        wrong = (logits.detach().argmax(1) != self.labels).float()
        if self.task.kind == "span":  # of starts and of ends
            wrong = wrong.amax(1)
        return losses, wrong


def padded(
    rows: Rows, lengths: NDArray[np.int64], size: int
) -> Iterator[tuple[NDArray[np.int64], dict[str, Tensor], Tensor]]:
    """Cut a split into batches of like length on its device.

    Args:
        rows: the examples.
        lengths: their numbers of tokens.
        size: most examples of a batch.

    Yields:
        Numbers of the examples, their inputs, and a bool mask that is True for tokens, see `Rows.padded`.
    """
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        examples = order[start : start + size]
        numbers = torch.from_numpy(examples).to(rows.ids.device)
        yield examples, *rows.padded(numbers, int(lengths[examples].max()))


def batches(
    model: PreTrainedModel, prepared: Prepared, split: Split, size: int, temperature: float = 1.0
) -> list[ModelBatch]:
    """Cut a split into batches of like length on the device, on which the model predicts.

    The model is moved to the device and put into the mode of evaluation; its weights stay as they are.

    Args:
        model: any model of the task; the examples of a batch see its weights where none are given.
        prepared: task and vocabulary.
        split: the examples; for masked language modelling with a label per token.
        size: most examples of a batch.
        temperature: number that logits are divided by before a cross-entropy.
    """
    task = prepared.task
    where = device.place_(model.train(mode=False), task.kind)
    scale = float(np.var(split.labels)) if task.kind == "regression" else 1.0
    made: list[ModelBatch] = []
    rows = Rows.of(split, prepared.vocabulary.pad, where)
    for examples, inputs, there in padded(rows, split.lengths, size):
        hidden = None
        if task.kind == "mlm":
            tokens = [np.arange(split.starts[i], split.starts[i + 1]) for i in examples]
            placed = torch.full_like(inputs["input_ids"], NOT_SCORED)
            placed[there] = torch.from_numpy(split.labels[np.concatenate(tokens)]).to(where)
            hidden = (placed.flatten() != NOT_SCORED).nonzero().flatten()
            labels = placed.flatten()[hidden]
        else:
            labels = rows.labels[torch.from_numpy(examples).to(where)]
        taken = device.inputs_of(model, inputs, bool(there.all()))
        if len(labels):
            made.append(ModelBatch(model, task, taken, labels, hidden, scale or 1.0, temperature))
    return made


def evaluate(given: Sequence[Batch], weights: Weights) -> tuple[float, float]:
    """Compute the mean loss and the mean error over all examples at given weights."""
    with torch.no_grad():
        parts = [torch.stack(batch(weights)).double().cpu() for batch in given]
    loss, error = torch.cat(parts, dim=1).mean(dim=1).tolist()
    return loss, error
