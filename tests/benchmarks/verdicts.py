"""How often the rule of the claims is wrong, and how often it decides: made-up scores of a known truth.

`python -m tests.benchmarks.verdicts` takes some twenty minutes of a core and prints a line by setting.
Two methods are trained with some seeds and scored on the same examples. Examples are easy or hard for
both, a method has examples of its own that it likes, a seed is good or bad as a whole, and every single
prediction has noise. The true difference is over endless seeds and examples.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from stages.tickets.files import Split
from stages.tickets.report.claim import Bounded, Claim, at_least
from stages.tickets.statistics import intervals
from stages.tickets.statistics.intervals import Difference
from stages.tickets.tasks.deviations import deviations
from stages.tickets.tasks.task import Task

MARGINS = {"accuracy": 0.02, "matthews": 0.04, "pearson": 0.02}
CONFIDENCE = 0.95
Values = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Where scores come from: a metric, and how much seeds and methods move a prediction."""

    metric: str
    seed: float
    """Standard deviation of a seed's ability; a single prediction has noise of 1."""
    method: float = 0.7
    """Standard deviation of what a method makes of an example, in every seed."""

    @property
    def task(self) -> Task:
        kind = "regression" if self.metric == "pearson" else "classification"
        outputs = 1 if kind == "regression" else 2
        return Task("made-up", kind, outputs, (self.metric,))  # type: ignore[arg-type]

    def draw(
        self, ability: tuple[float, float], seeds: int, examples: int, rng: np.random.Generator
    ) -> tuple[Split, list[list[Values]]]:
        """Draw examples, and the logits of two methods by seed; ability moves a method's score."""
        is_score = self.metric == "pearson"
        labels = rng.normal(size=examples) if is_score else (rng.random(examples) < 0.7).astype(int)
        hard = rng.normal(0, 2.0, examples)
        logits: list[list[Values]] = []
        for level in ability:
            liked = rng.normal(0, self.method, examples)
            logits.append([])
            for shift in rng.normal(0, self.seed, seeds):
                error = hard + liked + rng.normal(size=examples)
                if is_score:
                    logits[-1].append((math.exp(level + shift) * labels + 0.2 * error)[:, None])
                else:
                    right = level + shift + error > 0
                    predicted = np.where(right, labels, 1 - labels)
                    logits[-1].append(np.eye(2)[predicted])
        starts = np.arange(examples + 1)
        ids = np.zeros(examples)
        return Split(ids.astype(np.int32), ids.astype(np.int8), starts, labels), logits

    def score(self, logits: Values, split: Split) -> tuple[float, Values]:
        """Score by numpy, which is faster than the project's own function and gives the same."""
        moved = deviations(self.task, {"v.logits": logits}, "v", split)
        predicted = logits[:, 0] if self.metric == "pearson" else logits[:, 1]
        if self.metric == "accuracy":
            return float(np.mean(predicted == split.labels)), moved
        return float(np.corrcoef(predicted, split.labels)[0, 1]), moved

    def truth(self, ability: float) -> float:
        """Return the score over very many seeds and examples."""
        rng = np.random.default_rng(0)
        split, (logits, _) = self.draw((ability, ability), 60, 20_000, rng)
        return float(np.mean([self.score(one, split)[0] for one in logits]))

    @cache  # noqa: B019  a handful of worlds
    def better_by(self, gain: float) -> tuple[float, float]:
        """Return the abilities of two methods whose true scores differ by `gain`."""
        least = 0.0 if self.metric == "pearson" else 2.0
        goal, (low, high) = self.truth(least) + gain, (least, least + 3.0)
        for _ in range(14):
            middle = (low + high) / 2
            low, high = (middle, high) if self.truth(middle) < goal else (low, middle)
        return high, least

    def measure(
        self, ability: tuple[float, float], seeds: int, examples: int, rng: np.random.Generator
    ) -> tuple[Difference, Difference]:
        """Measure a difference as the report does, and with the error of the seeds alone."""
        split, logits = self.draw(ability, seeds, examples, rng)
        first, second = ([self.score(one, split) for one in of] for of in logits)
        gains = [a - b for (a, _), (b, _) in zip(first, second, strict=True)]
        moved = np.array([a - b for (_, a), (_, b) in zip(first, second, strict=True)])
        error = intervals.error_of_examples(moved)
        return (
            intervals.summarize_differences(gains, CONFIDENCE, error),
            intervals.summarize_differences(gains, CONFIDENCE),
        )


