"""Train a subnetwork, given as a mask or a structure, on a task, from weights of other stages."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from transformers import PreTrainedModel

from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder import removal
from stages.tickets.pruning import structure
from stages.tickets.training import subnetwork as subnetworks


def cut_(model: PreTrainedModel, loaded: Inputs, name: str, searched: Path) -> dict[str, int]:
    """Cut `model` down to the subnetwork `name` of a search; return its kept and prunable parameters."""
    good = files.load_structure(searched / "structure.safetensors")
    kept = structure.named(name, good, loaded.noise.mask)
    parts = {"kept": kept, "prunable": structure.whole(*kept.heads.shape)}
    sizes = {key: removal.num_parameters(model.config, part) for key, part in parts.items()}
    removal.remove_(model, kept)
    return sizes


def trained_by(task: str, source: str, seed: int, mask_seed: int | None) -> str | None:
    """Tell what else trains a ticket on its own task and noise; None for any other training."""
    if source == task:
        return "the chain of the task itself"
    return "the stage ticket" if mask_seed == seed else None


def main(
    task: Annotated[str, typer.Option("--task", "--target", help="That is trained.")],
    seed: Annotated[int, typer.Option(help="Of the training.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option(help="Of the task.")],
    out: Annotated[Path, typer.Option()],
    weights: Annotated[Path | None, typer.Option(help="theta_i; theta_0 without it.")] = None,
    body: Annotated[bool, typer.Option("--body", help="Of --weights all but the head.")] = False,
    theta_of: Annotated[
        Literal["dense", "sparse"],
        typer.Option(help="Training that theta_i is of; a sparse one begins at --start."),
    ] = "dense",
    start: Annotated[Path | None, typer.Option(help="theta_0 of the sparse training.")] = None,
    point: Annotated[int, typer.Option(help="i, per cent of the training.")] = 0,
    mask: Annotated[Path | None, typer.Option(help="All weights without it.")] = None,
    source: Annotated[str, typer.Option(help="Task of the mask; --task without it.")] = "",
    mask_seed: Annotated[int | None, typer.Option(help="Of the mask; --seed without it.")] = None,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="No pre-training.")] = False,
    subnetwork: Annotated[str, typer.Option(help="Heads and MLPs, such as random.")] = "",
    searched: Annotated[Path | None, typer.Option(help="Folder of their search.")] = None,
) -> None:
    own = None if body else trained_by(task, source, seed, mask_seed)
    if own:
        files.save_record({"trained_by": own}, out / "own.json")
        return
    loaded = inputs.load(task, seed, theta_0, prepared)
    survivors = files.load_mask(mask) if mask else None
    first = start if theta_of == "sparse" else weights
    model = loaded.model(first, body=body, from_scratch=from_scratch)
    if searched:
        sizes = cut_(model, loaded, subnetwork, searched)
        files.save_record(sizes, out / "subnetwork.json")
    if theta_of == "sparse" and survivors:
        subnetworks.to_sparse_theta_(
            model, loaded.encoder, loaded.prepared, survivors, loaded.noise, loaded.recipe, point
        )
    run = loaded.train(model, survivors, point)
    files.save_run(run.predictions, run.losses, out)


if __name__ == "__main__":
    cli.run(main)
