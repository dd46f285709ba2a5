"""Train from random weights: the dense architecture, or a random subnetwork of the size of a good one."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.encoder import removal
from stages.tickets.pruning import draws, structure
from stages.tickets.training import fit, predict


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
    subnetwork: Annotated[str, typer.Option(help="Such as random; dense without it.")] = "",
    searched: Annotated[Path | None, typer.Option(help="Folder of the search.")] = None,
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    model = loaded.model(from_scratch=True)
    if searched:
        good = files.load_structure(searched / "structure.safetensors")
        kept = draws.drawn(subnetwork, good, loaded.noise.mask)
        everything = structure.whole(*kept.heads.shape)
        sizes = {
            "kept": removal.num_parameters(model.config, kept),
            "prunable": removal.num_parameters(model.config, everything),
        }
        files.save_record(sizes, out / "subnetwork.json")
        removal.remove_(model, kept)
    losses = fit.fit_(model, loaded.prepared, loaded.noise, loaded.recipe)
    files.save_run(predict.predict(model, loaded.prepared), losses, out)


if __name__ == "__main__":
    cli.run(main)
