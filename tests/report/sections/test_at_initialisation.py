"""Masks before any training beside tickets, on made-up results."""

from dataclasses import replace
from pathlib import Path

import pytest

from stages.tickets import files
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import at_initialisation
from stages.tickets.settings.at_start import AtInitialisation
from stages.tickets.statistics import collapse
from tests.made_up import Study, config, study

LIKE = {"iterations": 1, "schedule": "exponential", "scope": "global"}
COMPRESSIONS = (2.5, 10.0, 100.0)
SEEDS = (1, 2, 3)
GAINS = {"random": -0.1, "flow": 0.02}
"""Score of a mask minus that of the ticket, made up."""


@pytest.fixture(scope="module")
def made() -> Study:
    """Two tasks, three seeds, tickets of 30 and 60 % sparsity, and two masks of three sizes."""
    asked = AtInitialisation.model_validate(
        {
            "tasks": ("sentiment",),
            "seeds": SEEDS,
            "starts": ("pretrained",),
            "masks": tuple({"name": name, "score": "random", **LIKE} for name in GAINS),
            "rule": {
                "compressions": COMPRESSIONS, "examples": 9, "temperature": 1.0, "qk": "third",
            },
        }
    )  # fmt: skip
    return study(config(2, 3, 2).model_copy(update={"at_initialisation": asked}))


def section_of(made: Study, folder: Path) -> Section:
    """The section, with scores of all masks and a table of what they do."""
    tickets = {
        row.seed: row
        for row in made.scores
        if (row.task, row.kind, row.round, row.headline, row.split)
        == ("sentiment", "imp", 2, True, "validation")
    }
    scores: list[ScoreRow] = [
        replace(
            tickets[seed],
            kind="at_initialisation",
            round=0,
            source=f"pretrained {name} {compression}",
            sparsity=1 - 1 / compression,
            score=tickets[seed].score + gain,
        )
        for seed in SEEDS
        for name, gain in GAINS.items()
        for compression in COMPRESSIONS
    ]
    masks = [
        {
            **dict(zip(collapse.PLACE, ("sentiment", seed, "pretrained", name, size), strict=True)),
            **dict.fromkeys(collapse.MASK),
            "prunable": 100,
            "kept": 1,
            "matrices": 19,
            "collapsed": seed if (name, size) == ("random", 100.0) else 0,
            "connected": True,
            "connected_without_residual": seed > 1,
            "flow_before": 9.0,
            "flow_after": 9.0 - seed,
            "largest_cut": 0.25 * seed if name == "flow" else None,
            "in_out_correlation": seed / 4 if name == "flow" else None,
        }
        for seed in SEEDS
        for name in GAINS
        for size in COMPRESSIONS
    ]
    path = folder / "collapse" / "masks.csv"
    files.save_table(masks, (*collapse.PLACE, *collapse.MASK), path)
    found = Scores([row for row in made.scores if row.kind != "at_initialisation"] + scores)
    results = replace(made.results, scores=found, folder=folder)
    return at_initialisation.section(results, made.config)


def test_masks_stand_beside_the_ticket_of_their_size_alone(made: Study, tmp_path: Path) -> None:
    records = section_of(made, tmp_path).tables[0].records
    assert len(records) == len(GAINS) * len(COMPRESSIONS)
    for record in records:
        gain = GAINS[str(record["mask"])] if record["compression"] == 2.5 else None
        assert record["minus_imp_mean"] == (None if gain is None else pytest.approx(gain))
        assert record["minus_imp_n"] == (0 if gain is None else 3)
        assert record["n"] == 3


def test_empty_matrices_paths_flow_and_cuts_are_over_seeds(made: Study, tmp_path: Path) -> None:
    table = section_of(made, tmp_path).tables[1]
    rows = {(row["mask"], row["compression"]): row for row in table.records}
    assert rows["random", 100.0]["empty_matrices"] == 2
    assert rows["random", 10.0]["empty_matrices"] == rows["flow", 100.0]["empty_matrices"] == 0
    assert rows["flow", 10.0]["connected"] == "3 of 3"
    assert rows["flow", 10.0]["connected_without_residual"] == "2 of 3"
    assert rows["flow", 10.0]["flow_lost"] == pytest.approx(2)
    assert rows["flow", 10.0]["largest_cut"] == pytest.approx(0.75)
    assert rows["random", 10.0]["largest_cut"] is None
    assert rows["flow", 10.0]["in_out_correlation"] == pytest.approx(0.5)
    assert rows["random", 10.0]["in_out_correlation"] is None


def test_the_answer_gives_differences_and_critical_compressions(
    made: Study, tmp_path: Path
) -> None:
    answer = section_of(made, tmp_path).answer
    assert "random of pretrained weights -10.0" in answer
    assert "flow of pretrained weights +2.0" in answer
    assert "random of pretrained weights 10, flow of pretrained weights 100" in answer


def test_the_figure_has_a_line_per_mask_beside_tickets(made: Study, tmp_path: Path) -> None:
    (figure,) = section_of(made, tmp_path).figures
    assert "<svg" in figure.svg
    assert (
        "mathdefault" not in figure.svg
    )  # numbers on the axis are plain, since text is not parsed
    assert {record["mask"] for record in figure.records} == set(GAINS)


def test_a_study_without_it_says_why() -> None:
    section = at_initialisation.section(study(config(2, 1, 1)).results, config(2, 1, 1))
    why = "not run: at_initialisation.tasks is empty in params.yaml"
    assert section.answer.lower().startswith(why)
    assert [table.missing for table in section.tables] == [why, why]
    assert [figure.missing for figure in section.figures] == [why]
