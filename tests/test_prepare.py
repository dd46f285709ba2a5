"""The recipe of a task, from params.yaml to a training, and the longest input an encoder takes."""

from pathlib import Path

import pytest

from stages.prepare import Params, check_length, recipe
from stages.tickets import artifacts, params
from stages.tickets.params import Override, ParamsError, Recipe
from tests.imports import ROOT

SHIPPED = params.load(ROOT / "params.yaml")


def recipe_with(override: Override) -> Recipe:
    mlm = SHIPPED.data["mlm"]
    return recipe(Params(SHIPPED.prepare, mlm, None, SHIPPED.noise, SHIPPED.train, override))


def test_an_override_changes_what_it_names_and_no_more() -> None:
    once = recipe_with(Override(learning_rate=3e-5)).train
    assert once.learning_rate == 3e-5
    assert once.model_copy(update={"learning_rate": SHIPPED.train.learning_rate}) == SHIPPED.train
    both = recipe_with(Override(epochs=7, batch_size=3)).train
    assert (both.epochs, both.batch_size) == (7, 3)
    assert both.learning_rate == SHIPPED.train.learning_rate


def test_an_empty_override_changes_nothing() -> None:
    assert recipe_with(Override()) == Recipe(noise=SHIPPED.noise, train=SHIPPED.train)


def test_a_written_recipe_is_read_as_it_was(tmp_path: Path) -> None:
    written = recipe_with(Override(learning_rate=1 / 3 * 1e-5))
    artifacts.save_record(written.model_dump(), tmp_path / "recipe.json")
    assert Recipe.model_validate(artifacts.load_record(tmp_path / "recipe.json")) == written


BERT = {"model_type": "bert", "pad_token_id": 0, "max_position_embeddings": 512}
ROBERTA = {"model_type": "roberta", "pad_token_id": 1, "max_position_embeddings": 514}


@pytest.mark.parametrize("encoder", [BERT, ROBERTA], ids=lambda config: config["model_type"])
def test_inputs_are_at_most_as_long_as_the_encoder_takes(encoder: dict[str, object]) -> None:
    check_length(512, encoder)
    with pytest.raises(ParamsError, match=r"max_length is 513, .* is at most 512$"):
        check_length(513, encoder)


def test_an_encoder_without_positions_takes_inputs_of_any_length() -> None:
    check_length(10_000, {"model_type": "t5"})
