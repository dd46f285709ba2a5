"""Pre-train or load the encoder theta_0 and its tokenizer, and store them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from stages.launch import cli
from stages.tickets import settings
from stages.tickets.encoder import pretrained, theta
from stages.tickets.encoder.theta import Pretrained
from stages.tickets.language import sentences
from stages.tickets.settings.noise import Seeds, stable_seed
from stages.tickets.tasks import texts
from stages.tickets.tasks.task import Prepared, Task, hide_in_split
from stages.tickets.training import fit, predict

HELD_OUT = 500
"""Sentences on which the pre-training is scored."""


@dataclass(frozen=True)
class Params:
    encoder: settings.Encoder


def pretrain(source: settings.Pretrain) -> tuple[Pretrained, dict[str, Any]]:
    """Pre-train a small BERT by masked language modelling on the miniature language.

    Returns:
        The encoder, and a record with its accuracy on the hidden words of held-out sentences.
    """
    tokenizer, vocabulary = pretrained.word_tokenizer(sentences.WORDS)
    lines = sentences.sentences(source.sentences + HELD_OUT, source.seed)
    splits = [
        texts.tokenise(texts.Texts(part, None, np.zeros(len(part))), tokenizer, source.max_length)
        for part in (lines[HELD_OUT:], lines[:HELD_OUT])
    ]
    held_out = hide_in_split(
        splits[1], vocabulary, source.train.masked, stable_seed("held-out", source.seed)
    )
    task = Task("pretrain", "mlm", 0, ("masked_accuracy",))
    prepared = Prepared(task, vocabulary, splits[0], {"held_out": held_out})
    seeds = Seeds(
        *(stable_seed(purpose, source.seed) for purpose in ("head", "data", "dropout", "mask"))
    )
    with torch.random.fork_rng():
        torch.manual_seed(seeds.head_init)
        model = pretrained.blank(source, vocabulary)
    losses = fit.fit_(model, prepared, seeds, source.train)
    tokens = predict.predict(model, prepared)["held_out.tokens"]
    accuracy = float((tokens == held_out.labels[held_out.labels >= 0]).mean())
    record = {"source": "pretrain", "losses": losses, "masked_accuracy": round(accuracy, 4)}
    body: Any = model.cpu().base_model
    return Pretrained(
        body, model.config, pretrained.mlm_head(model), False, tokenizer, vocabulary
    ), record


def main(out: Annotated[Path, typer.Option()]) -> None:
    source = cli.read(Params).encoder
    if isinstance(source, settings.Pretrain):
        encoder, record = pretrain(source)
    else:
        encoder, record = pretrained.fetch(source), {"source": source.source}
    theta.save(encoder, record, out)


if __name__ == "__main__":
    cli.run(main)
