"""Our maps and overlaps beside the paper's: compared place by place, and only if they can be."""

from dataclasses import replace

import pytest

from stages.tickets.report.search_rows import Place, WeightsOfLayer
from stages.tickets.report.sections.survival import places
from tests.made_up import config, study


def test_maps_are_compared_place_by_place() -> None:
    """Made up: the paper's maps are ours; over all tasks only if these are all of the paper's."""
    made = study(config(2, 3, 1))
    rows = places.compare(made.results, made.config)
    assert [(row.search, row.task, row.part) for row in rows[:6]] == [
        ("joint", "entailment", "heads"),
        ("joint", "entailment", "mlps"),
        ("joint", "sentiment", "heads"),
        ("joint", "sentiment", "mlps"),
        ("joint", "", "heads"),
        ("joint", "", "mlps"),
    ]
    assert len(rows) == 12
    assert all(row.spearman == pytest.approx(1) for row in rows)
    assert {(row.part, row.places) for row in rows} == {("heads", 4), ("mlps", 2)}
    fewer = [place for place in made.published_places if place.task != "sentiment"]
    rows = places.compare(replace(made, published_places=fewer).results, made.config)
    assert {row.task for row in rows} == {"entailment"}


def test_a_map_turned_round_has_the_opposite_correlation() -> None:
    made = study(config(1, 1, 1))
    turned = [replace(place, mean=1 - place.mean) for place in made.published_places if place.task]
    rows = places.compare(replace(made, published_places=turned).results, made.config)
    assert all(row.spearman == pytest.approx(-1) for row in rows)
    assert (rows[0].paper, rows[0].here) == pytest.approx((0.5, 0.5))


def test_other_encoders_and_other_tasks_are_not_compared() -> None:
    made = study(config(2, 1, 1))
    larger = [*made.published_places, Place("joint", "sentiment", "heads", 2, 0, 0.5, None, 5)]
    results = replace(made, published_places=larger).results
    missing = places.overlaps_table(results, made.config).missing
    assert missing == "not run: the encoder has other numbers of layers and heads than the paper's"
    others = [replace(place, task="rte") for place in made.published_places]
    results = replace(made, published_places=others).results
    missing = places.places_table(results, made.config).missing
    assert missing == "not run: no searched task has the name of one of the paper's"


def test_every_two_tasks_come_once() -> None:
    made = study(config(3, 2, 1))
    paper = [replace(pair, mean=pair.mean - 0.5) for pair in made.published_overlaps]
    results = replace(made, published_overlaps=paper).results
    table = places.overlaps_table(results, made.config)
    assert len(table.rows) == 6 * 4
    assert ("entailment and sentiment", "heads", "1.5 ± 0.5", "2.0 ± 0.5", "+0.5") in table.rows


def test_shares_of_a_layer_are_means_over_seeds_then_tasks() -> None:
    made = study(config(2, 2, 1))
    weights = [
        WeightsOfLayer(task, seed, 0, 100, kept)
        for task, counts in (("entailment", (40, 60)), ("sentiment", (80, 80)))
        for seed, kept in enumerate(counts)
    ]
    results = replace(made, weights=weights).results
    table = places.weights_table(results, made.config)
    assert table.rows == (("0", "50.0 ± 14.1", "80.0 ± 0.0", "65.0"),)
