"""The report: its sections, what its numbers are about, and how to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stages.tickets import settings
from stages.tickets.report import (
    answers,
    baseline_tables,
    chen_report,
    claims,
    curves,
    deviations,
    figures,
    hans_tables,
    heat_maps,
    importance_reports,
    mask_tables,
    movement_tables,
    pattern_figures,
    pattern_tables,
    place_tables,
    score_tables,
    structure_claims,
    subnetwork_figures,
    subnetwork_tables,
    survival_figures,
    targets,
    verdict_cards,
)
from stages.tickets.report.chen_rows import ChenResults
from stages.tickets.report.formatting import percent
from stages.tickets.report.pattern_rows import PatternResults
from stages.tickets.report.rows import (
    Agreement,
    HansScore,
    Importance,
    Kept,
    Movement,
    Overlap,
    Place,
    Published,
    PublishedStructure,
    Searched,
    Size,
    StructureAgreement,
    TaskSize,
    WeightsOfLayer,
)
from stages.tickets.report.runs import task_name
from stages.tickets.report.scores import Scores
from stages.tickets.report.sections import Section
from stages.tickets.report.verdict_cards import Card
from stages.tickets.statistics import intervals


class Config(figures.Config, deviations.Config, targets.Config, Protocol):
    """The sections of params.yaml that the report reads."""

    @property
    def study(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def banner(self) -> str: ...


@dataclass(frozen=True)
class Results:
    """The tables that other stages write."""

    scores: Scores
    tasks: Sequence[TaskSize]
    agreement: Sequence[Agreement]
    layers: Sequence[Kept]
    sizes: Sequence[Size]
    searched: Sequence[Searched]
    structures: Sequence[StructureAgreement]
    places: Sequence[Place]
    overlaps: Sequence[Overlap]
    importance: Sequence[Importance]
    weights: Sequence[WeightsOfLayer]
    published: Sequence[Published]
    published_structure: Sequence[PublishedStructure]
    published_places: Sequence[Place]
    published_overlaps: Sequence[Overlap]
    hans: Sequence[HansScore]
    patterns: PatternResults
    chen: ChenResults
    beyond: Sequence[Agreement]
    movement: Sequence[Movement]


def build(results: Results, config: Config) -> list[Section]:
    """All sections, with their figures and tables."""
    scores, agreement, layers = results.scores, results.agreement, results.layers
    claimed = claims.claims_table(scores, results.published, config)
    structure_claimed = structure_claims.structure_claims_table(
        structure_claims.Found(
            results.sizes, results.searched, results.structures, results.places, results.weights
        ),
        results.published_structure,
        config,
    )
    return [
        Section(
            "tasks",
            "The tasks",
            "How many examples do they have, and what is scored?",
            "Prasanna et al. 2020, Table 1.",
            answers.on_tasks(results.tasks),
            (),
            (score_tables.tasks_table(results.tasks),),
        ),
        *chen_report.before_masks(scores, layers, results.chen, config),
        Section(
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
        Section(
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
        Section(
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
        chen_report.claims_section(scores, results.tasks, agreement, layers, results.chen, config),
        Section(
            "subnetworks",
            "Good, random and bad subnetworks",
            "Do heads, MLPs and weights that a search of the fine-tuned model kept train better alone "
            "than as many drawn at random, or than those that it dropped?",
            "Prasanna et al. 2020, Figure 2 and the table of all settings in the appendix.",
            answers.on_subnetworks(scores, config),
            (subnetwork_figures.subnetworks_figure(scores, config),),
            (subnetwork_tables.subnetworks_table(scores, results.sizes, config),),
        ),
        Section(
            "bad_subnetworks",
            "How bad are bad subnetworks?",
            "Do bad subnetworks, trained alone, score better than models that know less than BERT?",
            "Prasanna et al. 2020, Table 2.",
            baseline_tables.on_bad(scores, config),
            (),
            (baseline_tables.bad_table(scores, results.published, config),),
        ),
        Section(
            "claims",
            "What Prasanna et al. say",
            "Do their statements on subnetworks hold here?",
            "Prasanna et al. 2020, abstract, Figures 1 and 2, table of all settings in the appendix.",
            claims.on_claims(claimed, structure_claimed),
            (),
            (
                claimed,
                structure_claimed,
                claims.published_table(scores, results.published, config),
            ),
        ),
        Section(
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
        Section(
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
        Section(
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
        Section(
            "patterns",
            "Attention patterns",
            "Which patterns does the attention of heads show, in all heads and in those that survive, "
            "and do heads survive for attending to many things?",
            "Prasanna et al. 2020, Figure 4 and Section 6; classes of Kovaleva et al. 2019, norms of "
            "Kobayashi et al. 2020.",
            pattern_tables.on_patterns(results.patterns, config),
            (
                pattern_figures.pattern_examples_figure(config),
                pattern_figures.patterns_figure(results.patterns, config),
            ),
            (
                pattern_tables.patterns_table(results.patterns, config),
                pattern_tables.published_patterns_table(results.patterns, config),
                pattern_tables.correlation_table(results.patterns, config),
                pattern_tables.confusion_table(results.patterns, config),
            ),
        ),
    ]


def cards_of(sections: Sequence[Section], config: Config) -> list[Card]:
    """Every statement, from the tables of claims that `build` made."""
    tables = {table.name: table for section in sections for table in section.tables}
    return verdict_cards.of_claims(
        tables["chen_claims"], tables["claims"], tables["structure_claims"], config
    )


def scope(scores: Scores, record: Mapping[str, object], config: Config) -> list[tuple[str, str]]:
    """What the numbers are about: encoder, tasks, seeds, rounds.

    Args:
        record: encoder.json, with num_prunable and num_weights.
    """
    weights = f"{record['num_prunable']:,} of {record['num_weights']:,} encoder weights"
    metrics = [task_name(task, scores) for task in config.tasks]
    sparsities = ", ".join(percent(after.sparsity) for after in config.rounds)
    start = f"the weights at {config.imp.rewind_to} % of the dense training"
    return [
        ("Encoder", _encoder(config.encoder, record)),
        ("Prunable", weights + ": the matrices of attention and MLPs, and a pooler if any"),
        ("Tasks", ", ".join(metrics)),
        ("Seeds", f"{', '.join(map(str, config.seeds))} (n={len(config.seeds)})"),
        ("Rounds", f"{len(config.rounds)}, to {sparsities} sparsity"),
        ("Rewound to", start if config.imp.rewind_to else "the pre-trained weights (0 %)"),
        *_ran(config.ran),
        ("Made by", f"uv run dvc repro, with the params.yaml of the study {config.study}"),
    ]


def _ran(ran: settings.Ran | None) -> list[tuple[str, str]]:
    if ran is None:
        return [("Hardware", "not said: `ran` in params.yaml is null")]
    return [
        ("Hardware", f"{ran.hardware} (as ran in params.yaml says)"),
        ("Hours", f"{ran.hours:g}, ended on {ran.date}"),
        ("Commit", ran.commit or "the one that holds this report"),
    ]


def _encoder(source: settings.Encoder, record: Mapping[str, object]) -> str:
    match source:
        case settings.Pretrain():
            text = (
                f"BERT with {source.layers} layers, {source.attention_heads} attention heads, "
                f"hidden size {source.hidden}, MLP size {source.mlp}; pre-trained here on "
                f"{source.sentences:,} sentences of the miniature language"
            )
        case settings.HubEncoder():
            text = f"{source.name} at revision {source.revision[:12]}"
        case settings.FolderEncoder():
            text = "a model from a local folder"
        case settings.PackageEncoder():
            text = f"the model in the Python package {source.name}"
    accuracy = record.get("masked_accuracy")
    if isinstance(accuracy, float):
        text += f"; finds {percent(accuracy)} of the hidden words of held-out sentences"
    return text


def notes(config: Config) -> list[str]:
    """How to read the numbers."""
    found = [
        "A point is 0.01 of the metric: 81.3 is an accuracy or a correlation of 0.813.",
        (
            "theta_0 are the pre-trained weights, theta_i those after i % of the training; a mask keeps "
            "some of the prunable weights and sets the others to 0."
        ),
        (
            "n counts seeds where no table says otherwise. A seed moves the classifier's first weights, "
            "the order of the data, dropout and random masks, as far as noise in params.yaml lets it; "
            "encoder and examples are the same for all seeds. The intervals are about these seeds only; "
            "those over several tasks are of each seed's mean over the tasks."
        ),
    ]
    n = len(config.seeds)
    any_values = intervals.summarize(range(n), config.tickets.confidence)
    if any_values.std is None or any_values.half is None:
        return [*found, "With n=1 there is no standard deviation and no interval."]
    reach = any_values.half / any_values.std
    interval = f"{percent(config.tickets.confidence)} interval"
    return [*found, f"With n={n} the {interval} reaches {reach:.1f} standard deviations each way."]
