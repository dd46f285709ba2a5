"""A task's tokenised splits (train, selection carved from it, validation, HANS), baselines and recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tokenizers import Tokenizer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.files import Split
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import asked as questions
from stages.tickets.tasks import baselines, corpora, hans, hans_scores, spans, texts
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.asked import Asked
from stages.tickets.tasks.corpora import Paragraphs
from stages.tickets.tasks.spans import Questions
from stages.tickets.tasks.task import Prepared, Task, Vocabulary
from stages.tickets.tasks.texts import Source


@dataclass(frozen=True)
class Params:
    prepare: settings.Prepare
    data: settings.Data | None
    own: settings.OwnData | None
    noise: settings.Noise
    train: settings.Train
    override: settings.Override


@dataclass(frozen=True)
class Cut:
    """How many examples of every split are taken, and how long they are."""

    examples: settings.Examples | None
    max_length: int
    """Tokens, special ones included."""
    stride: int
    """Word pieces that windows of one context have in common."""

    def number(self, split: str) -> int | None:
        """None for all."""
        if self.examples is None or split == hans_scores.SPLIT:
            return None
        return self.examples.train if split == "train" else self.examples.validation


def cut_of(source: settings.Data | settings.OwnData, config: settings.Prepare) -> Cut:
    """What a section of `data` or `own` says, and where it says nothing, `prepare`."""
    if isinstance(source, settings.OwnData | settings.MiniatureData):
        return Cut(None, config.max_length, config.max_length // 3)
    max_length = source.max_length or config.max_length
    stride = None if isinstance(source, settings.TextData) else source.stride
    return Cut(source.examples, max_length, max_length // 3 if stride is None else stride)


def prepare(
    task: Task,
    sources: Mapping[str, Source],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    config: settings.Prepare,
    cut: Cut,
) -> tuple[Prepared, dict[str, Asked]]:
    """Tokenise every split, carve `selection`, and hide words where there are words to find.

    Returns:
        The task, and what is asked in every split of questions.
    """
    carved = stable_seed("selection", task.name, config.seed)
    few = {name: taken(source, task, name, cut, config.seed) for name, source in sources.items()}
    whole = few["train"]
    if isinstance(whole, Questions):
        inside, outside = _carved(whole, task, config.selection, carved)
        few = {"train": inside, "selection": outside, "validation": few["validation"]}
    splits: dict[str, Split] = {}
    asked: dict[str, Asked] = {}
    for name, source in few.items():
        match source:
            case Questions():
                splits[name], asked[name] = _windows(source, task, tokenizer, cut)
            case Paragraphs():
                splits[name] = _blocks(source, task, name, tokenizer, cut, config.seed)
            case _:
                splits[name] = texts.tokenise(source, tokenizer, cut.max_length)
    train = splits.pop("train")
    if "selection" not in splits:
        train, selection = tasks.carve(train, config.selection, carved)
        splits = {"selection": selection, **splits}
    if task.kind == "classification" and len(set(train.labels.tolist())) < 2:
        raise settings.ParamsError(
            f"prepare.selection is {config.selection}, which leaves {task.name!r} one class to train on"
        )
    if task.kind == "mlm":
        splits = {
            name: tasks.hide_in_split(
                split,
                vocabulary,
                config.masked,
                stable_seed("hidden", task.name, name, config.seed),
            )
            for name, split in splits.items()
        }
    return Prepared(task, vocabulary, train, splits), asked


def taken(source: Source, task: Task, name: str, cut: Cut, seed: int) -> Source:
    """As many examples of a split as are asked for; of text, which is cut first, all."""
    number = cut.number(name)
    if number is None or isinstance(source, Paragraphs):
        return source
    return source.take(
        tasks.drawn(len(source), number, stable_seed("examples", task.name, name, seed))
    )


def _carved(train: Questions, task: Task, share: float, seed: int) -> tuple[Questions, Questions]:
    try:
        return spans.carve(train, share, seed)
    except ValueError as error:
        raise settings.ParamsError(f"data.{task.name} has too few examples: {error}") from None


def _windows(source: Questions, task: Task, tokenizer: Tokenizer, cut: Cut) -> tuple[Split, Asked]:
    try:
        return spans.windows(source, tokenizer, cut.max_length, cut.stride)
    except ValueError as error:
        raise settings.ParamsError(
            f"data.{task.name} cannot be cut into windows: {error}"
        ) from None


def _blocks(
    source: Paragraphs, task: Task, name: str, tokenizer: Tokenizer, cut: Cut, seed: int
) -> Split:
    try:
        blocks = corpora.blocks(source, tokenizer, cut.max_length)
    except ValueError as error:
        raise settings.ParamsError(
            f"data.{task.name} has too little text, {name}: {error}"
        ) from None
    number = cut.number(name)
    if number is None:
        return blocks
    drawn = tasks.drawn(len(blocks), number, stable_seed("examples", task.name, name, seed))
    return tasks.take(blocks, drawn)


def recipe(config: Params) -> settings.Recipe:
    """`train` with what the task does differently; what its override leaves out stays."""
    different = config.override.model_dump(exclude_none=True)
    return settings.Recipe(noise=config.noise, train=config.train.model_copy(update=different))


def check_length(max_length: int, encoder: dict[str, Any], key: str = "prepare.max_length") -> None:
    """Raise ParamsError where inputs may be longer than the encoder (its config) has positions for."""
    positions = encoder.get("max_position_embeddings")
    if positions is None:
        return
    if "roberta" in encoder["model_type"]:  # counts positions from after that of padding
        positions -= encoder["pad_token_id"] + 1
    if max_length > positions:
        raise settings.ParamsError(
            f"{key} is {max_length}, allowed for this encoder is at most {positions}"
        )


def main(
    task: Annotated[str, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params, task)
    source = config.data or config.own
    if source is None:
        raise settings.ParamsError(f"data has no {task!r}, and own has none")
    cut = cut_of(source, config.prepare)
    section = "prepare" if cut.max_length == config.prepare.max_length else f"data.{task}"
    positions = files.load_record(encoder / "config.json")
    check_length(cut.max_length, positions, f"{section}.max_length")
    described, sources = texts.load(task, source)
    found = hans.load(task, source, config.prepare.seed)
    record = files.load_record(encoder / "encoder.json")["vocabulary"]
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    vocabulary = Vocabulary(**{**record, "special": tuple(record["special"])})
    if found:
        sources = {**sources, hans_scores.SPLIT: found[0]}
    prepared, asked = prepare(described, sources, tokenizer, vocabulary, config.prepare, cut)
    tasks.save_prepared(prepared, out)
    for split, about in asked.items():
        if split != "train":
            questions.save(about, out, split)
    files.save_record(recipe(config).model_dump(), out / "recipe.json")
    if found:
        hans_scores.save_cases(found[1], out / "hans.csv")
    files.save_arrays(baselines.predict(prepared), out / "baselines.safetensors")


if __name__ == "__main__":
    cli.run(main)
