"""Random directions in weight space, as long in every row of a matrix as the row itself.

LayerNorm makes the scale of many weights meaningless, so planes of two networks can be compared only if
directions have the scale of the weights (Li et al. 2018, Sec. 4).
"""

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from stages.tickets.training.objective import Weights

EMBEDDINGS = re.compile(r"(^|\.)\w*embeddings?\w*\.")
"""Pattern of the names of embeddings: most of their rows are words that no example has."""


def random(weights: Weights, kept: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """Draw a direction: normal numbers, masked, then rescaled row by row to the norms of the weights.

    A matrix has the same normal numbers whatever its weights and its mask are, so that two networks of
    the same shape see the same draw. A row without weights, or whose norm is zero, gets zeros.

    Args:
        weights: weights by name, dropped ones 0.
        kept: masks by the same names, bool; a matrix without a mask keeps all of its weights.
        seed: of the normal numbers.

    Returns:
        Directions of matrices alone, float64: biases, LayerNorms and embeddings do not move.

    Li et al. 2018, Sec. 4, with rows of linear modules as filters. Masking comes first: after it, a
    rescaled direction has as large a norm inside the subnetwork as the weights.
    """
    generator = np.random.default_rng(seed)
    made = {}
    for name in sorted(weights):
        matrix = weights[name].double()
        if matrix.ndim < 2 or EMBEDDINGS.search(name):
            continue
        drawn = generator.standard_normal(tuple(matrix.shape))
        normal = torch.from_numpy(drawn).to(matrix.device)
        inside = normal * kept[name] if name in kept else normal
        rows = tuple(range(1, matrix.ndim))
        norms = torch.linalg.vector_norm(inside, dim=rows, keepdim=True)
        due = torch.linalg.vector_norm(matrix, dim=rows, keepdim=True)
        made[name] = inside * torch.where(norms > 0, due / norms.where(norms > 0, 1.0), 0.0)
    return made
