"""The tables of patterns of attention: shares, the paper's beside them, networks, and survival."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.tickets.report import names as runs
from stages.tickets.report.claim import same_score
from stages.tickets.report.names import Config
from stages.tickets.report.old import PatternResults
from stages.tickets.report.published import PublishedShare
from stages.tickets.report.search_rows import (
    HEADS,
    MAPS,
    STATES,
    HeadPatterns,
    NetworkAgreement,
    PatternShare,
)
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import NONE, percent, points, signed, spread
from stages.tickets.searches.attention.patterns import PATTERNS
from stages.tickets.settings.noise import stable_seed
from stages.tickets.statistics import correlation, intervals
from stages.tickets.statistics.correlation import Correlation
from stages.tickets.statistics.intervals import Summary

NAMES = {"all": "all heads", "super": "super-survivors"}
LABELLED = (
    "The maps that the paper's authors labelled by hand are not public: these networks learned from maps "
    "made by rule, so that shares are comparable among our own models, with the paper's only roughly."
)
NO_HEAD = "no head survives"
THEIR_SEEDS = "5"
HETEROGENEOUS = "heterogeneous"


@dataclass(frozen=True)
class Group:
    """Maps that are counted together; no task: all tasks."""

    task: str
    state: str
    heads: str
    map: str


def groups(tasks: Sequence[str]) -> list[Group]:
    """In the order of tables."""
    return [
        Group(task, state, heads, kind)
        for task in tasks
        for state in STATES
        for kind in MAPS
        for heads in HEADS
    ]


def _of(shares: Sequence[PatternShare], group: Group, pattern: str) -> list[PatternShare]:
    wanted = (group.state, group.heads, group.map, pattern)
    return [
        one
        for one in shares
        if (one.state, one.heads, one.map, one.pattern) == wanted and group.task in ("", one.task)
    ]


def over_networks(
    shares: Sequence[PatternShare], group: Group, pattern: str, confidence: float
) -> Summary | None:
    """The share by each network, mean over tasks and seeds; None where nothing ran."""
    return _summary(_of(shares, group, pattern), lambda one: one.network, confidence)


def over_seeds(
    shares: Sequence[PatternShare], group: Group, pattern: str, confidence: float
) -> Summary | None:
    """The share by each seed, mean over tasks and networks; None where nothing ran."""
    return _summary(_of(shares, group, pattern), lambda one: one.seed, confidence)


def _summary(
    found: Sequence[PatternShare], key: Callable[[PatternShare], int | None], confidence: float
) -> Summary | None:
    values: dict[int | None, list[float]] = {}
    for one in found:
        values.setdefault(key(one), []).append(one.share)
    means = [sum(some) / len(some) for some in values.values()]
    return intervals.summarize(means, confidence) if means else None


def agreement_of(found: Sequence[NetworkAgreement], kind: str) -> float | None:
    """Share of maps of whole fine-tuned models on which two networks agree, mean over all pairs."""
    values = [
        one.agreement
        for one in found
        if (one.map, one.state, one.heads) == (kind, "fine-tuned", "all")
    ]
    return sum(values) / len(values) if values else None


def how_far_networks_agree(results: PatternResults) -> str:
    """A sentence for captions; empty with one network."""
    found = {kind: agreement_of(results.agreement, kind) for kind in MAPS}
    said = [
        f"{percent(round(one, 2))} of the {kind} maps"
        for kind, one in found.items()
        if one is not None
    ]
    if not said:
        return ""
    return f" Two networks of other seeds say the same of {' and of '.join(said)}."


def patterns_table(results: PatternResults, config: Config) -> Table:
    """Shares of the five classes by task, model, map and heads."""
    number = config.patterns.examples.number
    caption = (
        "Share of maps of each class in per cent: mean over seeds, ± standard deviation over networks "
        f"that learned from other made-up maps. A map is the attention of one head on one of {number} "
        f"examples of the {config.patterns.examples.split} split, the same for all models. Raw: "
        "attention weights; normed: multiplied by the norms of the transformed values (Kobayashi et "
        "al. 2020). Super-survivors: heads that the joint searches of all seeds keep, in a model cut "
        "down to them. " + LABELLED + how_far_networks_agree(results)
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    confidence = config.tickets.confidence
    for group in groups(config.patterns.tasks):
        found = {
            pattern: over_networks(results.shares, group, pattern, confidence)
            for pattern in PATTERNS
        }
        here = _of(results.shares, group, PATTERNS[0])
        maps = sum({one.seed: one.maps for one in here}.values())
        where = (group.task, group.state, group.map, NAMES[group.heads])
        cells = [spread(one) if one else NONE for one in found.values()]
        num_networks = len({one.network for one in here})
        rows.append((*where, *cells, f"{maps:,}" if here else NO_HEAD, str(num_networks)))
        for pattern, one in found.items():
            records.append(
                {
                    "task": group.task, "state": group.state, "map": group.map,
                    "heads": group.heads, "pattern": pattern,
                    "share": one.mean if one else None, "std_over_networks": one.std if one else None,
                    "networks": num_networks, "maps": maps,
                }
            )  # fmt: skip
    if not results.shares:
        return Table("patterns", caption, missing=runs.why_not("patterns", config))
    header = ("task", "model", "map", "heads", *PATTERNS, "maps", "networks")
    return Table("patterns", caption, header, tuple(rows), tuple(records))


# --- the paper's -----------------------------------------------------------------------------


def paper_tasks(published: Sequence[PublishedShare], here: Sequence[str]) -> tuple[str, ...]:
    """The tasks of `here` if the paper has them all; else its eight."""
    known = tuple(dict.fromkeys(one.task for one in published))
    return tuple(here) if here and all(task in known for task in here) else known


def paper_share(
    published: Sequence[PublishedShare], group: Group, pattern: str, tasks: Sequence[str]
) -> float:
    """Mean over tasks."""
    wanted = (group.state, group.heads, group.map, pattern)
    by_task = {
        one.task: one.share
        for one in published
        if (one.state, one.heads, one.map, one.pattern) == wanted
    }
    return sum(by_task[task] for task in tasks) / len(tasks)


def published_patterns_table(results: PatternResults, config: Config) -> Table:
    """The paper's shares beside ours."""
    caption = (
        "Shares in per cent, mean over tasks. Paper: bert-base-uncased, 5 seeds, 100 examples; normed "
        "maps with a mis-sliced output matrix, no token types. Here: mean over seeds and networks, ± "
        "half the interval over n seeds (the pre-trained encoder has none). Over the same tasks, the "
        "verdict says on how many of the five shares the two agree: at most "
        f"{points(config.verdict.margin)} points apart, or the paper's in our interval, if that is not "
        "too wide; else the paper's mean is over its eight tasks, and there is no verdict. "
        + LABELLED
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for group in groups([""]):
        here = [
            task
            for task in config.patterns.tasks
            if _of(results.shares, Group(task, group.state, group.heads, group.map), PATTERNS[0])
        ]
        tasks = paper_tasks(results.published, here)
        theirs = [paper_share(results.published, group, pattern, tasks) for pattern in PATTERNS]
        ours = [
            over_seeds(results.shares, group, pattern, config.tickets.confidence)
            for pattern in PATTERNS
        ]
        verdicts = [
            (same_score(paper, one, config.verdict) if list(tasks) == here else "other tasks")
            if one
            else NO_HEAD
            for paper, one in zip(theirs, ours, strict=True)
        ]
        said = verdicts[0]
        if said not in (NO_HEAD, "other tasks"):
            counts = {word: verdicts.count(word) for word in ("agrees", "undecided", "differs")}
            said = ", ".join(f"{word}: {number}" for word, number in counts.items() if number)
        n = str(ours[0].n) if ours[0] and group.state == "fine-tuned" else NONE
        where = (group.state, group.map, NAMES[group.heads])
        differences = [
            signed(one.mean - paper) if one else NONE
            for paper, one in zip(theirs, ours, strict=True)
        ]
        rows += [
            (*where, f"paper ({len(tasks)} tasks)", *map(points, theirs), THEIR_SEEDS, ""),
            (*where, f"here ({len(here)} tasks)", *map(_mean, ours), n, ""),
            (*where, "here − paper", *differences, "", said),
        ]
        for pattern, paper, one, verdict in zip(PATTERNS, theirs, ours, verdicts, strict=True):
            records.append(
                {
                    "state": group.state, "map": group.map, "heads": group.heads, "pattern": pattern,
                    "paper": paper, "paper_tasks": len(tasks), **numbers(one, "here_"),
                    "verdict": verdict,
                }
            )  # fmt: skip
    if not results.shares:
        return Table("patterns_published", caption, missing=runs.why_not("patterns", config))
    header = ("model", "map", "heads", "share", *PATTERNS, "n", "verdict")
    return Table("patterns_published", caption, header, tuple(rows), tuple(records))


def _mean(found: Summary | None) -> str:
    """Mean ± half the interval where there is one."""
    if found is None:
        return NONE
    return points(found.mean) + ("" if found.half is None else f" ± {points(found.half)}")


# --- how well networks tell them apart -------------------------------------------------------


def accuracies(results: PatternResults, kind: str) -> list[float]:
    """On held-out maps, of every network for this kind of maps."""
    right: dict[int, int] = {}
    total: dict[int, int] = {}
    for one in results.confusion:
        if one.map == kind:
            total[one.network] = total.get(one.network, 0) + one.maps
            right[one.network] = right.get(one.network, 0) + one.maps * (one.true == one.found)
    return [right[network] / total[network] for network in total]


def confusion_table(results: PatternResults, config: Config) -> Table:
    """What networks find in held-out maps of each class."""
    network = config.patterns.network
    said = [
        f"{kind} {' and '.join(points(one) for one in found)}"
        for kind in MAPS
        if (found := accuracies(results, kind))
    ]
    caption = (
        "What networks find in maps that were made by rule and held out, of lengths that they did not "
        f"learn from and of more noise ({network.held_out_noise} instead of {network.noise}), per cent "
        "of the maps of a class, mean over networks. The labelled maps of the paper are not public; "
        "its network has a weighted F1 of 81 (raw) and 74 (normed) on a fifth of those. Accuracy here, "
        f"a number for each network: {'; '.join(said)}."
    )
    rows: list[tuple[str, ...]] = []
    for kind in MAPS:
        for true in PATTERNS:
            here = [one for one in results.confusion if (one.map, one.true) == (kind, true)]
            total = sum(one.maps for one in here)
            if not total:
                continue
            counts = [sum(one.maps for one in here if one.found == found) for found in PATTERNS]
            cells = [points(count / total) for count in counts]
            num_networks = len({one.network for one in here})
            rows.append((f"{kind}, {true}", *cells, str(total // num_networks), str(num_networks)))
    if not rows:
        return Table("pattern_confusion", caption, missing=runs.why_not("patterns", config))
    header = ("made as", *(f"found {name}" for name in PATTERNS), "maps", "networks")
    records: tuple[Record, ...] = tuple(dict(vars(one)) for one in results.confusion)
    return Table("pattern_confusion", caption, header, tuple(rows), records)


# --- patterns and survival -------------------------------------------------------------------


def _is_heterogeneous(heads: Sequence[HeadPatterns], kind: str) -> list[HeadPatterns]:
    """Of fine-tuned models."""
    return [
        one
        for one in heads
        if (one.map, one.state, one.pattern) == (kind, "fine-tuned", HETEROGENEOUS)
    ]


@dataclass(frozen=True)
class OverPairs:
    """A correlation over pairs of head and example."""

    found: Correlation | None
    """Pearson's, with the p value for independent pairs."""
    p_of_heads: float
    """By permutations of heads within tasks."""


def over_pairs(
    heads: Sequence[HeadPatterns], kind: str, network: int, permutations: int
) -> OverPairs:
    """Pearson's correlation of "is a super-survivor" and "is heterogeneous", of head and example.

    Over tasks, seeds, examples and heads, as Prasanna et al. 2020.
    """
    here = [one for one in _is_heterogeneous(heads, kind) if one.network == network]
    is_super = [one for one in here if one.survives == one.seeds]
    found = correlation.pearson_of_counts(
        sum(one.all_examples for one in here),
        sum(one.all_examples for one in is_super),
        sum(one.examples for one in here),
        sum(one.examples for one in is_super),
    )
    by_task: dict[str, dict[tuple[int, int], list[float]]] = {}
    for one in here:
        count = by_task.setdefault(one.task, {}).setdefault((one.layer, one.head), [0.0, 0.0])
        count[0] += one.examples
        count[1] = float(one.survives == one.seeds)
    tables = [np.array(list(counts.values())) for counts in by_task.values()]
    generator = np.random.default_rng(stable_seed("patterns of pairs", kind, network))
    groups = [(table[:, 0], table[:, 1]) for table in tables]
    return OverPairs(found, correlation.p_of_sum(groups, permutations, generator))


def over_heads(
    heads: Sequence[HeadPatterns], kind: str, tasks: Sequence[str], permutations: int
) -> Correlation | None:
    """Spearman's correlation over heads of the share that is heterogeneous and the seeds survived.

    The share is the mean over examples, seeds and networks; the correlation the mean over tasks.
    """
    pairs = []
    for task in tasks:
        shares: dict[tuple[int, int], list[float]] = {}
        survives: dict[tuple[int, int], float] = {}
        for one in _is_heterogeneous(heads, kind):
            if one.task == task:
                place = (one.layer, one.head)
                shares.setdefault(place, []).append(one.examples / one.all_examples)
                survives[place] = float(one.survives)
        # Rounded, for the order of a sum must not make ranks of what is tied.
        means = [round(sum(some) / len(some), 12) for some in shares.values()]
        pairs.append((np.array(means), np.array([survives[place] for place in shares])))
    generator = np.random.default_rng(stable_seed("patterns and survival", kind, *tasks))
    return correlation.spearman(pairs, permutations, generator)


def correlation_table(results: PatternResults, config: Config) -> Table:
    """Whether heads that survive are heterogeneous more often: as the paper asks, and over heads."""
    num_permutations = config.search.permutations
    caption = (
        "Are the heads that survive those with heterogeneous attention? First, as the paper: Pearson's "
        "r of two properties of a pair of head and example, being a super-survivor and being "
        "heterogeneous, in whole fine-tuned models; the paper's text and the output of its notebook do "
        "not agree. Then ours: Spearman's ρ over heads of the share of heterogeneous maps (mean over "
        "examples, seeds and networks) and the number of seeds whose joint search keeps the head. p, "
        "pairs: as if pairs were independent, which the examples of a head are not; p, heads: by "
        f"{num_permutations} permutations of heads within tasks. n: pairs; heads."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []

    def add(measure: str, kind: str, source: str, *found: float | None, n: int) -> None:
        value, p, p_of_heads = found
        cells = (
            NONE if value is None else _coefficient(value),
            NONE if p is None else _p(p),
            NONE if p_of_heads is None else _p(p_of_heads),
        )
        rows.append((MEASURES[measure], kind, source, *cells, f"{n:,}"))
        records.append(
            {
                "measure": measure, "map": kind, "source": source, "value": value,
                "p": p, "p_of_heads": p_of_heads, "n": n,
            }
        )  # fmt: skip

    for one in results.correlations:
        source = "paper" if one.source == "paper" else "its notebook"
        add("pearson", one.map, source, one.pearson, one.p, None, n=PAIRS)
    for kind in MAPS:
        for network in config.patterns.network.seeds:
            pairs = over_pairs(results.heads, kind, network, num_permutations)
            if pairs.found:
                found = (pairs.found.value, pairs.found.p, pairs.p_of_heads)
                add("pearson", kind, f"here, network {network}", *found, n=pairs.found.n)
            else:
                add("pearson", kind, f"here, network {network}", None, None, None, n=0)
    tasks = config.patterns.tasks
    for kind in MAPS:
        alone = [(f"here, {task}", [task]) for task in tasks] if len(tasks) > 1 else []
        for name, some in [*alone, ("here, mean of tasks", tasks)]:
            by_head = over_heads(results.heads, kind, some, num_permutations)
            if by_head:
                add("spearman", kind, name, by_head.value, None, by_head.p, n=by_head.n)
            else:
                add("spearman", kind, name, None, None, None, n=0)
    if not results.heads:
        return Table("pattern_survival", caption, missing=runs.why_not("patterns", config))
    header = ("correlation", "map", "of", "value", "p, pairs", "p, heads", "n")
    return Table("pattern_survival", caption, header, tuple(rows), tuple(records))


PAIRS = 8 * 5 * 100 * 144
"""Of the paper: tasks, seeds, examples, heads."""
MEASURES: Mapping[str, str] = {
    "pearson": "r, super-survivor and heterogeneous, by head and example",
    "spearman": "ρ, share heterogeneous and seeds survived, by head",
}


def _coefficient(value: float) -> str:
    text = f"{value:+.3f}" if abs(value) >= 0.01 else f"{value:+.4f}"
    return text.replace("-", "−")


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}".removesuffix("0")


def _is(p: float) -> str:
    text = _p(p)
    return text if text.startswith("<") else f"= {text}"


def on_patterns(results: PatternResults, config: Config) -> str:
    """How many maps are heterogeneous, how sure that is, and whether it goes with survival."""
    if not results.shares:
        return runs.why_not("patterns", config).capitalize() + "."
    said = []
    for kind in MAPS:
        parts: list[str] = []
        for heads in HEADS:
            group = Group("", "fine-tuned", heads, kind)
            share = over_networks(results.shares, group, HETEROGENEOUS, config.tickets.confidence)
            if share:
                those = "those" if parts else f"the {kind} maps"
                parts.append(f"{points(share.mean)} % of {those} of {NAMES[heads]}")
        text = " and ".join(parts)
        found = over_heads(results.heads, kind, config.patterns.tasks, config.search.permutations)
        if found:
            text += f" (ρ of share and survival over heads {_coefficient(found.value)}, p {_is(found.p)})"
        said.append(text)
    return f"Heterogeneous, mean over tasks: {'; '.join(said)}.{how_far_networks_agree(results)}"
