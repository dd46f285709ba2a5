"""Directions are as long as the weights row by row, and lie inside the mask."""

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.tickets.landscapes import directions


def weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "bert.encoder.layer.0.output.dense.weight": torch.randn(5, 7, generator=generator),
        "bert.encoder.layer.0.output.dense.bias": torch.randn(5, generator=generator),
        "bert.encoder.layer.0.output.LayerNorm.weight": torch.ones(5),
        "bert.embeddings.word_embeddings.weight": torch.randn(9, 5, generator=generator),
        "classifier.weight": torch.randn(2, 5, generator=generator),
    }


NAME = "bert.encoder.layer.0.output.dense.weight"


def masked() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights under a mask: row 0 has no survivor, row 1 has one, and row 2 survivors that are 0."""
    made = weights()
    kept = torch.rand(5, 7, generator=torch.Generator().manual_seed(1)) < 0.5
    kept[0] = False
    kept[1] = torch.arange(7) == 3
    kept[2] = torch.arange(7) < 2
    made[NAME] = made[NAME] * kept
    made[NAME][2] = 0
    return made, {NAME: kept}


def test_rows_have_the_norms_of_the_weights_inside_the_mask() -> None:
    made, kept = masked()
    direction = directions.random(made, kept, 3)
    for name, step in direction.items():
        torch.testing.assert_close(step.norm(dim=1), made[name].double().norm(dim=1))
    assert direction[NAME][1, 3].abs() == pytest.approx(float(made[NAME][1, 3].abs()))


def test_dropped_weights_and_rows_of_norm_zero_do_not_move() -> None:
    made, kept = masked()
    direction = directions.random(made, kept, 3)[NAME]
    assert (direction[~kept[NAME]] == 0).all()
    assert (direction[[0, 2]] == 0).all()
    assert torch.isfinite(direction).all()
    assert (direction[3:][kept[NAME][3:]] != 0).all()


def test_masking_after_the_norms_would_make_a_shorter_direction() -> None:
    """So the order of the two is seen in the norms."""
    made, kept = masked()
    late = directions.random(made, {}, 3)[NAME] * kept[NAME]
    assert late[4].norm() < 0.95 * made[NAME][4].norm()


def test_biases_layernorms_and_embeddings_do_not_move() -> None:
    assert directions.random(weights(), {}, 0).keys() == {NAME, "classifier.weight"}


def test_networks_of_other_weights_and_masks_see_the_same_draw() -> None:
    dense, (sparse, kept) = directions.random(weights(), {}, 5), masked()
    thin = directions.random(sparse, kept, 5)
    signs = np.sign(dense[NAME].numpy()) == np.sign(thin[NAME].numpy())
    assert signs[(thin[NAME] != 0).numpy()].all()
    assert not torch.equal(directions.random(weights(), {}, 6)[NAME], dense[NAME])
