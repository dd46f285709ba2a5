"""The work of stages beside the rounds of pruning and their controls, a rule per script."""

import math
import re
from collections.abc import Mapping
from itertools import pairwise

from stages.tickets.plan.done import Work, number_of, point_of
from stages.tickets.plan.stages import Stage
from stages.tickets.settings.quantized import FULL


def spawn(stage: Stage) -> Work:
    """Count the trainings of copies, of which the dense run can be the first, and the predictions."""
    point = 0 if stage.option("steps") == "all" else point_of(stage)
    is_stored = stage.option("net") == "dense" and not point_of(stage)
    return Work(1 if is_stored else 2, point, predictions=2 + int(stage.option("grid") or 0))


def between(stage: Stage) -> Work:
    """Count the predictions on the lines between stored networks, which take no training."""
    seeds, kinds = len(stage.options["seeds"]), stage.options["pairs"]
    imp = stage.params["imp"]
    kept = sorted(imp["keep_weights"]) if isinstance(imp, Mapping) else []
    pairs = seeds * (seeds - 1) // 2 if "seeds" in kinds else 0
    of_seed = {(0, number) for number in kept} if "dense" in kinds else set()
    if "rounds" in kinds:
        of_seed |= {(a, b) for a, b in pairwise([0, *kept]) if b == a + 1}
    walks = pairs + seeds * len(of_seed) * len(stage.options.get("meet", ("union",)))
    return Work(predictions=walks * int(stage.option("grid") or 0))


def distil_rounds(stage: Stage) -> Work:
    """Count a training for every mask that is trained on all real examples, and all masks."""
    trained = number_of(stage.params["distil.masks"]["rounds"])  # type: ignore[index]
    return Work(
        trained,
        predictions=1 + trained,
        masks=number_of(stage.params["rounds"]),
        left_out="short trainings on sets and on as few real examples",
    )


def learn_mask(stage: Stage) -> Work:
    """Count a training per mask, and searches as the trainings that they take as many steps as.

    Steps of a search also draw a number per weight, which is not counted.
    """
    trained = number_of(stage.params["learned_masks.rounds"])
    rule = stage.params["learned_masks.rule"]
    assert isinstance(rule, Mapping)
    searches = float(rule["length"]) * (trained if isinstance(rule["prior"], str) else 1)
    trainings = trained + math.ceil(searches)
    return Work(
        trainings,
        100 * (1 - (trained + searches) / trainings),
        predictions=4 * trained,
        masks=trained,
    )


def noisy_labels(stage: Stage) -> Work:
    """Count a training per mask and share of flipped labels."""
    runs = sum(len(run["each"]) for run in stage.meta["runs"])
    points, sample = (stage.params[f"learned_masks.noise.{key}"] for key in ("points", "sample"))
    return Work(
        runs,
        predictions=runs,
        left_out=f"a noisy training's {points} scores on its way, forward passes over validation and "
        f"{sample} training examples",
    )


def prune_channels(stage: Stage) -> Work:
    """Count a training per sparsity, of a model that is smaller than the one whose FLOPs are counted."""
    sizes, kept = (stage.params[f"greedy.{key}"] for key in ("sparsities", "keep_weights"))
    stored = number_of(kept) if stage.option("order") == "greedy" else 0
    return Work(number_of(sizes), predictions=2 * number_of(sizes), weights=stored)


def channels_within(stage: Stage) -> Work:
    """Count a training per sparsity, in windows of which importance is measured."""
    sizes, kept = (stage.params[f"greedy.{key}"] for key in ("sparsities", "keep_weights"))
    stored = number_of(kept) if stage.option("order") == "greedy" else 0
    return Work(
        number_of(sizes),
        predictions=number_of(sizes),
        weights=stored,
        left_out="forward passes over the batches of up to a third of a training in channels-within",
    )


def quantize(stage: Stage) -> Work:
    """Count trainings with quantizers as the trainings that they take as many steps as.

    Steps also round weights and activations, which is not counted. Stored models count by the wider of
    weights and embeddings.
    """
    rule, arm = stage.params["quantized.rule"], stage.option("arm") or ""
    assert isinstance(rule, Mapping)
    weights, _, *embeddings = map(int, re.findall(r"\d+", arm))
    is_pruned = stage.option("sparsity") is not None
    trained = number_of(stage.params["quantized.pruned.orders"]) if is_pruned else 1
    models = trained if is_pruned else 2
    steps = trained * float(rule["length"])
    trainings = math.ceil(steps)
    return Work(
        trainings,
        100 * (1 - steps / trainings),
        predictions=models,
        weights=math.ceil(models * max(weights, *embeddings or (FULL,)) / FULL),
    )


def grid(stage: Stage) -> Work:
    points = int(stage.option("resolution") or 0) ** 2
    return Work(
        left_out=f"a {stage.group}'s {points} forward passes over {stage.option('number')} examples"
    )


def curvature(stage: Stage) -> Work:
    return Work(
        left_out=f"a network's {stage.option('probes')} second derivatives of its loss on "
        f"{stage.option('number')} examples, about {stage.option('probes')} epochs over these"
    )
