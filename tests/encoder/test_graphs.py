"""Steps recorded once per shape and replayed: as many, on the same batches, with the same losses."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from stages.tickets.encoder import device, graphs
from stages.tickets.encoder.theta import Encoder
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit
from tests.conftest import RECIPE, SEEDS
from tests.training.test_fit import equal, theta_0


@pytest.mark.parametrize(
    ("length", "longest", "bucket"), [(1, 99, 16), (16, 99, 16), (17, 99, 32), (97, 99, 99)]
)
def test_lengths_are_rounded_up_to_no_more_than_the_longest(
    length: int, longest: int, bucket: int
) -> None:
    assert graphs.bucketed(length, longest) == bucket


def test_a_shape_is_recorded_once_and_each_batch_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder for the CPU: what it records reads the tensors it held when recording."""
    recorded: list[Callable[[], Tensor]] = []
    total = torch.zeros(())

    def step(examples: Tensor, length: int, full: bool) -> Tensor:
        return total.add_(examples.sum() + length + full).clone()

    def record(work: Callable[[], Tensor], _: object) -> Callable[[], Tensor]:
        recorded.append(work)
        result = torch.zeros(())
        return lambda: result.copy_(work())

    monkeypatch.setattr(graphs, "record", record)
    replayed = graphs.Replayed(step)
    found, expected, so_far = [], [], 0
    for number in range(20):
        examples = torch.arange(number, number + 2 + number % 2)
        so_far += int(examples.sum()) + 16 + 1
        expected.append(so_far)
        found.append(replayed(examples, 16, True))
    assert [int(loss) for loss in found] == expected
    assert len(recorded) == 2
    replayed(torch.arange(2), 32, True)
    replayed(torch.arange(2), 16, False)
    assert len(recorded) == 2  # other shapes, seen once


def test_a_training_without_a_recorder_is_the_same_training(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but CUDA's own part: padding by bucket, batches copied to where a record reads them."""
    recipe = RECIPE.model_copy(update={"epochs": 10, "dropout": 0.0})
    expected = fit.fit_(theta_0(encoder, prepared, dropout=0.0), prepared, SEEDS, recipe)
    num_recorded = 0

    def record(work: Callable[[], Tensor], _: object) -> Callable[[], Tensor]:
        nonlocal num_recorded
        num_recorded += 1
        return work

    monkeypatch.setattr(graphs, "wanted", lambda _: True)
    monkeypatch.setattr(graphs, "one_stream", nullcontext)
    monkeypatch.setattr(graphs, "record", record)
    found = fit.fit_(theta_0(encoder, prepared, dropout=0.0), prepared, SEEDS, recipe)
    assert num_recorded > 0
    assert found == pytest.approx(expected, abs=1e-4)


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_replayed_training_is_training(
    encoder: Encoder, prepared: Prepared, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr(device, "device", lambda: torch.device("cuda"))
    recipe = RECIPE.model_copy(update={"epochs": 10, "dropout": 0.0, "precision": precision})
    losses, trained = {}, {}
    for graph in ("0", "1"):
        monkeypatch.setenv(graphs.WANTED, graph)
        trained[graph] = theta_0(encoder, prepared, dropout=0.0)
        losses[graph] = fit.fit_(trained[graph], prepared, SEEDS, recipe)
    assert losses["1"] == pytest.approx(losses["0"], abs=1e-3 if precision == "fp32" else 0.1)
    assert not equal(trained["1"].cpu(), theta_0(encoder, prepared, dropout=0.0))
