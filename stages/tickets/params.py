"""params.yaml, typed: every section, what is allowed in it, and one-sentence errors."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ENCODER_SOURCES = ("pretrain", "hub", "folder", "package")
DATA_SOURCES = ("miniature", "hub", "folder")
GLUE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")
MINIATURE = ("acceptability", "sentiment", "paraphrase", "similarity", "entailment", "mlm")
HANS_GLUE = ("mnli", "rte")
"""Tasks of GLUE whose class 0 is entailment of the second text by the first, as HANS asks."""
HANS_MINIATURE = ("entailment",)
Kind = Literal["classification", "regression", "mlm"]
Metric = Literal["accuracy", "f1", "matthews", "pearson", "spearman", "masked_accuracy"]
ALLOWED_METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": ("accuracy", "f1", "matthews"),
    "regression": ("pearson", "spearman"),
    "mlm": ("masked_accuracy",),
}
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""Name of a task or a study: part of paths and of stage names."""
Share = Annotated[float, Field(gt=0, lt=1)]
Whole = Annotated[int, Field(strict=True)]
"""Written without a point: it becomes part of paths and of stage names."""
Seed = Annotated[Whole, Field(ge=0)]


class ParamsError(ValueError):
    """Something in params.yaml is not allowed; the message is one sentence for the user."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_key(cls, values: object) -> object:
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in values if isinstance(values, dict) else ():
            if key not in allowed:
                raise ValueError(
                    f"has the unknown key {key!r} with value {values[key]!r}, "  # type: ignore[index]
                    f"allowed are {', '.join(allowed)}"
                )
        return values


# --- training --------------------------------------------------------------------------------


class Train(Section):
    """One fine-tuning, the same recipe for every task unless `override` says otherwise."""

    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    """Peak of the schedule, per optimizer step; linear decay to 0."""
    warmup: float = Field(ge=0, lt=1)
    """Share of the steps in which the learning rate rises from 0."""
    weight_decay: float = Field(ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    epsilon: float = Field(gt=0)
    clip: float = Field(gt=0)
    """Largest norm of the gradient of the surviving weights."""
    dropout: float = Field(ge=0, lt=1)
    precision: Literal["bf16", "fp32"]
    """bf16: matrix products in bfloat16 by autocast; weights and optimizer stay in float32."""
    group: int = Field(ge=1)
    """Batches of like length are cut from chunks of `group` batches of shuffled examples."""
    masked: Share
    """Share of the words that masked language modelling hides, anew in every step."""
    threads: int = Field(ge=1)
    """CPU threads; another number moves the last bits of the results."""


# --- the encoder -----------------------------------------------------------------------------


class Pretrain(Section):
    """A small BERT, pre-trained here by masked language modelling on the miniature language."""

    source: Literal["pretrain"]
    sentences: int = Field(ge=100)
    layers: int = Field(ge=1)
    attention_heads: int = Field(ge=1)
    hidden: int = Field(ge=4)
    mlp: int = Field(ge=4)
    max_length: int = Field(ge=8)
    """Positions: the longest input in tokens, special ones included."""
    initializer_range: float = Field(gt=0)
    """Standard deviation of the weights before pre-training; also of a task's classifier."""
    train: Train
    seed: Seed

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> "Pretrain":
        if self.hidden % self.attention_heads:
            raise ValueError(
                f"hidden is {self.hidden}, allowed are multiples of attention_heads, "
                f"{self.attention_heads}"
            )
        return self


class Loaded(Section):
    """What encoders that are loaded have in common."""

    pooler: Literal["pretrained", "fresh"]
    """fresh: the checkpoint's is left out, so it is drawn with the classifier and never pruned."""


class HubEncoder(Loaded):
    """A model of the Hugging Face Hub at a pinned revision."""

    source: Literal["hub"]
    name: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class FolderEncoder(Loaded):
    """A model in transformers' format in a local folder; ~ and $VARIABLES are expanded."""

    source: Literal["folder"]
    path: str


