"""What panels show of intervals."""

import pytest

from stages.tickets.report import panels
from stages.tickets.report.scores import Run
from tests.made_up import config, study


def test_bars_end_where_scores_end() -> None:  # an interval of two seeds may reach beyond any score
    made = study(config(1, 3, 2))
    wide = made.found.summary(Run("entailment", "dense"), 0.999999)
    assert wide is not None
    assert wide.high is not None
    assert wide.high > 1
    assert panels.bars([wide])[1] == pytest.approx([100 * (1 - wide.mean)])
