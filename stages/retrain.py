"""Score a subnetwork of the fine-tuned model as it is, and train it alone from theta_0."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from stages.launch import cli, inputs
from stages.launch.inputs import Inputs
from stages.tickets import files
from stages.tickets.encoder import removal
from stages.tickets.pruning import draws, masks, structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import retraining, search


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
    if kind == "structured":
        if subnetwork.startswith("super"):
            good = files.load_structure(searched / "super.safetensors")
            kept = files.load_structure(searched / f"{subnetwork}.safetensors")
        else:
            good = files.load_structure(searched / "structure.safetensors")
            kept = draws.drawn(subnetwork, good, loaded.noise.mask)
        retrain_structure(loaded, kept, good, weights, trained, out)
        return
    good_mask = files.load_mask(searched / "mask.safetensors")
    fine_tuned = loaded.model(trained)
    live = search.magnitude_parameters(fine_tuned)
    ranked = {name: parameter.detach().numpy() for name, parameter in live.items()}
    mask = draws.drawn_mask(subnetwork, good_mask, ranked, loaded.noise.mask)
    common = sum(int((kept & good_mask[name]).sum()) for name, kept in mask.items())
    record = {
        "kept": masks.num_survivors(mask),
        "prunable": masks.num_weights(mask),
        "kept_by_good_too": common,
    }
    both = retraining.retrain(
        fine_tuned,
        loaded.model(weights),
        retraining.by_mask(mask),
        loaded.prepared,
        loaded.noise,
        loaded.recipe,
    )
    save(both, record, out)


def retrain_structure(
    loaded: Inputs, kept: Structure, good: Structure, weights: Path, trained: Path, out: Path
) -> None:
    """The same for heads and MLPs; `good` is what the overlap is counted with."""
    config = loaded.encoder.config
    everything = structure.whole(*kept.heads.shape)
    common_heads, common_mlps = structure.overlap(kept, good)
    tokens = round(float(loaded.prepared.evaluated["validation"].lengths.mean()))
    record = {
        "kept": removal.num_parameters(config, kept),
        "prunable": removal.num_parameters(config, everything),
        "heads": kept.num_heads,
        "mlps": kept.num_mlps,
        "all_heads": everything.num_heads,
        "all_mlps": everything.num_mlps,
        "heads_of_good_too": common_heads,
        "mlps_of_good_too": common_mlps,
        "flops": removal.flops(config, kept, tokens),
        "all_flops": removal.flops(config, everything, tokens),
    }
    both = retraining.retrain(
        loaded.model(trained),
        loaded.model(weights),
        retraining.by_structure(kept),
        loaded.prepared,
        loaded.noise,
        loaded.recipe,
    )
    save(both, record, out)


def save(both: retraining.Both, record: dict[str, Any], out: Path) -> None:
    files.save_arrays(both.pruned, out / "pruned" / "predictions.safetensors")
    files.save_run(both.retrained.predictions, both.retrained.losses, out / "retrained")
    files.save_record(record, out / "subnetwork.json")


if __name__ == "__main__":
    cli.run(main)
