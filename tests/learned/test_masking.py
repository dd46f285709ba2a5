"""Relaxed samples and the divergence are the formulas of the method; a masked model keeps its weights."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from stages.tickets.encoder import parameters
from stages.tickets.encoder import theta as encoders
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters
from stages.tickets.learned import masking
from stages.tickets.learned.masking import divergence, relaxed
from stages.tickets.learned.search import WithPrior
from stages.tickets.settings import LearnRule
from stages.tickets.tasks.task import Prepared
from tests.conftest import RECIPE

PROBABILITIES = (0.05, 0.3, 0.5, 0.9)
TEMPERATURES = (0.2, 0.5, 1.0)
DRAWS = 400_000
RULE = LearnRule(
    prior=0.05,
    weight=0.1,
    temperatures=(0.2, 0.2),
    learning_rate=0.1,
    head_rate=0.0,
    epsilon=1e-15,
    length=1.0,
    scope="global",
)
"""A search in few steps."""


def logits_of(*probabilities: float) -> Tensor:
    return torch.logit(torch.tensor(probabilities, dtype=torch.float64))


def samples_of(p: float, temperature: float) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    source = masking.Samples(generator, temperature)
    return source.of(logits_of(p).expand(DRAWS))


@pytest.mark.parametrize("p", PROBABILITIES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_a_sample_is_above_a_half_with_the_probability_at_any_temperature(
    p: float, temperature: float
) -> None:
    share = float((samples_of(p, temperature) > 0.5).double().mean())
    assert share == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / DRAWS))


@pytest.mark.parametrize(("temperature", "mean"), [(0.2, 0.052), (0.5, 0.068), (1.0, 0.117)])
def test_the_mean_of_soft_samples_is_not_the_probability(temperature: float, mean: float) -> None:
    assert float(samples_of(0.05, temperature).mean()) == pytest.approx(mean, abs=1e-3)


def test_a_sample_is_the_softmax_of_two_gumbel_numbers() -> None:
    generator = torch.Generator().manual_seed(1)
    uniform = torch.rand((1000, 2), generator=generator, dtype=torch.float64)
    gumbel = -torch.log(-torch.log(uniform))
    p = torch.rand(1000, generator=generator, dtype=torch.float64)
    for temperature in TEMPERATURES:
        both = (torch.stack([p, 1 - p], 1).log() + gumbel) / temperature
        logistic = torch.sigmoid(gumbel[:, 0] - gumbel[:, 1])
        ours = relaxed(torch.logit(p), temperature, logistic)
        torch.testing.assert_close(ours, both.softmax(1)[:, 0], rtol=0, atol=1e-12)


def test_the_smallest_uniform_number_gives_a_sample_and_a_gradient() -> None:
    logits = torch.zeros(3, requires_grad=True)
    sample = relaxed(logits, 0.2, torch.tensor([0.0, 0.5, 1 - 2**-24]))
    sample.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(sample).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_divergence_of_a_half_from_a_twentieth() -> None:
    assert float(divergence(logits_of(0.5), 0.05)[0]) == pytest.approx(0.83037, abs=5e-6)


@pytest.mark.parametrize("prior", [0.05, 0.3, 0.5, 0.97])
def test_the_divergence_is_the_closed_form(prior: float) -> None:
    p = torch.linspace(0.001, 0.999, 333, dtype=torch.float64)
    expected = p * torch.log(p / prior) + (1 - p) * torch.log((1 - p) / (1 - prior))
    ours = divergence(torch.logit(p), prior)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)
    assert float(divergence(logits_of(prior), prior)[0]) == pytest.approx(0, abs=1e-15)
    assert (ours >= 0).all()


def test_the_divergence_of_sure_weights_is_finite_and_exact() -> None:
    logits = torch.tensor([-800.0, -60.0, 60.0, 800.0], dtype=torch.float64, requires_grad=True)
    ours = divergence(logits, 0.05)
    expected = -torch.tensor([0.95, 0.95, 0.05, 0.05], dtype=torch.float64).log()
    torch.testing.assert_close(ours.detach(), expected, rtol=0, atol=1e-12)
    ours.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def descent(logits: list[nn.Parameter], rule: LearnRule, prior: float) -> WithPrior:
    config = RECIPE.model_copy(
        update={"weight_decay": 0.0, "clip": math.inf, "epsilon": rule.epsilon}
    )
    made = WithPrior(logits, [], rule, prior, config, torch.device("cpu"))
    made.set_rate(rule.learning_rate)
    return made


def test_the_prior_alone_draws_every_probability_to_itself() -> None:
    start = torch.tensor([[-6.0, -1.0, 0.0], [0.5, 2.0, 4.0]], dtype=torch.float64)
    logits = [nn.Parameter(start.clone()), nn.Parameter(torch.zeros(50, 9, dtype=torch.float64))]
    step = descent(logits, RULE, 0.05)
    for number in range(4000):
        step.set_rate(0.1 * 0.998**number)
        step(torch.zeros((), dtype=torch.float64))
    for part in logits:
        torch.testing.assert_close(
            torch.sigmoid(part.detach()), torch.full_like(part, 0.05), rtol=0, atol=5e-8
        )


def test_the_weight_is_of_a_mean_so_size_is_of_no_account() -> None:
    """A sum, as in the released code, would press more on a larger encoder."""
    for size in (3, 3000):
        logits = nn.Parameter(torch.zeros(size, 2, dtype=torch.float64))
        mean = descent([logits], RULE, 0.05).divergence().detach()
        assert float(mean) == pytest.approx(0.83037, abs=5e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_mask_is_recovered(seed: int) -> None:
    """A linear model whose fixed weights count at 15 of 40 places."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(40, generator=generator) + torch.tensor([2.0, -2.0]).repeat(20)
    planted = torch.zeros(40)
    planted[torch.randperm(40, generator=generator)[:15]] = 1
    inputs = torch.randn(400, 40, generator=generator)
    wanted = inputs @ (weights * planted)
    logits = nn.Parameter(torch.zeros(40))
    before = weights.clone()
    samples = masking.Samples(generator, 0.2)
    step = descent([logits], RULE, 15 / 40)
    for _ in range(300):
        step(nn.functional.mse_loss(inputs @ (weights * samples.of(logits)), wanted))
    kept = torch.zeros(40)
    kept[logits.detach().topk(15).indices] = 1
    assert float((kept * planted).sum()) == 15
    assert torch.equal(weights, before)


