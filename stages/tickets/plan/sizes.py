"""How large a study's encoder and data are, from what is there before anything has run."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from stages.tickets import files as artifacts
from stages.tickets.language import questions, sentences
from stages.tickets.language.templates import SUBCASES
from stages.tickets.plan import expansion
from stages.tickets.plan.flops import Examples, Kind, Lengths, Shape
from stages.tickets.plan.work import PRETRAINING
from stages.tickets.settings import (
    FolderEncoder,
    HubEncoder,
    OwnData,
    PackageEncoder,
    ParamsError,
    Pretrain,
    Train,
    expanded,
)
from stages.tickets.settings import (
    Study as Params,
)
from stages.tickets.settings.noise import stable_seed

SPECIAL_TOKENS = 5
"""Of the miniature's vocabulary."""
TYPES = ("bert", "camembert", "roberta", "xlm-roberta")
"""Types of models of which a config.json says what is asked here."""
BERT = {"vocab_size": 30522, "max_position_embeddings": 512, "type_vocab_size": 2}
KNOWN: Mapping[str, Mapping[str, int]] = {
    "bert-base-uncased": BERT
    | {"num_hidden_layers": 12, "hidden_size": 768, "intermediate_size": 3072},
    "bert-large-uncased": BERT
    | {"num_hidden_layers": 24, "hidden_size": 1024, "intermediate_size": 4096},
}
"""By name on the Hub, without that of the owner. Devlin et al. 2019, Sec. 3."""
HANS_SUBCASES = 30
"""Of McCoy et al. 2019."""


@dataclass(frozen=True)
class Official:
    """A data set as published."""

    kind: Kind
    outputs: int
    train: int
    validation: int
    """Of all splits together that are scored."""
    tokens: tuple[float, float] | None = None
    """Mean and standard deviation of the lengths of training examples in word pieces of
    bert-base-uncased, special ones included, cut at `CUT`."""

    @property
    def lengths(self) -> Lengths | None:
        if self.tokens is None:
            return None
        mean, std = self.tokens
        return Lengths(mean, mean**2 + std**2)


CUT = 128
DRAWN = 300
"""Texts of the miniature that are drawn to see how long they are."""
OFFICIAL: Mapping[str, Official] = {
    "cola": Official("classification", 2, 8_551, 1_043, (11.3, 4.1)),
    "sst2": Official("classification", 2, 67_349, 872, (13.3, 9.5)),
    "mrpc": Official("classification", 2, 3_668, 408, (53.2, 13.0)),
    "stsb": Official("regression", 1, 5_749, 1_500, (27.8, 14.3)),
    "qqp": Official("classification", 2, 363_846, 40_430, (30.6, 12.5)),
    "mnli": Official("classification", 3, 392_702, 9_815 + 9_832, (39.9, 18.5)),
    "qnli": Official("classification", 2, 104_743, 5_463, (49.1, 17.2)),
    "rte": Official("classification", 2, 2_490, 277, (66.6, 32.8)),
    "wnli": Official("classification", 2, 635, 71, (37.1, 15.8)),
    "plain_text": Official("span", 2, 88_524, 10_784, (160.9, 69.7)),
}
"""By config on the Hub: GLUE (Wang et al. 2018) as nyu-mll/glue has it; lengths counted here over 8,000
training examples at most, of MNLI, QNLI and QQP from random parts. SQuAD v1.1 (Rajpurkar et al. 2016) in
windows of 384 tokens with a stride of 128; lengths counted over 12,022 of them."""


@dataclass(frozen=True)
class Sizes:
    """Of a study."""

    shape: Shape
    encoder: str
    """Where the encoder's sizes come from."""
    examples: Mapping[str, Examples]
    """By task, and of the encoder's own training."""
    recipes: Mapping[str, Train]
    """Likewise."""
    sources: Mapping[str, str]
    """Where the examples come from, likewise."""
    unknown: Mapping[str, str]
    """Tasks whose number of examples is not known, and why."""


# --- the encoder -----------------------------------------------------------------------------


def shape_of_config(config: Mapping[str, Any], pooler: bool, where: str) -> Shape:
    """The sizes in a config.json of transformers.

    Raises:
        ParamsError: it is of another type of model, or lacks a size.
    """
    kind = config.get("model_type", "bert")
    if kind not in TYPES:
        raise ParamsError(f"{where} has the model_type {kind!r}, allowed are {', '.join(TYPES)}")
    try:
        return Shape(
            config["num_hidden_layers"],
            config["hidden_size"],
            config["intermediate_size"],
            config["vocab_size"],
            config["max_position_embeddings"],
            config["type_vocab_size"],
            pooler,
        )
    except KeyError as error:
        raise ParamsError(f"{where} lacks {error.args[0]!r}") from None


