"""The sections of the report on Chen et al. 2020 but those on masks."""

from stages.tickets.report import (
    answers,
    curves,
    rewinding_tables,
    score_tables,
    seed_tables,
)
from stages.tickets.report.figure import Config
from stages.tickets.report.old import old_section
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section


def before_masks(scores: Scores, config: Config) -> list[Section]:
    """Tickets, controls, transfer, rewinding and seeds."""
    return [
        old_section(
            "scores",
            "Score against sparsity",
            "How do tickets and their controls score at every sparsity?",
            "Chen et al. 2020, supplement, Figure 11 (there without controls).",
            answers.on_scores(scores, config),
            (curves.scores_figure(scores, config),),
            (
                score_tables.scores_table(scores, config),
                score_tables.other_metrics_table(scores, config),
            ),
        ),
        old_section(
            "rewinding",
            "Does rewinding help?",
            "Does the last ticket score better when it starts from weights that training has already "
            "moved, and is it better than pruning that never rewinds?",
            "Chen et al. 2020, Table 3 (there the masks differ with the point as well).",
            answers.on_rewinding(scores, config),
            (
                curves.rewinding_figure(scores, config),
                rewinding_tables.standard_figure(scores, config),
            ),
            (
                rewinding_tables.rewinding_table(scores, config),
                rewinding_tables.standard_table(scores, config),
            ),
        ),
        old_section(
            "seeds",
            "Is it the mask or the training?",
            "How much of the spread over seeds is due to the mask that a seed found, and how much to "
            "the training that followed?",
            "Chen et al. 2020 report one spread over five runs, which does not tell them apart.",
            answers.on_seeds(scores, config),
            (),
            (
                seed_tables.cross_table(scores, config),
                seed_tables.variance_table(scores, config),
            ),
        ),
    ]
