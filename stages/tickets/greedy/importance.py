"""Importance of heads and neurons: the mean absolute activation over real tokens.

A token of a padded batch that is padding does not count, and every other counts once, whatever the size
of its batch. If a classifier reads only the first token, the last layer computes no other token (see
`device.place_`), so that importance is over first tokens there. There is no dropout.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device, gates
from stages.tickets.encoder.pooling import has_types
from stages.tickets.greedy.masking import Site, module_of
from stages.tickets.pruning.channels import Channels
from stages.tickets.tasks.task import Prepared
from stages.tickets.training.batches import Rows

BATCH = 64
Numbers = NDArray[np.int64]


class Running:
    """Sums of absolute activations by channel, and the number of tokens in them."""

    def __init__(self) -> None:
        self.total: Tensor | float = 0.0
        self.tokens = 0

    def add(self, values: Tensor, there: Tensor, channels: int) -> None:
        """Add the activations of a batch.

        Args:
            values: (examples, tokens, channels * columns of a channel).
            there: True for real tokens, (examples, tokens).
            channels: number of channels, whose columns lie side by side.
        """
        by_channel = values.abs().unflatten(-1, (channels, -1))  # type: ignore[no-untyped-call]
        by_channel = by_channel.double().mean(-1)
        self.total = self.total + by_channel.where(there[..., None], 0.0).sum((0, 1))
        self.tokens += int(there.sum())

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean absolute activation of every channel, (channels,).

        Raises:
            ValueError: nothing was added.
        """
        if not isinstance(self.total, Tensor):
            raise ValueError("importance needs one batch of examples at least, got none")
        mean: NDArray[np.float64] = (self.total / self.tokens).cpu().numpy()
        return mean


def drawn(prepared: Prepared, number: int, seed: int) -> list[Numbers]:
    """Draw training examples to measure importance on, in batches of like length.

    Args:
        prepared: task and data.
        number: number of examples, at least 1; all if there are fewer.
        seed: of the draw.
    """
    lengths = prepared.train.lengths
    examples = np.random.default_rng(seed).permutation(len(lengths))[:number]
    examples = examples[np.argsort(lengths[examples], kind="stable")]
    return [examples[start : start + BATCH] for start in range(0, len(examples), BATCH)]


def measure_(
    running: dict[Site, Running],
    model: PreTrainedModel,
    prepared: Prepared,
    batches: Iterable[Numbers],
    channels: Channels,
) -> None:
    """Add the activations of training examples to the sums of sites.

    Masks on a site itself do not count, as importance is taken before them; those on earlier sites do.
    Layers above the last site are not computed. `model` is in its mode as before afterwards.

    Args:
        running: sums by site, changed in place.
        model: on any device, maybe with masks on its channels; placed on the device.
        prepared: task and data.
        batches: numbers of training examples, by batch.
        channels: gives the numbers of heads and neurons.
    """
    is_training = model.training
    where = device.place_(model.train(mode=False), prepared.task.kind)
    rows = Rows.of(prepared.train, prepared.vocabulary.pad, where)
    there = torch.empty(0)

    def add(site: Site, _: nn.Module, given: Sequence[Tensor]) -> None:
        number = getattr(channels, site.part).shape[1]
        running[site].add(given[0], there[:, : given[0].shape[1]], number)

    hooks = [
        module_of(model, site).register_forward_pre_hook(partial(add, site), prepend=True)
        for site in running
    ]
    try:
        with torch.inference_mode(), _up_to(model, max(site.layer for site in running)):
            for examples in batches:
                lengths = prepared.train.lengths[examples]
                numbers = torch.from_numpy(examples).to(where)
                inputs, there = rows.padded(numbers, int(lengths.max()))
                full = bool((lengths == lengths.max()).all())
                given = device.inputs_of(model, inputs, full)
                if not has_types(model.config):  # they are for a classifier on segments alone
                    given.pop("token_type_ids", None)
                model.base_model(**given)
    finally:
        for hook in hooks:
            hook.remove()
        model.train(is_training)


@contextmanager
def _up_to(model: PreTrainedModel, layer: int) -> Iterator[None]:
    """Take the layers above `layer` out of a model in a `with` block."""
    layers, encoder = gates.layers_of(model), model.base_model.encoder
    setattr(encoder, "layer", layers[: layer + 1])  # noqa: B010  mypy takes it for a tensor
    try:
        yield
    finally:
        setattr(encoder, "layer", layers)  # noqa: B010


def magnitude(model: PreTrainedModel, site: Site, channels: int) -> NDArray[np.float64]:
    """Return the mean absolute weight of every channel of a site, (channels,).

    The weights of a neuron are its row of the MLP's first matrix and its column of the second; those of a
    head its rows of queries, keys and values and its columns of the attention's output matrix.

    Args:
        model: a complete model, which its masks do not change.
        site: heads or neurons of a layer.
        channels: number of channels of the site.
    """
    layer = gates.layers_of(model)[site.layer]
    names = ["attention.self.query", "attention.self.key", "attention.self.value"]
    before = names if site.part == "heads" else ["intermediate.dense"]
    rows = [layer.get_submodule(name).get_parameter("weight") for name in before]
    matrices = [*rows, module_of(model, site).get_parameter("weight").T]
    weights = torch.cat([matrix.detach().double().abs() for matrix in matrices], dim=1)
    mean: NDArray[np.float64] = weights.reshape(channels, -1).mean(1).cpu().numpy()
    return mean
