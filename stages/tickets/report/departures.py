"""Where a study departs from what the two papers did, as far as its settings tell."""

from collections.abc import Iterable, Sequence

from stages.tickets import settings
from stages.tickets.report.names import sparsities
from stages.tickets.report.rows import TaskSize
from stages.tickets.report.words import count, percent
from stages.tickets.settings import Study

CHEN_TASKS = ("mnli", "qqp", "stsb", "wnli", "qnli", "mrpc", "rte", "sst2", "cola", "squad", "mlm")
PRASANNA_TASKS = ("mnli", "qqp", "stsb", "wnli", "qnli", "mrpc", "rte", "sst2", "cola")
SEEDS = 5
"""Prasanna et al. 2020 everywhere; Chen et al. 2020 where they give a spread, else 3 or 1."""
GLUE, SQUAD = (3.0, 32, 2.0e-5), (2.0, 16, 3.0e-5)
"""Epochs, examples a batch and peak rate of both papers on GLUE, of Chen et al. on SQuAD."""
DROPOUT = 0.1
TRANSFER = 0.7
"""Sparsity of the masks that Chen et al. transfer."""
MAX_LENGTH = 128
TENTHS = tuple(number / 10 for number in range(1, 10))
BERT_BASE = ("bert-base-uncased", "google-bert/bert-base-uncased")


Config = Study


def deviations(num_prunable: int, sizes: Sequence[TaskSize], config: Config) -> list[str]:
    """A sentence for each; what was left out by choice comes last.

    Args:
        num_prunable: weights of the encoder.
        sizes: of the tasks, with their training examples.
    """
    found = [
        *_encoder(num_prunable, config),
        *_tasks(config),
        *_examples(sizes, config),
        *_texts(config),
        *_seeds(config),
        *_rounds(config),
        *_training(config),
        (
            f"{percent(config.prepare.selection)} of the training examples are set aside as selection, "
            "on which sparsities are chosen; the papers train on all, and choose on the validation split "
            "that they report."
        ),
        *_transfers(config),
        *_searches(config),
    ]
    return [*found, *(config.ran.cuts if config.ran else ())]


def _encoder(num_prunable: int, config: Config) -> Iterable[str]:
    encoder = config.encoder
    if not (isinstance(encoder, settings.HubEncoder) and encoder.name in BERT_BASE):
        yield (
            "Encoder: the papers have bert-base-uncased, 12 layers with 85.5 million prunable weights; "
            f"this one has {num_prunable / 1e6:.1f} million."
        )
    if not isinstance(encoder, settings.Pretrain) and encoder.pooler == "fresh":
        yield (
            "The pooler is drawn anew and never pruned; Chen et al. prune the pre-trained one with "
            "the rest."
        )


def _tasks(config: Config) -> Iterable[str]:
    here = {task: _of_papers(config.data.get(task)) for task in config.tasks}
    others = [task for task, name in here.items() if name is None]
    if others:
        yield f"Tasks of neither paper: {', '.join(others)}."
    for paper, theirs in (("Chen et al.", CHEN_TASKS), ("Prasanna et al.", PRASANNA_TASKS)):
        absent = [task for task in theirs if task not in here.values()]
        if len(absent) == len(theirs):
            yield f"No task of {paper} is here."
        elif absent:
            yield f"Tasks of {paper} that are not here: {', '.join(absent)}."


def _of_papers(data: settings.Data | None) -> str | None:
    """What the papers call a task; None of one that they do not have."""
    match data:
        case settings.TextData():
            return "mlm"
        case settings.HubData() | settings.FolderData():
            if data.config in settings.WIKITEXT:
                return "mlm"
            return "squad" if data.config in settings.SQUAD else data.config
        case _:
            return None


def _examples(sizes: Sequence[TaskSize], config: Config) -> Iterable[str]:
    train = {one.task: one.train for one in sizes}
    for task in config.tasks:
        data = config.data.get(task)
        if isinstance(data, settings.DataSet) and data.examples is not None:
            yield f"{task} trains on {train[task]:,} examples, drawn from all that there are."


def _texts(config: Config) -> Iterable[str]:
    length = config.prepare.max_length
    if length != MAX_LENGTH:
        yield f"Texts are cut to {length} tokens; in the papers to {MAX_LENGTH} on GLUE."


def _seeds(config: Config) -> Iterable[str]:
    if len(config.seeds) != SEEDS:
        yield (
            f"{count(len(config.seeds), 'seed')}; Prasanna et al. have {SEEDS}, and so have Chen et "
            "al. where they give a spread."
        )


def _rounds(config: Config) -> Iterable[str]:
    grid = tuple(after.sparsity for after in config.rounds)
    if grid != TENTHS:
        yield (
            f"{count(len(grid), 'round')} of pruning, to {', '.join(map(percent, grid))}; Chen et al. "
            "drop a tenth of the weights in each of nine."
        )


def _training(config: Config) -> Iterable[str]:
    recipes: dict[tuple[float, int, float], list[str]] = {}
    for task in config.tasks:
        name = _of_papers(config.data.get(task))
        different = config.override[task].model_dump(exclude_none=True)
        train = config.train.model_copy(update=different)
        recipe = train.epochs, train.batch_size, train.learning_rate
        if name != "mlm" and recipe != (SQUAD if name == "squad" else GLUE):
            recipes.setdefault(recipe, []).append(task)
    if recipes:
        listed = "; ".join(f"{', '.join(tasks)}: {_recipe(one)}" for one, tasks in recipes.items())
        yield (
            "Epochs, sentences a batch and peak learning rate are not the papers' "
            f"({_recipe(GLUE)} on GLUE): {listed}."
        )
    if config.train.dropout != DROPOUT:
        yield f"Dropout is {config.train.dropout:g}; in the papers {DROPOUT:g}."
    if config.imp.decay_over == 1 and config.imp.classifier == "rewound":
        yield (
            "Each round of pruning decays the learning rate to 0 and rewinds the classifier, as Chen et "
            "al. write; their code does neither."
        )
    if config.train.warmup:
        yield (
            f"The learning rate warms up over {percent(config.train.warmup)} of the steps; in the papers "
            "not at all."
        )
    if config.train.precision != "fp32":
        yield f"Products of matrices are in {config.train.precision}; in the papers in fp32."


def _transfers(config: Config) -> Iterable[str]:
    at = sparsities(config).get(config.transfer.round)
    if config.transfer.sources and at is not None and at != TRANSFER:
        yield f"Transferred masks have {percent(at)} sparsity; in Chen et al. {percent(TRANSFER)}."


def _searches(config: Config) -> Iterable[str]:
    if not config.search.tasks:
        return
    rule = config.search.rule
    if rule.split != "validation":
        yield f"Searches stop on the {rule.split} split; those of Prasanna et al. on validation."
    yield (
        "Searches add up importance as the formula of Prasanna et al. says; in their code the gradients "
        "of a batch go on into the next (the search called published does the same)."
    )


def _recipe(recipe: tuple[float, int, float]) -> str:
    epochs, batch, rate = recipe
    return f"{epochs:g} x {batch} at {_plain(rate)}"


def _plain(rate: float) -> str:
    """Without an exponent: 0.00002."""
    return f"{rate:.10f}".rstrip("0")
