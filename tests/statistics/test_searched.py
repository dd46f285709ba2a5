"""Rows about what searches kept, for two tasks and two seeds of an encoder of two layers."""

from typing import Any

import numpy as np
import pytest

from stages.tickets.pruning.structure import Structure
from stages.tickets.statistics import raters, searched
from tests.statistics.test_survival import HEADS, of, weights_mask

JOINT = {
    ("rte", 1): of("11 00", "10"),
    ("rte", 2): of("10 10", "10"),
    ("cola", 1): of("11 01", "01"),
    ("cola", 2): of("00 11", "11"),
}
STEPS = [
    {
        "score": 0.8,
        "accepted": True,
        "heads": [[1, 1], [0, 1]],
        "mlps": [1, 1],
        "head_importance": [[0.9, 0.5], [0.1, 0.4]],
        "mlp_importance": [0.7, 0.6],
    },
    {"score": 0.3, "accepted": False},
]
TRACES = {key: {"dense_score": 0.85, "steps": STEPS} for key in JOINT}
TRACES["cola", 2] = {"dense_score": 0.0, "steps": []}


def tables(**changes):
    given: dict[str, Any] = {
        "structures": {"joint": JOINT},
        "weights": {},
        "traces": {"joint": TRACES},
        "magnitudes": {key: {"heads": np.eye(2), "mlps": np.arange(2.0)} for key in JOINT},
        "num_permutations": 10,
    }
    return searched.tables(**(given | changes))


def test_every_row_has_the_columns_of_its_table():
    weights = {key: searched.kept_weights(weights_mask(2, 0), HEADS) for key in JOINT}
    made = tables(weights=weights, traces={"joint": TRACES, "magnitude": TRACES})
    assert list(made) == list(searched.COLUMNS)
    for name, rows in made.items():
        assert rows
        assert all(set(row) == set(searched.COLUMNS[name]) for row in rows)
    first = made["searched"][len(JOINT)]
    assert (first["variant"], first["heads"]) == ("magnitude", None)
    mask = weights_mask(2, 0)
    kept = sum(int(array.sum()) for array in mask.values())
    assert first["kept"] == pytest.approx(kept / sum(array.size for array in mask.values()))
    assert sum(row["kept"] for row in made["layers"]) == len(JOINT) * kept


def test_without_a_search_all_tables_are_empty():
    empty = tables(structures={}, traces={}, magnitudes={})
    assert empty == {name: [] for name in searched.COLUMNS}


def test_the_score_is_that_of_the_last_accepted_step():
    rows = {(row["task"], row["seed"]): row for row in tables()["searched"]}
    assert rows["rte", 1] == {
        "task": "rte", "seed": 1, "variant": "joint", "heads": 2, "all_heads": 4, "mlps": 1,
        "all_mlps": 2, "kept": None, "steps": 2, "dense_score": 0.85, "score": 0.8,
    }  # fmt: skip
    assert rows["cola", 2]["score"] == rows["cola", 2]["dense_score"] == 0


def test_agreement_compares_the_right_masks():
    half = {key: of("10 01", "11") for key in JOINT}
    rows = tables(structures={"joint": JOINT, "half-1": half, "half-2": JOINT})["agreement"]
    values = {
        (row["axis"], row["variant"], row["task"], row["seed"]): (row["masks"], row["value"])
        for row in rows
        if row["measure"] == "fleiss_kappa" and row["part"] == "heads"
    }

    def kappa(*several: Structure) -> float:
        return float(raters.fleiss_kappa(np.array([kept.heads.ravel() for kept in several])))

    rte, cola = ([JOINT[task, 1], JOINT[task, 2]] for task in ("rte", "cola"))
    assert values["seeds", "joint", "rte", ""] == (2, kappa(*rte))
    assert values["tasks", "joint", "", "2"] == (2, kappa(rte[1], cola[1]))
    assert values["two tasks", "joint", "rte and cola", ""] == (4, kappa(*rte, *cola))
    halves = (2, kappa(half["cola", 1], JOINT["cola", 1]))
    assert values["halves", "half-1 and half-2", "cola", "1"] == halves
    assert {axis for axis, *_ in values} == {"seeds", "tasks", "two tasks", "halves"}


def test_overlaps_are_counted_within_a_seed_and_of_super_survivors():
    rows = {
        (row["of"], row["first"], row["second"]): (row["mean"], row["n"])
        for row in tables()["overlaps"]
        if row["part"] == "heads"
    }
    assert rows["joint", "rte", "cola"] == (1.5, 2)  # 2 of seed 1, 1 of seed 2
    assert rows["super", "rte", "rte"] == (1, 1)
    assert rows["super", "rte", "cola"] == (0, 1)


def test_places_are_over_all_tasks_and_of_each():
    rows = {
        (row["task"], row["layer"], row["head"]): row["mean"]
        for row in tables()["places"]
        if row["part"] == "heads"
    }
    assert rows["", 0, 0] == 1.5  # both tasks in seed 1, rte alone in seed 2
    assert rows["rte", 1, 0] == 0.5
    assert len(rows) == 3 * 4


def test_importance_stands_beside_magnitude_and_fate():
    rows = {
        (row["task"], row["seed"], row["part"], row["layer"], row["head"]): row
        for row in tables()["importance"]
    }
    assert ("cola", 2) not in {key[:2] for key in rows}  # no score to keep, no step
    first = rows["rte", 1, "heads", 1, 0]
    assert (first["importance"], first["magnitude"]) == (0.1, 0)
    assert (first["first_dropped"], first["kept"]) == (True, False)
    mlp = rows["rte", 2, "mlps", 1, None]
    assert (mlp["importance"], mlp["magnitude"]) == (0.6, 1)
    assert (mlp["first_dropped"], mlp["kept"]) == (False, False)
