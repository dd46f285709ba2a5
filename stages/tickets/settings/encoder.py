"""The source of theta_0: an encoder that the study pre-trains itself, or one that it loads."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.tickets.settings.base import Section, Seed
from stages.tickets.settings.train import Train

ENCODER_SOURCES = ("pretrain", "hub", "folder", "package")


class Pretrain(Section):
    """A small BERT that the study pre-trains by masked language modelling on the miniature language."""

    source: Literal["pretrain"]
    sentences: int = Field(ge=100)
    layers: int = Field(ge=1)
    attention_heads: int = Field(ge=1)
    hidden: int = Field(ge=4)
    mlp: int = Field(ge=4)
    max_length: int = Field(ge=8)
    """Number of positions: the longest input in tokens, special ones included."""
    initializer_range: float = Field(gt=0)
    """Standard deviation of the initial weights, of pre-training and of a task's classifier."""
    train: Train
    """Its head_rate is 1, since all weights are drawn."""
    seed: Seed

    @model_validator(mode="after")
    def _sizes_and_rates_fit(self) -> "Pretrain":
        if self.hidden % self.attention_heads:
            raise ValueError(
                f"hidden is {self.hidden}, allowed are multiples of attention_heads, "
                f"{self.attention_heads}"
            )
        if self.train.head_rate != 1:
            raise ValueError(
                f"train.head_rate is {self.train.head_rate:g}, allowed for a pre-training is 1, since "
                "nothing of it is pre-trained"
            )
        return self


class Loaded(Section):
    """The settings that all loaded encoders have in common."""

    pooler: Literal["pretrained", "fresh", "mean", "segments"]
    """The way from the last layer to the classifier; only `pretrained` is ever pruned.

    pretrained: the checkpoint's pooler. fresh: a pooler that is drawn with the classifier. mean: the mean
    of all tokens. segments: u, v, |u - v| and u * v, where u and v are the means of the first and the
    second text of a pair; single texts are read as by `mean`."""
    licence: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")
    """SPDX identifier of the licence of the weights, such as apache-2.0, for the cards of exported
    models; None if it is not known."""


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
    """Folder of the model, relative to the folder of the package."""


Encoder = Annotated[
    Pretrain | HubEncoder | FolderEncoder | PackageEncoder, Field(discriminator="source")
]
