"""Our maps and overlaps beside the paper's: compared place by place, and only where they can be."""

import pytest

from stages.tickets.report import place_tables
from stages.tickets.report.search_rows import Overlap, Place
from tests.made_up import config, study


def test_maps_are_compared_place_by_place() -> None:
    """Made up: the paper's maps are ours; over all tasks only where these are all of the paper's."""
    made = study(config(2, 3, 1))
    table = place_tables.places_table(made.places, made.published_places, made.config)
    assert [row[:3] for row in table.rows[:6]] == [
        ("joint search", "entailment", "heads"),
        ("joint search", "entailment", "MLPs"),
        ("joint search", "sentiment", "heads"),
        ("joint search", "sentiment", "MLPs"),
        ("joint search", "all tasks", "heads"),
        ("joint search", "all tasks", "MLPs"),
    ]
    assert len(table.rows) == 12
    assert all(record["spearman"] == pytest.approx(1) for record in table.records)
    assert {(record["part"], record["places"]) for record in table.records} == {
        ("heads", 4),
        ("mlps", 2),
    }
    fewer = [one for one in made.published_places if one.task != "sentiment"]
    table = place_tables.places_table(made.places, fewer, made.config)
    assert {row[1] for row in table.rows} == {"entailment"}


def test_a_map_turned_round_has_the_opposite_correlation() -> None:
    made = study(config(1, 1, 1))
    turned = [
        Place(**(vars(one) | {"mean": 1 - one.mean})) for one in made.published_places if one.task
    ]
    table = place_tables.places_table(made.places, turned, made.config)
    assert all(record["spearman"] == pytest.approx(-1) for record in table.records)
    assert table.records[0]["paper"] == pytest.approx(0.5)
    assert table.records[0]["here"] == pytest.approx(0.5)


def test_other_encoders_and_other_tasks_are_not_compared() -> None:
    made = study(config(2, 1, 1))
    larger = [*made.published_places, Place("joint", "sentiment", "heads", 2, 0, 0.5, None, 5)]
    assert not place_tables.same_encoder(made.places, larger)
    missing = place_tables.overlaps_table(
        made.overlaps, made.published_overlaps, False, made.config
    ).missing
    assert missing == "not run: the encoder has other numbers of layers and heads than the paper's"
    others = [Place(**(vars(one) | {"task": "rte"})) for one in made.published_places]
    missing = place_tables.places_table(made.places, others, made.config).missing
    assert missing == "not run: no searched task has the name of one of the paper's"


def test_every_two_tasks_come_once() -> None:
    made = study(config(3, 2, 1))
    paper = [Overlap(**(vars(one) | {"mean": one.mean - 0.5})) for one in made.published_overlaps]
    table = place_tables.overlaps_table(made.overlaps, paper, True, made.config)
    assert len(table.rows) == 6 * 4
    assert ("entailment and sentiment", "heads", "1.5 ± 0.5", "2.0 ± 0.5", "+0.5") in table.rows
