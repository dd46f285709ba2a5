"""The figures: well-formed, the same bytes every time, and nothing drawn that did not run."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from stages.tickets.report import sections
from stages.tickets.report.figure import Figure
from stages.tickets.settings import Study as Params
from tests.made_up import SIZES, Study, config, study, with_everything


def all_figures(made: Study) -> list[Figure]:
    built = sections.build(made.results, made.config)
    return [figure for section in built for figure in section.figures]


@pytest.mark.parametrize(
    "asked", [config(*SIZES[1]), config(*SIZES[2]), with_everything(config(2, 2, 1), (1, 2))]
)
def test_every_figure_is_drawn_or_says_why_not(asked: Params) -> None:
    for figure in all_figures(study(asked)):
        if figure.missing:
            assert figure.missing.startswith("not run: ")
            assert not figure.svg
        else:
            assert ET.fromstring(figure.svg).tag == "{http://www.w3.org/2000/svg}svg"
            assert figure.records
            assert len({tuple(record) for record in figure.records}) == 1


def test_what_did_not_run_is_not_drawn() -> None:
    drawn = {
        figure.name
        for figure in all_figures(study(config(1, 1, 1, controls=False)))
        if not figure.missing
    }
    assert drawn == {
        "scores", "layers", "layers_by_task", "movement", "transfer_published", "pattern_examples",
    }  # fmt: skip


def test_the_same_bytes_whatever_the_user_set_before() -> None:
    made = study(with_everything(config(2, 2, 2), (1, 2)))
    first = {figure.name: figure.svg for figure in all_figures(made)}
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": "other"}):
        assert {figure.name: figure.svg for figure in all_figures(made)} == first
    assert not any("<dc:date>" in svg for svg in first.values())
