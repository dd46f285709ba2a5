"""Sizes, places and stability: quantities by hand, and the rule of their verdict."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets.report import rows
from stages.tickets.report.papers import prasanna_structure
from stages.tickets.report.papers.prasanna_structure import QUANTITIES
from stages.tickets.report.published import PublishedStructure
from stages.tickets.report.search_rows import Place, WeightsOfLayer
from tests.made_up import config, study

PUBLISHED = Path(__file__).parents[3] / "published" / "prasanna2020_structure.csv"


def test_the_published_numbers_are_whole() -> None:
    published = rows.read(PUBLISHED, PublishedStructure)
    assert len(published) == 8 * len(QUANTITIES)
    assert {row.quantity for row in published} == set(QUANTITIES)
    assert "wnli" not in {row.task for row in published}


@pytest.mark.parametrize(
    ("published", "ours", "verdict"),
    [
        ((0.18, 0.30), 0.25, "agrees"),
        ((0.18, 0.30), 0.32, "direction only"),
        ((0.18, 0.30), -0.1, "differs"),
        ((0.18, 0.30), 0.0, "differs"),
        ((-0.07, 0.4), 0.1, "agrees"),
        ((-0.07, 0.4), -0.05, "differs"),  # within the range, but of the other sign
        ((0.013, 0.018), 0.004, "direction only"),
    ],
)
def test_a_range_with_a_direction(
    published: tuple[float, float], ours: float, verdict: str
) -> None:
    assert prasanna_structure.same_range(published, ours, directed=True) == verdict


def test_shares_have_no_direction() -> None:
    assert prasanna_structure.same_range([0.5, 0.6], 0.55, directed=False) == "agrees"
    assert prasanna_structure.same_range([0.5, 0.6], 0.9, directed=False) == "differs"


@pytest.mark.parametrize(
    ("layers", "middle"), [(12, range(4, 8)), (6, range(2, 4)), (4, range(1, 3))]
)
def test_the_middle_third_of_the_mlps(layers: int, middle: range) -> None:
    places = [
        Place("joint", "rte", "mlps", layer, None, 0.9 if layer in middle else 0.2, None, 1)
        for layer in range(layers)
    ]
    results = replace(study(config(1, 1, 1)), places=places).results
    assert QUANTITIES["middle_mlps"](results, "rte") == pytest.approx(0.7)
    assert QUANTITIES["middle_mlps"](results, "cola") is None


def test_the_upper_layers() -> None:
    weights = [
        WeightsOfLayer("rte", seed, layer, 10, kept)
        for seed in (1, 2)
        for layer, kept in enumerate((4, 5, 6, 9))
    ]
    results = replace(study(config(1, 1, 1)), weights=weights).results
    assert QUANTITIES["upper_layers"](results, "rte") == pytest.approx(0.3)


def test_every_quantity_has_a_verdict_or_a_reason() -> None:
    made = study(config(2, 2, 1))
    ranges = prasanna_structure.compare(made.results, made.config)
    assert {row.claim.name: row.claim.verdict for row in ranges} == {
        "kappa_of_heads": "agrees",  # .3 in both
        "kept_structured": "agrees",  # .75 in the range from .70 to .75
        "kept_magnitude": "differs",  # .5, theirs .9 to .95
        "kept_super": "no verdict: kept by all of 2 seeds, the paper's of 5",
        "middle_mlps": "not run: params.yaml asks for nothing that says this",  # of two layers
        "upper_layers": "agrees",  # .02
    }
    nothing = study(config(1, 1, 1, controls=False))
    ranges = prasanna_structure.compare(nothing.results, nothing.config)
    assert {row.claim.verdict for row in ranges} == {
        "not run: search.tasks is empty in params.yaml"
    }


def test_a_row_of_the_table_and_a_card_are_one_claim() -> None:
    made = study(config(2, 2, 1))
    kappa, *_ = ranges = prasanna_structure.compare(made.results, made.config)
    assert (kappa.claim.published, kappa.claim.here) == (
        "0.325 [0.300, 0.350]",
        "0.300 [0.300, 0.300]",
    )
    assert (kappa.claim.difference, kappa.claim.counted) == ("−0.025", "2 seeds, 2 tasks")
    table = prasanna_structure.structure_table(ranges, made.results, made.config)
    assert table.rows[0][1:] == (
        "0.325 [0.300, 0.350]", "0.300 [0.300, 0.300]", "−0.025", "2", "agrees",
    )  # fmt: skip
    assert [table.records[0][name] for name in ("paper_low", "paper_high")] == [0.3, 0.35]
