"""Sections that are not rebuilt yet."""

from stages.tickets.report import (
    answers,
    baseline_tables,
    claims,
    importance_reports,
    place_tables,
    structure_claims,
    subnetwork_figures,
    subnetwork_tables,
    survival_figures,
    targets,
)
from stages.tickets.report.claim import PRASANNA, Claim
from stages.tickets.report.old import old_section
from stages.tickets.report.results import Results
from stages.tickets.report.section import Section
from stages.tickets.report.words import NONE, count
from stages.tickets.settings import Study


def old_sections(results: Results, config: Study) -> dict[str, Section]:
    """Sections that are not rebuilt yet, by name."""
    scores = results.scores
    made = [
        old_section(
            "subnetworks",
            "Good, random and bad subnetworks",
            "Do heads, MLPs and weights that a search of the fine-tuned model kept train better alone "
            "than as many drawn at random, or than those that it dropped?",
            "Prasanna et al. 2020, Figure 2 and the table of all settings in the appendix.",
            answers.on_subnetworks(scores, config),
            (subnetwork_figures.subnetworks_figure(scores, config),),
            (subnetwork_tables.subnetworks_table(scores, results.sizes, config),),
        ),
        old_section(
            "bad_subnetworks",
            "How bad are bad subnetworks?",
            "Do bad subnetworks, trained alone, score better than models that know less than BERT?",
            "Prasanna et al. 2020, Table 2.",
            baseline_tables.on_bad(scores, config),
            (),
            (baseline_tables.bad_table(scores, results.published_scores, config),),
        ),
        old_section(
            "survival",
            "What searches keep, and how stably",
            "Which heads and MLPs survive, and do seeds, tasks, halves of the examples and rules of "
            "importance agree on them?",
            "Prasanna et al. 2020, Figures 1 and 5, maps by task in the appendix, and its κ over "
            "seeds; the halves are ours.",
            answers.on_survival(results.structures),
            (
                survival_figures.survival_figure(results.places, config, "joint"),
                survival_figures.survival_figure(results.places, config, "magnitude"),
                survival_figures.survival_figure(results.places, config, "heads"),
                survival_figures.survival_figure(results.places, config, "mlps"),
                survival_figures.survival_by_task_figure(results.places, config, "joint"),
                survival_figures.survival_by_task_figure(results.places, config, "magnitude"),
                survival_figures.overlaps_figure(results.overlaps, config),
            ),
            (
                subnetwork_tables.searches_table(results.searched, config),
                subnetwork_tables.structure_agreement_table(results.structures, config),
                importance_reports.weights_table(results.weights, config),
                place_tables.places_table(results.places, results.published_places, config),
                place_tables.overlaps_table(
                    results.overlaps,
                    results.published_overlaps,
                    place_tables.same_encoder(results.places, results.published_places),
                    config,
                ),
            ),
        ),
        old_section(
            "importance",
            "What does importance see?",
            "How is importance spread over heads, and is it the magnitude of their weights in disguise?",
            "Prasanna et al. 2020, Figure 3; magnitudes are in their code.",
            importance_reports.on_importance(results.importance),
            (
                importance_reports.histogram_figure(results.importance, config),
                importance_reports.magnitude_figure(results.importance, config),
            ),
            (importance_reports.magnitude_table(results.importance, config),),
        ),
    ]
    return {section.name: section for section in made}


def old_claims(results: Results, config: Study, known: set[str]) -> list[Claim]:
    """Claims of sections that are not rebuilt yet, but those whose names are known."""
    made: list[Claim] = []
    claimed = claims.claims_table(results.scores, results.published_scores, config)
    for row, record in zip(claimed.rows, claimed.records, strict=True):
        statement, theirs, here, apart, n, holds, same = row
        made.append(
            Claim(
                str(record["claim"]), statement, PRASANNA, targets.stages_of_claim(str(record["claim"])),
                theirs, here, 0 if n == NONE else int(n), holds, same, gap=apart,
            )
        )  # fmt: skip
    structure = structure_claims.structure_claims_table(
        structure_claims.Found(
            results.sizes, results.searched, results.structures, results.places, results.weights
        ),
        results.published_structure,
        config,
    )
    for row, record in zip(structure.rows, structure.records, strict=True):
        statement, theirs, here, apart, num_tasks, same = row
        seeds = 0 if here == NONE else int(str(record["seeds"]))
        made.append(
            Claim(
                str(record["quantity"]), statement, PRASANNA,
                targets.stages_of_claim(str(record["quantity"])), theirs, here, seeds, verdict=same,
                over=count(int(num_tasks), "task"), gap=apart, is_number=True,
            )
        )  # fmt: skip
    return [claim for claim in made if claim.name not in known]
