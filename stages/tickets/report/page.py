"""The report as files to read: one self-contained page in HTML, and a README in Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets.report import targets, verdict_cards
from stages.tickets.report.figures import Figure
from stages.tickets.report.formatting import NOT_RUN
from stages.tickets.report.report import Config, notes
from stages.tickets.report.sections import Section
from stages.tickets.report.tables import Table, to_markdown, to_text
from stages.tickets.report.verdict_cards import Card

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
    cards: Sequence[Card]
    departures: Sequence[str]
    """From the papers."""
    sections: Sequence[Section]


def to_html(content: Content, config: Config, folders: tuple[str, str]) -> str:
    """The report as one HTML file that needs nothing else.

    Args:
        folders: of tables and of figures, relative to the page.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    html = template.render(
        title=config.title,
        banner=config.banner,
        facts=content.facts,
        groups=verdict_cards.groups(content.cards),
        departures=content.departures,
        notes=notes(config),
        sections=content.sections,
        claimed=_by_table(content.cards),
        commands=partial(targets.of_part, config=config),
        signs=SIGNS,
        inline=inline,
        tables=folders[0],
        figures=folders[1],
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


def to_readme(content: Content, config: Config, folders: tuple[str, str]) -> str:
    """The report in Markdown; figures are links to the folder of figures."""
    lines = [f"# {to_text(config.title)}", ""]
    if config.banner:
        lines += [f"> **{to_text(' '.join(config.banner.split()))}**", ""]
    lines += [f"- {name}: {to_text(text)}" for name, text in content.facts]
    lines += ["", "The same as a page: index.html.", "", "## What holds here?", ""]
    for title, tally, own in verdict_cards.groups(content.cards):
        lines += [f"{title}: **{tally}**.", "", *map(_line, own), ""]
    lines += ["## Departures from the papers", ""]
    lines += [*(f"- {to_text(sentence)}" for sentence in content.departures), ""]
    lines += ["## How to read the numbers", "", *(f"- {note}" for note in notes(config)), ""]
    for section in content.sections:
        lines += [f"## {section.title}", "", section.question, f"Paper: {section.paper}", ""]
        lines += [f"**{to_text(section.answer)}**", ""]
        for figure in section.figures:
            lines += [*_figure(figure, folders[1]), ""]
        for table in section.tables:
            lines += [*_table(table, folders[0]), ""]
        again = ", then ".join(
            f"`{command}`" for command in targets.of_section(section.name, config)
        )
        lines += [f"Regenerate: {again}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(card: Card) -> str:
    said = to_text(card.same if card.word == NOT_RUN else f"{card.here}; paper {card.theirs}")
    return f"- **{card.word}**: {to_text(card.statement)}: {said}"


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


def _by_table(found: Sequence[Card]) -> dict[str, list[Card]]:
    """The cards that stand where a table of claims would."""
    tables: dict[str, list[Card]] = {}
    for card in found:
        tables.setdefault(card.table, []).append(card)
    return tables
