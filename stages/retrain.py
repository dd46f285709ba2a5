"""Score subnetworks of the fine-tuned model as they are, and train them alone."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.pruning import structure
from stages.tickets.searches import retraining


@dataclass(frozen=True)
class Params:
    retrain: settings.Retrain
    retrain_super: settings.RetrainSuper


def part(kind: str, name: str, loaded: Inputs, trained: Path, searched: Path) -> retraining.Part:
    """Load what a search kept, and derive the subnetwork `name` from it."""
    if kind == "magnitude":
        mask = files.load_mask(searched / "magnitude" / "mask.safetensors")
        return retraining.of_mask(name, mask, loaded.model(trained), loaded.noise.mask)
    if kind == "super":
        good, kept = (files.load_structure(searched / f"{n}.safetensors") for n in ("super", name))
    else:
        good = files.load_structure(searched / "joint" / "structure.safetensors")
        kept = structure.named(name, good, loaded.noise.mask)
    return retraining.of_structure(kept, good, loaded.encoder.config, loaded.prepared)


def train(
    loaded: Inputs, theta_0: Path, trained: Path, searched: Path, kind: str, name: str, out: Path
) -> None:
    """Do all that is asked of one subnetwork: score and train it, or train it from random weights."""
    cut, size = part(kind, name, loaded, trained, searched)
    if kind == "scratch":
        cut(model := loaded.model(from_scratch=True))
        run, folder = loaded.train(model, None), out
        size = {"kept": size["kept"], "prunable": size["prunable"]}
    else:
        models = loaded.model(trained), loaded.model(theta_0)
        made = retraining.retrain(*models, cut, loaded.prepared, loaded.noise, loaded.recipe)
        files.save_arrays(made.pruned, out / "pruned" / "predictions.safetensors")
        run, folder = made.retrained, out / "retrained"
    files.save_run(run.predictions, run.losses, folder)
    files.save_record(size, out / "subnetwork.json")


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    encoder: Annotated[Path, typer.Option()],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Start from theta_0 of the seed.")],
    trained: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    searched: Annotated[Path, typer.Option(help="Read the subnetworks here.")],
    structured: Annotated[Path | None, typer.Option(help="Write this folder.")] = None,
    magnitude: Annotated[Path | None, typer.Option(help="Write this folder.")] = None,
    scratch: Annotated[Path | None, typer.Option(help="Write this folder.")] = None,
    super_: Annotated[Path | None, typer.Option("--super", help="Write this folder.")] = None,
) -> None:
    config, loaded = cli.read(Params), inputs.load(task, seed, encoder, prepared)
    names = {**dict(config.retrain), "super": config.retrain_super.subnetworks}
    outs = {"structured": structured, "magnitude": magnitude, "scratch": scratch, "super": super_}
    jobs: dict[str, side_by_side.Job] = {}
    for kind, out in outs.items():
        if out:  # the folder is made, since DVC asks for it even if it stays empty
            out.mkdir(parents=True, exist_ok=True)
            job = partial(train, loaded, weights, trained, searched, kind)
            jobs |= {f"{kind} {name}": partial(job, name, out / name) for name in names[kind]}
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
