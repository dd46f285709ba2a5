"""Export masks, tickets, smaller models or compressed forms of a finished study.

These are commands, not stages: `uv run python -m stages export masks --help`, and `ticket`, `smaller` or
`form` in place of `masks`. The last three need torch and import it when they run.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stages.launch import cli
from stages.tickets import files, output
from stages.tickets.export import card, folders, masks
from stages.tickets.export import study as finished
from stages.tickets.export.masks import Place
from stages.tickets.export.study import Finished
from stages.tickets.report.scores import Run
from stages.tickets.settings import ParamsError
from stages.tickets.tasks import sources

if TYPE_CHECKING:
    from stages.launch.inputs import Inputs

Task = Annotated[str, typer.Option(help="Take this task of the study.")]
Seed = Annotated[int, typer.Option(help="Take this seed of the study.")]
Out = Annotated[Path, typer.Option(help="Write this folder, which must be new or without files.")]
Results = Annotated[Path, typer.Option(help="Look here for what `dvc repro` has made.")]
Reports = Annotated[Path, typer.Option(help="Look here for the reports.")]
RESULTS, REPORTS = Path("results"), Path("reports")

app = cli.application(
    help="Export masks, tickets, smaller models or compressed forms of a finished study."
)


@app.command("masks")
def export_masks(
    out: Out,
    wanted: Annotated[
        list[str] | None, typer.Option("--task", help="Take this task alone; repeat it for more.")
    ] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="Take this seed alone; repeat it for more.")
    ] = None,
    rounds: Annotated[
        list[int] | None,
        typer.Option(
            "--round", help="Take this round alone; repeat it for more. The default is all after 0."
        ),
    ] = None,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> None:
    """Write masks of iterative magnitude pruning as one small file, with a card."""
    study = finished.load(cli.PARAMS, results, reports)
    places = chosen(study, wanted, seeds, rounds)
    for place in places:
        study.mask_file(place.task, place.seed, place.round)
    tables, source = masks.tables(study, places), study.about()
    described = [study.described(task) for task in dict.fromkeys(place.task for place in places)]
    placed = ((place, study.mask(place.task, place.seed, place.round)) for place in places)
    with folders.new(out) as folder:
        masks.save(placed, masks.record(study, source, described), folder / masks.FILE)
        write_card(masks.card_of(study, source, described, places, tables), folder)
        size = (folder / masks.FILE).stat().st_size
    print(f"{out}: {len(places)} masks in {size / 1e6:.1f} MB")


def chosen(
    study: Finished, tasks: list[str] | None, seeds: list[int] | None, rounds: list[int] | None
) -> list[Place]:
    """Combine tasks, seeds and rounds; None stands for all of params.yaml, in its order."""
    settings = study.settings
    places = [
        Place(task, seed, number)
        for task in dict.fromkeys(tasks or settings.tasks)
        for seed in dict.fromkeys(seeds or settings.seeds)
        for number in dict.fromkeys(rounds or [after.to for after in settings.rounds])
    ]
    for place in places:
        study.check(place.task, place.seed, place.round)
    return places


@app.command("ticket")
def export_ticket(
    task: Task,
    seed: Seed,
    number: Annotated[int, typer.Option("--round", help="Take the ticket of this round, from 1.")],
    out: Out,
    trained: Annotated[
        bool,
        typer.Option(
            "--trained/--start", help="Write it trained alone, or as its training starts."
        ),
    ] = True,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> None:
    """Write a ticket, trained or as its training starts, as an ordinary model of transformers."""
    from stages.launch import inputs  # noqa: PLC0415  torch
    from stages.tickets.export import model as models  # noqa: PLC0415
    from stages.tickets.export import ticket  # noqa: PLC0415
    from stages.tickets.pruning.masks import num_weights, sparsity  # noqa: PLC0415

    study = finished.load(cli.PARAMS, results, reports)
    study.check(task, seed, number)
    folders.check_free(out)
    mask, scores, run = study.mask(task, seed, number), study.scores(task), Run(task, "imp", number)
    if seed not in scores.of(run):
        raise ParamsError(
            f"{study.scores_file} has no score of the ticket of {task!r}, seed {seed}, round {number}; "
            + finished.REPEAT
        )
    imp, left = study.settings.imp, study.ticket(task, seed, number)
    is_kept = trained and number in imp.keep_weights
    start = study.weights(task, seed, imp.rewind_to)
    weights = finished.existing(left / "weights.safetensors") if is_kept else start
    loaded = inputs.load(task, seed, study.encoder, study.prepared(task))
    labels = sources.class_names(task, study.source(task), loaded.prepared)
    model, how = loaded.model(weights), "trained alone, by the pipeline"
    if not trained:
        ticket.drop_(model, loaded.encoder, mask)
        how = "as its training starts"
    elif not is_kept:
        stored = files.load_arrays(finished.existing(left / "predictions.safetensors"))
        parts = (loaded.encoder, loaded.prepared, mask, loaded.noise, loaded.recipe)
        far = ticket.train_again_(model, *parts, imp.rewind_to, stored)
        distance = f"up to {far:.2g} from the pipeline's" if far else "the pipeline's bit for bit"
        how = f"trained alone, again for this, and its predictions are {distance}"
    ticket.check_zeros(model, loaded.encoder, mask)
    models.describe_(model, loaded.prepared.task.kind, labels)
    named = {f"ticket of round {number}, trained alone": run, "dense": Run(task, "dense")}
    table = card.Table(scores, study.settings.tickets.confidence, [seed], named)
    with folders.new(out) as folder:
        models.save_whole(model, folder)
        write_tokenizer(study, loaded, task, folder)
        write_card(ticket.card_of(study, model, table, mask, how, trained), folder)
    print(f"{out}: {sparsity(mask):.1%} of {num_weights(mask):,} weights are 0; {how}")


@app.command("smaller")
def export_smaller(
    task: Task,
    seed: Seed,
    out: Out,
    subnetwork: Annotated[
        str, typer.Option(help="Take this subnetwork, named as in retrain.structured.")
    ] = "good",
    retrain: Annotated[
        bool,
        typer.Option(
            help="Train it alone from theta_0; the default is to keep its fine-tuned weights."
        ),
    ] = False,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> None:
    """Write a subnetwork of heads and MLPs as a model of its own, smaller and faster."""
    from stages.launch import inputs  # noqa: PLC0415  torch
    from stages.tickets.encoder import removal  # noqa: PLC0415
    from stages.tickets.export import model as models  # noqa: PLC0415
    from stages.tickets.export import smaller  # noqa: PLC0415
    from stages.tickets.pruning import structure  # noqa: PLC0415
    from stages.tickets.training import fit  # noqa: PLC0415

    study = finished.load(cli.PARAMS, results, reports)
    smaller.check(study, task, seed, subnetwork)
    folders.check_free(out)
    good = files.load_structure(study.searched(task, seed))
    weights, scores = study.weights(task, seed, 0 if retrain else None), study.scores(task)
    loaded = inputs.load(task, seed, study.encoder, study.prepared(task))
    labels = sources.class_names(task, study.source(task), loaded.prepared)
    kept = structure.named(subnetwork, good, loaded.noise.mask)
    dense, model = loaded.model(weights), loaded.model(weights)
    removal.remove_(model, kept)
    if retrain:
        fit.fit_(model, loaded.prepared, loaded.noise, loaded.recipe)
    model.cpu()
    models.describe_(model, loaded.prepared.task.kind, labels)
    kind, how = ("retrained", "trained alone") if retrain else ("pruned", "as fine-tuned")
    run = Run(task, kind, 0, f"structured {subnetwork}")
    named = {f"{subnetwork} heads and MLPs, {how}": run, "dense": Run(task, "dense")}
    table = card.Table(scores, study.settings.tickets.confidence, [seed], named)
    size = smaller.size(model, dense, kept)
    with folders.new(out) as folder:
        models.save(model, kept, folder)
        write_tokenizer(study, loaded, task, folder)
        write_card(smaller.card_of(study, model, table, kept, size), folder)
    print(f"{out}: {size}, {smaller.time_of(out, dense, loaded.recipe.threads)}")


@app.command("form")
def export_form(
    task: Task,
    seed: Seed,
    wanted: Annotated[
        str, typer.Option("--form", help="Take this form, such as int8, bf16 or heads-and-mlps.")
    ],
    out: Out,
    results: Results = RESULTS,
    reports: Reports = REPORTS,
) -> None:
    """Write a compressed form of the trained model, as the table of sizes has it, with its loader."""
    from stages.launch import inputs  # noqa: PLC0415  torch
    from stages.tickets.export import forms  # noqa: PLC0415
    from stages.tickets.export import model as models  # noqa: PLC0415

    study = finished.load(cli.PARAMS, results, reports)
    study.check(task, seed)
    form = forms.chosen(forms.of(study, task, seed), wanted)
    if form.not_stored:
        raise ParamsError(f"--form is {wanted!r}, but {form.not_stored}")
    folders.check_free(out)
    weights, scores = study.weights(task, seed, None), study.scores(task)
    loaded = inputs.load(task, seed, study.encoder, study.prepared(task))
    labels = sources.class_names(task, study.source(task), loaded.prepared)
    dense = loaded.model(weights)
    models.describe_(dense, loaded.prepared.task.kind, labels)
    made = form.build(dense, loaded.encoder)
    forms.describe_(made, dense)
    named = {form.family.name: form.run, "dense": Run(task, "dense")}
    table = card.Table(scores, study.settings.tickets.confidence, [seed], named)
    with folders.new(out) as folder:
        forms.save(made, folder)
        write_tokenizer(study, loaded, task, folder)
        write_card(forms.card_of(study, form, made, table), folder)
    print(f"{out}: {form.name}, {made.held.num_bytes / 1e6:.2f} MB of tensors")


def write_tokenizer(study: Finished, loaded: "Inputs", task: str, folder: Path) -> None:
    from tokenizers import Tokenizer  # noqa: PLC0415

    from stages.tickets.encoder import pooling  # noqa: PLC0415
    from stages.tickets.export import model as models  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(study.encoder / "tokenizer.json"))
    has_types = pooling.takes_types(loaded.encoder.config)
    vocabulary, longest = loaded.prepared.vocabulary, study.max_length(task)
    models.save_tokenizer(tokenizer, vocabulary, longest, has_types, folder)


def write_card(text: str, folder: Path) -> None:
    output.save_text(text, folder / "README.md")


if __name__ == "__main__":
    cli.run(app, computes=False)
