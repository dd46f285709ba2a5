"""Write a subnetwork of heads and MLPs as a model of its own, smaller and faster, with a card."""

import re
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import torch
import typer
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from stages.launch import cli, inputs
from stages.tickets import files, settings
from stages.tickets.encoder import removal
from stages.tickets.export import card as model_cards
from stages.tickets.export import folders, origin
from stages.tickets.export import model as exports
from stages.tickets.export import study as finished
from stages.tickets.export.study import Finished
from stages.tickets.pruning import draws, structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.report.scores import Run
from stages.tickets.tasks import sources
from stages.tickets.training import fit

REPEATS = 20
TOKENS = 32
WHOLE = "No attention head and no MLP was removed, so transformers reads this folder as any other."
CUT = """\
The others are not in `smaller.safetensors`, and `structure.json` names those that are left, by number,
heads by layer. `from_pretrained` of transformers cannot read this; with torch, transformers and
safetensors it takes:"""


def main(
    task: Annotated[str, typer.Option()],
    seed: Annotated[int, typer.Option()],
    out: Annotated[Path, typer.Option(help="Folder of the model, written.")],
    subnetwork: Annotated[str, typer.Option(help="As in retrain.structured.")] = "good",
    retrain: Annotated[
        bool, typer.Option(help="Train it alone from theta_0; else with fine-tuned weights.")
    ] = False,
    results: Annotated[Path, typer.Option(help="What `dvc repro` made.")] = Path("results"),
    reports: Annotated[Path, typer.Option(help="Folder of the reports.")] = Path("reports"),
) -> None:
    if not re.fullmatch(rf"({'|'.join(draws.BY_STRUCTURE)})(-[1-9][0-9]*)?", subnetwork):
        raise settings.ParamsError(
            f"--subnetwork is {subnetwork!r}, allowed are {', '.join(draws.BY_STRUCTURE)}, and names "
            "such as random-2"
        )
    folders.check_free(out)
    study = finished.load(results, reports)
    found = searched(study, task, seed)
    weights = finished.existing(study.weights(task, seed, "theta-0" if retrain else "trained"))
    scores = study.scores(task)
    loaded = inputs.load(task, seed, results / "encoder", results / "prepared" / task)
    labels = sources.class_names(task, study.source(task), loaded.prepared)
    kept = draws.drawn(subnetwork, files.load_structure(found), loaded.noise.mask)
    dense, model = loaded.model(weights), loaded.model(weights)
    removal.remove_(model, kept)
    if retrain:
        fit.fit_(model, loaded.prepared, loaded.noise, loaded.recipe)
    model.cpu()
    exports.describe_(model, loaded.prepared.task.kind, labels)
    kind, how = ("retrained", "trained alone") if retrain else ("pruned", "as fine-tuned")
    table = model_cards.Table(
        scores,
        study.settings.tickets.confidence,
        [seed],
        {
            f"{subnetwork} heads and MLPs, {how}": Run(task, kind, 0, f"structured {subnetwork}"),
            "dense": Run(task, "dense"),
        },
    )
    config, whole = loaded.encoder.config, structure.whole(*kept.heads.shape)
    heads = f"{kept.num_heads} of {kept.heads.size} heads, {kept.num_mlps} of {kept.mlps.size} MLPs"
    parts = removal.num_parameters(config, kept) / removal.num_parameters(config, whole)
    everything = model.num_parameters() / dense.num_parameters()
    flops = removal.flops(config, kept, TOKENS) / removal.flops(config, whole, TOKENS)
    size = (
        f"{heads}; of dense {parts:.1%} of the parameters of heads and MLPs, {everything:.1%} of all "
        f"parameters, {flops:.1%} of the FLOPs of the layers at {TOKENS} tokens"
    )
    with folders.written(out) as folder:
        exports.save(model, kept, folder)
        exports.save_tokenizer(
            Tokenizer.from_file(str(results / "encoder" / "tokenizer.json")),
            loaded.prepared.vocabulary,
            study.max_length(task),
            getattr(config, "type_vocab_size", 0) > 1,
            folder,
        )
        text = card(study, model, kept, table, size)
        (folder / "README.md").write_text(text, encoding="utf-8")
    torch.set_num_threads(loaded.recipe.threads)
    dense.train(mode=False)
    alone = removal.build(*exports.load(out))  # without what training has done to `model`
    print(
        f"{out}: {size}, {ratio(alone, dense, 1):.2f} of the time of one example and "
        f"{ratio(alone, dense, 32):.2f} of that of 32 (median of {REPEATS} pairs here)"
    )


def searched(study: Finished, task: str, seed: int) -> Path:
    """What the joint search has found."""
    study.check(task, seed)
    search = study.settings.search
    if task not in search.tasks or seed not in search.seeds:
        raise settings.ParamsError(
            f"--task is {task!r} and --seed {seed}, but they have to be among search.tasks, "
            f"{', '.join(search.tasks) or 'none'}, and search.seeds, "
            f"{', '.join(map(str, search.seeds)) or 'none'}"
        )
    folder = study.results / "runs" / "search" / task / f"seed-{seed}"
    return finished.existing(folder / "joint" / "structure.safetensors")


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


def card(
    study: Finished, model: PreTrainedModel, kept: Structure, table: model_cards.Table, size: str
) -> str:
    named, run = next(iter(table.runs.items()))
    source, task = study.about(), study.described(run.task)
    pair = origin.is_pair(task.name, study.source(task.name))
    title = f"{task.name}: {named}, seed {table.seeds[0]}"
    whole = bool(kept.heads.all() and kept.mlps.all())
    what = (
        f"A subnetwork of an encoder on the task {model_cards.code(task.name)}, after Prasanna et al. "
        f"2020: {size}."
    )
    limits = (
        "What is left of time and memory depends on the machine and the length of the texts; embeddings "
        "are whole. It knows one task, from the data above."
    )
    kind = task.kind if whole else None
    return model_cards.card(
        title,
        model_cards.front_matter(source, [task], ["pruned"], kind, title, table),
        [
            what,
            "## How to load it",
            WHOLE if whole else CUT,
            model_cards.python(exports.loading(model, task.kind, kept)),
            model_cards.python(exports.asking(task.kind, pair)),
            exports.TOKENIZER,
            "## Scores",
            model_cards.scored(table),
            "## Where it comes from",
            model_cards.provenance(source, [task]),
            "## Limits",
            limits,
        ],
    )


if __name__ == "__main__":
    cli.run(main)
