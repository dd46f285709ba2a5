"""params.yaml, typed: every section, what is allowed in it, and one-sentence errors."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
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
DATA_SOURCES = ("miniature", "hub", "folder", "text")
GLUE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")
SQUAD = ("plain_text",)
"""What the configuration of SQuAD v1.1 is called on the Hub, as rajpurkar/squad."""
WIKITEXT = ("wikitext-2-raw-v1", "wikitext-2-v1", "wikitext-103-raw-v1", "wikitext-103-v1")
"""Configurations of Salesforce/wikitext, corpora of masked language modelling."""
MINIATURE_WITHOUT_LABELS = ("mlm", "question")
MINIATURE = (
    "acceptability", "sentiment", "paraphrase", "similarity", "entailment", *MINIATURE_WITHOUT_LABELS
)  # fmt: skip
HANS_GLUE = ("mnli", "rte")
"""Tasks of GLUE whose class 0 is entailment of the second text by the first, as HANS asks."""
HANS_MINIATURE = ("entailment",)
Kind = Literal["classification", "regression", "mlm", "span"]
Metric = Literal[
    "accuracy",
    "f1",
    "matthews",
    "pearson",
    "spearman",
    "masked_accuracy",
    "answer_f1",
    "exact_match",
]
ALLOWED_METRICS: dict[Kind, tuple[Metric, ...]] = {
    "classification": ("accuracy", "f1", "matthews"),
    "regression": ("pearson", "spearman"),
    "mlm": ("masked_accuracy",),
    "span": ("answer_f1", "exact_match"),
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
    licence: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")
    """SPDX identifier of the licence of the weights, such as apache-2.0, which goes into the cards of
    exported models; without it a card says that the licence is not known."""


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


class Examples(Section):
    """How many examples are taken, drawn without replacement; all of a split where it has fewer.

    Of SQuAD they are questions, of a corpus blocks of text.
    """

    train: int = Field(ge=10)
    validation: int = Field(ge=10)
    """Of every split for reporting; HANS has a limit of its own."""


class DataSet(Section):
    """What data sets of the Hub have in common, wherever they are read from."""

    config: str
    """A task of GLUE, SQuAD v1.1, or a corpus of WikiText."""
    hans: HansFile | None = None
    """Scored in addition, of MNLI and RTE alone."""
    examples: Examples | None = None
    max_length: int | None = Field(default=None, ge=8)
    """In place of that of `prepare`, of SQuAD and of WikiText alone."""
    stride: int | None = Field(default=None, ge=0)
    """Word pieces that windows of one context have in common, of SQuAD alone; as a default a third of
    the longest input, which is 128 of the 384 of Chen et al. 2020."""


class HubData(DataSet):
    """A data set of the Hugging Face Hub at a pinned revision."""

    source: Literal["hub"]
    name: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class FolderData(DataSet):
    """A data set in a local folder in the Hub's layout; ~ and $VARIABLES are expanded."""

    source: Literal["folder"]
    path: str


class TextData(Section):
    """A corpus for masked language modelling; ~ and $VARIABLES in paths are expanded.

    A file that ends in .txt has a paragraph per line, one that ends in .parquet a column `text`.
    """

    source: Literal["text"]
    train: str
    validation: str
    examples: Examples | None = None
    max_length: int | None = Field(default=None, ge=8)
    """Tokens of a block, special ones included, in place of that of `prepare`."""

    @field_validator("train", "validation")
    @classmethod
    def _is_text(cls, path: str) -> str:
        if Path(path).suffix not in (".txt", ".parquet"):
            raise ValueError(f"is {path!r}, allowed are files that end in .txt or .parquet")
        return path

    @model_validator(mode="after")
    def _files_differ(self) -> "TextData":
        if self.train == self.validation:
            raise ValueError(
                f"validation is {self.validation!r}, allowed is another file than train"
            )
        return self


Data = Annotated[MiniatureData | HubData | FolderData | TextData, Field(discriminator="source")]


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
    """Longest input in tokens, special ones included; longer ones are cut, a context of SQuAD into
    windows and a corpus into blocks of this length. Sections of `data` may name another."""
    selection: Share
    """Share of the training examples set aside for choosing sparsities and stopping searches; of SQuAD
    the share of the contexts, with all their questions."""
    masked: Share
    """Share of the words hidden in the splits on which masked language modelling is scored."""
    seed: Seed
    """Of the draws of `selection`, of those hidden words, and of examples where not all are taken."""


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


