"""Predict with a subnetwork of the fine-tuned model as it is, and trained alone from theta_0."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from stages.tickets.encoder import removal
from stages.tickets.encoder.weights import linear_parameters
from stages.tickets.files import Arrays
from stages.tickets.plan import flops
from stages.tickets.pruning import masks, structure
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from stages.tickets.training.subnetwork import Run
from stages.tickets.training.update import Subnetwork

Cut = Callable[[PreTrainedModel], Subnetwork | None]
"""Cuts a model down to a subnetwork in place; returns the weights that stay zero in training, or None."""
Part = tuple[Cut, dict[str, int]]
"""Cut of a model down to a subnetwork, and the counts that tell the subnetwork's size."""


@dataclass(frozen=True)
class Retrained:
    """Results of a subnetwork of the fine-tuned model, as it is and trained alone."""

    pruned: Arrays
    """Predictions with the fine-tuned weights of the subnetwork."""
    retrained: Run
    """Predictions and losses of the training from theta_0."""


def size_of_mask(mask: Mask, good: Mask) -> dict[str, int]:
    """Count weights and biases: kept, prunable, and kept by the good subnetwork too."""
    return {
        "kept": masks.num_survivors(mask),
        "prunable": masks.num_weights(mask),
        "kept_by_good_too": sum(int((kept & good[name]).sum()) for name, kept in mask.items()),
    }


def size_of_structure(
    config: PreTrainedConfig, kept: Structure, good: Structure, tokens: int
) -> dict[str, int]:
    """Count parameters, heads, MLPs and FLOPs of a subnetwork, and its overlap with the good one.

    Args:
        config: configuration of the complete model.
        kept: structure of the subnetwork.
        good: structure of the good subnetwork.
        tokens: number of tokens of the example for which FLOPs are counted.
    """
    everything = structure.whole(*kept.heads.shape)
    heads, mlps = structure.overlap(kept, good)

    def passes(part: Structure) -> int:
        widths = config.hidden_size, config.intermediate_size
        return round(flops.forward_through(part, *widths, tokens))

    return {
        "kept": removal.num_parameters(config, kept),
        "prunable": removal.num_parameters(config, everything),
        "heads": kept.num_heads,
        "mlps": kept.num_mlps,
        "all_heads": everything.num_heads,
        "all_mlps": everything.num_mlps,
        "heads_of_good_too": heads,
        "mlps_of_good_too": mlps,
        "flops": passes(kept),
        "all_flops": passes(everything),
    }


def of_structure(
    kept: Structure, good: Structure, config: PreTrainedConfig, prepared: Prepared
) -> Part:
    """Make the cut down to the structure `kept`, with FLOPs of an example of the mean length."""
    tokens = round(float(prepared.evaluated["validation"].lengths.mean()))
    return by_structure(kept), size_of_structure(config, kept, good, tokens)


def of_mask(name: str, good: Mask, fine_tuned: PreTrainedModel, seed: int) -> Part:
    """Make the cut down to the weights and biases `name`, derived from the good ones.

    Args:
        name: good, bad, or a draw such as random-2.
        good: mask that the search by magnitude has left.
        fine_tuned: model that was searched, whose weights are ranked.
        seed: seed of draws.
    """
    live = linear_parameters(fine_tuned)
    ranked = {matrix: parameter.detach().numpy() for matrix, parameter in live.items()}
    mask = structure.named_mask(name, good, ranked, seed)
    return by_mask(mask), size_of_mask(mask, good)


def by_structure(kept: Structure) -> Cut:
    """Return a cut that removes all other heads and MLPs from a model."""

    def cut(model: PreTrainedModel) -> None:
        removal.remove_(model, kept)

    return cut


def by_mask(mask: Mask) -> Cut:
    """Return a cut that sets all other weights and biases to zero, where training keeps them."""

    def cut(model: PreTrainedModel) -> Subnetwork:
        live = linear_parameters(model)
        with torch.no_grad():
            for name, parameter in live.items():
                parameter.mul_(torch.from_numpy(mask[name]))
        return Subnetwork(live, mask)

    return cut


def retrain(
    fine_tuned: PreTrainedModel,
    theta_0: PreTrainedModel,
    cut: Cut,
    prepared: Prepared,
    seeds: Seeds,
    config: Train,
) -> Retrained:
    """Cut two models down to a subnetwork; predict with the fine-tuned model, train the other, predict.

    The models change in place. Classifier and data order are those of the dense run of the same seed.
    Prasanna et al. 2020, Sec. 4.
    """
    cut(fine_tuned)
    pruned = predict.predict(fine_tuned, prepared)
    losses = fit.fit_(theta_0, prepared, seeds, config, cut(theta_0))
    return Retrained(pruned, Run(predict.predict(theta_0, prepared), losses))
