"""The tasks of the miniature, written in its made-up English."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stages.tickets.language import questions, sentences
from stages.tickets.settings import Kind, Metric, MiniatureData
from stages.tickets.settings.noise import stable_seed
from stages.tickets.tasks import texts
from stages.tickets.tasks.spans import Answer, Question, Questions
from stages.tickets.tasks.task import Task
from stages.tickets.tasks.texts import Texts


@dataclass(frozen=True)
class Labelled:
    """Metrics and classes of a task of labelled texts."""

    metrics: tuple[Metric, ...]
    """Metrics to score with; the first is the headline."""
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of their numbers; none for a task of numbers."""


LABELLED: Mapping[str, Labelled] = {
    "acceptability": Labelled(("matthews",), ("unacceptable", "acceptable")),
    "sentiment": Labelled(("accuracy",), ("negative", "positive")),
    "paraphrase": Labelled(("accuracy", "f1"), ("not_paraphrase", "paraphrase")),
    "similarity": Labelled(("pearson", "spearman")),
    "entailment": Labelled(("accuracy",), ("entailment", "neutral", "contradiction")),
}


def load(name: str, data: MiniatureData) -> tuple[Task, Mapping[str, Texts | Questions]]:
    """Make a task and its splits `train` and `validation`, drawn by the seed of `data`."""
    if name == "question":
        return Task(name, "span", 2, ("answer_f1", "exact_match")), _questions(data)
    if name == "mlm":
        lines = sentences.sentences(data.train + data.validation, stable_seed("mlm", data.seed))
        halves = {"train": lines[: data.train], "validation": lines[data.train :]}
        return Task(name, "mlm", 0, ("masked_accuracy",)), {
            split: Texts(lines, None, np.zeros(len(lines))) for split, lines in halves.items()
        }
    num_labels, _ = sentences.LABELLED[name]
    kind: Kind = "classification" if num_labels > 1 else "regression"
    return Task(name, kind, num_labels, LABELLED[name].metrics), {
        split: _labelled(name, split, num, data.seed) for split, num in _sizes(data).items()
    }


def _sizes(data: MiniatureData) -> dict[str, int]:
    return {"train": data.train, "validation": data.validation}


def _labelled(name: str, split: str, num: int, seed: int) -> Texts:
    num_labels, is_pair = sentences.LABELLED[name]
    # With labels from 0 to 5, the few steps of the miniature would only learn their mean.
    scale = 5 if num_labels == 1 else 1
    examples = sentences.examples(name, split, num, seed)
    return Texts(
        [example.first for example in examples],
        [example.second or "" for example in examples] if is_pair else None,
        texts.typed([example.label / scale for example in examples], num_labels),
    )


def _questions(data: MiniatureData) -> dict[str, Questions]:
    return {
        split: Questions(
            [
                Question(
                    f"{split} {number}",
                    quiz.question,
                    quiz.context,
                    (Answer(quiz.answer, quiz.start),),
                )
                for number, quiz in enumerate(questions.quizzes(split, num, data.seed))
            ]
        )
        for split, num in _sizes(data).items()
    }
