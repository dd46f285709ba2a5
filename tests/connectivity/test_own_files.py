"""The stage `between_files` end to end: lines between checkpoints of the user's own."""

from pathlib import Path

import numpy as np
import pytest

from stages import barriers as barriers_stage
from stages import between_files
from stages.tickets import settings
from stages.tickets.plan.manifest import Manifest
from stages.tickets.statistics import paths
from stages.tickets.tasks import task as tasks
from tests.connectivity.project import TASK, Project, geometry, path, walk_stored


def own_files(project: Project, folder: Path) -> tuple[Path, Path]:
    """The dense model of seed 1 as a folder of transformers, and the ticket as a file of weights."""
    loaded = project.load()
    ticket = project.round(1, 2) / "before" / "weights.safetensors"
    for name, weights in {"dense": project.weights(1, "trained"), "ticket": ticket}.items():
        loaded.model(weights).save_pretrained(folder / name)
    return folder / "dense", folder / "ticket" / "model.safetensors"


def walk_files(project: Project, first: Path, second: Path, out: Path) -> None:
    between_files.main(
        project.task, "mine", str(first), str(second), 5, 6, project.encoder, project.prepared, out
    )


def test_checkpoints_of_ones_own_are_walked_as_stored_networks_are(
    project: Project, study_here: Path
) -> None:
    walk_stored(project, study_here / "stored", [1], "dense")
    first, second = own_files(project, study_here)
    walk_files(project, first, second, study_here / "own")
    own, stored = path(study_here / "own"), path(study_here / "stored" / "1.0-1.1")
    np.testing.assert_array_equal(own["validation.logits"], stored["validation.logits"])
    assert own["validation.refit"].shape == (5, 5, 2)  # nobody knows whether their heads were alike
    measured, expected = geometry(study_here / "own"), geometry(study_here / "stored" / "1.0-1.1")
    assert measured["masks"] == expected["masks"]  # exact zeros tell what the ticket has dropped
    assert measured["layers"] == expected["layers"]
    assert measured["name"] == "mine"
    assert len(measured["first"]) == 64


def test_checkpoints_with_other_classes_are_refused(project: Project, tmp_path: Path) -> None:
    first, _ = own_files(project, tmp_path)
    second = tmp_path / "swapped"
    for folder, names in ((first, ["no", "yes"]), (second, ["yes", "no"])):
        model = project.load().model(project.weights(1, "trained"))
        model.config.id2label = dict(enumerate(names))
        model.save_pretrained(folder)
    with pytest.raises(
        settings.ParamsError, match=r"mine.first has the classes no, yes and .* yes, no"
    ):
        walk_files(project, first, second, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_own_checkpoints_become_rows_of_their_own(project: Project, tmp_path: Path) -> None:
    first, second = own_files(project, tmp_path)
    walk_files(project, first, second, tmp_path / "own")
    entry = {"task": TASK, "name": "mine", "folder": str(tmp_path / "own")}
    (walked,) = barriers_stage.walks(
        Manifest((), {"own_pairs": [entry, entry | {"name": "other"}]}, {}),
        TASK,
        "own_pairs",
        "mine",
    )
    assert walked.place == {
        "task": TASK, "net": "mine", "round": 0, "point": None, "arm": "files", "steps": "",
    }  # fmt: skip
    prepared = tasks.load_prepared(project.prepared)
    rows = paths.tables([walked], {TASK: prepared}, {}, 2.0, 0.95)
    assert {row["union"] for row in rows["barriers"]} == {1.0}
    assert {row["net"] for row in rows["curves"]} == {"mine"}
