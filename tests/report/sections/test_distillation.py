"""Masks of sets beside tickets, on made-up results."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from stages.tickets import files
from stages.tickets.report.claim import FAILS, HOLDS, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import distillation
from stages.tickets.report.words import NONE
from tests.made_up import config, study

ARMS = ("regression", "herding", "random", "noise", "real-short")
BELOW = {"regression": 0.001, "herding": 0.02, "random": 0.05, "noise": 0.1, "real-short": 0.0}
"""How much lower than the ticket an arm scores."""
HITS = {arm: 0.45 - 0.01 * number for number, arm in enumerate((*ARMS, "real"))}


def section_of(folder: Path, below: dict[str, float] | None = None) -> Section:
    """The section of two tasks, three seeds and the second of two rounds."""
    asked = config(2, 3, 2)
    on = {"tasks": asked.tasks, "seeds": asked.seeds, "methods": ARMS[:-1]}
    masks = asked.distil.masks.model_copy(update={"rounds": (2,)})
    asked = asked.model_copy(
        update={"distil": asked.distil.model_copy(update=on | {"masks": masks})}
    )
    made = study(asked)
    found = list(made.scores)
    tickets = [row for row in found if row.kind == "imp" and row.round == 2 and row.headline]
    for row, arm in product(tickets, ARMS):
        lower = (below or BELOW)[arm] + 0.0001 * (row.seed or 0)
        values = row.__dict__ | {"kind": "distilled", "source": arm, "score": row.score - lower}
        found.append(ScoreRow(**values))
        learned = 0.2 if arm == "noise" else 0.7
        values |= {"kind": "on_set", "round": 0, "score": learned + 0.001 * (row.seed or 0)}
        found.append(ScoreRow(**values))
    rows = [
        {
            "task": task, "arm": arm, "seed": seed, "mask_seed": seed, "round": number,
            "jaccard_one_shot": 0.9, "jaccard_real": 0.8, "newcomers_hit": HITS[arm] + 0.1 * seed,
            "newcomers_chance": 0.1, "newcomers_nearest": 0.41, "leavers_hit": "",
            "leavers_nearest": "", "move_50": 1e-4,
        }
        for task, seed, number, arm in product(asked.tasks, asked.seeds, (1, 2), (*ARMS, "real"))
    ]  # fmt: skip
    for task in asked.tasks:
        path = folder / "results" / "runs" / "newcomers" / task / "masks.csv"
        files.save_table([row for row in rows if row["task"] == task], [*rows[0]], path)
    results = replace(made.results, scores=Scores(found), folder=folder / "results")
    return distillation.section(results, asked)


def test_every_arm_has_its_score_its_distance_from_the_ticket_and_that_on_the_set(
    tmp_path: Path,
) -> None:
    section = section_of(tmp_path)
    table = section.tables[0]
    arms = ("real", "real-short", "regression", "herding", "random", "noise", "random-mask")
    assert [row["arm"] for row in table.records] == 2 * list(arms)
    by_arm = {str(row["arm"]): row for row in table.records[: len(arms)]}
    for arm, lower in BELOW.items():
        gain = by_arm[arm]["mean"]
        assert gain == pytest.approx(-lower - 0.0002)
        assert by_arm[arm]["usable"] == ("no" if arm == "noise" else "yes")
    assert by_arm["real"]["usable"] == by_arm["random-mask"]["usable"] == NONE
    assert by_arm["real"]["mean"] is None


def test_masks_are_averaged_over_seeds_beside_the_threshold(tmp_path: Path) -> None:
    table = section_of(tmp_path).tables[1]
    rows = {(row["task"], row["arm"]): row for row in table.records}
    assert len(rows) == len(table.records) == 2 * 6
    for (_, arm), row in rows.items():
        assert row["newcomers_hit"] == pytest.approx(HITS[str(arm)] + 0.2)
        assert row["newcomers_nearest"] == pytest.approx(0.41)
        assert row["leavers_hit"] is None
        assert row["round"] == 2


def test_the_answer_sets_distilled_masks_beside_noise_and_the_threshold(tmp_path: Path) -> None:
    answer = section_of(tmp_path).answer
    assert "entailment, distilled: feature regression, −0.1" in answer
    assert "entailment, noise, shuffled labels, −10.0" in answer
    assert (
        "feature regression, 65\N{NO-BREAK SPACE}%, the threshold alone 41\N{NO-BREAK SPACE}%"
        in answer
    )
    assert "noise, shuffled labels, 62\N{NO-BREAK SPACE}%, the threshold alone" in answer


@pytest.mark.parametrize(
    ("lower", "match", "beat"), [(0.001, HOLDS, HOLDS), (0.2, FAILS, FAILS), (0.04, FAILS, HOLDS)]
)
def test_claims_are_of_the_ticket_within_the_margin_and_of_random_examples(
    lower: float, match: str, beat: str, tmp_path: Path
) -> None:
    section = section_of(tmp_path, BELOW | {"regression": lower})
    claims = decided(section.claims, 0.95)
    assert {claim.name: claim.word for claim in claims} == {
        "distilled_match": match,
        "distilled_beat_random": beat,
    }


def test_what_is_switched_off_has_no_table_and_says_why() -> None:
    made = study(config(2, 3, 2))
    section = distillation.section(made.results, made.config)
    why = "not run: distil.tasks is empty in params.yaml"
    assert section.answer == f"{why.capitalize()}."
    assert [table.missing for table in section.tables] == [why, why]
    assert {claim.why for claim in section.claims} == {why}
