"""The recipe of a task."""

from pathlib import Path

from stages.inputs import recipe
from stages.tickets import params
from stages.tickets.params import Override

TRAIN = params.load(Path(__file__).parent.parent / "params.yaml").train


def test_an_override_changes_what_it_names_and_no_more():
    changed = recipe(TRAIN, Override(learning_rate=3e-5))
    assert changed.learning_rate == 3e-5
    assert changed.model_copy(update={"learning_rate": TRAIN.learning_rate}) == TRAIN
    both = recipe(TRAIN, Override(epochs=7, batch_size=3))
    assert (both.epochs, both.batch_size, both.learning_rate) == (7, 3, TRAIN.learning_rate)


def test_an_empty_override_changes_nothing():
    assert recipe(TRAIN, Override()) == TRAIN
