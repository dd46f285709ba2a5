"""A subnetwork of heads and MLPs as a model of its own, smaller and faster."""

import re
from pathlib import Path

import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import removal
from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.export import card, origin, usage
from stages.tickets.export import model as models
from stages.tickets.export.markdown import code
from stages.tickets.export.study import Finished
from stages.tickets.plan import flops
from stages.tickets.pruning import structure
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import ParamsError
from stages.tickets.sizes import timing

REPEATS = 20
TOKENS = 32
WHOLE = "No attention head and no MLP was removed"
ORDINARY = ", so transformers reads this folder as any other."
CUT = """\
The others are not in `smaller.safetensors`, and `structure.json` names those that are left, by number,
heads by layer. `from_pretrained` of transformers cannot read this; with torch, transformers and
safetensors it takes:"""
LIMITS = (
    "What is left of time and memory depends on the machine and the length of the texts; embeddings "
    "are whole. It knows one task, from the data above."
)


def check(study: Finished, task: str, seed: int, subnetwork: str) -> None:
    """Raise ParamsError unless there is such a subnetwork, and the study searches for it."""
    if not re.fullmatch(rf"({'|'.join(structure.BY_NAME)})(-[1-9][0-9]*)?", subnetwork):
        raise ParamsError(
            f"--subnetwork is {subnetwork!r}, allowed are {', '.join(structure.BY_NAME)}, and names "
            "such as random-2"
        )
    study.check(task, seed)
    search = study.settings.search
    if task not in search.tasks or seed not in search.seeds:
        raise ParamsError(
            f"--task is {task!r} and --seed {seed}, but they have to be among search.tasks, "
            f"{', '.join(search.tasks) or 'none'}, and search.seeds, "
            f"{', '.join(map(str, search.seeds)) or 'none'}"
        )


def size(model: PreTrainedModel, dense: PreTrainedModel, kept: Structure) -> str:
    """Word how small `model` is beside `dense`."""
    config, everything = dense.config, structure.whole(*kept.heads.shape)
    heads = f"{kept.num_heads} of {kept.heads.size} heads, {kept.num_mlps} of {kept.mlps.size} MLPs"
    parts = removal.num_parameters(config, kept) / removal.num_parameters(config, everything)
    of_all = model.num_parameters() / dense.num_parameters()
    few, many = (
        flops.forward_through(part, config.hidden_size, config.intermediate_size, TOKENS)
        for part in (kept, everything)
    )
    return (
        f"{heads}; of dense {parts:.1%} of the parameters of heads and MLPs, {of_all:.1%} of all "
        f"parameters, {few / many:.1%} of the FLOPs of the layers at {TOKENS} tokens"
    )


def time_of(folder: Path, dense: PreTrainedModel, threads: int) -> str:
    """Word how much of the time of `dense` the model in a folder takes here."""
    torch.set_num_threads(threads)
    dense.train(mode=False)
    alone = removal.build(*models.load(folder))  # without what training may have done to a model
    few, many = (timing.compare(alone, dense, number, TOKENS, REPEATS).median for number in (1, 32))
    return (
        f"{few:.2f} of the time of one example and {many:.2f} of that of 32 (median of {REPEATS} pairs "
        "here)"
    )


def card_of(
    study: Finished, model: PreTrainedModel, table: card.Table, kept: Structure, size_of: str
) -> str:
    """Write the card of a smaller model; `size_of` is what `size` says of it."""
    name, run = next(iter(table.runs.items()))
    task, is_whole = study.described(run.task), models.is_whole(kept)
    pair = origin.is_pair(task.name, study.source(task.name))
    is_ordinary = is_whole and not isinstance(model, PooledClassifier)
    cut = CUT if not is_whole else WHOLE + (ORDINARY if is_ordinary else ".")
    return card.of_model(
        study.about(),
        task,
        table,
        title=f"{task.name}: {name}, seed {table.seeds[0]}",
        what=f"A subnetwork of an encoder on the task {code(task.name)}, after Prasanna et al. 2020: "
        f"{size_of}.",
        how_to_load=[cut, *usage.how_to_load(model, task.kind, kept, pair)],
        limits=LIMITS,
        tags=["pruned"],
        is_whole=is_ordinary,
    )
