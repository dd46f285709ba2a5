"""Training on a GPU: the CPU's losses, masks that hold, exact rewinding, the same bytes twice."""

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder import device, theta
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import (
    load_weights_,
    prunable_parameters,
    prunable_weights,
    save_weights,
)
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings import Train
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict, rounds, subnetwork
from stages.tickets.training.update import Subnetwork
from tests.conftest import RECIPE, SEEDS

pytestmark = pytest.mark.filterwarnings("default")
"""A GPU's libraries warn of their own accord, for example when a thread first calls cuBLAS."""

CPU = torch.device("cpu")
LAYERS_RECIPE = RECIPE.model_copy(
    update={"epochs": 1.0, "batch_size": 32, "learning_rate": 3e-4, "dropout": 0.0, "group": 4}
)
"""16 steps over the examples."""
FP32 = 5e-5
"""Allowed difference between losses on two devices in fp32. On the CPU, relative changes of all weights
by 1e-7 to 1e-6 move the losses of these 16 steps by 1e-5, and factors rounded as by TF32 by 1.7e-4."""
BF16 = 5e-3
"""Allowed difference between losses in bf16 on a device and in fp32 on the CPU, where bf16 makes 5e-4."""
LOGITS = 1e-4
AGREEMENT = 0.999
"""Share of the prunable weights on which the masks of two devices have to agree after a training."""


@dataclass
class Trained:
    """A training, with the prunable weights before its first step."""

    losses: list[float]
    model: PreTrainedModel
    start: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@contextmanager
def using(where: torch.device) -> Iterator[None]:
    """Make `where` the device of all that is trained or predicted in a `with` block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "device", lambda: where)
        yield


def mask_of(encoder: Encoder, sparsity: float = 0.5) -> Mask:
    weights = {name: encoder.weights[name].numpy() for name in encoder.prunable}
    dropped = masks.prune_by_magnitude(weights, masks.dense(weights), sparsity)
    return masks.random_like(dropped, np.random.default_rng(0))


def trained(
    where: torch.device,
    encoder: Encoder,
    prepared: Prepared,
    recipe: Train = LAYERS_RECIPE,
    mask: Mask | None = None,
) -> Trained:
    task = prepared.task
    model = theta.build(encoder, task.kind, task.num_labels, recipe.dropout, SEEDS.head_init)
    live = prunable_parameters(model, encoder)
    kept = Subnetwork(live, mask) if mask else None
    run = Trained([], model)

    def look(_: int) -> None:
        run.start = prunable_weights(model, encoder)

    with using(where):
        run.losses = fit.fit_(model, prepared, SEEDS, recipe, kept, after_step=look, at=[0])
    assert {p.device.type for p in model.parameters()} == {where.type}
    return run


def weights_of(model: PreTrainedModel) -> dict[str, Tensor]:
    return {name: p.detach().cpu().clone() for name, p in model.named_parameters()}


def differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, float]:
    """The largest difference of each parameter whose bytes are not equal."""
    return {
        name: float((first[name] - second[name]).abs().max())
        for name in first
        if not torch.equal(first[name], second[name])
    }


# --- the losses of the CPU ---------------------------------------------------------------------


def test_products_of_matrices_in_fp32_are_not_rounded_to_tf32() -> None:
    assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("masked", [False, True])
def test_losses_in_fp32_are_those_of_the_cpu(
    where: torch.device, layers: Encoder, examples: Prepared, masked: bool
) -> None:
    mask = mask_of(layers) if masked else None
    ours = trained(where, layers, examples, mask=mask).losses
    expected = trained(CPU, layers, examples, mask=mask).losses
    unmoved = LAYERS_RECIPE.model_copy(update={"learning_rate": 1e-12})
    without_steps = trained(CPU, layers, examples, unmoved, mask).losses
    assert len(ours) == 16
    assert np.abs(np.subtract(expected, without_steps)).max() > 1000 * FP32
    np.testing.assert_allclose(ours, expected, atol=FP32, rtol=0)


@pytest.mark.parametrize("fixture", ["prepared_pairs", "prepared_spans", "prepared_words"])
def test_losses_of_other_tasks_are_those_of_the_cpu(
    where: torch.device, encoder: Encoder, fixture: str, request: pytest.FixtureRequest
) -> None:
    prepared: Prepared = request.getfixturevalue(fixture)
    recipe = RECIPE.model_copy(update={"dropout": 0.0, "learning_rate": 1e-3})
    mask = mask_of(encoder)
    ours = trained(where, encoder, prepared, recipe, mask).losses
    expected = trained(CPU, encoder, prepared, recipe, mask).losses
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=FP32)


def test_losses_in_bf16_are_near_those_in_fp32(
    where: torch.device, layers: Encoder, examples: Prepared
) -> None:
    recipe = LAYERS_RECIPE.model_copy(update={"precision": "bf16"})
    mask = mask_of(layers)
    run = trained(where, layers, examples, recipe, mask)
    expected = trained(CPU, layers, examples, mask=mask).losses
    np.testing.assert_allclose(run.losses, expected, atol=BF16, rtol=0)
    assert run.losses != expected
    assert {parameter.dtype for parameter in run.model.parameters()} == {torch.float32}


def test_the_fp32_tolerance_would_notice_tf32(
    layers: Encoder, examples: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF32 rounds both factors of a product to 10 bits behind the point."""
    expected = trained(CPU, layers, examples).losses
    linear = nn.functional.linear

    def rounded(values: Tensor) -> Tensor:
        bits = values.detach().contiguous().view(torch.int32)
        cut = ((bits + (1 << 12)) & ~((1 << 13) - 1)).view(torch.float32)
        return values + (cut - values.detach())

    monkeypatch.setattr(
        nn.functional, "linear", lambda x, w, b=None: linear(rounded(x), rounded(w), b)
    )
    coarse = trained(CPU, layers, examples).losses
    assert np.abs(np.subtract(coarse, expected)).max() > 2 * FP32


