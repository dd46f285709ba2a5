"""Where encoders and data are from: what is known of licences, and never a path of this machine."""

from importlib import metadata
from types import SimpleNamespace

import pytest

from stages.tickets.export import origin
from stages.tickets.export.origin import Licence
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

HUB = HubEncoder(source="hub", name="a/b", revision="0" * 40, pooler="fresh")
PACKAGE = PackageEncoder(source="package", name="some_model", path="model", pooler="fresh")
OWN = OwnData(
    train="in/a.csv", validation="in/b.csv", texts=("x", "y"), label="z", kind="regression",
    metrics=("pearson",),
)  # fmt: skip


def folder(tmp_path, card=None):
    if card is not None:
        (tmp_path / "README.md").write_text(card, encoding="utf-8")
    return FolderEncoder(source="folder", path=str(tmp_path), pooler="pretrained")


@pytest.mark.parametrize(
    ("card", "name", "identifier"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# x\n", "apache-2.0", "apache-2.0"),
        ("---\nlicense: [mit, cc-by-4.0]\n---\n", "mit, cc-by-4.0", "other"),
        ("---\nlicense: other\nlicense_name: my terms\n---\n", "my terms", "other"),
        ("---\nlicense: other\n---\n", None, "unknown"),
        ("---\nlicense: unknown\n---\n", None, "unknown"),
        ("---\nlicense:\n---\n", None, "unknown"),
        ("---\nlanguage: en\n---\nlicense: mit\n", None, "unknown"),
        ("# The license: mit\n", None, "unknown"),
        ("---\nlicense: [\n---\n", None, "unknown"),
        ("---\n- license\n---\n", None, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_what_the_card_beside_a_model_says(tmp_path, card, name, identifier):
    found = origin.licence_of(folder(tmp_path, card))
    assert (found.name, found.identifier) == (name, identifier)
    assert str(tmp_path) not in found.known_from


def test_a_card_on_the_hub(tmp_path, monkeypatch):
    (tmp_path / "card").write_text("---\nlicense: mit\n---\n")
    asked = []

    def download(*arguments, **options):
        asked.append((arguments, options))
        return str(tmp_path / "card")

    monkeypatch.setattr(origin, "hf_hub_download", download)
    assert origin.licence_of(HUB).name == "mit"
    assert asked == [(("a/b", "README.md"), {"revision": "0" * 40})]

    def fails(*_, **__):
        raise ConnectionError("offline")

    monkeypatch.setattr(origin, "hf_hub_download", fails)
    assert origin.licence_of(HUB).name is None


class Distribution(SimpleNamespace):
    version = "1.2"

    def locate_file(self, path):
        return self.root / path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with a model, whose metadata and card a test may set."""
    found = Distribution(root=tmp_path, metadata=metadata.PackageNotFoundError())
    (tmp_path / "some_model" / "model").mkdir(parents=True)
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"some_model": ["some-model"]})
    monkeypatch.setattr(metadata, "distribution", lambda _: found)

    def described(card=None, **headers):
        found.metadata = metadata.PathDistribution(tmp_path / "x.dist-info").metadata
        for key, values in headers.items():
            for value in values if isinstance(values, list) else [values]:
                found.metadata[key.replace("_", "-")] = value
        if card:
            (tmp_path / "some_model" / "model" / "README.md").write_text(card)

    info = tmp_path / "x.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: x\n")
    return described


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"License_Expression": "MIT"}, "MIT"),
        ({"License": "Apache-2.0"}, "Apache-2.0"),
        ({"License": "UNKNOWN"}, None),
        ({"License": "", "Classifier": "License :: OSI Approved :: MIT License"}, "MIT License"),
        ({"Classifier": ["License :: OSI Approved :: A", "License :: OSI Approved :: B"]}, None),
        ({}, None),
    ],
)
def test_the_metadata_of_a_package(package, headers, name):
    package(**headers)
    assert origin.licence_of(PACKAGE).name == name


def test_the_card_in_a_package_comes_before_its_metadata(package):
    package("---\nlicense: apache-2.0\n---\n", License="MIT")
    found = origin.licence_of(PACKAGE)
    assert found == Licence("apache-2.0", "the model card of the encoder")
    assert origin.of_encoder(PACKAGE).words == "the Python package some_model 1.2, folder model"


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(metadata, "packages_distributions", dict)
    assert origin.licence_of(PACKAGE).name is None
    assert origin.of_encoder(PACKAGE).record["version"] is None


def test_licences_as_the_hub_writes_them():
    assert Licence("Apache-2.0", "").identifier == "apache-2.0"
    assert Licence("MIT License", "").identifier == "other"
    assert Licence(None, "").identifier == "unknown"
    assert [Licence(name, "").identifier for name in ("MIT", "CC-BY-4.0")] == ["mit", "cc-by-4.0"]
    vague = ("Apache", "BSD", "Proprietary", "custom-2")
    assert {Licence(name, "").identifier for name in vague} == {"other"}


def test_no_path_of_this_machine(tmp_path):
    """Folders and files go by their names; the Hub's names are kept."""
    deep = tmp_path / "deep"
    deep.mkdir()
    text = TextData(source="text", train=str(deep / "a.txt"), validation=str(deep / "b.txt"))
    data = FolderData(source="folder", path=str(deep), config="rte")
    found = [origin.of_encoder(folder(deep))]
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
