"""What survives over tasks and seeds: counts by hand, and shares of weights one by one."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.tickets.pruning import structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.statistics import survival
from stages.tickets.statistics.survival import Shares

HIDDEN, INTERMEDIATE, HEADS = 6, 8, 3


def of(heads: str, mlps: str) -> Structure:
    """'10 11' keeps three of the four heads of two layers."""
    rows = [[digit == "1" for digit in row] for row in heads.split()]
    return Structure(np.array(rows), np.array([digit == "1" for digit in mlps]))


BY_HAND = {
    ("rte", 1): of("11 00", "10"),
    ("rte", 2): of("10 10", "10"),
    ("rte", 3): of("10 00", "11"),
    ("cola", 1): of("11 01", "01"),
    ("cola", 2): of("00 11", "11"),
    ("cola", 3): of("10 01", "00"),
}


def drawn(tasks: int, seeds: int, seed: int = 0) -> dict[tuple[str, int], Structure]:
    generator = np.random.default_rng(seed)
    return {
        (f"task{task}", number): Structure(
            generator.random((4, 5)) < 0.6, generator.random(4) < 0.6
        )
        for task in range(tasks)
        for number in range(seeds)
    }


def arrays(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of an encoder's weights and biases."""
    sizes = {"query": HIDDEN, "key": HIDDEN, "value": HIDDEN}
    shapes = {f"attention.self.{name}": (size, HIDDEN) for name, size in sizes.items()}
    shapes["attention.output.dense"] = (HIDDEN, HIDDEN)
    shapes["intermediate.dense"] = (INTERMEDIATE, HIDDEN)
    shapes["output.dense"] = (HIDDEN, INTERMEDIATE)
    for layer in range(layers):
        for name, shape in shapes.items():
            yield f"encoder.layer.{layer}.{name}.weight", shape
            yield f"encoder.layer.{layer}.{name}.bias", shape[:1]


def weights_mask(layers: int, seed: int) -> Mask:
    generator = np.random.default_rng(seed)
    return {
        name: np.asarray(generator.random(shape) < generator.random())
        for name, shape in arrays(layers)
    }


def expanded(kept: Structure) -> Mask:
    """The weights of whole heads and MLPs, one by one; output biases of attention are dropped."""
    mask = {name: np.zeros(shape, np.bool_) for name, shape in arrays(len(kept.mlps))}
    size = HIDDEN // kept.heads.shape[1]
    for name, array in mask.items():
        layer, inside = int(name.split(".")[2]), name.split(".", 3)[3]
        for position in np.ndindex(array.shape):
            if inside.startswith("attention.self"):
                array[position] = kept.heads[layer, position[0] // size]
            elif inside == "attention.output.dense.weight":
                array[position] = kept.heads[layer, position[1] // size]
            elif not inside.startswith("attention"):
                array[position] = kept.mlps[layer]
    return mask


# --- where -----------------------------------------------------------------------------------


def test_survival_over_tasks_by_hand() -> None:
    """First head of layer 0: in 2, 1 and 2 of the tasks; so mean 5/3, deviation sqrt(1/3)."""
    heat_map = survival.over_tasks(BY_HAND)
    np.testing.assert_allclose(heat_map.heads.mean, [[5 / 3, 2 / 3], [2 / 3, 1]])
    assert heat_map.heads.std is not None
    np.testing.assert_allclose(
        heat_map.heads.std, [[(1 / 3) ** 0.5, (4 / 3) ** 0.5], [(4 / 3) ** 0.5, 0]]
    )
    np.testing.assert_allclose(heat_map.mlps.mean, [4 / 3, 1])
    assert heat_map.mlps.std is not None
    np.testing.assert_allclose(heat_map.mlps.std, [(1 / 3) ** 0.5, 0])
    assert heat_map.heads.n == heat_map.mlps.n == 3


def test_survival_by_task_by_hand() -> None:
    by_task = survival.by_task(BY_HAND)
    assert list(by_task) == ["rte", "cola"]
    np.testing.assert_allclose(by_task["rte"].heads.mean, [[1, 1 / 3], [1 / 3, 0]])
    np.testing.assert_allclose(by_task["cola"].mlps.mean, [1 / 3, 2 / 3])
    assert by_task["rte"].heads.std is not None
    np.testing.assert_allclose(by_task["rte"].heads.std, [[0, (1 / 3) ** 0.5], [(1 / 3) ** 0.5, 0]])


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100))
def test_means_by_task_add_up_to_that_over_tasks(tasks: int, seeds: int, seed: int) -> None:
    kept = drawn(tasks, seeds, seed)
    by_task = survival.by_task(kept).values()
    together = survival.over_tasks(kept)
    np.testing.assert_allclose(
        sum(heat_map.heads.mean for heat_map in by_task), together.heads.mean
    )
    np.testing.assert_allclose(sum(heat_map.mlps.mean for heat_map in by_task), together.mlps.mean)
    size = np.mean([structure.num_heads for structure in kept.values()])
    assert together.heads.mean.sum() == pytest.approx(tasks * size)


