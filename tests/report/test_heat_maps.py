"""The heat maps are true to the numbers beside them."""

import pytest

from stages.tickets.report import heat_maps
from tests.made_up import config, study


def test_agreement_has_tasks_off_and_seeds_on_the_diagonal() -> None:
    made = study(config(2, 3, 1))
    records = heat_maps.agreement_figure(made.agreement, made.config).records
    values = {record["pair"]: record["jaccard"] for record in records}
    assert values == pytest.approx(
        {"entailment, seeds": 0.7, "entailment and sentiment": 0.52, "sentiment, seeds": 0.7}
    )
