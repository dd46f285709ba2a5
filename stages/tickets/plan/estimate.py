"""The estimated seconds of each stage of the study in a folder."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.tickets.plan import budget, sizes, stages
from stages.tickets.settings import Study


def seconds(
    study: Study, content: Mapping[str, Any], project: Path, hardware: str
) -> dict[str, float]:
    """Estimate the seconds of every stage by its address: its start, and its FLOPs at a sustained rate.

    Results are not read, since they may be broken, and a run that mends them wants an estimate, too. So a
    task whose size only its results tell counts with the starts of its stages alone.

    Args:
        study: checked settings.
        content: settings as read from the file.
        project: folder of dvc.yaml.
        hardware: a key of `budget.RATES`, which gives the rate.

    Raises:
        ParamsError: the settings do not fit dvc.yaml, or a size of the encoder or of data is not known.
    """
    expanded = stages.expand(stages.read(project), content, stages.parsing(project / stages.CONFIG))
    sized = sizes.measure(study, content, project / "results", {})
    rate = budget.RATES[hardware]
    estimated = {}
    for stage in expanded:
        row, _ = budget.cost(stage, sized)
        flops = row["padded"] if math.isnan(row["real"]) else row["real"]
        estimated[stage.address] = budget.START_SECONDS + 3600 * budget.hours(flops, rate)
    return estimated
