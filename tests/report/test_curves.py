"""The figures with a panel per task are true to the numbers beside them."""

import pytest

from stages.tickets.report import curves, score_tables
from stages.tickets.report.scores import Run
from tests.made_up import config, study


def test_the_scores_shown_are_those_of_the_table() -> None:
    made = study(config(2, 3, 2))
    shown = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in curves.scores_figure(made.found, made.config).records
    }
    table = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in score_tables.scores_table(made.found, made.config).records
        if record["n"]
    }
    assert shown == table


def test_means_over_tasks_start_at_dense() -> None:
    made = study(config(2, 3, 2))
    imp = curves.mean_scores("imp", made.found, made.config)
    random = curves.mean_scores("random", made.found, made.config)
    both = [made.found.summary(Run(task, "dense"), 0.95) for task in made.config.tasks]
    assert imp[0]["imp"] == pytest.approx(sum(one.mean for one in both if one) / 2)
    assert random[0]["random"] == imp[0]["imp"]
    assert [record["sparsity"] for record in imp] == [0.0, 0.3, 0.6]
    assert [record["sparsity"] for record in random] == [0.0, 0.6]  # random masks ran in round 2
