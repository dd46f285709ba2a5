"""The tables of scores, on made-up results."""

from stages.tickets.report import score_tables
from stages.tickets.report.rows import ScoreRow, TaskSize
from stages.tickets.report.scores import Scores
from tests.made_up import config, study


def test_collapsed_runs_have_a_dagger() -> None:
    made = study(config(1, 3, 1))
    rows = [
        ScoreRow(**(row.__dict__ | {"collapsed": True})) if row.kind == "dense" else row
        for row in made.scores
    ]
    table = score_tables.scores_table(Scores(rows), made.config)
    dense = next(row for row in table.rows if row[0] == "dense")
    assert dense[1].endswith("†")


def test_a_task_of_answers_is_described() -> None:
    asks = TaskSize("squad", "span", 2, "answer_f1 exact_match", 88_524, 9_000, 10_784)
    table = score_tables.tasks_table([asks])
    assert table.rows == (
        ("squad", "an answer in a text", "F1 of answers, exact match", "88,524", "9,000", "10,784"),
    )
    assert "a question with a window of its text" in table.caption
    rated = TaskSize("stsb", "regression", 1, "pearson", 5, 1, 1)
    assert "window" not in score_tables.tasks_table([rated]).caption
