"""The report: its sections in words, one self-contained page, a README, and tables as files."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from stages.tickets import figures, params, summary, tables
from stages.tickets.figures import Figure
from stages.tickets.summary import Agreement, Kept, Run, Scores
from stages.tickets.tables import Record, Table, Value, percent, points, signed

TEMPLATE = Path(__file__).with_name("report.html.jinja")
REGENERATE = "uv run dvc repro plot"


class Config(figures.Config, Protocol):
    """The sections of params.yaml that the report reads."""

    @property
    def title(self) -> str: ...
    @property
    def banner(self) -> str: ...
    @property
    def encoder(self) -> params.Encoder: ...


@dataclass(frozen=True)
class Section:
    """A question of a paper, and what was measured here."""

    name: str
    title: str
    question: str
    paper: str
    answer: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]


def build(
    scores: Scores, agreement: Sequence[Agreement], layers: Sequence[Kept], config: Config
) -> list[Section]:
    """All sections, with their figures and tables."""
    return [
        Section(
            "tickets",
            "Do matching tickets exist?",
            "How many weights can iterative magnitude pruning (IMP) drop before the subnetwork, "
            "trained alone from the rewound weights, scores worse than the dense model?",
            "Chen et al. 2020, Table 2, rows 1 and 2.",
            _on_tickets(scores, config),
            (),
            (tables.tickets_table(scores, config),),
        ),
        Section(
            "scores",
            "Score against sparsity",
            "How do tickets and their controls score at every sparsity?",
            "Chen et al. 2020, supplement, Figure 11 (there without controls).",
            _on_scores(scores, config),
            (figures.scores_figure(scores, config),),
            (tables.scores_table(scores, config), tables.other_metrics_table(scores, config)),
        ),
        Section(
            "controls",
            "Are tickets better than random masks?",
            "Does it matter which weights survive, or only how many?",
            "Chen et al. 2020, Table 2, row 3 (random pruning).",
            _on_controls(scores, config),
            (),
            (tables.controls_table(scores, config),),
        ),
        Section(
            "transfer",
            "Do masks transfer between tasks?",
            "Does a mask found on one task serve another as well as the other's own?",
            "Chen et al. 2020, Figure 2.",
            _on_transfer(scores, config),
            (figures.transfer_figure(scores, config),),
            (tables.transfer_table(scores, config),),
        ),
        Section(
            "rewinding",
            "Does rewinding help?",
            "Does the last ticket score better when it starts from weights that the dense "
            "training has already moved?",
            "Chen et al. 2020, Table 3 (there the masks differ with the point as well).",
            _on_rewinding(scores, config),
            (figures.rewinding_figure(scores, config),),
            (tables.rewinding_table(scores, config),),
        ),
        Section(
            "agreement",
            "Do masks agree?",
            "How alike are the masks of different seeds and of different tasks, and how alike "
            "would chance make them?",
            "Chen et al. 2020, overlap of masks, counted in their code on non-zero trained "
            "weights; Prasanna et al. 2020 use κ on attention heads and MLPs.",
            _on_agreement(agreement, config),
            (figures.agreement_figure(agreement, config),),
            (tables.agreement_table(agreement, config),),
        ),
        Section(
            "layers",
            "Where are the weights dropped?",
            "Which layers and which types of matrices lose most?",
            "Chen et al. 2020 count this in their code; no published table is known to us.",
            _on_layers(layers, config),
            (
                figures.layers_figure(layers, config),
                figures.layers_by_task_figure(layers, config),
            ),
            (tables.layers_table(layers, config),),
        ),
    ]


# --- what came out, in a sentence or two -----------------------------------------------------


def _on_tickets(scores: Scores, config: Config) -> str:
    found = tables.find_tickets(scores, config)
    at = [tables.sparsities(config)[one.round] for one in found if one.round]
    if not at:
        return f"None of {_count(len(found), 'task')} has a matching ticket."
    verb = "has" if len(at) == 1 else "have"
    text = f"{len(at)} of {_count(len(found), 'task')} {verb} a matching ticket, at {_range(at)} "
    text += "sparsity, as chosen on the selection split. "
    held = sum(bool(one.ticket and summary.matches(one.ticket, one.dense)) for one in found)
    text += f"On the validation split {held} of {len(at)} {'matches' if held == 1 else 'match'}."
    if config.imp.rewind_to:
        return text + " They start from rewound weights, so none counts as a winning ticket."
    return text + " They start from the pre-trained weights: a matching ticket is a winning one."


def _on_scores(scores: Scores, config: Config) -> str:
    above = [
        task
        for task in config.tasks
        if (line := scores.of(Run(task, "bag_of_words")))
        and (dense := scores.of(Run(task, "dense")))
        and sum(dense.values()) / len(dense) > max(line.values())
    ]
    lines = sum(bool(scores.of(Run(task, "bag_of_words"))) for task in config.tasks)
    if not lines:
        return "No bag-of-words line was trained."
    return (
        f"The mean dense score is above the bag-of-words line on {len(above)} of "
        f"{_count(lines, 'task')} that {'has' if lines == 1 else 'have'} one."
    )


def _on_controls(scores: Scores, config: Config) -> str:
    if not scores.has("random"):
        return _sentence(tables.why_not("random", config))
    parts = [
        f"{tables.difference(found)} at {percent(sparsity)}"
        for number, sparsity in tables.sparsities(config).items()
        if (found := tables.pooled_gain(number, scores, config))
    ]
    compared = [
        found
        for task in config.tasks
        for number in tables.sparsities(config)
        if (
            found := summary.compare(
                scores.of(Run(task, "imp", number)),
                scores.of(Run(task, "random", number)),
                config.tickets.confidence,
            )
        )
    ]
    above = sum(found.low is not None and found.low > 0 for found in compared)
    text = f"Tickets minus random masks, mean over tasks in points: {', '.join(parts)}."
    if any(found.n > 1 for found in compared):
        text += f" The interval over seeds lies above 0 in {above} of {len(compared)} comparisons."
    return text


def _on_transfer(scores: Scores, config: Config) -> str:
    cells = tables.transfer_cells(scores, config)
    if not cells:
        return _sentence(tables.why_not("transfer", config))
    counts = [tables.reached(source, cells) for source in config.transfer.sources]
    total = sum(number for _, number in counts)
    if not total:
        return "No mask was trained on another task than its own."
    text = f"{sum(count for count, _ in counts)} of {total} transfers to another task score at "
    text += f"least as high as the target's own ticket (n={len(config.transfer.seeds)}"
    if len(config.transfer.seeds) == 1:
        text += ", so nothing is known of their spread"
    return text + ")."


def _on_rewinding(scores: Scores, config: Config) -> str:
    if not scores.has("rewind"):
        return _sentence(tables.why_not("rewind", config))
    parts = []
    for point in config.rewind.points:
        gains = [
            found.mean
            for task in config.tasks
            if point
            and (
                found := summary.compare(
                    scores.of(Run(task, "rewind", point)),
                    scores.of(Run(task, "rewind", 0)),
                    config.tickets.confidence,
                )
            )
        ]
        if gains:
            mean = tables.average(gains) or 0.0
            parts.append(
                f"{signed(mean)} from i = {point} % (by task {signed(min(gains))} to "
                f"{signed(max(gains))})"
            )
    if not parts:
        return "Only one point ran: nothing to compare."
    return "Change against i = 0 %, mean over tasks in points: " + "; ".join(parts) + "."


def _on_agreement(agreement: Sequence[Agreement], config: Config) -> str:
    last = config.rounds[-1]
    here = [row for row in agreement if row.round == last.to and row.measure == "jaccard"]
    parts = []
    for axis, name in (("tasks", "between tasks"), ("seeds", "between seeds")):
        value = tables.average(row.value for row in here if row.axis == axis)
        parts.append(f"{name} {tables.NOT_RUN if value is None else f'{value:.2f}'}")
    floor = tables.average(row.floor for row in here)
    if floor is None:
        return _sentence(tables.why_no_agreement(config))
    return (
        f"Mean Jaccard similarity of the masks at {percent(last.sparsity)} sparsity: "
        f"{', '.join(parts)}; uniformly random masks have {floor:.2f}."
    )


def _on_layers(layers: Sequence[Kept], config: Config) -> str:
    found = [one for one in tables.densities(layers, config) if not one.task]
    if not found:
        return "Not run: layers.csv has no rows of the last round."
    dense, sparse = (pick(found, key=lambda one: one.density.mean) for pick in (max, min))
    names = []
    for one in (dense, sparse):
        place = "" if one.layer is None else f", layer {one.layer}"
        names.append(f"{points(1 - one.density.mean)} % ({tables.short(one.matrix)}{place})")
    return (
        f"At {percent(config.rounds[-1].sparsity)} over all, sparsity goes from {names[0]} to "
        f"{names[1]}; mean over tasks and seeds, layers counted from 0."
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _range(shares: Sequence[float]) -> str:
    low, high = min(shares), max(shares)
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"


# --- what was run ----------------------------------------------------------------------------


def scope(scores: Scores, record: Mapping[str, object], config: Config) -> list[tuple[str, str]]:
    """What the numbers are about: encoder, tasks, seeds, rounds.

    Args:
        record: encoder.json, with num_prunable and num_weights.
    """
    weights = f"{record['num_prunable']:,} of {record['num_weights']:,} encoder weights"
    metrics = [f"{task} ({tables.metric_name(scores.metrics[task])})" for task in config.tasks]
    sparsities = ", ".join(percent(after.sparsity) for after in config.rounds)
    start = f"the weights at {config.imp.rewind_to} % of the dense training"
    return [
        ("Encoder", _encoder(config.encoder, record)),
        ("Prunable", weights + ": the matrices of attention and MLPs, and a pooler if any"),
        ("Tasks", ", ".join(metrics)),
        ("Seeds", f"{', '.join(map(str, config.seeds))} (n={len(config.seeds)})"),
        ("Rounds", f"{len(config.rounds)}, to {sparsities} sparsity"),
        ("Rewound to", start if config.imp.rewind_to else "the pre-trained weights (0 %)"),
    ]


def _encoder(source: params.Encoder, record: Mapping[str, object]) -> str:
    match source:
        case params.Pretrain():
            text = (
                f"BERT with {source.layers} layers, {source.attention_heads} attention heads, "
                f"hidden size {source.hidden}, MLP size {source.mlp}; pre-trained here on "
                f"{source.sentences:,} sentences of the miniature language"
            )
        case params.HubEncoder():
            text = f"{source.name} at revision {source.revision[:12]}"
        case params.FolderEncoder():
            text = "a model from a local folder"
        case params.PackageEncoder():
            text = f"the model in the Python package {source.name}"
    accuracy = record.get("masked_accuracy")
    if isinstance(accuracy, float):
        text += f"; finds {percent(accuracy)} of the hidden words of held-out sentences"
    return text


def notes(config: Config) -> list[str]:
    """How to read the numbers."""
    found = [
        "A point is 0.01 of the metric: 81.3 is an accuracy or a correlation of 0.813.",
        (
            "n counts seeds. A seed moves the classifier's first weights, the order of the data, "
            "dropout and random masks, as far as `noise` in params.yaml lets it; encoder and "
            "examples are the same for all seeds. The intervals are about these seeds only."
        ),
    ]
    n = len(config.seeds)
    any_values = summary.summarize(range(n), config.tickets.confidence)
    if any_values.std is None or any_values.half is None:
        return [*found, "With n=1 there is no standard deviation and no interval."]
    reach = any_values.half / any_values.std
    interval = f"{percent(config.tickets.confidence)} interval"
    return [*found, f"With n={n} the {interval} reaches {reach:.1f} standard deviations each way."]


# --- page and README -------------------------------------------------------------------------


def page(
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


def readme(
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


# --- tables as files -------------------------------------------------------------------------


def to_csv(records: Sequence[Record], missing: str = "") -> str:
    """Six significant digits; where there is nothing, one column that says why."""
    if missing or not records:
        records = [{"not_run": missing or "no rows"}]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(records[0])
    for record in records:
        writer.writerow([_digits(value) for value in record.values()])
    return file.getvalue()


def _digits(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def to_markdown(table: Table) -> str:
    """The table and its caption; text columns to the left, numbers to the right."""
    if table.missing:
        return f"*Table {table.missing}.*\n"
    lines = [table.header, ("---",) + ("---:",) * (len(table.header) - 1), *table.rows]
    body = "\n".join("| " + " | ".join(to_text(cell) for cell in line) + " |" for line in lines)
    return f"{body}\n\n{to_text(table.caption)}\n"


def to_text(text: str) -> str:
    """Markdown that shows `text` as it is."""
    for character in "\\`*_|<":
        text = text.replace(character, "\\" + character)
    return text


TEX = {"\\": r"\textbackslash{}"}
TEX |= {character: "\\" + character for character in "&%$#_{}"}
TEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$"}
TEX |= {"±": r"$\pm$", "−": "$-$", "×": r"$\times$", "κ": r"$\kappa$", "→": r"$\to$"}
TEX |= {"\N{NO-BREAK SPACE}": "~", "–": "--", "†": r"$\dagger$"}


def to_tex(table: Table) -> str:
    """A `table` environment; needs the package booktabs."""
    caption = f"\\caption{{{_tex(table.caption)}}}\n\\label{{tab:{table.name.replace('_', '-')}}}\n"
    if table.missing:
        body = _tex(table.missing) + "\n"
    else:
        lines = [" & ".join(map(_tex, row)) + r" \\" for row in (table.header, *table.rows)]
        lines = [r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
        columns = "l" + "r" * (len(table.header) - 1)
        body = f"\\begin{{tabular}}{{{columns}}}\n" + "\n".join(lines) + "\n\\end{tabular}\n"
    return f"\\begin{{table}}\n\\centering\n{caption}{body}\\end{{table}}\n"


def _tex(text: str) -> str:
    return "".join(TEX.get(character, character) for character in text)
