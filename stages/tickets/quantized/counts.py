"""How many weights and activations of a model are quantized, complete or compact."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.quantized import attached


def num_weights(model: PreTrainedModel) -> int:
    """Count the weights of the linear modules that quantizers are put on; biases are none."""
    return sum(module.weight.numel() for module in attached.linears(model).values())


def num_activations(model: PreTrainedModel, tokens: int) -> int:
    """Count the activations that quantizers round for an example of `tokens` tokens.

    They are the inputs of the linear modules, each tensor once: queries, keys and values of a layer read
    the same. A pooler reads one token.

    Args:
        model: complete or compact, on any device.
        tokens: length of the example.
    """
    read: list[Tensor] = []  # kept, so that no other tensor takes the place of one in memory

    def see(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        if all(given[0] is not other for other in read):
            read.append(given[0])

    hooks = [module.register_forward_pre_hook(see) for module in attached.linears(model).values()]
    where, training = next(model.parameters()).device, model.training
    try:
        with torch.no_grad():
            model.train(mode=False).base_model(
                input_ids=torch.zeros(1, 2, dtype=torch.int64, device=where)
            )
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return sum(given.shape[-1] * (tokens if given.ndim == 3 else 1) for given in read)
