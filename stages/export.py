"""Write a subnetwork of heads and MLPs as a model of its own: smaller, for use outside this project.

A command and no stage: `uv run python -m stages.export --task entailment --seed 1 --out smaller` after
`dvc repro`. It says what the model saves.
"""

import re
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import typer
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from stages import cli, inputs
from stages.tickets import artifacts, draws, exports, params, removal, structure, training

REPEATS = 20
TOKENS = 32


def latency(model: PreTrainedModel, examples: int) -> float:
    """Seconds of one forward pass on the CPU."""
    ids = torch.ones(examples, TOKENS, dtype=torch.long)
    with torch.inference_mode():
        start = time.perf_counter()
        model(input_ids=ids)
    return time.perf_counter() - start


def ratio(smaller: PreTrainedModel, dense: PreTrainedModel, examples: int) -> float:
    """Median over interleaved pairs of passes, after one to warm up."""
    pairs = [(latency(smaller, examples), latency(dense, examples)) for _ in range(REPEATS + 1)]
    return median(one / other for one, other in pairs[1:])


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option(help="Folder of the model, written.")],
    subnetwork: Annotated[str, typer.Option(help="As in retrain.structured.")] = "good",
    retrain: Annotated[
        bool, typer.Option(help="Train it alone from theta_0; else with fine-tuned weights.")
    ] = False,
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
) -> None:
    here = f"{task}/seed-{seed}"
    if not re.fullmatch(rf"({'|'.join(draws.BY_STRUCTURE)})(-[1-9][0-9]*)?", subnetwork):
        raise params.ParamsError(
            f"--subnetwork is {subnetwork!r}, allowed are {', '.join(draws.BY_STRUCTURE)}, and names "
            "such as random-2"
        )
    if out.exists() and any(out.iterdir()):
        raise params.ParamsError(f"--out is {str(out)!r}, allowed is a folder without files")
    found = results / "runs" / "search" / here / "joint" / "structure.safetensors"
    if not found.exists():
        raise params.ParamsError(
            f"{found} does not exist: {task!r} and {seed} have to be among search.tasks and "
            "search.seeds, and `dvc repro` has to have run"
        )
    loaded = inputs.load(task, seed, results / "encoder", results / "prepared" / task)
    kept = draws.drawn(subnetwork, artifacts.load_structure(found), loaded.noise.mask)
    weights = results / "weights" / here / ("theta-0" if retrain else "trained")
    dense = loaded.model(weights.with_suffix(".safetensors"))
    model = loaded.model(weights.with_suffix(".safetensors"))
    removal.remove_(model, kept)
    if retrain:
        training.fit_(model, loaded.prepared, loaded.noise, loaded.recipe)
    model.cpu()
    tokenizer = Tokenizer.from_file(str(results / "encoder" / "tokenizer.json"))
    exports.save(model, kept, out, tokenizer)
    config, whole = loaded.encoder.config, structure.whole(*kept.heads.shape)
    torch.set_num_threads(loaded.recipe.threads)
    dense.train(mode=False)
    alone = removal.build(*exports.load(out))  # without what training has done to `model`
    heads = f"{kept.num_heads} of {kept.heads.size} heads, {kept.num_mlps} of {kept.mlps.size} MLPs"
    parameters = removal.num_parameters(config, kept) / removal.num_parameters(config, whole)
    flops = removal.flops(config, kept, TOKENS) / removal.flops(config, whole, TOKENS)
    print(
        f"{out}: {heads}; of dense {parameters:.1%} of the parameters of heads and MLPs, "
        f"{flops:.1%} of the FLOPs of the layers at {TOKENS} tokens, "
        f"{ratio(alone, dense, 1):.2f} of the time of one example and {ratio(alone, dense, 32):.2f} of "
        f"that of 32 (median of {REPEATS} pairs here)"
    )


if __name__ == "__main__":
    cli.run(main)
