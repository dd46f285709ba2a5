"""Learn a set's embeddings and labels by gradient descent on a loss that a method gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.tickets.distillation.sets import Sequences, targets
from stages.tickets.settings import SetOfSequences
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.training import fit
from stages.tickets.training.fit import TrainingError

Loss = Callable[[Tensor, Tensor], Tensor]
"""Function of embeddings (sequences, tokens, size) and centred labels (sequences, outputs)."""


@dataclass(frozen=True)
class Centred:
    """Labels less their centre, over their scale: probabilities less 1/classes, standardised scores."""

    task: Task
    centre: float
    scale: float
    real: NDArray[np.float32]
    """Centred labels of all training examples, (examples, outputs)."""

    @classmethod
    def of(cls, prepared: Prepared) -> "Centred":
        task, labels = prepared.task, targets(prepared.task, prepared.train.labels)
        centre, scale = 1 / task.num_labels, 1.0
        if task.kind == "regression":
            centre, scale = float(labels.mean()), float(labels.std()) or 1.0
        return cls(task, centre, scale, ((labels - centre) / scale).astype(np.float32))

    def centred(self, labels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centre and scale the labels of a set, (sequences, outputs)."""
        return (labels - np.float32(self.centre)) / np.float32(self.scale)

    def raw(self, labels: Tensor) -> Tensor:
        """Give centred labels their centre and scale back."""
        return labels * self.scale + self.centre

    def labels(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make labels to train on: probabilities are cut to [0, 1] and divided by their sum."""
        if self.task.kind == "regression":
            return raw
        cut = raw.clip(0, 1)
        total = cut.sum(axis=1, keepdims=True)
        even = np.full_like(cut, 1 / self.task.num_labels)
        np.divide(cut, total, out=even, where=total > 0)
        return even


def learn(
    start: Sequences,
    centred: Centred,
    losses: Sequence[Loss],
    config: SetOfSequences,
    word_std: float,
    where: torch.device,
    others: Sequence[Tensor] = (),
) -> tuple[Sequences, dict[str, Any]]:
    """Learn a set with Adam, the losses in turn, at rates that decay linearly to 0.

    Args:
        start: the set to begin with; without a step, the result equals it.
        centred: what labels are before the loss, and after the last step.
        losses: a loss per encoder.
        config: number of steps, and rates.
        word_std: standard deviation of the matrix of word embeddings, which the rate is a multiple of.
        where: the device.
        others: more tensors to learn in place, at the rate of labels.

    Returns:
        The set, and a record: `losses`, as in `fit.history`; `moved`, the root of the mean square by
        which embeddings of tokens have moved; `word_std`; `lowest_label` and `highest_label` before they
        are cut.

    Raises:
        TrainingError: a loss is not finite.
    """
    embeddings = torch.tensor(start.embeddings, device=where, requires_grad=True)
    labels = torch.from_numpy(centred.centred(start.labels)).to(where)
    change = torch.zeros_like(labels, requires_grad=True)
    adam = torch.optim.Adam(
        [
            {"params": [embeddings], "lr": config.embeddings * word_std},
            {"params": [change, *others], "lr": config.labels},
        ]
    )
    decay = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1 - step / max(config.steps, 1))
    values = []
    for step in range(config.steps):
        loss = losses[step % len(losses)](embeddings, labels + change)
        values.append(loss.detach())
        if not torch.isfinite(values[-1]):
            raise TrainingError(
                f"the loss of the set for task {centred.task.name!r} is {float(values[-1])} in step "
                f"{step + 1} of {config.steps}; lower distil.set.embeddings or distil.set.labels"
            )
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        decay.step()
    new = embeddings.detach().cpu().numpy()
    learned: NDArray[np.float32] = change.detach().cpu().numpy()
    raw = start.labels + learned * np.float32(centred.scale)
    moved = (new - start.embeddings)[start.there].astype(np.float64)
    record = {
        "losses": fit.history(values),
        "moved": float(np.sqrt(np.square(moved).mean())),
        "word_std": word_std,
        "lowest_label": float(raw.min()),
        "highest_label": float(raw.max()),
    }
    return replace(start, embeddings=new, labels=centred.labels(raw)), record
