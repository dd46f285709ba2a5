"""The published tables and the published heat map of Chen et al. 2020, beside ours where they are "
"comparable."""

from collections.abc import Sequence

from stages.tickets import claims, runs, transfers
from stages.tickets.chen_rows import ChenResults, PublishedTicket
from stages.tickets.formatting import NONE, NOT_RUN, mean, percent, points, signed
from stages.tickets.runs import Config
from stages.tickets.summary import VALIDATION, Kept, Run, Scores
from stages.tickets.tables import Record, Table, numbers

BERT_BASE = 85_524_480
"""Weights in the 73 matrices that the paper prunes: those of 12 layers, and the pooler."""
BERT_BASE_LAYERS = BERT_BASE - 768 * 768
"""Without the pooler."""
SETTINGS = {
    ("dense", ""): "dense",
    ("imp", ""): "IMP ticket",
    ("random", ""): runs.CONTROLS["random"],
    ("control", "reinitialised"): runs.CONTROLS["reinitialised"],
    ("control", "shuffled-layers"): "shuffled",
}


def same_encoder(layers: Sequence[Kept]) -> bool:
    """Whether the masks cover as many weights as those of the paper."""
    sizes: dict[tuple[str, int, int], int] = {}
    for one in layers:
        key = (one.task, one.seed, one.round)
        sizes[key] = sizes.get(key, 0) + one.size
    return bool(sizes) and set(sizes.values()) <= {BERT_BASE, BERT_BASE_LAYERS}


def same_task(task: str, published: Sequence[PublishedTicket], scores: Scores) -> bool:
    """Whether ours has the name of one of the paper's, and its metric among its own."""
    metric = next((one.metric for one in published if one.task == task), "")
    return bool(metric) and bool(scores.of(Run(task, "dense"), VALIDATION, metric))


def published_tickets_table(
    scores: Scores, layers: Sequence[Kept], published: Sequence[PublishedTicket], config: Config
) -> Table:
    """Table 2 of the paper, row by row, beside our runs at its sparsity."""
    caption = (
        "Table 2 of the paper: scores in points at the sparsity of its ticket, mean ± standard "
        "deviation over 5 runs, bert-base-uncased. Here: mean ± half the interval over n seeds at the "
        "same sparsity, of the tasks that the paper has, and only of encoders with as many prunable "
        "weights; else –. Shuffled: ours moves whole layers, as its code does. Verdict: undecided "
        f"without an interval or with one of more than {points(config.verdict.widest)} points each "
        f"way; agrees, if at most {points(config.verdict.margin)} points apart or if the paper's lies "
        "in our interval; else differs. Mark: what is doubtful of the paper's number."
    )
    encoder = same_encoder(layers)
    rounds = {round(sparsity, 6): number for number, sparsity in runs.sparsities(config).items()}
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for one in published:
        number = rounds.get(round(one.sparsity, 6))
        here = encoder and one.task in config.tasks and same_task(one.task, published, scores)
        run = Run(one.task, one.kind, 0 if one.kind == "dense" else number or 0, one.source)
        found = (
            scores.summary(run, config.tickets.confidence, VALIDATION, one.metric) if here else None
        )
        why = _why_not_here(one, here, number, config)
        said = (claims.agreement(one.mean, found, config.verdict) if found else "") or why
        paper = points(one.mean) if one.std is None else f"{points(one.mean)} ± {points(one.std)}"
        rows.append(
            (
                one.task,
                percent(one.sparsity),
                SETTINGS[one.kind, one.source],
                paper,
                mean(found) if found else NOT_RUN if here else NONE,
                signed(found.mean - one.mean) if found else NONE,
                str(found.n) if found else NONE,
                said,
                one.mark or NONE,
            )
        )
        records.append(
            {
                "task": one.task, "kind": one.kind, "source": one.source, "sparsity": one.sparsity,
                "metric": one.metric, "paper_mean": one.mean, "paper_std": one.std,
                **numbers(found, "here_"), "verdict": said, "mark": one.mark,
            }
        )  # fmt: skip
    header = (
        "task", "sparsity", "setting", "paper", "here", "here − paper", "n", "verdict", "mark",
    )  # fmt: skip
    return Table("tickets_published", caption, header, tuple(rows), tuple(records))


def _why_not_here(one: PublishedTicket, here: bool, number: int | None, config: Config) -> str:
    if not here:
        return (
            "not here: another task"
            if one.task not in config.tasks
            else "not here: another encoder"
        )
    if number is None and one.kind != "dense":
        return f"not run: rounds have no {percent(one.sparsity)}"
    kind = one.source or one.kind
    if kind in runs.CONTROLS:
        return runs.why_no_control(kind, config)
    return "not run: scores.csv has no such row"


def published_transfer_table(published: ChenResults, config: Config) -> Table:
    """Figure 2 of the paper, and its counts as printed and as they follow from its cells."""
    margin = config.tickets.transfer_margin
    caption = (
        "Figure 2 of the paper: masks of 70 % sparsity found on the row's task and trained on the "
        "column's, minus the column's dense score, in points, bert-base-uncased. * at least "
        "the column's own mask. As good as own: on how many other tasks, as printed, and as the cells, "
        f"which are rounded, say; within {points(margin)}: at most so many points below. Mean: of row "
        "− own over other tasks."
    )
    cells = {(one.source, one.target): one.difference for one in published.transfers}
    from_own = transfers.published_from_own(published.transfers)
    targets = list(dict.fromkeys(one.target for one in published.transfers))
    marks = {one.target: one.mark for one in published.transfers if one.source == one.target}
    column_mark = "; ".join(f"column {task}: {mark}" for task, mark in marks.items() if mark)
    rows: list[tuple[str, ...]] = []
    records: list[Record] = []
    for row in published.dark:
        count, total = transfers.published_reached(row.source, published.transfers)
        near, _ = transfers.published_reached(row.source, published.transfers, margin)
        average = transfers.published_mean(row.source, published.transfers)
        shown = (
            signed(cells[row.source, target])
            + ("*" if row.source != target and from_own[row.source, target] >= -1e-12 else "")
            for target in targets
        )
        # What is said of all cells of a row, without what is said of one column in every row.
        own = {
            one.mark.split("; ")[0]
            for one in published.transfers
            if one.source == row.source and one.mark and not marks[one.target]
        }
        mark = "; ".join((*filter(None, [row.mark]), *sorted(own)))
        rows.append(
            (
                runs.source_name(row.source),
                *shown,
                f"{row.dark} of {total}",
                f"{count} of {total}",
                f"{near} of {total}",
                signed(average),
                mark or NONE,
            )
        )
        records.append(
            {
                "source": row.source,
                **{target: cells[row.source, target] for target in targets},
                "dark_printed": row.dark, "dark_by_cells": count, "within_margin": near,
                "others": total, "mean_minus_own": average, "mark": mark,
            }
        )  # fmt: skip
    header = (
        "mask of", *targets, "as good as own, printed", "by the cells", f"within {points(margin)}",
        "mean − own", "mark",
    )  # fmt: skip
    caption += f" Mark of a {column_mark}." if column_mark else ""
    return Table("transfer_published", caption, header, tuple(rows), tuple(records))
