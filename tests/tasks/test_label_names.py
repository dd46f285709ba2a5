"""Names of classes, in the order of their numbers."""

from dataclasses import replace

import numpy as np
import pytest

from stages.tickets.files import Split
from stages.tickets.language import sentences
from stages.tickets.settings import FolderData, MiniatureData, OwnData, ParamsError, TextData
from stages.tickets.tasks import label_names
from stages.tickets.tasks.task import Prepared, Task, Vocabulary
from stages.tickets.tasks.texts import GLUE

MINIATURE = MiniatureData(source="miniature", train=10, validation=10, seed=0)


def prepared(kind, num_labels, labels=()):
    none = np.zeros(0, np.int32)
    split = Split(none, none.astype(np.int8), none.astype(np.int64), np.array(labels))
    task = Task("x", kind, num_labels, ("accuracy",))
    return Prepared(task, Vocabulary(9, 0, 1, ()), split, {"validation": split})


def own(tmp_path, train, validation, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, labels in (("train", train), ("validation", validation)):
        rows = "".join(f"a text,{label}\n" for label in labels)
        (tmp_path / f"{name}.csv").write_text("text,label\n" + rows)
    return OwnData(
        train="train.csv", validation="validation.csv", texts=("text",), label="label",
        kind="classification", metrics=("accuracy",),
    )  # fmt: skip


def test_every_class_of_known_tasks_has_a_name():
    for name, names in label_names.GLUE.items():
        assert len(set(names)) == GLUE[name].num_labels
    assert {name for name, task in GLUE.items() if task.num_labels > 1} == set(label_names.GLUE)
    for name, names in label_names.MINIATURE.items():
        assert len(set(names)) == sentences.LABELLED[name][0]
    folder = FolderData(source="folder", path="x", config="rte")
    two = prepared("classification", 2)
    assert label_names.of("any", folder, two) == ("entailment", "not_entailment")
    assert label_names.of("sentiment", MINIATURE, two) == ("negative", "positive")


def test_other_kinds_have_none():
    text = TextData(source="text", train="a.txt", validation="b.txt")
    for kind, source in (("regression", MINIATURE), ("mlm", text), ("span", MINIATURE)):
        assert label_names.of("x", source, prepared(kind, 1)) is None


@pytest.mark.parametrize(
    ("train", "validation", "names"),
    [
        (["sad", "happy", "no", "on: yes"], ["no"], ("happy", "no", "on: yes", "sad")),
        ([10, 2, 10], [2, 10], ("2", "10")),  # numbers sort as numbers
        ([True, False], [True], ("False", "True")),
    ],
)
def test_labels_of_a_table_in_sorted_order(tmp_path, monkeypatch, train, validation, names):
    source = own(tmp_path, train, validation, monkeypatch)
    labels = [names.index(str(label)) for label in validation]
    found = label_names.of("mine", source, prepared("classification", len(names), labels))
    assert found == names


def test_a_table_that_has_changed_is_refused(tmp_path, monkeypatch):
    source = own(tmp_path, ["b", "a"], ["a", "b"], monkeypatch)
    of_before = prepared("classification", 2, [0, 1])
    assert label_names.of("mine", source, of_before) == ("a", "b")
    for other in (
        replace(of_before, task=replace(of_before.task, num_labels=3)),
        prepared("classification", 2, [1, 0]),
    ):
        with pytest.raises(ParamsError, match=r"own\.mine names tables whose labels are not"):
            label_names.of("mine", source, other)
