"""Train networks that tell patterns of attention apart, on maps made by rule; test them on others."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from stages.launch import cli
from stages.tickets import files
from stages.tickets.searches.attention import counts, network, patterns
from stages.tickets.searches.attention.network import Recipe
from stages.tickets.searches.attention.patterns import MAPS, Rule
from stages.tickets.settings.noise import stable_seed


def main(
    maps: Annotated[int, typer.Option(help="Train each network on so many maps.")],
    lengths: Annotated[list[int], typer.Option(help="Give it twice: fewest and most tokens.")],
    noise: Annotated[float, typer.Option(help="Add so much noise to log attention.")],
    size: Annotated[int, typer.Option(help="Pad maps to this size.")],
    epochs: Annotated[int, typer.Option()],
    batch_size: Annotated[int, typer.Option("--batch_size")],
    learning_rate: Annotated[float, typer.Option("--learning_rate")],
    held_out: Annotated[int, typer.Option("--held_out", help="Test on so many maps.")],
    held_out_noise: Annotated[float, typer.Option("--held_out_noise")],
    threads: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option()],
    seeds: Annotated[list[int], typer.Option("--seeds", default_factory=list)],
) -> None:
    torch.set_num_threads(threads)  # the test uses as many as the training
    fewest, most = lengths
    recipe = Recipe(maps, size, epochs, batch_size, learning_rate, threads)
    rows: list[dict[str, Any]] = []
    for kind in MAPS if seeds else ():
        rule = Rule(range(fewest, most + 1, 2), noise, kind == "normed")
        other = Rule(range(fewest + 1, most + 1, 2), held_out_noise, kind == "normed")
        generator = np.random.default_rng(stable_seed("held-out maps", kind))
        unseen, classes = patterns.generate(other, held_out, generator)
        for seed in seeds:
            trained = network.train(rule, recipe, stable_seed("pattern network", kind, seed))
            weights = {name: tensor.numpy() for name, tensor in trained.state_dict().items()}
            files.save_arrays(weights, out / f"{kind}-{seed}.safetensors")
            rows += counts.confusions(kind, seed, network.confusion(trained, unseen, classes, size))
    files.save_record({"lengths": lengths, "seeds": seeds, "size": size}, out / "networks.json")
    files.save_table(rows, counts.COLUMNS["confusion"], out / "confusion.csv")


if __name__ == "__main__":
    cli.run(main)
