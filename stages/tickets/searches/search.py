"""The searches of Prasanna et al. 2020, on a fine-tuned model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformers import PreTrainedModel

from stages.tickets.encoder.gates import gated, layers_of
from stages.tickets.encoder.weights import linear_parameters
from stages.tickets.files import Split
from stages.tickets.pruning import searching, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.searching import Found, FoundMask, Phase, Scored
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches import importance
from stages.tickets.settings import ParamsError, UserError
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import scores, task
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import predict

ALL_PHASES: tuple[Phase, ...] = ("joint", "heads", "mlps")


@dataclass(frozen=True)
class Variant:
    """The variant of a search for heads and MLPs."""

    phases: tuple[Phase, ...] = ALL_PHASES
    rule: importance.Rule = "correct"
    half: int | None = None
    """Number of the half of the examples that is used, 0 or 1; None for all examples."""


STRUCTURED: Mapping[str, Variant] = {
    "joint": Variant(),
    "heads": Variant(phases=("heads",)),
    "mlps": Variant(phases=("mlps",)),
    "published": Variant(rule="published"),
    "half-1": Variant(half=0),
    "half-2": Variant(half=1),
}


def examples_for(prepared: Prepared, name: str) -> Split:
    """Return the examples on which subnetworks are scored: an evaluated split, or a part of `train`.

    The part is as large as `validation` and drawn at random, seeded by the task's name.
    """
    if name != "train":
        return prepared.evaluated[name]
    generator = np.random.default_rng(stable_seed("search", prepared.task.name))
    num = min(len(prepared.train), len(prepared.evaluated["validation"]))
    return task.take(prepared.train, np.sort(generator.permutation(len(prepared.train))[:num]))


def halves(split: Split, name: str) -> tuple[Split, Split]:
    """Cut a split in two at random, seeded by the task's name; the first half has the odd example.

    Raises:
        ParamsError: the split has fewer than two examples.
    """
    if len(split) < 2:
        raise ParamsError(
            f"a search on {name!r} cannot halve its {len(split)} example; allowed are a larger "
            "prepare.selection or no variants half-1 and half-2"
        )
    order = np.random.default_rng(stable_seed("halves", name)).permutation(len(split))
    middle = -(-len(order) // 2)
    return task.take(split, np.sort(order[:middle])), task.take(split, np.sort(order[middle:]))


def find_structure(
    model: PreTrainedModel,
    prepared: Prepared,
    split: Split,
    variant: Variant,
    threshold: float,
    amount: float,
) -> Found:
    """Search for heads and MLPs that keep the share `threshold` of the score; `model` stays as it is."""
    if variant.half is not None:
        split = halves(split, prepared.task.name)[variant.half]
    published = variant.rule == "published"

    def score(kept: Structure) -> float:
        with gated(model, kept, keep_bias=published):
            return _score(model, prepared, split)

    def important(kept: Structure) -> Scored:
        scores_of = importance.measure(model, prepared, split, kept, variant.rule)
        return scores_of.heads, scores_of.mlps

    start = structure.whole(len(layers_of(model)), model.config.num_attention_heads)
    return searching.search(
        score, important, start, variant.phases, threshold, amount, stale_ranking=published
    )


def find_mask(
    model: PreTrainedModel, prepared: Prepared, split: Split, threshold: float, amount: float
) -> FoundMask:
    """Search for the weights that keep the share `threshold` of the score; `model` stays as it is."""
    live = linear_parameters(model)
    trained = {name: parameter.detach().cpu().numpy().copy() for name, parameter in live.items()}

    def score(mask: Mask) -> float:
        with torch.no_grad():
            for name, parameter in live.items():
                parameter.copy_(torch.from_numpy(trained[name] * mask[name]))
        return _score(model, prepared, split)

    result = searching.search_by_magnitude(score, trained, threshold, amount)
    with torch.no_grad():
        for name, parameter in live.items():
            parameter.copy_(torch.from_numpy(trained[name]))
    return result


def _score(model: PreTrainedModel, prepared: Prepared, split: Split) -> float:
    only = replace(prepared, evaluated={"searched": split})
    logits = predict.predict(model, only)["searched.logits"]
    score = scores.stopping_score(prepared.task, logits, split.labels)
    if not np.isfinite(score):
        raise UserError(
            f"a search on {prepared.task.name!r} scores {score}, which is no share of anything: "
            "look at the losses of its dense training in history.json"
        )
    return score