# --- masks and rewinding -----------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_masks_are_kept_exactly(
    where: torch.device, layers: Encoder, examples: Prepared, precision: str
) -> None:
    mask = mask_of(layers)
    recipe = LAYERS_RECIPE.model_copy(update={"precision": precision, "dropout": 0.1})
    run = trained(where, layers, examples, recipe, mask)
    after = prunable_weights(run.model, layers)
    for name, kept in mask.items():
        theta_0 = layers.weights[name].numpy()
        np.testing.assert_array_equal(run.start[name], theta_0 * kept)
        assert (after[name][~kept] == 0).all()
        assert (after[name][kept] != theta_0[kept]).mean() > 0.9


def test_a_round_drops_the_weights_that_it_drops_on_the_cpu(
    where: torch.device, layers: Encoder, examples: Prepared
) -> None:
    found = {}
    mask = mask_of(layers, 0.2)
    for place in (where, CPU):
        model = theta.build(layers, "classification", 2, 0.0, SEEDS.head_init)
        with using(place):
            found[place] = rounds.prune_round(
                model, layers, examples, mask, 0.5, SEEDS, LAYERS_RECIPE
            ).mask
    ours, expected = found[where], found[CPU]
    same = sum(int((ours[name] == expected[name]).sum()) for name in mask)
    assert same / sum(kept.size for kept in mask.values()) >= AGREEMENT
    assert masks.num_survivors(ours) == masks.num_survivors(expected)
    assert all((ours[name] <= mask[name]).all() for name in mask)


