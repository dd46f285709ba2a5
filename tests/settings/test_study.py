"""params.yaml: what is refused and how, what is read, and that the studies are as they should be."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from stages.tickets import settings
from stages.tickets.settings import ParamsError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "params.yaml"
STUDIES = [SHIPPED, *sorted((ROOT / "studies").glob("*.yaml"))]

Content = dict[str, Any]
Change = Callable[[Content], object]


def shipped() -> Content:
    content: Content = YAML(typ="safe").load(SHIPPED.read_text(encoding="utf-8"))
    return content


def written(content: object, folder: Path) -> Path:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(content, file)
    return folder / "params.yaml"


def put(key: str, value: object) -> Change:
    """Set `train.epochs` or `rounds.1.sparsity`."""

    def change(content: Content) -> None:
        *path, last = key.split(".")
        section: Any = content
        for part in path:
            section = section[int(part) if part.isdigit() else part]
        section[int(last) if last.isdigit() else last] = value

    return change


def without(key: str) -> Change:
    """Leave `train.epochs` out."""

    def change(content: Content) -> None:
        *path, last = key.split(".")
        section: Any = content
        for part in path:
            section = section[part]
        del section[last]

    return change


def put_all(*changes: Change) -> Change:
    def change(content: Content) -> None:
        for each in changes:
            each(content)

    return change


def message(change: Change, folder: Path) -> str:
    """What is said about the shipped file, changed."""
    content = shipped()
    change(content)
    path = written(content, folder)
    with pytest.raises(ParamsError) as caught:
        settings.load(path)
    return str(caught.value).removeprefix(f"{path}: ")


# --- what is refused -------------------------------------------------------------------------

TASKS = shipped()["tasks"]
TASK = TASKS[0]
SEEDS = ", ".join(map(str, shipped()["seeds"]))
LAST = len(shipped()["rounds"])
FIRST = shipped()["rounds"][0]["sparsity"]
OWN = {
    "train": "a.csv",
    "validation": "b.csv",
    "texts": ["text"],
    "label": "label",
    "kind": "classification",
    "metrics": ["accuracy"],
}

NOT_SEARCHED = (put("retrain.tasks", []), put("patterns.tasks", []))


def glue(config: str, **changes: object) -> Content:
    """A task of GLUE in a folder, with HANS from a file."""
    hans: Content = {"path": "$SOMEWHERE/hans.txt", "per_subcase": 9} | changes
    return {"source": "folder", "path": "glue", "config": config, "hans": hans}


# A change of the shipped file; then the key, the value and what is allowed, as the message has them.
REFUSED: list[tuple[Change, str, str, str]] = [
    (put("sede", 1), "'sede'", "1", "seeds"),
    (put("train.lr", 0.1), "train has", "'lr' with value 0.1", "learning_rate"),
    (put("encoder.train.lr", 0.1), "encoder.train", "'lr'", "learning_rate"),
    (put("encoder.depth", 4), "encoder has", "'depth' with value 4", "layers"),
    (put(f"data.{TASK}.size", 4), f"data.{TASK}", "'size'", "validation"),
    (put(f"override.{TASK}.clip", 4), f"override.{TASK}", "'clip'", "epochs"),
    (put("rounds.1.rate", 0.5), "rounds[1]", "'rate'", "from, to, sparsity"),
    (put("noise.data", 1), "noise has", "'data'", "data_order"),
    (put("tasks", [*TASKS, "squad"]), "tasks", "'squad'", TASK),
    (put("transfer.sources", ["squad"]), "transfer.sources", "'squad'", TASK),
    (put("transfer.targets", ["squad"]), "transfer.targets", "'squad'", TASK),
    (put("data.squad", shipped()["data"][TASK]), "data", "'squad'", TASK),
    (put("override.squad", {}), "override", "'squad'", TASK),
    (put("tasks", [*TASKS, TASK]), "tasks", repr(TASK), "once"),
    (without(f"override.{TASK}"), "override", repr(TASK), "a section for every task"),
    (
        put_all(
            put("tasks", [*TASKS, "squad"]),
            put("data.squad", {"source": "miniature", "train": 10, "validation": 10, "seed": 0}),
            put("override.squad", {}),
        ),
        "squad",
        "miniature",
        "acceptability",
    ),
    (
        put(f"data.{TASK}", {"source": "folder", "path": "glue", "config": "squad"}),
        f"data.{TASK}",
        "'squad'",
        "cola",
    ),
    (put("study", "My Study"), "study", "'My Study'", "[a-z]"),
    (put("encoder.source", "web"), "encoder.source", "'web'", "'pretrain', 'hub'"),
    (without("encoder.source"), "encoder.source", "missing", "'pretrain', 'hub'"),
    (put(f"data.{TASK}.source", "web"), f"data.{TASK}.source", "'web'", "'miniature', 'hub'"),
    (
        put("encoder", {"source": "hub", "name": "x", "revision": "main", "pooler": "fresh"}),
        "encoder.revision",
        "'main'",
        "[0-9a-f]{40}",
    ),
    (put("encoder.hidden", 17), "encoder.hidden", "17", "multiples of attention_heads"),
    (put("prepare.max_length", 999), "prepare.max_length", "999", "encoder.max_length"),
    (
        put("rounds.1.sparsity", FIRST),
        "rounds[1].sparsity",
        str(FIRST),
        f"more than the {FIRST}",
    ),
    (put(f"rounds.{LAST - 1}.sparsity", 1.0), f"rounds[{LAST - 1}].sparsity", "1.0", "less than 1"),
    (put("rounds.1.from", 0), "rounds[1]", "from 0 to 2", "from 1 to 2"),
    (put("rounds", []), "rounds", "[]", "at least 1"),
    (put("last_round", 99), "last_round", "99", str(LAST)),
    (put("random.rounds", [99]), "random.rounds", "99", f"up to {LAST - 1}"),
    (put("random.rounds", [LAST]), "random.rounds", str(LAST), f"up to {LAST - 1}"),
    (put("grid", "tenths_of_original"), "rounds[0].sparsity", str(FIRST), "is 0.1"),
    (put("grid", "tenths"), "grid", "'tenths'", "'tenths_of_remaining'"),
    (put("imp.decay_over", 0), "imp.decay_over", "0", "equal to 1"),
    (put("imp.decay_over", LAST), "earlier.rounds", "[]", "[1]"),
    (put("imp.classifier", "carried"), "earlier.rounds", "[]", "[1]"),
    (put("imp.classifier", "kept"), "imp.classifier", "'kept'", "'carried'"),
    (put("earlier.rounds", [1]), "earlier.rounds", "[1]", "is []"),
    (
        put_all(put("imp.decay_over", 99), put("earlier.rounds", [1])),
        "imp.decay_over",
        "99",
        f"1 to {LAST}",
    ),
    (put("rewind.source", "both"), "rewind.source", "'both'", "'sparse'"),
    (
        put_all(
            put("rewind.source", "sparse"), put("imp.rewind_to", 50), put("rewind.points", [0])
        ),
        "rewind.source",
        "'sparse'",
        "imp.rewind_to 0",
    ),
    (put("controls.more.kinds", ["shuffled"]), "controls.more.kinds[0]", "'shuffled'", "one-shot"),
    (put("controls.more.kinds", ["one-shot-2"]), "controls.more.kinds[0]", "'one-shot-2'", "draws"),
    (put("controls.more.kinds", []), "controls.more.kinds", "empty", "one at least"),
    (put("controls.more.kinds", ["random"]), "controls.more.kinds", "'random'", "round 2 already"),
    (
        put("controls.every.kinds", ["one-shot-fine-tuned"]),
        "controls.every.kinds",
        "'one-shot-fine-tuned'",
        "controls.more.kinds",
    ),
    (put("controls.every.kinds", ["random", "random"]), "controls.every.kinds", "'random'", "once"),
    (put("controls.rounds", [99]), "controls.rounds", "99", f"up to {LAST}"),
    (put("controls.tasks", ["cola"]), "controls.tasks", "'cola'", "acceptability"),
    (put("standard.aliased.rounds", [99]), "standard.aliased.rounds", "99", f"up to {LAST}"),
    (put("standard.tasks", ["cola"]), "standard.tasks", "'cola'", "acceptability"),
    (put("standard.seeds", []), "standard.tasks", "'acceptability'", "in both or none"),
    (put("standard.aliased.rounds", [1]), "standard.aliased.rounds", "1", "from 2 on"),
    (
        put_all(put("standard.tasks", []), put("standard.seeds", [])),
        "standard.aliased.rounds",
        "has rounds",
        "with standard.tasks",
    ),
    (put("controls.rounds", [1, 2]), "controls.rounds", "1", "from 2 on"),
    (put("transfer.sources", ["aliased-mlm"]), "transfer.sources", "'aliased-mlm'", "from 2 on"),
    (
        put("transfer.sources", ["aliased-cola"]),
        "transfer.sources",
        "'aliased-cola'",
        "aliased-mlm",
    ),
    (
        put_all(
            put("transfer.sources", ["aliased-mlm"]),
            put("transfer.round", 2),
            put("standard.seeds", [2]),
        ),
        "transfer.sources",
        "'aliased-mlm'",
        "all of transfer.seeds, 1",
    ),
    (
        put_all(put("transfer_weights.targets", ["mlm"]), put("transfer_weights.points", [0])),
        "transfer_weights.points",
        "0",
        "others than imp.rewind_to",
    ),
    (
        put_all(
            put("imp.classifier", "carried"),
            put("earlier.rounds", [1]),
            put("imp.keep_weights", [1]),
        ),
        "imp.keep_weights",
        "[1]",
        "is none",
    ),
    (put("cross.mask_seeds", [99]), "cross.mask_seeds", "99", SEEDS),
    (put("transfer.sources", ["two-shot"]), "transfer.sources[0]", "'two-shot'", "'multi-task'"),
    (put("transfer_weights.sources", ["one-shot"]), "transfer_weights", "'one-shot'", "pattern"),
    (put("transfer_weights.points", [30]), "transfer_weights.points", "30", "dense.points 0, 10"),
    (put("transfer.round", 99), "transfer.round", "99", f"up to {LAST}"),
    (put("imp.keep_weights", [-1]), "imp.keep_weights", "-1", f"before {LAST}"),
    (put("imp.keep_weights", [LAST]), "imp.keep_weights", str(LAST), f"before {LAST}"),
    (put("seeds", [1.0, 2.0]), "seeds[0]", "1.0", "a valid integer"),
    (put("imp.rewind_to", 33), "imp.rewind_to", "33", "dense.points"),
    (put("dense.points", []), "dense.points", "[]", "at least 1 item"),
    (put("dense.points", [0, 50, 50]), "dense.points", "50", "once"),
    (put("dense.points", [0, 100]), "dense.points[1]", "100", "less than 100"),
    (put("rewind.points", [30]), "rewind.points", "30", "dense.points 0, 10, 20, 5, 50"),
    (put("rewind.points", [50, 50]), "rewind.points", "50", "once"),
    (put("rewind.points", [0]), "rewind.points", "0", "others than imp.rewind_to"),
    (put("rewind.tasks", ["cola"]), "rewind.tasks", "'cola'", "acceptability"),
    (put("rewind.seeds", [99]), "rewind.seeds", "99", SEEDS),
    (put("seeds", [1, 1]), "seeds", "1", "once"),
    (put("seeds", [-1]), "seeds[0]", "-1", "greater than or equal to 0"),
    (put("transfer.seeds", [99]), "transfer.seeds", "99", SEEDS),
    (put("scratch.seeds", [99]), "scratch.seeds", "99", SEEDS),
    (put("multitask.seeds", [99]), "multitask.seeds", "99", SEEDS),
    (put("multitask.tasks", ["cola"]), "multitask.tasks", "'cola'", "acceptability"),
    (put("multitask.tasks", []), "multitask.tasks", "is empty", "one at least"),
    (put("multitask.seeds", []), "transfer.seeds", "1", "multitask.seeds none"),
    (put("search.tasks", ["cola"]), "search.tasks", "'cola'", "acceptability"),
    (
        put("search.tasks", [*shipped()["search"]["tasks"], "mlm"]),
        "search.tasks",
        "'mlm'",
        "tasks with labels",
    ),
    (put("search.seeds", [99]), "search.seeds", "99", SEEDS),
    (put("search.rule.variants", ["magic"]), "search.rule.variants[0]", "'magic'", "'published'"),
    (put("search.rule.variants", ["heads", "heads"]), "search.rule.variants", "'heads'", "once"),
    (put("search.rule.split", "test"), "search.rule.split", "'test'", "'selection'"),
    (put("search.rule.threshold", 1.1), "search.rule.threshold", "1.1", "less than or equal to 1"),
    (
        put_all(
            put("tasks", [*TASKS, "question"]),
            put("data.question", {"source": "miniature", "train": 10, "validation": 10, "seed": 0}),
            put("override.question", {}),
            put("search.tasks", ["question"]),
            *NOT_SEARCHED,
        ),
        "search.tasks",
        "'question'",
        "tasks with labels",
    ),
    *(
        (
            put_all(put(f"data.{TASK}", section), put("search.tasks", [TASK]), *NOT_SEARCHED),
            "search.tasks",
            f"'{TASK}'",
            "tasks with labels",
        )
        for section in (
            {"source": "folder", "path": "squad", "config": "plain_text"},
            {"source": "folder", "path": "wikitext", "config": "wikitext-103-v1"},
            {"source": "text", "train": "a.txt", "validation": "b.txt"},
        )
    ),
    *(
        (put(f"data.{TASK}", section), f"data.{TASK}", value, allowed)
        for section, value, allowed in (
            (
                glue("cola") | {"hans": None, "max_length": 24},
                "'cola'",
                "with max_length are plain_text",
            ),
            (glue("cola") | {"hans": None, "stride": 9}, "'cola'", "with stride are plain_text"),
            (glue("wikitext-2-v1") | {"hans": None, "stride": 9}, "'wikitext-2-v1'", "plain_text"),
            (glue("plain_text"), "'plain_text'", "with hans are mnli, rte"),
            (glue("plain_text") | {"hans": None, "stride": 32}, "stride is 32", "input, 32"),
            (
                glue("plain_text") | {"hans": None, "max_length": 33},
                "max_length is 33",
                "max_length, 32",
            ),
            (
                glue("rte") | {"hans": None, "examples": {"train": 5, "validation": 20}},
                "examples.train is 5",
                "greater than or equal to 10",
            ),
            (
                glue("rte") | {"hans": None, "examples": {"train": 50}},
                "examples.validation",
                "missing",
            ),
            (
                {"source": "text", "train": "a.csv", "validation": "b.txt"},
                "'a.csv'",
                ".txt or .parquet",
            ),
            (
                {"source": "text", "train": "a.txt", "validation": "a.txt"},
                "'a.txt'",
                "another file",
            ),
            (
                {"source": "text", "train": "a.txt", "validation": "b.txt", "max_length": 99},
                "max_length is 99",
                "encoder.max_length, 32",
            ),
            ({"source": "text", "train": "a.txt"}, f"data.{TASK}.validation", "missing"),
        )
    ),
    (put("retrain.tasks", ["mlm"]), "retrain.tasks", "'mlm'", "search.tasks"),
    (put("retrain.seeds", [99]), "retrain.seeds", "99", SEEDS),
    (
        put("retrain.structured", ["best"]),
        "retrain.structured[0]",
        "is 'best'",
        "draws such as random-2",
    ),
    (
        put("retrain.magnitude", ["inverted"]),
        "retrain.magnitude[0]",
        "is 'inverted'",
        "are good, random",
    ),
    (put("retrain.structured", ["random-1"]), "retrain.structured[0]", "'random-1'", "random-2"),
    (
        put_all(put("search.seeds", []), put("retrain.seeds", [])),
        "search.seeds",
        "empty",
        "one at least",
    ),
    (put("baselines.examples", 1), "baselines.examples", "1", "equal to 2"),
    (put("verdict.widest", 0), "verdict.widest", "0", "greater than 0"),
    (put("retrain.super", ["good"]), "retrain.super[0]", "'good'", "'super-bad'"),
    (put("retrain.magnitude", ["good", "good"]), "retrain.magnitude", "'good'", "once"),
    (
        put_all(
            put("dense.points", [50]),
            put("imp.rewind_to", 50),
            put("rewind.points", []),
            put("transfer_weights.points", []),
        ),
        "dense.points",
        "50",
        "lists with 0",
    ),
    (put("search.rule.variants", ["heads"]), "retrain.structured", "'good'", "'joint'"),
    (put("patterns.tasks", ["similarity"]), "patterns.tasks", "'similarity'", "search.tasks"),
    (put("patterns.network.seeds", []), "patterns.network.seeds", "empty", "one at least"),
    (put("patterns.network.seeds", [1, 1]), "patterns.network.seeds", "1", "once"),
    (put("patterns.network.size", 31), "patterns.network.size", "31", "equal to 32"),
    (put("patterns.network.lengths", [9, 40]), "patterns.network.size", "32", "lengths, 40"),
    (
        put("patterns.network.lengths", [9, 9]),
        "patterns.network.lengths",
        "[9, 9]",
        "and then more",
    ),
    (put("patterns.network.lengths", [4, 9]), "patterns.network.lengths[0]", "4", "equal to 5"),
    (put("patterns.examples.split", "train"), "patterns.examples.split", "'train'", "'validation'"),
    (put("patterns.examples.number", 0), "patterns.examples.number", "0", "equal to 1"),
    (
        put_all(
            put("search.rule.variants", ["magnitude"]),
            put("retrain.structured", []),
            put("retrain.scratch", []),
        ),
        "patterns.tasks",
        "'acceptability'",
        "'joint'",
    ),
    (put("noise.dropout", "fixed"), "noise.dropout is", "'fixed'", "'seed'"),
    (put("noise.dropout", -1), "noise.dropout is", "-1", "0"),
    (put("train.learning_rate", -0.1), "train.learning_rate", "-0.1", "greater than 0"),
    (put("train.learning_rate", "high"), "train.learning_rate", "'high'", "number"),
    (put("train.learning_rate", float("nan")), "train.learning_rate", "nan", "should be"),
    (put("train.learning_rate", float("inf")), "train.learning_rate", "inf", "finite"),
    (put("train.epochs", float("inf")), "train.epochs", "inf", "finite"),
    (
        put(f"override.{TASK}.learning_rate", 0),
        f"override.{TASK}.learning_rate",
        "0",
        "greater than 0",
    ),
    (put("train.batch_size", 1.5), "train.batch_size", "1.5", "integer"),
    (put("train.batch_size", True), "train.batch_size", "True", ""),
    (put("seeds", [True]), "seeds[0]", "True", ""),
    (put("train.precision", "fp16"), "train.precision", "'fp16'", "'bf16' or 'fp32'"),
    (put("train.betas", [0.9]), "train.betas[1]", "missing", ""),
    (put("train", [1]), "train", "[1]", "dictionary"),
    (put("tasks", None), "tasks", "None", "valid tuple"),
    (without("train"), "train", "missing", ""),
    (without("train.clip"), "train.clip", "missing", ""),
    (put(f"own.{TASK}", OWN), "own", repr(TASK), "names that data does not have"),
    (
        put("own.mine", {**OWN, "train": "a.xls"}),
        "own.mine.train",
        "'a.xls'",
        ".csv, .jsonl or .parquet",
    ),
    (
        put("own.mine", {**OWN, "metrics": ["pearson"]}),
        "own.mine.metrics",
        "'pearson'",
        "accuracy, f1, matthews",
    ),
    (put("own.mine", {**OWN, "texts": ["a", "b", "c"]}), "own.mine.texts", "'c'", "at most 2"),
    (
        put("data.sentiment.hans", {"per_subcase": 20}),
        "data.sentiment.hans",
        "20",
        "the task entailment",
    ),
    (put("data.entailment.hans.per_subcase", 0), "data.entailment.hans.per_subcase", "0", "1"),
    (
        put("data.entailment.hans.per_subcase", 1001),
        "data.entailment.hans.per_subcase",
        "1001",
        "less than or equal to 1000",
    ),
    (
        put("data.entailment.hans.path", "hans.txt"),
        "data.entailment.hans has",
        "'path' with value 'hans.txt'",
        "allowed are per_subcase",
    ),
    (put("data.entailment", glue("qnli")), "data.entailment.config", "'qnli'", "are mnli, rte"),
    (
        put("data.entailment", glue("rte", path="hans.csv")),
        "data.entailment.hans.path",
        "'hans.csv'",
        ".parquet or .txt",
    ),
    (
        put("data.entailment", glue("rte", per_subcase=0)),
        "data.entailment.hans.per_subcase",
        "0",
        "greater than or equal to 1",
    ),
]


@pytest.mark.parametrize(
    ("change", "key", "value", "allowed"),
    REFUSED,
    ids=[f"{key} {value}" for _, key, value, _ in REFUSED],
)
def test_a_wrong_file_is_refused_in_one_sentence(
    tmp_path: Path, change: Change, key: str, value: str, allowed: str
) -> None:
    said = message(change, tmp_path)
    assert key in said
    assert value in said
    assert allowed in said
    assert "\n" not in said
    assert "  " not in said
    assert len(said) < 400


def test_several_problems_are_counted(tmp_path: Path) -> None:
    said = message(put_all(without("train"), without("plot")), tmp_path)
    assert said == "train is missing (and 1 more)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tasks: [", "is not YAML"),
        ("train: 1\ntrain: 2\n", "duplicate key"),
        ("", "empty|dictionary|sections"),
        ("- 1\n- 2\n", "dictionary|sections"),
        ("tasks", "dictionary|sections"),
    ],
)
def test_a_file_that_holds_no_sections_is_refused_in_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        settings.load(path)
    assert re.search(said, str(caught.value))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "  " not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"title: \xff\xfe")
    with pytest.raises(ParamsError, match=r"params\.yaml is not"):
        settings.load(tmp_path / "params.yaml")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml does not exist; run this from"):
        settings.load(tmp_path / "params.yaml")


# --- what is read ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_the_studies_are_as_they_should_be(path: Path) -> None:
    study = settings.load(path)
    assert study.rounds[-1].to == study.last_round


@pytest.mark.parametrize("number", ["2.0e-5", "2e-05", "2e-5", "0.00002"])
def test_every_way_to_write_a_learning_rate_is_a_number(tmp_path: Path, number: str) -> None:
    """`-S train.learning_rate=2e-5` makes DVC write 2e-05, which YAML 1.1 reads as text."""
    text = SHIPPED.read_text(encoding="utf-8")
    changed, count = re.subn(r"(?m)^  learning_rate: \S+", f"  learning_rate: {number}", text)
    assert count == 1
    (tmp_path / "params.yaml").write_text(changed, encoding="utf-8")
    assert settings.load(tmp_path / "params.yaml").train.learning_rate == 2e-5


def test_params_are_frozen() -> None:
    study = settings.load(SHIPPED)
    for section, key in ((study, "seeds"), (study.train, "epochs"), (study.rounds[0], "sparsity")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, None)


@pytest.mark.parametrize("config", ["mnli", "rte"])
def test_hans_of_a_task_whose_class_0_is_entailment_is_read(tmp_path: Path, config: str) -> None:
    content = shipped()
    content["data"]["entailment"] = glue(config)
    data = settings.load(written(content, tmp_path)).data["entailment"]
    assert isinstance(data, settings.FolderData)
    assert data.hans == settings.HansFile(path="$SOMEWHERE/hans.txt", per_subcase=9)


def test_an_own_task_is_read(tmp_path: Path) -> None:
    content = shipped()
    content["tasks"].append("mine")
    content["own"]["mine"] = OWN
    content["override"]["mine"] = {"epochs": 1.5}
    study = settings.load(written(content, tmp_path))
    assert study.own["mine"].texts == ("text",)
    assert study.own["mine"].metrics == ("accuracy",)


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (
            {"source": "hub", "name": "a/b", "revision": "0" * 40, "pooler": "fresh"},
            settings.HubEncoder,
        ),
        ({"source": "folder", "path": "~/bert", "pooler": "fresh"}, settings.FolderEncoder),
        (
            {"source": "package", "name": "gt_all", "path": "model", "pooler": "fresh"},
            settings.PackageEncoder,
        ),
    ],
)
def test_every_source_of_an_encoder_is_read(
    tmp_path: Path, section: Content, kind: type[settings.Section]
) -> None:
    content = shipped()
    content["encoder"] = section
    assert isinstance(settings.load(written(content, tmp_path)).encoder, kind)


# --- paths -------------------------------------------------------------------------------


def test_variables_and_home_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "/data")
    monkeypatch.setenv("HOME", "/home/reader")
    assert settings.expanded("$SOMEWHERE/glue", "key") == Path("/data/glue")
    assert settings.expanded("${SOMEWHERE}/glue", "key") == Path("/data/glue")
    assert settings.expanded("~/glue", "key") == Path("/home/reader/glue")
    assert settings.expanded("glue", "key") == Path("glue")


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(ParamsError, match=r"data.rte.path is '\$NOWHERE/glue', .* NOWHERE is not"):
        settings.expanded("$NOWHERE/glue", "data.rte.path")


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ("tenths_of_original", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("tenths_of_remaining", [0.1, 0.19, 0.271, 0.3439, 0.40951, 0.468559, 0.5217031]),
    ],
)
def test_grids_of_rounds(tmp_path: Path, grid: str, expected: list[float]) -> None:
    """The released code drops 1/10, 1/9, 1/8, ... of the survivors; Algorithm 1 a tenth every time."""
    survivors = 1.0
    for number, sparsity in enumerate(expected, start=1):
        share = 1 / (11 - number) if grid == "tenths_of_original" else 0.1
        survivors *= 1 - share
        assert float(settings.GRIDS[grid](number)) == sparsity == pytest.approx(1 - survivors)
    rounds = [{"from": k, "to": k + 1, "sparsity": s} for k, s in enumerate(expected)]
    content = shipped()
    put_all(put("rounds", rounds), put("last_round", len(rounds)), put("grid", grid))(content)
    assert settings.load(written(content, tmp_path)).grid == grid
    rounds[1]["sparsity"] = 0.3
    with pytest.raises(
        settings.ParamsError, match=f"rounds\\[1\\].sparsity is 0.3, allowed with grid '{grid}'"
    ):
        settings.load(written(content, tmp_path))


def test_the_last_grid_of_the_remaining_is_that_of_the_paper() -> None:
    """After ten rounds 0.9 ** 10 of the weights are left, 34.9 %."""
    assert float(settings.GRIDS["tenths_of_remaining"](10)) == 0.6513215599


def test_tasks_named_like_sources_keep_their_names_in_messages(tmp_path: Path) -> None:
    section = {"source": "text", "train": "a.txt", "validation": "b.txt", "max_length": 1}
    assert message(put("data.text", section), tmp_path).startswith("data.text.max_length is 1, but")


@pytest.mark.parametrize(
    "section",
    [
        {"source": "folder", "path": "$X/squad", "config": "plain_text"},
        {"source": "hub", "name": "rajpurkar/squad", "config": "plain_text", "revision": "0" * 40},
        {"source": "folder", "path": "s", "config": "plain_text", "max_length": 30, "stride": 8},
        {"source": "folder", "path": "w", "config": "wikitext-103-raw-v1", "max_length": 24},
        {
            "source": "hub",
            "name": "Salesforce/wikitext",
            "config": "wikitext-2-v1",
            "revision": "0" * 40,
        },
        {"source": "text", "train": "~/a.txt", "validation": "$X/b.parquet"},
        {
            "source": "folder",
            "path": "g",
            "config": "rte",
            "examples": {"train": 99, "validation": 10},
        },
    ],
)
def test_spans_and_corpora_are_allowed_under_any_name(section: Content, tmp_path: Path) -> None:
    content = shipped()
    put("data.similarity", section)(content)
    assert settings.load(written(content, tmp_path)).data["similarity"].source == section["source"]