def share(
    world: World, gain: float, seeds: int, examples: int, repeats: int, decide: Callable[[Bounded], bool],
    low: float = -math.inf, high: float = math.inf,
) -> tuple[float, float]:  # fmt: skip
    """Return how often a test decides for a true difference, as reported and by seeds alone."""
    rng = np.random.default_rng(round(1e6 * gain) + 1000 * seeds + examples)
    ability = world.better_by(gain)
    counts = np.zeros(2)
    for _ in range(repeats):
        measured = world.measure(ability, seeds, examples, rng)
        counts += [decide(Bounded("", known, low, high)) for known in measured]
    as_reported, by_seeds = counts / repeats
    return float(as_reported), float(by_seeds)


def is_either(test: Bounded) -> bool:
    """Tell whether a test alone says that its statement holds, or that it does not."""
    return 2 * min(test.p_holds, test.p_fails) <= 1 - CONFIDENCE


def is_held(test: Bounded) -> bool:
    """Tell whether a test alone says that its statement holds."""
    return 2 * test.p_holds <= 1 - CONFIDENCE


def share_of_most(
    tasks: int, better: int, least: int, worst: float, best: float, repeats: int, seeds: int = 5
) -> tuple[float, float]:
    """Return how often "better on at least so many tasks" holds, and how often it does not.

    Scores have a standard deviation of 1 over seeds.

    Args:
        better: tasks on which the true difference is `best`; on all others it is `worst`.
    """
    rng = np.random.default_rng(10 * tasks + better)
    true = np.array([best] * better + [worst] * (tasks - better))
    counts = np.zeros(2)
    for _ in range(repeats):
        drawn = true[:, None] + rng.normal(size=(tasks, seeds))
        parts = [
            Bounded("", intervals.summarize_differences(row.tolist(), CONFIDENCE), 0.0)
            for row in drawn
        ]
        made = at_least(least, parts, Claim("", "", "", ()))
        counts += [2 * p <= 1 - CONFIDENCE for p in (made.p_holds, made.p_fails)]
    holds, fails = counts / repeats
    return float(holds), float(fails)


def main(repeats: int = 1000) -> None:
    """Print shares in per cent; in brackets with the seeds alone."""
    print(
        "metric, seed sd, seeds, examples: wrong at 0 | equivalent at the margin | found better at 1, 2.5"
    )
    print("and 5 margins | equivalent at 0")
    for metric, seed, seeds, examples in product(MARGINS, (0.05, 0.3), (3, 5), (277, 1000)):
        world, margin = World(metric, seed), MARGINS[metric]
        size = (seeds, examples, repeats)
        shares = [
            share(world, 0.0, *size, is_either, low=0.0),
            share(world, margin, *size, is_held, -margin, margin),
            *(share(world, times * margin, *size, is_held, low=0.0) for times in (1, 2.5, 5)),
            share(world, 0.0, *size, is_held, -margin, margin),
        ]
        shown = " | ".join(f"{100 * ours:.1f} ({100 * alone:.1f})" for ours, alone in shares)
        print(f"{metric}, {seed}, {seeds}, {examples}: {shown}", flush=True)
    print("most of tasks, with differences of so many standard deviations on so many: holds, fails")
    for tasks, best in product((3, 5, 8), (1.0, 2.0, 5.0)):
        most = tasks // 2 + 1
        for better, worst in ((most - 1, 0.0), (most, -best), (tasks - 1, -best), (tasks, 0.0)):
            holds, fails = share_of_most(tasks, better, most, worst, best, repeats)
            print(f"{better} of {tasks}, {worst}, {best}: {100 * holds:.1f}, {100 * fails:.1f}")


if __name__ == "__main__":
    main()
