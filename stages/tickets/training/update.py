"""One optimizer step on a batch, in which the host never waits for the device."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.tasks.task import Task


@dataclass(frozen=True)
class Subnetwork:
    """The live prunable matrices of a model and the mask over them."""

    parameters: Mapping[str, nn.Parameter]
    mask: Mask


def loss_of(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean cross-entropy over examples or hidden words, or the mean squared error.

    For spans it is the mean of the cross-entropies of starts and of ends over all tokens of an example,
    with `logits` (examples, tokens, 2) and `labels` (examples, 2) (Devlin et al. 2019, Sec. 4.2). The
    squared error is for regression.
    """
    if task.kind == "regression":
        return nn.functional.mse_loss(logits.float().squeeze(-1), labels)
    return nn.functional.cross_entropy(logits.float(), labels)


class Descent:
    """AdamW on parameters; dropped weights are 0 and stay 0.

    Dropped weights are set to 0 once, and their gradients before clipping in every step, so that AdamW
    never moves them.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        config: Train,
        subnetwork: Subnetwork | None,
        where: torch.device,
        factors: Mapping[nn.Parameter, float] | None = None,
    ) -> None:
        """
        Args:
            parameters: parameters on their device, without repetitions.
            config: recipe.
            subnetwork: matrices and mask; None drops nothing.
            where: the device.
            factors: factors on the learning rate of some parameters; None for 1 of all.
        """
        self.config, self.where = config, where
        self._parameters = [p for p in parameters if p.requires_grad]
        self._dropped = _drop_(subnetwork, where)
        by_factor: dict[float, list[nn.Parameter]] = {1.0: []}
        for parameter in self._parameters:
            by_factor.setdefault((factors or {}).get(parameter, 1.0), []).append(parameter)
        self._optimizer = torch.optim.AdamW(
            [
                {"params": part, "weight_decay": decay, "factor": factor}
                for factor, group in by_factor.items()
                for part, decay in (
                    ([p for p in group if p.ndim > 1], config.weight_decay),
                    ([p for p in group if p.ndim <= 1], 0.0),
                )
            ],
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.epsilon,
            fused=True,
        )

    def set_rate(self, rate: float) -> None:
        """Set the learning rate from the next step on; a group of parameters takes its factor of it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]

    def __call__(self, loss: Tensor) -> None:
        """Take a step; parameters that `loss` does not depend on stay, and so do their moments."""
        loss.backward()  # type: ignore[no-untyped-call]
        for parameter, kept in self._dropped:
            if parameter.grad is not None:
                parameter.grad.mul_(kept)
        nn.utils.clip_grad_norm_(self._parameters, self.config.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)


class Update:
    """One step on a batch of a task."""

    def __init__(self, model: PreTrainedModel, task: Task, descent: Descent) -> None:
        """
        Args:
            model: a model that `device.place_` has placed.
            task: its kind decides on the loss.
            descent: optimizer of the parameters of `model`, and maybe of others.
        """
        self._model, self._task, self._descent = model, task, descent

    def __call__(
        self, inputs: Mapping[str, Tensor], labels: Tensor, hidden: Tensor | None = None
    ) -> Tensor:
        """Take a step.

        Args:
            inputs: the inputs that the model takes, on its device.
            labels: class numbers, floats or starts and ends by example, or ids by hidden word.
            hidden: numbers of the hidden words among examples * tokens; None for other tasks.

        Returns:
            The loss before the step, on the device.
        """
        where, bf16 = self._descent.where, self._descent.config.precision == "bf16"
        # Each weight is cast once a step, so a cache of casts would only hold memory.
        with torch.autocast(where.type, torch.bfloat16, bf16, cache_enabled=False):
            logits = device.logits_of(self._model, inputs, hidden)
        loss = loss_of(self._task, logits, labels)
        self._descent(loss)
        return loss.detach()


def _drop_(subnetwork: Subnetwork | None, where: torch.device) -> list[tuple[nn.Parameter, Tensor]]:
    """Set dropped weights to 0; return each matrix with its mask as 0 and 1 on the device."""
    if subnetwork is None:
        return []
    pairs = [
        (parameter, torch.from_numpy(subnetwork.mask[name]).to(where, parameter.dtype))
        for name, parameter in subnetwork.parameters.items()
    ]
    with torch.no_grad():
        for parameter, kept in pairs:
            parameter.mul_(kept)
    return pairs
