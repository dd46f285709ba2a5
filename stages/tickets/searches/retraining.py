"""A subnetwork of the fine-tuned model as it is, and trained alone from theta_0."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from stages.tickets.encoder import removal
from stages.tickets.files import Arrays
from stages.tickets.pruning.masks import Mask
from stages.tickets.pruning.structure import Structure
from stages.tickets.searches.search import magnitude_parameters
from stages.tickets.settings import Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import fit, predict
from stages.tickets.training.subnetwork import Run
from stages.tickets.training.update import Subnetwork

Cut = Callable[[PreTrainedModel], Subnetwork | None]
"""Cuts a model down to a subnetwork, in place; returns what the training has to hold at zero."""


@dataclass(frozen=True)
class Both:
    pruned: Arrays
    """What the fine-tuned weights of the subnetwork predict."""
    retrained: Run


def by_structure(kept: Structure) -> Cut:
    """Removes heads and MLPs."""

    def cut(model: PreTrainedModel) -> None:
        removal.remove_(model, kept)

    return cut


def by_mask(mask: Mask) -> Cut:
    """Sets weights and biases to zero."""

    def cut(model: PreTrainedModel) -> Subnetwork:
        live = magnitude_parameters(model)
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
) -> Both:
    """Cut both models down to the subnetwork in place; predict with one, train the other and predict.

    Classifier and data order are those of the dense run of the same seed. Prasanna et al. 2020, Sec. 4.
    """
    cut(fine_tuned)
    pruned = predict.predict(fine_tuned, prepared)
    losses = fit.fit_(theta_0, prepared, seeds, config, cut(theta_0))
    return Both(pruned, Run(predict.predict(theta_0, prepared), losses))
