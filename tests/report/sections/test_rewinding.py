"""Rewinding and standard pruning, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets import settings
from stages.tickets.report.claim import decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import rewinding
from stages.tickets.settings import Study as Params
from tests.made_up import Study, config, study, with_everything, with_language


def section_of(made: Study, scores: Scores | None = None, asked: Params | None = None) -> Section:
    results = replace(made.results, scores=scores or made.found)
    return rewinding.section(results, asked or made.config)


def test_other_points_are_compared_with_that_of_the_rounds() -> None:
    made = study(config(1, 3, 2))
    records = section_of(made).tables[0].records
    assert [record["point"] for record in records] == [0, 50]
    assert records[1]["change_mean"] == pytest.approx(0.05)
    assert records[0]["change_n"] == 0


def test_rewinding_shows_the_tasks_it_ran_on_alone() -> None:
    made = study(config(3, 3, 2))
    on_one = made.config.model_copy(
        update={
            "rewind": settings.Rewind(
                tasks=("sentiment",), seeds=(1, 2, 3), points=(50,), source="dense"
            )
        }
    )
    assert [row[0] for row in section_of(made, asked=on_one).tables[0].rows] == ["sentiment"]


def test_standard_pruning_stands_beside_rewinding_and_is_paired_with_the_ticket() -> None:
    """Made up: standard 0.87, its mask from theta_0 0.8, the ticket of 60 % sparsity 0.864."""
    made = study(with_everything(config(3, 3, 2)))
    table = section_of(made).tables[0]
    changes = {
        (record["task"], record["start"], record["point"]): record["change_mean"]
        for record in table.records
    }
    assert changes["sentiment", "standard", None] == pytest.approx(0.87 - 0.864)
    assert changes["sentiment", "aliased", None] == pytest.approx(0.8 - 0.864)
    assert changes["similarity", "standard", None] is None
    assert next(row for row in table.rows if row[0] == "similarity")[4:6] == ("not run", "not run")
    rounds = section_of(made).tables[1].records
    assert [record["standard_minus_imp_mean"] for record in rounds[:2]] == pytest.approx(
        [0.87 - 0.891, 0.87 - 0.864]
    )


@pytest.mark.parametrize(
    ("source", "words"), [("dense", "Algorithm 1"), ("sparse", "authors' code")]
)
def test_the_caption_says_whose_weights_they_are(source: str, words: str) -> None:
    made = study(config(1, 2, 1))
    rewind = made.config.rewind.model_copy(update={"source": source})
    asked = made.config.model_copy(update={"rewind": rewind})
    caption = section_of(made, asked=asked).tables[0].caption
    assert words in caption


def test_standard_pruning_alone_is_a_table_too() -> None:
    made = study(with_everything(config(2, 2, 1, controls=False), (1, 2)))
    table = section_of(made).tables[0]
    assert [row[0] for row in table.rows] == ["entailment", "sentiment"]
    assert "Other points: not run: rewind.tasks is empty in params.yaml." in table.caption


def test_the_mask_of_standard_pruning_stands_at_the_last_round_in_which_it_ran() -> None:
    made = study(with_everything(config(2, 3, 2)))
    standard = made.config.standard.model_copy(
        update={"aliased": settings.AliasedRounds(rounds=(1,))}
    )
    asked = made.config.model_copy(update={"standard": standard})
    scores = Scores(row for row in made.scores if (row.kind, row.round) != ("aliased", 2))
    table = section_of(made, scores, asked).tables[0]
    assert table.header[5] == "its mask from where the rounds restart, 30\N{NO-BREAK SPACE}%"
    record = next(line for line in table.records if line["start"] == "aliased")
    assert record["round"] == 1
    assert record["change_mean"] == pytest.approx(0.8 - 0.891)


def test_collapsed_runs_have_a_dagger() -> None:
    made = study(with_everything(config(1, 3, 2)))
    rows = [
        ScoreRow(**(vars(row) | {"collapsed": True})) if row.kind in ("rewind", "aliased") else row
        for row in made.scores
    ]
    scores = Scores(rows)
    assert scores.collapsed(Run("entailment", "rewind", 50)) == 3
    row = section_of(made, scores).tables[0].rows[0]
    assert [cell.endswith(" †") for cell in row[1:6]] == [False, True, True, False, True]
    row = section_of(made, scores).tables[1].rows[0]
    assert [cell.endswith(" †") for cell in row[2:5]] == [False, False, True]


def test_the_answer_spans_the_tasks() -> None:
    made = study(config(3, 3, 2))
    assert section_of(made).answer.endswith("+5.0 from i = 50 % (3 tasks).")


def test_statements_are_tried_on_every_task() -> None:
    """Made up: rewinding to 50 % brings 5 points, standard pruning loses 2.1, the aliased mask 6.4."""
    made = section_of(study(with_language(config()))).claims
    claims = {claim.name: claim for claim in decided(made, 0.95)}
    assert (claims["rewinding"].word, claims["rewinding"].n) == ("does not hold", 3)
    assert "+5.0" in claims["rewinding"].here
    assert "could not be verified" in claims["standard"].mark
    assert claims["standard"].word == "holds"
    assert [test.gain.mean for test in claims["aliased"].tests] == [pytest.approx(-0.064)]
    assert claims["aliased"].word == "does not hold"
