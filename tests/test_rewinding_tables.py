"""Rewinding and standard pruning, on made-up results."""

import pytest

from stages.tickets import params, rewinding_tables
from tests.made_up import config, study


def test_other_points_are_compared_with_that_of_the_rounds() -> None:
    made = study(config(1, 3, 2))
    records = rewinding_tables.rewinding_table(made.found, made.config).records
    assert [record["point"] for record in records] == [0, 50]
    assert records[1]["change_mean"] == pytest.approx(0.05)
    assert records[0]["change_n"] == 0


def test_rewinding_shows_the_tasks_it_ran_on_alone() -> None:
    made = study(config(3, 3, 2))
    on_one = made.config.model_copy(
        update={
            "rewind": params.Rewind(
                tasks=("sentiment",), seeds=(1, 2, 3), points=(50,), source="dense"
            )
        }
    )
    assert [row[0] for row in rewinding_tables.rewinding_table(made.found, on_one).rows] == [
        "sentiment"
    ]
