"""The sections of the report in their order, and what its numbers are about."""

from dataclasses import fields, replace
from typing import Any

from stages.tickets.report import scope, sections
from stages.tickets.report.figure import Figure
from stages.tickets.report.rows import Agreement
from stages.tickets.report.scores import Scores
from stages.tickets.report.search_rows import StructureAgreement
from stages.tickets.report.section import Section
from stages.tickets.report.table import Table
from tests.made_up import (
    config,
    sections_of,
    study,
    with_everything,
    with_language,
    with_scores,
)

NAMED = (
    "No evidence: the dense model of entailment is not above the majority class by its interval, so no "
    "mean, count or claim has it."
)


def test_every_answer_table_and_figure_stands_in_its_section() -> None:
    found = sections_of((3, 3, 2, True), everything=False)
    assert {
        section.name: ([one.name for one in section.figures], [one.name for one in section.tables])
        for section in found
    } == {
        "tasks": ([], ["tasks"]),
        "tickets": ([], ["tickets", "ticket_rules", "tickets_published"]),
        "scores": (["scores"], ["scores", "other_metrics"]),
        "controls": (["controls"], ["controls"]),
        "transfer": (
            ["transfer", "transfer_published"],
            ["transfer", "transfer_published"],
        ),
        "transfer_weights": ([], ["transfer_weights"]),
        "rewinding": (["rewinding", "standard"], ["rewinding", "standard"]),
        "seeds": ([], ["cross", "cross_variance"]),
        "distillation": (
            ["distilled", "distilled_masks"],
            ["distilled", "distilled_masks", "distilled_copies"],
        ),
        "agreement": (["agreement"], ["agreement"]),
        "layers": (["layers", "layers_by_task"], ["layers", "types"]),
        "movement": (["movement"], ["movement", "beyond"]),
        "chen_claims": ([], ["chen_claims"]),
        "at_initialisation": (
            ["at_initialisation", "neurons", "matrix_scores"],
            [
                "best_at_initialisation",
                "at_initialisation",
                "critical",
                "collapse",
                "start_density",
                "tanaka_claims",
                "tanaka_published",
            ],
        ),
        "learned_masks": (
            ["learned_probabilities", "noisy_labels"],
            ["learned_masks", "noisy_labels", "lent_masks"],
        ),
        "greedy": (["channel_rankings", "channels"], ["channel_rankings", "channels"]),
        "quantized": (["quantized"], ["quantized"]),
        "ternary": (["ternary", "ternary_grid", "ternary_blocks"], ["ternary", "ternary_grid"]),
        "sizes": (["sizes"], ["sizes", "forms"]),
        "subnetworks": (["subnetworks"], ["subnetworks"]),
        "bad_subnetworks": ([], ["bad_subnetworks"]),
        "claims": ([], ["claims", "structure_claims", "published"]),
        "survival": (
            [
                "survival",
                "survival_of_weights",
                "survival_of_heads",
                "survival_of_mlps",
                "survival_by_task",
                "survival_of_weights_by_task",
                "overlaps",
            ],
            [
                "searches",
                "structure_agreement",
                "weights_by_layer",
                "survival_published",
                "overlaps_published",
            ],
        ),
        "importance": (["importance", "importance_by_magnitude"], ["magnitude_by_importance"]),
        "hans": (["hans"], ["hans", "hans_subcases"]),
        "patterns": (
            ["pattern_examples", "patterns"],
            ["patterns", "patterns_published", "pattern_survival", "pattern_confusion"],
        ),
        "landscapes": (["landscapes", "planes"], ["curvature", "planes", "plane_points"]),
        "connectivity": (
            ["connectivity", "connectivity_paths", "connectivity_seeds"],
            [
                "connectivity",
                "connectivity_matching",
                "connectivity_rounds",
                "connectivity_geometry",
            ],
        ),
    }


def test_the_scope_says_what_the_numbers_are_about() -> None:
    made = study(config(3, 3, 2))
    record = {"num_prunable": 12345, "num_weights": 23456, "masked_accuracy": 0.41}
    facts = dict(scope.scope(made.found, record, made.config))
    assert "12,345 of 23,456" in facts["Prunable"]
    assert facts["Seeds"] == "1, 2, 3 (n=3)"
    assert "similarity (Pearson)" in facts["Tasks"]
    assert "41\N{NO-BREAK SPACE}%" in facts["Encoder"]


