"""The weights over which masks are learned and from which they are trained."""

from typing import Literal

import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import theta
from stages.tickets.encoder.theta import Encoder, copy_
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks.task import Prepared

Start = Literal["pretrained", "random", "fresh"]
"""pretrained: theta_0; random: the encoder is drawn; fresh: it is drawn by another seed. The same seed
draws the same encoder for every task; the head is that of the run."""


def model_at(
    start: Start, seed: int, encoder: Encoder, prepared: Prepared, seeds: Seeds, config: Train
) -> PreTrainedModel:
    """Build a model on the CPU at one of the starts.

    Args:
        start: the weights.
        seed: number of the run, which draws the encoder unless it is pre-trained.
        encoder: theta_0.
        prepared: the task.
        seeds: only `head_init` is used.
        config: gives dropout.
    """
    task = prepared.task
    is_drawn = start != "pretrained"
    model = theta.build(
        encoder,
        task.kind,
        task.num_labels,
        config.dropout,
        seeds.head_init,
        is_drawn,
        prepared.pairs,
    )
    if is_drawn:
        # A head takes numbers from the generator, so the encoder is that of one head for all tasks.
        drawn_by = stable_seed("encoder", start, seed)
        source = theta.build(encoder, "classification", 2, config.dropout, drawn_by, True)
        weights = dict(source.base_model.named_parameters())
        with torch.no_grad():
            for name, parameter in model.base_model.named_parameters():
                if name in encoder.weights:
                    copy_(parameter, weights[name], name)
    return model
