"""The figures: well-formed, the same bytes every time, and nothing drawn that did not run."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from stages.tickets.report import sections
from stages.tickets.report.figure import Figure
from tests.made_up import SIZES, Size, Study, config, sections_of, study, with_everything


def figures_of(size: Size, everything: bool) -> list[Figure]:
    return [figure for section in sections_of(size, everything) for figure in section.figures]


def all_figures(made: Study) -> list[Figure]:
    built = sections.build(made.results, made.config)
    return [figure for section in built for figure in section.figures]


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_every_figure_is_drawn_or_says_why_not(size: Size, everything: bool) -> None:
    for figure in figures_of(size, everything):
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
        for figure in figures_of((1, 1, 1, False), everything=False)
        if not figure.missing
    }
    assert drawn == {"scores", "layers", "layers_by_task", "movement", "transfer_published"}


def test_the_same_bytes_whatever_the_user_set_before() -> None:
    made = study(with_everything(config(2, 2, 2), (1, 2)))
    first = {figure.name: figure.svg for figure in all_figures(made)}
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": "other"}):
        assert {figure.name: figure.svg for figure in all_figures(made)} == first
    assert not any("<dc:date>" in svg for svg in first.values())