def test_a_task_without_evidence_is_in_no_test_and_in_every_answer() -> None:
    """Neither as task, nor as source or target of masks."""
    asked = with_language(config(3, 3, 2))
    places = {"sources": asked.tasks[:2], "targets": asked.tasks}
    weights = asked.transfer_weights.model_copy(update=places)
    made = study(asked.model_copy(update={"transfer_weights": weights}))
    low = {
        ("entailment", "dense", 0, split): [0.3, 0.5, 0.43] for split in ("selection", "validation")
    }
    results = replace(made.results, scores=with_scores(made, low))
    assert results.no_evidence == ("entailment",)
    parts = {part.name: part for part in sections.build(results, made.config)}
    tests = [test.of for part in parts.values() for claim in part.claims for test in claim.tests]
    assert len(tests) > 30
    assert [of for of in tests if "entailment" in of] == []
    named = {name for name, part in parts.items() if part.answer.endswith(NAMED)}
    assert named == {part.name for part in parts.values() if not part.answer.startswith("Not run")}
    assert parts["transfer"].answer.startswith("1 of 2 transfers of a task's mask")
    agree = next(claim for claim in parts["agreement"].claims if claim.name == "masks_agree")
    assert agree.over == "1 pair of tasks"


def perturbed(row: Any, task: str) -> Any:
    """Return a row with other numbers, if they are of a task or of all tasks of a seed."""
    names = [getattr(row, name, None) for name in ("task", "first", "second", "source")]
    of_all = [name for name in names[:2] if name is not None] == [""]
    if task not in names and not of_all:
        return row
    new = {
        field.name: not value
        if isinstance(value, bool)
        else 0.4 * value
        if isinstance(value, float)
        else value // 2
        for field in fields(row)
        if isinstance(value := getattr(row, field.name), float)
        or (
            field.name
            in ("kept", "examples", "survives", "heads", "mlps", "exchanged", "most_exchanged")
            and value is not None
            and not isinstance(value, str)
        )
    }
    return replace(row, **new)


def apart_from(task: str, parts: list[Section]) -> list[Any]:
    """Return all that a report says: cells and numbers of rows and columns that are not of a task."""
    kept: list[Any] = []
    for part in parts:
        kept.append((part.name, part.answer, part.claims))
        drawn: list[Table | Figure] = [*part.tables, *part.figures]
        for shown in drawn:
            kept += [
                (shown.name, [pair for pair in record.items() if task not in pair[0]])
                for record in shown.records
                if not any(task in str(value) for value in record.values())
            ]
        for table in part.tables:
            columns = [number for number, name in enumerate(table.header) if task not in name]
            kept += [
                (table.name, [row[number] for number in columns])
                for row in table.rows
                if not any(task in cell for cell in row)
            ]
    return kept


def test_nothing_of_a_task_without_evidence_is_in_what_is_of_other_tasks() -> None:
    """Whatever was measured on it: no mean, count, correlation, claim or answer changes with it."""
    asked = with_everything(config(3, 3, 2))
    made = study(asked)
    more = [
        Agreement("tasks", *at, "", "", str(seed), "fleiss_kappa", 0.5, 0.1, 0.2)
        for at in ((1, 0.3), (2, 0.6))
        for seed in asked.seeds
    ]
    of_seeds = [
        StructureAgreement("tasks", "joint", "", "1", part, 3, "cohen_kappa", 0.3, 0.0, 0.2, None)
        for part in ("heads", "mlps")
    ]
    low = {
        ("entailment", "dense", 0, split): [0.3, 0.5, 0.43] for split in ("selection", "validation")
    }
    first = replace(
        made.results,
        scores=with_scores(made, low),
        agreement=[*made.agreement, *more],
        structures=[*made.structures, *of_seeds],
    )
    tables: dict[str, Any] = {
        field.name: [perturbed(row, "entailment") for row in getattr(first, field.name)]
        for field in fields(first)
        if field.metadata and not field.name.startswith("published") and field.name != "tasks"
    }
    changed = [
        row if row.kind in ("dense", "majority") else perturbed(row, "entailment")
        for row in made.scores
    ]
    second = replace(first, scores=with_scores(replace(made, scores=changed), low), **tables)
    before, after = (
        apart_from("entailment", sections.build(results, asked)) for results in (first, second)
    )
    assert before == after
    everything = replace(second, scores=Scores(changed))  # a task that has learned moves much
    assert (
        len(
            set(map(str, apart_from("entailment", sections.build(everything, asked))))
            - set(map(str, before))
        )
        > 50
    )


def test_a_study_in_which_no_task_is_learned_has_a_report() -> None:
    made = study(with_everything(config(3, 3, 2)))
    low = {
        (task, "dense", 0, split): [0.0, 0.01, 0.02]
        for task in made.config.tasks
        for split in ("selection", "validation")
    }
    results = replace(made.results, scores=with_scores(made, low))
    assert set(results.no_evidence) == {row.task for row in results.tasks if row.kind != "mlm"}
    parts = sections.build(results, made.config)
    assert [test for part in parts for claim in part.claims for test in claim.tests] == []
