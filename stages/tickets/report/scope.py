"""What the numbers of a report are about, and how to read them."""

from collections.abc import Mapping

from stages.tickets import settings
from stages.tickets.report.names import task_name
from stages.tickets.report.scores import Scores
from stages.tickets.report.words import percent
from stages.tickets.settings import Study
from stages.tickets.statistics import intervals

NUMERICS = {
    "portable": "portable: every x86-64 Linux processor with AVX2 gives the same bytes",
    "fast": "fast: the last digits depend on the processor, and scores may with them",
}


def scope(scores: Scores, record: Mapping[str, object], config: Study) -> list[tuple[str, str]]:
    """Say what the numbers are about: encoder, tasks, seeds, rounds.

    Args:
        record: encoder.json, with num_prunable and num_weights.
    """
    weights = f"{record['num_prunable']:,} of {record['num_weights']:,} encoder weights"
    sparsities = ", ".join(percent(after.sparsity) for after in config.rounds)
    start = f"the weights at {config.imp.rewind_to} % of the dense training"
    return [
        ("Encoder", _encoder(config.encoder, record)),
        ("Prunable", weights + ": the matrices of attention and MLPs, and a pooler if any"),
        ("Tasks", ", ".join(task_name(task, scores) for task in config.tasks)),
        ("Seeds", f"{', '.join(map(str, config.seeds))} (n={len(config.seeds)})"),
        ("Rounds", f"{len(config.rounds)}, to {sparsities} sparsity"),
        ("Rewound to", start if config.imp.rewind_to else "the pre-trained weights (0 %)"),
        ("Numerics", NUMERICS[config.numerics]),
        *_ran(config.ran),
        ("Made by", f"uv run dvc repro, with the params.yaml of the study {config.study}"),
    ]


def _ran(ran: settings.Ran | None) -> list[tuple[str, str]]:
    if ran is None:
        return [("Hardware", "not said: `ran` in params.yaml is null")]
    return [
        ("Hardware", f"{ran.hardware} (as ran in params.yaml says)"),
        ("Hours", f"{ran.hours:g}, ended on {ran.date}"),
        ("Commit", ran.commit or "the one that holds this report"),
    ]


def _encoder(source: settings.Encoder, record: Mapping[str, object]) -> str:
    match source:
        case settings.Pretrain():
            text = (
                f"BERT with {source.layers} layers, {source.attention_heads} attention heads, "
                f"hidden size {source.hidden}, MLP size {source.mlp}; pre-trained here on "
                f"{source.sentences:,} sentences of the miniature language"
            )
        case settings.HubEncoder():
            text = f"{source.name} at revision {source.revision[:12]}"
        case settings.FolderEncoder():
            text = "a model from a local folder"
        case settings.PackageEncoder():
            text = f"the model in the Python package {source.name}"
    accuracy = record.get("masked_accuracy")
    if isinstance(accuracy, float):
        text += f"; finds {percent(accuracy)} of the hidden words of held-out sentences"
    return text


def notes(config: Study) -> list[str]:
    """Say how to read the numbers."""
    n, confidence = len(config.seeds), percent(config.tickets.confidence)
    any_values = intervals.summarize(range(n), config.tickets.confidence)
    reach = "With n=1 there is no standard deviation and no interval."
    if any_values.half and any_values.std:
        times = f"{any_values.half / any_values.std:.1f}"
        reach = f"With n={n} the {confidence} interval reaches {times} standard deviations or more."
    return [
        "A point is 0.01 of the metric: 81.3 is an accuracy or a correlation of 0.813.",
        (
            f"± is half the {confidence} interval of the mean, brackets hold its ends, and † marks what "
            "has a run that predicts one class, or numbers no better than a constant; captions say if it "
            "is otherwise. Differences are paired by seed. Intervals of the main metric on validation "
            "are about other seeds and other examples: half of one, squared, is Student's half over "
            "seeds, squared, plus the normal half of the examples, squared. All others are about seeds "
            "alone (Student's t)."
        ),
        (
            "theta_0 are the pre-trained weights, theta_i those after i % of the training; a mask keeps "
            "some of the prunable weights and sets the others to 0."
        ),
        (
            "n counts seeds, unless a table says otherwise. A seed moves the classifier's first weights, "
            "the order of the data, dropout and random masks, as far as noise in params.yaml lets it; "
            "encoder and examples are the same for all seeds; no interval is about other encoders. Tasks "
            "of unlike metrics have no mean."
        ),
        reach,
    ]
