"""The report as files to read: one self-contained page in HTML, and a README in Markdown."""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets.figures import Figure
from stages.tickets.report import Config, notes
from stages.tickets.sections import Section
from stages.tickets.tables import to_markdown, to_text

TEMPLATE = Path(__file__).with_name("page.html.jinja")
REGENERATE = "uv run dvc repro plot"


def to_html(
    sections: Sequence[Section],
    facts: Sequence[tuple[str, str]],
    config: Config,
    folders: tuple[str, str],
) -> str:
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
        facts=facts,
        notes=notes(config),
        sections=sections,
        inline=inline,
        tables=folders[0],
        figures=folders[1],
        regenerate=REGENERATE,
    )
    return html.rstrip() + "\n"


def inline(figure: Figure) -> Markup:
    """The SVG for use inside a page: ids of its own, a name for readers who cannot see it."""
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<title>.*?</title>", "", svg, count=1, flags=re.DOTALL)
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}{figure.name}-")
    label = Markup.escape(figure.title)
    # The SVG is drawn here, and the label is escaped.
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))


def to_readme(
    sections: Sequence[Section],
    facts: Sequence[tuple[str, str]],
    config: Config,
    folders: tuple[str, str],
) -> str:
    """The report in Markdown; figures are links to the folder of figures."""
    lines = [f"# {config.title}", ""]
    if config.banner:
        lines += [f"> **{' '.join(config.banner.split())}**", ""]
    lines += [f"- {name}: {text}" for name, text in facts]
    lines += ["", *(f"- {note}" for note in notes(config)), ""]
    lines += [f"Written by `{REGENERATE}`; the same as a page: index.html.", ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.question, f"Paper: {section.paper}", ""]
        lines += [f"**{section.answer}**", ""]
        for figure in section.figures:
            path = f"{folders[1]}/{figure.name}"
            if figure.missing:
                lines += [f"*Figure {figure.missing}.*", ""]
            else:
                lines += [f"![{figure.title}]({path}.svg)", ""]
                lines += [f"{to_text(figure.caption)} [csv]({path}.csv)", ""]
        for table in section.tables:
            path = f"{folders[0]}/{table.name}"
            if table.missing:
                lines += [to_markdown(table)]
                continue
            lines += [to_markdown(table).rstrip() + f" [csv]({path}.csv) [tex]({path}.tex)", ""]
    return "\n".join(lines).rstrip() + "\n"