class PackageEncoder(Loaded):
    """A model that an installed Python package carries in a folder of its own."""

    source: Literal["package"]
    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")
    """Import name of the package."""
    path: str
    """Folder of the model, relative to the package's."""


Encoder = Annotated[
    Pretrain | HubEncoder | FolderEncoder | PackageEncoder, Field(discriminator="source")
]

# --- the data of a task ----------------------------------------------------------------------


class MiniatureHans(Section):
    """Examples in the manner of HANS (McCoy et al. 2019), written in the miniature language."""

    per_subcase: int = Field(ge=1, le=1000)
    """Number of them; HANS has 1000."""


class HansFile(Section):
    """The evaluation set HANS (McCoy et al. 2019); ~ and $VARIABLES in the path are expanded."""

    path: str
    """The official heuristics_evaluation_set.txt, or a Parquet file with the columns premise,
    hypothesis, label (0: entailment, 1: non-entailment), heuristic and subcase."""
    per_subcase: int = Field(ge=1)
    """So many examples of every subcase are drawn; all where it has fewer."""

    @field_validator("path")
    @classmethod
    def _is_a_table(cls, path: str) -> str:
        if Path(path).suffix not in (".parquet", ".txt"):
            raise ValueError(f"is {path!r}, allowed are files that end in .parquet or .txt")
        return path


class MiniatureData(Section):
    """A task of the miniature language, generated."""

    source: Literal["miniature"]
    train: int = Field(ge=10)
    validation: int = Field(ge=10)
    seed: Seed
    hans: MiniatureHans | None = None
    """Scored in addition, of the task entailment alone."""


class HubData(Section):
    """A GLUE task of the Hugging Face Hub at a pinned revision."""

    source: Literal["hub"]
    name: str
    config: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    hans: HansFile | None = None
    """Scored in addition, of MNLI and RTE alone."""


class FolderData(Section):
    """A GLUE task in a local folder in the Hub's layout; ~ and $VARIABLES are expanded."""

    source: Literal["folder"]
    path: str
    config: str
    hans: HansFile | None = None
    """Scored in addition, of MNLI and RTE alone."""


Data = Annotated[MiniatureData | HubData | FolderData, Field(discriminator="source")]


class OwnData(Section):
    """A task of the user's: tables in CSV, JSON Lines or Parquet."""

    train: str
    """Path of the training table, relative to the project."""
    validation: str
    """Path of the table for reporting."""
    texts: tuple[str, ...] = Field(min_length=1, max_length=2)
    """One text column, or the two of a pair."""
    label: str
    kind: Literal["classification", "regression"]
    metrics: tuple[Metric, ...] = Field(min_length=1)
    """The first one is the headline."""

    @field_validator("train", "validation")
    @classmethod
    def _is_a_table(cls, path: str) -> str:
        if Path(path).suffix not in (".csv", ".jsonl", ".parquet"):
            raise ValueError(f"is {path!r}, allowed are files that end in .csv, .jsonl or .parquet")
        if path.startswith("~") or "$" in path:
            raise ValueError(f"is {path!r}, allowed are paths without ~ and $, which DVC watches")
        return path

    @model_validator(mode="after")
    def _columns_and_tables_differ(self) -> "OwnData":
        if self.train == self.validation:
            raise ValueError(
                f"validation is {self.validation!r}, allowed is another file than train"
            )
        _check_unique("texts and label", (*self.texts, self.label))
        return self

    @model_validator(mode="after")
    def _metrics_fit(self) -> "OwnData":
        _check_unique("metrics", self.metrics)
        for metric in self.metrics:
            if metric not in ALLOWED_METRICS[self.kind]:
                raise ValueError(
                    f"metrics has {metric!r}, allowed for {self.kind} are "
                    + ", ".join(ALLOWED_METRICS[self.kind])
                )
        return self


