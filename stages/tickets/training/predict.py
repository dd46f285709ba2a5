"""Predict with a model, and keep the predictions in a form from which scores need no model."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device
from stages.tickets.files import Arrays, Split
from stages.tickets.settings import Kind
from stages.tickets.tasks.task import LABELLED, NOT_SCORED, Prepared
from stages.tickets.training.batches import Rows

TOKENS_PER_BATCH = 16_384


def predict(model: PreTrainedModel, prepared: Prepared) -> Arrays:
    """Predict every evaluated split, in the order of its examples, in float32.

    The choice of the examples in a batch changes logits by rounding, a relative change below 1e-5.

    Returns:
        Arrays `<split>.logits`, (examples, outputs), or for spans (tokens, 2), logits of start and end,
        the examples one after another. For masked language modelling, whose logits over the vocabulary
        would be large, arrays `<split>.tokens` and `<split>.losses`, (words,): the most likely token of
        each hidden word, and its cross-entropy in nats.
    """
    arrays: Arrays = {}
    for name, split in prepared.evaluated.items():
        for key, array in _predict_split(model, prepared, split).items():
            arrays[f"{name}.{key}"] = array
    return arrays


def _predict_split(model: PreTrainedModel, prepared: Prepared, split: Split) -> Arrays:
    """Predict a split in batches of like length, each with at most TOKENS_PER_BATCH padded tokens."""
    where = device.place_(model.train(mode=False), prepared.task.kind)
    rows = Rows.of(split, prepared.vocabulary.pad, where)
    order = np.argsort(split.lengths, kind="stable")
    pieces: list[Arrays] = []
    with torch.inference_mode():
        start = 0
        while start < len(order):
            num = 1
            while (
                start + num < len(order)
                and (num + 1) * split.lengths[order[start + num]] <= TOKENS_PER_BATCH
            ):
                num += 1
            examples = order[start : start + num]
            length = int(split.lengths[examples[-1]])
            inputs, there = rows.padded(torch.from_numpy(examples).to(where), length)
            full = bool(split.lengths[examples[0]] == length)
            taken = device.inputs_of(model, inputs, full)
            if prepared.task.kind != "mlm":
                logits = device.logits_of(model, taken).float()
                kept = logits[there] if prepared.task.kind == "span" else logits
                pieces.append({"logits": kept.cpu().numpy()})
            else:
                tokens = [np.arange(split.starts[i], split.starts[i + 1]) for i in examples]
                of_tokens = torch.from_numpy(split.labels[np.concatenate(tokens)]).to(where)
                labels = torch.full_like(inputs["input_ids"], NOT_SCORED)
                labels[there] = of_tokens
                hidden = (labels.flatten() != NOT_SCORED).nonzero().flatten()
                wanted = labels.flatten()[hidden]
                logits = device.logits_of(model, taken, hidden).float()
                losses = nn.functional.cross_entropy(logits, wanted, reduction="none")
                pieces.append(
                    {
                        "tokens": logits.argmax(-1).cpu().numpy().astype(np.int32),
                        "losses": losses.cpu().numpy(),
                    }
                )
            start += num
    back = np.argsort(_numbers(order, split, prepared.task.kind), kind="stable")
    return {key: np.concatenate([piece[key] for piece in pieces])[back] for key in pieces[0]}


def _numbers(order: NDArray[np.int64], split: Split, kind: Kind) -> NDArray[np.int64]:
    """List the numbers of the predicted examples, tokens or hidden words, in the order `order`."""
    if kind in LABELLED:
        return order
    tokens = np.concatenate([np.arange(split.starts[i], split.starts[i + 1]) for i in order])
    return tokens if kind == "span" else tokens[split.labels[tokens] != NOT_SCORED]
