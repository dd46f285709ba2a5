"""The report as files to read: one self-contained page in HTML, and a README in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets.report import claim as claimed
from stages.tickets.report import departures, scope
from stages.tickets.report.claim import NO_VERDICT, Claim
from stages.tickets.report.figure import Figure
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import to_markdown, to_text
from stages.tickets.report.words import NOT_RUN
from stages.tickets.settings import Study

UNDECIDED = ("unclear", NO_VERDICT)
"""Words of claims that ran and are not decided."""
LEAD = "tickets"
PAPERS = ("chen_claims", "claims")
"""Sections that collect the claims of the others."""
TEMPLATES = Path(__file__).parent
SIGNS: Mapping[str, str] = {
    "yes": "✓",
    "no": "✗",
    "unclear": "?",
    "agrees": "=",
    "direction only": "≈",
    "differs": "≠",
    "no verdict": "?",
    NOT_RUN: "–",
}
"""What a verdict shows beside its word and its colour."""


@dataclass(frozen=True)
class Group:
    """The statements of one paper, or its numbers, by what came of them."""

    title: str
    tally: str
    decided: Sequence[Claim]
    undecided: Sequence[Claim]
    not_run: Sequence[Claim]


@dataclass(frozen=True)
class Content:
    """All that a report says."""

    facts: Sequence[tuple[str, str]]
    """What the numbers are about: name and text."""
    departures: Sequence[str]
    """From the papers."""
    notes: Sequence[str]
    """How to read the numbers."""
    sections: Sequence[Section]

    def cards(self, section: Section) -> list[Claim]:
        """The claims that stand in a section: in that of their paper, else in the one they are of."""
        papers = [part for part in self.sections if part.name in PAPERS]
        collected = {claim.name for part in papers for claim in part.claims}
        return [
            claim
            for claim in section.claims
            if section.name in PAPERS or claim.name not in collected
        ]

    @property
    def groups(self) -> list[Group]:
        """The claims of all papers."""
        claims = [claim for section in self.sections for claim in self.cards(section)]
        return [
            Group(
                title,
                tally,
                [claim for claim in own if claim.word not in (*UNDECIDED, NOT_RUN)],
                [claim for claim in own if claim.word in UNDECIDED],
                [claim for claim in own if claim.word == NOT_RUN],
            )
            for title, tally, own in claimed.groups(claims)
        ]

    @property
    def lead(self) -> Section:
        """The section whose question and answer the page begins with."""
        return next((part for part in self.sections if part.name == LEAD), self.sections[0])

    @property
    def main(self) -> tuple[Section, Figure] | tuple[None, None]:
        """The first figure that was drawn, which stands at the top, and its section."""
        for section in self.sections:
            for figure in section.figures:
                if figure.svg:
                    return section, figure
        return None, None


def content(sections: Sequence[Section], results: Results, study: Study) -> Content:
    """What the page and the README show of the sections."""
    return Content(
        scope.scope(results.scores, results.encoder, study),
        departures.departures(results.encoder["num_prunable"], results.tasks, study),
        scope.notes(study),
        sections,
    )


def to_html(content: Content, results: Results) -> str:
    """The report as one HTML file that needs nothing else; tables and figures lie beside it."""
    return _render("page.html.jinja", content, results, autoescape=True)


def to_readme(content: Content, results: Results) -> str:
    """The report in Markdown; figures are links to the folder of figures."""
    text = _render("page.md.jinja", content, results, autoescape=False)
    return re.sub(r"\n{3,}", "\n\n", text)


def _render(name: str, content: Content, results: Results, *, autoescape: bool) -> str:
    environment = Environment(
        autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = to_text
    template = environment.from_string((TEMPLATES / name).read_text(encoding="utf-8"))
    section, figure = content.main
    study = results.study
    text = template.render(
        title=study.title,
        banner=study.banner and " ".join(study.banner.split()),
        lead=content.lead,
        main=figure,
        main_stages=section.stages if section else (),
        facts=content.facts,
        groups=content.groups,
        departures=content.departures,
        notes=content.notes,
        sections=content.sections,
        commands=results.commands,
        papers=PAPERS,
        cards_of=content.cards,
        signs=SIGNS,
        inline=inline,
        markdown=to_markdown,
    )
    return text.rstrip() + "\n"


def inline(figure: Figure) -> Markup:
    """The SVG for use inside a page: ids of its own, a name and a text for who cannot see it."""
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<title>.*?</title>", "", svg, count=1, flags=re.DOTALL)
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}{figure.name}-")
    label = Markup.escape(figure.title)
    named = f'role="img" aria-label="{label}" aria-describedby="caption-{figure.name}"'
    # The SVG is drawn here, and the label is escaped.
    return Markup(svg.replace("<svg", f"<svg {named}", 1))
