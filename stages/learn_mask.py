"""Learn a mask of the size of each ticket over fixed weights, score it untrained, and train it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from stages.launch import cli, inputs, side_by_side, starts
from stages.launch.inputs import Inputs
from stages.launch.options import Encoder, Out, Prepared, Seed, Task
from stages.tickets import files, settings
from stages.tickets.encoder.weights import prunable_weights
from stages.tickets.learned import outcome, search
from stages.tickets.pruning import bernoulli, masks
from stages.tickets.settings.noise import stable_seed


@dataclass(frozen=True)
class Params:
    learned_masks: settings.LearnedMasks
    rounds: tuple[settings.Round, ...]


def learn(
    loaded: Inputs,
    seed: int,
    asked: settings.LearnedMasks,
    prior: float,
    sparsities: dict[int, float],
    out: Path,
) -> None:
    """Learn logits for one prior; for each size cut, score and train a mask, and write all of it."""
    encoder, prepared, noise = loaded.encoder, loaded.prepared, loaded.noise
    model = starts.at(loaded, asked.start, seed)
    weights = prunable_weights(model, encoder)
    learned = search.learn_(model, encoder, prepared, prior, asked.rule, noise, loaded.recipe)
    for number, sparsity in sparsities.items():
        folder = out / f"round-{number}"
        draws = np.random.default_rng([noise.mask, number, stable_seed("learned mask")])
        mask = bernoulli.hard(learned.logits, sparsity, asked.rule.scope, draws)
        files.save_mask(mask, folder / "mask.safetensors")
        files.save_record(outcome.record(learned, prior, mask, weights), folder / "search.json")
        for kind, factors in outcome.kinds_of(learned.logits, mask, draws).items():
            predictions = outcome.untrained(model, encoder, prepared, factors)
            files.save_arrays(predictions, folder / kind / "predictions.safetensors")
            kept = sum(float(part.sum(dtype=np.float64)) for part in factors.values())
            size = {"kept": kept, "prunable": masks.num_weights(mask)}
            files.save_record(size, folder / kind / "subnetwork.json")
        starts.train_at(loaded, asked.start, seed, mask, folder)


def main(task: Task, seed: Seed, theta_0: Encoder, prepared: Prepared, out: Out) -> None:
    config, loaded = cli.read(Params), inputs.load(task, seed, theta_0, prepared)
    asked, by_prior = config.learned_masks, dict[float, dict[int, float]]()
    for after in config.rounds:
        if after.to in asked.rounds:
            prior = search.prior_at(asked.rule, after.sparsity)
            by_prior.setdefault(prior, {})[after.to] = after.sparsity
    jobs = {
        f"prior {prior:g}": partial(learn, loaded, seed, asked, prior, sparsities, out)
        for prior, sparsities in by_prior.items()
    }
    side_by_side.run(jobs, loaded.recipe.threads)


if __name__ == "__main__":
    cli.run(main)
