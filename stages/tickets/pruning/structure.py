"""Structured masks: which attention heads and which MLPs of an encoder are kept.

numpy only. `survivors` in names counts heads or MLPs, not weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Structure:
    """Kept heads, bool (layers, heads), and kept MLPs, bool (layers,)."""

    heads: NDArray[np.bool_]
    mlps: NDArray[np.bool_]

    @property
    def num_heads(self) -> int:
        """Heads that are kept."""
        return int(np.count_nonzero(self.heads))

    @property
    def num_mlps(self) -> int:
        """MLPs that are kept."""
        return int(np.count_nonzero(self.mlps))


def whole(num_layers: int, num_heads: int) -> Structure:
    """Everything is kept."""
    return Structure(np.ones((num_layers, num_heads), np.bool_), np.ones(num_layers, np.bool_))


def inverted(good: Structure) -> Structure:
    """What `good` drops. Prasanna et al. 2020 call it so in their code; not of the size of `good`."""
    return Structure(~good.heads, ~good.mlps)


def one_head(like: Structure) -> Structure:
    """The first head and the MLP of layer 0: the smallest network that still has one of each."""
    heads, mlps = np.zeros_like(like.heads), np.zeros_like(like.mlps)
    heads[0, 0] = mlps[0] = True
    return Structure(heads, mlps)


def random_like(good: Structure, generator: np.random.Generator) -> Structure:
    """As many heads and as many MLPs as `good`, drawn uniformly.

    Prasanna et al. 2020 draw each one with the probability of being kept, so that sizes match in
    expectation only; here they match exactly.
    """
    return Structure(
        _drawn(good.heads.shape, [np.ones_like(good.heads)], good.num_heads, generator),
        _drawn(good.mlps.shape, [np.ones_like(good.mlps)], good.num_mlps, generator),
    )


def bad_like(good: Structure, generator: np.random.Generator) -> Structure:
    """As many heads and MLPs as `good`, from those it drops, topped up with its own where they run out.

    The overlap with `good` is thus max(0, 2 kept - all) for heads, and for MLPs. Prasanna et al. 2020,
    the subnetworks of the final tables ("bad"; in their files heads_mlps_bad_1).
    """
    return Structure(
        _drawn(good.heads.shape, [~good.heads, good.heads], good.num_heads, generator),
        _drawn(good.mlps.shape, [~good.mlps, good.mlps], good.num_mlps, generator),
    )


def super_survivors(structures: Sequence[Structure]) -> Structure:
    """What is kept in all of them. Prasanna et al. 2020, over the seeds of a task.

    Raises:
        ValueError: there is no structure.
    """
    if not structures:
        raise ValueError("super-survivors need at least one structure, got none")
    return Structure(
        np.all([one.heads for one in structures], axis=0),
        np.all([one.mlps for one in structures], axis=0),
    )


def super_bad(structures: Sequence[Structure], generator: np.random.Generator) -> Structure:
    """As many as the super-survivors: from what no structure keeps, then all but them, then them.

    Prasanna et al. 2020, appendix (in their files heads_mlps_super_bizzaro).
    """
    top, never = super_survivors(structures), _never(structures)
    return Structure(
        _drawn(
            top.heads.shape,
            [never.heads, ~top.heads & ~never.heads, top.heads],
            top.num_heads,
            generator,
        ),
        _drawn(
            top.mlps.shape, [never.mlps, ~top.mlps & ~never.mlps, top.mlps], top.num_mlps, generator
        ),
    )


def super_random(
    structures: Sequence[Structure], bad: Structure, generator: np.random.Generator
) -> Structure:
    """As many as the super-survivors, from what is neither super nor in `bad`, then from the rest.

    Prasanna et al. 2020, appendix (in their files heads_mlps_super_midling).
    """
    top = super_survivors(structures)
    return Structure(
        _drawn(
            top.heads.shape,
            [~top.heads & ~bad.heads, top.heads | bad.heads],
            top.num_heads,
            generator,
        ),
        _drawn(
            top.mlps.shape, [~top.mlps & ~bad.mlps, top.mlps | bad.mlps], top.num_mlps, generator
        ),
    )


def overlap(first: Structure, second: Structure) -> tuple[int, int]:
    """Heads and MLPs that both keep."""
    return (
        int(np.count_nonzero(first.heads & second.heads)),
        int(np.count_nonzero(first.mlps & second.mlps)),
    )


def _never(structures: Sequence[Structure]) -> Structure:
    """What is kept in none of them."""
    return Structure(
        ~np.any([one.heads for one in structures], axis=0),
        ~np.any([one.mlps for one in structures], axis=0),
    )


def _drawn(
    shape: tuple[int, ...],
    pools: Sequence[NDArray[np.bool_]],
    number: int,
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """`number` elements drawn uniformly, from a pool only once those before it are used up."""
    drawn = np.zeros(shape, np.bool_)
    for pool in pools:
        candidates = np.flatnonzero(pool)
        taken = min(number, len(candidates))
        drawn.reshape(-1)[generator.choice(candidates, taken, replace=False)] = True
        number -= taken
    return drawn
