"""Search a fine-tuned model for subnetworks that keep its score without training; record every step."""

from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import checkpoint, removal
from stages.tickets.encoder.weights import linear_parameters
from stages.tickets.searches import search
from stages.tickets.statistics import survival


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    wanted: Annotated[list[str], typer.Option("--variants")],
    split: Annotated[str, typer.Option(help="Score on this split.")],
    threshold: Annotated[float, typer.Option(help="Keep this share of the dense score.")],
    amount: Annotated[float, typer.Option(help="Drop this share of all heads a step.")],
    magnitude: Annotated[float, typer.Option(help="Drop this share of what is left a step.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    trained: Annotated[Path, typer.Option(help="Read the weights after dense training.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    if not removal.supported(loaded.encoder.config):
        raise settings.ParamsError(
            f"search.tasks has {task!r}, allowed are none with an encoder of type "
            f"{loaded.encoder.config.model_type!r}: heads and MLPs are searched in "
            + ", ".join(checkpoint.BERTS)
        )
    model = loaded.model(trained)
    live = linear_parameters(model)
    sizes = {name: parameter.detach().abs().numpy() for name, parameter in live.items()}
    means = survival.by_place(sizes, model.config.num_attention_heads)
    magnitudes = {"heads": means.heads, "mlps": means.mlps}
    files.save_arrays(magnitudes, out / "magnitudes.safetensors")
    examples = search.examples_for(loaded.prepared, split)
    for name in wanted:
        if name == "magnitude":
            mask = search.find_mask(model, loaded.prepared, examples, threshold, magnitude)
            files.save_mask(mask.mask, out / name / "mask.safetensors")
            files.save_record(mask.record(), out / name / "trace.json")
        else:
            variant = search.STRUCTURED[name]
            kept = search.find_structure(
                model, loaded.prepared, examples, variant, threshold, amount
            )
            files.save_structure(kept.structure, out / name / "structure.safetensors")
            files.save_record(kept.record(), out / name / "trace.json")


if __name__ == "__main__":
    cli.run(main)
