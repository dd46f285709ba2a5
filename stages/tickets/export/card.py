"""Model cards of what is exported: Markdown with the front matter of the Hugging Face Hub.

Names and paths come from files of the user's, so they are escaped wherever they stand.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from stages.tickets.report import words as formatting
from stages.tickets.report.scores import SELECTION, VALIDATION, Run, Scores
from stages.tickets.settings import Kind
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Seed

METRICS = {
    "matthews": "matthews_correlation",
    "pearson": "pearsonr",
    "spearman": "spearmanr",
    "answer_f1": "f1",
    "masked_accuracy": "accuracy",
}
"""As the Hub calls them, where it calls them otherwise."""
PIPELINES: Mapping[Kind, str] = {
    "classification": "text-classification",
    "regression": "text-classification",
    "mlm": "fill-mask",
    "span": "question-answering",
}
NAMED_HERE = ["scratchcard", "lottery-ticket"]
"""Tags of every card."""


@dataclass(frozen=True)
class Source:
    """What every card of a study says."""

    study: str
    encoder: str
    """In words that read on after "from"."""
    base_model: str | None
    """Its name on the Hub, where it is from there."""
    pooler: str
    """`pretrained`, or `fresh`: drawn with the classifier."""
    licence: str
    """Identifier of the Hub, `unknown` if it is."""
    licence_name: str | None
    """None if unknown."""
    licence_from: str
    sha256: str
    commit: str | None
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """What a card says of a task."""

    name: str
    kind: Kind
    origin: str
    """In words that read on after "from"."""
    on_hub: str | None
    """Its data set on the Hub, where it is from there."""
    examples: Mapping[str, int]
    """By split, train first; of masked language modelling blocks or sentences, of spans windows."""
    recipe: Mapping[str, Any]
    max_length: int


@dataclass(frozen=True)
class Table:
    """Scores to set side by side."""

    scores: Scores
    confidence: float
    seeds: Sequence[Seed]
    """Those that are exported; the first one's scores are the metrics of a model."""
    runs: Mapping[str, Run]
    """By what they are called; the first one is what is exported."""