class Prepare(Section):
    """How texts become the splits that all later stages read."""

    max_length: int = Field(ge=8)
    """Longest input in tokens, special ones included; longer ones are cut."""
    selection: Share
    """Share of the training examples set aside for choosing sparsities and stopping searches."""
    masked: Share
    """Share of the words hidden in the splits on which masked language modelling is scored."""
    seed: Seed
    """Of the draws of `selection`, of those hidden words, and of examples from a file of HANS."""


class Override(Section):
    """What one task does differently from `train`; what is left out stays."""

    epochs: float | None = Field(default=None, gt=0)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)


class Noise(Section):
    """Each source of noise: `seed`, it follows the run's seed, or a number that fixes it."""

    head_init: Literal["seed"] | Seed
    data_order: Literal["seed"] | Seed
    dropout: Literal["seed"] | Seed
    mask: Literal["seed"] | Seed


class Recipe(Section):
    """What all trainings of one task read, in a file that the stage `prepare` writes."""

    noise: Noise
    train: Train


# --- pruning ---------------------------------------------------------------------------------

Percent = Annotated[Whole, Field(ge=0, lt=100)]


class Round(Section):
    """A round: from mask `from` to mask `to` at `sparsity`."""

    before: Whole = Field(alias="from", ge=0)
    to: Whole = Field(ge=1)
    sparsity: float = Field(gt=0, lt=1)


class Dense(Section):
    """The dense training, from which theta_i is taken."""

    points: tuple[Percent, ...] = Field(min_length=1)
    """Percentages of it at which the weights are kept; 0: the pre-trained weights."""


class Imp(Section):
    """Iterative magnitude pruning."""

    rewind_to: Percent
    """Rounds restart from the weights at this percentage of the dense training; 0: pre-trained."""
    keep_weights: tuple[Whole, ...]
    """Rounds before the last whose trained weights are stored, for export and comparisons."""


class Rewind(Section):
    """Training of the last subnetwork from other points of the dense training than the rounds'."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    points: tuple[Percent, ...]


class Random(Section):
    """Random masks of exactly the size of the ticket of these rounds."""

    rounds: tuple[Annotated[Whole, Field(ge=1)], ...]


class Scratch(Section):
    """The dense architecture trained from random weights instead of the pre-trained ones."""

    seeds: tuple[Seed, ...]


class Transfer(Section):
    """Masks of sources trained on targets, each with a fresh classifier."""

    sources: tuple[Name, ...]
    targets: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    round: Whole = Field(ge=1)


Variant = Literal["joint", "heads", "mlps", "published", "half-1", "half-2", "magnitude"]
SearchSplit = Literal["selection", "validation", "train"]


class SearchRule(Section):
    """How the searches of Prasanna et al. 2020 go."""

    variants: tuple[Variant, ...] = Field(min_length=1)
    """joint: heads and MLPs in three phases; heads, mlps: those alone; published: joint, with the
    importance that the authors' code computes; half-1, half-2: joint, on either half of the examples;
    magnitude: single weights and biases."""
    split: SearchSplit
    """What subnetworks are scored on while searching; train: a random part, as large as validation."""
    threshold: float = Field(gt=0, le=1)
    """Share of the dense score that a subnetwork has to keep."""
    amount: Share
    """Share of all heads that a joint step drops."""
    magnitude: Share
    """Share of the remaining weights that a step of the magnitude search drops."""


class Search(Section):
    """Searches for subnetworks of fine-tuned models."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    rule: SearchRule
    permutations: int = Field(ge=1)
    """Of masks, for the agreement that chance reaches."""


def _subnetwork(name: str) -> str:
    if not re.fullmatch(r"good|(random|bad)(-([2-9]|[1-9][0-9]+))?|inverted|one-head", name):
        raise ValueError(
            f"is {name!r}, allowed are good, random, bad, inverted, one-head, and draws such as random-2"
        )
    return name


def _magnitude_subnetwork(name: str) -> str:
    if not re.fullmatch(r"good|random(-([2-9]|[1-9][0-9]+))?|bad", name):
        raise ValueError(f"is {name!r}, allowed are good, random, bad, and draws such as random-2")
    return name


