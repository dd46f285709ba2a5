"""Where a study departs from what the two papers did, as far as its settings tell."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from stages.tickets import settings
from stages.tickets.report.names import sparsities
from stages.tickets.report.rows import TaskSize
from stages.tickets.report.words import count, percent
from stages.tickets.settings import Study

GLUE_TASKS = ("mnli", "qqp", "stsb", "wnli", "qnli", "mrpc", "rte", "sst2", "cola")
TASKS = {"Chen et al.": (*GLUE_TASKS, "squad", "mlm"), "Prasanna et al.": GLUE_TASKS}
Recipe = tuple[float, int, float, float]
"""Epochs, examples a batch, peak rate, and factor on the rate of the head."""
GLUE: Recipe = (3.0, 32, 2.0e-5, 1.0)
SQUAD: Recipe = (2.0, 16, 3.0e-5, 1.0)
"""Recipes of both papers on GLUE, and of Chen et al. on SQuAD."""
BERT_BASE = ("bert-base-uncased", "google-bert/bert-base-uncased")
"""Names of the papers' encoder."""


PAPERS: Mapping[str, Mapping[str, object]] = {
    "encoder": {"pooler": "pretrained"},
    "noise": dict.fromkeys(("head_init", "data_order", "dropout", "mask"), "seed"),
    "prepare": {"max_length": 128, "selection": 0.0, "masked": 0.15},
    "train": {
        "warmup": 0.0, "weight_decay": 0.0, "betas": (0.9, 0.999), "epsilon": 1e-8, "clip": 1.0,
        "dropout": 0.1, "precision": "fp32", "masked": 0.15, "group": 1,
    },
    "imp": {"rewind_to": 0, "decay_over": 1, "classifier": "rewound"},
    "search.rule": {
        "variants": ("joint", "heads", "mlps", "magnitude"), "split": "validation", "threshold": 0.9,
        "amount": 0.1, "magnitude": 0.1,
    },
}  # fmt: skip
"""What the papers have, by section of params.yaml and field. Every other field of these sections is a
departure as it is, unless it is in `BESIDE`."""
BESIDE = (
    "encoder.source", "encoder.name", "encoder.revision", "encoder.path", "encoder.licence",
    "prepare.seed", "train.threads", "imp.keep_weights",
    "train.epochs", "train.batch_size", "train.learning_rate", "train.head_rate",
)  # fmt: skip
"""Fields that say where files are or what is stored, and those of which every task has its own."""
MADE_HERE = "pretrain"
"""Source of an encoder that departs as a whole."""
SENTENCES = {
    "encoder.pooler": "{}; Chen et al. prune the pre-trained pooler with the rest.",
    "prepare.max_length": "Texts are cut to {} tokens; in the papers to 128 on GLUE.",
    "prepare.selection": "{} of the training examples are set aside as selection, on which sparsities "
    "are chosen; the papers train on all, and choose on the validation split that they report.",
    "train.warmup": "The learning rate warms up over {} of the steps; in the papers not at all.",
    "train.dropout": "Dropout is {}; in the papers 0.1.",
    "train.precision": "Products of matrices are in {}; in the papers in fp32.",
    "train.group": "Batches are of texts of like length, cut from chunks of {} batches; in the papers of "
    "texts in random order.",
    "search.rule.split": "Searches stop on the {} split; those of Prasanna et al. on validation.",
    "search.rule.variants": "Searches are {}; Prasanna et al. have joint, heads, mlps, magnitude.",
}
"""Sentences for some fields; all others are named with what the study and the papers have."""
POOLERS = {
    "fresh": "The pooler is drawn anew and never pruned",
    "mean": "The classifier reads the mean of all tokens, without a pooler",
    "segments": "The classifier reads means of the tokens of each text, without a pooler",
}
"""Settings of `encoder.pooler` other than the papers', in words."""
SHARES = ("prepare.selection", "train.warmup")
"""Fields that are shown in per cent."""


@dataclass(frozen=True)
class Rule:
    """What the papers have that is no single field, and the sentence if a study has another."""

    papers: object
    study: Callable[[Study], object]
    """Function of the study; None if it has nothing to compare."""
    sentence: str
    """With {} for what the study has."""
    shown: Callable[[Any], str] = str


RULES = (
    Rule(
        5,
        lambda study: len(study.seeds),
        "{}; Prasanna et al. have 5, and so have Chen et al. if they give a spread.",
        lambda number: count(number, "seed"),
    ),
    Rule(
        5,
        lambda study: len(study.search.seeds) if study.search.tasks else None,
        "Searches have {}; those of Prasanna et al. 5.",
        lambda number: count(number, "seed"),
    ),
    Rule(
        tuple(number / 10 for number in range(1, 10)),
        lambda study: tuple(sparsities(study).values()),
        "{}; Chen et al. drop a tenth of the weights in each of nine.",
        lambda grid: f"{count(len(grid), 'round')} of pruning, to {', '.join(map(percent, grid))}",
    ),
    Rule(
        False,
        lambda study: study.imp.decay_over == 1 and study.imp.classifier == "rewound",
        "Each round of pruning decays the learning rate to 0 and rewinds the classifier, as Chen et al. "
        "write; their code does neither.",
    ),
    Rule(
        0.7,
        lambda study: (
            sparsities(study).get(study.transfer.round) if study.transfer.sources else None
        ),
        f"Transferred masks have {{}} sparsity; in Chen et al. {percent(0.7)}.",
        percent,
    ),
    Rule(
        False,
        lambda study: bool(study.search.tasks),
        "Searches add up importance as the formula of Prasanna et al. says; in their code the gradients "
        "of a batch go on into the next (the search called published does the same).",
    ),
)


