"""Sizes, places and stability: quantities by hand, and the rule of their verdict."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets.report import rows
from stages.tickets.report.papers import prasanna_structure, shared
from stages.tickets.report.papers.prasanna_structure import QUANTITIES
from stages.tickets.report.published import PublishedStructure
from stages.tickets.report.rows import Kept
from stages.tickets.report.search_rows import Place, WeightsOfLayer
from tests.made_up import config, study

PUBLISHED = Path(__file__).parents[3] / "published" / "prasanna2020_structure.csv"


def test_the_published_numbers_are_whole() -> None:
    published = rows.read(PUBLISHED, PublishedStructure)
    assert len(published) == 8 * len(QUANTITIES)
    assert {row.quantity for row in published} == set(QUANTITIES)
    assert "wnli" not in {row.task for row in published}


def same(by_task: dict[str, list[float]], paper: dict[str, float]) -> str:
    made = study(config(1, 3, 1))
    bert = [Kept("x", 1, 1, 0.3, 0, "x", shared.BERT_BASE, 5)]
    return prasanna_structure.same_quantity(by_task, paper, replace(made.results, layers=bert))


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([0.30, 0.31, 0.32], "agrees"),
        ([0.1, 0.3, 0.5], "undecided"),  # as near in the mean, and too wide
        ([0.5, 0.51, 0.52], "differs"),
        ([0.31], "undecided"),  # one number for all seeds, of one task
    ],
)
def test_one_shared_task_is_compared_over_seeds(ours: list[float], verdict: str) -> None:
    assert same({"rte": ours, "mine": [0.9]}, {"rte": 0.31, "cola": 0.2}) == verdict


def test_numbers_without_seeds_are_compared_over_tasks() -> None:
    paper = {"rte": 0.2, "cola": 0.3, "mrpc": 0.25}
    near = {
        task: [level + gap]
        for (task, level), gap in zip(paper.items(), (0.01, 0, 0.005), strict=True)
    }
    assert same(near, paper) == "agrees"
    assert same({task: [level + 0.2] for task, level in paper.items()}, paper) == "differs"
    assert same({"mine": [0.2]}, paper) == "no verdict: other tasks"


def test_another_encoder_has_no_verdict() -> None:
    results = study(config(1, 3, 1)).results
    same_levels = {"rte": [0.3, 0.3]}, {"rte": 0.3}
    verdict = prasanna_structure.same_quantity(*same_levels, results)
    assert verdict == "no verdict: another encoder"


@pytest.mark.parametrize(
    ("layers", "middle"), [(12, range(4, 8)), (6, range(2, 4)), (4, range(1, 3))]
)
def test_the_middle_third_of_the_mlps(layers: int, middle: range) -> None:
    places = [
        Place("joint", "rte", "mlps", layer, None, 0.9 if layer in middle else 0.2, None, 1)
        for layer in range(layers)
    ]
    results = replace(study(config(1, 1, 1)), places=places).results
    assert QUANTITIES["middle_mlps"](results, "rte") == pytest.approx([0.7])
    assert QUANTITIES["middle_mlps"](results, "cola") == []


def test_the_upper_layers() -> None:
    weights = [
        WeightsOfLayer("rte", seed, layer, 10, kept)
        for seed in (1, 2)
        for layer, kept in enumerate((4, 5, 6, 9))
    ]
    results = replace(study(config(1, 1, 1)), weights=weights).results
    assert QUANTITIES["upper_layers"](results, "rte") == pytest.approx([0.3, 0.3])  # by seed


def test_every_quantity_has_a_verdict_or_a_reason() -> None:
    made = study(config(2, 2, 1))
    bert = [Kept("x", 1, 1, 0.3, 0, "x", shared.BERT_BASE, 5)]
    own = [
        replace(row, task="sentiment", value=row.value + 0.04 * (row.quantity == "kept_structured"))
        for row in made.published_structure
        if row.task == "rte"
    ]
    made = replace(made, layers=bert, published_structure=own)
    ranges = prasanna_structure.compare(made.results, made.config)
    assert {row.claim.name: row.claim.why or row.claim.same for row in ranges} == {
        "kappa_of_heads": "undecided",  # one number on one shared task
        "kept_structured": "agrees",  # .75 and .74
        "kept_magnitude": "differs",  # .5 and .9
        "kept_super": "no verdict: kept by all of 2 seeds, the paper's of 5",
        "middle_mlps": "not run: params.yaml asks for nothing that says this",  # of two layers
        "upper_layers": "agrees",  # .02
    }
    assert {row.claim.word for row in ranges} == {
        "undecided", "agrees", "differs", "no verdict", "not run",
    }  # fmt: skip
    nothing = study(config(1, 1, 1, controls=False))
    ranges = prasanna_structure.compare(nothing.results, nothing.config)
    assert {row.claim.why for row in ranges} == {"not run: search.tasks is empty in params.yaml"}


def test_a_row_of_the_table_and_a_card_are_one_claim() -> None:
    made = study(config(2, 2, 1))
    kappa, *_ = ranges = prasanna_structure.compare(made.results, made.config)
    shown = "0.325 [0.300, 0.350]", "0.300 [0.300, 0.300]"
    assert (kappa.claim.published, kappa.claim.here) == shown
    assert kappa.claim.counted == "2 seeds, 2 tasks"
    table = prasanna_structure.structure_table(ranges, made.config)
    assert table.rows[0][1:] == (*shown, "2", "no verdict: another encoder")
    assert [table.records[0][name] for name in ("paper_low", "paper_high")] == [0.3, 0.35]
