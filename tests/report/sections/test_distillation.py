"""Masks of sets beside tickets, on made-up results."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from stages.tickets import files
from stages.tickets.report.claim import FAILS, HOLDS, decided
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import distillation
from stages.tickets.report.words import NONE
from stages.tickets.settings.connectivity import Copies
from stages.tickets.settings.distil import CopiesOfMasks
from stages.tickets.statistics import paths
from tests.made_up import config, study

COPIES = CopiesOfMasks(methods=("regression",), rounds=(2,), arms=("order",))
STARTS = (Copies(net="ticket", round=2, point=0, arm="order", steps="rest"),)
ARMS = ("regression", "herding", "random", "noise", "real-short")
BELOW = {"regression": 0.001, "herding": 0.02, "random": 0.05, "noise": 0.1, "real-short": 0.0}
"""How much lower than the ticket an arm scores."""
TICKETS = 0.05
"""Barrier between copies of tickets, in fractions of 1; that of the dense model is twice as high."""
HITS = {arm: 0.45 - 0.01 * number for number, arm in enumerate((*ARMS, "real"))}


def walked(folder: Path, task: str, height: float, others: tuple[int, ...]) -> None:
    """Tables of walks between copies of theta_0: those of distilled masks rise by `height`.

    All but these are of the seeds `others`.
    """
    nets = {
        ("distilled-regression", 2): height,
        ("ticket", 2): TICKETS,
        ("ticket", 1): 0.3,
        ("dense", 0): 2 * TICKETS,
    }
    curves, ends, barriers = [], [], []
    for (net, number), top in nets.items():
        place = dict(zip(paths.PLACE, (task, net, number, 0, "order", "rest"), strict=True))
        what = place | {"split": "validation", "head": "own", "metric": "accuracy"}
        for seed in (1, 2, 3) if net == "distilled-regression" else others:
            learned = seed != 3 or net != "dense"
            ends.append(dict.fromkeys(paths.COLUMNS["ends"]) | place)
            ends[-1] |= {"seeds": str(seed), "learned": int(learned)}
            ends[-1] |= {"distance": 1, "union": 1, "jaccard": 1}
            rise = 100 * (top + 0.001 * seed if learned else 9)
            curves += [
                what | {"seeds": str(seed), "alpha": alpha, "value": value}
                for alpha, value in ((0, 10.0), (0.5, 15 + rise), (1, 20.0))
            ]
            curves.append(curves[-2] | {"metric": "loss", "value": 99})
            curves.append(curves[-3] | {"split": "train", "value": 99})
        for measure, wide in (("chord", 1), ("error_barrier", 2), ("convexity", 1)):
            spread = {
                "n": 3,
                "mean": 100 * wide * top,
                "std": 1,
                "low": 0,
                "high": 9,
                "examples": 0,
                "union": 1,
            }
            barriers.append(what | {"measure": measure, "verdict": "unclear"} | spread)
    for name, rows in (("curves", curves), ("ends", ends), ("barriers", barriers)):
        files.save_table(rows, paths.COLUMNS[name], folder / f"{name}.csv")


def section_of(
    folder: Path,
    below: dict[str, float] | None = None,
    height: float = 0.01,
    others: tuple[int, ...] = (1, 2, 3),
) -> Section:
    """The section of two tasks, three seeds and the second of two rounds."""
    asked = config(2, 3, 2)
    on = {"tasks": asked.tasks, "seeds": asked.seeds, "methods": ARMS[:-1]}
    masks = asked.distil.masks.model_copy(update={"rounds": (2,)})
    asked = asked.model_copy(
        update={
            "distil": asked.distil.model_copy(update=on | {"masks": masks, "copies": COPIES}),
            "connectivity": asked.connectivity.model_copy(
                update={"tasks": asked.tasks, "seeds": asked.seeds, "starts": STARTS}
            ),
        }
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
            "leavers_nearest": "", "move_50": 1e-4, "jaccard_at_least": 0.3,
        }
        for task, seed, number, arm in product(asked.tasks, asked.seeds, (1, 2), (*ARMS, "real"))
    ]  # fmt: skip
    for task in asked.tasks:
        path = folder / "results" / "runs" / "newcomers" / task / "masks.csv"
        files.save_table([row for row in rows if row["task"] == task], [*rows[0]], path)
        walked(folder / "results" / "runs" / "barriers" / task, task, height, others)
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
        assert row["jaccard_at_least"] == pytest.approx(0.3)
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


def test_every_table_says_what_of_a_mask_is_only_the_threshold_s(tmp_path: Path) -> None:
    for table in section_of(tmp_path).tables:
        row = next(row for row in table.records if row["arm"] == "regression")
        assert row["jaccard_one_shot"] == pytest.approx(0.9)
        assert row["newcomers_hit"] == pytest.approx(HITS["regression"] + 0.2)
        assert row["noise_hit"] == pytest.approx(HITS["noise"] + 0.2)
        assert row["newcomers_nearest"] == pytest.approx(0.41)
        assert row["move_50"] == pytest.approx(1e-4)
        assert row["on_set_mean"] == pytest.approx(0.702)


def test_masks_stand_beside_what_they_have_seen(tmp_path: Path) -> None:
    """A set of 25 sequences for each of two classes has two batches, and 60 steps are 30 epochs of it."""
    table = section_of(tmp_path).tables[0]
    seen: dict[Any, Any] = {
        row["arm"]: [row["points"], row["epochs"], row["trainings"]] for row in table.records
    }
    assert seen["regression"] == seen["noise"] == pytest.approx([50, 30, 2])
    assert seen["real"][0] == seen["real-short"][0] > 50
    assert seen["real"][2] == seen["real-short"][2] == 2
    assert seen["random-mask"] == [None, None, None]
    place = table.header.index("found on")
    assert "50 × 30 × 2" in [row[place] for row in table.rows]


def test_copies_stand_beside_those_of_tickets_of_the_same_size(tmp_path: Path) -> None:
    table = section_of(tmp_path).tables[2]
    assert [row["arm"] for row in table.records] == 2 * ["real", "regression", "dense"]
    for name, expected in {"mean": [0.05, 0.01, 0.1], "frankle_mean": [0.1, 0.02, 0.2]}.items():
        assert [row[name] for row in table.records] == pytest.approx(2 * expected)
    assert {row["round"] for row in table.records if row["arm"] != "dense"} == {2}
    assert {(row["noise"], row["verdict"]) for row in table.records} == {("order", "unclear")}


@pytest.mark.parametrize(
    ("height", "ticket", "dense"), [(0.01, HOLDS, HOLDS), (0.07, FAILS, HOLDS), (0.2, FAILS, FAILS)]
)
def test_claims_on_stability_compare_barriers_seed_by_seed(
    height: float, ticket: str, dense: str, tmp_path: Path
) -> None:
    """A pair with an end at chance, here the third of dense copies, has no barrier."""
    claims = {
        claim.name: claim for claim in decided(section_of(tmp_path, None, height).claims, 0.95)
    }
    more, than_dense = (claims[f"distilled_more_stable{end}"] for end in ("", "_than_dense"))
    assert (more.word, than_dense.word) == (ticket, dense)
    assert [test.gain.n for test in (*more.tests, *than_dense.tests)] == [3, 3, 2, 2]
    assert more.tests[0].gain.mean == pytest.approx(height - TICKETS)
    assert than_dense.tests[0].gain.mean == pytest.approx(height - 2 * TICKETS)


def test_without_a_seed_in_common_a_claim_on_stability_says_so(tmp_path: Path) -> None:
    section = section_of(tmp_path, others=(4, 5))
    claims = {claim.name: claim for claim in section.claims}
    for name in ("distilled_more_stable", "distilled_more_stable_than_dense"):
        assert claims[name].word == "not run"
        assert "connectivity.seeds" in claims[name].why
        assert "distil.seeds" in claims[name].why
    assert [row["arm"] for row in section.tables[2].records] == 2 * ["real", "regression", "dense"]


def test_figures_show_every_arm(tmp_path: Path) -> None:
    section = section_of(tmp_path)
    assert [figure.name for figure in section.figures] == ["distilled", "distilled_masks"]
    for figure, table in zip(section.figures, section.tables, strict=False):
        assert "<svg" in figure.svg
        assert [row["arm"] for row in figure.records] == [row["arm"] for row in table.records]


@pytest.mark.parametrize(
    ("lower", "match", "beat"), [(0.001, HOLDS, HOLDS), (0.2, FAILS, FAILS), (0.04, FAILS, HOLDS)]
)
def test_claims_are_of_the_ticket_within_the_margin_and_of_random_examples(
    lower: float, match: str, beat: str, tmp_path: Path
) -> None:
    section = section_of(tmp_path, BELOW | {"regression": lower})
    claims = {claim.name: claim.word for claim in decided(section.claims, 0.95)}
    assert (claims["distilled_match"], claims["distilled_beat_random"]) == (match, beat)


def test_what_is_switched_off_has_no_table_and_says_why() -> None:
    made = study(config(2, 3, 2))
    section = distillation.section(made.results, made.config)
    why = "not run: distil.tasks is empty in params.yaml"
    assert section.answer == f"{why.capitalize()}."
    assert [table.missing for table in section.tables] == [why, why, why]
    assert {claim.why for claim in section.claims} == {why}