def shape_of(
    encoder: Pretrain | HubEncoder | FolderEncoder | PackageEncoder,
    stored: Path | None,
    given: Path | None,
) -> tuple[Shape, str]:
    """The sizes of an encoder, and where they come from.

    Args:
        encoder: of the study.
        stored: folder of this very encoder, if it is there.
        given: a config.json named by the user, which comes before all but the settings.

    Raises:
        ParamsError: nothing says how large the encoder is.
    """
    if isinstance(encoder, Pretrain):
        words = len(sentences.WORDS) + SPECIAL_TOKENS
        sizes = (encoder.layers, encoder.hidden, encoder.mlp, words, encoder.max_length)
        return Shape(*sizes, types=2, pooler=False), "encoder"
    pooler = encoder.pooler == "pretrained"
    if given:
        return shape_of_config(_config(given), pooler, str(given)), str(given)
    if stored:
        file = stored / "config.json"
        return shape_of_config(_config(file), pooler, str(file)), str(file)
    if isinstance(encoder, HubEncoder):
        config = KNOWN.get(encoder.name.split("/")[-1])
        if config is None:
            raise ParamsError(
                f"encoder.name is {encoder.name!r}, whose sizes are not known here; allowed without "
                f"--encoder-config are {', '.join(KNOWN)}"
            )
        return shape_of_config(config, pooler, encoder.name), "Devlin et al. 2019"
    file = _folder(encoder) / "config.json"
    return shape_of_config(_config(file), pooler, file.name), "config.json of the encoder"


def _folder(encoder: FolderEncoder | PackageEncoder) -> Path:
    if isinstance(encoder, FolderEncoder):
        return expanded(encoder.path, "encoder.path")
    try:
        found = importlib.util.find_spec(encoder.name)
    except ModuleNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise ParamsError(
            f"encoder.name is {encoder.name!r}, but no such package is installed; --encoder-config "
            "takes a config.json in its place"
        )
    return Path(found.origin).parent / encoder.path


