"""Good, random and bad subnetworks, on made-up results."""

from dataclasses import replace

import pytest

from stages.tickets.report.search_rows import Size
from stages.tickets.report.sections import subnetworks
from tests.made_up import config, study


def test_losses_and_gains_by_hand() -> None:
    """Made up: dense .9, good .88, random .8, bad .7, super .75, each with the same noise of seeds."""
    made = study(config(1, 3, 1))
    rows = subnetworks.measure(made.results, made.config)
    structured = {row.subnetwork: row for row in rows if row.kind == "structured"}
    losses = {name: row.loss.mean for name, row in structured.items() if row.loss}
    assert losses == pytest.approx({"good": -0.02, "random": -0.1, "bad": -0.2, "super": -0.15})
    gains = {name: row.gain.mean for name, row in structured.items() if row.gain}
    assert gains == pytest.approx({"good": 0.08, "bad": -0.1})  # of super no random one ran
    table = subnetworks.subnetworks_table(rows, made.results)
    shown = {row[1]: row[8] for row in table.rows}
    assert shown["heads and MLPs, random"] == "–"
    assert shown["heads and MLPs, super"] == "not run"
    assert subnetworks.answer(rows) == (
        "Retrained subnetworks minus the dense model, in points, of 1 task: heads and MLPs: "
        "good −2.0, random −10.0, bad −20.0; weights: good −2.0, random −10.0, bad −20.0."
    )


def test_shares_that_are_good_too_are_means_over_seeds() -> None:
    place = ("rte", "structured", "bad", 50, 100)
    sizes = [
        Size("rte", 1, *place[1:], 4, 8, 2, 4, 1, 2, None, None, None),
        Size("rte", 2, *place[1:], 4, 8, 0, 4, 3, 0, None, None, None),
    ]
    assert subnetworks.overlap(sizes) == {"heads": 0.5, "mlps": 1.0}  # 1/4 and 3/4; 2/2 of one seed
    weights = Size("rte", 1, "magnitude", "bad", 40, 100, *(None,) * 8, 10)
    assert subnetworks.overlap([weights]) == {"weights": 0.25}


def test_runs_that_collapsed_are_counted() -> None:
    made = study(config(1, 3, 1))
    collapsed = [
        replace(row, collapsed=row.collapsed or (row.source == "magnitude bad" and row.seed != 1))
        for row in made.scores
    ]
    made = replace(made, scores=collapsed)
    rows = subnetworks.measure(made.results, made.config)
    shown = [row[-1] for row in subnetworks.subnetworks_table(rows, made.results).rows]
    assert shown == ["–"] * 6 + ["2 runs"]
