"""Walk between stored networks of a task: dense models of two seeds, and rounds of one seed."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side
from stages.launch.copies import stored_end, walk
from stages.launch.inputs import Inputs
from stages.launch.options import Encoder, Grid, Out, Prepared, Sample, Task
from stages.tickets.settings.rounds import Imp
from stages.tickets.training import endpoints
from stages.tickets.training.endpoints import End, Stored


@dataclass(frozen=True)
class Params:
    imp: Imp


def job(
    loaded: dict[int, Inputs],
    pair: tuple[Stored, Stored],
    meet: str,
    load: partial[End],
    grid: int,
    sample: int,
    out: Path,
) -> None:
    """Walk between two networks; those of two seeds may have unlike heads."""
    first, second = pair
    inputs_1, inputs_2 = loaded[first.seed], loaded[second.seed]
    ends, model = (load(inputs_1, first), load(inputs_2, second)), inputs_1.model()
    if meet == "intersection":
        ends = endpoints.cut(model, inputs_1.encoder, ends)
    unlike = first.seed != second.seed and endpoints.starts_have_unlike_heads(model, ends)
    about = {"first": vars(first), "second": vars(second), "meet": meet}
    walk(inputs_1, ends, grid, sample, unlike, out, about)


def main(
    task: Task,
    seeds: Annotated[list[int], typer.Option(help="Take the networks of these seeds.")],
    kinds: Annotated[list[str], typer.Option("--pairs", help="Take pairs of these kinds.")],
    meets: Annotated[list[str], typer.Option("--meet", help="Keep a union or intersection.")],
    grid: Grid,
    sample: Sample,
    theta_0: Encoder,
    prepared: Prepared,
    weights: Annotated[Path, typer.Option(help="Read the weights of dense models.")],
    rounds: Annotated[Path, typer.Option(help="Read the masks and weights of rounds.")],
    out: Out,
) -> None:
    imp = cli.read(Params).imp
    first = inputs.load(task, seeds[0], theta_0, prepared)
    loaded = {seed: inputs.beside(first.encoder, task, seed, prepared) for seed in seeds}
    load = partial(stored_end, weights=weights, rounds=rounds, point=imp.rewind_to)
    jobs: dict[str, side_by_side.Job] = {}
    for pair, meet in endpoints.walks(endpoints.pairs(kinds, seeds, imp.keep_weights), meets):
        name = "-".join([f"{end.seed}.{end.round}" for end in pair] + [meet] * (meet != "union"))
        jobs[name] = partial(job, loaded, pair, meet, load, grid, sample, out / name)
    side_by_side.run(jobs, first.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
