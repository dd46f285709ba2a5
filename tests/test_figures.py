"""The figures: well-formed, the same bytes every time, and true to the numbers beside them."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import pytest

from stages.tickets import figures, tables
from stages.tickets.figures import Figure
from stages.tickets.summary import Run
from tests.test_tables import SIZES, Study, config, study

DRAW: dict[str, Callable[[Study], Figure]] = {
    "scores": lambda made: figures.scores_figure(made.found, made.config),
    "transfer": lambda made: figures.transfer_figure(made.found, made.config),
    "rewinding": lambda made: figures.rewinding_figure(made.found, made.config),
    "agreement": lambda made: figures.agreement_figure(made.agreement, made.config),
    "layers": lambda made: figures.layers_figure(made.layers, made.config),
    "layers_by_task": lambda made: figures.layers_by_task_figure(made.layers, made.config),
}


@pytest.mark.parametrize("size", SIZES[1:3])
def test_every_figure_is_drawn_or_says_why_not(size: tuple[int, int, int, bool]) -> None:
    made = study(config(*size))
    for name, draw in DRAW.items():
        figure = draw(made)
        assert figure.name == name
        if figure.missing:
            assert figure.missing.startswith("not run: ")
            assert not figure.svg
        else:
            assert ET.fromstring(figure.svg).tag == "{http://www.w3.org/2000/svg}svg"
            assert figure.records
            assert len({tuple(record) for record in figure.records}) == 1


def test_what_did_not_run_is_not_drawn() -> None:
    made = study(config(1, 1, 1, controls=False))
    assert [name for name, draw in DRAW.items() if draw(made).missing] == ["transfer", "agreement"]


@pytest.mark.parametrize("name", ["scores", "transfer"])
def test_the_same_bytes_whatever_the_user_set_before(name: str) -> None:
    made = study(config(2, 3, 2))
    first = DRAW[name](made).svg
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": "other"}):
        assert DRAW[name](made).svg == first
    assert "<dc:date>" not in first


def test_the_scores_shown_are_those_of_the_table() -> None:
    made = study(config(2, 3, 2))
    shown = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in figures.scores_figure(made.found, made.config).records
    }
    table = {
        (record["task"], record["kind"], record["sparsity"]): record["mean"]
        for record in tables.scores_table(made.found, made.config).records
        if record["n"]
    }
    assert shown == table


def test_means_over_tasks_start_at_dense() -> None:
    made = study(config(2, 3, 2))
    imp = figures.mean_scores("imp", made.found, made.config)
    random = figures.mean_scores("random", made.found, made.config)
    both = [made.found.summary(Run(task, "dense"), 0.95) for task in made.config.tasks]
    assert imp[0]["imp"] == pytest.approx(sum(one.mean for one in both if one) / 2)
    assert random[0]["random"] == imp[0]["imp"]
    assert [record["sparsity"] for record in imp] == [0.0, 0.3, 0.6]
    assert [record["sparsity"] for record in random] == [0.0, 0.6]  # random masks ran in round 2


def test_agreement_has_tasks_off_and_seeds_on_the_diagonal() -> None:
    made = study(config(2, 3, 1))
    records = figures.agreement_figure(made.agreement, made.config).records
    values = {record["pair"]: record["jaccard"] for record in records}
    assert values == pytest.approx(
        {"entailment, seeds": 0.7, "entailment and sentiment": 0.52, "sentiment, seeds": 0.7}
    )


def test_bars_end_where_scores_end() -> None:  # an interval of two seeds may reach beyond any score
    made = study(config(1, 3, 2))
    wide = made.found.summary(Run("entailment", "dense"), 0.999999)
    assert wide is not None
    assert wide.high is not None
    assert wide.high > 1
    assert figures.bars([wide])[1] == pytest.approx([100 * (1 - wide.mean)])
