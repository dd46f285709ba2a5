"""Bad subnetworks beside what knows less than BERT, on made-up results."""

from dataclasses import replace

from stages.tickets.report.scores import Run
from stages.tickets.report.sections import bad_subnetworks
from tests.made_up import config, study, with_scores


def test_bad_subnetworks_stand_beside_baselines_and_the_paper() -> None:
    made = study(config(2, 3, 1))
    rows = bad_subnetworks.measure(made.results, made.config)
    table = bad_subnetworks.bad_table(rows, made.results, made.config)
    assert [row[0] for row in table.rows] == [
        "majority class",
        "the same in the paper",
        "averaged word vectors",
        "bag of words",
        "random weights, random heads and MLPs",
        "bad heads and MLPs, retrained",
        "the same in the paper",
        "bad weights, retrained",
        "the same in the paper",
        "random heads and MLPs, retrained",
        "dense",
    ]
    assert {task for row in rows if row.origin == "paper" for task in row.by_task} == {"sentiment"}
    seeds = {row.setting: row.num_seeds for row in rows if row.origin == "here"}
    assert seeds["scratch_structured", "structured random"] == 3
    assert seeds["bag_of_words", ""] == 0
    answer = bad_subnetworks.answer(rows, made.results, made.config)
    shown = "bad heads and MLPs, retrained +9.3 (entailment, bag of words)"
    assert answer.startswith(
        f"Minus the best on validation that knows less, by task in points: {shown}"
    )
    assert "surely above in 2 of 2" in answer


def test_there_is_no_mean_over_tasks() -> None:
    made = study(config(3, 3, 1))
    rows = bad_subnetworks.measure(made.results, made.config)
    assert "mean" not in bad_subnetworks.bad_table(rows, made.results, made.config).header


def test_a_count_is_corrected_for_its_tasks() -> None:
    """A p of .04 on either of two tasks is sure on none."""
    made = study(config(2, 3, 1))
    changes = {}
    for task in made.config.tasks:
        (level,) = made.found.of(Run(task, "bag_of_words")).values()
        values = [level + 0.1 + step for step in (-0.0357, 0.0, 0.0357)]  # t is 4.85
        changes[task, "retrained", 0, "validation"] = values
    results = replace(made.results, scores=with_scores(made, changes))
    rows = bad_subnetworks.measure(results, made.config)
    answer = bad_subnetworks.answer(rows, results, made.config)
    assert "+10.0 (entailment, bag of words), surely above in 0 of 2" in answer
