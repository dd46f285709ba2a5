"""How far weights moved, on made-up results, and on one row by hand."""

from collections.abc import Sequence
from dataclasses import replace

from stages.tickets.report.rows import Movement
from stages.tickets.report.section import Section
from stages.tickets.report.sections import movement
from stages.tickets.report.words import NONE, NOT_RUN
from tests.made_up import Study, config, study


def section_of(made: Study, rows: Sequence[Movement] | None = None) -> Section:
    results = replace(made.results, movement=made.movement if rows is None else rows)
    return movement.section(results, made.config)


def test_a_task_whose_weights_move_little_could_not_differ() -> None:
    """Of the first task 1 of 25 kept weights could be exchanged: 24 of 26 stay common; of others half."""
    made = study(config(2, 3, 1))
    table = section_of(made).tables[0]
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
    assert movement.by_task_and_round(made.movement, made.config)[0].could_not_differ
    free = replace(made.movement[1], jaccard_at_least=movement.FORCED - 0.01)
    (row,) = movement.by_task_and_round([made.movement[0], free], made.config)
    assert not row.could_not_differ


def test_pairs_beyond_the_one_shot_mask_are_averaged_with_their_floors() -> None:
    made = study(config(3, 3, 2))
    table = section_of(made).tables[1]
    assert table.rows[0][1:] == (
        "0.820 (0.250; 0.300)",
        "0.100 (0.050; 0.060)",
        "0.200 (0.050; 0.060)",
        "0.400 (0.050; 0.060)",
        "0.500 (0.050; 0.060)",
    )
    alone = study(config(1, 1, 1))
    lonely = section_of(alone).tables[1]
    assert lonely.rows[0][1:] == ("0.810 (0.250; 0.300)", *[NOT_RUN] * 4)


def test_the_figure_shows_what_is_and_what_could_be() -> None:
    made = study(config(2, 1, 2))
    figure = section_of(made).figures[0]
    assert "<svg" in figure.svg
    assert len(figure.records) == 4
    assert figure.records[0]["chance"] == 0.7 / 1.3


def test_the_answer_names_the_tasks_that_could_not_differ() -> None:
    made = study(config(3, 2, 2))
    answer = section_of(made).answer
    assert answer.endswith(
        "in 1 task of 3 weights moved so little that the mask could not differ: entailment."
    )
    rest = [row for row in made.movement if row.task != "entailment"]
    assert "no task's weights" in section_of(made, rest).answer


def test_without_rows_table_figure_and_answer_say_so() -> None:
    section = section_of(study(config(1, 1, 1)), [])
    assert section.tables[0].missing.startswith("not run")
    assert section.figures[0].missing.startswith("not run")
    assert section.answer.startswith("Not run")
