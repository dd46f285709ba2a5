"""The report as files to read: one self-contained page in HTML, and a README in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets.report import claim as claimed
from stages.tickets.report import deviations, scope, targets
from stages.tickets.report.claim import Claim
from stages.tickets.report.figure import Figure
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.table import Table, to_markdown, to_text
from stages.tickets.report.words import NOT_RUN
from stages.tickets.settings import Params as Study

PAPERS = ("chen_claims", "claims")
"""Sections that collect the claims of the others."""
TEMPLATE = Path(__file__).with_name("page.html.jinja")
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
class Content:
    """All that a report says."""

    facts: Sequence[tuple[str, str]]
    """What the numbers are about: name and text."""
    claims: Sequence[Claim]
    departures: Sequence[str]
    """From the papers."""
    notes: Sequence[str]
    """How to read the numbers."""
    sections: Sequence[Section]


def content(sections: Sequence[Section], results: Results, study: Study) -> Content:
    """What the page and the README show of the sections."""
    return Content(
        scope.scope(results.scores, results.encoder, study),
        [claim for section in sections for claim in section.claims if section.name in PAPERS],
        deviations.deviations(results.encoder["num_prunable"], results.tasks, study),
        scope.notes(study),
        sections,
    )


def to_html(content: Content, study: Study) -> str:
    """The report as one HTML file that needs nothing else; tables and figures lie beside it."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(
        title=study.title,
        banner=study.banner,
        facts=content.facts,
        groups=claimed.groups(content.claims),
        departures=content.departures,
        notes=content.notes,
        sections=content.sections,
        commands=partial(targets.commands, study=study),
        papers=PAPERS,
        signs=SIGNS,
        inline=inline,
    )
    return html.rstrip() + "\n"


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


def to_readme(content: Content, study: Study) -> str:
    """The report in Markdown; figures are links to the folder of figures."""
    lines = [f"# {to_text(study.title)}", ""]
    if study.banner:
        lines += [f"> **{to_text(' '.join(study.banner.split()))}**", ""]
    lines += [f"- {name}: {to_text(text)}" for name, text in content.facts]
    lines += ["", "The same as a page: index.html.", "", "## What holds here?", ""]
    for title, tally, own in claimed.groups(content.claims):
        lines += [f"{title}: **{tally}**.", "", *map(_line, own), ""]
    lines += ["## Departures from the papers", ""]
    lines += [*(f"- {to_text(sentence)}" for sentence in content.departures), ""]
    lines += ["## How to read the numbers", "", *(f"- {note}" for note in content.notes), ""]
    for section in content.sections:
        lines += [f"## {section.title}", "", section.question, f"Paper: {section.paper}", ""]
        lines += [f"**{to_text(section.answer)}**", ""]
        for figure in section.figures:
            lines += [*_figure(figure, "figures"), ""]
        for table in section.tables:
            lines += [*_table(table, "tables"), ""]
        again = ", then ".join(
            f"`{command}`" for command in targets.commands(section.stages, study)
        )
        lines += [f"Regenerate: {again}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(claim: Claim) -> str:
    text = claim.same_number if claim.word == NOT_RUN else f"{claim.here}; paper {claim.published}"
    return f"- **{claim.word}**: {to_text(claim.statement)}: {to_text(text)}"


def _figure(figure: Figure, folder: str) -> list[str]:
    if figure.missing:
        return [f"*Figure “{to_text(figure.title)}”: {to_text(figure.missing)}.*"]
    path = f"{folder}/{figure.name}"
    return [
        f"![{to_text(figure.title)}]({path}.svg)",
        "",
        f"{to_text(figure.caption)} [csv]({path}.csv)",
    ]


def _table(table: Table, folder: str) -> list[str]:
    if table.missing:
        return [to_markdown(table).rstrip()]
    path = f"{folder}/{table.name}"
    return [f"{to_markdown(table).rstrip()} [csv]({path}.csv) [tex]({path}.tex)"]
