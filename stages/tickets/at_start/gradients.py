"""Scores by the gradient of a task's loss: SNIP and GraSP.

Neither writes to the model: the loss is computed of copies of its prunable matrices.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.files import Split
from stages.tickets.pruning.masks import Mask, Weights
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import objective


@dataclass(frozen=True)
class Loss:
    """The mean loss of a task over examples, as a function of the prunable matrices."""

    model: PreTrainedModel
    """Model of the task; its weights stay as they are."""
    encoder: Encoder
    prepared: Prepared
    split: Split
    temperature: float = 1.0
    """Number that logits are divided by before a cross-entropy."""

    def snip(self, mask: Mask) -> Weights:
        """Score each weight by the magnitude of weight times gradient, without dropout.

        It is the magnitude of the derivative of the loss in the entry of the mask (Lee et al. 2019).
        A matrix that the model lacks gets the score 0, and so does a dropped weight.
        """
        with self._evaluated() as where:
            leaves = self._leaves(mask, where)
            gradient = self._gradient(leaves)
            products = {n: (leaf.detach() * gradient[n]).abs() for n, leaf in leaves.items()}
        return self._scores(products, mask)

    def grasp(self, mask: Mask) -> Weights:
        """Score each weight by weight times H g, signed; g and H are gradient and Hessian of the loss.

        To remove weights of low scores reduces the norm of the gradient least, or raises it most (Wang
        et al. 2020). A matrix that the model lacks gets the score 0, and so does a dropped weight.
        """
        with self._evaluated() as where:
            leaves = self._leaves(mask, where)
            gradient = self._gradient(leaves)
            curvature = {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
            for part in self._parts(leaves):
                first = torch.autograd.grad(part, list(leaves.values()), create_graph=True)
                along = [(g * gradient[n]).sum() for n, g in zip(leaves, first, strict=True)]
                second = torch.autograd.grad(torch.stack(along).sum(), list(leaves.values()))
                for name, of_part in zip(leaves, second, strict=True):
                    curvature[name] += of_part
            products = {name: leaf.detach() * curvature[name] for name, leaf in leaves.items()}
        return self._scores(products, mask)

    @contextmanager
    def _evaluated(self) -> Iterator[torch.device]:
        """Switch dropout off for a `with` block; afterwards every module has its flag again."""
        where = device.place_(self.model, self.prepared.task.kind)
        flags = [(module, module.training) for module in self.model.modules()]
        self.model.train(mode=False)
        try:
            yield where
        finally:
            for module, flag in flags:
                module.training = flag

    def _leaves(self, mask: Mask, where: torch.device) -> dict[str, Tensor]:
        """Copy the survivors of the matrices that the model has; dropped weights are 0."""
        return {
            name: (live.detach() * torch.from_numpy(mask[name]).to(where)).requires_grad_()
            for name, live in prunable_parameters(self.model, self.encoder).items()
        }

    def _gradient(self, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the gradient of the mean loss, batch by batch."""
        total = {name: torch.zeros_like(leaf) for name, leaf in leaves.items()}
        for part in self._parts(leaves):
            gradients = torch.autograd.grad(part, list(leaves.values()))
            for name, gradient in zip(leaves, gradients, strict=True):
                total[name] += gradient
        return total

    def _parts(self, leaves: dict[str, Tensor]) -> Iterator[Tensor]:
        """Yield what each batch adds to the mean loss."""
        made = objective.batches(
            self.model, self.prepared, self.split, objective.BATCH, self.temperature
        )
        prefix = f"{self.model.base_model_prefix}."
        weights = {prefix + name: leaf for name, leaf in leaves.items()}
        scored = sum(map(len, made))
        for batch in made:
            yield batch.losses(weights).sum() / scored

    def _scores(self, products: dict[str, Tensor], mask: Mask) -> Weights:
        """Copy the scores to the CPU, with 0 for every matrix that the model lacks."""
        return {
            name: products[name].cpu().numpy()
            if name in products
            else np.zeros(kept.shape, np.float32)
            for name, kept in mask.items()
        }