Subnetwork = Annotated[str, AfterValidator(_subnetwork)]
MagnitudeSubnetwork = Annotated[str, AfterValidator(_magnitude_subnetwork)]


class Baselines(Section):
    """What is scored without the encoder's layers, from its word vectors."""

    examples: int = Field(ge=2)
    """Of the training split at most, drawn at random: their vectors are in memory at once."""
    penalty: float = Field(gt=0)
    """L2, of the weights on standardised features."""


class Retrain(Section):
    """Subnetworks that are scored as they are and trained alone, for the tasks and seeds searched."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    structured: tuple[Subnetwork, ...]
    """Beside the structure that the joint search found."""
    super: tuple[Literal["super", "super-random", "super-bad"], ...]
    """Beside what the joint search kept in all seeds of a task."""
    magnitude: tuple[MagnitudeSubnetwork, ...]
    """Beside the mask that the magnitude search found."""
    scratch: tuple[Subnetwork, ...]
    """As `structured`, trained from random weights."""


# --- patterns of attention -------------------------------------------------------------------


class PatternNetwork(Section):
    """Small networks that tell patterns of attention maps apart, trained on maps made by rule."""

    seeds: tuple[Seed, ...]
    """A network each for raw and for normed maps; how far they agree says what a share is worth."""
    maps: int = Field(ge=5)
    """Made for the training of one network."""
    lengths: tuple[Annotated[Whole, Field(ge=5)], Annotated[Whole, Field(ge=5)]]
    """Fewest and most tokens, of made-up maps and of the examples that are looked at. Networks learn from
    every second length, from the first on, and are tested on the others."""
    noise: float = Field(ge=0)
    """Standard deviation on the logarithms of attention."""
    size: int = Field(ge=32)
    """Rows and columns that maps are padded to."""
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    """Of Adam, constant."""
    held_out: int = Field(ge=5)
    """Maps made for the test."""
    held_out_noise: float = Field(ge=0)
    threads: int = Field(ge=1)

    @model_validator(mode="after")
    def _lengths_fit(self) -> "PatternNetwork":
        fewest, most = self.lengths
        if fewest >= most:
            raise ValueError(f"lengths is [{fewest}, {most}], allowed are the fewest and then more")
        if most > self.size:
            raise ValueError(
                f"size is {self.size}, allowed is at least the most of lengths, {most}"
            )
        _check_unique("seeds", self.seeds)
        return self


class PatternExamples(Section):
    """Examples on which the heads of a task's models are looked at."""

    split: Literal["selection", "validation"]
    number: int = Field(ge=1)
    """Drawn from those of a length that the networks know; all, where there are not so many."""


class Patterns(Section):
    """Patterns of attention among all heads and among super-survivors, for the seeds searched."""

    tasks: tuple[Name, ...]
    network: PatternNetwork
    examples: PatternExamples


# --- reading results -------------------------------------------------------------------------


class Tickets(Section):
    """When a subnetwork counts as matching, and what intervals say."""

    tolerance: Literal["one_std"]
    """one_std: at most one standard deviation over seeds of the dense scores below their mean."""
    confidence: Share
    """Of the intervals over seeds (Student's t)."""


class Verdict(Section):
    """When a result agrees with a published one."""

    margin: float = Field(ge=0, le=1)
    """Of scores, in [0, 1]: so far apart they still agree; or the published one is in the interval."""
    widest: float = Field(gt=0, le=1)
    """Half of the widest interval that decides anything."""


class Plot(Section):
    """What the figures look like; no number depends on it."""

    panel_width: float = Field(gt=0)
    """Inches."""
    panel_height: float = Field(gt=0)
    columns: int = Field(ge=1)
    """Panels side by side."""


