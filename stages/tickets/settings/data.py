"""The data of the tasks: generated, data sets of the Hub, corpora, and tables of the user's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stages.tickets.settings.base import Section, Seed, Share, Unique, listed, matching

DATA_SOURCES = ("miniature", "hub", "folder", "text")
GLUE = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli")
SQUAD = ("plain_text",)
"""Name of the configuration of SQuAD v1.1 on the Hub, in rajpurkar/squad."""
WIKITEXT = ("wikitext-2-raw-v1", "wikitext-2-v1", "wikitext-103-raw-v1", "wikitext-103-v1")
"""Configurations of Salesforce/wikitext, corpora of masked language modelling."""
MINIATURE_WITHOUT_LABELS = ("mlm", "question")
MINIATURE = (
    "acceptability", "sentiment", "paraphrase", "similarity", "entailment", *MINIATURE_WITHOUT_LABELS
)  # fmt: skip
HANS_GLUE = ("mnli", "rte")
"""Tasks of GLUE whose class 0 says that the first text entails the second, which HANS asks for."""
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


def _file(*suffixes: str) -> AfterValidator:
    """Make the rule of a path whose name ends in one of `suffixes`."""

    def check(path: str) -> str:
        if Path(path).suffix not in suffixes:
            *others, last = suffixes
            allowed = f"{', '.join(others)} or {last}"
            raise ValueError(f"is {path!r}, allowed are files that end in {allowed}")
        return path

    return AfterValidator(check)


def _check_splits(train: str, validation: str) -> None:
    if Path(train) == Path(validation):
        raise ValueError(f"validation is {validation!r}, allowed is another file than train")


class MiniatureHans(Section):
    """Examples in the manner of HANS (McCoy et al. 2019), written in the miniature language."""

    per_subcase: int = Field(ge=1, le=1000)
    """Number of examples of every subcase; HANS has 1000."""


class HansFile(Section):
    """The evaluation set HANS (McCoy et al. 2019); ~ and $VARIABLES in the path are expanded."""

    path: Annotated[str, _file(".parquet", ".txt")]
    """The official heuristics_evaluation_set.txt, or a Parquet file with the columns premise,
    hypothesis, label (0: entailment, 1: non-entailment), heuristic and subcase."""
    per_subcase: int = Field(ge=1)
    """Number of examples drawn of every subcase; all are taken if it has fewer."""


class MiniatureData(Section):
    """A task of the miniature language, generated."""

    source: Literal["miniature"]
    train: int = Field(ge=10)
    validation: int = Field(ge=10)
    seed: Seed
    hans: MiniatureHans | None = None
    """Examples to score on in addition; only the task entailment can have them."""


class Examples(Section):
    """Numbers of examples drawn without replacement; all of a split are taken if it has fewer.

    Examples of SQuAD are questions, and examples of a corpus are blocks of text.
    """

    train: int = Field(ge=10)
    validation: int = Field(ge=10)
    """Most examples of every split for reporting; HANS has a limit of its own."""


class DataSet(Section):
    """The settings that data sets of the Hub have in common, wherever they are read from."""

    config: str
    """A task of GLUE, SQuAD v1.1, or a corpus of WikiText."""
    hans: HansFile | None = None
    """HANS to score on in addition; only MNLI and RTE can have it."""
    examples: Examples | None = None
    max_length: int | None = Field(default=None, ge=8)
    """Longest input in tokens, in place of that of `prepare`; only SQuAD and WikiText may set it."""
    stride: int | None = Field(default=None, ge=0)
    """Word pieces that neighbouring windows of a context of SQuAD share. The default is a third of the
    longest input; Chen et al. 2020 take 128 with windows of 384 tokens."""

    @model_validator(mode="after")
    def _config_allows_keys(self) -> "DataSet":
        self._check("", (*GLUE, *SQUAD, *WIKITEXT))
        if self.hans:
            self._check(" with hans", HANS_GLUE, ", whose class 0 is entailment")
        if self.max_length is not None:
            self._check(" with max_length", (*SQUAD, *WIKITEXT))
        if self.stride is not None:
            self._check(" with stride", SQUAD)
        return self

    def _check(self, key: str, allowed: Sequence[str], why: str = "") -> None:
        if self.config not in allowed:
            raise ValueError(f"config is {self.config!r}, allowed{key} are {listed(allowed)}{why}")


class HubData(DataSet):
    """A data set of the Hugging Face Hub at a pinned revision."""

    source: Literal["hub"]
    name: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class FolderData(DataSet):
    """A data set in a local folder in the Hub's layout; ~ and $VARIABLES are expanded."""

    source: Literal["folder"]
    path: str


