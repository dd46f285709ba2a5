"""Models without dropped heads and neurons: cut, stored and built again.

A head loses its rows of queries, keys and values with their biases, and its columns of the attention's
output matrix; a neuron loses its row of the first matrix of its MLP with its bias, and its column of the
second. The output biases of attention and MLP stay, also in a layer that keeps no head or no neuron, so a
compact model computes what the complete model computes with zeros in place of the dropped channels. It
differs there from `encoder.removal`, by which a layer without heads loses that bias (Prasanna et al.
2020).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from stages.tickets import files, output
from stages.tickets.encoder import checkpoint, parameters, removal, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.pruning import channels as channels_
from stages.tickets.pruning.channels import Channels
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import Prepared

CHANNELS = "channels.safetensors"
"""File of a stored folder with the kept heads and neurons, one bit for each."""
RECORD = "record.json"
"""File with what `build` has to know of the task, and with the counts of `sizes`."""
WEIGHTS = "model.safetensors"
"""File with all parameters of the compact model by name, tied ones once."""


class NoContext(nn.Module):
    """A replacement for a self-attention without heads, whose context has no columns."""

    def forward(self, states: Tensor, *_: object, **__: object) -> tuple[Tensor, None]:
        return states[..., :0], None


def whole(config: PreTrainedConfig) -> Channels:
    """Return the channels of a complete model.

    Raises:
        UserError: the model is not built like BERT.
    """
    if not removal.supported(config):
        raise UserError(
            f"heads and neurons of a {config.model_type!r} cannot be dropped, allowed are encoders of "
            f"the types {', '.join(checkpoint.BERTS)}"
        )
    return channels_.whole(
        config.num_hidden_layers, config.num_attention_heads, config.intermediate_size
    )


def compact_(model: PreTrainedModel, channels: Channels) -> None:
    """Cut the heads and neurons that `channels` drops out of `model`.

    Kept weights keep their values, but in new parameters, so an optimizer made before holds the old ones.

    Args:
        model: a complete model of any task, on any device.
        channels: kept heads (layers, heads) and neurons (layers, neurons).

    Raises:
        ValueError: the type of the model is not supported, `channels` is of another shape, or the model
            lacks heads or neurons already. The model is then unchanged.
    """
    everything = whole(model.config)
    (num_layers, num_heads), num_neurons = everything.heads.shape, everything.neurons.shape[1]
    channels_.check_shape(channels, num_layers, num_heads, num_neurons)
    layers: list[Any] = list(model.base_model.encoder.layer)  # type: ignore[union-attr,arg-type]
    for number, layer in enumerate(layers):
        if layer.output.dense.in_features != model.config.intermediate_size:
            raise ValueError(f"layer {number} lacks neurons already")
    some = np.count_nonzero(channels.heads, axis=1) > 0
    # Removal would take the output bias of a layer without heads, so such layers wait.
    heads = np.where(some[:, None], channels.heads, True)
    removal.remove_(model, Structure(heads, np.ones_like(some)))
    for layer, has_heads, neurons in zip(layers, some, channels.neurons, strict=True):
        if not has_heads:
            layer.attention.self = NoContext()
            _cut_(layer.attention.output.dense, 1, np.zeros(model.config.hidden_size, np.bool_))
        if not neurons.all():
            _cut_(layer.intermediate.dense, 0, neurons)
            _cut_(layer.output.dense, 1, neurons)


def sizes(config: PreTrainedConfig, channels: Channels) -> dict[str, int]:
    """Count kept heads, neurons and parameters (`kept`), and all of them (`prunable`).

    A head has its rows of queries, keys and values with their biases and its columns of the output
    matrix; a neuron has a row with its bias and a column. Output biases stay, so they are in neither
    number. In bert-base a head has 196,800 and a neuron 1,537, and all have 84,999,168.

    Args:
        config: configuration of the complete model.
        channels: kept heads and neurons.
    """
    everything, hidden = whole(config), int(config.hidden_size)
    size = hidden // int(config.num_attention_heads)
    of_head, of_neuron = 3 * (hidden * size + size) + size * hidden, 2 * hidden + 1
    kept, prunable = (
        of_head * part.num_heads + of_neuron * part.num_neurons for part in (channels, everything)
    )
    return {
        "heads": channels.num_heads,
        "neurons": channels.num_neurons,
        "all_heads": everything.num_heads,
        "all_neurons": everything.num_neurons,
        "kept": kept,
        "prunable": prunable,
    }


def save_channels(channels: Channels, path: Path) -> None:
    """Write one bit per head and neuron."""
    files.save_mask({"heads": channels.heads, "neurons": channels.neurons}, path)


def load_channels(path: Path) -> Channels:
    """Read what `save_channels` wrote.

    Raises:
        ValueError: the file is no mask of heads and neurons.
    """
    mask = files.load_mask(path)
    if mask.keys() != {"heads", "neurons"}:
        raise ValueError(f"{path} has {sorted(mask)}, allowed are heads and neurons")
    return Channels(mask["heads"], mask["neurons"])


def save(
    model: PreTrainedModel,
    channels: Channels,
    prepared: Prepared,
    folder: Path,
    weights: bool = False,
) -> None:
    """Write the channels of a compact model, and what `build` has to know, to a folder.

    Args:
        model: a compact model of a task.
        channels: what it keeps.
        prepared: the task, whose model it is.
        folder: where the predictions of the model are.
        weights: also write all parameters, without which `build` cannot make the model.
    """
    save_channels(channels, folder / CHANNELS)
    task = prepared.task
    record = {"kind": task.kind, "num_labels": task.num_labels, "pairs": prepared.pairs}
    files.save_record(record | sizes(model.config, channels), folder / RECORD)
    if weights:
        stored = {
            name: parameter.detach().cpu().contiguous()
            for name, parameter in parameters.by_name(model).items()
        }
        with output.written(folder / WEIGHTS) as part:
            save_file(stored, part)


def build(encoder: Encoder, folder: Path, dropout: float = 0.0) -> PreTrainedModel:
    """Build a stored compact model, on the CPU, in evaluation mode.

    Args:
        encoder: content of the encoder folder, see `theta.load`.
        folder: what `save` wrote, with weights.
        dropout: probability of every dropout, for a training that goes on, in [0, 1).

    Raises:
        FileNotFoundError: the folder has no weights.
        ValueError: weights and channels do not fit together.
    """
    if not (folder / WEIGHTS).exists():
        raise FileNotFoundError(
            f"{folder / WEIGHTS} does not exist; greedy.keep_weights says which models are stored"
        )
    record = files.load_record(folder / RECORD)
    kind, num_labels, pairs = record["kind"], record["num_labels"], record["pairs"]
    model = theta.build(encoder, kind, num_labels, dropout, head_init=0, pairs=pairs)
    compact_(model, load_channels(folder / CHANNELS))
    stored, live = load_file(folder / WEIGHTS), parameters.by_name(model)
    if stored.keys() != live.keys():
        odd = sorted(stored.keys() ^ live.keys())
        raise ValueError(f"{folder / WEIGHTS} and the model differ in {odd[0]!r}")
    with torch.no_grad():
        for name, parameter in live.items():
            theta.copy_(parameter, stored[name], name)
    return model.train(mode=False)  # type: ignore[no-any-return]


def _cut_(linear: nn.Linear, dim: int, kept: NDArray[np.bool_]) -> None:
    """Keep some outputs (`dim` 0) or some inputs (1) of a linear module; the bias goes with outputs."""
    numbers = torch.from_numpy(np.flatnonzero(kept)).to(linear.weight.device)
    linear.weight = _part(linear.weight, dim, numbers)
    if dim == 0:
        linear.out_features = len(numbers)
        linear.bias = _part(linear.bias, 0, numbers)
    else:
        linear.in_features = len(numbers)


def _part(parameter: Tensor, dim: int, numbers: Tensor) -> nn.Parameter:
    return nn.Parameter(parameter.detach().index_select(dim, numbers), parameter.requires_grad)
