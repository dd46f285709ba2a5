"""Answers hold what the tables hold, on made-up results."""

import pytest

from stages.tickets.report import answers
from stages.tickets.report.rows import Kept
from stages.tickets.report.scores import Scores
from tests.made_up import TASKS, config, study, with_scores


def test_answers_count_what_the_tables_hold() -> None:
    made = study(config(3, 3, 2))
    assert answers.on_transfer(made.found, made.config).startswith("3 of 6 transfers")
    agreement = answers.on_agreement(made.agreement, made.config)
    assert "between tasks 0.52, between seeds 0.70" in agreement
    assert answers.on_rewinding(made.found, made.config).endswith(
        "+5.0 from i = 50 % (3 tasks, +5.0 to +5.0, n=3)."
    )


# --- tickets ---------------------------------------------------------------------------------

DENSE = {
    (task, "dense", 0, split): [0.8, 0.9, 1.0]  # matching is 0.8: the mean less a deviation
    for task in TASKS
    for split in ("selection", "validation")
}
MATCHES, FAILS = [0.85] * 3, [0.5] * 3


@pytest.mark.parametrize(
    ("rewind_to", "start"),
    [
        (0, "They start from the pre-trained weights: a matching ticket is a winning one."),
        (50, "They start from rewound weights, so none counts as a winning ticket."),
    ],
)
def test_tickets_are_chosen_on_selection_held_on_validation_and_winning_from_pre_trained_weights(
    rewind_to: int, start: str
) -> None:
    whole = config(3, 3, 2)
    imp = whole.imp.model_copy(update={"rewind_to": rewind_to})
    made = study(whole.model_copy(update={"imp": imp}))
    scores = with_scores(
        made,
        DENSE
        | {
            ("entailment", "imp", 1, "selection"): FAILS,
            ("entailment", "imp", 2, "selection"): MATCHES,
            ("entailment", "imp", 2, "validation"): MATCHES,
            ("sentiment", "imp", 1, "selection"): MATCHES,
            ("sentiment", "imp", 1, "validation"): FAILS,
            ("sentiment", "imp", 2, "selection"): FAILS,
            ("similarity", "imp", 1, "selection"): FAILS,
            ("similarity", "imp", 2, "selection"): FAILS,
        },
    )
    assert answers.on_tickets(scores, made.config) == (
        "2 of 3 tasks have a matching ticket, at 30\N{NO-BREAK SPACE}% to 60\N{NO-BREAK SPACE}% "
        "sparsity, as chosen on the selection split. On the validation split 1 of 2 matches. "
        + start
    )


def test_one_ticket_is_spoken_of_in_the_singular() -> None:
    made = study(config(1, 3, 1))
    changes = {("entailment", "imp", 1, split): MATCHES for split in ("selection", "validation")}
    assert answers.on_tickets(with_scores(made, DENSE | changes), made.config) == (
        "1 of 1 task has a matching ticket, at 30\N{NO-BREAK SPACE}% sparsity, as chosen on the "
        "selection split. On the validation split 1 of 1 matches. They start from the pre-trained "
        "weights: a matching ticket is a winning one."
    )


@pytest.mark.parametrize(
    ("num_tasks", "text"),
    [(1, "The task has no matching ticket."), (3, "None of 3 tasks has a matching ticket.")],
)
def test_where_no_ticket_matches_nothing_is_said_of_winning(num_tasks: int, text: str) -> None:
    made = study(config(num_tasks, 3, 2))
    changes = {(task, "imp", k, "selection"): FAILS for task in TASKS for k in (1, 2)}
    assert answers.on_tickets(with_scores(made, DENSE | changes), made.config) == (text)


# --- scores ----------------------------------------------------------------------------------


def test_only_dense_scores_above_the_bag_of_words_line_are_counted() -> None:
    made = study(config(3, 3, 2))
    scores = with_scores(made, {("sentiment", "dense", 0, "validation"): [0.9, 0.1, 0.1]})
    assert answers.on_scores(scores, made.config) == (
        "The mean dense score is above the bag-of-words line on 2 of 3 tasks that have one."
    )


def test_one_bag_of_words_line_is_spoken_of_in_the_singular() -> None:
    made = study(config(1, 1, 1))
    assert answers.on_scores(made.found, made.config) == (
        "The mean dense score is above the bag-of-words line on 1 of 1 task that has one."
    )


