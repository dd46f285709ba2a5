"""The figures of patterns: what they show, and why they show nothing."""

import pytest

from stages.tickets.report import pattern_figures
from stages.tickets.searches.attention.patterns import PATTERNS
from tests.made_up import config, study


def test_every_bar_reaches_a_hundred_per_cent() -> None:
    made = study(config(2, 2, 1))
    figure = pattern_figures.patterns_figure(made.patterns, made.config)
    bars: dict[tuple[object, ...], float] = {}
    for one in figure.records:
        where = (one["map"], one["heads"], one["task"])
        assert isinstance(one["share"], float)
        bars[where] = bars.get(where, 0.0) + one["share"]
    assert len(bars) == 2 * 2 * 3  # two tasks and the paper
    assert list(bars.values()) == pytest.approx([1.0] * len(bars))
    assert figure.svg.startswith("<?xml")


def test_there_is_one_example_of_every_class() -> None:
    made = study(config(1, 1, 1))
    figure = pattern_figures.pattern_examples_figure(made.config)
    assert list(dict.fromkeys(one["pattern"] for one in figure.records)) == list(PATTERNS)
    assert len(figure.records) == len(PATTERNS) * pattern_figures.TOKENS**2
    assert "made by rule" in figure.caption


def test_without_tasks_there_is_no_figure() -> None:
    made = study(config(1, 2, 1, controls=False))
    why = "not run: patterns.tasks is empty in params.yaml"
    assert pattern_figures.patterns_figure(made.patterns, made.config).missing == why
    assert pattern_figures.pattern_examples_figure(made.config).missing == why
