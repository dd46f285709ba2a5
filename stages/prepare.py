"""Write the tokenised splits of a task (train, selection, validation, HANS), baselines and recipe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tokenizers import Tokenizer

from stages.launch import cli
from stages.tickets import files, settings
from stages.tickets.tasks import baselines, hans, prepare, sources, squad
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Vocabulary


@dataclass(frozen=True)
class Params:
    prepare: settings.Prepare
    data: settings.Data | None
    own: settings.OwnData | None
    noise: settings.Noise
    train: settings.Train
    override: settings.Override


def main(
    task: Annotated[str, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
) -> None:
    config = cli.read(Params, task)
    data = config.data or config.own
    if data is None:
        raise settings.ParamsError(f"data has no {task!r}, and own has none")
    cut = prepare.cut_of(data, config.prepare)
    section = "prepare" if cut.max_length == config.prepare.max_length else f"data.{task}"
    record = files.load_record(encoder / "encoder.json")
    prepare.check_length(cut.max_length, record.get("longest_input"), f"{section}.max_length")
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    words = record["vocabulary"]
    vocabulary = Vocabulary(**{**words, "special": tuple(words["special"])})

    described, texts = sources.load(task, data)
    heuristics = hans.load(task, data, config.prepare.seed)
    if heuristics:
        texts = {**texts, hans.SPLIT: heuristics[0]}
    print(prepare.counted(described, texts))
    prepared, asked = prepare.prepare(described, texts, tokenizer, vocabulary, config.prepare, cut)
    tasks.save_prepared(prepared, out)
    for split, questions in asked.items():
        if split != "train":
            squad.save_asked(questions, out, split)
    if heuristics:
        hans.save_cases(heuristics[1], out / "hans.csv")
    recipe = prepare.recipe(config.noise, config.train, config.override)
    files.save_record(recipe.model_dump(), out / "recipe.json")
    files.save_arrays(baselines.from_counts(prepared), out / "baselines.safetensors")


if __name__ == "__main__":
    cli.run(main)