class Params(Section):
    """The whole of params.yaml."""

    study: Name
    title: str
    banner: str
    """Shown on top of every report; empty for none."""
    tasks: tuple[Name, ...] = Field(min_length=1)
    seeds: tuple[Seed, ...] = Field(min_length=1)
    noise: Noise
    encoder: Encoder
    data: dict[Name, Data]
    own: dict[Name, OwnData]
    prepare: Prepare
    train: Train
    override: dict[Name, Override]
    rounds: tuple[Round, ...] = Field(min_length=1)
    last_round: Whole
    """Number of the last round: dvc.yaml cannot count."""
    dense: Dense
    imp: Imp
    rewind: Rewind
    random: Random
    scratch: Scratch
    transfer: Transfer
    baselines: Baselines
    search: Search
    retrain: Retrain
    patterns: Patterns
    tickets: Tickets
    verdict: Verdict
    plot: Plot

    @model_validator(mode="after")
    def _sections_agree(self) -> "Params":
        if isinstance(self.encoder, Pretrain) and self.prepare.max_length > self.encoder.max_length:
            raise ValueError(
                f"prepare.max_length is {self.prepare.max_length}, allowed is at most "
                f"encoder.max_length, {self.encoder.max_length}"
            )
        _check_described(self)
        _check_known(self)
        _check_lists(self)
        _check_rounds(self)
        _check_search(self)
        _check_patterns(self)
        return self


def _check_described(params: Params) -> None:
    """Every task has one section in data or own, and one in override; there are no others."""
    described = set(params.data) | set(params.own)
    for task in params.tasks:
        if task not in described:
            raise ValueError(f"tasks has {task!r}, allowed are " + _listed(described))
        if task not in params.override:
            raise ValueError(f"override lacks {task!r}, allowed is a section for every task")
    for task in params.own:
        if task in params.data:
            raise ValueError(f"own has {task!r}, allowed are names that data does not have")
    _check_among("data", params.data, "tasks", params.tasks)
    _check_among("own", params.own, "tasks", params.tasks)
    _check_among("override", params.override, "tasks", params.tasks)


def _check_known(params: Params) -> None:
    for name, data in params.data.items():
        if isinstance(data, MiniatureData):
            if name not in MINIATURE:
                raise ValueError(
                    f"data.{name}.source is 'miniature', allowed for the tasks {_listed(MINIATURE)}"
                )
            if data.hans and name not in HANS_MINIATURE:
                raise ValueError(
                    f"data.{name}.hans has per_subcase {data.hans.per_subcase}, allowed in the "
                    f"miniature is hans for the task {_listed(HANS_MINIATURE)}"
                )
        elif data.config not in GLUE:
            raise ValueError(f"data.{name}.config is {data.config!r}, allowed are {_listed(GLUE)}")
        elif data.hans and data.config not in HANS_GLUE:
            raise ValueError(
                f"data.{name}.config is {data.config!r}, allowed with hans are {_listed(HANS_GLUE)}, "
                "whose class 0 is entailment"
            )


def _check_lists(params: Params) -> None:
    for key, values, whole, allowed in (
        ("tasks", params.tasks, "tasks", params.tasks),
        ("seeds", params.seeds, "seeds", params.seeds),
        ("rewind.tasks", params.rewind.tasks, "tasks", params.tasks),
        ("rewind.seeds", params.rewind.seeds, "seeds", params.seeds),
        ("transfer.sources", params.transfer.sources, "tasks", params.tasks),
        ("transfer.targets", params.transfer.targets, "tasks", params.tasks),
        ("transfer.seeds", params.transfer.seeds, "seeds", params.seeds),
        ("scratch.seeds", params.scratch.seeds, "seeds", params.seeds),
        ("search.tasks", params.search.tasks, "tasks", params.tasks),
        ("search.seeds", params.search.seeds, "seeds", params.seeds),
        ("retrain.tasks", params.retrain.tasks, "search.tasks", params.search.tasks),
        ("retrain.seeds", params.retrain.seeds, "search.seeds", params.search.seeds),
        ("patterns.tasks", params.patterns.tasks, "search.tasks", params.search.tasks),
    ):
        _check_unique(key, values)
        _check_among(key, values, whole, allowed)


