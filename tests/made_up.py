"""Made-up results of studies from one run to many, as other stages would have written them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import get_args

from stages.tickets import settings
from stages.tickets.plan.manifest import Manifest
from stages.tickets.report import published, rows, sections
from stages.tickets.report.names import control_run
from stages.tickets.report.published import (
    Published,
    PublishedCorrelation,
    PublishedShare,
    PublishedStructure,
)
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Agreement, HansScore, Kept, Movement, ScoreRow, TaskSize
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.search_rows import (
    HEADS,
    STATES,
    Confusion,
    HeadPatterns,
    Importance,
    NetworkAgreement,
    Overlap,
    PatternShare,
    Place,
    Searched,
    StructureAgreement,
    WeightsOfLayer,
)
from stages.tickets.report.search_rows import Size as Sizes
from stages.tickets.report.section import Section
from stages.tickets.searches.attention.patterns import MAPS, PATTERNS
from stages.tickets.settings import Study as Params
from stages.tickets.settings.searches import Variant
from tests.pipeline import BASE, manifest

Size = tuple[int, int, int, bool]
"""Tasks, seeds, rounds, and whether there are controls."""
SIZES: list[Size] = [
    (1, 1, 1, False), (1, 1, 1, True), (2, 1, 3, True), (1, 3, 1, False), (3, 3, 2, True),
]  # fmt: skip
BY_POINT = ("rewind", "transfer_weights")
"""Kinds of runs that differ in the point of the dense training that they start from."""
TASKS = ("entailment", "sentiment", "similarity")
METRICS = {"similarity": ("pearson", "spearman")}
SIMILARITY = settings.MiniatureData(source="miniature", train=1000, validation=400, seed=0)
"""Data of the one task that the shipped params.yaml lacks."""
LANGUAGE = {"mlm": "mlm", "wikitext": "mlm"}
"""Kinds of tasks that are not classified."""
MATRICES = {"attention.self.query": 100, "output.dense": 400}


@dataclass(frozen=True)
class ChenResults:
    """What Chen, Tanaka and Frankle et al. 2020 published, and the statements of all papers."""

    tickets: list[published.PublishedTicket]
    transfers: list[published.PublishedTransfer]
    dark: list[published.PublishedDark]
    strict: list[published.PublishedStrict]
    claims: list[published.PublishedClaim]
    stability: list[published.PublishedStability]
    start: list[published.PublishedStart]


@dataclass(frozen=True)
class PatternResults:
    """Tables of attention patterns, and the published ones."""

    confusion: list[Confusion]
    shares: list[PatternShare]
    heads: list[HeadPatterns]
    agreement: list[NetworkAgreement]
    published: list[PublishedShare]
    correlations: list[PublishedCorrelation]


@dataclass(frozen=True)
class Study:
    """What other stages would have written, for a config."""

    config: Params
    scores: list[ScoreRow]
    tasks: list[TaskSize]
    agreement: list[Agreement]
    layers: list[Kept]
    sizes: list[Sizes]
    searched: list[Searched]
    structures: list[StructureAgreement]
    places: list[Place]
    overlaps: list[Overlap]
    importance: list[Importance]
    weights: list[WeightsOfLayer]
    published: list[Published]
    published_structure: list[PublishedStructure]
    published_places: list[Place]
    published_overlaps: list[Overlap]
    hans: list[HansScore]
    patterns: PatternResults
    chen: ChenResults
    beyond: list[Agreement]
    movement: list[Movement]

    @property
    def found(self) -> Scores:
        return Scores(self.scores)

    @property
    def results(self) -> Results:
        return Results(
            self.config,
            manifest_of(self.config),
            self.found,
            {"num_prunable": 5, "num_weights": 9, "vocabulary": {"size": 30_522}},
            Path("measured"),
            tasks=self.tasks,
            sizes=self.sizes,
            hans=self.hans,
            agreement=self.agreement,
            layers=self.layers,
            beyond=self.beyond,
            movement=self.movement,
            searched=self.searched,
            structures=self.structures,
            places=self.places,
            overlaps=self.overlaps,
            importance=self.importance,
            weights=self.weights,
            confusion=self.patterns.confusion,
            shares=self.patterns.shares,
            heads=self.patterns.heads,
            networks=self.patterns.agreement,
            published_scores=self.published,
            published_structure=self.published_structure,
            published_places=self.published_places,
            published_overlaps=self.published_overlaps,
            published_shares=self.patterns.published,
            published_correlations=self.patterns.correlations,
            published_tickets=self.chen.tickets,
            published_transfers=self.chen.transfers,
            published_dark=self.chen.dark,
            published_start=self.chen.start,
            published_strict=self.chen.strict,
            published_claims=self.chen.claims,
            published_stability=self.chen.stability,
        )


def manifest_of(config: Params) -> Manifest:
    """What the dvc.yaml files make of a config."""
    return _manifest(json.dumps(config.model_dump(mode="json", by_alias=True)))


@cache
def _manifest(content: str) -> Manifest:
    return manifest(json.loads(content))


def config(
    num_tasks: int = 3, num_seeds: int = 3, num_rounds: int = 2, controls: bool = True
) -> Params:
    """Tickets of the miniature at another size; without controls, nothing that can be left out."""
    whole = settings.checked(BASE, "params.yaml")
    tasks, seeds = TASKS[:num_tasks], tuple(range(1, num_seeds + 1))
    rounds = [
        settings.Round.model_validate({"from": k, "to": k + 1, "sparsity": round(0.3 * (k + 1), 1)})
        for k in range(num_rounds)
    ]
    on = tasks if controls else ()
    rule = whole.search.rule.model_copy(update={"variants": get_args(Variant)})
    network = whole.patterns.network.model_copy(update={"seeds": (1, 2)})
    data = {task: {"similarity": SIMILARITY, **whole.data}[task] for task in tasks}
    if not controls:
        data = {task: one.model_copy(update={"hans": None}) for task, one in data.items()}
    return whole.model_copy(
        update={
            "tasks": tasks,
            "seeds": seeds,
            "rounds": tuple(rounds),
            "last_round": num_rounds,
            "data": data,
            "override": {task: settings.Override() for task in tasks},
            "dense": settings.Dense(points=(0, 50)),
            "rewind": settings.Rewind(
                tasks=on, seeds=seeds, points=(50,) if controls else (), source="dense"
            ),
            "random": settings.Random(rounds=(num_rounds,) if controls else ()),
            "scratch": settings.Over(tasks=on, seeds=(1,) if controls else ()),
            "transfer": settings.Transfer(
                sources=on, targets=on, seeds=(1,) if controls else (), round=num_rounds
            ),
            "search": whole.search.model_copy(update={"tasks": on, "seeds": seeds, "rule": rule}),
            "retrain": settings.Retrain(
                tasks=on,
                seeds=seeds,
                structured=("good", "random", "bad"),
                magnitude=("good", "random", "bad"),
                scratch=("random",),
            ),
            "retrain_super": settings.RetrainSuper(tasks=on, seeds=seeds, subnetworks=("super",)),
            "patterns": whole.patterns.model_copy(update={"tasks": on, "network": network}),
        }
    )


def with_everything(config: Params, seeds: tuple[int, ...] = (1, 2, 3)) -> Params:
    """The same with all that Chen et al. 2020 have beyond tickets: controls, standard pruning, others."""
    tasks, rounds = config.tasks, tuple(after.to for after in config.rounds)
    return config.model_copy(
        update={
            "controls": settings.Controls(
                more=settings.ControlKinds(
                    kinds=("reinitialised", "one-shot", "shuffled-layers", "random-2")
                ),
                tasks=tasks[:2],
                seeds=seeds,
                rounds=rounds,
            ),
            "standard": settings.Standard(
                tasks=tasks[:2], seeds=seeds, aliased=settings.AliasedRounds(rounds=rounds)
            ),
            "cross": settings.Cross(tasks=tasks[:1], mask_seeds=seeds, seeds=seeds),
            "multitask": settings.Multitask(tasks=tasks, seeds=seeds),
            "transfer": settings.Transfer(
                sources=(*tasks, *settings.NO_TASKS), targets=tasks, seeds=seeds, round=rounds[-1]
            ),
            "transfer_weights": settings.TransferWeights(
                sources=tasks[:1], targets=tasks[1:], seeds=seeds, points=(0, 50)
            ),
        }
    )


def with_language(config: Params, seeds: tuple[int, ...] = (1, 2, 3)) -> Params:
    """The same with everything, and with masked language modelling for the third of three tasks."""
    asked = with_everything(config, seeds)
    tasks = (*asked.tasks[:2], "mlm")
    places: dict[str, dict[str, object]] = {
        "rewind": {"tasks": tasks},
        "standard": {"tasks": tasks},
        "transfer": {"sources": (*tasks, "one-shot"), "targets": tasks},
        "controls": {"tasks": tasks, "rounds": asked.controls.rounds[-1:]},
    }
    parts = {name: getattr(asked, name).model_copy(update=new) for name, new in places.items()}
    data = dict(asked.data) | {"mlm": asked.data["similarity"]}
    return asked.model_copy(update={"tasks": tasks, "data": data} | parts)


def study(config: Params) -> Study:
    """Made-up results: dense 0.9, tickets a little and random masks much below."""
    return Study(
        config,
        list(_scores(config)),
        [
            TaskSize(task, LANGUAGE.get(task, "classification"), 2, "accuracy f1", 90, 10, 40)
            for task in config.tasks
        ],
        list(_agreement(config)),
        list(_layers(config)),
        list(_sizes(config)),
        list(_searched(config)),
        list(_structures(config)),
        list(_places(config)),
        list(_overlaps(config)),
        list(_importance(config)),
        list(_weights(config)),
        list(_published()),
        list(_published_structure()),
        list(_places(config)),
        list(_overlaps(config)),
        list(_hans(config)),
        _patterns(config),
        chen(),
        list(_beyond(config)),
        list(_movement(config)),
    )


def chen() -> ChenResults:
    """As published."""
    folder = Path(__file__).parents[1] / "published"
    return ChenResults(
        rows.read(folder / "chen2020_table2.csv", published.PublishedTicket),
        rows.read(folder / "chen2020_figure2.csv", published.PublishedTransfer),
        rows.read(folder / "chen2020_dark.csv", published.PublishedDark),
        rows.read(folder / "chen2020_strict.csv", published.PublishedStrict),
        rows.read(folder / "claims.csv", published.PublishedClaim),
        rows.read(folder / "frankle2020.csv", published.PublishedStability),
        rows.read(folder / "tanaka2020.csv", published.PublishedStart),
    )


@cache
def sections_of(size: Size, everything: bool) -> list[Section]:
    """The sections of a report of this size, drawn once for all tests, none of which may change them."""
    asked = config(*size)
    if everything:
        asked = with_everything(asked, asked.seeds)
    made = study(asked)
    return sections.build(made.results, made.config)


def _scores(config: Params) -> Iterator[ScoreRow]:
    sparsity = {0: 0.0} | {after.to: after.sparsity for after in config.rounds}
    for run, seed, level in _runs(config):
        number = config.last_round if run.kind in BY_POINT else run.at
        point = run.at if run.kind in BY_POINT else None
        noise = 0.01 * ((5 * (seed or 0) + 3 * number + len(run.task)) % 4)
        for split in ("selection", "validation"):
            for index, metric in enumerate((*METRICS.get(run.task, ("accuracy",)), "loss")):
                yield ScoreRow(
                    run.task, run.kind, seed, number, sparsity[number], point, run.source, split,
                    metric, index == 0, level + noise - 0.1 * index, run.kind == "majority",
                )  # fmt: skip


def _runs(config: Params) -> Iterator[tuple[Run, int | None, float]]:
    """Every run with its seed and about what it scores."""
    for task in config.tasks:
        yield Run(task, "majority"), None, 0.4
        yield Run(task, "bag_of_words"), None, 0.6
        yield Run(task, "word_vectors"), None, 0.58
        if task in config.scratch.tasks:
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
    yield from _runs_of_chen(config)
    for task, seed, kind, name in _subnetworks(config):
        for state, lower in (("pruned", 0.2), ("retrained", 0.0)):
            yield Run(task, state, 0, f"{kind} {name}"), seed, LEVELS[name] - lower
    retrain = config.retrain
    for task, seed, name in product(retrain.tasks, retrain.seeds, retrain.scratch):
        yield Run(task, "scratch_structured", 0, f"structured {name}"), seed, 0.5
    transfer = config.transfer
    for source, target, seed in product(transfer.sources, transfer.targets, transfer.seeds):
        level = 0.85 if source <= target else 0.7
        yield Run(target, "transfer", transfer.round, source), seed, level


def _runs_of_chen(config: Params) -> Iterator[tuple[Run, int, float]]:
    """Controls of other rounds, pruning without rewinding, seeds apart, and weights of sources."""
    more, cross, weights = config.controls, config.cross, config.transfer_weights
    for task, seed, k in product(more.tasks, more.seeds, more.rounds):
        for kind in more.more.kinds:
            yield control_run(task, kind, k), seed, 0.6
    for task, seed, after in product(config.standard.tasks, config.standard.seeds, config.rounds):
        yield Run(task, "standard", after.to), seed, 0.87
        yield Run(task, "aliased", after.to), seed, 0.8
    for task, of_mask, seed in product(cross.tasks, cross.mask_seeds, cross.seeds):
        yield Run(task, "cross", config.last_round, str(of_mask)), seed, 0.8 + 0.02 * of_mask
    for source, target, seed, point in product(
        weights.sources, weights.targets, weights.seeds, weights.points
    ):
        yield Run(target, "transfer_weights", point, source), seed, 0.8


SUBCASES = {
    "lexical_overlap": ("le_passive", "ln_passive", "ln_subject/object_swap"),
    "subsequence": ("se_PP_on_obj", "sn_PP_on_subject"),
    "constituent": ("ce_adverb", "cn_adverb"),
}


def _hans(config: Params) -> Iterator[HansScore]:
    """Of the tasks that have it, for every run: above chance on non-entailed passives alone."""
    for run, seed, level in _runs(config):
        if getattr(config.data[run.task], "hans", None) is None:
            continue
        number = config.last_round if run.kind in BY_POINT else run.at
        point = run.at if run.kind in BY_POINT else None
        for heuristic, subcases in SUBCASES.items():
            for subcase in subcases:
                entailed = subcase[1] == "e"
                accuracy = level if entailed else 0.75 if subcase == "ln_passive" else 1 - level
                yield HansScore(
                    run.task, run.kind, seed, number, 0.0, point, run.source, heuristic, entailed,
                    subcase, round(accuracy, 6), 20, "the miniature language",
                )  # fmt: skip


LEVELS = {"good": 0.88, "random": 0.8, "bad": 0.7, "super": 0.75}
"""Of retrained subnetworks; pruned ones are 0.2 lower."""


def _subnetworks(config: Params) -> Iterator[tuple[str, int, str, str]]:
    """Task, seed, kind and name."""
    retrain = config.retrain
    by_kind = {
        "structured": (*retrain.structured, *config.retrain_super.subnetworks),
        "magnitude": retrain.magnitude,
    }
    for kind, names in by_kind.items():
        for task, seed, name in product(retrain.tasks, retrain.seeds, names):
            yield task, seed, kind, name


def _sizes(config: Params) -> Iterator[Sizes]:
    """Three quarters are kept, so that bad ones hold two thirds of the good."""
    for task, seed, kind, name in _subnetworks(config):
        common = {"good": 6, "bad": 4}.get(name, 5)
        if kind == "magnitude":
            none = (None, None, None, None, None, None, None, None)
            yield Sizes(task, seed, kind, name, 75, 100, *none, 10 * common + 15)
        else:
            parts = (6, 8, 3, 4, common, common // 2, 700, 1000)
            yield Sizes(task, seed, kind, name, 75, 100, *parts, None)


def _searched(config: Params) -> Iterator[Searched]:
    search = config.search
    for task, seed, variant in product(search.tasks, search.seeds, search.rule.variants):
        none = (None, None, None, None)
        if variant == "magnitude":
            yield Searched(task, seed, variant, *none, 0.5, 7, 0.9, 0.82)
        else:
            yield Searched(task, seed, variant, 5 + seed % 2, 8, 3, 4, None, 7, 0.9, 0.82)


def _published() -> Iterator[Published]:
    """Of the paper: one of our tasks, and another one."""
    levels = {"majority": 0.5, "dense": 0.9}
    levels |= {f"structured {name}": LEVELS[name] for name in LEVELS}
    levels |= {f"magnitude {name}": LEVELS[name] for name in ("good", "random", "bad")}
    for task in ("sentiment", "rte"):
        for name, level in levels.items():
            kind, source = (name, "") if name in ("majority", "dense") else ("retrained", name)
            std = None if kind == "majority" else 0.01
            yield Published(task, kind, source, "accuracy", level, std, 5)


def _patterns(config: Params) -> PatternResults:
    """10 examples, 2 x 2 heads, of which the first layer survives; the paper has one of the tasks."""
    tasks, seeds, networks = (
        config.patterns.tasks,
        config.search.seeds,
        config.patterns.network.seeds,
    )
    models = [("fine-tuned", seed) for seed in seeds] + [("pre-trained", None)]
    confusion = [
        Confusion(kind, network, true, found, 16 if true == found else 1)
        for kind, network, true, found in product(MAPS, networks, PATTERNS, PATTERNS)
        if tasks
    ]
    shares = [
        PatternShare(
            task, seed, state, heads, kind, network, pattern, share, 40 if heads == "all" else 20
        )
        for task, (state, seed), heads, kind, network in product(
            tasks, models, HEADS, MAPS, networks
        )
        for pattern, share in pattern_shares(heads, network).items()
    ]
    heads_found = [
        HeadPatterns(
            task, seed, state, kind, network, layer, head, "heterogeneous",
            9 - 3 * layer - head, 10, len(seeds) * (1 - layer), len(seeds),
        )
        for task, (state, seed), kind, network, layer, head in product(
            tasks, models, MAPS, networks, (0, 1), (0, 1)
        )
    ]  # fmt: skip
    agreement = [
        NetworkAgreement(task, state, heads, kind, 0.75)
        for task, (state, _), heads, kind in product(tasks, models, HEADS, MAPS)
        if len(networks) > 1
    ]
    published = [
        PublishedShare(task, state, heads, kind, pattern, share)
        for task, state, heads, kind in product(("sentiment", "rte"), STATES, HEADS, MAPS)
        for pattern, share in pattern_shares(heads, 1).items()
    ]
    correlations = [PublishedCorrelation("raw", "paper", 0.015, None)]
    return PatternResults(confusion, shares, heads_found, agreement, published, correlations)


def pattern_shares(heads: str, network: int) -> dict[str, float]:
    """Heterogeneous: .4 of all heads, .5 of super-survivors, and .02 more by each later network."""
    more = (0.5 if heads == "super" else 0.4) + 0.02 * (network - 1)
    return dict.fromkeys(PATTERNS, (1 - more) / 4) | {"heterogeneous": more}


def _structures(config: Params) -> Iterator[StructureAgreement]:
    search = config.search
    several = [("seeds", "joint", task, "") for task in search.tasks if len(search.seeds) > 1]
    pairs = [
        ("halves", "half-1 and half-2", task, str(seed))
        for task, seed in product(search.tasks, search.seeds)
    ]
    measures = ("fleiss_kappa", "cohen_kappa", "jaccard", "krippendorff_alpha")
    for place, part, measure in product(several + pairs, ("heads", "mlps"), measures):
        value = 0.3 if part == "heads" else -0.1
        yield StructureAgreement(*place, part, 2, measure, value, 0.0, 0.2, None)


def _places(config: Params) -> Iterator[Place]:
    search = config.search
    if search.tasks:
        std = 0.5 if len(search.seeds) > 1 else None
        for variant, layer, head in product(("joint", "magnitude"), (0, 1), (0, 1, None)):
            part = "mlps" if head is None else "heads"
            yield Place(variant, "", part, layer, head, 0.5 + layer, std, len(search.seeds))
            for task in search.tasks:
                yield Place(
                    variant, task, part, layer, head, 0.4 + 0.2 * layer, std, len(search.seeds)
                )


def _overlaps(config: Params) -> Iterator[Overlap]:
    search = config.search
    for of, part, first, second in product(
        ("joint", "super"), ("heads", "mlps"), search.tasks, search.tasks
    ):
        std, n = (None, 1) if of == "super" or len(search.seeds) == 1 else (0.5, len(search.seeds))
        yield Overlap(of, part, first, second, 3.0 if first == second else 2.0, std, n)


def _importance(config: Params) -> Iterator[Importance]:
    """Heads of more importance have larger weights, MLPs of more smaller ones; one of four is dropped."""
    search = config.search
    for task, seed, layer, head in product(search.tasks, search.seeds, (0, 1), (0, 1, None)):
        place = 2 * layer + (head or 0)
        part, sign = ("mlps", -1) if head is None else ("heads", 1)
        size = 0.02 + sign * 0.001 * place
        dropped = place == 0
        yield Importance(task, seed, part, layer, head, 0.1 * place, size, dropped, not dropped)


def _weights(config: Params) -> Iterator[WeightsOfLayer]:
    search = config.search
    for task, seed, layer in product(search.tasks, search.seeds, (0, 1)):
        yield WeightsOfLayer(task, seed, layer, 1000, 500 + 20 * layer)


def _published_structure() -> Iterator[PublishedStructure]:
    """Of tasks that are not ours."""
    levels = {"kappa_of_heads": 0.3, "kept_structured": 0.7, "kept_magnitude": 0.9}
    levels |= {"kept_super": 0.2, "middle_mlps": 0.1, "upper_layers": 0.02}
    for name, level in levels.items():
        for task, more in (("rte", 0.0), ("cola", 0.05)):
            yield PublishedStructure(task, name, level + more, 5)


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


def _beyond(config: Params) -> Iterator[Agreement]:
    for after in config.rounds:
        at = (after.to, after.sparsity)
        for task, seed in product(config.tasks, config.seeds):
            value = 0.8 + 0.01 * seed
            yield Agreement("one_shot", *at, task, "", str(seed), "jaccard", value, 0.25, 0.3)
        for measure, value in (("brought_back", 0.1), ("taken_out", 0.2)):
            for task in config.tasks:
                for one, two in combinations(config.seeds, 2):
                    where = ("seeds", *at, task, "", f"{one} {two}")
                    yield Agreement(*where, measure, value + 0.3, 0.05, 0.06)
            for seed in config.seeds:
                for first, second in combinations(config.tasks, 2):
                    where = ("tasks", *at, first, second, str(seed))
                    yield Agreement(*where, measure, value, 0.05, 0.06)


def _movement(config: Params) -> Iterator[Movement]:
    """Of the first task weights move little, of the others twice as far and more."""
    for (index, task), seed, after in product(enumerate(config.tasks), config.seeds, config.rounds):
        kept = round((1 - after.sparsity) * 1100)
        most, indeed = (kept // 25, kept // 50) if index == 0 else (kept // 2, kept // 10)
        yield Movement(
            task, seed, after.to, after.sparsity, 60, 1100, 0.001 * (index + 1), 0.0002, 0.04,
            indeed, most, (kept - indeed) / (kept + indeed), (kept - most) / (kept + most),
            0.0012, 0.9,
        )  # fmt: skip


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
            rows.append(ScoreRow(**(row.__dict__ | {"score": new[row.seed - 1]})))
        else:
            rows.append(row)
    return Scores(rows)
