"""Dropout and attention that cost less: what they draw, and that they compute the same."""

import pytest
import torch
from torch import Tensor, nn

from stages.tickets.encoder import cpu


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_survival_drops_that_share_and_keeps_the_mean(
    probability: float, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    drawn = cpu.survival(torch.empty(1000, 201, dtype=dtype), probability)
    assert drawn.dtype == dtype
    assert drawn.shape == (1000, 201)
    share = float((drawn == 0).double().mean())
    deviation = (probability * (1 - probability) / drawn.numel()) ** 0.5
    assert share == pytest.approx(probability, abs=4 * deviation)
    kept = drawn[drawn != 0].unique()
    assert len(kept) == 1
    relative = 1e-4 if dtype == torch.float32 else 2**-8
    assert float(kept) == pytest.approx(1 / (1 - probability), rel=relative)


def test_neighbours_survive_independently() -> None:
    """Four values share a random number: none of them says anything about the next."""
    torch.manual_seed(0)
    kept = (cpu.survival(torch.empty(4 * 50_000), 0.5) > 0).double().reshape(-1, 4)
    correlation = torch.corrcoef(kept.T)
    assert float((correlation - torch.eye(4)).abs().max()) < 4 / 50_000**0.5


def test_survival_follows_the_seed_and_moves_on() -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append([cpu.survival(torch.empty(103), 0.5) for _ in range(2)])
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not torch.equal(drawn[0][0], drawn[0][1])
    assert not torch.equal(drawn[0][0], drawn[2][0])


def test_golden_survivors() -> None:
    torch.manual_seed(0)
    drawn = cpu.survival(torch.empty(16), 0.5)
    assert "".join("x" if value else "." for value in drawn) == "..x.....x...x.x."


@pytest.mark.parametrize("probability", [0.0, 1e-9, 1 - 1e-9])
def test_survival_at_the_ends(probability: float) -> None:
    torch.manual_seed(0)
    drawn = cpu.survival(torch.empty(100), probability)
    assert torch.isfinite(drawn).all()
    assert (drawn == 1).all() == (probability < 0.5)


def test_dropout_drops_values_and_their_gradients_in_training_alone() -> None:
    torch.manual_seed(0)
    layer = cpu.Dropout(0.5)
    values = torch.ones(64, requires_grad=True)
    out = layer(values)
    assert set(out.tolist()) == {0.0, 2.0}
    out.sum().backward()
    assert torch.equal(values.grad, out.detach())  # type: ignore[arg-type]
    assert layer.train(mode=False)(values) is values
    assert cpu.Dropout(0.0)(values) is values


def test_every_dropout_of_a_model_is_exchanged() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.3), nn.Sequential(nn.Dropout(0.4)))
    model[2].train(mode=False)
    cpu.use_dropout_(model)
    found = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    assert [(type(m), m.p, m.training) for m in found] == [
        (cpu.Dropout, 0.3, True),
        (cpu.Dropout, 0.4, False),
    ]


@pytest.mark.parametrize("masked", [False, True])
def test_attention_and_its_gradients_are_those_of_torch(masked: bool) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, 5, 4, requires_grad=True) for _ in range(3))
    mask = None
    if masked:
        mask = torch.ones(3, 1, 1, 5, dtype=torch.bool)
        mask[0, ..., 3:] = False

    def gradients(out: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad((out**2).sum(), (query, key, value)))

    ours, weights = cpu.attention(nn.Identity(), query, key, value, mask)
    theirs = nn.functional.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 5))
    for one, other in zip(gradients(ours), gradients(theirs), strict=True):
        torch.testing.assert_close(one, other)


def test_attention_drops_weights() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(3, 2, 5, 4) for _ in range(3))
    _, weights = cpu.attention(nn.Identity(), query, key, value, None, dropout=0.5)
    _, whole = cpu.attention(nn.Identity(), query, key, value, None)
    dropped = weights == 0
    assert 0 < int(dropped.sum()) < dropped.numel()
    torch.testing.assert_close(weights[~dropped], 2 * whole[~dropped])
