"""Read params.yaml and check it; an error in it becomes one sentence."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stages.tickets.settings import compose
from stages.tickets.settings.base import ParamsError
from stages.tickets.settings.data import DATA_SOURCES
from stages.tickets.settings.encoder import ENCODER_SOURCES
from stages.tickets.settings.study import Study


def load(path: Path) -> Study:
    """Read and check a params file, or a study in studies/, which is composed first.

    Raises:
        ParamsError: the file is missing, is no YAML, or holds something that is not allowed; the
            message names the key, the value and what is allowed.
    """
    return checked(content(path), str(path))


def content(path: Path, changes: Collection[str] = ()) -> dict[str, Any]:
    """Read the sections of a params file, or of a study in studies/, without checking them.

    Args:
        path: a params file; if there is an off.yaml beside it, a study, which is composed.
        changes: other values, in the syntax of `dvc exp run -S`, such as `train.epochs=2`.

    Raises:
        ParamsError: the file is missing, is no YAML, or has no sections, or a change leads nowhere.
    """
    if compose.is_study(path):
        return compose.plain(compose.composed(path, changes))
    sections = compose.read(path)
    return compose.overridden(sections, changes) if changes else sections


def checked(sections: Mapping[str, Any], where: str) -> Study:
    """Check all sections of a params file; `where` is its name in messages.

    Raises:
        ParamsError: something is not allowed; the message names the key, the value and what is allowed.
    """
    _refuse_booleans(sections, "")
    try:
        return TypeAdapter(Study).validate_python(sections)
    except ValidationError as error:
        raise ParamsError(f"{where}: {_sentence(error)}") from None


def _refuse_booleans(content: object, key: str) -> None:
    """Refuse yes and no: pydantic takes yes for 1, and no key of ours is boolean."""
    if isinstance(content, bool):
        raise ParamsError(f"{key} is {content}, allowed are numbers, text and sections")
    if isinstance(content, dict):
        for name, value in content.items():
            _refuse_booleans(value, f"{key}.{name}".lstrip("."))
    if isinstance(content, list):
        for index, value in enumerate(content):
            _refuse_booleans(value, f"{key}[{index}]")


def _sentence(error: ValidationError) -> str:
    """Put the first problem into one sentence: key, value, what is allowed."""
    problem = error.errors(include_url=False)[0]
    key, names = "", problem["loc"]
    is_name = names[-1:] == ("[key]",)  # of an entry of a section: the problem is the name itself
    for depth, part in enumerate(names[:-2] if is_name else names):
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
        case "tuple_type" if problem["input"] == "all":
            text = (
                f"{key} is 'all', allowed are lists; the word stands for a list in studies/*.yaml alone, "
                "which `python -m stages study` spells out"
            )
        case "tuple_type":
            text = f"{key} is {problem['input']!r}, allowed are lists"
        case "model_type" | "dict_type":
            text = f"{key} is {problem['input']!r}, allowed are sections, with keys and values"
        case "too_short" if not problem["input"]:
            text = f"{key} is empty, allowed is one entry at least"
        case "value_error":
            text = problem["msg"].removeprefix("Value error, ")
            text = text.replace("is ", "has ", 1) if is_name else text
            joint = "" if text[0] == "[" else " " if text.startswith(("has ", "is ")) else "."
            text = f"{key}{joint}{text}" if key else text
        case _:
            allowed = problem["msg"][0].lower() + problem["msg"][1:]
            text = (
                f"{key} is {problem['input']!r}, but {allowed.replace('input should', 'it should')}"
            )
    return text + more
