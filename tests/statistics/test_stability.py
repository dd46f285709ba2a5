"""Rows of agreement and of layers for masks of four weights."""

import numpy as np
import pytest

from stages.tickets.pruning.masks import Mask
from stages.tickets.statistics import agreement, stability


def mask(bits: str) -> Mask:
    return {"layer.0.query.weight": np.array([[bit == "1" for bit in bits]])}


MASKS = {
    ("rte", 1): mask("1100"),
    ("rte", 2): mask("1010"),
    ("cola", 1): mask("1100"),
    ("cola", 2): mask("0011"),
}
ONE_SHOT = mask("1100")


def values(rows):
    place = ("axis", "first", "second", "seeds", "measure")
    return {tuple(row[key] for key in place): row["value"] for row in rows}


def test_all_pairs_of_seeds_and_of_tasks_are_compared():
    rows = list(stability.agreements(MASKS))
    assert all(set(row) == set(stability.AGREEMENT) - {"round", "sparsity"} for row in rows)
    kappa = agreement.fleiss_kappa([mask("1010"), mask("0011")]).value
    assert values(rows) == {
        ("seeds", "rte", "", "1 2", "jaccard"): 1 / 3,
        ("seeds", "rte", "", "1 2", "cohen_kappa"): 0,
        ("seeds", "rte", "", "1 2", "fleiss_kappa"): 0,
        ("seeds", "cola", "", "1 2", "jaccard"): 0,
        ("seeds", "cola", "", "1 2", "cohen_kappa"): -1,
        ("seeds", "cola", "", "1 2", "fleiss_kappa"): -1,
        ("tasks", "rte", "cola", "1", "jaccard"): 1,
        ("tasks", "rte", "cola", "1", "cohen_kappa"): 1,
        ("tasks", "", "", "1", "fleiss_kappa"): 1,
        ("tasks", "rte", "cola", "2", "jaccard"): 1 / 3,
        ("tasks", "rte", "cola", "2", "cohen_kappa"): 0,
        ("tasks", "", "", "2", "fleiss_kappa"): pytest.approx(kappa),
    }


def test_one_mask_has_nothing_to_agree_with():
    assert list(stability.agreements({("rte", 1): mask("1100")})) == []


def test_masks_are_compared_with_the_one_shot_mask_and_beyond_it():
    found = values(stability.beyond(MASKS, ONE_SHOT))
    one_shot = {key[1::2]: value for key, value in found.items() if key[0] == "one_shot"}
    assert one_shot == {
        ("rte", "1"): 1, ("rte", "2"): 1 / 3, ("cola", "1"): 1, ("cola", "2"): 0,
    }  # fmt: skip
    # On seed 2, rte brings back the third weight and drops the second; cola both and both.
    assert found["tasks", "rte", "cola", "2", "brought_back"] == 1 / 2
    assert found["tasks", "rte", "cola", "2", "taken_out"] == 1 / 2
    assert found["seeds", "rte", "", "1 2", "brought_back"] == 0
    assert len(found) == 4 + 2 * 4


def test_layers_are_told_from_names():
    masks = {("rte", 1): mask("1000") | {"pooler.dense.weight": np.ones((2, 2), np.bool_)}}
    assert list(stability.layers(masks)) == [
        {"task": "rte", "seed": 1, "layer": 0, "matrix": "query", "size": 4, "kept": 1},
        {"task": "rte", "seed": 1, "layer": None, "matrix": "pooler.dense", "size": 4, "kept": 4},
    ]
