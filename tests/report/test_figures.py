"""The figures: well-formed, the same bytes every time, and nothing drawn that did not run."""

import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import pytest

from stages.tickets.report import (
    control_tables,
    curves,
    hans_tables,
    heat_maps,
    importance_reports,
    movement_tables,
    rewinding_tables,
    subnetwork_figures,
    survival_figures,
    transfer_figures,
)
from stages.tickets.report.figures import Figure
from stages.tickets.settings import Params
from tests.made_up import SIZES, Study, config, study, with_everything

DRAW: dict[str, Callable[[Study], Figure]] = {
    "scores": lambda made: curves.scores_figure(made.found, made.config),
    "controls": lambda made: control_tables.controls_figure(made.found, made.config),
    "transfer": lambda made: transfer_figures.transfer_figure(made.found, made.config),
    "transfer_published": lambda made: transfer_figures.published_transfer_figure(made.chen),
    "standard": lambda made: rewinding_tables.standard_figure(made.found, made.config),
    "rewinding": lambda made: curves.rewinding_figure(made.found, made.config),
    "agreement": lambda made: heat_maps.agreement_figure(made.agreement, made.config),
    "layers": lambda made: heat_maps.layers_figure(made.layers, made.config),
    "subnetworks": lambda made: subnetwork_figures.subnetworks_figure(made.found, made.config),
    "survival": lambda made: survival_figures.survival_figure(made.places, made.config, "joint"),
    "survival_of_weights": lambda made: survival_figures.survival_figure(
        made.places, made.config, "magnitude"
    ),
    "survival_by_task": lambda made: survival_figures.survival_by_task_figure(
        made.places, made.config, "joint"
    ),
    "survival_of_weights_by_task": lambda made: survival_figures.survival_by_task_figure(
        made.places, made.config, "magnitude"
    ),
    "overlaps": lambda made: survival_figures.overlaps_figure(made.overlaps, made.config),
    "importance": lambda made: importance_reports.histogram_figure(made.importance, made.config),
    "importance_by_magnitude": lambda made: importance_reports.magnitude_figure(
        made.importance, made.config
    ),
    "movement": lambda made: movement_tables.movement_figure(made.movement, made.config),
    "hans": lambda made: hans_tables.hans_figure(made.hans, made.config),
    "layers_by_task": lambda made: curves.layers_by_task_figure(made.layers, made.config),
}


@pytest.mark.parametrize(
    "asked", [config(*SIZES[1]), config(*SIZES[2]), with_everything(config(2, 2, 1), (1, 2))]
)
def test_every_figure_is_drawn_or_says_why_not(asked: Params) -> None:
    made = study(asked)
    for name, draw in DRAW.items():
        figure = draw(made)
        assert figure.name == name
        if figure.missing:
            assert figure.missing.startswith("not run: ")
            assert not figure.svg
        else:
            assert ET.fromstring(figure.svg).tag == "{http://www.w3.org/2000/svg}svg"
            assert figure.records
            assert len({tuple(record) for record in figure.records}) == 1


def test_what_did_not_run_is_not_drawn() -> None:
    made = study(config(1, 1, 1, controls=False))
    missing = {name for name, draw in DRAW.items() if draw(made).missing}
    assert missing == {
        "controls",
        "transfer",
        "standard",
        "rewinding",
        "agreement",
        "subnetworks",
        "survival",
        "survival_of_weights",
        "survival_by_task",
        "survival_of_weights_by_task",
        "overlaps",
        "importance",
        "importance_by_magnitude",
        "hans",
    }


@pytest.mark.parametrize("name", ["scores", "transfer", "controls", "standard"])
def test_the_same_bytes_whatever_the_user_set_before(name: str) -> None:
    made = study(with_everything(config(2, 2, 2), (1, 2)))
    first = DRAW[name](made).svg
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": "other"}):
        assert DRAW[name](made).svg == first
    assert "<dc:date>" not in first
