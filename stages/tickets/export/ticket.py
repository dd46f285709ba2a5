"""A ticket, or what its training made of it, as an ordinary model of transformers."""

import numpy as np
from transformers import PreTrainedModel

from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.encoder.theta import Encoder
from stages.tickets.encoder.weights import prunable_parameters, prunable_weights, set_prunable_
from stages.tickets.export import card, origin, usage
from stages.tickets.export.markdown import code, plain
from stages.tickets.export.study import REPEAT, Finished
from stages.tickets.files import Arrays
from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.report import words
from stages.tickets.settings import ParamsError, Train
from stages.tickets.settings.noise import Seeds
from stages.tickets.tasks.task import Prepared
from stages.tickets.training import subnetwork

LIMITS = (
    "Dropped weights are zeros in dense matrices: they save no time and no memory. Training it on "
    "changes them, unless the mask is held. It knows one task, from the data above."
)


def drop_(model: PreTrainedModel, encoder: Encoder, mask: Mask) -> None:
    """Set the weights that `mask` drops to 0."""
    weights = prunable_weights(model, encoder)
    zeroed = {name: np.where(mask[name], weights[name], np.float32(0)) for name in weights}
    set_prunable_(model, encoder, zeroed)


def train_again_(
    model: PreTrainedModel,
    encoder: Encoder,
    prepared: Prepared,
    mask: Mask,
    noise: Seeds,
    recipe: Train,
    point: int,
    stored: Arrays,
) -> float:
    """Train a subnetwork as the pipeline did, and say how far its predictions are from the stored ones.

    Args:
        model: the whole model with the weights that the training starts from.
        encoder: its encoder.
        prepared: the task.
        mask: what is kept.
        noise: seeds of the run.
        recipe: recipe of the task.
        point: per cent of the dense training after which it starts.
        stored: predictions of the pipeline's training.

    Returns:
        The largest distance over all splits, of logits or of losses; 0 on the machine that stored them,
        on the CPU.

    Raises:
        ParamsError: stored predictions are no numbers.
    """
    run = subnetwork.train_(model, encoder, prepared, mask, noise, recipe, point)
    distances = [
        float(np.max(np.abs(array - stored[name])))
        for name, array in run.predictions.items()
        if not name.endswith(".tokens")
    ]
    if not np.isfinite(distances).all():
        raise ParamsError(f"the ticket has stored predictions that are no numbers; {REPEAT}")
    model.cpu()
    return max(distances)


def check_zeros(model: PreTrainedModel, encoder: Encoder, mask: Mask) -> None:
    """Raise ParamsError if a dropped weight of `model` is not 0."""
    for name, parameter in prunable_parameters(model, encoder).items():
        if parameter.detach().numpy()[~mask[name]].any():
            raise ParamsError(
                f"{name} has weights other than 0 where the mask drops them: weights and mask are not of "
                f"one run; {REPEAT}"
            )


def card_of(
    study: Finished, model: PreTrainedModel, table: card.Table, mask: Mask, how: str, trained: bool
) -> str:
    """Write the card of a ticket; `how` says what state it is in."""
    run = next(iter(table.runs.values()))
    task, point = study.described(run.task), study.settings.imp.rewind_to
    start = "the pre-trained weights" if point == 0 else f"the weights at {point} % of its training"
    what = (
        f"A subnetwork of an encoder on the task {code(task.name)}, found by "
        f"{words.count(run.at, 'round')} of iterative magnitude pruning (Chen et al. 2020): "
        f"{masks.sparsity(mask):.2%} of the {masks.num_weights(mask):,} weights in the matrices of "
        f"layers and pooler are 0. Rounds restarted from {start}. State: {plain(how)}."
    )
    if not trained:
        what += (
            " Its classifier has learned nothing yet; the scores below are those of its training."
        )
    pair = origin.is_pair(task.name, study.source(task.name))
    return card.of_model(
        study.about(),
        task,
        table,
        title=f"{task.name}: ticket of round {run.at}, seed {table.seeds[0]}",
        what=what,
        how_to_load=usage.how_to_load(model, task.kind, None, pair),
        limits=LIMITS,
        tags=["pruned", "sparse"],
        is_whole=not isinstance(model, PooledClassifier),
        is_scored=trained,
    )