def _check_among(
    key: str, values: Collection[object], whole: str, allowed: Collection[object]
) -> None:
    for value in values:
        if value not in allowed:
            raise ValueError(f"{key} has {value!r}, allowed are the {whole} {_listed(allowed)}")


def _check_rounds(params: Params) -> None:
    sparsity = 0.0
    for index, after in enumerate(params.rounds):
        key = f"rounds[{index}]"
        if (after.before, after.to) != (index, index + 1):
            raise ValueError(
                f"{key} goes from {after.before} to {after.to}, allowed is from {index} to {index + 1}"
            )
        if after.sparsity <= sparsity:
            raise ValueError(
                f"{key}.sparsity is {after.sparsity}, allowed is more than the {sparsity} before it"
            )
        sparsity = after.sparsity
    last = len(params.rounds)
    if params.last_round != last:
        raise ValueError(f"last_round is {params.last_round}, allowed is {last}, that of rounds")
    points, rewound_to = params.dense.points, params.imp.rewind_to
    _check_unique("dense.points", points)
    _check_unique("rewind.points", params.rewind.points)
    for key, point in (
        ("imp.rewind_to is", rewound_to),
        *(("rewind.points has", point) for point in params.rewind.points),
    ):
        if point not in points:
            raise ValueError(f"{key} {point}, allowed are the dense.points {_listed(points)}")
    if rewound_to in params.rewind.points:
        raise ValueError(
            f"rewind.points has {rewound_to}, allowed are others than imp.rewind_to, from where the "
            "last ticket is trained anyway"
        )
    _check_unique("random.rounds", params.random.rounds)
    _check_unique("imp.keep_weights", params.imp.keep_weights)
    for number in params.imp.keep_weights:
        if not 0 < number < last:
            raise ValueError(
                f"imp.keep_weights has {number}, allowed are the rounds after 0, whose weights are "
                f"stored anyway, and before {last}, the last"
            )
    for key, rounds in {
        "random.rounds": params.random.rounds,
        "transfer.round": (params.transfer.round,),
    }.items():
        for number in rounds:
            if number > last:
                raise ValueError(f"{key} has {number}, allowed are the rounds up to {last}")


def _check_search(params: Params) -> None:
    if "mlm" in params.search.tasks and isinstance(params.data.get("mlm"), MiniatureData):
        raise ValueError("search.tasks has 'mlm', allowed are tasks with labels")
    variants = params.search.rule.variants
    _check_unique("search.rule.variants", variants)
    if params.search.tasks and not params.search.seeds:
        raise ValueError("search.seeds is empty, allowed with search.tasks is one at least")
    if params.retrain.tasks and 0 not in params.dense.points:
        raise ValueError(
            f"dense.points is {_listed(params.dense.points)}, allowed with retrain.tasks are lists with "
            "0, the weights that subnetworks are trained from"
        )
    for key, subnetworks, variant in (
        ("retrain.structured", params.retrain.structured, "joint"),
        ("retrain.super", params.retrain.super, "joint"),
        ("retrain.magnitude", params.retrain.magnitude, "magnitude"),
        ("retrain.scratch", params.retrain.scratch, "joint"),
    ):
        _check_unique(key, subnetworks)
        if subnetworks and variant not in variants:
            raise ValueError(
                f"{key} has {subnetworks[0]!r}, allowed are none without {variant!r} in "
                "search.rule.variants"
            )


def _check_patterns(params: Params) -> None:
    patterns = params.patterns
    if not patterns.tasks:
        return
    if "joint" not in params.search.rule.variants:
        raise ValueError(
            f"patterns.tasks has {patterns.tasks[0]!r}, allowed are none without 'joint' in "
            "search.rule.variants"
        )
    if not patterns.network.seeds:
        raise ValueError(
            "patterns.network.seeds is empty, allowed with patterns.tasks is one at least"
        )


