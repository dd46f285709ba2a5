"""The tables of searched subnetworks: what they score, what searches kept, how far structures agree."""

from collections.abc import Sequence

from stages.tickets.report import names as runs
from stages.tickets.report.names import Config, why_no_variant
from stages.tickets.report.scores import Run
from stages.tickets.report.search_rows import Searched, StructureAgreement
from stages.tickets.report.table import Record, Table, numbers
from stages.tickets.report.words import (
    NONE,
    NOT_RUN,
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
