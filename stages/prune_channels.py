"""Cut heads and neurons out of the fine-tuned model, score what is left, and train it on."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.greedy import compact
from stages.tickets.training import predict


@dataclass(frozen=True)
class Params:
    greedy: settings.Greedy


def train(loaded: Inputs, weights: Path, chosen: Path, keeps: bool, out: Path) -> None:
    """Cut the model down to chosen channels, predict with it untrained and trained, and store it."""
    kept, model = compact.load_channels(chosen / compact.CHANNELS), loaded.model(weights)
    compact.compact_(model, kept)
    untrained = predict.predict(model, loaded.prepared)
    files.save_arrays(untrained, out / "untrained" / "predictions.safetensors")
    run = loaded.train(model, None)
    files.save_run(run.predictions, run.losses, out)
    compact.save(model, kept, loaded.prepared, out, weights=keeps)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    order: Annotated[str, typer.Option(help="Name the order in which channels were chosen.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    chosen: Annotated[Path, typer.Option(help="Read the chosen channels of all sparsities.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    asked, loaded = cli.read(Params).greedy, inputs.load(task, seed, theta_0, prepared)
    kept = asked.keep_weights if order == "greedy" else ()
    jobs: dict[str, side_by_side.Job] = {}
    for sparsity in asked.sparsities:
        name = f"sparsity-{sparsity}"
        places = chosen / name, sparsity in kept, out / name
        jobs[f"{order} {sparsity}"] = partial(train, loaded, weights, *places)
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
