"""Rankings of a layer's channels: in the dense network, and behind a pruned prefix."""

import numpy as np
import pytest

from stages.tickets.greedy import choosing, ranking
from stages.tickets.tasks.task import Prepared
from tests.greedy.models import LAYERS, small

pytestmark = pytest.mark.usefixtures("on_the_cpu")
ALL = [np.arange(8)]


def test_rows_of_a_model(prepared: Prepared) -> None:
    generator = np.random.default_rng(0)
    dense = choosing.choose("one-shot", small(), prepared, ALL, 0.0, generator).importances
    tables = {}
    for sparsity in (0.0, 0.25, 0.75):
        greedy = choosing.choose("greedy", small(), prepared, ALL, sparsity, generator)
        tables[sparsity] = ranking.rows(dense, greedy, sparsity)
        assert [tuple(row) for row in tables[sparsity]] == [ranking.ROW] * 2 * LAYERS
    assert all(row["tau"] == row["jaccard"] == 1 for row in tables[0.0])
    for table in tables.values():
        assert table[0]["tau"] == 1  # nothing is before the heads of layer 0
        assert table[1]["part"] == "neurons"
        assert all(-1 <= row["tau"] <= 1 for row in table)
    after = {s: np.mean([row["tau"] for row in table[2:]]) for s, table in tables.items()}
    assert after[0.75] < after[0.25] < 1
    row = tables[0.75][-1]
    assert (row["channels"], row["kept"]) == (12, 3)
    assert row["jaccard_by_chance"] == pytest.approx(0.75 / 5.25)
