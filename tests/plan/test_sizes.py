"""Sizes of encoders and data: where they come from, and that they are those of what is prepared."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from stages.tickets import files as artifacts
from stages.tickets import settings
from stages.tickets.files import Split
from stages.tickets.language import sentences
from stages.tickets.plan import expansion, sizes
from stages.tickets.plan.flops import Lengths, Shape
from stages.tickets.plan.work import PRETRAINING
from stages.tickets.settings import ParamsError
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.glue import GLUE
from stages.tickets.tasks.task import Prepared, Task, Vocabulary
from tests.imports import ROOT

DATA = os.environ.get("SCRATCHCARD_DATA")
BASE = {"vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2} | {
    "num_hidden_layers": 12,
    "hidden_size": 768,
    "intermediate_size": 3072,
}
SHAPE = Shape(12, 768, 3072, 30522, 512, 2, pooler=True)


def study(name="params", **changes):
    path = ROOT / ("params.yaml" if name == "params" else f"studies/{name}.yaml")
    content = settings.content(path) | changes
    return settings.checked(content, "params.yaml"), content


def hub(name="google-bert/bert-base-uncased", pooler="pretrained"):
    return settings.HubEncoder(source="hub", name=name, revision="0" * 40, pooler=pooler)


def test_a_shape_comes_from_the_settings_a_config_or_the_paper(tmp_path):
    own, content = study()
    shape, _ = sizes.shape_of(own.encoder, None, None)
    assert (shape.layers, shape.pooler) == (content["encoder"]["layers"], False)
    assert shape.vocabulary == len(sentences.WORDS) + 5
    assert sizes.shape_of(hub(), None, None) == (SHAPE, "Devlin et al. 2019")
    assert not sizes.shape_of(hub(pooler="fresh"), None, None)[0].pooler
    config = tmp_path / "config.json"
    config.write_text(json.dumps(BASE | {"num_hidden_layers": 3}), encoding="utf-8")
    folder = settings.FolderEncoder(source="folder", path=str(tmp_path), pooler="pretrained")
    for encoder, stored, given in (
        (hub("me/mine"), None, config),
        (hub("me/mine"), tmp_path, None),
        (folder, None, None),
    ):
        assert sizes.shape_of(encoder, stored, given)[0].layers == 3


def test_the_large_one_has_its_335_million_parameters():
    shape, _ = sizes.shape_of(hub("bert-large-uncased"), None, None)
    assert shape.body + shape.hidden**2 + shape.hidden == 335_141_888


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "t5"}, "has the model_type 't5', allowed are bert, camembert"),
        ({"num_hidden_layers": 3}, "lacks 'hidden_size'"),
    ],
)
def test_a_config_that_says_too_little_is_refused(tmp_path, config, message):
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        sizes.shape_of(hub(), None, tmp_path / "config.json")


def test_an_encoder_of_which_nothing_is_known_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="'me/mine', whose sizes are not known here; allowed"):
        sizes.shape_of(hub("me/mine"), None, None)
    with pytest.raises(ParamsError, match="does not exist, allowed is"):
        sizes.shape_of(hub(), None, tmp_path / "config.json")
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ParamsError, match="is not JSON"):
        sizes.shape_of(hub(), None, tmp_path / "config.json")
    package = settings.PackageEncoder(source="package", name="no_such", path="x", pooler="fresh")
    with pytest.raises(ParamsError, match="'no_such', but no such package is installed"):
        sizes.shape_of(package, None, None)


@pytest.mark.parametrize("examples", [2, 3, 10, 635, 392_702])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.9])
def test_splits_are_as_large_as_carving_makes_them(examples, share):
    split = Split(
        np.zeros(examples, np.int32),
        np.zeros(examples, np.int8),
        np.arange(examples + 1, dtype=np.int64),
        np.zeros(examples),
    )
    cut = tasks.carve(split, share, 0)
    assert sizes.carved(examples, share) == tuple(map(len, cut))


def test_the_miniature_has_the_examples_of_its_settings():
    own, content = study()
    found = sizes.measure(own, content, Path("none"), {})
    hans = content["data"]["entailment"]["hans"]["per_subcase"]
    entailment = found.examples["entailment"]
    assert (entailment.train, entailment.outputs) == (810, 3)
    assert entailment.evaluated == 90 + 400 + 20 * hans
    assert found.examples["similarity"].outputs == 1
    assert (found.examples["mlm"].kind, found.examples["mlm"].hidden) == ("mlm", 0.15)
    assert found.examples[PRETRAINING].train == content["encoder"]["sentences"]
    assert found.recipes["paraphrase"].batch_size == 16
    assert found.unknown == {}


def test_questions_of_the_miniature_are_spans():
    own, content = study()
    content["data"]["question"] = {"source": "miniature", "train": 100, "validation": 50, "seed": 0}
    content["tasks"], content["override"]["question"] = [*content["tasks"], "question"], {}
    found = sizes.measure(settings.checked(content, "it"), content, Path("none"), {})
    asked = found.examples["question"]
    assert (asked.kind, asked.outputs, asked.train, asked.evaluated) == ("span", 2, 90, 60)
    assert own.tasks != content["tasks"]


def test_a_corpus_of_which_a_part_is_taken_has_that_many_full_blocks():
    _, content = study()
    corpus = {"source": "text", "train": "a.txt", "validation": "b.txt", "max_length": 32}
    content["data"]["mlm"] = corpus
    checked = settings.checked(content, "it")
    assert "mlm" in sizes.measure(checked, content, Path("none"), {}).unknown
    content["data"]["mlm"] = corpus | {"examples": {"train": 200, "validation": 40}}
    found = sizes.measure(settings.checked(content, "it"), content, Path("none"), {})
    blocks = found.examples["mlm"]
    assert (blocks.kind, blocks.train, blocks.evaluated, blocks.longest) == ("mlm", 180, 60, 32)
    assert blocks.lengths == Lengths(32, 32**2)


def test_texts_of_the_miniature_are_as_long_as_a_draw_says():
    """Against the tokeniser, on other and more examples."""
    own, content = study()
    found = sizes.measure(own, content, Path("none"), {})
    tokenizer = Tokenizer(
        WordLevel({word: n for n, word in enumerate(("[UNK]", *sentences.WORDS))})
    )
    tokenizer.pre_tokenizer = WhitespaceSplit()
    for task, special in {"sentiment": 2, "entailment": 3}.items():
        drawn = sentences.examples(task, "train", 1500, 7)
        texts_of = [f"{one.first} {one.second or ''}" for one in drawn]
        real = [len(coded.ids) + special for coded in tokenizer.encode_batch(texts_of)]
        lengths = found.examples[task].lengths
        assert lengths
        assert lengths.mean == pytest.approx(np.mean(real), rel=0.05)
        assert lengths.mean_square == pytest.approx(np.mean(np.square(real)), rel=0.1)


def test_glue_has_its_official_sizes_and_outputs():
    own, content = study("bert-base-glue")
    found = sizes.measure(own, content, Path("none"), {})
    for task, glue in GLUE.items():
        assert sizes.OFFICIAL[task].outputs == glue.num_labels
        assert found.examples[task].train == sizes.carved(sizes.OFFICIAL[task].train, 0.1)[0]
    mnli = found.examples["mnli"]
    assert mnli.evaluated == 39_270 + 9_815 + 9_832
    assert mnli.lengths
    assert mnli.lengths.mean == pytest.approx(39.9)
    short, content = study("bert-base-glue", prepare=content["prepare"] | {"max_length": 64})
    assert sizes.measure(short, content, Path("none"), {}).examples["mnli"].lengths is None


def test_a_local_folder_says_how_many_examples_it_has(tmp_path):
    own, content = study("minilm-rte-mrpc")
    (tmp_path / "rte").mkdir()
    for split, rows in {"train-0": 30, "train-1": 10, "validation-0": 5}.items():
        pd.DataFrame({"label": [0] * rows}).to_parquet(tmp_path / "rte" / f"{split}.parquet")
    data = {"source": "folder", "path": str(tmp_path), "config": "rte"}
    own, content = study("minilm-rte-mrpc", data=content["data"] | {"rte": data})
    found = sizes.examples_of(own, "rte", SHAPE)
    assert not isinstance(found, str)
    examples, source = found
    assert (examples.train, examples.evaluated, source) == (36, 4 + 5, "its tables")


def test_a_table_of_ones_own_is_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split, rows in {"train": 20, "validation": 4}.items():
        table = pd.DataFrame({"text": ["a"] * rows, "label": [0, 1] * (rows // 2)})
        table.to_csv(f"{split}.csv", index=False)
    _, content = study()
    task = {"train": "train.csv", "validation": "validation.csv", "texts": ["text"]} | {
        "label": "label",
        "kind": "classification",
        "metrics": ["accuracy"],
    }
    own, content = study(
        tasks=[*content["tasks"], "reviews"],
        own={"reviews": task},
        override=content["override"] | {"reviews": {}},
    )
    found = sizes.measure(own, content, Path("none"), {})
    assert (found.examples["reviews"].train, found.examples["reviews"].evaluated) == (18, 2 + 4)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Folders as `dvc repro` leaves them, and the part of dvc.lock about them."""
    monkeypatch.chdir(tmp_path)
    own, content = study()
    starts = np.array([0, 4, 6, 12], np.int64)
    split = Split(np.zeros(12, np.int32), np.zeros(12, np.int8), starts, np.zeros(3, np.int64))
    task = Task("sentiment", "classification", 2, ("accuracy",))
    prepared = Prepared(
        task, Vocabulary(9, 0, 1, (0, 1)), split, {"selection": split, "validation": split}
    )
    tasks.save_prepared(prepared, Path("results/prepared/sentiment"))
    artifacts.save_record(BASE, Path("results/encoder/config.json"))
    locked = {}
    for folder, keys in {
        "results/encoder": ("encoder",),
        "results/prepared/sentiment": ("prepare", "data.sentiment"),
    }.items():
        files = [file.stat().st_size for file in Path(folder).iterdir()]
        tracked = {key: expansion.value(content, key) for key in keys}
        out = {"path": folder, "size": sum(files), "nfiles": len(files)}
        locked[folder] = {"outs": [out], "params": {"params.yaml": tracked}}
    return own, content, locked