def _config(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{file} does not exist, allowed is a config.json") from None
    except ValueError as error:
        raise ParamsError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{file} is {content!r}, allowed is a config.json of transformers")
    return content


# --- the data --------------------------------------------------------------------------------


def carved(examples: int, selection: float) -> tuple[int, int]:
    """Sizes of `train` and `selection`, as `tasks.carve` cuts them."""
    num = min(max(round(selection * examples), 1), examples - 1)
    return examples - num, num


def examples_of(study: Params, task: str, shape: Shape) -> tuple[Examples, str] | str:
    """The size of a task before it is prepared and where it comes from; why, where nothing says it.

    Lengths are those of published data where the encoder has the vocabulary of bert-base-uncased, and of
    a draw of the miniature; all splits are taken to be as long as the training examples.

    Raises:
        ParamsError: a folder or table that the study names is not as it should be.
    """
    data = study.data.get(task) or study.own[task]
    section = data.model_dump()
    longest = _longest(section, study)
    if isinstance(data, OwnData):
        found, source = _own(task, data), "its tables"
    elif section["source"] == "miniature":
        found, source = _miniature(task, section, longest), f"data.{task}"
    elif section.get("config") in OFFICIAL:
        found, source = _published(task, section)
    elif caps := section.get("examples"):
        found = Official("mlm", 0, caps["train"], caps["validation"], (longest, 0.0))
        source = f"data.{task}, blocks without padding"
    else:
        return "its number of examples is not known before `prepare`"
    caps = section.get("examples") or {}
    train = min(found.train, caps.get("train") or found.train)
    validation = min(found.validation, caps.get("validation") or found.validation)
    train, selection = carved(train, study.prepare.selection)
    hans = section.get("hans")
    subcases = len(SUBCASES) if section.get("source") == "miniature" else HANS_SUBCASES
    evaluated = selection + validation + (hans["per_subcase"] * subcases if hans else 0)
    hidden = study.prepare.masked if found.kind == "mlm" else 0.0
    same = section.get("source") == "miniature" or found.kind == "mlm"
    same |= shape.vocabulary == BERT["vocab_size"] and longest >= CUT
    lengths = found.lengths if same else None
    return Examples(
        found.kind, found.outputs, train, evaluated, longest, lengths, lengths, hidden
    ), source


def _corpus(encoder: Pretrain) -> Examples:
    """What the miniature's encoder is pre-trained on."""
    mean, std = _words(sentences.sentences(DRAWN, encoder.seed), encoder.max_length)
    lengths = Lengths(mean, mean**2 + std**2)
    return Examples("mlm", 0, encoder.sentences, 0, encoder.max_length, lengths, lengths)


def _longest(section: Mapping[str, Any], study: Params) -> int:
    """Tokens that an example is cut to; a task may have a number of its own."""
    own: int | None = section.get("max_length")
    return own or study.prepare.max_length


def _miniature(task: str, section: Mapping[str, Any], longest: int) -> Official:
    if task == "question":
        asked = questions.quizzes("train", DRAWN, section["seed"])
        tokens = _words([f"{one.question} [SEP] {one.context}" for one in asked], longest)
        return Official("span", 2, section["train"], section["validation"], tokens)
    outputs = sentences.LABELLED[task][0] if task in sentences.LABELLED else 0
    kind: Kind = "mlm" if not outputs else "regression" if outputs == 1 else "classification"
    if kind == "mlm":
        texts = sentences.sentences(DRAWN, stable_seed("mlm", section["seed"]))
    else:
        drawn = sentences.examples(task, "train", DRAWN, section["seed"])
        texts = [f"{one.first} [SEP] {one.second}" if one.second else one.first for one in drawn]
    tokens = _words(texts, longest)
    return Official(kind, outputs, section["train"], section["validation"], tokens)


def _words(texts: list[str], longest: int) -> tuple[float, float]:
    """Mean and standard deviation of lengths in words, with a token at either end."""
    lengths = np.minimum([len(text.split()) + 2 for text in texts], longest)
    return float(lengths.mean()), float(lengths.std())


def _published(task: str, section: Mapping[str, Any]) -> tuple[Official, str]:
    """As published, but for the number of rows in a local folder of tables with a label a row.

    A study may be planned where its data are not.
    """
    official = OFFICIAL[section["config"]]
    if section["source"] != "folder" or official.kind == "span":
        return official, "official sizes"
    try:
        folder = expanded(section["path"], f"data.{task}.path") / section["config"]
    except ParamsError:  # a variable of the place where the study will run
        return official, "official sizes"
    rows = [
        sum(pq.read_metadata(file).num_rows for file in folder.glob(f"{split}*-*.parquet"))
        for split in ("train", "validation")
    ]
    if not all(rows):
        return official, "official sizes"
    return replace(official, train=rows[0], validation=rows[1]), "its tables"


def _own(task: str, data: OwnData) -> Official:
    from stages.tickets.tasks import own  # noqa: PLC0415  pandas, which few studies need

    described, splits = own.load(task, data)
    sizes = (len(splits["train"]), len(splits["validation"]))
    return Official(data.kind, described.num_labels, *sizes)


def prepared(folder: Path, longest: int, hidden: float) -> Examples:
    """The size of a task that is prepared.

    Args:
        folder: of the stage `prepare`.
        longest: tokens that an example is cut to.
        hidden: share of words on which masked language modelling is scored.
    """
    record = artifacts.load_record(folder / "task.json")
    train = artifacts.load_split(folder / "train.safetensors").lengths
    evaluated = np.concatenate(
        [
            artifacts.load_split(folder / f"{name}.safetensors").lengths
            for name in record["evaluated"]
        ]
    )
    kind: Kind = record["task"]["kind"]
    return Examples(
        kind,
        2 if kind == "span" else record["task"]["num_labels"],
        len(train),
        len(evaluated),
        longest,
        Lengths.of(train),
        Lengths.of(evaluated),
        hidden if kind == "mlm" else 0.0,
    )


# --- what is there already -------------------------------------------------------------------


def is_made(
    locked: Mapping[str, Any], folder: Path, study: Mapping[str, Any], keys: tuple[str, ...]
) -> bool:
    """Whether a folder is there as dvc.lock has it, made with the settings of this study.

    Args:
        locked: section `stages` of dvc.lock.
        folder: an output, relative to the project.
        study: content of the params file.
        keys: dotted, of the settings that have to be the same.
    """
    if not folder.is_dir():
        return False
    files = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    for entry in locked.values():
        for out in entry.get("outs", ()):
            if out["path"] == folder.as_posix():
                tracked = entry.get("params", {}).get(expansion.PARAMS, {})
                same = all(
                    key in tracked and tracked[key] == expansion.value(study, key) for key in keys
                )
                return same and (out.get("nfiles"), out["size"]) == (len(files), sum(files))
    return False


def measure(
    study: Params,
    content: Mapping[str, Any],
    results: Path,
    locked: Mapping[str, Any],
    given: Path | None = None,
) -> Sizes:
    """Shape of the encoder and examples of all tasks.

    What `dvc repro` has made for this very study comes before all else.

    Args:
        study: checked.
        content: the same, as it is in the file.
        results: folder of the pipeline's results.
        locked: section `stages` of dvc.lock; empty without one.
        given: a config.json of the encoder, named by the user.

    Raises:
        ParamsError: nothing says how large the encoder is, or data are not as they should be.
    """
    there = is_made(locked, results / "encoder", content, ("encoder",))
    shape, encoder = shape_of(study.encoder, results / "encoder" if there else None, given)
    examples: dict[str, Examples] = {}
    sources: dict[str, str] = {}
    unknown: dict[str, str] = {}
    recipes = {
        task: study.train.model_copy(update=study.override[task].model_dump(exclude_none=True))
        for task in study.tasks
    }
    if isinstance(study.encoder, Pretrain):
        examples[PRETRAINING] = _corpus(study.encoder)
        recipes[PRETRAINING], sources[PRETRAINING] = study.encoder.train, "encoder"
    for task in study.tasks:
        folder = results / "prepared" / task
        kind = "own" if task in study.own else "data"
        keys = ("prepare", f"{kind}.{task}")
        if there and is_made(locked, folder, content, keys):
            section = getattr(study, kind)[task].model_dump()
            examples[task] = prepared(folder, _longest(section, study), study.prepare.masked)
            sources[task] = folder.as_posix()
            continue
        found = examples_of(study, task, shape)
        if isinstance(found, str):
            unknown[task] = found
        else:
            examples[task], sources[task] = found
    return Sizes(shape, encoder, examples, recipes, sources, unknown)
