"""Two ways to learn a set that differentiate twice through a model, at a cost that asks for a GPU."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.distillation.features import inputs_of
from stages.tickets.distillation.learned import Centred, Loss
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import device, parameters
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared, take
from stages.tickets.training import objective
from stages.tickets.training.objective import ModelBatch

Parameters = Mapping[str, Tensor]
HEAD_STD = 0.02
"""Standard deviation of a classifier that is drawn anew."""


def place_(model: PreTrainedModel, prepared: Prepared) -> None:
    """Fix a model on its device.

    Raises:
        UserError: the classifier reads means of tokens, which takes no embeddings.
    """
    if isinstance(model, PooledClassifier):
        raise UserError(
            "distil.methods has gradients or unrolled, allowed with an encoder that is pooled by means "
            "are the others"
        )
    model.train(mode=False).requires_grad_(requires_grad=False)
    device.place_(model, prepared.task.kind)


def unroll(start: Parameters, loss: Callable[[Parameters], Tensor], rates: Tensor) -> Parameters:
    """Take steps of gradient descent that can be differentiated in all that `loss` and `rates` hold.

    Args:
        start: parameters, which do not change.
        loss: a function of the parameters.
        rates: the learning rate of every step, (steps,).
    """
    now = {name: value.detach().clone().requires_grad_() for name, value in start.items()}
    for rate in rates:
        gradients = torch.autograd.grad(
            loss(now), list(now.values()), create_graph=True, allow_unused=True
        )
        now = {
            name: value if gradient is None else value - rate * gradient
            for (name, value), gradient in zip(now.items(), gradients, strict=True)
        }
    return now


def unrolled_loss(
    model: PreTrainedModel,
    prepared: Prepared,
    sequences: Sequences,
    centred: Centred,
    log_rates: Tensor,
    seed: int,
) -> Loss:
    """Make the loss of a set: that of a batch of real examples after a few steps on the set.

    Every call draws another head and another batch. Maekawa et al. 2023, with labels that are free.

    Args:
        model: theta_0 as `place_` leaves it.
        prepared: task and data.
        sequences: gives lengths and token types.
        centred: gives labels their centre and scale back.
        log_rates: logarithm of the learning rate of every step, on the device.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    head = {id(parameter) for parameter in parameters.head(model)}

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        start = {
            name: _drawn(p, generator) if id(p) in head else p
            for name, p in model.named_parameters()
        }
        inputs = inputs_of(sequences, embeddings)
        few = _on_set(model, prepared, inputs, centred.raw(labels))
        trained = unroll(start, lambda now: few.losses(now).mean(), log_rates.exp())
        size = min(objective.BATCH, len(prepared.train))
        examples = np.sort(generator.choice(len(prepared.train), size, replace=False))
        (real,) = objective.batches(model, prepared, take(prepared.train, examples), size)
        return real.losses(trained).mean()

    return loss


def gradient_loss(
    model: PreTrainedModel, prepared: Prepared, sequences: Sequences, centred: Centred
) -> Loss:
    """Make the loss of a set: 1 less the cosine of its gradient and the real one, mean over matrices.

    Zhao et al. 2021, with the parameters of a stored model, and all classes at once.

    Args:
        model: a model at a point of the dense training, as `place_` leaves it.
        prepared: task and data.
        sequences: gives lengths and token types.
        centred: gives labels their centre and scale back.
    """
    words = model.get_input_embeddings().get_parameter("weight")
    live = {
        name: p.detach().clone().requires_grad_(p.ndim > 1 and p is not words)
        for name, p in model.named_parameters()
    }
    matrices = [value for value in live.values() if value.requires_grad]
    real = [torch.zeros_like(matrix) for matrix in matrices]
    for batch in objective.batches(model, prepared, prepared.train, objective.BATCH):
        own = torch.autograd.grad(batch.losses(live).sum(), matrices, allow_unused=True)
        real = [
            total if gradient is None else total + gradient
            for total, gradient in zip(real, own, strict=True)
        ]

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        inputs = inputs_of(sequences, embeddings)
        value = _on_set(model, prepared, inputs, centred.raw(labels)).losses(live).mean()
        own = torch.autograd.grad(value, matrices, create_graph=True, allow_unused=True)
        return mean_distance(own, real)

    return loss


def mean_distance(own: Sequence[Tensor | None], real: Sequence[Tensor]) -> Tensor:
    """Return the mean of 1 less the cosine of gradients, over those that are there and not 0."""
    distances = [
        1 - nn.functional.cosine_similarity(gradient.flatten(), other.flatten(), dim=0)
        for gradient, other in zip(own, real, strict=True)
        if gradient is not None and other.any()
    ]
    return torch.stack(distances).mean()


def _drawn(parameter: nn.Parameter, generator: np.random.Generator) -> Tensor:
    if parameter.ndim == 1:
        return torch.zeros_like(parameter)
    drawn = generator.standard_normal(tuple(parameter.shape), dtype=np.float32) * HEAD_STD
    return torch.from_numpy(drawn).to(parameter)


def _on_set(
    model: PreTrainedModel, prepared: Prepared, inputs: Mapping[str, Tensor], labels: Tensor
) -> ModelBatch:
    """Make a batch of a set's sequences, whose labels may be soft."""
    taken = device.inputs_of(model, inputs, full=bool(inputs["attention_mask"].all()))
    is_scored = prepared.task.kind == "regression"
    return ModelBatch(model, prepared.task, taken, labels[:, 0] if is_scored else labels)