# --- a model that is read through masks -------------------------------------------------------


def test_a_model_is_multiplied_in_the_block_and_as_it_was_after_it(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = encoders.build(encoder, prepared.task.kind, 2, 0.1, 1)
    live = prunable_parameters(model, encoder)
    before = {name: (id(p), p.detach().clone()) for name, p in model.named_parameters()}
    halves = {name: lambda p=p: torch.full_like(p, 0.5) for name, p in live.items()}
    read: dict[str, Tensor] = {}

    def fail() -> None:
        with masking.multiplied_(model, halves):
            for name in live:
                module = model.base_model.get_submodule(name.removesuffix(".weight"))
                read[name] = torch.as_tensor(module.weight)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all(torch.equal(read[name], weights * 0.5) for name, weights in live.items())
    assert not any(parametrize.is_parametrized(module) for module in model.modules())
    after = dict(model.named_parameters())
    assert after.keys() == before.keys()
    for name, (number, weights) in before.items():
        assert id(after[name]) == number
        assert torch.equal(after[name], weights)


def test_only_a_head_has_gradients_and_flags_come_back(
    encoder: Encoder, prepared: Prepared
) -> None:
    model = encoders.build(encoder, prepared.task.kind, 2, 0.1, 1)
    for number, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(number % 3 > 0)
    before = [parameter.requires_grad for parameter in model.parameters()]
    head = parameters.head(model)
    with masking.frozen_(model, head):
        trained = [id(p) for p in model.parameters() if p.requires_grad]
    assert sorted(trained) == sorted(map(id, head))
    assert [parameter.requires_grad for parameter in model.parameters()] == before