def _check_unique(key: str, values: Sequence[object]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{key} has {value!r} twice, allowed is once")


def _listed(values: Collection[object]) -> str:
    return ", ".join(map(str, sorted(values, key=str))) or "none"


# --- reading it ------------------------------------------------------------------------------


def load(path: Path) -> Params:
    """Read and check the whole of a params file.

    Raises:
        ParamsError: the file is missing, is no YAML, or holds something that is not allowed; the
            message names the key, the value and what is allowed.
    """
    return checked(content(path), str(path))


def content(path: Path) -> dict[str, Any]:
    """The sections of a params file, unchecked.

    Raises:
        ParamsError: the file is missing, is no YAML, or has no sections.
    """
    try:
        with path.open(encoding="utf-8") as file:
            sections = YAML(typ="safe").load(file)
    except FileNotFoundError:
        raise ParamsError(f"{path} does not exist; run this from the project's folder") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} is not YAML: " + " ".join(str(error).split())) from None
    if not isinstance(sections, dict):
        raise ParamsError(
            f"{path} is {sections!r}, but it should be the sections "
            + ", ".join(Params.model_fields)
        )
    return sections


def checked(sections: Mapping[str, Any], where: str) -> Params:
    """Check the whole content of a params file; `where` is what messages call it.

    Raises:
        ParamsError: as `load`.
    """
    _refuse_booleans(sections, "")
    try:
        return TypeAdapter(Params).validate_python(sections)
    except ValidationError as error:
        raise ParamsError(f"{where}: {_sentence(error)}") from None


def _refuse_booleans(content: object, key: str) -> None:
    """pydantic takes yes for 1; no key of ours is a yes or no."""
    if isinstance(content, bool):
        raise ParamsError(f"{key} is {content}, allowed are numbers, text and sections")
    if isinstance(content, dict):
        for name, value in content.items():
            _refuse_booleans(value, f"{key}.{name}".lstrip("."))
    if isinstance(content, list):
        for index, value in enumerate(content):
            _refuse_booleans(value, f"{key}[{index}]")


def _sentence(error: ValidationError) -> str:
    """The first problem as one sentence: key, value, what is allowed."""
    problem = error.errors(include_url=False)[0]
    key = ""
    for part in problem["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    key = re.sub(r"\.(pretrain|hub|folder|package|miniature)(?=\.|$)", "", key).lstrip(".")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if key.startswith("noise.") and key.count(".") > 1:
        key = ".".join(key.split(".")[:2])
        return f"{key} is {problem['input']!r}, allowed are 'seed' and whole numbers from 0"
    match problem["type"]:
        case "missing":
            text = f"{key} is missing"
        case "union_tag_not_found":
            sources = ENCODER_SOURCES if key == "encoder" else DATA_SOURCES
            text = f"{key}.source is missing, allowed are {', '.join(map(repr, sources))}"
        case "union_tag_invalid":
            context = problem["ctx"]
            text = f"{key}.source is {context['tag']!r}, allowed are {context['expected_tags']}"
        case "value_error":
            text = problem["msg"].removeprefix("Value error, ")
            joint = " " if text.startswith(("has ", "is ")) else "."
            text = f"{key}{joint}{text}" if key else text
        case _:
            allowed = problem["msg"][0].lower() + problem["msg"][1:]
            text = (
                f"{key} is {problem['input']!r}, but {allowed.replace('input should', 'it should')}"
            )
    return text + more


def expanded(path: str, key: str) -> Path:
    """A path of params.yaml with ~ and $VARIABLES filled in.

    Raises:
        ParamsError: a variable is not set.
    """
    filled = os.path.expandvars(path)
    missing = re.search(r"\$\{?(\w+)", filled)
    if missing:
        raise ParamsError(
            f"{key} is {path!r}, but the environment variable {missing[1]} is not set"
        )
    return Path(filled).expanduser()
