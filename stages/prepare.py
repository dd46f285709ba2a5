"""A task's tokenised splits (train, selection carved from it, validation, HANS), baselines and recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tokenizers import Tokenizer

from stages import cli
from stages.tickets import artifacts, baselines, hans, hans_scores, params, tasks, texts
from stages.tickets.seeds import stable_seed
from stages.tickets.tasks import Prepared, Task, Vocabulary


@dataclass(frozen=True)
class Params:
    prepare: params.Prepare
    data: params.Data | None
    own: params.OwnData | None
    noise: params.Noise
    train: params.Train
    override: params.Override


def prepare(
    task: Task,
    sources: dict[str, texts.Texts],
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    config: params.Prepare,
) -> Prepared:
    """Tokenise every split, carve `selection`, and hide words where there are words to find."""
    splits = {
        name: texts.tokenise(source, tokenizer, config.max_length)
        for name, source in sources.items()
    }
    train, selection = tasks.carve(
        splits.pop("train"), config.selection, stable_seed("selection", task.name, config.seed)
    )
    if task.kind == "classification" and len(set(train.labels.tolist())) < 2:
        raise params.ParamsError(
            f"prepare.selection is {config.selection}, which leaves {task.name!r} one class to train on"
        )
    evaluated = {"selection": selection, **splits}
    if task.kind == "mlm":
        evaluated = {
            name: tasks.hide_in_split(
                split,
                vocabulary,
                config.masked,
                stable_seed("hidden", task.name, name, config.seed),
            )
            for name, split in evaluated.items()
        }
    return Prepared(task, vocabulary, train, evaluated)


def recipe(config: Params) -> params.Recipe:
    """`train` with what the task does differently; what its override leaves out stays."""
    different = config.override.model_dump(exclude_none=True)
    return params.Recipe(noise=config.noise, train=config.train.model_copy(update=different))


def check_length(max_length: int, encoder: dict[str, Any]) -> None:
    """Raise ParamsError where inputs may be longer than the encoder (its config) has positions for."""
    positions = encoder.get("max_position_embeddings")
    if positions is None:
        return
    if "roberta" in encoder["model_type"]:  # counts positions from after that of padding
        positions -= encoder["pad_token_id"] + 1
    if max_length > positions:
        raise params.ParamsError(
            f"prepare.max_length is {max_length}, allowed for this encoder is at most {positions}"
        )


def main(
    task: Annotated[str, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params, task)
    source = config.data or config.own
    if source is None:
        raise params.ParamsError(f"data has no {task!r}, and own has none")
    check_length(config.prepare.max_length, artifacts.load_record(encoder / "config.json"))
    described, sources = texts.load(task, source)
    found = hans.load(task, source, config.prepare.seed)
    if found:
        sources[hans_scores.SPLIT] = found[0]
    record = artifacts.load_record(encoder / "encoder.json")["vocabulary"]
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    vocabulary = Vocabulary(**{**record, "special": tuple(record["special"])})
    prepared = prepare(described, sources, tokenizer, vocabulary, config.prepare)
    tasks.save_prepared(prepared, out)
    artifacts.save_record(recipe(config).model_dump(), out / "recipe.json")
    if found:
        hans_scores.save_cases(found[1], out / "hans.csv")
    artifacts.save_arrays(baselines.predict(prepared), out / "baselines.safetensors")


if __name__ == "__main__":
    cli.run(main)
