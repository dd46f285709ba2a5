"""The tables of movement, on made-up results, and on one row by hand."""

from dataclasses import replace

from stages.tickets.report import movement_tables
from stages.tickets.report.words import NONE, NOT_RUN
from tests.made_up import config, study


def test_a_task_whose_weights_move_little_could_not_differ() -> None:
    """Of the first task 1 of 25 kept weights could be exchanged: 24 of 26 stay common; of others half."""
    made = study(config(2, 3, 1))
    table = movement_tables.movement_table(made.movement, made.config)
    header, first, second = table.header, table.rows[0], table.rows[1]
    cells = dict(zip(header, first, strict=True))
    assert cells["steps"] == "60"
    assert cells["largest move"] == "0.001"
    assert cells["threshold"] == "0.04"
    assert cells["could differ, %"] == "3.9"  # 30 of 770
    assert cells["differs, %"] == "1.9"  # 15 of 770
    assert cells["Jaccard at least"] == "0.925"  # 740 of 800
    assert cells["Jaccard"] == "0.962"  # 755 of 785
    assert first[-1] == "could not differ"
    assert second[-1] == NONE
    assert [record["could_not_differ"] for record in table.records] == ["True", "False"]
    assert [record["n"] for record in table.records] == [3, 3]


def test_one_seed_that_could_differ_is_enough() -> None:
    made = study(config(1, 3, 1))
    assert movement_tables.could_not_differ(made.movement)
    free = replace(made.movement[1], jaccard_at_least=movement_tables.FORCED - 0.01)
    assert not movement_tables.could_not_differ([made.movement[0], free])


def test_pairs_beyond_the_one_shot_mask_are_averaged_with_their_floors() -> None:
    made = study(config(3, 3, 2))
    table = movement_tables.beyond_table(made.beyond, made.config)
    assert table.rows[0][1:] == (
        "0.820 (0.250; 0.300)",
        "0.100 (0.050; 0.060)",
        "0.200 (0.050; 0.060)",
        "0.400 (0.050; 0.060)",
        "0.500 (0.050; 0.060)",
    )
    alone = study(config(1, 1, 1))
    lonely = movement_tables.beyond_table(alone.beyond, alone.config)
    assert lonely.rows[0][1:] == ("0.810 (0.250; 0.300)", *[NOT_RUN] * 4)


def test_types_of_matrices_are_weighted_by_size_over_layers() -> None:
    """Queries 70 and 69 of 100, outputs 280 and 279 of 400, as made up; the pooler 20 of 100."""
    made = study(config(1, 1, 1))
    table = movement_tables.types_table(made.layers, made.config)
    assert table.header == ("task", "query", "MLP out", "pooler")
    assert table.rows == (("entailment", "69.5", "69.9", "20.0"),)
    assert NONE not in table.rows[0]


def test_the_figure_shows_what_is_and_what_could_be() -> None:
    made = study(config(2, 1, 2))
    figure = movement_tables.movement_figure(made.movement, made.config)
    assert "<svg" in figure.svg
    assert len(figure.records) == 4
    assert figure.records[0]["chance"] == 0.7 / 1.3


def test_the_answer_names_the_tasks_that_could_not_differ() -> None:
    made = study(config(3, 2, 2))
    answer = movement_tables.on_movement(made.movement, made.config)
    assert answer.endswith(
        "in 1 task of 3 weights moved so little that the mask could not differ: entailment."
    )
    rest = [row for row in made.movement if row.task != "entailment"]
    assert "no task's weights" in movement_tables.on_movement(rest, made.config)


def test_without_rows_tables_figure_and_answer_say_so() -> None:
    made = study(config(1, 1, 1))
    assert movement_tables.movement_table([], made.config).missing.startswith("not run")
    assert movement_tables.movement_figure([], made.config).missing.startswith("not run")
    assert movement_tables.on_movement([], made.config).startswith("Not run")
    assert movement_tables.types_table([], made.config).missing
