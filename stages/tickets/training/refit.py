"""A linear head fitted anew on what an encoder computes, so that unlike heads build no barrier.

Between networks with unlike heads a line of averaged heads rises, whatever their encoders do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.tickets.encoder.pooling import PooledClassifier
from stages.tickets.files import Arrays
from stages.tickets.settings import UserError
from stages.tickets.tasks.task import LABELLED, Prepared, Task
from stages.tickets.training import predict

States = dict[str, NDArray[np.float32]]
"""What the head of a classifier reads, (examples, size), by split."""


def predicted(model: PreTrainedModel, prepared: Prepared) -> tuple[Arrays, States]:
    """Predict every evaluated split, and keep what a linear head could read, in the same pass.

    This is the state of the first token in the last layer, below any pooler, or the means that a
    `PooledClassifier` reads.

    Args:
        model: a classifier.
        prepared: task and splits; each example has a label of its own.
    """
    arrays: Arrays = {}
    states: States = {}
    for name, split in prepared.evaluated.items():
        with _states_of(model) as batches:
            arrays |= predict.predict(model, replace(prepared, evaluated={name: split}))
        order = np.argsort(split.lengths, kind="stable")  # in which `predict` takes the examples
        by_length = np.concatenate([batch.float().cpu().numpy() for batch in batches])
        states[name] = np.empty_like(by_length)
        states[name][order] = by_length
    return arrays, states


@contextmanager
def _states_of(model: PreTrainedModel) -> Iterator[list[Tensor]]:
    batches: list[Tensor] = []

    def keep_pooled(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        batches.append(inputs[0])

    def keep_first(_: nn.Module, __: object, output: Any) -> None:  # noqa: ANN401  of any encoder
        batches.append(output.last_hidden_state[:, 0])

    if isinstance(model, PooledClassifier):
        hook = model.classifier.register_forward_pre_hook(keep_pooled)
    else:
        hook = model.base_model.register_forward_hook(keep_first)
    try:
        yield batches
    finally:
        hook.remove()


def logits(
    task: Task, states: States, labels: NDArray[Any], source: str
) -> dict[str, NDArray[np.float32]]:
    """Fit a linear head on one split and predict all of them; states are standardised on that split.

    Args:
        task: classification gives a logistic regression, regression a linear one, both with a penalty
            of 1 on squared coefficients.
        states: see `predicted`.
        labels: of the split to fit on, (examples,).
        source: name of that split.

    Returns:
        By split, logits (examples, classes) in the order of the task's classes, or numbers (examples, 1).

    Raises:
        UserError: the split lacks a class, whose probability no head could learn.
    """
    _check_classes(task, labels)
    is_classes = task.kind == "classification"
    head = LogisticRegression(max_iter=2000) if is_classes else Ridge()
    fitted = make_pipeline(StandardScaler(), head).fit(states[source], labels)
    predict_ = fitted.decision_function if is_classes else fitted.predict
    logits_of: dict[str, NDArray[np.float32]] = {}
    for name, read in states.items():
        numbers = np.reshape(predict_(read), (len(read), -1)).astype(np.float32)
        two = is_classes and numbers.shape[1] == 1  # one number, the logit of the second class
        logits_of[name] = np.hstack([np.zeros_like(numbers), numbers]) if two else numbers
    return logits_of


def check(prepared: Prepared, rows: NDArray[np.int64]) -> None:
    """Refuse training examples to which no head could be fitted, before anything else is done.

    Args:
        prepared: the task.
        rows: numbers of the examples.

    Raises:
        UserError: an example has not one label, or the examples lack a class.
    """
    if prepared.task.kind not in LABELLED:
        raise UserError(
            f"the two models of {prepared.task.name!r} started with heads of their own, which build a "
            "barrier of their own, and a head can be fitted anew only if each example has one label; "
            "fix noise.head_init to a number, or walk between other networks"
        )
    _check_classes(prepared.task, prepared.train.labels[rows])


def _check_classes(task: Task, labels: NDArray[Any]) -> None:
    classes = range(task.num_labels) if task.kind == "classification" else ()
    if missing := set(classes).difference(labels.tolist()):
        raise UserError(
            f"the {len(labels)} examples of {task.name!r} on which heads are fitted anew have none of "
            f"class {min(missing)}; raise connectivity.path.train_sample"
        )
