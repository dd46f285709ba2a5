"""Where encoders and data are from, and never a path of this machine; hashes, versions, the commit."""

import hashlib
import subprocess
from importlib import metadata

import numpy as np
import pytest

from stages.tickets import settings
from stages.tickets.export import origin
from stages.tickets.settings import (
    FolderData,
    FolderEncoder,
    HubData,
    HubEncoder,
    MiniatureData,
    OwnData,
    PackageEncoder,
    TextData,
)
from tests.imports import ROOT

HUB = HubEncoder(source="hub", name="a/b", revision="0" * 40, pooler="fresh")
PACKAGE = PackageEncoder(source="package", name="some_model", path="model", pooler="fresh")
OWN = OwnData(
    train="in/a.csv", validation="in/b.csv", texts=("x", "y"), label="z", kind="regression",
    metrics=("pearson",),
)  # fmt: skip


@pytest.mark.parametrize("name", ["Apache-2.0", "mit", None])
def test_the_settings_say_the_licence(name):
    assert origin.licence_of(HUB.model_copy(update={"licence": name})) == name


def test_the_licence_of_the_miniature_is_that_of_the_project():
    encoder = settings.load(ROOT / "params.yaml").encoder
    assert origin.licence_of(encoder) == "Apache-2.0"


def test_a_package_has_its_version_if_it_is_installed():
    installed = PACKAGE.model_copy(update={"name": "huggingface_hub.utils"})
    version = metadata.version("huggingface-hub")
    words = f"the Python package huggingface_hub.utils {version}, folder model"
    assert origin.of_encoder(installed).words == words
    assert origin.of_encoder(PACKAGE).record["version"] is None
    assert origin.of_encoder(PACKAGE).words == "the Python package some_model, folder model"


def test_no_path_of_this_machine(tmp_path):
    """Folders and files go by their names; the Hub's names are kept."""
    deep = tmp_path / "deep"
    deep.mkdir()
    text = TextData(source="text", train=str(deep / "a.txt"), validation=str(deep / "b.txt"))
    data = FolderData(source="folder", path=str(deep), config="rte")
    encoder = FolderEncoder(source="folder", path=str(deep), pooler="pretrained")
    found = [origin.of_encoder(encoder)]
    found += [origin.of_data("x", source) for source in (text, data, OWN)]
    for one in found:
        assert str(tmp_path) not in one.words + str(one.record)
        assert one.on_hub is None
    assert found[1].record["train"] == "a.txt"
    hub = HubData(source="hub", name="nyu-mll/glue", config="rte", revision="0" * 40)
    assert origin.of_data("x", hub).on_hub == "nyu-mll/glue"
    assert origin.of_encoder(HUB).on_hub == "a/b"


@pytest.mark.parametrize(
    ("task", "source", "pair"),
    [
        ("mine", OWN, True),
        ("mine", OWN.model_copy(update={"texts": ("x",)}), False),
        ("x", FolderData(source="folder", path="x", config="sst2"), False),
        ("x", FolderData(source="folder", path="x", config="mnli"), True),
        ("x", FolderData(source="folder", path="x", config="plain_text"), True),
        ("x", FolderData(source="folder", path="x", config="wikitext-2-v1"), False),
        *(
            (name, MiniatureData(source="miniature", train=10, validation=10, seed=0), pair)
            for name, pair in (("sentiment", False), ("entailment", True), ("mlm", False))
        ),
    ],
)
def test_pairs(task, source, pair):
    assert origin.is_pair(task, source) == pair


def test_a_hash_by_hand():
    weights = {"b": np.array([[1.0, 2.0]], np.float32), "a": np.array([0.5], np.float32)}
    text = b'["a", [1]]\n\x00\x00\x00\x3f["b", [1, 2]]\n\x00\x00\x80\x3f\x00\x00\x00\x40'
    assert origin.digest(weights) == hashlib.sha256(text).hexdigest()


def test_a_hash_depends_on_names_shapes_and_values_alone():
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = origin.digest({"a": weight, "b": weight})
    assert origin.digest({"b": weight, "a": np.asfortranarray(weight)}) == found
    others = [
        {"a": weight, "c": weight},
        {"a": weight.reshape(3, 2), "b": weight},
        {"a": weight, "b": np.nextafter(weight, np.float32(9))},
    ]
    assert len({found, *map(origin.digest, others)}) == 4


def test_a_commit_with_and_without_changes(tmp_path):
    if origin.commit(tmp_path):
        pytest.skip("the folder for temporary files lies in a git repository")

    def git(*arguments):
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert origin.commit(tmp_path) is None  # nothing is committed yet
    (tmp_path / "file").write_text("x")
    git("add", "file")
    git("commit", "-m", "x")
    head = origin.commit(tmp_path)
    assert head is not None
    assert len(head) == 40
    (tmp_path / "other").write_text("x")
    assert origin.commit(tmp_path) == head
    (tmp_path / "file").write_text("y")
    assert origin.commit(tmp_path) == head + "+changes"


def test_versions_name_no_machine():
    found = origin.versions()
    assert {"python", *origin.LIBRARIES} == found.keys()
    assert all(value[0].isdigit() for value in found.values())
