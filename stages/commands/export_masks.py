"""Write masks of iterative magnitude pruning as one small file, with a card."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.launch import cli
from stages.tickets import files
from stages.tickets.export import card as model_cards
from stages.tickets.export import folders, masks, origin
from stages.tickets.export import study as finished
from stages.tickets.export.masks import Place
from stages.tickets.export.study import Finished
from stages.tickets.pruning.masks import Mask
from stages.tickets.report import scores as scored

FILE = "masks.safetensors"
USE = """\
import torch

mask, about = load("{file}", {place})
for name, parameter in model.named_parameters():  # of the encoder alone, such as AutoModel loads
    if name in mask:
        parameter.data[~torch.from_numpy(mask[name])] = 0
"""


def main(
    out: Annotated[Path, typer.Option(help="Folder, written.")],
    wanted: Annotated[
        list[str], typer.Option("--task", default_factory=list, help="All, if none.")
    ],
    seeds: Annotated[list[int], typer.Option("--seed", default_factory=list, help="All, if none.")],
    rounds: Annotated[
        list[int], typer.Option("--round", default_factory=list, help="All after 0, if none.")
    ],
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
    reports: Annotated[Path, typer.Option(help="Folder of the reports.")] = Path("reports"),
) -> None:
    study = finished.load(results, reports)
    places = chosen(study, wanted, seeds, rounds)
    for place in places:
        study.mask_file(place.task, place.seed, place.round)
    names = list(dict.fromkeys(place.task for place in places))
    scores = {task: study.scores(task) for task in names}
    described = [study.described(task) for task in names]
    source = study.about()
    folders.check_free(out)
    with folders.written(out) as folder:
        about = record(study, source, described)
        masks.save(loaded(study, places), about, folder / FILE)
        tables = [
            model_cards.scored(table(study, scores[task], [at for at in places if at.task == task]))
            for task in names
        ]
        text = card(study, source, described, places, tables)
        (folder / "README.md").write_text(text, encoding="utf-8")
        size = (folder / FILE).stat().st_size
    print(f"{out}: {len(places)} masks in {size / 1e6:.1f} MB")


def chosen(study: Finished, wanted: list[str], seeds: list[int], rounds: list[int]) -> list[Place]:
    """Every task with every seed and every round, in the order of params.yaml where none is named."""
    settings = study.settings
    places = [
        Place(task, seed, number)
        for task in dict.fromkeys(wanted or settings.tasks)
        for seed in dict.fromkeys(seeds or settings.seeds)
        for number in dict.fromkeys(rounds or [after.to for after in settings.rounds])
    ]
    for place in places:
        study.check(place.task, place.seed, place.round)
    return places


def loaded(study: Finished, places: list[Place]) -> Iterator[tuple[Place, Mask]]:
    for place in places:
        yield place, study.mask(place.task, place.seed, place.round)


def record(
    study: Finished, source: model_cards.Source, described: list[model_cards.Task]
) -> dict[str, Any]:
    """Provenance, for machines."""
    settings = study.settings
    return {
        "study": source.study,
        "encoder": origin.of_encoder(settings.encoder).record
        | {"sha256": source.sha256, "licence": source.licence_name},
        "rounds": [after.model_dump(by_alias=True) for after in settings.rounds],
        "imp": settings.imp.model_dump(),
        "tasks": {
            task.name: {
                "kind": task.kind,
                "data": origin.of_data(task.name, study.source(task.name)).record,
                "examples": dict(task.examples),
                "max_length": task.max_length,
                "recipe": files.load_record(study.results / "prepared" / task.name / "recipe.json"),
            }
            for task in described
        },
        "commit": source.commit,
        "versions": dict(source.versions),
    }


def table(study: Finished, scores: scored.Scores, places: list[Place]) -> model_cards.Table:
    """Of the tickets of one task, and dense."""
    task = places[0].task
    runs = {
        f"{task}, round {number}, {study.settings.rounds[number - 1].sparsity:.1%} dropped": (
            scored.Run(task, "imp", number)
        )
        for number in dict.fromkeys(place.round for place in places)
    }
    seeds = list(dict.fromkeys(place.seed for place in places))
    dense = {f"{task}, dense": scored.Run(task, "dense")}
    return model_cards.Table(scores, study.settings.tickets.confidence, seeds, runs | dense)


def card(
    study: Finished,
    source: model_cards.Source,
    described: list[model_cards.Task],
    places: list[Place],
    tables: list[str],
) -> str:
    first = places[0]
    call = f'"{first.task}", {first.seed}, {first.round}'
    imp = ", ".join(f"{key}={value}" for key, value in study.settings.imp.model_dump().items())
    seeds = ", ".join(map(str, dict.fromkeys(place.seed for place in places)))
    named = ", ".join(model_cards.code(task.name) for task in described)
    what = (
        f"{len(places)} masks found by iterative magnitude pruning (Chen et al. 2020), one bit per "
        f"prunable weight, of the tasks {named} and the seeds {seeds}. A mask says which weights of an "
        "encoder are kept; it holds none."
    )
    names = (
        "Matrices have the names that they have in the base model of transformers (`AutoModel`), and the "
        "same shapes; a name or shape that the encoder has not is of another encoder. With one:"
    )
    limits = (
        "A mask belongs to these pre-trained weights, its task and its seed; elsewhere it is a transfer. "
        "Dropped weights are zeros in dense matrices: they save no time and no memory."
    )
    return model_cards.card(
        f"Masks of the study {source.study}",
        model_cards.front_matter(source, described, ["masks", "pruning"]),
        [
            what,
            "## How to load them",
            model_cards.python(masks.LOADER),
            names,
            model_cards.python(USE.format(file=FILE, place=call)),
            "## Where they come from",
            model_cards.provenance(source, described),
            f"Settings of the pruning: {model_cards.code(imp)}; all of it is in the file's metadata.",
            "## Scores of the masks' subnetworks, trained alone",
            *tables,
            "## Limits",
            limits,
        ],
    )


if __name__ == "__main__":
    cli.run(main)
