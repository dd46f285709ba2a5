"""One round of iterative magnitude pruning: train a round's subnetwork, drop its weakest weights."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files
from stages.tickets.encoder import theta
from stages.tickets.pruning import masks, movement
from stages.tickets.training import fit, subnetwork

CLASSIFIER = "classifier.safetensors"


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    before: Annotated[int, typer.Option("--round", help="The round whose subnetwork is trained.")],
    sparsity: Annotated[float, typer.Option(help="Of the new mask.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_i.")],
    trained: Annotated[Path, typer.Option(help="Weights of the dense run after training.")],
    ticket: Annotated[Path, typer.Option(help="Folder of that round.")],
    point: Annotated[int, typer.Option("--rewind_to", help="i, per cent of the dense training.")],
    decay_over: Annotated[
        int, typer.Option("--decay_over", help="Rounds over which the learning rate decays.")
    ],
    classifier: Annotated[str, typer.Option(help="rewound, or carried from round to round.")],
    out: Annotated[Path, typer.Option()],
    keep: Annotated[
        list[int],
        typer.Option(
            "--keep_weights", default_factory=list, help="Rounds whose weights are stored."
        ),
    ],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    survivors = files.load_mask(ticket / "mask.safetensors")
    if (
        before == 0 and decay_over == 1
    ):  # the subnetwork of round 0 is dense; fine-tune has trained it
        model = loaded.model(trained)
    else:
        model = loaded.model(weights)
        if before > 0 and classifier == "carried":
            theta.load_head_(model, loaded.encoder, ticket / CLASSIFIER)
        run = subnetwork.train_(
            model,
            loaded.encoder,
            loaded.prepared,
            survivors,
            loaded.noise,
            loaded.recipe,
            point,
            decay_over,
        )
        files.save_run(run.predictions, run.losses, out / "before")
        if before in keep:
            theta.save_weights(model, loaded.encoder, out / "before" / "weights.safetensors")
    if classifier == "carried":
        theta.save_head(model, loaded.encoder, out / CLASSIFIER)
    ranked = theta.prunable_weights(model, loaded.encoder)
    pruned = masks.prune_by_magnitude(ranked, survivors, sparsity)
    files.save_mask(pruned, out / "mask.safetensors")
    start = theta.prunable_weights(loaded.model(weights), loaded.encoder)
    total = fit.num_steps(len(loaded.prepared.train), loaded.recipe)
    first_step = fit.step_at(point, total)
    rates = fit.sum_of_rates(total, loaded.recipe, first_step, decay_over)
    pretrained = {name: loaded.encoder.weights[name].numpy() for name in pruned}
    moved = movement.record(pretrained, start, ranked, survivors, pruned, sparsity, rates)
    files.save_record({"steps": total - first_step, **moved}, out / "movement.json")


if __name__ == "__main__":
    cli.run(main)
