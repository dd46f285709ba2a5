"""The recipe of a task, from params.yaml to a training."""

from pathlib import Path

from stages.prepare import Params, recipe
from stages.tickets import artifacts, params
from stages.tickets.params import Override, Recipe
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
