"""One optimizer step: its loss."""

import math

import pytest
import torch

from stages.tickets.tasks.task import Task
from stages.tickets.training import update


def test_losses_by_hand() -> None:
    two, rated, words = (
        Task("a", "classification", 2, ("accuracy",)),
        Task("b", "regression", 1, ("pearson",)),
        Task("c", "mlm", 0, ("masked_accuracy",)),
    )
    logits = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.e)
    found = update.loss_of(two, logits, torch.tensor([1, 1]))
    assert float(found) == pytest.approx((right + wrong) / 2)
    found = update.loss_of(rated, torch.tensor([[1.0], [4.0]]), torch.tensor([2.0, 2.0]))
    assert float(found) == pytest.approx((1 + 4) / 2)
    found = update.loss_of(words, logits, torch.tensor([1, 1]))
    assert float(found) == pytest.approx((right + wrong) / 2)
