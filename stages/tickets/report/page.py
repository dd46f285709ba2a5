"""The report as files to read: one self-contained page in HTML, and a README in Markdown."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets.report import claim as claimed
from stages.tickets.report import departures, scope
from stages.tickets.report.claim import Claim
from stages.tickets.report.figure import Figure
from stages.tickets.report.results import Results
from stages.tickets.report.rows import grouped
from stages.tickets.report.section import Section
from stages.tickets.report.table import Row, to_markdown, to_text
from stages.tickets.report.words import NOT_RUN
from stages.tickets.settings import Study

LEAD = "tickets"
PAPERS = ("chen_claims", "claims")
"""Sections that collect the claims of the others."""
TEMPLATES = Path(__file__).parent
SIGNS: Mapping[str, str] = {
    claimed.HOLDS: "✓",
    claimed.FAILS: "✗",
    claimed.UNDECIDED: "?",
    "agrees": "=",
    "differs": "≠",
    claimed.NO_VERDICT: "?",
    claimed.NO_EVIDENCE: "–",
    NOT_RUN: "–",
}
"""What a verdict shows beside its word and its colour."""


def content(sections: Sequence[Section], results: Results, study: Study) -> dict[str, Any]:
    """Collect what the templates of the page and of the README show of the sections, by name.

    A claim stands in the section of its paper, else in that which it is of. The first figure that was
    drawn stands at the top, and the page begins with the question and the answer of the section `LEAD`.
    """
    papers = [part for part in sections if part.name in PAPERS]
    collected = {claim.name for part in papers for claim in part.claims}

    def cards_of(section: Section) -> list[Claim]:
        return [c for c in section.claims if section in papers or c.name not in collected]

    claims = [claim for section in sections for claim in cards_of(section)]
    ran, absent = split_by_paper(claims)
    drawn = [(part, figure) for part in sections for figure in part.figures if figure.svg]
    return {
        "title": study.title,
        "banner": study.banner and " ".join(study.banner.split()),
        "lead": next((part for part in sections if part.name == LEAD), sections[0]),
        "main": drawn[0][1] if drawn else None,
        "main_stages": drawn[0][0].stages if drawn else (),
        "facts": scope.scope(results.scores, results.encoder, study),
        "groups": groups(ran),
        "absent": absent,
        "departures": departures.departures(results.encoder["num_prunable"], results.tasks, study),
        "notes": scope.notes(study),
        "sections": sections,
        "commands": results.commands,
        "papers": PAPERS,
        "cards_of": cards_of,
        "signs": SIGNS,
        "inline": inline,
        "markdown": to_markdown,
    }


def split_by_paper(claims: Sequence[Claim]) -> tuple[list[Claim], list[Row]]:
    """Part the claims of papers of which anything ran from those of which nothing did.

    Returns:
        The former claims, and a row for each of the other papers, with what goes beyond it: its name, its
        claims, and the reasons why they did not run.
    """
    ran: list[Claim] = []
    absent: list[Row] = []
    by_paper = grouped(claims, lambda claim: claim.paper.removeprefix(claimed.BEYOND))
    for paper, own in by_paper.items():
        if any(claim.word != NOT_RUN for claim in own):
            ran += own
            continue
        reasons = dict.fromkeys(claim.why.removeprefix(f"{NOT_RUN}: ") for claim in own)
        absent.append(Row(paper=paper, claims=own, reasons=list(reasons)))
    return ran, absent


def groups(claims: Sequence[Claim]) -> list[Row]:
    """Group the claims of each paper, its statements before its numbers; no group is empty.

    Returns:
        Title and tally, the claims that were decided, and folds of those that were not and that did not
        run, each with its tally.
    """
    papers = dict.fromkeys(
        (claimed.CHEN, claimed.BEYOND_CHEN, claimed.PRASANNA, *(claim.paper for claim in claims))
    )
    listed = []
    for paper, (title, is_number) in product(papers, (("Statements", False), ("Numbers", True))):
        own = [claim for claim in claims if (claim.paper, claim.is_number) == (paper, is_number)]
        row = Row(title=f"{title} of {paper}", tally=claimed.tally(own))
        not_run = [claim for claim in own if claim.why]
        undecided = [
            claim
            for claim in own
            if claim.word in (claimed.UNDECIDED, claimed.NO_VERDICT) and not claim.why
        ]
        row.folds = [(claimed.tally(fold), fold) for fold in (undecided, not_run) if fold]
        row.decided = [claim for claim in own if claim not in not_run + undecided]
        listed += [row] if own else []
    return listed


def to_html(content: Mapping[str, Any]) -> str:
    """Write the report as one HTML file that needs nothing else; tables and figures lie beside it."""
    return _render("page.html.jinja", content, autoescape=True)


def to_readme(content: Mapping[str, Any]) -> str:
    """Write the report in Markdown; figures are links to the folder of figures."""
    return re.sub(r"\n{3,}", "\n\n", _render("page.md.jinja", content, autoescape=False))


def _render(name: str, content: Mapping[str, Any], *, autoescape: bool) -> str:
    environment = Environment(
        autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["text"] = to_text
    template = environment.from_string((TEMPLATES / name).read_text(encoding="utf-8"))
    return template.render(content).rstrip() + "\n"


def inline(figure: Figure) -> Markup:
    """Return the SVG for use in a page: ids of its own, a name and a text for who cannot see it."""
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<title>.*?</title>", "", svg, count=1, flags=re.DOTALL)
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}{figure.name}-")
    label = Markup.escape(figure.title)
    named = f'role="img" aria-label="{label}" aria-describedby="caption-{figure.name}"'
    # The SVG is drawn here, and the label is escaped.
    return Markup(svg.replace("<svg", f"<svg {named}", 1))
