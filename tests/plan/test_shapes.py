"""Sizes of encoders: where they come from."""

import json

import pytest

from stages.tickets import settings
from stages.tickets.language import sentences
from stages.tickets.plan.flops import Shape
from stages.tickets.plan.shapes import CONFIG, shape_of
from stages.tickets.settings import ParamsError
from tests.imports import ROOT

SHAPE = Shape(12, 768, 3072, 30522, 512, 2, pooler=True)
BASE = dict(zip(CONFIG, (12, 768, 3072, 30522, 512, 2), strict=True))


def hub(name="google-bert/bert-base-uncased", pooler="pretrained"):
    return settings.HubEncoder(source="hub", name=name, revision="0" * 40, pooler=pooler)


def test_a_shape_comes_from_the_settings_a_config_or_the_paper(tmp_path):
    encoder = settings.load(ROOT / "params.yaml").encoder
    assert isinstance(encoder, settings.Pretrain)
    shape, _ = shape_of(encoder, None)
    assert (shape.layers, shape.pooler) == (encoder.layers, False)
    assert shape.vocabulary == len(sentences.WORDS) + 5
    assert shape_of(hub(), None) == (SHAPE, "Devlin et al. 2019")
    for pooler, means in (("fresh", 0), ("mean", 1), ("segments", 4)):
        shape, _ = shape_of(hub(pooler=pooler), None)
        assert (shape.pooler, shape.means) == (False, means)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(BASE | {"num_hidden_layers": 3}), encoding="utf-8")
    folder = settings.FolderEncoder(source="folder", path=str(tmp_path), pooler="pretrained")
    for source, given in ((hub("me/mine"), config), (folder, None)):
        assert shape_of(source, given)[0].layers == 3


def test_the_large_one_has_its_335_million_parameters():
    shape, _ = shape_of(hub("bert-large-uncased"), None)
    assert shape.body + shape.square == 335_141_888


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(BASE | {"model_type": "t5"}), "has the model_type 't5', allowed are bert,"),
        (json.dumps({"num_hidden_layers": 3}), "no config.json of an encoder: KeyError, 'hidden_"),
        ("{", "is no config.json of an encoder: JSONDecodeError"),
        ("[]", "is no config.json of an encoder"),
        (None, "is no config.json of an encoder: FileNotFoundError"),
    ],
)
def test_a_config_that_says_too_little_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        shape_of(hub(), tmp_path / "config.json")


def test_an_encoder_of_which_nothing_is_known_is_refused():
    with pytest.raises(ParamsError, match="'me/mine', whose sizes are not known here; allowed"):
        shape_of(hub("me/mine"), None)
    package = settings.PackageEncoder(source="package", name="no_such", path="x", pooler="fresh")
    with pytest.raises(ParamsError, match="'no_such', but no such package is installed"):
        shape_of(package, None)
