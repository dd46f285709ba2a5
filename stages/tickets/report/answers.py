"""What came out, in a sentence or two for each question of the report."""

from collections.abc import Sequence

from stages.tickets.report import findings
from stages.tickets.report import names as runs
from stages.tickets.report.names import Config
from stages.tickets.report.scores import Run, Scores
from stages.tickets.report.search_rows import StructureAgreement
from stages.tickets.report.subnetwork_tables import on_axis
from stages.tickets.report.words import (
    count,
    signed,
)


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
