"""The estimated seconds of each stage of the study in a folder."""

import math
from pathlib import Path

from stages.tickets import settings
from stages.tickets.plan import budget, sizes, stages


def seconds(project: Path, hardware: str) -> dict[str, float]:
    """Estimate the seconds of every stage by its address: its start, and its FLOPs at a sustained rate.

    Args:
        project: folder of params.yaml and dvc.yaml.
        hardware: a key of `budget.RATES`, which gives the rate.

    Raises:
        UserError: params.yaml is not right, or a size that it asks for is not known.
    """
    file = project / stages.PARAMS
    content = settings.content(file)
    study = settings.checked(content, str(file))
    expanded = stages.expand(stages.read(project), content, stages.parsing(project / stages.CONFIG))
    results = project / "results"
    locked = stages.locked(project) if results.exists() else {}
    sized = sizes.measure(study, content, results, locked)
    rate = budget.RATES[hardware]
    estimated = {}
    for stage in expanded:
        row, _ = budget.cost(stage, sized)
        flops = row["padded"] if math.isnan(row["real"]) else row["real"]
        estimated[stage.address] = budget.START_SECONDS + 3600 * budget.hours(flops, rate)
    return estimated
