"""Files of quantized models: true integers, their scales and zeros, and floats for all else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from stages.tickets import files, output
from stages.tickets.encoder import parameters, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.greedy import compact
from stages.tickets.pruning.channels import Channels
from stages.tickets.quantized import attached, bits, counts, integers
from stages.tickets.quantized.attached import QuantizedEmbedding, QuantizedLinear
from stages.tickets.quantized.quantizers import Fixed, Rows, Values
from stages.tickets.settings.quantized import FULL
from stages.tickets.tasks.task import Prepared

TENSORS = "model.safetensors"
"""File with a tensor for every parameter by name: int8 for 8 bits, uint8 with several numbers in a byte
for 4 and 2, else floats. `<name>.scale` has the scale of every row, and `<module>.input.scale` and
`.zero` those of what a module reads."""
RECORD = "record.json"
SCALE, INPUT_SCALE, INPUT_ZERO = ".scale", ".input.scale", ".input.zero"


def tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return what is stored of a model with quantizers, on the CPU."""
    modules = dict(model.named_modules())
    rows: dict[int, Rows] = {
        id(module.weight): module.rows
        for module in modules.values()
        if isinstance(module, QuantizedLinear | QuantizedEmbedding) and module.rows
    }
    made: dict[str, Tensor] = {}
    for name, parameter in parameters.by_name(model).items():
        values = parameter.detach()
        if quantizer := rows.get(id(parameter)):
            made[name] = integers.packed(quantizer.integers(values).cpu(), quantizer.bits)
            made[name + SCALE] = quantizer.scales()
        else:
            made[name] = values
    for name, module in modules.items():
        if isinstance(module, QuantizedLinear) and isinstance(module.values, Values):
            scale, zero = module.values.grid()
            made[name + INPUT_SCALE], made[name + INPUT_ZERO] = scale, zero.to(torch.uint8)
    return {name: tensor.cpu().contiguous() for name, tensor in made.items()}


def save(
    model: PreTrainedModel,
    arm: str,
    channels: Channels | None,
    prepared: Prepared,
    tokens: int,
    folder: Path,
) -> None:
    """Write a quantized model, and a record of what `build` has to know and of counts.

    The record has the name of the arm, what the model keeps (`kept` of `prunable` parameters of the
    layers), the numbers of quantized `weights` and `activations` and their bits, and the `bytes` of the
    tensors' file.

    Args:
        model: with quantizers, complete or compact.
        arm: name of the arm.
        channels: what a compact model keeps; None of a complete model.
        prepared: the task, whose model it is.
        tokens: length of the example whose activations are counted.
        folder: where the predictions of the model are.
    """
    if channels:
        compact.save_channels(channels, folder / compact.CHANNELS)
    with output.written(folder / TENSORS) as part:
        save_file(tensors(model), part)
    task, of_arm = prepared.task, bits.of_arm(arm)
    about = {"kind": task.kind, "num_labels": task.num_labels, "pairs": prepared.pairs, "arm": arm}
    counted = {
        "weights": counts.num_weights(model),
        "activations": counts.num_activations(model, tokens),
        "tokens": tokens,
        "weight_bits": of_arm.weights,
        "activation_bits": of_arm.activations,
        "embedding_bits": of_arm.embeddings,
        "bytes": (folder / TENSORS).stat().st_size,
    }
    sizes: Mapping[str, Any] = compact.sizes(model.config, channels) if channels else {}
    files.save_record({**sizes, **about, **counted}, folder / RECORD)


def build(encoder: Encoder, folder: Path) -> PreTrainedModel:
    """Build a stored model, on the CPU, in evaluation mode.

    Its weights are integers times scales, and the inputs of its linear modules are rounded to the stored
    grids in every pass, so that it predicts what was predicted when it was stored.

    Args:
        encoder: content of the encoder folder, see `theta.load`; of its weights only the shapes matter.
        folder: what `save` wrote.

    Raises:
        FileNotFoundError: the folder has no such files.
        ValueError: tensors and model do not fit together.
    """
    record = files.load_record(folder / RECORD)
    kind, num_labels, pairs = record["kind"], record["num_labels"], record["pairs"]
    model = theta.build(encoder, kind, num_labels, dropout=0.0, head_init=0, pairs=pairs)
    if (folder / compact.CHANNELS).exists():
        compact.compact_(model, compact.load_channels(folder / compact.CHANNELS))
    of_arm, stored = bits.of_arm(record["arm"]), load_file(folder / TENSORS)
    tables = {id(table.weight) for table in attached.embeddings(model).values()}
    with torch.no_grad():
        for name, parameter in parameters.by_name(model).items():
            if name not in stored:
                raise ValueError(f"{folder / TENSORS} lacks {name!r}, which the model has")
            values, scales = stored.pop(name), stored.pop(name + SCALE, None)
            if scales is not None:
                width = of_arm.embeddings if id(parameter) in tables else of_arm.weights
                numbers = integers.unpacked(values, width, parameter.shape[1])
                values = numbers * scales[:, None]
            theta.copy_(parameter, values, name)
    names = [name.removesuffix(INPUT_SCALE) for name in stored if name.endswith(INPUT_SCALE)]
    grids = {
        name: Fixed(
            stored.pop(name + INPUT_SCALE), stored.pop(name + INPUT_ZERO), of_arm.activations
        )
        for name in names
    }
    if (of_arm.weights, of_arm.activations) != (FULL, FULL):
        attached.attach_fixed_(model, grids)
    if stored:
        raise ValueError(f"{folder / TENSORS} has {min(stored)!r}, which the model has not")
    return model.train(mode=False)  # type: ignore[no-any-return]