def test_rewinding_is_bit_exact(
    where: torch.device, layers: Encoder, examples: Prepared, tmp_path: Path
) -> None:
    """Weights of step 8 of a dense training, stored and loaded, are the start of a ticket."""
    model = theta.build(layers, "classification", 2, 0.1, SEEDS.head_init)
    file, kept = tmp_path / "theta_8.safetensors", {}

    def keep(_: int) -> None:
        save_weights(model, layers, file)
        kept.update(weights_of(model))

    with using(where):
        fit.fit_(model, examples, SEEDS, LAYERS_RECIPE, after_step=keep, at=[8])
    rewound = theta.build(layers, "classification", 2, 0.1, SEEDS.head_init + 1)
    load_weights_(rewound, layers, file)
    start: dict[str, Tensor] = {}
    mask = mask_of(layers)
    live = Subnetwork(prunable_parameters(rewound, layers), mask)
    with using(where):
        fit.fit_(
            rewound,
            examples,
            SEEDS,
            LAYERS_RECIPE,
            live,
            first_step=8,
            after_step=lambda _: start.update(weights_of(rewound)),
            at=[8],
        )
    for name, weight in kept.items():
        matrix = mask.get(name.removeprefix("bert."))
        expected = weight if matrix is None else weight * torch.from_numpy(matrix)
        assert torch.equal(start[name], expected), name


# --- predictions -------------------------------------------------------------------------------


def test_predictions_are_those_of_the_cpu(
    where: torch.device, layers: Encoder, examples: Prepared
) -> None:
    model = theta.build(layers, "classification", 2, 0.1, SEEDS.head_init)
    with using(CPU):
        expected = predict.predict(model, examples)["validation.logits"]
    with using(where):
        logits = predict.predict(model, examples)["validation.logits"]
    assert logits.dtype == np.float32
    assert np.ptp(expected[:, 0]) > 100 * LOGITS  # so that a wrong order would show
    np.testing.assert_allclose(logits, expected, atol=LOGITS, rtol=0)


# --- the same bytes, and nothing else moves ----------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_gives_the_same_bytes_twice(
    where: torch.device, layers: Encoder, examples: Prepared, precision: str
) -> None:
    recipe = LAYERS_RECIPE.model_copy(update={"precision": precision, "dropout": 0.1})
    first, second = (trained(where, layers, examples, recipe, mask_of(layers)) for _ in range(2))
    assert differing(weights_of(first.model), weights_of(second.model)) == {}
    assert first.losses == second.losses


def test_global_generators_do_not_change(
    where: torch.device, layers: Encoder, examples: Prepared
) -> None:
    recipe = LAYERS_RECIPE.model_copy(update={"dropout": 0.1})
    on_cuda = where.type == "cuda"
    before = torch.get_rng_state(), torch.cuda.get_rng_state() if on_cuda else None
    trained(where, layers, examples, recipe)
    assert torch.equal(torch.get_rng_state(), before[0])
    if before[1] is not None:
        assert torch.equal(torch.cuda.get_rng_state(), before[1])


def chain(name: str, folder: Path, examples: Prepared) -> bytes:
    """Two rounds of iterative magnitude pruning; the bits of the last mask and the last logits."""
    where, encoder = torch.device(name), theta.load(folder)
    mask = mask_of(encoder, 0.1)
    recipe = LAYERS_RECIPE.model_copy(update={"dropout": 0.1})
    with using(where):
        for sparsity in (0.4, 0.7):
            model = theta.build(encoder, "classification", 2, 0.1, SEEDS.head_init)
            run = subnetwork.train_(model, encoder, examples, mask, SEEDS, recipe)
            mask = masks.prune_by_magnitude(prunable_weights(model, encoder), mask, sparsity)
    bits = b"".join(np.packbits(mask[key]).tobytes() for key in sorted(mask))
    return bits + run.predictions["validation.logits"].tobytes()


def test_several_chains_at_once_give_what_one_gives(
    where: torch.device, layers_folder: Path, examples: Prepared
) -> None:
    """Two processes share a device, as stages do under `python -m stages run --gpus 0 --per-gpu 2`."""
    with multiprocessing.get_context("spawn").Pool(2, torch.set_num_threads, (1,)) as pool:
        together = pool.starmap(chain, [(where.type, layers_folder, examples)] * 2)
    alone = chain(where.type, layers_folder, examples)
    assert together == [alone] * 2
