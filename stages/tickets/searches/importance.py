"""Importance of attention heads and MLPs: the expected absolute gradient of the loss in their gates.

Michel et al. 2019, Sec. 4.1; Prasanna et al. 2020, Sec. 3.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.encoder.gates import gated
from stages.tickets.files import Split
from stages.tickets.pruning.structure import Structure
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows

Rule = Literal["correct", "published"]
BATCH = 64


@dataclass(frozen=True)
class Importance:
    """Scores of all heads, (layers, heads), and of all MLPs, (layers,), dropped ones included."""

    heads: NDArray[np.float64]
    mlps: NDArray[np.float64]


def measure(
    model: PreTrainedModel,
    prepared: Prepared,
    split: Split,
    structure: Structure,
    rule: Rule = "correct",
) -> Importance:
    """Measure importance in the subnetwork `structure` of `model`, without dropout.

    The rule `correct` takes the absolute gradient of an example's loss in each gate, averaged over
    examples; heads are divided by the L2 norm of the surviving heads in their layer.

    The rule `published` is that of the authors' code, with batches of 64 in the order of the split. After
    each batch it adds the absolute value of the gradient summed over all batches so far, since the code
    never sets it to zero. Heads are divided by the L2 norm of all heads of their layer, dropped ones
    included, and MLPs by the number of tokens; then heads and MLPs are rescaled to [0, 1], each on their
    own. The result depends on the order and size of the batches.

    Args:
        model: a classifier, built like BERT.
        prepared: task and vocabulary.
        split: the examples.
        structure: kept heads and MLPs; gates of dropped elements are 0, but have gradients too.
        rule: `correct` or `published`.
    """
    where = device.place_(model.train(mode=False), prepared.task.kind)
    rows = Rows.of(split, prepared.vocabulary.pad, where)
    order = np.arange(len(split))
    if rule == "correct":  # the sum does not depend on the order
        order = np.argsort(split.lengths, kind="stable")
    totals = [torch.zeros(kept.shape, dtype=torch.float64) for kept in _parts(structure)]
    running = [torch.zeros_like(total) for total in totals]
    for start in range(0, len(order), BATCH):
        examples = order[start : start + BATCH]
        gradients = _gradients(model, prepared, split, rows, examples, structure, rule)
        for part, gradient in enumerate(gradients):
            if rule == "correct":
                totals[part] += gradient.abs().sum(0)
            else:
                running[part] += gradient
                totals[part] += running[part].abs()
    heads, mlps = (total.numpy() for total in totals)
    if rule == "correct":
        norms = np.linalg.norm(np.where(structure.heads, heads, 0), axis=1, keepdims=True)
        return Importance(heads / np.where(norms > 0, norms, 1), mlps / len(split))
    heads = heads / (np.linalg.norm(heads, axis=1, keepdims=True) + 1e-20)
    return Importance(_rescaled(heads), _rescaled(mlps / len(split.ids)))


def _parts(structure: Structure) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return structure.heads, structure.mlps


def _rescaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    reach = values.max() - values.min()
    return (values - values.min()) / reach if reach > 0 else np.zeros_like(values)


def _gradients(
    model: PreTrainedModel,
    prepared: Prepared,
    split: Split,
    rows: Rows,
    examples: NDArray[np.int64],
    structure: Structure,
    rule: Rule,
) -> tuple[Tensor, ...]:
    """Compute gradients in the gates, of the losses by example or of the mean loss of the batch."""
    numbers = torch.from_numpy(examples).to(rows.ids.device)
    lengths = split.lengths[examples]
    inputs, _ = rows.padded(numbers, int(lengths.max()))
    taken = device.inputs_of(model, inputs, bool((lengths == lengths.max()).all()))
    by_example = rule == "correct"
    with gated(
        model, structure, len(examples) if by_example else None, keep_bias=not by_example
    ) as gates:
        logits = device.logits_of(model, taken).float()
        losses = _losses(prepared, logits, rows.labels[numbers])
        loss = losses.sum() if by_example else losses.mean()
        gradients = torch.autograd.grad(loss, (gates.heads, gates.mlps), materialize_grads=True)
    return tuple(gradient.double().cpu() for gradient in gradients)


def _losses(prepared: Prepared, logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the loss of every example, (examples,)."""
    if prepared.task.kind == "regression":
        return (logits.squeeze(-1) - labels) ** 2
    return nn.functional.cross_entropy(logits, labels, reduction="none")
