"""Feature regression: sequences from which a linear head on fixed features fits all real examples.

After FRePo (Zhou et al. 2022), with encoders that are stored rather than trained along the way. The head
has a closed form, so that an outer step needs first derivatives alone.
"""

import torch
from torch import Tensor

from stages.tickets.distillation.features import FixedEncoder, inputs_of
from stages.tickets.distillation.learned import Loss
from stages.tickets.distillation.sets import Sequences


def dual(support: Tensor, targets: Tensor, points: Tensor, ridge: float) -> Tensor:
    """Predict points by ridge regression on a few support points.

    Args:
        support: (few, size).
        targets: of the support points, (few, outputs).
        points: (many, size).
        ridge: weight of the squared norm of the head, above 0.

    Returns:
        points support' (support support' + ridge I)^-1 targets, (many, outputs).
    """
    kernel = (support @ support.T).double()
    solved = torch.linalg.solve(
        kernel + ridge * torch.eye(len(kernel)).to(kernel), targets.double()
    )
    head = support.T @ solved.to(points.dtype)
    return torch.matmul(points, head)


def primal(support: Tensor, targets: Tensor, points: Tensor, ridge: float) -> Tensor:
    """Predict as `dual` does, at a cost that grows with the size of the features instead."""
    products, moments = (support.T @ support).double(), (support.T @ targets).double()
    head = torch.linalg.solve(products + ridge * torch.eye(len(products)).to(products), moments)
    return torch.matmul(points, head.to(points.dtype))


def predicted(
    encoder: FixedEncoder, sequences: Sequences, embeddings: Tensor, labels: Tensor, ridge: float
) -> Tensor:
    """Predict the training examples by the head that a set gives on an encoder's features.

    Args:
        encoder: its features are divided by the root of their number.
        sequences: gives lengths and token types.
        embeddings: (sequences, tokens, size).
        labels: centred, (sequences, outputs).
        ridge: see `dual`.
    """
    scale = encoder.real.shape[1] ** -0.5
    support = encoder.standardised(inputs_of(sequences, embeddings)) * scale
    return dual(support, labels, encoder.real * scale, ridge)


def loss_of(encoder: FixedEncoder, sequences: Sequences, real: Tensor, ridge: float) -> Loss:
    """Make the loss of a set: the mean squared error of `predicted` against centred real targets."""

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        return (predicted(encoder, sequences, embeddings, labels, ridge) - real).square().mean()

    return loss


def probe(
    encoder: FixedEncoder, sequences: Sequences, labels: Tensor, real: Tensor, ridge: float
) -> dict[str, float]:
    """Score the head of a set on the training examples, beside the head of all of these.

    Args:
        labels: centred labels of the set.
        real: centred targets of all training examples.

    Returns:
        `set` and `all`, see `score`.
    """
    points = encoder.real * encoder.real.shape[1] ** -0.5
    with torch.no_grad():
        embeddings = torch.from_numpy(sequences.embeddings).to(points)
        of_set = predicted(encoder, sequences, embeddings, labels, ridge)
        return {
            "set": score(of_set, real),
            "all": score(primal(points, real, points, ridge), real),
        }


def score(predicted: Tensor, real: Tensor) -> float:
    """Return the accuracy, or of a task of scores the share of their variance that is explained."""
    if real.shape[1] > 1:
        return float((predicted.argmax(1) == real.argmax(1)).float().mean())
    return float(1 - (predicted - real).square().mean() / real.square().mean())