def one_line(text: object) -> str:
    """Without what cannot be printed, such as the codes of a terminal."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())


def plain(text: object) -> str:
    """One line of Markdown that shows `text` as it is."""
    escaped = re.sub(r"([\\`*_\[\]#|~$])", r"\\\1", one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: object) -> str:
    """The same in letters of one width; not for a cell of a table."""
    line = one_line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def python(source: str) -> str:
    return f"```python\n{source}```"


def card(title: str, front: ModelCardData, parts: Sequence[str]) -> str:
    """A whole card; parts are paragraphs, tables, headings or code."""
    return "\n\n".join([f"---\n{front.to_yaml()}\n---", f"# {plain(title)}", *parts]) + "\n"


def front_matter(
    source: Source,
    tasks: Sequence[Task],
    tags: Sequence[str],
    kind: Kind | None = None,
    name: str = "",
    table: Table | None = None,
) -> ModelCardData:
    """What the Hub reads of a card.

    Args:
        source: the study.
        tasks: whose data went into it.
        tags: beside those of every card.
        kind: of a model that transformers loads as it is; else None.
        name: of the model, with `table`.
        table: the first run's scores of the first seed on splits for reporting become metrics of the
            model, of the one task.
    """
    more: dict[str, Any] = (
        {} if kind is None else {"library_name": "transformers", "pipeline_tag": PIPELINES[kind]}
    )
    if source.licence == "other":
        more["license_name"] = one_line(source.licence_name)
    results = _results(tasks[0], table) if table else []
    if results:
        more["model_name"] = one_line(name)
    data_sets = sorted({one_line(task.on_hub) for task in tasks if task.on_hub})
    return ModelCardData(
        license=source.licence,
        base_model=one_line(source.base_model) if source.base_model else None,
        datasets=data_sets or None,
        tags=[*NAMED_HERE, *tags],
        eval_results=results or None,
        ignore_metadata_errors=False,
        **more,
    )


def _results(task: Task, table: Table) -> list[EvalResult]:
    run = next(iter(table.runs.values()))
    return [
        EvalResult(
            task_type=PIPELINES[task.kind],
            dataset_type=one_line(task.on_hub or task.name),
            dataset_name=one_line(task.name),
            dataset_split=split,
            metric_type=METRICS.get(metric, metric),
            metric_name=formatting.metric_name(metric),
            metric_value=found[table.seeds[0]],
        )
        for split, metric in _columns(table)
        if split != SELECTION and table.seeds[0] in (found := table.scores.of(run, split, metric))
    ]


def _columns(table: Table) -> list[tuple[str, str]]:
    """Splits and metrics that the task is scored on: the headline on validation and selection first."""
    task = next(iter(table.runs.values())).task
    headline = table.scores.metrics[task]
    others = [(split, metric) for name, split, metric in table.scores.others if name == task]
    return [(VALIDATION, headline), (SELECTION, headline), *others]


# --- parts of cards --------------------------------------------------------------------------


def scored(table: Table) -> str:
    """The scores of all runs, of the seeds and over all seeds of the study, in points."""
    own = " | ".join(f"seed {seed}" for seed in table.seeds)
    heading = (
        f"| what | split | metric | {own} | mean over seeds | "
        f"{formatting.percent(table.confidence)} interval | n |"
    )
    lines = [
        heading,
        "|---" * (6 + len(table.seeds)) + "|",
    ]
    missing = []
    for name, run in table.runs.items():
        rows = [
            (split, metric, found)
            for split, metric in _columns(table)
            if (found := table.scores.of(run, split, metric))
        ]
        missing += [] if rows else [name]
        for split, metric, found in rows:
            over = intervals.summarize(found.values(), table.confidence)
            each = (
                formatting.points(found[seed]) if seed in found else formatting.NOT_RUN
                for seed in table.seeds
            )
            interval = "none with n=1"
            if over.low is not None and over.high is not None:
                interval = f"{formatting.points(over.low)} to {formatting.points(over.high)}"
            lines.append(
                f"| {plain(name)} | {plain(split)} | {formatting.metric_name(metric)} | "
                f"{' | '.join(each)} | {formatting.points(over.mean)} | {interval} | {over.n} |"
            )
    said = ["Points are hundredths; the interval is Student's t of the mean over seeds."]
    said += [f"The study has no score of: {plain(name)}." for name in missing]
    bad = [name for name, run in table.runs.items() if table.scores.collapsed(run)]
    said += [f"A run of it predicts one class or a constant: {plain(name)}." for name in bad]
    return "\n".join(lines) + "\n\n" + " ".join(said)


def provenance(source: Source, tasks: Sequence[Task]) -> str:
    """Encoder, data and code, as a list."""
    encoder = (
        f"Encoder: from {plain(source.encoder)}. sha256 of its weights: {code(source.sha256)} (of "
        "each in order of the names a line of JSON, [name, shape], and then its values as little-endian "
        "float32)."
    )
    if source.pooler == "fresh":
        encoder += " Its pooler is left out: one is drawn with the classifier, and never pruned."
    lines = [
        encoder,
        f"Licence of the encoder: {_licence(source)}. Data keep their own terms.",
    ]
    for task in tasks:
        numbers = ", ".join(f"{split} {number:,}" for split, number in task.examples.items())
        lines.append(
            f"Data of {code(task.name)}: from {plain(task.origin)}; {numbers} examples, at most "
            f"{task.max_length} tokens. Recipe: "
            + code(", ".join(f"{key}={value}" for key, value in task.recipe.items()))
        )
    made = f"at commit {code(source.commit)}" if source.commit else "outside a git repository"
    versions = ", ".join(f"{name} {version}" for name, version in source.versions.items())
    lines.append(
        f"Exported by scratchcard from its study {code(source.study)}, {made}, with {plain(versions)}."
    )
    return "\n".join(f"- {line}" for line in lines)


def _licence(source: Source) -> str:
    if source.licence_name is None:
        return f"unknown ({plain(source.licence_from)})"
    return f"{plain(source.licence_name)} (from: {plain(source.licence_from)})"
