"""Train the dense encoder on a task; keep its weights, also those at the rewinding points."""

from pathlib import Path
from typing import Annotated

import typer

from stages import cli, inputs
from stages.tickets import artifacts, encoder, evaluation, masks, params, training


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    points: Annotated[
        list[int], typer.Option(help="Where to keep theta_i, per cent of the training.")
    ],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option()],
    dense_mask: Annotated[Path, typer.Option(help="Folder of round 0.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    model = loaded.model()
    total = training.num_steps(len(loaded.prepared.train), loaded.recipe)
    percents = {training.step_at(percent, total): percent for percent in points}
    if len(percents) < len(points):
        raise params.ParamsError(
            f"dense.points is {points}, but the {total} steps of {task!r} are "
            "too few to tell them apart"
        )

    def keep(step: int) -> None:
        file = weights / f"theta-{percents[step]}.safetensors"
        encoder.save_weights(model, loaded.encoder, file)

    losses = training.fit_(
        model,
        loaded.prepared,
        loaded.noise,
        loaded.recipe,
        after_step=keep,
        at=percents,
    )
    encoder.save_weights(model, loaded.encoder, weights / "trained.safetensors")
    dense = masks.dense(encoder.prunable_weights(model, loaded.encoder))
    artifacts.save_mask(dense, dense_mask / "mask.safetensors")
    artifacts.save_run(evaluation.predict(model, loaded.prepared), losses, out)


if __name__ == "__main__":
    cli.run(main)