GRIDS: Mapping[str, Callable[[int], Fraction]] = {
    "tenths_of_original": lambda number: Fraction(number, 10),
    "tenths_of_remaining": lambda number: 1 - Fraction(9, 10) ** number,
}
"""Sparsity after a round, by the name of the grid."""


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
    decay_over: Annotated[Whole, Field(ge=1)]
    """Rounds over which the learning rate decays to 0; 1: in every round. With the number of all rounds
    it is the authors' code (Chen et al. 2020), in which every round goes through the first of so many
    parts."""
    classifier: Literal["rewound", "carried"]
    """carried: a round starts with the classifier of the round before, as in the authors' code."""


class Earlier(Section):
    """Tickets before the last that are trained apart from the rounds.

    Where `imp` departs from the default, the rounds' own trainings are not those of tickets.
    """

    rounds: tuple[Annotated[Whole, Field(ge=1)], ...]


class Rewind(Section):
    """Training of the last subnetwork from other points of the dense training than the rounds'."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    points: tuple[Percent, ...]
    source: Literal["dense", "sparse"]
    """Whose training theta_i is taken from: dense as in Algorithm 1 of Chen et al. 2020, or sparse, that
    of the subnetwork itself, as in the authors' code."""


class Random(Section):
    """Random masks of exactly the size of the ticket of these rounds; of the last, see `controls`."""

    rounds: tuple[Annotated[Whole, Field(ge=1)], ...]


DRAWN_CONTROLS = (
    "random", "random-by-matrix", "reinitialised", "reinitialised-layers",
    "shuffled-within-matrix", "shuffled-within-layer", "shuffled-layers",
)  # fmt: skip
"""Controls that are drawn by a seed, so that there can be a second one, such as `random-2`."""
OTHER_CONTROLS = ("one-shot", "one-shot-fine-tuned")


def _control(name: str) -> str:
    drawn, _, number = name.rpartition("-")
    again = drawn in DRAWN_CONTROLS and re.fullmatch(r"[2-9]|[1-9][0-9]+", number)
    if not again and name not in (*DRAWN_CONTROLS, *OTHER_CONTROLS):
        raise ValueError(
            f"is {name!r}, allowed are {', '.join((*DRAWN_CONTROLS, *OTHER_CONTROLS))}, and draws "
            "such as random-2"
        )
    return name


Control = Annotated[str, AfterValidator(_control)]


class ControlKinds(Section):
    """Controls by name.

    random: a mask drawn over all matrices; random-by-matrix: with the ticket's number in each matrix;
    reinitialised: the ticket's mask on random weights; reinitialised-layers: embeddings stay pre-trained;
    shuffled-within-matrix, shuffled-within-layer: on the pre-trained weights in another order, within
    each matrix or over all of a layer; shuffled-layers: on whole layers in another order; one-shot: the
    mask of the smallest pre-trained weights; one-shot-fine-tuned: of the smallest of the dense training.
    """

    kinds: tuple[Control, ...]


class Controls(Section):
    """What tickets are compared with, each of exactly the ticket's size."""

    every: ControlKinds
    """Of the last ticket, for all tasks and seeds; none that needs the dense run's trained weights."""
    more: ControlKinds
    """Of the tickets of these rounds, for these tasks and seeds."""
    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    rounds: tuple[Annotated[Whole, Field(ge=1)], ...]


class AliasedRounds(Section):
    rounds: tuple[Annotated[Whole, Field(ge=1)], ...]


