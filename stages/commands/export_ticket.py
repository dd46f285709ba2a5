"""Write a ticket, or what its training made of it, as an ordinary model of transformers, with a card."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.encoder import theta as encoder
from stages.tickets.export import card as model_cards
from stages.tickets.export import folders, origin
from stages.tickets.export import model as exports
from stages.tickets.export import study as finished
from stages.tickets.export.study import Finished
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.report import words as formatting
from stages.tickets.report.scores import Run
from stages.tickets.tasks import sources
from stages.tickets.training import subnetwork


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    number: Annotated[int, typer.Option("--round", help="Of the ticket, from 1.")],
    out: Annotated[Path, typer.Option(help="Folder of the model, written.")],
    trained: Annotated[
        bool, typer.Option("--trained/--start", help="Trained alone, or as its training starts.")
    ] = True,
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
    reports: Annotated[Path, typer.Option(help="Folder of the reports.")] = Path("reports"),
) -> None:
    study = finished.load(results, reports)
    study.check(task, seed, number)
    folders.check_free(out)
    mask, scores = study.mask(task, seed, number), study.scores(task)
    ran = Run(task, "imp", number)
    if seed not in scores.of(ran):
        raise settings.ParamsError(
            f"{study.scores_file} has no score of the ticket of {task!r}, seed {seed}, round {number}; "
            + finished.REPEAT
        )
    kept = study.kept_weights(task, seed, number)
    theta_i = finished.existing(study.weights(task, seed, f"theta-{study.settings.imp.rewind_to}"))
    loaded = inputs.load(task, seed, results / "encoder", results / "prepared" / task)
    labels = sources.class_names(task, study.source(task), loaded.prepared)
    if not trained:
        model, how = start(loaded, theta_i, mask), "as its training starts"
    elif kept:
        model, how = loaded.model(kept), "trained alone, by the pipeline"
    else:
        stored = study.ticket_run(task, seed, number) / "predictions.safetensors"
        model, far = again(study, loaded, theta_i, mask, finished.existing(stored))
        how = "trained alone, again for this, and "
        how += (
            f"its predictions are up to {far:.2g} from the pipeline's"
            if far
            else "its predictions are the pipeline's bit for bit"
        )
    check_zeros(model, loaded, mask)
    exports.describe_(model, loaded.prepared.task.kind, labels)
    table = model_cards.Table(
        scores,
        study.settings.tickets.confidence,
        [seed],
        {f"ticket of round {number}, trained alone": ran, "dense": Run(task, "dense")},
    )
    with folders.written(out) as folder:
        exports.save_whole(model, folder)
        save_tokenizer(study, loaded, task, folder)
        text = card(study, model, table, mask, number, how, trained)
        (folder / "README.md").write_text(text, encoding="utf-8")
    print(f"{out}: {masks.sparsity(mask):.1%} of {masks.num_weights(mask):,} weights are 0; {how}")


def start(loaded: Inputs, theta_i: Path, mask: Mask) -> PreTrainedModel:
    """theta_i times the mask."""
    model = loaded.model(theta_i)
    weights = encoder.prunable_weights(model, loaded.encoder)
    zeroed = {name: np.where(mask[name], weights[name], np.float32(0)) for name in weights}
    encoder.set_prunable_(model, loaded.encoder, zeroed)
    return model


def again(
    study: Finished, loaded: Inputs, theta_i: Path, mask: Mask, stored: Path
) -> tuple[PreTrainedModel, float]:
    """The subnetwork trained as the pipeline did, and how far its predictions are from the stored ones.

    The distance is the largest over all splits, of logits or of losses; 0 on the machine that stored
    them, on the CPU.
    """
    model = loaded.model(theta_i)
    run = subnetwork.train_(
        model,
        loaded.encoder,
        loaded.prepared,
        mask,
        loaded.noise,
        loaded.recipe,
        study.settings.imp.rewind_to,
    )
    before = files.load_arrays(stored)
    distances = [
        float(np.max(np.abs(array - before[name])))
        for name, array in run.predictions.items()
        if not name.endswith(".tokens")
    ]
    if not np.isfinite(distances).all():
        raise settings.ParamsError(
            f"{stored} has predictions that are no numbers; {finished.REPEAT}"
        )
    model.cpu()
    return model, max(distances)


def check_zeros(model: PreTrainedModel, loaded: Inputs, mask: Mask) -> None:
    """Raise ParamsError where a dropped weight of `model` is not 0."""
    for name, parameter in encoder.prunable_parameters(model, loaded.encoder).items():
        if parameter.detach().numpy()[~mask[name]].any():
            raise settings.ParamsError(
                f"{name} has weights other than 0 where the mask drops them: weights and mask are not of "
                f"one run; {finished.REPEAT}"
            )


def save_tokenizer(study: Finished, loaded: Inputs, task: str, folder: Path) -> None:
    exports.save_tokenizer(
        Tokenizer.from_file(str(study.results / "encoder" / "tokenizer.json")),
        loaded.prepared.vocabulary,
        study.max_length(task),
        getattr(loaded.encoder.config, "type_vocab_size", 0) > 1,
        folder,
    )


def card(
    study: Finished,
    model: PreTrainedModel,
    table: model_cards.Table,
    mask: Mask,
    number: int,
    how: str,
    trained: bool,
) -> str:
    ran = next(iter(table.runs.values()))
    source, task = study.about(), study.described(ran.task)
    point = study.settings.imp.rewind_to
    theta = "the pre-trained weights" if point == 0 else f"the weights at {point} % of its training"
    pair = origin.is_pair(task.name, study.source(task.name))
    title = f"{task.name}: ticket of round {number}, seed {table.seeds[0]}"
    what = (
        f"A subnetwork of an encoder on the task {model_cards.code(task.name)}, found by "
        f"{formatting.count(number, 'round')} of iterative magnitude pruning (Chen et al. "
        f"2020): {masks.sparsity(mask):.2%} of the "
        f"{masks.num_weights(mask):,} weights in the matrices of layers and pooler are 0. Rounds "
        f"restarted from {theta}. State: {model_cards.plain(how)}."
    )
    if not trained:
        what += (
            " Its classifier has learned nothing yet; the scores below are those of its training."
        )
    limits = (
        "Dropped weights are zeros in dense matrices: they save no time and no memory. Training it on "
        "changes them, unless the mask is held. It knows one task, from the data above."
    )
    front = model_cards.front_matter(
        source, [task], ["pruned", "sparse"], task.kind, title, table if trained else None
    )
    return model_cards.card(
        title,
        front,
        [
            what,
            "## How to load it",
            model_cards.python(exports.loading(model, task.kind)),
            model_cards.python(exports.asking(task.kind, pair)),
            exports.TOKENIZER,
            "## Scores",
            model_cards.scored(table),
            "## Where it comes from",
            model_cards.provenance(source, [task]),
            "## Limits",
            limits,
        ],
    )


if __name__ == "__main__":
    cli.run(main)
