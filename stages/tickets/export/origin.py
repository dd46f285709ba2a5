"""Where the encoder and the data of a study come from, in words for others and without local paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.tickets import settings
from stages.tickets.language import sentences
from stages.tickets.settings import (
    SQUAD,
    Data,
    FolderData,
    FolderEncoder,
    HubData,
    HubEncoder,
    MiniatureData,
    OwnData,
    PackageEncoder,
    Pretrain,
    TextData,
)
from stages.tickets.tasks.glue import GLUE

Encoder = Pretrain | HubEncoder | FolderEncoder | PackageEncoder
CLASSIFIER = "License :: OSI Approved :: "
SPDX = re.compile(
    r"(apache|mit|mpl|bsd|gpl|lgpl|agpl|cc|cc0|afl|artistic|bsl|ecl|epl|isc|ms-pl|ncsa|odbl|ofl|osl|zlib)"
    r"(-[A-Za-z0-9.+-]*[0-9][A-Za-z0-9.+-]*)?",
    re.IGNORECASE,
)
"""An identifier of a licence, such as Apache-2.0: a family, and its version where it has several."""
VERSIONED = ("apache", "mpl", "bsd", "gpl", "lgpl", "agpl", "cc", "cc0")
"""Families of which the name alone says too little."""


@dataclass(frozen=True)
class Licence:
    name: str | None
    """None: it is unknown."""
    known_from: str
    """What says so; of an unknown one, where it was looked for."""

    @property
    def identifier(self) -> str:
        """As the Hub writes licences in model cards: `other` for what has a name of its own."""
        if self.name is None:
            return "unknown"
        name = self.name.lower()
        return name if SPDX.fullmatch(name) and name not in VERSIONED else "other"


@dataclass(frozen=True)
class Origin:
    """Of an encoder, or of the data of a task."""

    words: str
    """Reads on after "from"."""
    record: dict[str, Any]
    """For machines."""
    on_hub: str | None
    """Its name on the Hub, where it is from there."""


def of_encoder(source: Encoder) -> Origin:
    """A folder is called by the last part of its path alone."""
    match source:
        case Pretrain():
            words = (
                "this project, which pre-trained it on a made-up language of a few hundred words"
            )
            return Origin(words, {"source": "pretrain", "seed": source.seed}, None)
        case HubEncoder():
            words = f"{source.name} on the Hugging Face Hub, revision {source.revision}"
            return Origin(words, source.model_dump(), source.name)
        case FolderEncoder():
            name = Path(source.path).name
            record = {"source": "folder", "name": name, "pooler": source.pooler}
            return Origin(f"the local folder {name}", record, None)
        case PackageEncoder():
            found = _distribution(source.name)
            version = found.version if found else None
            words = f"the Python package {source.name}" + (f" {version}" if version else "")
            record = source.model_dump() | {"version": version}
            return Origin(f"{words}, folder {source.path}", record, None)


def licence_of(source: Encoder) -> Licence:
    """Of an encoder's weights: what its model card says, else the package that it is in, else unknown."""
    if isinstance(source, Pretrain):
        return Licence("Apache-2.0", "the encoder is of this project")
    card = _model_card(source)
    name = _named(_front_matter(card)) if card else None
    if name:
        return Licence(name, "the model card of the encoder")
    if isinstance(source, PackageEncoder):
        name = _of_package(source.name)
        if name:
            return Licence(name, "the metadata of the package that the encoder is in")
        return Licence(None, "neither a model card nor the metadata of the package names one")
    return Licence(None, "no model card of the encoder that could be read names one")


def of_data(task: str, source: Data | OwnData) -> Origin:
    """Files are called by their names alone."""
    match source:
        case MiniatureData():
            words = f"this project, which made it up: the task {task} of its miniature language"
            return Origin(words, {"source": "miniature", "seed": source.seed}, None)
        case HubData():
            words = f"{source.name} on the Hugging Face Hub, configuration {source.config}"
            record = {"config": source.config, "name": source.name, "revision": source.revision}
            return Origin(f"{words}, revision {source.revision}", record, source.name)
        case FolderData():
            words = f"a local folder in the Hub's layout, configuration {source.config}"
            return Origin(words, {"source": "folder", "config": source.config}, None)
        case TextData() | OwnData():
            files = [Path(path).name for path in (source.train, source.validation)]
            words = f"local files, {files[0]} for training and {files[1]} for reporting"
            kind = "own" if isinstance(source, OwnData) else source.source
            record = {"source": kind, "train": files[0], "validation": files[1]}
            return Origin(words, record, None)


def is_pair(task: str, source: Data | OwnData) -> bool:
    """Whether an example has two texts."""
    match source:
        case OwnData():
            return len(source.texts) == 2
        case MiniatureData():
            return task == "question" or (
                task in sentences.LABELLED and sentences.LABELLED[task][1]
            )
        case TextData():
            return False
        case _:
            glue = GLUE.get(source.config)
            return source.config in SQUAD or (glue is not None and len(glue.columns) == 2)


def _model_card(source: HubEncoder | FolderEncoder | PackageEncoder) -> Path | None:
    """That beside the model's files; of one on the Hub it is fetched, where there is a network."""
    if isinstance(source, HubEncoder):
        try:
            return Path(hf_hub_download(source.name, "README.md", revision=source.revision))
        except OSError:  # no network, or no card
            return None
    if isinstance(source, FolderEncoder):
        folder = settings.expanded(source.path, "encoder.path")
    else:
        found = _distribution(source.name)
        if found is None:
            return None
        folder = Path(str(found.locate_file(source.name.replace(".", "/")))) / source.path
    card = folder / "README.md"
    return card if card.is_file() else None


def _front_matter(card: Path) -> Mapping[str, Any]:
    """Empty where the card has none that can be read."""
    found = re.match(
        r"\s*---\s*\n(.*?)\n---\s*(\n|$)",
        card.read_text(encoding="utf-8", errors="replace"),
        re.DOTALL,
    )
    try:
        content = YAML(typ="safe").load(found[1]) if found else None
    except YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _named(card: Mapping[str, Any]) -> str | None:
    """The licence that the front matter of a model card names; of `other` the name that it gives it."""
    found = card.get("license")
    names = [str(one) for one in (found if isinstance(found, list) else [found]) if one]
    if names == ["other"]:
        other = card.get("license_name")
        return str(other) if other else None
    if "unknown" in names:
        return None
    return ", ".join(names) or None


def _distribution(package: str) -> metadata.Distribution | None:
    """That brings an import name; None where several do or none."""
    found = set(metadata.packages_distributions().get(package.split(".", maxsplit=1)[0], ()))
    return metadata.distribution(found.pop()) if len(found) == 1 else None


def _of_package(package: str) -> str | None:
    found = _distribution(package)
    if found is None:
        return None
    about = found.metadata
    for key in ("License-Expression", "License"):
        named = about[key].strip() if key in about else ""
        if named and "\n" not in named and named.upper() != "UNKNOWN":
            return named
    listed = [text for text in about.get_all("Classifier") or () if text.startswith(CLASSIFIER)]
    return str(listed[0]).removeprefix(CLASSIFIER) if len(listed) == 1 else None