class Standard(Section):
    """Standard pruning: train, prune, train on from the trained weights, never rewinding."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    aliased: AliasedRounds
    """Rounds, from the second on, whose mask is trained from where the rounds restart too. The search
    never rewinds, as that of the authors' code for masked language modelling, where theta_0 is an alias
    of the weights that train (Chen et al. 2020). Theirs also prunes once before any training."""


class Cross(Section):
    """The last ticket of one seed trained with the noise of another."""

    tasks: tuple[Name, ...]
    mask_seeds: tuple[Seed, ...]
    seeds: tuple[Seed, ...]


class Multitask(Section):
    """Iterative magnitude pruning on the joint loss of several tasks."""

    tasks: tuple[Name, ...]
    seeds: tuple[Seed, ...]


class Scratch(Section):
    """The dense architecture trained from random weights instead of the pre-trained ones."""

    seeds: tuple[Seed, ...]


NO_TASKS = ("one-shot", "random-mask", "multi-task")
"""Sources of masks that are no tasks: the smallest pre-trained weights, a draw, several tasks at once."""
ALIASED = "aliased-"
"""Before the name of a task: the masks of its standard pruning."""


def _source(name: str) -> str:
    if not re.fullmatch(rf"({ALIASED})?[a-z][a-z0-9_]*", name) and name not in NO_TASKS:
        others = ", ".join(map(repr, (*NO_TASKS, f"{ALIASED}mlm")))
        raise ValueError(f"is {name!r}, allowed are tasks and such as {others}")
    return name


class Transfer(Section):
    """Masks of sources trained on targets, each with a fresh classifier."""

    sources: tuple[Annotated[str, AfterValidator(_source)], ...]
    targets: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    round: Whole = Field(ge=1)


class TransferWeights(Section):
    """The same with the source's weights at these points of its dense training in place of theta_0."""

    sources: tuple[Name, ...]
    targets: tuple[Name, ...]
    seeds: tuple[Seed, ...]
    points: tuple[Percent, ...]


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

    rule: Literal["one_std", "strict", "non_inferiority"]
    """one_std: at most one standard deviation over seeds of the dense scores below their mean (Chen et
    al. 2020, Table 2); strict: at least their mean (its supplement); non_inferiority: the lower end of
    the interval of the paired differences is above -margin."""
    margin: float = Field(ge=0, le=1)
    """Of scores, in [0, 1], for non_inferiority."""
    transfer_margin: float = Field(ge=0, le=1)
    """Of scores, in [0, 1]: so far below a task's own ticket, another's mask still serves it (2.5 points
    in Chen et al. 2020)."""
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


