"""The pre-trained encoder theta_0 and its tokenizer: pre-trained here, or loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from stages import cli
from stages.tickets import encoder as encoders
from stages.tickets import evaluation, language, params, pretrained, texts, training
from stages.tickets.encoder import Pretrained
from stages.tickets.seeds import Seeds, stable_seed
from stages.tickets.tasks import Prepared, Task, hide_in_split

HELD_OUT = 500
"""Sentences on which the pre-training is scored."""


@dataclass(frozen=True)
class Params:
    encoder: params.Encoder


def pretrain(source: params.Pretrain) -> tuple[Pretrained, dict[str, Any]]:
    """Pre-train a small BERT by masked language modelling on the miniature language.

    Returns:
        The encoder, and a record with the share of hidden words it finds in held-out sentences.
    """
    tokenizer, vocabulary = pretrained.word_tokenizer(language.WORDS)
    lines = language.sentences(source.sentences + HELD_OUT, source.seed)
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
    losses = training.fit_(model, prepared, seeds, source.train)
    found = evaluation.predict(model, prepared)["held_out.tokens"]
    accuracy = float((found == held_out.labels[held_out.labels >= 0]).mean())
    record = {"source": "pretrain", "losses": losses, "masked_accuracy": round(accuracy, 4)}
    model.cpu()
    return Pretrained(
        model.base_model, model.config, pretrained.mlm_head(model), False, tokenizer, vocabulary
    ), record


def main(out: Annotated[Path, typer.Option()]) -> None:
    source = cli.read(Params).encoder
    if isinstance(source, params.Pretrain):
        encoder, record = pretrain(source)
    else:
        encoder, record = pretrained.fetch(source), {"source": source.source}
    encoders.save(encoder, record, out)


if __name__ == "__main__":
    cli.run(main)