def of_fields(study: Study) -> Iterable[str]:
    """Yield a sentence for every field of the sections of `PAPERS` that is not as in the papers."""
    for section, papers in PAPERS.items():
        own: settings.Section = attrgetter(section)(study)
        off = section.startswith("search.") and not study.search.tasks
        if off or getattr(own, "source", "") == MADE_HERE:
            continue
        for field in type(own).model_fields:
            key, value = f"{section}.{field}", getattr(own, field)
            if key in BESIDE or (field in papers and value == papers[field]):
                continue
            text = percent(value) if key in SHARES else POOLERS.get(str(value), shown(value))
            known = (
                f"in the papers {shown(papers[field])}" if field in papers else "not in the papers"
            )
            yield SENTENCES.get(key, f"{key} is {{}}; {known}.").format(text)


def shown(value: object) -> str:
    """Word a setting without an exponent: 0.00000001, or joint, heads."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def departures(num_prunable: int, sizes: Sequence[TaskSize], study: Study) -> list[str]:
    """Write a sentence for each departure; what was left out by choice comes last.

    Args:
        num_prunable: weights of the encoder.
        sizes: of the tasks, with their training examples.
    """
    encoder = study.encoder
    sentences = []
    if not (isinstance(encoder, settings.HubEncoder) and encoder.name in BERT_BASE):
        sentences.append(
            "Encoder: the papers have bert-base-uncased, 12 layers with 85.5 million prunable weights; "
            f"this one has {num_prunable / 1e6:.1f} million."
        )
    train = {size.task: size.train for size in sizes}
    drawn = [
        f"{task} trains on {train[task]:,} examples, drawn from all that there are."
        for task in study.tasks
        if isinstance(data := study.data.get(task), settings.DataSet) and data.examples is not None
    ]
    by_rule = [
        rule.sentence.format(rule.shown(value))
        for rule in RULES
        if (value := rule.study(study)) is not None and value != rule.papers
    ]
    cuts = study.ran.cuts if study.ran else ()
    return [
        *sentences,
        *_tasks(study),
        *drawn,
        *_recipes(study),
        *of_fields(study),
        *by_rule,
        *cuts,
    ]


def _tasks(study: Study) -> Iterable[str]:
    names = {task: _name_in_papers(study.data.get(task)) for task in study.tasks}
    others = [task for task, name in names.items() if name is None]
    if others:
        yield f"Tasks of neither paper: {', '.join(others)}."
    for paper, tasks in TASKS.items():
        absent = [task for task in tasks if task not in names.values()]
        if len(absent) == len(tasks):
            yield f"No task of {paper} is here."
        elif absent:
            yield f"Tasks of {paper} that are not here: {', '.join(absent)}."


def _name_in_papers(data: settings.Data | None) -> str | None:
    """Return the name of a task in the papers; None if they do not have it."""
    match data:
        case settings.TextData():
            return "mlm"
        case settings.HubData() | settings.FolderData():
            if data.config in settings.WIKITEXT:
                return "mlm"
            return "squad" if data.config in settings.SQUAD else data.config
        case _:
            return None


def _recipes(study: Study) -> Iterable[str]:
    tasks_of: dict[Recipe, list[str]] = {}
    for task in study.tasks:
        name = _name_in_papers(study.data.get(task))
        train = study.train.model_copy(update=study.override[task].model_dump(exclude_none=True))
        recipe = train.epochs, train.batch_size, train.learning_rate, train.head_rate
        if name != "mlm" and recipe != (SQUAD if name == "squad" else GLUE):
            tasks_of.setdefault(recipe, []).append(task)
    if tasks_of:
        listed = (f"{', '.join(tasks)}: {_shown(recipe)}" for recipe, tasks in tasks_of.items())
        yield (
            "Epochs, sentences a batch and peak learning rate are not the papers' "
            f"({_shown(GLUE)} on GLUE): {'; '.join(listed)}."
        )


def _shown(recipe: Recipe) -> str:
    """Word a recipe, such as 3 x 32 at 0.0001, of the head 10 times that."""
    epochs, batch_size, rate, head = recipe
    of_head = "" if head == 1 else f", of the head {shown(head)} times that"
    return f"{shown(epochs)} x {batch_size} at {shown(rate)}{of_head}"
