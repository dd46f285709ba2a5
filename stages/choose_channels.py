"""Choose heads and neurons of the fine-tuned model, and compare how layers are ranked on the way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.greedy import choosing, compact, importance, ranking
from stages.tickets.settings.noise import stable_seed


@dataclass(frozen=True)
class Params:
    greedy: settings.Greedy


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    asked, loaded = cli.read(Params).greedy, inputs.load(task, seed, theta_0, prepared)
    compact.whole(loaded.encoder.config)  # says what is wrong with the encoder before any work
    model, data = loaded.model(weights), loaded.prepared
    drawn_by = stable_seed("importance", loaded.noise.data_order)
    batches = importance.drawn(data, asked.examples, drawn_by)
    dense = choosing.dense(model, data, batches)
    table = []
    for sparsity in asked.sparsities:
        for order in dict.fromkeys(("greedy", *asked.orders)):
            draws = choosing.draws(order, sparsity, loaded.noise.mask)
            chosen = choosing.choose(order, model, data, batches, sparsity, draws)
            if order == "greedy":
                rows = ranking.rows(dense, chosen, sparsity)
                table += [{"task": task, "seed": seed} | row for row in rows]
            compact.save_channels(
                chosen.channels, out / order / f"sparsity-{sparsity}" / compact.CHANNELS
            )
    files.save_table(table, ("task", "seed", *ranking.ROW), out / "ranks.csv")


if __name__ == "__main__":
    cli.run(main)
