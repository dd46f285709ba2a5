"""Departures from the papers: read off the settings, and none where a study does as they did."""

from pathlib import Path
from typing import Any

import pytest

from stages.tickets import settings
from stages.tickets.report import departures
from stages.tickets.report.rows import TaskSize

STUDIES = Path(__file__).parents[2] / "studies"


def said(study: str, sizes: list[TaskSize] | None = None) -> list[str]:
    config = settings.load(STUDIES / f"{study}.yaml")
    made = [TaskSize(task, "classification", 2, "accuracy", 90, 10, 40) for task in config.tasks]
    return departures.departures(10_616_832, sizes or made, config)


def test_a_study_of_bert_base_departs_little() -> None:
    found = " ".join(said("bert-base-tickets"))
    assert "Encoder" not in found
    assert "Tasks" not in found
    assert "rounds of pruning" not in found
    assert "seeds;" not in found
    assert "Epochs" not in found  # nor of SQuAD, which has a recipe of its own
    assert "Dropout" not in found
    assert "set aside as selection" in found


def test_a_smaller_study_departs_in_much() -> None:
    found = said("minilm-rte-stsb-wikitext")
    text = " ".join(found)
    assert "this one has 10.6 million" in text
    assert "pooler is drawn anew" in text
    assert "1 seed; " in text
    assert "2 rounds of pruning, to 50\N{NO-BREAK SPACE}%, 70\N{NO-BREAK SPACE}%" in text
    assert "Texts are cut to 64 tokens" in text
    assert "rte: 2 x 32 at 0.0001; stsb: 1.5 x 32 at 0.0003" in text
    assert "wikitext trains on 90 examples" in text
    assert "in bf16; in the papers in fp32" in text
    prasanna = next(one for one in found if one.startswith("Tasks of Prasanna"))
    assert [task for task in ("mnli", "rte", "stsb") if task in prasanna] == ["mnli"]
    chen = next(one for one in found if one.startswith("Tasks of Chen"))
    assert "squad" in chen
    assert "mlm" not in chen  # WikiText stands for their corpus


def changed(value: object) -> object:
    """Another value of the same type, whatever it is."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case tuple():
            return value[:-1] or (*value, "more")
        case None:
            return 7
        case _:
            return f"not {value}"


def fields() -> list[str]:
    """Every field of the recipe and of the search, as the settings have them."""
    config = settings.load(STUDIES / "bert-base-glue.yaml")
    sections = ("noise", "train", "prepare", "imp", "search.rule", "encoder", "override.rte")
    return [
        f"{section}.{field}"
        for section in sections
        for field in type(_value(config, section)).model_fields
    ]


def _value(config: object, path: str) -> Any:
    for name in path.split("."):
        config = config[name] if isinstance(config, dict) else getattr(config, name)
    return config


def _with(config: Any, path: str, value: object) -> Any:
    name, _, rest = path.partition(".")
    if isinstance(config, dict):
        return config | {name: _with(config[name], rest, value)}
    inner = _with(getattr(config, name), rest, value) if rest else value
    return config.model_copy(update={name: inner})


@pytest.mark.parametrize("field", fields())
def test_every_field_of_recipe_and_search_that_changes_has_a_line(field: str) -> None:
    """But those that say where files are, and what is stored; a new field is asked for here."""
    config = settings.load(STUDIES / "bert-base-glue.yaml")
    other = _with(config, field, changed(_value(config, field)))
    before, after = (departures.departures(85_524_480, [], study) for study in (config, other))
    per_task = f"override.rte.{field.removeprefix('train.')}" in fields()
    if field in departures.BESIDE and not per_task and field != "encoder.name":
        assert after == before
    else:
        assert after != before


def test_a_field_that_the_papers_have_not_is_a_departure(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = {key: value for key, value in departures.PAPERS["train"].items() if key != "clip"}
    monkeypatch.setattr(departures, "PAPERS", {"train": papers})
    config = settings.load(STUDIES / "bert-base-glue.yaml")
    assert "train.clip is 1; not in the papers." in list(departures.of_fields(config))


def test_cuts_come_last_in_their_own_words() -> None:
    config = settings.load(STUDIES / "minilm-rte-stsb-wikitext.yaml")
    assert config.ran is not None
    assert tuple(said("minilm-rte-stsb-wikitext")[-len(config.ran.cuts) :]) == config.ran.cuts


def test_made_up_tasks_are_of_neither_paper() -> None:
    config = settings.load(STUDIES.parent / "params.yaml")
    sizes = [TaskSize(task, "classification", 2, "accuracy", 90, 10, 40) for task in config.tasks]
    found = departures.departures(524_288, sizes, config)
    assert "Tasks of neither paper: acceptability, sentiment, entailment, mlm." in found
    assert not [one for one in found if "that are not here" in one]
    assert "No task of Chen et al. is here." in found
    assert "Dropout is 0; in the papers 0.1." in found


@pytest.mark.parametrize(
    ("key", "value"), [("date", "yesterday"), ("hours", 0), ("commit", "main")]
)
def test_a_wrong_word_about_where_it_ran_is_named(key: str, value: object) -> None:
    right = {"date": "2026-11-22", "hardware": "a laptop", "hours": 0.5, "commit": "", "cuts": []}
    assert settings.Ran.model_validate(right)
    with pytest.raises(ValueError, match=key):
        settings.Ran.model_validate(right | {key: value})


@pytest.mark.parametrize(
    ("pooler", "words"), [("mean", "mean of all tokens"), ("segments", "each text")]
)
def test_means_of_tokens_and_a_rate_of_the_head_are_departures(pooler: str, words: str) -> None:
    config = settings.load(STUDIES / "bert-base-tickets.yaml")
    changed = config.model_copy(
        update={
            "encoder": config.encoder.model_copy(update={"pooler": pooler}),
            "train": config.train.model_copy(update={"head_rate": 10.0}),
        }
    )
    made = [TaskSize(task, "classification", 2, "accuracy", 90, 10, 40) for task in config.tasks]
    text = " ".join(departures.departures(10_616_832, made, changed))
    assert f"{words}, without a pooler; Chen et al. prune the pre-trained pooler" in text
    assert "3 x 32 at 0.00002, of the head 10 times that" in text
    assert "pooler" not in " ".join(departures.departures(10_616_832, made, config))