def test_a_study_without_a_bag_of_words_line_says_so() -> None:
    made = study(config(1, 1, 1))
    scores = Scores([row for row in made.scores if row.kind != "bag_of_words"])
    assert answers.on_scores(scores, made.config) == "No bag-of-words line was trained."


# --- controls --------------------------------------------------------------------------------


def test_controls_are_pooled_over_tasks_and_counted_by_interval() -> None:
    """Gains of 40 and of 10, 0, -10: by seed 25, 20, 15, and 4.303, the t of three, x 5 / sqrt(3)."""
    made = study(config(2, 3, 1))
    scores = with_scores(
        made,
        {(task, "imp", 1, "validation"): [0.9, 0.9, 0.9] for task in TASKS}
        | {
            ("entailment", "random", 1, "validation"): [0.5, 0.5, 0.5],
            ("sentiment", "random", 1, "validation"): [0.8, 0.9, 1.0],
        },
    )
    assert answers.on_controls(scores, made.config) == (
        "Tickets minus controls, mean over tasks in points: random mask +20.0 [+7.6, +32.4] at "
        "30\N{NO-BREAK SPACE}% (above 0 in 1 of 2 intervals over seeds)."
    )


def test_a_control_of_one_task_and_seed_has_no_interval() -> None:
    made = study(config(1, 1, 1))
    scores = with_scores(
        made,
        {
            ("entailment", "imp", 1, "validation"): [0.9],
            ("entailment", "random", 1, "validation"): [0.5],
        },
    )
    assert answers.on_controls(scores, made.config) == (
        "Tickets minus controls, mean over tasks in points: random mask +40.0 (n=1) at "
        "30\N{NO-BREAK SPACE}%."
    )


def test_a_study_without_controls_says_why() -> None:
    made = study(config(1, 1, 1, controls=False))
    assert answers.on_controls(made.found, made.config) == (
        "Not run: controls in params.yaml lacks 'random', and random.rounds is empty."
    )


# --- layers ----------------------------------------------------------------------------------


def test_layers_name_the_densest_and_the_sparsest_matrix_of_the_last_round() -> None:
    made = study(config(2, 2, 2))
    in_layers = [row for row in made.layers if row.layer is not None]
    start = "At 60\N{NO-BREAK SPACE}% over all, sparsity goes from 60.0 % (query, layer 0) to "
    end = "; mean over tasks and seeds, layers counted from 0."
    assert answers.on_layers(made.layers, made.config) == f"{start}80.0 % (pooler){end}"
    assert answers.on_layers(in_layers, made.config) == f"{start}61.0 % (query, layer 1){end}"


def test_layers_are_means_over_tasks() -> None:
    made = study(config(2, 1, 1))
    layers = [
        Kept(task, 1, 1, 0.3, layer, matrix, 100, kept)
        for layer, matrix, by_task in (
            (0, "intermediate.dense", (100, 40)),
            (1, "output.dense", (80, 80)),
            (2, "attention.self.key", (30, 90)),
        )
        for task, kept in zip(made.config.tasks, by_task, strict=True)
    ]
    assert answers.on_layers(layers, made.config) == (
        "At 30\N{NO-BREAK SPACE}% over all, sparsity goes from 20.0 % (MLP out, layer 1) to 40.0 % "
        "(key, layer 2); mean over tasks and seeds, layers counted from 0."
    )


def test_layers_without_rows_of_the_last_round_say_so() -> None:
    made = study(config(1, 1, 2))
    first = [row for row in made.layers if row.round == 1]
    assert first
    assert answers.on_layers(first, made.config) == (
        "Not run: layers.csv has no rows of the last round."
    )


def test_tickets_that_a_majority_may_reach_are_counted() -> None:
    made = study(config(2, 3, 1))
    low = {
        ("entailment", kind, number, split): [0.39, 0.4, 0.41]
        for kind, number in (("dense", 0), ("imp", 1))
        for split in ("selection", "validation")
    }
    text = answers.on_tickets(with_scores(made, low), made.config)
    assert "1 of the 2 is not surely above the majority class" in text
    assert "surely" not in answers.on_tickets(made.found, made.config)
