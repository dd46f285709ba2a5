"""Two ways to learn a set that differentiate twice through a model, at a cost that asks for a GPU."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import AttentionInterface, PreTrainedModel

from stages.tickets.distillation.features import inputs_of
from stages.tickets.distillation.learned import Centred, Loss
from stages.tickets.distillation.sets import Sequences
from stages.tickets.encoder import cpu, device, parameters
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows
from stages.tickets.training.update import loss_of

Parameters = Mapping[str, Tensor]
BATCH = 64
"""Real examples of a batch."""
HEAD_STD = 0.02
"""Standard deviation of a classifier that is drawn anew."""


def place_(model: PreTrainedModel, prepared: Prepared) -> torch.device:
    """Fix a model on its device, with an attention that can be differentiated twice.

    Raises:
        UserError: the classifier reads means of tokens, which takes no embeddings.
    """
    if isinstance(model, PooledClassifier):
        raise UserError(
            "distil.methods has gradients or unrolled, allowed with an encoder that is pooled by means "
            "are the others"
        )
    where = device.place_(
        model.train(mode=False).requires_grad_(requires_grad=False), prepared.task.kind
    )
    if model.config.model_type in device.PLAIN_ATTENTION:
        AttentionInterface.register(device.OWN_ATTENTION, cpu.attention)
        model.set_attn_implementation(device.OWN_ATTENTION)
    else:
        model.set_attn_implementation("eager")
    return where


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
        trained = unroll(
            start,
            lambda now: _loss(model, now, prepared, inputs, centred.raw(labels)),
            log_rates.exp(),
        )
        size = min(BATCH, len(prepared.train))
        examples = np.sort(generator.choice(len(prepared.train), size, replace=False))
        return _loss(
            model, trained, prepared, *next(_batches(prepared, examples, embeddings.device))
        )

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
    everything = np.argsort(prepared.train.lengths, kind="stable")
    for inputs, labels in _batches(prepared, everything, words.device):
        value = _loss(model, live, prepared, inputs, labels) * len(labels)
        own = torch.autograd.grad(value, matrices, allow_unused=True)
        real = [
            total if gradient is None else total + gradient
            for total, gradient in zip(real, own, strict=True)
        ]

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        inputs = inputs_of(sequences, embeddings)
        value = _loss(model, live, prepared, inputs, centred.raw(labels))
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


def _batches(
    prepared: Prepared, examples: np.ndarray, where: torch.device
) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
    """Yield inputs and labels of the examples, in their order, up to BATCH at a time."""
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, where)
    for begin in range(0, len(examples), BATCH):
        batch = examples[begin : begin + BATCH]
        numbers = torch.from_numpy(batch).to(where)
        inputs, _ = rows.padded(numbers, int(prepared.train.lengths[batch].max()))
        yield inputs, rows.labels[numbers]


def _loss(
    model: PreTrainedModel,
    now: Parameters,
    prepared: Prepared,
    inputs: Mapping[str, Tensor],
    labels: Tensor,
) -> Tensor:
    """Compute the task's loss of a model with other parameters; labels may be soft."""
    taken = device.inputs_of(model, inputs, full=bool(inputs["attention_mask"].all()))
    logits = functional_call(model, dict(now), (), taken).logits
    is_scored = prepared.task.kind == "regression" and labels.ndim > 1
    return loss_of(prepared.task, logits, labels[:, 0] if is_scored else labels)
