"""Model cards of what is exported: Markdown with the front matter of the Hugging Face Hub.

Names and paths come from files of the user's, so they are escaped wherever they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from stages.tickets.export.markdown import code, one_line, plain
from stages.tickets.report import words
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
"""Names on the Hub of metrics that it calls otherwise."""
PIPELINES: Mapping[Kind, str] = {
    "classification": "text-classification",
    "regression": "text-classification",
    "mlm": "fill-mask",
    "span": "question-answering",
}
UNKNOWN = "unknown (encoder.licence in params.yaml names none)"
WITHOUT_POOLER = {
    "fresh": "one is drawn with the classifier, and never pruned.",
    "mean": "the classifier reads the mean of all tokens.",
    "segments": "the classifier reads means of the tokens of each text.",
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
    """Its name on the Hub; None if it is not from there."""
    pooler: str
    """Setting `encoder.pooler`."""
    licence: str | None
    """SPDX identifier; None if it is not known."""
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
    """Its data set on the Hub; None if it is not from there."""
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
    """Seeds that are exported; scores of the first are the metrics of a model."""
    runs: Mapping[str, Run]
    """Runs by what they are called; the first is what is exported."""


def card(title: str, front: ModelCardData, parts: Sequence[str]) -> str:
    """Write a card of parts, which are paragraphs, tables, headings or code."""
    return "\n\n".join([f"---\n{front.to_yaml()}\n---", f"# {plain(title)}", *parts]) + "\n"


def of_model(
    source: Source,
    task: Task,
    table: Table,
    *,
    title: str,
    what: str,
    how_to_load: Sequence[str],
    limits: str,
    tags: Sequence[str],
    is_whole: bool = True,
    is_scored: bool = True,
) -> str:
    """Write the card of a model of a task.

    Args:
        source: the study.
        task: the task.
        table: scores of the model and of others.
        title: name of the model.
        what: first paragraph.
        how_to_load: parts of the card.
        limits: last paragraph.
        tags: beside those of every card.
        is_whole: transformers loads it as it is.
        is_scored: the scores are those of the model as it stands.
    """
    kind, metrics = task.kind if is_whole else None, table if is_scored else None
    front = front_matter(source, [task], tags, kind, title, metrics)
    parts = [what, "## How to load it", *how_to_load, "## Scores", scored(table)]
    parts += ["## Where it comes from", provenance(source, [task]), "## Limits", limits]
    return card(title, front, parts)


def front_matter(
    source: Source,
    tasks: Sequence[Task],
    tags: Sequence[str],
    kind: Kind | None = None,
    name: str = "",
    table: Table | None = None,
) -> ModelCardData:
    """Write what the Hub reads of a card.

    Args:
        source: the study.
        tasks: whose data went into it.
        tags: beside those of every card.
        kind: of a model that transformers loads as it is; else None.
        name: of the model, with `table`.
        table: scores of its first run and seed on splits for reporting become metrics of the model.
    """
    more: dict[str, Any] = {}
    if kind is not None:
        more |= {"library_name": "transformers", "pipeline_tag": PIPELINES[kind]}
    if results := _results(tasks[0], table) if table else []:
        more |= {"model_name": one_line(name), "eval_results": results}
    data_sets = sorted({one_line(task.on_hub) for task in tasks if task.on_hub})
    return ModelCardData(
        license=(source.licence or "unknown").lower(),
        base_model=one_line(source.base_model) if source.base_model else None,
        datasets=data_sets or None,
        tags=[*NAMED_HERE, *tags],
        ignore_metadata_errors=False,
        **more,
    )


def _results(task: Task, table: Table) -> list[EvalResult]:
    seed = table.seeds[0]
    return [
        EvalResult(
            task_type=PIPELINES[task.kind],
            dataset_type=one_line(task.on_hub or task.name),
            dataset_name=one_line(task.name),
            dataset_split=split,
            metric_type=METRICS.get(metric, metric),
            metric_name=words.metric_name(metric),
            metric_value=by_seed[seed],
        )
        for split, metric, by_seed in _scores(table, next(iter(table.runs.values())))
        if split != SELECTION and seed in by_seed
    ]


def _scores(table: Table, run: Run) -> list[tuple[str, str, Mapping[Seed, float]]]:
    """Return split, metric and scores by seed: the headline on validation and selection, then others."""
    headline = table.scores.metrics[run.task]
    others = [(split, metric) for task, split, metric in table.scores.others if task == run.task]
    places = [(VALIDATION, headline), (SELECTION, headline), *others]
    scores = [(*place, table.scores.of(run, *place)) for place in places]
    return [row for row in scores if row[-1]]


def scored(table: Table) -> str:
    """List the scores of all runs, of the seeds and over all seeds of the study, in points."""
    seeds = [f"seed {seed}" for seed in table.seeds]
    interval = f"{words.percent(table.confidence)} interval"
    header = ["what", "split", "metric", *seeds, "mean over seeds", interval, "n"]
    lines: list[list[str]] = []
    notes = ["Points are hundredths; the interval is Student's t of the mean over seeds."]
    for name, run in table.runs.items():
        rows = _scores(table, run)
        for split, metric, by_seed in rows:
            shown = [plain(name), plain(split), words.metric_name(metric)]
            lines.append([*shown, *_cells(by_seed, table)])
        if not rows:
            notes.append(f"The study has no score of: {plain(name)}.")
    notes += [
        f"A run of it predicts one class, or numbers no better than a constant: {plain(name)}."
        for name, run in table.runs.items()
        if table.scores.collapsed(run)
    ]
    first, *rest = (f"| {' | '.join(line)} |" for line in (header, *lines))
    return "\n".join([first, "|---" * len(header) + "|", *rest]) + "\n\n" + " ".join(notes)


def _cells(by_seed: Mapping[Seed, float], table: Table) -> list[str]:
    """Word the scores of the exported seeds, then mean, interval and number of all."""
    over = intervals.summarize(by_seed.values(), table.confidence)
    interval = "none with n=1"
    if over.low is not None and over.high is not None:
        interval = f"{words.points(over.low)} to {words.points(over.high)}"
    cells = [
        words.points(by_seed[seed]) if seed in by_seed else words.NOT_RUN for seed in table.seeds
    ]
    return [*cells, words.points(over.mean), interval, str(over.n)]


def provenance(source: Source, tasks: Sequence[Task]) -> str:
    """List encoder, data and code."""
    encoder = (
        f"Encoder: from {plain(source.encoder)}. sha256 of its weights: {code(source.sha256)} (of "
        "each in order of the names a line of JSON, [name, shape], and then its values as little-endian "
        "float32)."
    )
    if source.pooler in WITHOUT_POOLER:
        encoder += f" Its pooler is left out: {WITHOUT_POOLER[source.pooler]}"
    lines = [
        encoder,
        f"Licence of the encoder: {plain(source.licence or UNKNOWN)}. Data keep their own terms.",
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
