"""Search a fine-tuned model for subnetworks that keep its score untrained; write them and every step."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import device, removal
from stages.tickets.pruning.searching import Found, FoundMask
from stages.tickets.searches import search
from stages.tickets.statistics import survival


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    wanted: Annotated[list[str], typer.Option("--variants")],
    split: Annotated[str, typer.Option(help="Examples it scores on.")],
    threshold: Annotated[float, typer.Option(help="Share of the dense score.")],
    amount: Annotated[float, typer.Option(help="Share of all heads a step.")],
    magnitude: Annotated[float, typer.Option(help="Share of the remaining weights a step.")],
    theta_0: Annotated[Path, typer.Option("--encoder")],
    prepared: Annotated[Path, typer.Option()],
    trained: Annotated[Path, typer.Option(help="Weights of the dense run after training.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    loaded = inputs.load(task, seed, theta_0, prepared)
    if not removal.supported(loaded.encoder.config):
        raise settings.ParamsError(
            f"search.tasks has {task!r}, allowed are none with an encoder of type "
            f"{loaded.encoder.config.model_type!r}: heads and MLPs are searched in "
            + ", ".join(device.BERTS)
        )
    model = loaded.model(trained)
    live = search.magnitude_parameters(model)
    sizes = {name: parameter.detach().abs().numpy() for name, parameter in live.items()}
    means = survival.by_place(sizes, model.config.num_attention_heads)
    magnitudes = {"heads": means.heads, "mlps": means.mlps}
    files.save_arrays(magnitudes, out / "magnitudes.safetensors")
    examples = search.examples_for(loaded.prepared, split)
    for name in wanted:
        if name == "magnitude":
            mask = search.find_mask(model, loaded.prepared, examples, threshold, magnitude)
            files.save_mask(mask.mask, out / name / "mask.safetensors")
            files.save_record(_magnitude_record(mask), out / name / "trace.json")
        else:
            variant = search.STRUCTURED[name]
            found = search.find_structure(
                model, loaded.prepared, examples, variant, threshold, amount
            )
            files.save_structure(found.structure, out / name / "structure.safetensors")
            files.save_record(_record(found), out / name / "trace.json")


def _record(found: Found) -> dict[str, Any]:
    steps = [
        {
            "phase": step.phase,
            "heads": step.candidate.heads.astype(int).tolist(),
            "mlps": step.candidate.mlps.astype(int).tolist(),
            "head_importance": [[float(f"{x:.6g}") for x in row] for row in step.importance[0]],
            "mlp_importance": [float(f"{x:.6g}") for x in step.importance[1]],
            "score": step.score,
            "accepted": step.accepted,
        }
        for step in found.steps
    ]
    return {"dense_score": found.dense_score, "threshold": found.threshold, "steps": steps}


def _magnitude_record(found: FoundMask) -> dict[str, Any]:
    steps = [
        {"sparsity": step.sparsity, "score": step.score, "accepted": step.accepted}
        for step in found.steps
    ]
    return {"dense_score": found.dense_score, "threshold": found.threshold, "steps": steps}


if __name__ == "__main__":
    cli.run(main)
