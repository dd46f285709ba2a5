"""A trial of an encoder before any work: whether it computes what training, masks and rewinding need.

Architectures differ in ways that no list covers, so the model itself is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from stages.tickets.encoder import device, pooling, theta
from stages.tickets.encoder.checked import POOLER, named
from stages.tickets.encoder.checkpoint import reason_of
from stages.tickets.encoder.theta import Pretrained
from stages.tickets.encoder.tokens import SAMPLES
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.encoder.words import Words
from stages.tickets.settings import Kind, ParamsError, UserError
from stages.tickets.tasks.task import Vocabulary

KINDS: tuple[Kind, ...] = ("classification", "mlm")
HIDDEN = (1, 2)
"""Numbers of the tokens whose words the language model predicts."""
MOST_TOKENS = 512
"""Most tokens of the trial of words, since attention takes time and memory by their square."""


def check(pretrained: Pretrained, name: str) -> None:
    """Try an encoder as a classifier and as a masked language model.

    The global generators do not change.

    Args:
        pretrained: the encoder, which does not change.
        name: name of the encoder in messages.

    Raises:
        ParamsError: the encoder has no prunable matrices or some that its output does not depend on,
            fails on two texts of unequal length or on the longest input, draws at random although its
            dropout is 0, or reads more from the id of a token than its embedding.
    """
    vocabulary, longest = pretrained.vocabulary, pretrained.longest_input
    (question, answer), encode = SAMPLES[0], pretrained.tokenizer.encode
    encoded = [encode(question, answer), encode(answer)]
    ids = _padded([text.ids for text in encoded], vocabulary.pad)
    types = _padded([text.type_ids for text in encoded], 0)
    with _reported(pretrained.config, name):
        if getattr(pretrained.config, pooling.FIELD, None) == "segments" and not types.any():
            raise UserError(
                "encoder.pooler is 'segments', but its tokenizer does not tell the two texts of a pair "
                "apart by token types; allowed is 'mean'"
            )
        encoder = theta.content_of(pretrained)
    for kind in KINDS:
        with torch.random.fork_rng(), _reported(encoder.config, name):
            outputs = 2 if kind == "classification" else 0
            model = theta.build(encoder, kind, outputs, 0.0, 0, pairs=True)
            device.place_(model.train(), kind)
            torch.manual_seed(0)
            logits = _logits(model, kind, ids, vocabulary, types)
            if not torch.equal(logits, _logits(model, kind, ids, vocabulary, types)):
                raise UserError("it draws at random although all of its dropout is 0")
            logits.square().sum().backward()  # type: ignore[no-untyped-call]
            for matrix, parameter in prunable_parameters(model, encoder).items():
                used = parameter.grad is not None or matrix.startswith(POOLER) or kind == "mlm"
                if not used:
                    raise UserError(f"its output for a text does not depend on {matrix!r}")
            with torch.no_grad():
                if kind == "classification":
                    _check_words(model, vocabulary, longest)
                if longest is not None:
                    tokens = torch.full((1, longest), vocabulary.mask)
                    _logits(model, kind, tokens, vocabulary)


def _padded(texts: list[list[int]], padding: int) -> Tensor:
    rows = [torch.tensor(numbers) for numbers in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)


def _logits(
    model: PreTrainedModel,
    kind: Kind,
    ids: Tensor,
    vocabulary: Vocabulary,
    types: Tensor | None = None,
) -> Tensor:
    """Compute logits of tokens (examples, tokens) as a training does; types are 0 if not given."""
    where = next(model.parameters()).device
    there = ids != vocabulary.pad
    given = {
        "input_ids": ids,
        "token_type_ids": torch.zeros_like(ids) if types is None else types,
        "attention_mask": there.long(),
    }
    inputs = device.inputs_of(
        model, {key: values.to(where) for key, values in given.items()}, bool(there.all())
    )
    hidden = torch.tensor(HIDDEN, device=where) if kind == "mlm" else None
    return device.logits_of(model, inputs, hidden)


def _check_words(model: PreTrainedModel, vocabulary: Vocabulary, longest: int | None) -> None:
    """Check that words may change their ids, as they do if only those that occur are trained.

    The last words of the vocabulary get ids from that of the padding on, among them those of special
    tokens, if the longest input and MOST_TOKENS allow so many tokens.
    """
    if type(model.get_input_embeddings()) is not nn.Embedding:
        return
    ordinary = np.setdiff1d(np.arange(vocabulary.size), vocabulary.special)
    number = min(max(vocabulary.special) + 2, longest or MOST_TOKENS, MOST_TOKENS)
    ids = ordinary[None, -number:]
    before = _logits(model, "classification", torch.from_numpy(ids), vocabulary)
    with Words(model, ids, vocabulary.pad) as words:
        renumbered = torch.from_numpy(words.row_of[ids])
        after = _logits(model, "classification", renumbered, vocabulary)
    if not torch.equal(before, after):
        raise UserError("it reads more from the id of a token than its embedding")


@contextmanager
def _reported(config: PreTrainedConfig, name: str) -> Iterator[None]:
    """Turn any error of an architecture that is not supported into one sentence."""
    try:
        yield
    except Exception as error:
        reason = str(error) if isinstance(error, UserError) else reason_of(error)
        raise ParamsError(
            f"the encoder {name} has the architecture {named(type(config), config.model_type)}, which "
            f"cannot be trained here: {reason}"
        ) from error
