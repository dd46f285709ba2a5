"""Structured masks: which attention heads and which MLPs of an encoder are kept.

The result of a search and the subnetworks that it is compared with have names: `good`, `random`, `bad`
and so on. A number after a name, as in `random-2`, asks for another draw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.tickets.pruning import masks
from stages.tickets.pruning.masks import Mask
from stages.tickets.settings.noise import stable_seed


@dataclass(frozen=True)
class Structure:
    """Kept heads, bool (layers, heads), and kept MLPs, bool (layers,)."""

    heads: NDArray[np.bool_]
    mlps: NDArray[np.bool_]

    @property
    def num_heads(self) -> int:
        """Number of kept heads."""
        return int(np.count_nonzero(self.heads))

    @property
    def num_mlps(self) -> int:
        """Number of kept MLPs."""
        return int(np.count_nonzero(self.mlps))


def whole(num_layers: int, num_heads: int) -> Structure:
    """Return the structure that keeps all heads and MLPs."""
    return Structure(np.ones((num_layers, num_heads), np.bool_), np.ones(num_layers, np.bool_))


def inverted(good: Structure) -> Structure:
    """Keep what `good` drops, so sizes differ. The code of Prasanna et al. 2020 calls it inverted."""
    return Structure(~good.heads, ~good.mlps)


def one_head(like: Structure) -> Structure:
    """Keep the first head and the MLP of layer 0: the smallest network with one of each."""
    heads, mlps = np.zeros_like(like.heads), np.zeros_like(like.mlps)
    heads[0, 0] = mlps[0] = True
    return Structure(heads, mlps)


def random_like(good: Structure, generator: np.random.Generator) -> Structure:
    """Draw as many heads and as many MLPs as `good` has, uniformly.

    Prasanna et al. 2020 draw each element with the probability of being kept, so that sizes match in
    expectation only; we match them exactly.
    """
    return _drawn_like(good, [whole(*good.heads.shape)], generator)


def bad_like(good: Structure, generator: np.random.Generator) -> Structure:
    """Draw as many heads and MLPs as `good` has, from those that it drops, then from those it keeps.

    The overlap with `good` is thus max(0, 2 kept - all), for heads and for MLPs. These are the "bad"
    subnetworks in the final tables of Prasanna et al. 2020 (in their files heads_mlps_bad_1).
    """
    return _drawn_like(good, [inverted(good), good], generator)


def super_survivors(structures: Sequence[Structure]) -> Structure:
    """Keep the heads and MLPs that all structures keep.

    Raises:
        ValueError: there is no structure.

    Prasanna et al. 2020 take them over the seeds of a task.
    """
    if not structures:
        raise ValueError("super-survivors need at least one structure, got none")
    return Structure(
        np.all([kept.heads for kept in structures], axis=0),
        np.all([kept.mlps for kept in structures], axis=0),
    )


def super_bad(structures: Sequence[Structure], generator: np.random.Generator) -> Structure:
    """Draw as many heads and MLPs as there are super-survivors, from those that no structure keeps.

    If there are too few of these, the draw goes on with those that some structures keep, and then with
    super-survivors. Prasanna et al. 2020, appendix (in their files heads_mlps_super_bizzaro).
    """
    top = super_survivors(structures)
    never = super_survivors([inverted(kept) for kept in structures])
    between = Structure(~top.heads & ~never.heads, ~top.mlps & ~never.mlps)
    return _drawn_like(top, [never, between, top], generator)


def super_random(
    structures: Sequence[Structure], bad: Structure, generator: np.random.Generator
) -> Structure:
    """Draw as many heads and MLPs as there are super-survivors, neither from these nor from `bad`.

    If too few are left, the draw goes on with super-survivors and `bad`. Prasanna et al. 2020, appendix
    (in their files heads_mlps_super_midling).
    """
    top = super_survivors(structures)
    rest = Structure(top.heads | bad.heads, top.mlps | bad.mlps)
    return _drawn_like(top, [inverted(rest), rest], generator)


def overlap(first: Structure, second: Structure) -> tuple[int, int]:
    """Count the heads and the MLPs that the two structures share."""
    return (
        int(np.count_nonzero(first.heads & second.heads)),
        int(np.count_nonzero(first.mlps & second.mlps)),
    )


def _drawn_like(
    like: Structure, pools: Sequence[Structure], generator: np.random.Generator
) -> Structure:
    """Draw as many heads, then MLPs, as `like` has; use a pool only once earlier ones are used up."""
    return Structure(
        _drawn([pool.heads for pool in pools], like.num_heads, generator),
        _drawn([pool.mlps for pool in pools], like.num_mlps, generator),
    )


def _drawn(
    pools: Sequence[NDArray[np.bool_]], number: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw `number` elements uniformly; use a pool only once earlier ones are used up."""
    drawn = np.zeros_like(pools[0])
    for pool in pools:
        candidates = np.flatnonzero(pool)
        taken = min(number, len(candidates))
        drawn.reshape(-1)[generator.choice(candidates, taken, replace=False)] = True
        number -= taken
    return drawn


# --- by name ---------------------------------------------------------------------------------

Draw = Callable[[Structure, np.random.Generator], Structure]
BY_NAME: Mapping[str, Draw] = {
    "good": lambda good, _: good,
    "random": random_like,
    "bad": bad_like,
    "inverted": lambda good, _: inverted(good),
    "one-head": lambda good, _: one_head(good),
}


def numbered(name: str) -> tuple[str, int]:
    """Split a name into kind and number of the draw: `random-2` gives ("random", 2), `bad` ("bad", 1)."""
    kind, _, number = name.rpartition("-")
    return (kind, int(number)) if number.isdigit() else (name, 1)


def named(name: str, good: Structure, seed: int) -> Structure:
    """Make the subnetwork `name`, such as `bad`, that is compared with `good`."""
    kind, number = numbered(name)
    return BY_NAME[kind](good, np.random.default_rng([seed, stable_seed(kind), number]))


def named_super(name: str, by_seed: Mapping[int, Structure], task: str, seed: int) -> Structure:
    """Make the super-survivors of all seeds (`super`), or the counterpart `super-random` or `super-bad`.

    `super-bad` is the same for all seeds of the task; `super-random` differs between them.
    """
    structures = [by_seed[key] for key in sorted(by_seed)]
    if name == "super":
        return super_survivors(structures)
    bad = super_bad(structures, np.random.default_rng(stable_seed("super-bad", task)))
    if name == "super-bad":
        return bad
    generator = np.random.default_rng([seed, stable_seed("super-random")])
    return super_random(structures, bad, generator)


def named_mask(name: str, good: Mask, weights: masks.Weights, seed: int) -> Mask:
    """Make the mask `good`, `random` (or `random-2`), or `bad`, which keeps the smallest weights."""
    kind, number = numbered(name)
    if kind == "random":
        return masks.random_like(good, np.random.default_rng([seed, stable_seed(kind), number]))
    return good if kind == "good" else masks.complement(good, weights)
