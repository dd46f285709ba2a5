"""Train the dense encoder on a task; keep its weights at the rewinding points and at the end."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_weights, save_weights
from stages.tickets.pruning import masks
from stages.tickets.training import fit, predict, schedule


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    points: Annotated[
        list[int], typer.Option(help="Keep theta_i at these per cents of the training.")
    ],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option()],
    dense_mask: Annotated[Path, typer.Option(help="Write the folder of round 0.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    model = loaded.model()
    total = schedule.num_steps(len(loaded.prepared.train), loaded.recipe)
    percents = {schedule.step_at(percent, total): percent for percent in points}
    if len(percents) < len(points):
        raise settings.ParamsError(
            f"dense.points is {points}, but the {total} steps of {task!r} are "
            "too few to tell them apart"
        )

    def keep(step: int) -> None:
        file = weights / f"theta-{percents[step]}.safetensors"
        save_weights(model, loaded.encoder, file)

    losses = fit.fit_(
        model,
        loaded.prepared,
        loaded.noise,
        loaded.recipe,
        after_step=keep,
        at=percents,
    )
    save_weights(model, loaded.encoder, weights / "trained.safetensors")
    dense = masks.dense(prunable_weights(model, loaded.encoder))
    files.save_mask(dense, dense_mask / "mask.safetensors")
    files.save_run(predict.predict(model, loaded.prepared), losses, out)


if __name__ == "__main__":
    cli.run(main)
