"""What is told of tasks."""

from dataclasses import replace

from stages.tickets.report.rows import TaskSize
from stages.tickets.report.section import Section
from stages.tickets.report.sections import tasks
from tests.made_up import config, study


def section_of(*sizes: TaskSize) -> Section:
    made = study(config(1, 1, 1))
    return tasks.section(replace(made.results, tasks=sizes), made.config)


def test_a_task_of_answers_is_described() -> None:
    asks = TaskSize("squad", "span", 2, "answer_f1 exact_match", 88_524, 9_000, 10_784)
    assert section_of(asks).tables[0].rows == (
        ("squad", "an answer in a text", "F1 of answers, exact match", "88,524", "9,000", "10,784"),
    )


def test_the_answer_has_the_ends_of_the_sizes() -> None:
    sizes = [TaskSize("a", "classification", 2, "accuracy", size, 1, 1) for size in (1200, 5)]
    assert section_of(*sizes).answer == "2 tasks with 5 to 1,200 training examples."
    assert section_of(sizes[1]).answer == "1 task with 5 training examples."


def test_empty_texts_are_shown_if_there_are_any() -> None:
    full = TaskSize("a", "classification", 2, "accuracy", 90, 10, 40)
    some = replace(full, task="b", empty_texts=1200)
    assert "empty texts" not in section_of(full).tables[0].header
    table = section_of(full, some).tables[0]
    assert table.header[-1] == "empty texts"
    assert [row[-1] for row in table.rows] == ["0", "1,200"]
