"""Bundles of masks: bit for bit what went in, and only for the encoder that it is of."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from stages.tickets.export import masks
from stages.tickets.export.masks import Place

SHAPES = {"layer.0.weight": [3, 5], "layer.1.weight": [2, 8]}


def drawn(seed, shapes=SHAPES):
    generator = np.random.default_rng(seed)
    return {name: generator.random(shape) < 0.5 for name, shape in shapes.items()}


@pytest.fixture
def file(tmp_path):
    found = [(Place("b", 1, 2), drawn(1)), (Place("a", 2, 1), drawn(2))]
    masks.save(found, {"study": "x\n\u2028é"}, tmp_path / "masks.safetensors")
    return tmp_path / "masks.safetensors"


def load(path, place):
    """The mask and the metadata as the code in cards reads them."""
    scope: dict[str, Any] = {}
    exec(masks.LOADER, scope)
    mask, about = scope["load"](path, place.task, place.seed, place.round)
    return mask, about


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_bit_comes_back(tmp_path_factory, rows, columns, seed):
    path = tmp_path_factory.mktemp("bundle") / "masks.safetensors"
    mask, place = drawn(seed, {"w": [rows, columns]}), Place("a", 1, 1)
    masks.save([(place, mask)], {}, path)
    read, _ = load(path, place)
    assert read["w"].dtype == np.bool_
    assert np.array_equal(read["w"], mask["w"])


def test_masks_are_told_apart(file):
    for place, seed in ((Place("a", 2, 1), 2), (Place("b", 1, 2), 1)):
        (mask, about), expected = load(file, place), drawn(seed)
        assert mask.keys() == expected.keys() == about["shapes"].keys()
        assert all(np.array_equal(mask[name], expected[name]) for name in expected)
        kept = sum(int(matrix.sum()) for matrix in expected.values())
        assert about["masks"][str(place)]["kept"] == kept
        assert about["masks"][str(place)]["sparsity"] == round(1 - kept / 31, 9)
    assert sorted(about["masks"]) == ["a/seed-2/round-1", "b/seed-1/round-2"]
    assert (about["study"], about["format"]) == ("x\n\u2028é", masks.FORMAT)


def test_the_loader_of_cards_stands_alone():
    assert "stages" not in masks.LOADER
    assert len(masks.LOADER.splitlines()) <= 15


def test_one_metadata_key_with_sorted_json(file, tmp_path):
    with safe_open(file, "numpy") as opened:
        (text,) = opened.metadata().values()
    assert text == json.dumps(json.loads(text), sort_keys=True)
    found = [(Place("a", 2, 1), drawn(2)), (Place("b", 1, 2), drawn(1))]
    masks.save(found, {"study": "x\n\u2028é"}, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_masks_over_different_matrices_are_refused(tmp_path):
    other = drawn(1) | {"layer.1.weight": np.ones((8, 2), np.bool_)}
    found = [(Place("a", 1, 1), drawn(1)), (Place("a", 1, 2), other)]
    with pytest.raises(ValueError, match="a/seed-1/round-2 is over other matrices"):
        masks.save(found, {}, tmp_path / "masks")
    with pytest.raises(ValueError, match="no mask"):
        masks.save([], {}, tmp_path / "masks")
    assert list(tmp_path.iterdir()) == []