class Ran(Section):
    """Where a study ran, as whoever ran it says: outputs of stages hold no times and no machines."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """Of the end, as 2026-11-22."""
    hardware: str = Field(min_length=1)
    hours: float = Field(gt=0)
    """Of wall time, from nothing to the report."""
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{7,40})?$")]
    """Of the code of the trainings; empty: that which holds the report."""
    cuts: tuple[str, ...]
    """What was left out of what the papers did, and why, a sentence each."""


class Params(Section):
    """The whole of params.yaml."""

    study: Name
    title: str
    banner: str
    """Shown on top of every report; empty for none."""
    ran: Ran | None
    """Of the committed report; null where there is none."""
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
    grid: Literal["listed", "tenths_of_original", "tenths_of_remaining"]
    """What the sparsities of `rounds` have to be: any; 0.1, 0.2, ..., a tenth of all weights a round (the
    authors' code); 0.1, 0.19, 0.271, ..., a tenth of the remaining (Algorithm 1 of Chen et al. 2020)."""
    dense: Dense
    imp: Imp
    earlier: Earlier
    rewind: Rewind
    random: Random
    controls: Controls
    standard: Standard
    cross: Cross
    multitask: Multitask
    scratch: Scratch
    transfer: Transfer
    transfer_weights: TransferWeights
    baselines: Baselines
    search: Search
    retrain: Retrain
    patterns: Patterns
    tickets: Tickets
    verdict: Verdict
    plot: Plot

    @model_validator(mode="after")
    def _sections_agree(self) -> "Params":
        for key, length in _max_lengths(self).items():
            if isinstance(self.encoder, Pretrain) and length > self.encoder.max_length:
                raise ValueError(
                    f"{key} is {length}, allowed is at most encoder.max_length, "
                    f"{self.encoder.max_length}"
                )
        _check_described(self)
        _check_known(self)
        _check_lists(self)
        _check_rounds(self)
        _check_multitask(self)
        _check_search(self)
        _check_patterns(self)
        return self


def _max_lengths(params: Params) -> dict[str, int]:
    """Longest inputs by their key, of `prepare` and of the sections of `data` that have their own."""
    lengths = {"prepare.max_length": params.prepare.max_length}
    for name, data in params.data.items():
        if not isinstance(data, MiniatureData) and data.max_length is not None:
            lengths[f"data.{name}.max_length"] = data.max_length
    return lengths


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
        elif not isinstance(data, TextData):
            _check_data_set(name, data, params.prepare.max_length)


def _check_data_set(name: str, data: HubData | FolderData, max_length: int) -> None:
    def check(key: str, allowed: Sequence[str], why: str = "") -> None:
        if data.config not in allowed:
            raise ValueError(
                f"data.{name}.config is {data.config!r}, allowed{key} are {_listed(allowed)}{why}"
            )

    check("", (*GLUE, *SQUAD, *WIKITEXT))
    if data.hans:
        check(" with hans", HANS_GLUE, ", whose class 0 is entailment")
    if data.max_length is not None:
        check(" with max_length", (*SQUAD, *WIKITEXT))
    if data.stride is not None:
        check(" with stride", SQUAD)
        longest = data.max_length or max_length
        if data.stride >= longest:
            raise ValueError(
                f"data.{name}.stride is {data.stride}, allowed is less than the longest input, {longest}"
            )


def _check_lists(params: Params) -> None:
    for key, values, whole, allowed in (
        ("tasks", params.tasks, "tasks", params.tasks),
        ("seeds", params.seeds, "seeds", params.seeds),
        ("rewind.tasks", params.rewind.tasks, "tasks", params.tasks),
        ("rewind.seeds", params.rewind.seeds, "seeds", params.seeds),
        ("controls.tasks", params.controls.tasks, "tasks", params.tasks),
        ("controls.seeds", params.controls.seeds, "seeds", params.seeds),
        ("standard.tasks", params.standard.tasks, "tasks", params.tasks),
        ("standard.seeds", params.standard.seeds, "seeds", params.seeds),
        ("cross.tasks", params.cross.tasks, "tasks", params.tasks),
        ("cross.mask_seeds", params.cross.mask_seeds, "seeds", params.seeds),
        ("cross.seeds", params.cross.seeds, "seeds", params.seeds),
        ("multitask.tasks", params.multitask.tasks, "tasks", params.tasks),
        ("multitask.seeds", params.multitask.seeds, "seeds", params.seeds),
        (
            "transfer.sources",
            params.transfer.sources,
            "tasks",
            (*params.tasks, *NO_TASKS, *(f"{ALIASED}{task}" for task in params.standard.tasks)),
        ),
        ("transfer_weights.sources", params.transfer_weights.sources, "tasks", params.tasks),
        ("transfer_weights.targets", params.transfer_weights.targets, "tasks", params.tasks),
        ("transfer_weights.seeds", params.transfer_weights.seeds, "seeds", params.seeds),
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
        if params.grid != "listed":
            due = float(GRIDS[params.grid](after.to))
            if after.sparsity != due:
                raise ValueError(
                    f"{key}.sparsity is {after.sparsity}, allowed with grid {params.grid!r} is {due}"
                )
    last = len(params.rounds)
    if params.last_round != last:
        raise ValueError(f"last_round is {params.last_round}, allowed is {last}, that of rounds")
    _check_departures(params, last)
    _check_points(params)
    _check_round_numbers(params, last)


def _check_points(params: Params) -> None:
    points, rewound_to = params.dense.points, params.imp.rewind_to
    _check_unique("dense.points", points)
    _check_unique("rewind.points", params.rewind.points)
    for key, point in (
        ("imp.rewind_to is", rewound_to),
        *(("rewind.points has", point) for point in params.rewind.points),
        *(("transfer_weights.points has", point) for point in params.transfer_weights.points),
    ):
        if point not in points:
            raise ValueError(f"{key} {point}, allowed are the dense.points {_listed(points)}")
    if rewound_to in params.rewind.points:
        raise ValueError(
            f"rewind.points has {rewound_to}, allowed are others than imp.rewind_to, from where the "
            "last ticket is trained anyway"
        )
    if params.rewind.source == "sparse" and rewound_to:
        raise ValueError(
            f"rewind.source is 'sparse', allowed with imp.rewind_to 0, but that is {rewound_to}"
        )
    _check_unique("transfer_weights.points", params.transfer_weights.points)


def _check_round_numbers(params: Params, last: int) -> None:
    _check_unique("imp.keep_weights", params.imp.keep_weights)
    for number in params.imp.keep_weights:
        if not 0 < number < last:
            raise ValueError(
                f"imp.keep_weights has {number}, allowed are the rounds after 0, whose weights are "
                f"stored anyway, and before {last}, the last"
            )
    for key, rounds, most in (
        ("random.rounds", params.random.rounds, last - 1),
        ("controls.rounds", params.controls.rounds, last),
        ("standard.aliased.rounds", params.standard.aliased.rounds, last),
        ("transfer.round", (params.transfer.round,), last),
    ):
        _check_unique(key, rounds)
        for number in rounds:
            if number > most:
                raise ValueError(f"{key} has {number}, allowed are the rounds up to {most}")
    for key, kinds in (
        ("controls.every.kinds", params.controls.every.kinds),
        ("controls.more.kinds", params.controls.more.kinds),
    ):
        _check_unique(key, kinds)
    _check_controls(params, last)
    _check_standard(params)
    weights = params.transfer_weights
    if params.imp.rewind_to in weights.points and set(weights.sources) & set(weights.targets):
        raise ValueError(
            f"transfer_weights.points has {params.imp.rewind_to}, allowed with a task as source and "
            "target are others than imp.rewind_to, from where its own ticket is trained anyway"
        )


def _check_standard(params: Params) -> None:
    standard = params.standard
    if bool(standard.tasks) != bool(standard.seeds):
        raise ValueError(
            f"standard.tasks is {list(standard.tasks)} and standard.seeds is {list(standard.seeds)}, "
            "allowed is one at least in both or none in both"
        )
    if standard.aliased.rounds and not standard.tasks:
        raise ValueError("standard.aliased.rounds has rounds, allowed are some with standard.tasks")
    if 1 in standard.aliased.rounds and params.imp.decay_over == 1:
        raise ValueError(
            "standard.aliased.rounds has 1, allowed are rounds from 2 on, as the first mask is that "
            "of the ticket itself"
        )
    aliased = [source for source in params.transfer.sources if source.startswith(ALIASED)]
    if aliased and params.transfer.round == 1 and params.imp.decay_over == 1:
        raise ValueError(
            f"transfer.sources has {aliased[0]!r}, allowed with transfer.round from 2 on, as the first "
            "mask is that of the task itself"
        )
    for seed in params.transfer.seeds if aliased else ():
        if seed not in standard.seeds:
            raise ValueError(
                f"transfer.sources has {aliased[0]!r}, allowed with standard.seeds that have all of "
                f"transfer.seeds, {_listed(params.transfer.seeds)}"
            )


def _check_controls(params: Params, last: int) -> None:
    """No control of a ticket twice."""
    chosen, every = params.controls, params.controls.every.kinds
    if chosen.tasks and not chosen.more.kinds:
        raise ValueError(
            "controls.more.kinds is empty, allowed with controls.tasks is one at least"
        )
    if "one-shot-fine-tuned" in every:
        raise ValueError(
            "controls.every.kinds has 'one-shot-fine-tuned', allowed is that in controls.more.kinds"
        )
    if (
        "one-shot-fine-tuned" in chosen.more.kinds
        and 1 in chosen.rounds
        and params.imp.decay_over == 1
    ):
        raise ValueError(
            "controls.rounds has 1, allowed with 'one-shot-fine-tuned' are rounds from 2 on, as the "
            "first mask is that of the ticket itself"
        )
    for kind in chosen.more.kinds:
        elsewhere = set(params.random.rounds) if kind == "random" else set()
        elsewhere |= {last} if kind in every else set()
        twice = sorted(elsewhere & set(chosen.rounds))
        if twice:
            raise ValueError(
                f"controls.more.kinds has {kind!r}, allowed are others, as controls.every.kinds or "
                f"random.rounds have it for round {twice[0]} already"
            )


def _check_departures(params: Params, last: int) -> None:
    """Where the rounds' trainings are not those of tickets, all tickets are trained apart, else none."""
    usual = params.imp.decay_over == 1 and params.imp.classifier == "rewound"
    due = () if usual else tuple(range(1, last))
    if params.earlier.rounds != due:
        raise ValueError(
            f"earlier.rounds is {list(params.earlier.rounds)}, allowed with imp.decay_over "
            f"{params.imp.decay_over} and imp.classifier {params.imp.classifier!r} is {list(due)}"
        )
    if not usual and params.imp.keep_weights:
        raise ValueError(
            f"imp.keep_weights is {list(params.imp.keep_weights)}, allowed with earlier.rounds is none, "
            "as the rounds' trainings are not those of tickets"
        )
    if params.imp.decay_over > last and params.imp.decay_over > 1:
        raise ValueError(
            f"imp.decay_over is {params.imp.decay_over}, allowed are 1 to {last}, the number of rounds"
        )


def _check_multitask(params: Params) -> None:
    if params.multitask.seeds and not params.multitask.tasks:
        raise ValueError("multitask.tasks is empty, allowed with multitask.seeds is one at least")
    if "multi-task" in params.transfer.sources:
        _check_among(
            "transfer.seeds", params.transfer.seeds, "multitask.seeds", params.multitask.seeds
        )


def _check_search(params: Params) -> None:
    for task in params.search.tasks:
        if not _has_labels(task, params.data.get(task)):
            raise ValueError(f"search.tasks has {task!r}, allowed are tasks with labels")
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


def _has_labels(task: str, data: Data | None) -> bool:
    """Whether every example has one label; None is a task of the user's own."""
    match data:
        case None:
            return True
        case MiniatureData():
            return task not in MINIATURE_WITHOUT_LABELS
        case TextData():
            return False
        case _:
            return data.config in GLUE


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
    for depth, part in enumerate(problem["loc"]):
        if (problem["loc"][0], depth) not in (("encoder", 1), ("data", 2)):  # the source, no key
            key += f"[{part}]" if isinstance(part, int) else f".{part}"
    key = key.lstrip(".")
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
