"""Claims on structure: quantities by hand, the rule of the verdict, importance against scipy."""

import csv
from pathlib import Path

import pytest

from stages.tickets.report import rows, structure_claims
from stages.tickets.report.published import PublishedStructure
from stages.tickets.report.search_rows import Place, WeightsOfLayer
from stages.tickets.report.structure_claims import QUANTITIES, Found
from tests.made_up import Study, config, study

ROOT = Path(__file__).parents[2]


def found_in(made: Study) -> Found:
    return Found(made.sizes, made.searched, made.structures, made.places, made.weights)


def test_the_published_numbers_are_whole() -> None:
    path = ROOT / "published" / "prasanna2020_structure.csv"
    with path.open(encoding="utf-8", newline="") as file:
        found = rows.parse(PublishedStructure, csv.DictReader(file))
    assert len(found) == 8 * len(QUANTITIES)
    assert {one.quantity for one in found} == set(QUANTITIES)
    assert "wnli" not in {one.task for one in found}


@pytest.mark.parametrize(
    ("ours", "said"),
    [(0.25, "agrees"), (0.32, "direction only"), (-0.1, "differs"), (0.0, "differs"), (None, "")],
)
def test_the_verdict_by_its_rule(ours: float | None, said: str) -> None:
    assert structure_claims.verdict([0.18, 0.30], ours, directed=True) == said


def test_the_sign_counts_where_the_range_has_both() -> None:
    assert structure_claims.verdict([-0.07, 0.4], 0.1, directed=True) == "agrees"
    assert structure_claims.verdict([-0.07, 0.4], -0.05, directed=True) == "differs"
    assert structure_claims.verdict([0.013, 0.018], 0.004, directed=True) == "direction only"


def test_shares_have_no_direction() -> None:
    assert structure_claims.verdict([0.5, 0.6], 0.55, directed=False) == "agrees"
    assert structure_claims.verdict([0.5, 0.6], 0.9, directed=False) == "differs"


@pytest.mark.parametrize(
    ("layers", "middle"), [(12, range(4, 8)), (6, range(2, 4)), (4, range(1, 3))]
)
def test_the_middle_third_of_the_mlps(layers: int, middle: range) -> None:
    places = [
        Place("joint", "rte", "mlps", layer, None, 0.9 if layer in middle else 0.2, None, 1)
        for layer in range(layers)
    ]
    found = Found((), (), (), places, ())
    assert QUANTITIES["middle_mlps"].of_task(found, "rte") == pytest.approx(0.7)
    assert QUANTITIES["middle_mlps"].of_task(found, "cola") is None


def test_the_upper_layers() -> None:
    weights = [
        WeightsOfLayer("rte", seed, layer, 10, kept)
        for seed in (1, 2)
        for layer, kept in enumerate((4, 5, 6, 9))
    ]
    found = Found((), (), (), (), weights)
    assert QUANTITIES["upper_layers"].of_task(found, "rte") == pytest.approx(0.3)


def test_the_table_has_a_verdict_or_a_reason_for_every_quantity() -> None:
    made = study(config(2, 2, 1))
    table = structure_claims.structure_claims_table(
        found_in(made), made.published_structure, made.config
    )
    said = {record["quantity"]: record["verdict"] for record in table.records}
    assert said == {
        "kappa_of_heads": "agrees",  # .3 in both
        "kept_structured": "agrees",  # .75 in the range from .70 to .75
        "kept_magnitude": "differs",  # .5, theirs .9 to .95
        "kept_super": "no verdict: kept by all of 2 seeds, the paper's of 5",
        "middle_mlps": "not run: params.yaml asks for nothing that says this",  # of two layers
        "upper_layers": "agrees",  # .02
    }
    nothing = study(config(1, 1, 1, controls=False))
    table = structure_claims.structure_claims_table(
        found_in(nothing), nothing.published_structure, nothing.config
    )
    assert {record["verdict"] for record in table.records} == {
        "not run: search.tasks is empty in params.yaml"
    }
