"""Channels of classifiers on means of tokens: importance over all tokens, and cuts that are zeros."""

import copy
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.greedy import choosing, compact, importance
from stages.tickets.greedy.importance import Running
from stages.tickets.greedy.masking import masked, sites
from stages.tickets.tasks.task import Prepared
from tests.greedy.models import HEADS, LAYERS, batch, config_of, few, layers_of

pytestmark = pytest.mark.usefixtures("on_the_cpu")
How = Literal["mean", "segments"]
MODELS: tuple[tuple[How, str, int], ...] = (
    ("mean", "bert", 2), ("segments", "bert", 2), ("segments", "roberta", 1), ("mean", "electra", 2),
)  # fmt: skip
"""Pooling, type of the encoder, and number of its token types; RoBERTa's checkpoints have one."""
by_model = pytest.mark.parametrize(("how", "model_type", "types"), MODELS)


def pooled(how: How, model_type: str, types: int) -> PooledClassifier:
    config = config_of(model_type, type_vocab_size=types)
    config.text_pooling, config.text_pooling_dropout = how, 0.1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PooledClassifier(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.train(mode=False)  # type: ignore[no-any-return]


@by_model
def test_compact_says_what_masked_says(how: How, model_type: str, types: int) -> None:
    given: dict[str, Any] = batch()
    if how == "segments":
        given["token_type_ids"] = (torch.arange(7) >= 3).long().expand(3, 7)
    model, kept = pooled(how, model_type, types), few(3, 0.5, empty=1)
    nn.Module.to(model.base_model, torch.float64)  # means and the classifier have float32
    smaller = copy.deepcopy(model)
    compact.compact_(smaller, kept)
    with masked(model, kept):
        expected = model(**given).logits
    assert (
        float((smaller(**given).logits - expected).detach().abs().max()) < 1e-6
    )  # means are float32
    assert not torch.allclose(model(**given).logits, expected)


@by_model
def test_importance_is_over_all_tokens_of_all_layers(
    how: How, model_type: str, types: int, prepared_pairs: Prepared
) -> None:
    """Also of the last layer, of which a classifier on the first token would need that token alone."""
    model, split = pooled(how, model_type, types), prepared_pairs.train
    running = {site: Running() for site in sites(LAYERS)}
    importance.measure_(running, model, prepared_pairs, [np.arange(len(split))], few(0, 0.0))
    contexts: list[np.ndarray] = []
    neurons: list[np.ndarray] = []
    for number in range(len(split)):
        place = slice(split.starts[number], split.starts[number + 1])
        given = {"input_ids": torch.from_numpy(split.ids[place])[None].long()}
        if types > 1:
            given["token_type_ids"] = torch.from_numpy(split.types[place])[None].long()
        shown = model.base_model(**given, output_hidden_states=True).hidden_states
        layer = layers_of(model)[-1]
        with torch.inference_mode():
            context = layer.attention.self(shown[-2])[0]
            after = layer.attention.output(context, shown[-2])
            inner = nn.functional.gelu(layer.intermediate.dense(after))[0]
        contexts += [*context[0].abs().view(-1, HEADS, 4).mean(-1).numpy()]
        neurons += [*inner.abs().numpy()]
    *_, of_heads, of_neurons = running.values()
    assert of_heads.tokens == len(split.ids) == len(contexts)
    np.testing.assert_allclose(of_heads.mean, np.mean(contexts, axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(of_neurons.mean, np.mean(neurons, axis=0), rtol=1e-4, atol=1e-6)


@by_model
def test_channels_are_chosen_and_cut(
    how: How, model_type: str, types: int, prepared_pairs: Prepared
) -> None:
    model = pooled(how, model_type, types)
    numbers = [np.arange(4), np.arange(4, 6)]
    draws = np.random.default_rng(0)
    chosen = choosing.choose("greedy", model, prepared_pairs, numbers, 0.5, draws)
    compact.compact_(model, chosen.channels)
    assert layers_of(model)[0].attention.self.query.out_features == 8