def test_one_seed_has_no_deviation() -> None:
    heat_map = survival.over_tasks(drawn(3, 1))
    assert (heat_map.heads.std, heat_map.mlps.std, heat_map.heads.n) == (None, None, 1)
    assert survival.overlaps(drawn(3, 1)).heads.std is None


def test_shares_of_weights_are_summed_and_averaged_alike() -> None:
    kept = {
        ("rte", 1): Shares(np.array([[0.5, 0.1]]), np.array([0.2])),
        ("rte", 2): Shares(np.array([[0.7, 0.1]]), np.array([0.4])),
        ("cola", 1): Shares(np.array([[0.9, 0.3]]), np.array([0.6])),
        ("cola", 2): Shares(np.array([[0.9, 0.5]]), np.array([0.2])),
    }
    together = survival.over_tasks(kept)
    np.testing.assert_allclose(together.heads.mean, [[1.5, 0.5]])
    np.testing.assert_allclose(together.mlps.mean, [0.7])
    assert together.heads.std is not None
    np.testing.assert_allclose(together.heads.std, [[0.02**0.5, 0.02**0.5]])
    np.testing.assert_allclose(survival.by_task(kept)["cola"].heads.mean, [[0.9, 0.4]])


# --- weights of heads and MLPs ---------------------------------------------------------------


@given(st.integers(0, 200))
def test_whole_heads_and_mlps_have_all_or_none_of_their_weights(seed: int) -> None:
    generator = np.random.default_rng(seed)
    kept = Structure(generator.random((2, HEADS)) < 0.5, generator.random(2) < 0.5)
    shares = survival.by_place(expanded(kept), HEADS)
    np.testing.assert_array_equal(shares.heads, kept.heads)
    np.testing.assert_array_equal(shares.mlps, kept.mlps)


@given(st.integers(0, 200))
def test_shares_are_those_counted_one_by_one(seed: int) -> None:
    """Each weight belongs to one head or MLP, or, an output bias of attention, to none."""
    mask = weights_mask(2, seed)
    shares = survival.by_place(mask, HEADS)
    only = np.zeros((2, HEADS), np.bool_), np.zeros(2, np.bool_)
    for place in np.ndindex(2, HEADS):
        heads = only[0].copy()
        heads[place] = True
        mine = expanded(Structure(heads, only[1]))
        num, kept = (sum(int(x.sum()) for x in y) for y in (mine.values(), common(mine, mask)))
        assert num == (4 * HIDDEN + 3) * HIDDEN // HEADS
        assert shares.heads[place] == pytest.approx(kept / num)
    for layer in range(2):
        mlps = only[1].copy()
        mlps[layer] = True
        mine = expanded(Structure(only[0], mlps))
        num, kept = (sum(int(x.sum()) for x in y) for y in (mine.values(), common(mine, mask)))
        assert num == 2 * HIDDEN * INTERMEDIATE + HIDDEN + INTERMEDIATE
        assert shares.mlps[layer] == pytest.approx(kept / num)


def common(first: Mask, second: Mask) -> list[NDArray[np.bool_]]:
    return [first[name] & second[name] for name in first]


def test_the_output_bias_of_attention_and_a_pooler_belong_to_no_head() -> None:
    mask = weights_mask(2, 0)
    before = survival.by_place(mask, HEADS)
    changed = mask | {
        "encoder.layer.1.attention.output.dense.bias": np.zeros(HIDDEN, np.bool_),
        "pooler.dense.weight": np.zeros((HIDDEN, HIDDEN), np.bool_),
        "encoder.layer.0.output.LayerNorm.weight": np.zeros(HIDDEN, np.bool_),
    }
    shares = survival.by_place(changed, HEADS)
    np.testing.assert_array_equal(shares.heads, before.heads)
    np.testing.assert_array_equal(shares.mlps, before.mlps)


