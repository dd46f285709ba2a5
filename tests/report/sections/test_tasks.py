"""What is said of tasks."""

from stages.tickets.report.rows import TaskSize
from stages.tickets.report.sections.tasks import answer, tasks_table


def test_a_task_of_answers_is_described() -> None:
    asks = TaskSize("squad", "span", 2, "answer_f1 exact_match", 88_524, 9_000, 10_784)
    table = tasks_table([asks])
    assert table.rows == (
        ("squad", "an answer in a text", "F1 of answers, exact match", "88,524", "9,000", "10,784"),
    )
    assert "a question with a window of its text" in table.caption
    rated = TaskSize("stsb", "regression", 1, "pearson", 5, 1, 1)
    assert "window" not in tasks_table([rated]).caption


def test_the_answer_has_the_ends_of_the_sizes() -> None:
    sizes = [TaskSize("a", "classification", 2, "accuracy", size, 1, 1) for size in (1200, 5)]
    assert answer(sizes) == "2 tasks with 5 to 1,200 training examples."
    assert answer(sizes[1:]) == "1 task with 5 training examples."
