"""The sections of the report on Chen et al. 2020 but those on masks."""

from stages.tickets.report import (
    answers,
    chen_tables,
    curves,
    rewinding_tables,
    score_tables,
    seed_tables,
    transfer_figures,
    transfer_tables,
)
from stages.tickets.report.figure import Config
from stages.tickets.report.old import ChenResults, old_section
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section


def before_masks(scores: Scores, published: ChenResults, config: Config) -> list[Section]:
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
            "transfer",
            "Do masks transfer between tasks?",
            "Does a mask found on one task serve another as well as the other's own?",
            "Chen et al. 2020, Figure 2; the mask of several tasks is in the supplement.",
            answers.on_transfer(scores, config),
            (
                transfer_figures.transfer_figure(scores, config),
                transfer_figures.published_transfer_figure(published),
            ),
            (
                transfer_tables.transfer_table(scores, config),
                chen_tables.published_transfer_table(published, config),
            ),
        ),
        old_section(
            "transfer_weights",
            "Do masks transfer better with the source's weights?",
            "Does a mask serve another task better on weights that the source's training has moved "
            "than on theta_0?",
            "Chen et al. 2020, Figure 3 (Figure 4 of the first version).",
            answers.on_weights(scores, config),
            (),
            (transfer_tables.weights_table(scores, config),),
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
