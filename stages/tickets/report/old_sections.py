"""Sections that are not rebuilt yet."""

from stages.tickets.report import (
    answers,
    chen_claims,
    chen_report,
    chen_tables,
    curves,
    hans_tables,
    heat_maps,
    mask_tables,
    movement_tables,
    pattern_figures,
    pattern_tables,
    score_tables,
    targets,
)
from stages.tickets.report.checks import BEYOND, Data
from stages.tickets.report.claim import BEYOND_CHEN, CHEN, Beside, Claim
from stages.tickets.report.old import ChenResults, PatternResults, old_section
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.settings import Study


def old_sections(results: Results, config: Study) -> dict[str, Section]:
    """Sections that are not rebuilt yet, by name."""
    scores, agreement, layers = results.scores, results.agreement, results.layers
    chen = ChenResults(
        results.published_tickets,
        results.published_transfers,
        results.published_dark,
        results.published_strict,
    )
    patterns = PatternResults(
        results.confusion,
        results.shares,
        results.heads,
        results.networks,
        results.published_shares,
        results.published_correlations,
    )
    made = [
        old_section(
            "tasks",
            "The tasks",
            "How many examples do they have, and what is scored?",
            "Prasanna et al. 2020, Table 1.",
            answers.on_tasks(results.tasks),
            (),
            (score_tables.tasks_table(results.tasks),),
        ),
        *chen_report.before_masks(scores, chen, config),
        old_section(
            "agreement",
            "Do masks agree?",
            "How alike are the masks of different seeds and of different tasks, and how alike "
            "would chance make them?",
            "Chen et al. 2020, overlap of masks, counted in their code on non-zero trained "
            "weights; Prasanna et al. 2020 use κ on attention heads and MLPs.",
            answers.on_agreement(agreement, config),
            (heat_maps.agreement_figure(agreement, config),),
            (mask_tables.agreement_table(agreement, config),),
        ),
        old_section(
            "layers",
            "Where are the weights dropped?",
            "Which layers and which types of matrices lose most?",
            "Chen et al. 2020 count this in their code; no published table is known to us.",
            answers.on_layers(layers, config),
            (
                heat_maps.layers_figure(layers, config),
                curves.layers_by_task_figure(layers, config),
            ),
            (
                mask_tables.layers_table(layers, config),
                movement_tables.types_table(layers, config),
            ),
        ),
        old_section(
            "movement",
            "What do masks owe to the pre-trained weights?",
            "How far does training move weights, how far could masks thus be from the mask of the "
            "smallest pre-trained weights, and what do masks have in common beyond that one?",
            "Chen et al. 2020, whose masks of small tasks after few steps of a small learning rate can "
            "differ little from that one; they do not count it.",
            movement_tables.on_movement(results.movement, config),
            (movement_tables.movement_figure(results.movement, config),),
            (
                movement_tables.movement_table(results.movement, config),
                movement_tables.beyond_table(results.beyond, config),
            ),
        ),
        old_section(
            "hans",
            "HANS: right for the wrong reasons?",
            "Do dense models and subnetworks look at the syntax of a pair, or do they say entailment "
            "wherever words, a subsequence or a constituent of the premise come again?",
            "McCoy et al. 2019. Prasanna et al. 2020 have settings for HANS in their code, and nothing "
            "on it in their paper.",
            hans_tables.on_hans(results.hans, config),
            (hans_tables.hans_figure(results.hans, config),),
            (
                hans_tables.hans_table(results.hans, config),
                hans_tables.subcases_table(results.hans, config),
            ),
        ),
        old_section(
            "patterns",
            "Attention patterns",
            "Which patterns does the attention of heads show, in all heads and in those that survive, "
            "and do heads survive for attending to many things?",
            "Prasanna et al. 2020, Figure 4 and Section 6; classes of Kovaleva et al. 2019, norms of "
            "Kobayashi et al. 2020.",
            pattern_tables.on_patterns(patterns, config),
            (
                pattern_figures.pattern_examples_figure(config),
                pattern_figures.patterns_figure(patterns, config),
            ),
            (
                pattern_tables.patterns_table(patterns, config),
                pattern_tables.published_patterns_table(patterns, config),
                pattern_tables.correlation_table(patterns, config),
                pattern_tables.confusion_table(patterns, config),
            ),
        ),
    ]
    return {section.name: section for section in made}


def old_claims(results: Results, config: Study, known: set[str]) -> list[Claim]:
    """Claims of sections that are not rebuilt yet, but those whose names are known."""
    chen = ChenResults(
        results.published_tickets,
        results.published_transfers,
        results.published_dark,
        results.published_strict,
    )
    data = Data(
        results.scores,
        results.tasks,
        results.agreement,
        chen_tables.same_encoder(results.layers),
        chen,
    )
    made = [
        Claim(
            one.name,
            one.statement,
            BEYOND_CHEN if one.name in BEYOND else CHEN,
            targets.stages_of_claim(one.name),
            one.paper,
            one.here,
            one.n,
            one.holds,
            one.verdict,
            one.paper_value,
            one.found,
            one.mark,
            one.over,
            Beside(one.same.paper, one.same.found, one.same.over, one.same.why)
            if one.same
            else None,
        )
        for one in chen_claims.check(data, config)
    ]
    return [claim for claim in made if claim.name not in known]