def test_what_is_prepared_says_how_long_examples_are(project):
    own, content, locked = project
    found = sizes.measure(own, content, Path("results"), locked)
    examples = found.examples["sentiment"]
    assert (examples.train, examples.evaluated, examples.longest) == (3, 6, 32)
    assert examples.lengths == Lengths(4, (16 + 4 + 36) / 3)
    assert found.sources["sentiment"] == "results/prepared/sentiment"


def test_what_is_prepared_for_another_study_does_not_count(project):
    own, content, locked = project
    other = content | {"prepare": content["prepare"] | {"max_length": 16}}
    for case in (
        lambda: sizes.measure(settings.checked(other, ""), other, Path("results"), locked),
        lambda: sizes.measure(own, content, Path("results"), {}),
        lambda: sizes.measure(own, content, Path("elsewhere"), locked),
    ):
        found = case()
        assert (found.examples["sentiment"].train, found.sources["sentiment"]) == (
            720,
            "data.sentiment",
        )
    (Path("results/prepared/sentiment/task.json")).write_text("{}", encoding="utf-8")
    assert sizes.measure(own, content, Path("results"), locked).sources["sentiment"] == (
        "data.sentiment"
    )


@pytest.mark.skipif(not DATA, reason="needs GLUE in the folder $SCRATCHCARD_DATA")
@pytest.mark.parametrize("task", ["cola", "sst2", "mrpc", "stsb", "rte", "wnli"])
def test_official_sizes_are_those_of_the_files(task):
    folder = Path(DATA or "") / "data" / "glue" / task
    official = sizes.OFFICIAL[task]
    for split, number in {"train": official.train, "validation": official.validation}.items():
        rows = sum(len(pd.read_parquet(file)) for file in folder.glob(f"{split}*-*.parquet"))
        assert rows == number
