"""Make the splits of a task from texts: draw examples, tokenise them, set some aside for selection."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from stages.tickets import settings
from stages.tickets.files import Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import corpora, hans, spans, texts
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.corpora import Paragraphs
from stages.tickets.tasks.sources import Source
from stages.tickets.tasks.spans import Questions
from stages.tickets.tasks.squad import Asked
from stages.tickets.tasks.task import Prepared, Task, Vocabulary
from stages.tickets.tasks.texts import Texts


@dataclass(frozen=True)
class Cut:
    """Limits on the number and the length of examples."""

    examples: settings.Examples | None
    """Numbers of examples to take; None for all."""
    max_length: int
    """Tokens of the longest input, special ones included."""
    stride: int
    """Word pieces that neighbouring windows of a context share."""

    def number(self, split: str) -> int | None:
        """Return the number of examples to take from a split; None for all."""
        if self.examples is None or split == hans.SPLIT:
            return None
        return self.examples.train if split == "train" else self.examples.validation


def cut_of(source: settings.Data | settings.OwnData, config: settings.Prepare) -> Cut:
    """Read the limits from a section of `data` or `own`; `prepare` fills in missing ones."""
    if isinstance(source, settings.OwnData | settings.MiniatureData):
        return Cut(None, config.max_length, config.max_length // 3)
    max_length = source.max_length or config.max_length
    stride = None if isinstance(source, settings.TextData) else source.stride
    return Cut(source.examples, max_length, max_length // 3 if stride is None else stride)


def check_length(max_length: int, longest: int | None, key: str) -> None:
    """Raise ParamsError if inputs may be longer than the encoder takes.

    Args:
        max_length: tokens of the longest input, special ones included.
        longest: tokens of the longest input of the encoder; None if there is no limit, or if the
            settings of the encoder have stated it.
        key: the setting that the message names.
    """
    if longest is not None and max_length > longest:
        raise settings.ParamsError(
            f"{key} is {max_length}, allowed for this encoder is at most {longest}"
        )


def recipe(
    noise: settings.Noise, train: settings.Train, override: settings.Override
) -> settings.Recipe:
    """Make the recipe of a task: `train`, with the settings that its override replaces."""
    changes = override.model_dump(exclude_none=True)
    return settings.Recipe(noise=noise, train=train.model_copy(update=changes))


def counted(task: Task, sources: Mapping[str, Source]) -> str:
    """Say how many examples were read, of every class in their order, and how many texts are empty."""
    sizes = []
    for split, source in sources.items():
        parts = [f"{len(source)} examples for {split}"]
        if isinstance(source, Texts) and task.kind == "classification":
            classes = np.bincount(source.labels, minlength=task.num_labels).tolist()
            parts.append(f"by class {', '.join(map(str, classes))}")
        if isinstance(source, Texts) and source.num_empty:
            parts.append(f"with an empty text {source.num_empty}")
        sizes.append("; ".join(parts))
    return f"{task.name}: {'. '.join(sizes)}"


def prepare(
    task: Task,
    sources: Mapping[str, Source],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    config: settings.Prepare,
    cut: Cut,
) -> tuple[Prepared, dict[str, Asked]]:
    """Tokenise every split, carve `selection` from `train`, and hide words of language modelling.

    Args:
        task: kind and metrics.
        sources: the texts of every split; `train` and `validation` among them.
        tokenizer: tokenizer of the encoder.
        vocabulary: vocabulary of the tokenizer.
        config: share of `selection`, share of hidden words, and the seed of all draws.
        cut: limits on the number and the length of examples.

    Returns:
        The prepared task, and by split the questions, if the task has any.

    Raises:
        ParamsError: a split is too small to be carved or cut, or `train` has only one class left.
    """
    carving = stable_seed("selection", task.name, config.seed)
    taken = {name: _taken(source, task, name, cut, config.seed) for name, source in sources.items()}
    train = taken["train"]
    if isinstance(train, Questions):
        with _blaming(f"data.{task.name} has too few examples"):
            inside, outside = spans.carve(train, config.selection, carving)
        taken = {"train": inside, "selection": outside, "validation": taken["validation"]}
    splits: dict[str, Split] = {}
    asked: dict[str, Asked] = {}
    for name, source in taken.items():
        match source:
            case Questions():
                with _blaming(f"data.{task.name} cannot be cut into windows"):
                    splits[name], asked[name] = spans.windows(
                        source, tokenizer, cut.max_length, cut.stride
                    )
            case Paragraphs():
                splits[name] = _blocks(source, task, name, tokenizer, cut, config.seed)
            case _:
                splits[name] = texts.tokenise(source, tokenizer, cut.max_length)
    training = splits.pop("train")
    if "selection" not in splits:
        with _blaming(f"{task.name!r} has too few examples to train on"):
            training, selection = tasks.carve(training, config.selection, carving)
        splits = {"selection": selection, **splits}
    if task.kind == "classification" and len(set(training.labels.tolist())) < 2:
        raise settings.ParamsError(
            f"prepare.selection is {config.selection}, which leaves {task.name!r} one class to train on"
        )
    if task.kind == "mlm":
        for name, split in splits.items():
            seed = stable_seed("hidden", task.name, name, config.seed)
            splits[name] = tasks.hide_in_split(split, vocabulary, config.masked, seed)
    empty = sum(source.num_empty for source in taken.values() if isinstance(source, Texts))
    return Prepared(task, vocabulary, training, splits, empty), asked


def _taken(source: Source, task: Task, name: str, cut: Cut, seed: int) -> Source:
    """Draw as many examples of a split as `cut` allows; running text is drawn later, as blocks."""
    number = cut.number(name)
    if number is None or isinstance(source, Paragraphs):
        return source
    return source.take(
        tasks.drawn(len(source), number, stable_seed("examples", task.name, name, seed))
    )


def _blocks(
    source: Paragraphs, task: Task, name: str, tokenizer: Tokenizer, cut: Cut, seed: int
) -> Split:
    """Cut running text into blocks, and draw as many of these as `cut` allows."""
    with _blaming(f"data.{task.name} has too little text, {name}"):
        blocks = corpora.blocks(source, tokenizer, cut.max_length)
    number = cut.number(name)
    if number is None:
        return blocks
    drawn = tasks.drawn(len(blocks), number, stable_seed("examples", task.name, name, seed))
    return tasks.take(blocks, drawn)


@contextmanager
def _blaming(problem: str) -> Iterator[None]:
    """Turn a ValueError into a ParamsError that begins with `problem`."""
    try:
        yield
    except ValueError as error:
        raise settings.ParamsError(f"{problem}: {error}") from None
