"""What came out, in a sentence or two for each question of the report."""

from collections.abc import Sequence

from stages.tickets.report import findings, transfers
from stages.tickets.report import names as runs
from stages.tickets.report.names import Config, source_name
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.search_rows import StructureAgreement
from stages.tickets.report.subnetwork_tables import on_axis
from stages.tickets.report.words import (
    count,
    difference,
    points,
    signed,
)


def on_transfer(scores: Scores, config: Config) -> str:
    cells = transfers.transfer_cells(scores, config)
    if not cells:
        return _sentence(runs.why_not("transfer", config))
    counts = [transfers.reached(source, cells) for source in transfers.task_sources(config)]
    total = sum(number for _, number in counts)
    if not total:
        return "No task's mask was trained on another task than its own."
    text = f"{sum(count for count, _ in counts)} of {total} transfers of a task's mask to another task "
    text += f"score at least as high as the target's own ticket (n={len(config.transfer.seeds)}"
    if len(config.transfer.seeds) == 1:
        text += ", so nothing is known of their spread"
    text += "). "
    margin = config.tickets.transfer_margin
    names = [", ".join(map(source_name, transfers.universal(cells, at))) for at in (0.0, margin)]
    return text + (
        f"Sources that reach the own ticket on all of two or more other tasks: {names[0] or 'none'}; "
        f"allowing {points(margin)} points below it: {names[1] or 'none'}."
    )


def on_weights(scores: Scores, config: Config) -> str:
    parts = []
    for point in config.transfer_weights.points:
        pairs = transfers.weights_pairs(config, [point])
        found, number = findings.over_pairs(pairs, scores, config.tickets.confidence)
        if found:
            parts.append(f"{difference(found)} from i = {point} % ({count(number, 'pair')})")
    if not parts:
        return _sentence(runs.why_not("transfer_weights", config))
    return f"Change against theta_0 in points, mean over pairs of tasks: {'; '.join(parts)}."


def on_subnetworks(scores: Scores, config: Config) -> str:
    if not scores.has("retrained"):
        return _sentence(runs.why_not("retrained", config))
    parts = []
    for kind, title in (("structured", "heads and MLPs"), ("magnitude", "weights")):
        losses = []
        for name in ("good", "random", "bad"):
            run = f"{kind} {name}"
            means = [
                found.mean
                for task in config.retrain.tasks
                if (
                    found := scores.compare(
                        Run(task, "retrained", 0, run),
                        Run(task, "dense"),
                        config.tickets.confidence,
                    )
                )
            ]
            if means:
                losses.append(f"{name} {signed(findings.average(means) or 0.0)}")
        if losses:
            parts.append(f"{title}: {', '.join(losses)}")
    if not parts:
        return "Neither good nor random nor bad subnetworks were trained."
    return (
        "Retrained subnetworks minus the dense model, in points, mean over "
        f"{count(len(config.retrain.tasks), 'task')}: {'; '.join(parts)}."
    )


def on_survival(agreement: Sequence[StructureAgreement]) -> str:
    parts = []
    for axis, title in (
        ("seeds", "between seeds"),
        ("seeds on halves", "between seeds searched on the same half of the examples"),
        ("halves", "between the two halves for one seed"),
    ):
        here = [
            one
            for one in agreement
            if one.part == "heads" and one.measure == "cohen_kappa" and on_axis(one, axis)
        ]
        value = findings.average(one.value for one in here)
        if value is not None:
            parts.append(f"{value:.2f} {title} (n={len(here)})".replace("-", "−"))
    if not parts:
        return "Agreement needs joint searches of two seeds, or searches on halves."
    return f"Mean Cohen's κ of the heads that survive: {', '.join(parts)}; chance has 0."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
