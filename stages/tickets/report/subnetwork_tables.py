"""The tables of searched subnetworks: what they score, what searches kept, how far structures agree."""

from collections.abc import Sequence

from stages.tickets.report import names as runs
from stages.tickets.report.names import Config, interval_name, why_no_variant
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.search_rows import Searched, Size, StructureAgreement
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import (
    NONE,
    NOT_RUN,
    count,
    difference,
    metric_name,
    percent,
    spread,
)
from stages.tickets.statistics import intervals

STATES = ("pruned", "retrained")
VARIANTS = {
    "joint": "heads and MLPs",
    "heads": "heads alone",
    "mlps": "MLPs alone",
    "published": "heads and MLPs, as the authors' code",
    "half-1": "heads and MLPs, first half of the examples",
    "half-2": "heads and MLPs, second half",
    "magnitude": "weights by magnitude",
}


def subnetworks(config: Config) -> list[tuple[str, str]]:
    """Kinds and names, structured ones first."""
    retrain = config.retrain
    structured = [("structured", name) for name in (*retrain.structured, *retrain.super)]
    return structured + [("magnitude", name) for name in retrain.magnitude]


def searched_run(task: str, state: str, kind: str, name: str) -> Run:
    return Run(task, state, 0, f"{kind} {name}")


def subnetworks_table(scores: Scores, sizes: Sequence[Size], config: Config) -> Table:
    """Good, random, bad and other subnetworks as they are and trained alone, by task."""
    caption = (
        "Subnetworks of the fine-tuned model: as they are (pruned), and trained alone from the "
        "pre-trained weights with the classifier and data order of the dense run (retrained). "
        "Good: what the search kept. Random and bad have its size; bad heads and MLPs are drawn "
        "from those that it dropped, and from good ones where these run out, so that they overlap "
        "with good where that is more than half; of good: share of its heads, and of its MLPs, "
        "that are good, too (of what is super, that survive in all seeds); bad weights are the "
        "smallest. What is super survives in all seeds, and super-random and super-bad go with "
        "it. Kept: share of the parameters of heads and MLPs, mean over seeds; FLOPs: share of "
        "the layers' operations on a validation example of mean length, heads and MLPs being cut "
        "out (what that gains in time, the command stages.export measures). Points on the "
        "validation split; mean ± standard deviation over n seeds; differences are paired by "
        f"seed, with the {interval_name(config)}."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    confidence = config.tickets.confidence
    for task in config.retrain.tasks:
        dense = Run(task, "dense")
        for kind, name in subnetworks(config):
            pruned, retrained = (searched_run(task, state, kind, name) for state in STATES)
            found = [
                one for one in sizes if (one.task, one.kind, one.subnetwork) == (task, kind, name)
            ]
            if not found:
                continue
            loss = scores.compare(retrained, dense, confidence)
            control = random_of_same_size(name)
            random = searched_run(task, "retrained", kind, control)
            gain = scores.compare(retrained, random, confidence) if control else None
            kept = sum(one.kept / one.prunable for one in found) / len(found)
            flops = [
                one.flops / one.all_flops
                for one in found
                if one.flops is not None and one.all_flops
            ]
            share = sum(flops) / len(flops) if flops else None
            common = overlap(found) if control or name.startswith("random") else {}
            collapsed = scores.collapsed(retrained)
            rows.append(
                (
                    f"{task} ({metric_name(scores.metrics[task])})",
                    f"{'heads and MLPs' if kind == 'structured' else 'weights'}, {name}",
                    percent(kept),
                    NONE if share is None else percent(share),
                    spread(scores.summary(pruned, confidence)),
                    spread(scores.summary(retrained, confidence)),
                    difference(loss),
                    difference(gain) if control else NONE,
                    str(len(found)),
                    ", ".join(map(percent, common.values())) or NONE,
                    count(collapsed, "run") if collapsed else NONE,
                )
            )
            records.append(
                {
                    "task": task,
                    "kind": kind,
                    "subnetwork": name,
                    "kept": kept,
                    "flops": share,
                    **{
                        f"{part}_of_good": common.get(part) for part in ("heads", "mlps", "weights")
                    },
                    **numbers(scores.summary(pruned, confidence), "pruned_"),
                    **numbers(scores.summary(retrained, confidence), "retrained_"),
                    **numbers(loss, "retrained_minus_dense_"),
                    **numbers(gain, "retrained_minus_random_"),
                    "collapsed": collapsed,
                }
            )
    if not rows:
        return Table("subnetworks", caption, missing=runs.why_not("retrained", config))
    header = (
        "task", "subnetwork", "kept", "FLOPs", "pruned", "retrained", "retrained − dense",
        "retrained − random", "n", "of good", "collapsed",
    )  # fmt: skip
    return Table("subnetworks", caption, header, tuple(rows), tuple(records))


def random_of_same_size(name: str) -> str:
    """The random subnetwork that `name` is compared with; empty for those that are random or alone."""
    if name in ("super", "super-bad"):
        return "super-random"
    return "random" if name == "good" or name.startswith("bad") else ""


def overlap(found: Sequence[Size]) -> dict[str, float]:
    """Share of what a subnetwork keeps that the good one (or what is super) keeps too; mean over seeds.

    By `heads` and `mlps`, or `weights`; none of a kind of which it keeps nothing.
    """
    pairs: dict[str, list[tuple[int | None, int | None]]] = {
        "heads": [(one.heads_of_good_too, one.heads) for one in found],
        "mlps": [(one.mlps_of_good_too, one.mlps) for one in found],
        "weights": [(one.kept_by_good_too, one.kept) for one in found],
    }
    shares = {
        part: [common / kept for common, kept in counts if common is not None and kept]
        for part, counts in pairs.items()
    }
    return {part: sum(known) / len(known) for part, known in shares.items() if known}


def searches_table(searched: Sequence[Searched], config: Config) -> Table:
    """What every search kept, mean over seeds."""
    rule = config.search.rule
    caption = (
        f"What searches of the fine-tuned models kept at {percent(rule.threshold)} of the dense score "
        f"on the {rule.split} split; mean ± standard deviation over n seeds. Score: of what was "
        "found, on the same examples, so it is at least that share by construction where the dense score "
        "is above 0. By halves: the score on the half that was searched."
    )
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    confidence = config.tickets.confidence
    for task in config.search.tasks:
        for variant in rule.variants:
            found = [one for one in searched if (one.task, one.variant) == (task, variant)]
            if not found:
                continue
            parts: dict[str, list[int] | list[float]] = {
                "heads": [one.heads for one in found if one.heads is not None],
                "mlps": [one.mlps for one in found if one.mlps is not None],
                "kept": [one.kept for one in found if one.kept is not None],
                "dense_score": [one.dense_score for one in found],
                "score": [one.score for one in found],
            }
            means = {
                key: intervals.summarize(values, confidence) if values else None
                for key, values in parts.items()
            }
            heads, mlps, kept = means["heads"], means["mlps"], means["kept"]
            rows.append(
                (
                    task,
                    VARIANTS[variant],
                    f"{_plain(heads)} of {found[0].all_heads}" if heads else NONE,
                    f"{_plain(mlps)} of {found[0].all_mlps}" if mlps else NONE,
                    f"{spread(kept)} %" if kept else NONE,
                    spread(means["dense_score"]),
                    spread(means["score"]),
                    str(len(found)),
                )
            )
            records.append(
                {"task": task, "variant": variant}
                | {k: v for key, one in means.items() for k, v in numbers(one, f"{key}_").items()}
            )
    if not rows:
        return Table("searches", caption, missing=runs.why_not("search", config))
    header = ("task", "search for", "heads", "MLPs", "weights", "dense score", "score", "n")
    return Table("searches", caption, header, tuple(rows), tuple(records))


def _plain(found: intervals.Summary) -> str:
    """A count."""
    text = f"{found.mean:.1f}"
    return text if found.std is None else f"{text} ± {found.std:.1f}"


MEASURES = {
    "fleiss_kappa": "Fleiss κ",
    "cohen_kappa": "Cohen κ",
    "jaccard": "Jaccard",
    "krippendorff_alpha": "Krippendorff α",
}
AXES = {
    "seeds": "seeds of a task",
    "tasks": "tasks of a seed",
    "two tasks": "all seeds of two tasks",
    "halves": "halves of the examples, same model",
    "seeds on halves": "seeds of a task, each searched on the same half",
    "rules": "correct and the authors' search, same model",
}


def structure_agreement_table(found: Sequence[StructureAgreement], config: Config) -> Table:
    """Agreement of the structures of the joint search, mean over tasks or seeds, beside chance."""
    caption = (
        "How far the heads and MLPs agree that the joint searches kept, mean over the "
        "comparisons: the value, and in brackets what masks of the same sizes reach when each is "
        f"permuted (mean, and the value that 95 % of {config.search.permutations} permutations "
        "stay below, mean over the comparisons). Last column: comparisons above that value by "
        "Cohen's κ. Two searches of the same model on two halves of the examples stand beside "
        "those of two seeds on the same half: if halves agree no more than seeds, what differs "
        "between seeds may be noise of the examples. By the authors' importance: their whole "
        "search, which also ranks by a rejected candidate's scores at the start of a phase. "
        "Cochran's Q, which the paper reports, is in the csv: it tests whether searches kept "
        "equally many, and says nothing about which ones."
    )
    rows: list[tuple[str, ...]] = []
    for axis, title in AXES.items():
        for part in ("heads", "mlps"):
            here = [one for one in found if one.part == part and on_axis(one, axis)]
            if not here:
                continue
            cells = [_agreement([one for one in here if one.measure == key]) for key in MEASURES]
            kappas = [one for one in here if one.measure == "cohen_kappa"]
            above = sum(one.upper is not None and one.value > one.upper + 1e-12 for one in kappas)
            name = "MLPs" if part == "mlps" else part
            rows.append((title, name, *cells, f"{above} of {len(kappas)}"))
    records: list[Record] = [dict(vars(one)) for one in found]
    if not rows:
        return Table("structure_agreement", caption, missing=why_no_variant("joint", config))
    header = ("between", "of", *MEASURES.values(), "above chance")
    return Table("structure_agreement", caption, header, tuple(rows), tuple(records))


def on_axis(one: StructureAgreement, axis: str) -> bool:
    """Whether a row of agreement.csv is shown under one of AXES."""
    if axis == "seeds on halves":
        return one.axis == "seeds" and one.variant.startswith("half-")
    return one.axis == axis and (one.variant == "joint" or axis in ("halves", "rules"))


def _agreement(found: Sequence[StructureAgreement]) -> str:
    if not found:
        return NOT_RUN
    value, floor, upper = (
        sum(numbers) / len(numbers)
        for numbers in (
            [one.value for one in found],
            [one.floor or 0.0 for one in found],
            [one.upper or 0.0 for one in found],
        )
    )
    return f"{value:.2f} ({floor:.2f}, {upper:.2f})".replace("-", "−").replace("−0.00", "0.00")
