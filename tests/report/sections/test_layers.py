"""What masks keep of every matrix, on made-up results."""

from collections.abc import Sequence
from dataclasses import replace

from stages.tickets.report.rows import Kept
from stages.tickets.report.section import Section
from stages.tickets.report.sections import layers
from stages.tickets.report.words import NONE
from tests.made_up import Study, config, study


def section_of(made: Study, rows: Sequence[Kept] | None = None) -> Section:
    results = replace(made.results, layers=made.layers if rows is None else rows)
    return layers.section(results, made.config)


def test_a_layer_as_a_whole_is_weighted_by_size() -> None:
    made = study(config(1, 1, 1))
    table = section_of(made).tables[0]
    assert table.rows[0] == ("layer 0", "70.0", "70.0", "70.0")
    assert table.rows[1] == ("layer 1", "69.0", "69.8", "69.6")  # (69 + 279) / 500
    assert table.rows[2] == ("pooler", NONE, NONE, "20.0")


def test_types_of_matrices_are_weighted_by_size_over_layers() -> None:
    """Queries 70 and 69 of 100, outputs 280 and 279 of 400, as made up; the pooler 20 of 100."""
    made = study(config(1, 1, 1))
    table = section_of(made).tables[1]
    assert table.header == ("task", "query", "MLP out", "pooler")
    assert table.rows == (("entailment", "69.5", "69.9", "20.0"),)


def test_layers_name_the_densest_and_the_sparsest_matrix_of_the_last_round() -> None:
    made = study(config(2, 2, 2))
    in_layers = [row for row in made.layers if row.layer is not None]
    start = "At 60\N{NO-BREAK SPACE}% over all, sparsity goes from 60.0 % (layer 0, query) to "
    end = "; mean over tasks and seeds, layers counted from 0."
    assert section_of(made).answer == f"{start}80.0 % (pooler){end}"
    assert section_of(made, in_layers).answer == f"{start}61.0 % (layer 1, query){end}"


def test_layers_are_means_over_tasks() -> None:
    made = study(config(2, 1, 1))
    rows = [
        Kept(task, 1, 1, 0.3, layer, matrix, 100, kept)
        for layer, matrix, by_task in (
            (0, "intermediate.dense", (100, 40)),
            (1, "output.dense", (80, 80)),
            (2, "attention.self.key", (30, 90)),
        )
        for task, kept in zip(made.config.tasks, by_task, strict=True)
    ]
    means = layers.densities(rows, made.results)
    assert layers.answer(means, "", made.config) == (
        "At 30\N{NO-BREAK SPACE}% over all, sparsity goes from 20.0 % (layer 1, MLP out) to 40.0 % "
        "(layer 2, key); mean over tasks and seeds, layers counted from 0."
    )


def test_layers_without_rows_of_the_last_round_say_so() -> None:
    made = study(config(1, 1, 2))
    first = [row for row in made.layers if row.round == 1]
    assert first
    section = section_of(made, first)
    assert section.answer == "Not run: layers.csv has no rows of the last round."
    assert all(table.missing for table in section.tables)
    assert all(figure.missing for figure in section.figures)
