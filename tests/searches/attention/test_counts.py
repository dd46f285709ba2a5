"""Counts of patterns for two examples of a model with one layer of three heads."""

import numpy as np
import pytest

from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.attention import counts
from stages.tickets.searches.attention.counts import Subject
from stages.tickets.searches.attention.patterns import PATTERNS

MLPS = np.ones(1, np.bool_)
ALL = Structure(np.ones((1, 3), np.bool_), MLPS)
SOME = Structure(np.array([[True, False, True]]), MLPS)
CLASSES = {
    ("raw", 1): np.array([[[0, 1, 1]], [[0, 2, 1]]]),
    ("raw", 2): np.array([[[0, 1, 4]], [[3, 2, 1]]]),
    ("normed", 1): np.array([[[4, 4, 4]], [[4, 4, 4]]]),
}


def subject(scope, kept):
    return Subject("rte", 1, "fine-tuned", scope, kept)


def test_shares_are_over_the_heads_that_are_looked_at():
    rows = list(counts.shares(subject("super", SOME), CLASSES))
    assert len(rows) == 3 * 5
    raw = {
        row["pattern"]: row["share"] for row in rows if (row["map"], row["network"]) == ("raw", 1)
    }
    assert raw == dict.fromkeys(PATTERNS, 0) | {"vertical": 0.5, "diagonal": 0.5}
    assert {row["maps"] for row in rows} == {4}


def test_patterns_are_counted_head_by_head():
    rows = list(counts.by_head(subject("all", ALL), CLASSES, [ALL, SOME]))
    examples = {
        (row["head"], row["pattern"]): row["examples"]
        for row in rows
        if (row["map"], row["network"]) == ("raw", 2)
    }
    shown = {(0, 0): 1, (0, 3): 1, (1, 1): 1, (1, 2): 1, (2, 4): 1, (2, 1): 1}
    assert examples == {
        (head, pattern): shown.get((head, number), 0)
        for head in range(3)
        for number, pattern in enumerate(PATTERNS)
    }
    assert {(row["head"], row["survives"]) for row in rows} == {(0, 2), (1, 1), (2, 2)}


@pytest.mark.parametrize(("scope", "kept", "share"), [("all", ALL, 4 / 6), ("super", SOME, 2 / 4)])
def test_networks_agree_on_the_heads_that_are_looked_at(scope, kept, share):
    (row,) = counts.agreements(subject(scope, kept), CLASSES)
    assert (row["map"], row["first"], row["second"]) == ("raw", 1, 2)
    assert row["agreement"] == pytest.approx(share)


def test_every_row_has_the_columns_of_its_table():
    tables = counts.rows(subject("all", ALL), CLASSES, [ALL])
    tables["confusion"] = list(counts.confusions("raw", 1, np.arange(25).reshape(5, 5)))
    assert tables.keys() == counts.COLUMNS.keys()
    for name, rows in tables.items():
        assert all(set(row) == set(counts.COLUMNS[name]) for row in rows)
    assert "heads" not in counts.rows(subject("super", SOME), CLASSES, [ALL])


def test_confusion_has_true_classes_in_rows():
    confusion = np.zeros((5, 5), np.int64)
    confusion[0, 3] = 7
    rows = list(counts.confusions("normed", 2, confusion))
    assert [row for row in rows if row["maps"]] == [
        {"map": "normed", "network": 2, "true": "vertical", "found": "block", "maps": 7}
    ]
