"""Bundles of masks: bit for bit what went in, and only for the encoder that it is of."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

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


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_every_bit_comes_back(tmp_path_factory, rows, columns, seed):
    path = tmp_path_factory.mktemp("bundle") / "masks.safetensors"
    shapes = {"w": [rows, columns]}
    mask, place = drawn(seed, shapes), Place("a", 1, 1)
    masks.save([(place, mask)], {}, path)
    found = masks.load(path, shapes).mask(place)
    assert found["w"].dtype == np.bool_
    assert np.array_equal(found["w"], mask["w"])


def test_masks_are_told_apart(file):
    bundle = masks.load(file, SHAPES)
    assert bundle.places == [Place("a", 2, 1), Place("b", 1, 2)]
    for place, seed in ((Place("a", 2, 1), 2), (Place("b", 1, 2), 1)):
        found, expected = bundle.mask(place), drawn(seed)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        kept = sum(int(one.sum()) for one in expected.values())
        assert bundle.about["masks"][str(place)]["kept"] == kept
        assert bundle.about["masks"][str(place)]["sparsity"] == round(1 - kept / 31, 9)
    assert bundle.about["study"] == "x\n\u2028é"
    with pytest.raises(ValueError, match="no mask of a/seed-2/round-2"):
        bundle.mask(Place("a", 2, 2))


def test_the_loader_of_cards_reads_the_same(file):
    scope: dict[str, Any] = {}
    exec(masks.LOADER, scope)
    mask, about = scope["load"](file, "b", 1, 2)
    assert all(np.array_equal(mask[name], drawn(1)[name]) for name in SHAPES)
    assert about == masks.load(file, SHAPES).about
    assert "stages" not in masks.LOADER
    assert len(masks.LOADER.splitlines()) <= 15


def test_one_metadata_key_with_sorted_json(file, tmp_path):
    with safe_open(file, "numpy") as opened:
        (text,) = opened.metadata().values()
    assert text == json.dumps(json.loads(text), sort_keys=True)
    found = [(Place("a", 2, 1), drawn(2)), (Place("b", 1, 2), drawn(1))]
    masks.save(found, {"study": "x\n\u2028é"}, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**SHAPES, "layer.1.weight": [8, 2]}, r"'layer.1.weight' has shape \[2, 8\] in its masks"),
        ({"layer.0.weight": [3, 5]}, "'layer.1.weight', which the masks have"),
        ({**SHAPES, "pooler": [2, 2]}, "'pooler', which the encoder has"),
    ],
)
def test_another_encoder_is_refused(file, other, message):
    with pytest.raises(ValueError, match=f"is of another encoder: .*{message}"):
        masks.load(file, other)


def test_what_is_no_bundle_is_refused(file, tmp_path):
    odd = tmp_path / "odd"
    odd.write_text("no")
    with pytest.raises(ValueError, match="no bundle of masks"):
        masks.load(odd, SHAPES)
    about = masks.load(file, SHAPES).about
    for key, value in (("format", 2), ("masks", {}), ("shapes", None)):
        text = json.dumps({**about, key: value})
        save_file({"a": np.zeros(1)}, odd, metadata={masks.KEY: text})
        with pytest.raises(ValueError, match="no bundle of masks"):
            masks.load(odd, SHAPES)


def test_masks_over_different_matrices_are_refused(tmp_path):
    other = drawn(1) | {"layer.1.weight": np.ones((8, 2), np.bool_)}
    found = [(Place("a", 1, 1), drawn(1)), (Place("a", 1, 2), other)]
    with pytest.raises(ValueError, match="a/seed-1/round-2 is over other matrices"):
        masks.save(found, {}, tmp_path / "masks")
    with pytest.raises(ValueError, match="no mask"):
        masks.save([], {}, tmp_path / "masks")
    assert list(tmp_path.iterdir()) == []
