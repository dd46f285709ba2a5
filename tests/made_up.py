"""Made-up results of studies from one run to many, as other stages would have written them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from stages.tickets import params
from stages.tickets.params import Params
from stages.tickets.summary import Agreement, Kept, Run, Score, Scores

Size = tuple[int, int, int, bool]
"""Tasks, seeds, rounds, and whether there are controls."""
SIZES: list[Size] = [
    (1, 1, 1, False), (1, 1, 1, True), (2, 1, 3, True), (1, 3, 1, False), (3, 3, 2, True),
]  # fmt: skip
TASKS = ("entailment", "sentiment", "similarity")
METRICS = {"similarity": ("pearson", "spearman")}
MATRICES = {"attention.self.query": 100, "output.dense": 400}


@dataclass(frozen=True)
class Study:
    """What other stages would have written, for a config."""

    config: Params
    scores: list[Score]
    agreement: list[Agreement]
    layers: list[Kept]

    @property
    def found(self) -> Scores:
        return Scores(self.scores)


def config(
    num_tasks: int = 3, num_seeds: int = 3, num_rounds: int = 2, controls: bool = True
) -> Params:
    """The shipped params.yaml at another size; without controls, nothing that can be left out."""
    whole = params.load(Path(__file__).parents[1] / "params.yaml")
    tasks, seeds = TASKS[:num_tasks], tuple(range(1, num_seeds + 1))
    rounds = [
        params.Round.model_validate({"from": k, "to": k + 1, "sparsity": round(0.3 * (k + 1), 1)})
        for k in range(num_rounds)
    ]
    on = tasks if controls else ()
    data = next(iter(whole.data.values()))
    return whole.model_copy(
        update={
            "tasks": tasks,
            "seeds": seeds,
            "rounds": tuple(rounds),
            "last_round": num_rounds,
            "data": dict.fromkeys(tasks, data),
            "override": {task: params.Override() for task in tasks},
            "own": {},
            "imp": params.Imp(rewind_to=0, keep_weights=()),
            "dense": params.Dense(points=(0, 50)),
            "rewind": params.Rewind(tasks=on, seeds=seeds, points=(50,) if controls else ()),
            "random": params.Random(rounds=(num_rounds,) if controls else ()),
            "scratch": params.Scratch(seeds=(1,) if controls else ()),
            "transfer": params.Transfer(
                sources=on, targets=on, seeds=(1,) if controls else (), round=num_rounds
            ),
        }
    )


def study(config: Params) -> Study:
    """Made-up results: dense 0.9, tickets a little and random masks much below."""
    return Study(config, list(_scores(config)), list(_agreement(config)), list(_layers(config)))


def _scores(config: Params) -> Iterator[Score]:
    sparsity = {0: 0.0} | {after.to: after.sparsity for after in config.rounds}
    for run, seed, level in _runs(config):
        number = config.last_round if run.kind == "rewind" else run.at
        point = run.at if run.kind == "rewind" else None
        noise = 0.01 * ((5 * (seed or 0) + 3 * number + len(run.task)) % 4)
        for split in ("selection", "validation"):
            for index, metric in enumerate((*METRICS.get(run.task, ("accuracy",)), "loss")):
                yield Score(
                    run.task, run.kind, seed, number, sparsity[number], point, run.source, split,
                    metric, index == 0, level + noise - 0.1 * index, run.kind == "majority",
                )  # fmt: skip


def _runs(config: Params) -> Iterator[tuple[Run, int | None, float]]:
    """Every run with its seed and about what it scores."""
    for task in config.tasks:
        yield Run(task, "majority"), None, 0.4
        yield Run(task, "bag_of_words"), None, 0.6
        yield from ((Run(task, "scratch"), seed, 0.55) for seed in config.scratch.seeds)
        for seed in config.seeds:
            yield Run(task, "dense"), seed, 0.9
            for after in config.rounds:
                yield Run(task, "imp", after.to), seed, 0.9 - 0.1 * after.sparsity**2
            yield from ((Run(task, "random", k), seed, 0.5) for k in config.random.rounds)
    rewind = config.rewind
    points = sorted({config.imp.rewind_to, *rewind.points})
    for task, seed, point in product(rewind.tasks, rewind.seeds, points):
        yield Run(task, "rewind", point), seed, 0.85 + point / 1000
    transfer = config.transfer
    for source, target, seed in product(transfer.sources, transfer.targets, transfer.seeds):
        level = 0.85 if source <= target else 0.7
        yield Run(target, "transfer", transfer.round, source), seed, level


def _agreement(config: Params) -> Iterator[Agreement]:
    for after in config.rounds:
        at = (after.to, after.sparsity)
        for measure in ("jaccard", "cohen_kappa"):
            for task in config.tasks:
                for one, two in combinations(config.seeds, 2):
                    yield Agreement("seeds", *at, task, "", f"{one} {two}", measure, 0.7, 0.25, 0.3)
            for seed in config.seeds:
                for first, second in combinations(config.tasks, 2):
                    value = 0.5 + 0.01 * seed
                    yield Agreement(
                        "tasks", *at, first, second, str(seed), measure, value, 0.25, 0.3
                    )


def _layers(config: Params) -> Iterator[Kept]:
    for task in config.tasks:
        for seed in config.seeds:
            for after in config.rounds:
                where = (task, seed, after.to, after.sparsity)
                for layer in (0, 1):
                    for matrix, size in MATRICES.items():
                        kept = round(size * (1 - after.sparsity)) - layer
                        yield Kept(*where, layer, matrix, size, kept)
                yield Kept(*where, None, "pooler.dense", 100, 20)


def with_scores(made: Study, changes: dict[tuple[str, str, int, str], list[float]]) -> Scores:
    """The study's scores with others for (task, kind, round, split), by seed."""
    rows = []
    for row in made.scores:
        new = changes.get((row.task, row.kind, row.round or 0, row.split))
        if new and row.headline and row.seed:
            rows.append(Score(**(row.__dict__ | {"score": new[row.seed - 1]})))
        else:
            rows.append(row)
    return Scores(rows)
