"""Pre-trained weights in another order: what is kept together, what moves, and what does not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.tickets.pruning import shuffles

Matrices = dict[str, NDArray[np.float32]]


def weights(num_layers: int = 3) -> Matrices:
    """Two matrices a layer, of different shapes, and a pooler; all numbers differ."""
    shapes = {f"encoder.layer.{i}.{m}.weight": s for i in range(num_layers) for m, s in SHAPES}
    shapes["pooler.dense.weight"] = (2, 2)
    numbers = iter(range(1000))
    return {
        name: np.array([next(numbers) for _ in range(rows * columns)], np.float32).reshape(
            rows, columns
        )
        for name, (rows, columns) in shapes.items()
    }


SHAPES = (("query", (2, 3)), ("output", (3, 4)))


def moved(before: Matrices, after: Matrices) -> set[str]:
    return {name for name in before if (before[name] != after[name]).any()}


def test_within_a_matrix_every_matrix_keeps_its_numbers() -> None:
    before = weights()
    after = shuffles.within_matrix(before, np.random.default_rng(0))
    assert moved(before, after) == set(before)
    for name, matrix in before.items():
        assert after[name].shape == matrix.shape
        assert sorted(after[name].flat) == sorted(matrix.flat)


def test_within_a_layer_numbers_cross_its_matrices_and_no_others() -> None:
    before = weights()
    after = shuffles.within_layer(before, np.random.default_rng(0))
    crossed = 0
    for layer in (*(f"encoder.layer.{i}." for i in range(3)), "pooler."):
        names = [name for name in before if name.startswith(layer)]
        assert names
        ones, others = (
            sorted(np.concatenate([one[name].ravel() for name in names]).tolist())
            for one in (before, after)
        )
        assert ones == others
        crossed += any(set(before[name].flat) != set(after[name].flat) for name in names)
    assert crossed == 3  # the pooler is alone
    assert {name: matrix.shape for name, matrix in after.items()} == {
        name: matrix.shape for name, matrix in before.items()
    }


@pytest.mark.parametrize("num_layers", [2, 3, 12])
def test_layers_move_as_wholes_and_the_pooler_stays(num_layers: int) -> None:
    before = weights(num_layers)
    after = shuffles.layers(before, np.random.default_rng(0))
    sources: list[int] = []
    for layer in range(num_layers):
        found = {
            next(
                other
                for other in range(num_layers)
                if (after[f"encoder.layer.{layer}.{m}.weight"]
                    == before[f"encoder.layer.{other}.{m}.weight"]).all()
            )
            for m, _ in SHAPES
        }  # fmt: skip
        assert len(found) == 1
        sources += found
    assert sorted(sources) == list(range(num_layers))
    assert sources != list(range(num_layers))
    assert (after["pooler.dense.weight"] == before["pooler.dense.weight"]).all()


def test_two_layers_always_change_places() -> None:
    before = weights(2)
    for seed in range(20):
        after = shuffles.layers(before, np.random.default_rng(seed))
        assert moved(before, after) == set(before) - {"pooler.dense.weight"}


def test_one_layer_has_no_other_order() -> None:
    with pytest.raises(ValueError, match="two layers at least, the encoder has 1"):
        shuffles.layers(weights(1), np.random.default_rng(0))


@pytest.mark.parametrize("name", sorted(shuffles.BY_NAME))
def test_a_shuffle_depends_on_its_seed_alone_and_leaves_its_input(name: str) -> None:
    before, untouched = weights(8), weights(8)
    first, again, other = (
        shuffles.BY_NAME[name](before, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert moved(first, again) == set()
    assert moved(first, other)
    assert moved(before, untouched) == set()
    turned = shuffles.BY_NAME[name](dict(reversed(before.items())), np.random.default_rng(1))
    assert moved(first, turned) == set()
