"""Synaptic flow through an encoder like BERT in numpy alone, forward and backward by hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.tickets.at_start.linear import FIRST, KEY, NORMS, OUT, POOLER, QUERY, SECOND, VALUE

Arrays = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Plain:
    """An encoder, whose scores are products of what flows in, the weight, and what flows out."""

    layers: tuple[str, ...]
    gammas: Arrays
    heads: int
    thirds: bool
    """Whether queries and keys take part."""
    skip: float
    """1 with residual connections, 0 without."""

    def scores(self, weights: Arrays) -> tuple[float, Arrays]:
        """R, which nothing takes out of its range, and the scores of all weights."""
        states = np.ones(weights[self.layers[0] + VALUE].shape[1])
        kept = []
        for layer in self.layers:
            w = {name: weights[layer + name] for name in (QUERY, KEY, VALUE, OUT, FIRST, SECOND)}
            first, second = (self.gammas[layer + name] for name in NORMS)
            queries, keys, values = (w[name] @ states for name in (QUERY, KEY, VALUE))
            by_head = (queries * keys).reshape(self.heads, -1).sum(1)
            alive = np.repeat(by_head > 0, len(values) // self.heads)
            context = values * alive if self.thirds else values
            middle = first * (w[OUT] @ context + self.skip * states)
            inner = w[FIRST] @ middle
            kept.append((w, states, queries, keys, values, context, by_head, middle, inner))
            states = second * (w[SECOND] @ inner + self.skip * middle)
        pooler = weights[POOLER]
        total, scores = float((pooler @ states).sum()), {POOLER: pooler * states}
        back = pooler.sum(0)
        for layer, of_layer in zip(reversed(self.layers), reversed(kept), strict=True):
            w, states, queries, keys, values, context, by_head, middle, inner = of_layer
            back = back * self.gammas[layer + NORMS[1]]
            scores[layer + SECOND] = np.outer(back, inner) * w[SECOND]
            to_inner = w[SECOND].T @ back
            scores[layer + FIRST] = np.outer(to_inner, middle) * w[FIRST]
            back = (w[FIRST].T @ to_inner + self.skip * back) * self.gammas[layer + NORMS[0]]
            scores[layer + OUT] = np.outer(back, context) * w[OUT]
            to_values = w[OUT].T @ back
            through = {VALUE: to_values}
            if self.thirds:
                size = len(values) // self.heads
                of_head = (to_values * values).reshape(self.heads, -1).sum(1)
                alive = by_head > 0
                share = np.where(alive, of_head / np.where(alive, by_head, 1), 0).repeat(size)
                through = {
                    VALUE: to_values * alive.repeat(size) / 3,
                    QUERY: share * keys / 3,
                    KEY: share * queries / 3,
                }
            back = self.skip * back
            for name in (QUERY, KEY, VALUE):
                to = through.get(name, np.zeros(len(values)))
                scores[layer + name] = np.outer(to, states) * w[name]
                back = back + w[name].T @ to
        return total, scores