def test_names_may_have_a_prefix_and_any_order() -> None:
    mask = weights_mask(12, 1)
    turned = {f"bert.{name}": array for name, array in reversed(mask.items())}
    shares, before = survival.by_place(turned, HEADS), survival.by_place(mask, HEADS)
    np.testing.assert_array_equal(shares.heads, before.heads)
    np.testing.assert_array_equal(shares.mlps, before.mlps)


def test_incomplete_masks_are_refused() -> None:
    mask = weights_mask(2, 0)
    with pytest.raises(ValueError, match="6 rows of a query do not make 4 heads"):
        survival.by_place(mask, 4)
    for name in ("encoder.layer.1.output.dense.bias", "encoder.layer.0.attention.self.key.weight"):
        part = {other: array for other, array in mask.items() if other != name}
        layer, inside = name.split(".", 3)[2:]
        with pytest.raises(ValueError, match=f"no '{inside}' of layer {layer}"):
            survival.by_place(part, HEADS)
    only_last = {name: array for name, array in mask.items() if ".layer.1." in name}
    for lacking in (only_last, {}):
        with pytest.raises(ValueError, match=r"query\.weight' of layer 0"):
            survival.by_place(lacking, HEADS)


# --- in common -------------------------------------------------------------------------------


def test_overlaps_by_hand() -> None:
    """Heads in both tasks: 2, 1, 1. Sizes of rte: 2, 2, 1; of cola: 3, 2, 2."""
    heat_map = survival.overlaps(BY_HAND)
    np.testing.assert_allclose(heat_map.heads.mean, [[5 / 3, 4 / 3], [4 / 3, 7 / 3]])
    assert heat_map.heads.std is not None
    np.testing.assert_allclose(heat_map.heads.std, [[(1 / 3) ** 0.5] * 2] * 2)
    np.testing.assert_allclose(heat_map.mlps.mean, [[4 / 3, 1 / 3], [1 / 3, 1]])
    assert heat_map.mlps.std is not None
    np.testing.assert_allclose(heat_map.mlps.std, [[(1 / 3) ** 0.5] * 2, [(1 / 3) ** 0.5, 1]])


@given(st.integers(2, 4), st.integers(1, 4), st.integers(0, 100))
def test_overlaps_are_those_of_the_structures(tasks: int, seeds: int, seed: int) -> None:
    structures = drawn(tasks, seeds, seed)
    heat_map = survival.overlaps(structures)
    names, _ = survival.axes(structures)
    for x, first in enumerate(names):
        for y, second in enumerate(names):
            counts = [
                structure.overlap(structures[first, number], structures[second, number])
                for number in range(seeds)
            ]
            mean = np.mean(counts, axis=0)
            assert (heat_map.heads.mean[x, y], heat_map.mlps.mean[x, y]) == pytest.approx(
                tuple(mean)
            )


# --- how stably ------------------------------------------------------------------------------


def test_stability_depends_on_the_generator_alone() -> None:
    kept = list(drawn(1, 3).values())
    once = survival.stability(kept, 50, np.random.default_rng(1))
    assert once == survival.stability(kept, 50, np.random.default_rng(1))
    assert once != survival.stability(kept, 50, np.random.default_rng(2))
    with pytest.raises(ValueError, match="at least two masks, got 1"):
        survival.stability(kept[:1], 50, np.random.default_rng(1))


# --- what is refused -------------------------------------------------------------------------


def test_an_incomplete_grid_is_refused() -> None:
    kept = drawn(2, 2)
    del kept["task1", 0]
    for function in (survival.over_tasks, survival.by_task, survival.overlaps):
        with pytest.raises(ValueError, match="'task1' has no mask of seed 0"):
            function(kept)
        with pytest.raises(ValueError, match="no mask to count"):
            function({})


def test_structures_of_different_shapes_are_refused() -> None:
    kept = {("rte", 1): structure.whole(2, 3), ("rte", 2): structure.whole(2, 1)}
    with pytest.raises(ValueError, match="need one of each"):
        survival.over_tasks(kept)
