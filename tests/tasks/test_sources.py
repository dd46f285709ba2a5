"""Every kind of data: the miniature in the size that is asked for, and names of classes."""

import numpy as np
import pytest

from stages.tickets.language import sentences
from stages.tickets.settings import FolderData, MiniatureData, TextData
from stages.tickets.tasks import miniature, sources
from stages.tickets.tasks.task import Prepared, Task
from stages.tickets.tasks.texts import Texts
from tests.tasks.test_baselines import VOCABULARY, split_of

MINIATURE = MiniatureData(source="miniature", train=30, validation=20, seed=0)


def drawn(name: str, seed: int = 0) -> dict[str, Texts]:
    task, splits = sources.load(name, MINIATURE.model_copy(update={"seed": seed}))
    assert task.name == name
    return {split: texts for split, texts in splits.items() if isinstance(texts, Texts)}


@pytest.mark.parametrize("name", [*miniature.LABELLED, "mlm"])
def test_every_miniature_task_comes_in_the_size_that_was_asked_for(name: str) -> None:
    splits = drawn(name)
    sizes = {split: len(texts.firsts) for split, texts in splits.items()}
    assert sizes == {"train": 30, "validation": 20}
    for texts in splits.values():
        assert len(texts.labels) == len(texts.firsts)
        assert texts.seconds is None or len(texts.seconds) == len(texts.firsts)
    assert drawn(name, seed=1)["train"].firsts != splits["train"].firsts
    assert drawn(name)["train"].firsts == splits["train"].firsts


def prepared(kind: str, num_labels: int) -> Prepared:
    task = Task("x", kind, num_labels, ("accuracy",))  # type: ignore[arg-type]
    return Prepared(task, VOCABULARY, split_of([([5], [], 0)]), {})


def test_every_class_of_a_known_task_has_a_name() -> None:
    for name, (num_labels, _) in sentences.LABELLED.items():
        names = miniature.LABELLED[name].classes
        assert len(set(names)) == len(names) == (num_labels if num_labels > 1 else 0)
    rte = FolderData(source="folder", path="x", config="rte")
    two = prepared("classification", 2)
    assert sources.class_names("any", rte, two) == ("entailment", "not_entailment")
    assert sources.class_names("sentiment", MINIATURE, two) == ("negative", "positive")


def test_tasks_of_other_kinds_have_no_classes() -> None:
    text = TextData(source="text", train="a.txt", validation="b.txt")
    for kind, data in (("regression", MINIATURE), ("mlm", text), ("span", MINIATURE)):
        assert sources.class_names("x", data, prepared(kind, 1)) is None


def test_scores_of_the_miniature_are_scaled_to_1() -> None:
    labels = drawn("similarity")["train"].labels
    assert labels.dtype == np.float32
    assert 0 <= labels.min() < labels.max() <= 1
