"""Settings changed in memory."""

import pytest

from stages.commands.overrides import overridden
from stages.tickets.settings import ParamsError

CONTENT = {"train": {"rate": 1.0, "betas": [0.9, 0.99]}, "seeds": [1], "rounds": [{"to": 1}]}


@pytest.mark.parametrize(
    ("change", "path", "value"),
    [
        ("train.rate=2e-5", ("train", "rate"), 2e-5),
        ("train.betas.1=0.5", ("train", "betas", 1), 0.5),
        ("seeds=[1, 2]", ("seeds",), [1, 2]),
        ("rounds.0.to=7", ("rounds", 0, "to"), 7),
        ("train.new={a: b=c}", ("train", "new"), {"a": "b=c"}),
        ("+train.new=1", ("train", "new"), 1),  # as `dvc exp run -S` wants it
        ("title=", ("title",), None),
    ],
)
def test_a_value_changes_and_the_content_stays(change, path, value):
    found = overridden(CONTENT, [change])
    for part in path:
        found = found[part]
    assert found == value
    assert CONTENT == {
        "train": {"rate": 1.0, "betas": [0.9, 0.99]},
        "seeds": [1],
        "rounds": [{"to": 1}],
    }


def test_the_last_of_two_changes_holds():
    assert overridden(CONTENT, ["train.rate=2", "train.rate=3"])["train"]["rate"] == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train", "--set is 'train', allowed are changes such as train.epochs=2"),
        ("=1", "--set is '=1', allowed"),
        ("trian.rate=1", "there is no 'trian', allowed are train, seeds, rounds"),
        ("train.betas.2=1", "there is no '2', allowed are 0, 1"),
        ("train.rate.low=1", "but train.rate is 1.0 and no section"),
        ("seeds=[1", "whose value is not YAML"),
    ],
)
def test_what_leads_nowhere_is_one_sentence(change, message):
    with pytest.raises(ParamsError) as error:
        overridden(CONTENT, [change])
    assert message in str(error.value)
    assert "\n" not in str(error.value)
