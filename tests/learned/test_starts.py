"""Starts: theta_0, an encoder that one seed draws for all tasks, and a fresh one."""

import pytest
import torch
from torch import Tensor

from stages.tickets.encoder import parameters
from stages.tickets.encoder.theta import Encoder
from stages.tickets.learned import starts
from stages.tickets.learned.starts import Start
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from tests.conftest import RECIPE, SEEDS

KINDS = ("prepared", "prepared_pairs", "prepared_spans", "prepared_words")


def parts(
    start: Start, encoder: Encoder, prepared: Prepared, seed: int = 1, seeds: Seeds = SEEDS
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """The weights that theta_0 has, and those of the head."""
    model = starts.model_at(start, seed, encoder, prepared, seeds, RECIPE)
    body = dict(model.base_model.named_parameters())
    head = [parameter.detach() for parameter in parameters.head(model)]
    return {name: body[name].detach() for name in encoder.weights if name in body}, head


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first.keys() & second.keys())


@pytest.mark.parametrize("start", ["random", "fresh"])
def test_one_seed_draws_the_same_encoder_for_every_task(
    encoder: Encoder, start: Start, request: pytest.FixtureRequest
) -> None:
    """Else a mask of one task would meet other weights on the next, as in the released code."""
    bodies = [parts(start, encoder, request.getfixturevalue(kind))[0] for kind in KINDS]
    assert all(same(bodies[0], body) for body in bodies[1:])
    assert len(bodies[0].keys() & bodies[3].keys()) > 30


def test_starts_differ_and_so_do_seeds_but_each_is_drawn_again(
    encoder: Encoder, prepared: Prepared
) -> None:
    bodies = [parts(start, encoder, prepared)[0] for start in ("pretrained", "random", "fresh")]
    bodies.append(parts("random", encoder, prepared, seed=2)[0])
    assert not any(same(a, b) for i, a in enumerate(bodies) for b in bodies[:i])
    assert same(bodies[0], dict(encoder.weights))
    assert same(bodies[1], parts("random", encoder, prepared)[0])


def test_the_head_is_that_of_the_run_at_the_pretrained_start(
    encoder: Encoder, prepared: Prepared
) -> None:
    other = Seeds(head_init=9, data_order=2, dropout=3, mask=4)
    first, again, changed = (
        parts("pretrained", encoder, prepared, seeds=seeds)[1] for seeds in (SEEDS, SEEDS, other)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], changed[0])
