"""How far the importance of a layer's channels depends on how many channels earlier layers keep."""

from typing import Any

import numpy as np

from stages.tickets.greedy.choosing import Chosen, Importances
from stages.tickets.greedy.masking import kept_at
from stages.tickets.pruning import channels
from stages.tickets.statistics import agreement, ranks

ROW = (
    "layer", "part", "sparsity", "channels", "kept", "tau", "jaccard", "jaccard_by_chance",
)  # fmt: skip
"""Columns of a table of `rows`."""


def rows(dense: Importances, greedy: Chosen, sparsity: float) -> list[dict[str, Any]]:
    """Compare the importances of every site in the dense network and behind its pruned prefix.

    Args:
        dense: importances in the dense network.
        greedy: what was chosen layer by layer.
        sparsity: share that was dropped of every site.

    Returns:
        Of each site Kendall's `tau` between the two importances, and the Jaccard similarity of what
        each of them keeps, beside that of draws; tau is None for a site with one channel.
    """
    table = []
    for site, values in greedy.importances.items():
        kept = kept_at(greedy.channels, site)
        at_once = channels.keep_largest(dense[site], sparsity)
        similar = agreement.jaccard({site.part: kept}, {site.part: at_once})
        table.append(
            {
                "layer": site.layer,
                "part": site.part,
                "sparsity": sparsity,
                "channels": kept.size,
                "kept": int(np.count_nonzero(kept)),
                "tau": ranks.kendall(dense[site], values),
                "jaccard": similar.value,
                "jaccard_by_chance": similar.floor,
            }
        )
    return table