TextFile = Annotated[str, _file(".txt", ".parquet")]


class TextData(Section):
    """A corpus for masked language modelling; ~ and $VARIABLES in paths are expanded.

    A file that ends in .txt has a paragraph per line; a file that ends in .parquet has a column `text`.
    """

    source: Literal["text"]
    train: TextFile
    validation: TextFile
    examples: Examples | None = None
    max_length: int | None = Field(default=None, ge=8)
    """Tokens of a block, special ones included, in place of the `max_length` of `prepare`."""

    @model_validator(mode="after")
    def _files_differ(self) -> "TextData":
        _check_splits(self.train, self.validation)
        return self


Data = Annotated[MiniatureData | HubData | FolderData | TextData, Field(discriminator="source")]


Table = Annotated[
    str,
    _file(".csv", ".tsv", ".jsonl", ".parquet"),
    matching("(?!~)[^$]*", "paths without ~ and $, which DVC watches"),
]
ColumnName = Annotated[str, BeforeValidator(lambda name: str(name) if type(name) is int else name)]
"""Name of a column, whose name in the table is text, also if YAML reads it as a whole number."""


class OwnData(Section):
    """A task that the user brings: tables in CSV, TSV, JSON Lines or Parquet."""

    train: Table
    """Path of the training table, relative to the project."""
    validation: Table
    """Path of the table for reporting."""
    texts: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=2), Unique]
    """Name of the column of single texts, or names of the two columns of pairs."""
    label: ColumnName
    kind: Literal["classification", "regression"]
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1), Unique]
    """Metrics to score with; the first is the headline."""

    @model_validator(mode="after")
    def _columns_differ_and_metrics_fit(self) -> "OwnData":
        _check_splits(self.train, self.validation)
        if self.label in self.texts:
            raise ValueError(
                f"label is {self.label!r}, allowed is a column that texts does not have"
            )
        allowed = ALLOWED_METRICS[self.kind]
        for metric in self.metrics:
            if metric not in allowed:
                raise ValueError(
                    f"metrics has {metric!r}, allowed for {self.kind} are {listed(allowed)}"
                )
        return self


class Prepare(Section):
    """Settings by which texts become the splits that all later stages read."""

    max_length: int = Field(ge=8)
    """Longest input in tokens, special ones included. Longer texts are cut; a context of SQuAD is cut
    into windows and a corpus into blocks of this length. Sections of `data` may set another."""
    selection: Share
    """Share of the training examples set aside for choosing sparsities and stopping searches, in (0, 1);
    for SQuAD, share of the contexts, each with all its questions."""
    masked: Share
    """Share of words hidden in the splits on which masked language modelling is scored, in (0, 1)."""
    seed: Seed
    """Seed of the draws of `selection`, of hidden words, and of examples if not all are taken."""


def check_data(data: dict[str, Data], prepare: Prepare) -> None:
    """Refuse sections of `data` that do not fit the task's name or the `max_length` of `prepare`."""
    for name, section in data.items():
        if isinstance(section, MiniatureData):
            if name not in MINIATURE:
                raise ValueError(
                    f"data.{name}.source is 'miniature', allowed for the tasks {listed(MINIATURE)}"
                )
            if section.hans and name not in HANS_MINIATURE:
                raise ValueError(
                    f"data.{name}.hans has per_subcase {section.hans.per_subcase}, allowed in the "
                    f"miniature is hans for the task {listed(HANS_MINIATURE)}"
                )
        elif not isinstance(section, TextData) and section.stride is not None:
            longest = section.max_length or prepare.max_length
            if section.stride >= longest:
                raise ValueError(
                    f"data.{name}.stride is {section.stride}, allowed is less than the longest input, "
                    f"{longest}"
                )
