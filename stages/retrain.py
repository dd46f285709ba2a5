"""Score a subnetwork of the fine-tuned model as it is, and train it alone from theta_0."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from transformers import PreTrainedModel

from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder.weights import linear_parameters
from stages.tickets.pruning import structure
from stages.tickets.searches import retraining
from stages.tickets.searches.retraining import Cut


def of_structure(loaded: Inputs, name: str, searched: Path) -> tuple[Cut, dict[str, int]]:
    """Make the cut of a model down to the heads and MLPs `name`, and tell their size."""
    if name.startswith("super"):
        good = files.load_structure(searched / "super.safetensors")
        kept = files.load_structure(searched / f"{name}.safetensors")
    else:
        good = files.load_structure(searched / "structure.safetensors")
        kept = structure.named(name, good, loaded.noise.mask)
    tokens = round(float(loaded.prepared.evaluated["validation"].lengths.mean()))
    size = retraining.size_of_structure(loaded.encoder.config, kept, good, tokens)
    return retraining.by_structure(kept), size


def of_mask(
    loaded: Inputs, fine_tuned: PreTrainedModel, name: str, searched: Path
) -> tuple[Cut, dict[str, int]]:
    """Make the cut of a model down to the weights and biases `name`, and tell their number."""
    good = files.load_mask(searched / "mask.safetensors")
    live = linear_parameters(fine_tuned)
    ranked = {matrix: parameter.detach().numpy() for matrix, parameter in live.items()}
    mask = structure.named_mask(name, good, ranked, loaded.noise.mask)
    return retraining.by_mask(mask), retraining.size_of_mask(mask, good)


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    kind: Annotated[Literal["structured", "magnitude"], typer.Option()],
    subnetwork: Annotated[str, typer.Option(help="Such as good, random or bad.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    weights: Annotated[Path, typer.Option(help="theta_0 with the classifier of the seed.")],
    trained: Annotated[Path, typer.Option(help="Weights of the dense run after training.")],
    searched: Annotated[
        Path, typer.Option(help="Folder of the search, or of the super-survivors.")
    ],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    fine_tuned = loaded.model(trained)
    if kind == "structured":
        cut, size = of_structure(loaded, subnetwork, searched)
    else:
        cut, size = of_mask(loaded, fine_tuned, subnetwork, searched)
    made = retraining.retrain(
        fine_tuned, loaded.model(weights), cut, loaded.prepared, loaded.noise, loaded.recipe
    )
    files.save_arrays(made.pruned, out / "pruned" / "predictions.safetensors")
    files.save_run(made.retrained.predictions, made.retrained.losses, out / "retrained")
    files.save_record(size, out / "subnetwork.json")


if __name__ == "__main__":
    cli.run(main)
