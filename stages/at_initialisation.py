"""Prune a model before any training, to several compressions, and train each mask from there."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs, side_by_side, starts
from stages.launch.inputs import Inputs
from stages.launch.options import Encoder, Out, Prepared, Seed, Task
from stages.tickets import files
from stages.tickets.at_start import measured, scores
from stages.tickets.at_start.linear import Attention
from stages.tickets.at_start.scores import Name, Rule, Untrained
from stages.tickets.pruning.steps import Schedule, Scope, Steps


def begin(loaded: Inputs, from_scratch: bool) -> Untrained:
    """Build the model that is pruned."""
    model = loaded.model(from_scratch=from_scratch)
    return Untrained(model, loaded.encoder, loaded.prepared, loaded.noise, loaded.recipe.masked)


def train(loaded: Inputs, from_scratch: bool, rule: Rule, how: Steps, out: Path) -> None:
    """Prune to one compression, train, and write the mask, what it is like, and the predictions."""
    start = begin(loaded, from_scratch)
    first, last, steps = measured.walked(scores.prune(start, rule, how), rule)
    record = measured.record(start.model, loaded.encoder, last.after)
    record |= {"head_init": loaded.noise.head_init, "compression": how.compression}
    files.save_mask(last.after, out / "mask.safetensors")
    files.save_record(record, out / "subnetwork.json")
    files.save_table(steps, measured.STEPS, out / "steps.csv")
    by_matrix = measured.by_matrix(first, last.after)
    files.save_table(by_matrix, measured.MATRICES, out / "matrices.csv")
    files.save_arrays(measured.neurons(first.scores), out / "neurons.safetensors")
    starts.train(loaded, start.model, last.after, out)


def follow(loaded: Inputs, from_scratch: bool, rule: Rule, how: Steps, out: Path) -> None:
    """Prune as far as no matrix is empty, without a training, and write how far that is."""
    record = measured.followed(begin(loaded, from_scratch), rule, how)
    files.save_record(record, out / "critical.json")


def main(
    task: Task,
    seed: Seed,
    start: Annotated[str, typer.Option(help="Start from pretrained or from random weights.")],
    name: Annotated[str, typer.Option(help="Use this name in messages.")],
    score: Annotated[Name, typer.Option(help="Keep weights of the largest scores of this kind.")],
    iterations: Annotated[int, typer.Option(help="Score and drop weights so many times.")],
    schedule: Annotated[Schedule, typer.Option(help="Drop weights by this schedule.")],
    scope: Annotated[Scope, typer.Option(help="Rank weights of all matrices, or by matrix.")],
    compressions: Annotated[list[str], typer.Option(help="Keep one weight in so many.")],
    examples: Annotated[int, typer.Option(help="Score with so many examples.")],
    temperature: Annotated[float, typer.Option(help="Divide logits by this for GraSP.")],
    qk: Annotated[Attention, typer.Option(help="Let queries and keys enter SynFlow in this way.")],
    theta_0: Encoder,
    prepared: Prepared,
    out: Out,
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    rule = Rule(score, examples, temperature, qk)
    how = partial(Steps, iterations=iterations, schedule=schedule, scope=scope)
    common = loaded, start == "random", rule
    jobs = {
        f"{name} {size}": partial(train, *common, how(float(size)), out / f"compression-{size}")
        for size in compressions
    }
    jobs[f"{name} to the end"] = partial(follow, *common, how(float(compressions[0])), out)
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
