"""Quantize a trained model by calibration alone and train it with quantizers, or prune it, too."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.inputs import Inputs
from stages.tickets import files, settings
from stages.tickets.greedy import compact
from stages.tickets.quantized import stored, training
from stages.tickets.quantized.training import Order, Setup
from stages.tickets.training import predict


@dataclass(frozen=True)
class Params:
    quantized: settings.Quantized


def calibrate(loaded: Inputs, trained: Path, setup: Setup, out: Path) -> None:
    """Quantize the trained model as it is, and write its predictions and its integers."""
    training.quantize_(model := loaded.model(trained), setup)
    files.save_arrays(predict.predict(model, loaded.prepared), out / "predictions.safetensors")
    stored.save(model, setup.arm, None, loaded.prepared, setup.rule.tokens, out)


def train(loaded: Inputs, trained: Path, setup: Setup, out: Path) -> None:
    """Train the model with quantizers, and write its run and its integers."""
    training.quantize_(model := loaded.model(trained), setup)
    run = training.train_on_(model, setup)
    files.save_run(run.predictions, run.losses, out)
    stored.save(model, setup.arm, None, loaded.prepared, setup.rule.tokens, out)


def prune(
    loaded: Inputs, trained: Path, setup: Setup, order: Order, sparsity: float, out: Path
) -> None:
    """Prune and quantize the model by an order, and write its run, its channels and its integers."""
    model = loaded.model(trained)
    channels, run = training.prune_and_train_(model, setup, order, sparsity)
    files.save_run(run.predictions, run.losses, out)
    stored.save(model, setup.arm, channels, loaded.prepared, setup.rule.tokens, out)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    arm: Annotated[str, typer.Option(help="Use the bits that this arm names, such as w8a8.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    trained: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    out: Annotated[Path, typer.Option()],
    sparsity: Annotated[
        float | None, typer.Option(help="Drop this share of heads and neurons.")
    ] = None,
) -> None:
    config, loaded = cli.read(Params).quantized, inputs.load(task, seed, theta_0, prepared)
    setup = Setup(arm, loaded.prepared, loaded.noise, loaded.recipe, config.rule)
    jobs: dict[str, side_by_side.Job] = {}
    if sparsity is None:
        for way, job in (("calibrated", calibrate), ("trained", train)):
            jobs[f"{arm} {way}"] = partial(job, loaded, trained, setup, out / way)
    else:
        compact.whole(loaded.encoder.config)  # it can lose heads and neurons
        for order in config.pruned.orders:
            training.check_length(setup, order, loaded.encoder.config.num_hidden_layers)
            job = partial(prune, loaded, trained, setup, order, sparsity, out / order)
            jobs[f"{arm} {sparsity} {order}"] = job
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
