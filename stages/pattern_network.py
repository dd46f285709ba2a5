"""Train networks that tell patterns of attention apart, on maps made by rule; test them on others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray

from stages.launch import cli
from stages.tickets import files
from stages.tickets.report.search_rows import MAPS, Confusion
from stages.tickets.searches.attention import network as pattern_network
from stages.tickets.searches.attention import patterns
from stages.tickets.searches.attention.network import Quality, Recipe
from stages.tickets.searches.attention.patterns import PATTERNS, Rule
from stages.tickets.settings.noise import stable_seed


def rows(kind: str, seed: int, quality: Quality) -> Iterator[Confusion]:
    """The cells of a confusion matrix."""
    confusion: NDArray[np.int64] = quality.confusion
    for (true, found), number in np.ndenumerate(confusion):
        yield Confusion(kind, seed, PATTERNS[true], PATTERNS[found], int(number))


def main(
    maps: Annotated[int, typer.Option(help="For the training of one network.")],
    lengths: Annotated[list[int], typer.Option(help="Twice: fewest and most tokens.")],
    noise: Annotated[float, typer.Option(help="Of the logarithms of attention.")],
    size: Annotated[int, typer.Option(help="What maps are padded to.")],
    epochs: Annotated[int, typer.Option()],
    batch_size: Annotated[int, typer.Option("--batch_size")],
    learning_rate: Annotated[float, typer.Option("--learning_rate")],
    held_out: Annotated[int, typer.Option("--held_out", help="Maps for the test.")],
    held_out_noise: Annotated[float, typer.Option("--held_out_noise")],
    threads: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option()],
    seeds: Annotated[list[int], typer.Option("--seeds", default_factory=list)],
) -> None:
    torch.set_num_threads(threads)  # for the test as well
    fewest, most = lengths
    recipe = Recipe(maps, size, epochs, batch_size, learning_rate, threads)
    found: list[Confusion] = []
    for kind in MAPS if seeds else ():
        rule = Rule(range(fewest, most + 1, 2), noise, kind == "normed")
        other = Rule(range(fewest + 1, most + 1, 2), held_out_noise, kind == "normed")
        generator = np.random.default_rng(stable_seed("held-out maps", kind))
        unseen, classes = patterns.generate(other, held_out, generator)
        for seed in seeds:
            network = pattern_network.train(
                rule, recipe, stable_seed("pattern network", kind, seed)
            )
            weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
            files.save_arrays(weights, out / f"{kind}-{seed}.safetensors")
            quality = pattern_network.evaluate(network, unseen, classes, size)
            found += rows(kind, seed, quality)
    record = {"lengths": lengths, "seeds": seeds, "size": size}
    files.save_record(record, out / "networks.json")
    table = pd.DataFrame(found, columns=list(Confusion.__dataclass_fields__))
    table.to_csv(out / "confusion.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    cli.run(main)
