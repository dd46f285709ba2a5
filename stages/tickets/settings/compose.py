"""Compose a complete params file from off.yaml and from the settings that a study changes.

A file in studies/ holds its differences from off.yaml beside it, in which every experiment is switched
off. Its lists may say `all`, alone or among others; the rule of the field (see `Among` and `UpTo`) says
what that means: `seeds: all` are all seeds of the study. DVC repeats stages over lists, so that composing
spells them out in params.yaml.
"""

import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import FoldedScalarString

from stages.tickets.settings.base import ParamsError, listed
from stages.tickets.settings.lists import cut, in_one_line, spell_out
from stages.tickets.settings.study import Study

OFF = "off.yaml"
SHOWN = ("study=", "title=", "banner=", "plot.")
"""How changes begin that no result depends on."""
COLUMN = 30
"""Column in which comments at the end of a line start in a composed file."""


def is_study(path: Path) -> bool:
    """Tell whether a file holds the differences of a study: there is an off.yaml beside it."""
    return path.with_name(OFF).is_file()


def studies(folder: Path) -> list[Path]:
    """List the study files in a folder, in the order of their names."""
    return sorted(path for path in folder.glob("*.yaml") if path.name != OFF)


def composed(
    path: Path,
    changes: Collection[str] = (),
    tasks: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> CommentedMap:
    """Compose all sections of a study, unchecked, with the comments of the study and of off.yaml.

    Args:
        path: the study's file.
        changes: other values, in the syntax of `dvc exp run -S`; `all` is spelled out after them.
        tasks: tasks to keep; None for all. Lists of tasks are cut to these, and an experiment that is
            left without a task or a seed is switched off.
        seeds: seeds to keep; None for all. Lists of seeds are cut to these.

    Raises:
        ParamsError: a file is missing or no YAML, a change leads nowhere, or the study lacks a task or
            a seed.
    """
    off, study = _commented(path.with_name(OFF)), _commented(path)
    content = _merged(off, study)
    if changes:
        before = plain(content)
        _update(content, before, overridden(before, changes))
        if not all(change.startswith(("ran", *SHOWN)) for change in changes):
            content["ran"] = None  # it is about the study without changes
    _complete(content)
    spell_out(content)
    if tasks is not None or seeds is not None:
        cut(content, {"tasks": tasks, "seeds": seeds}, off)
    for key in re.findall(r"(?m)^\n(\w+):", path.with_name(OFF).read_text(encoding="utf-8")):
        content.yaml_set_comment_before_after_key(key, before="\n")
    return content


def dump(content: CommentedMap) -> str:
    """Write a composed study as the text of a params file."""
    text = StringIO()
    _yaml().dump(content, text)
    return text.getvalue()


def plain(content: CommentedMap) -> dict[str, Any]:
    """Return the values of a composed study as plain dicts, as read back from a params file."""
    values: dict[str, Any] = YAML(typ="safe").load(dump(content))
    return values


def read(path: Path) -> dict[str, Any]:
    """Read the sections of a YAML file.

    Raises:
        ParamsError: the file is missing, is no YAML, or has no sections.
    """
    return _read(path, YAML(typ="safe"))  # type: ignore[no-any-return]


def overridden(sections: Mapping[str, Any], changes: Collection[str]) -> dict[str, Any]:
    """Return the sections with other values, as `dvc exp run -S` would set them.

    Raises:
        ParamsError: a change is no `key=value`, or its key does not exist.
    """
    from dvc.exceptions import InvalidArgumentError  # noqa: PLC0415  slow, and few stages need it
    from dvc.utils.hydra import apply_overrides  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        _yaml().dump(dict(sections), path)  # a safe dumper would sort the keys
        for change in changes:
            try:
                apply_overrides(path, [change])
            except InvalidArgumentError as error:
                why = " ".join(str(error.__cause__ or error).split()).split(" See https")[0]
                why = why.split(" To append")[0].rstrip(".")  # no key can be added
                raise ParamsError(
                    f"-S {change} is not possible: {why}; there are the keys "
                    + listed(_keys(sections, change))
                ) from None
        return read(path)


def _keys(sections: Mapping[str, Any], change: str) -> list[str]:
    """Follow the key of a change; return its parts as far as they exist."""
    for part in change.lstrip("+~").partition("=")[0].split("."):
        if isinstance(sections.get(part), dict):
            sections = sections[part]
    return list(sections)


# --- reading and merging ---------------------------------------------------------------------


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _commented(path: Path) -> CommentedMap:
    content = _read(path, _yaml())
    assert isinstance(content, CommentedMap)
    return content


def _read(path: Path, yaml: YAML) -> Any:  # noqa: ANN401  a dict, with or without comments
    try:
        with path.open(encoding="utf-8") as file:
            sections = yaml.load(file)
    except FileNotFoundError:
        raise ParamsError(f"{path} does not exist; run this from the project's folder") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path} is not YAML: " + " ".join(str(error).split())) from None
    if not isinstance(sections, dict):
        raise ParamsError(
            f"{path} is {sections!r}, but it should be the sections "
            + ", ".join(Study.model_fields)
        )
    return sections


def _merged(*sections: CommentedMap) -> CommentedMap:
    """Merge sections; later values win. Only comments at the ends of lines are kept."""
    merged = CommentedMap()
    for key in dict.fromkeys(key for section in sections for key in section):
        having = [section for section in sections if key in section]
        values = [section[key] for section in having]
        if all(isinstance(value, CommentedMap) for value in values):
            merged[key] = _merged(*values)
        elif isinstance(values[0], CommentedMap):
            raise ParamsError(f"{key} is {values[-1]!r}, but it should be a section")
        elif isinstance(values[-1], CommentedMap):
            merged[key] = _merged(values[-1])
        elif isinstance(values[-1], CommentedSeq):
            merged[key] = _copied(values[-1])
        else:
            merged[key] = values[-1]
        comments = [comment for section in having if (comment := _comment(section, key))]
        if comments and not isinstance(merged[key], FoldedScalarString):  # of several lines
            merged.yaml_add_eol_comment(comments[-1], key, column=COLUMN)
    if all(section.fa.flow_style() or not section for section in sections):
        merged.fa.set_flow_style()
    return merged


def _comment(section: CommentedMap, key: str) -> str:
    """Return the comment at the end of a key's line; empty if there is none."""
    tokens = section.ca.items.get(key) or []
    first = tokens[2].value.split("\n")[0] if len(tokens) > 2 and tokens[2] else ""
    return str(first)


def _copied(values: CommentedSeq) -> CommentedSeq:
    copied = CommentedSeq(
        _merged(value) if isinstance(value, CommentedMap) else value for value in values
    )
    if values.fa.flow_style():
        copied.fa.set_flow_style()
    return copied


def _complete(content: CommentedMap) -> None:
    """Fill in values that follow from lists: the last round, and an empty override for every task."""
    tasks, rounds = content.get("tasks"), content.get("rounds")
    override, transfer = content.get("override"), content.get("transfer")
    for section, key in ((content, "last_round"), (transfer, "round")):
        if isinstance(rounds, list) and isinstance(section, dict) and section.get(key) is None:
            section[key] = len(rounds)
    for task in tasks if isinstance(tasks, list) and isinstance(override, CommentedMap) else ():
        override.setdefault(task, CommentedMap())
        override.move_to_end(task)  # in the order of the tasks


def _update(content: CommentedMap, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Set the values that differ, so that all others keep their comments and their notation."""
    for key in before.keys() - after.keys():
        del content[key]
    for key, value in after.items():
        if isinstance(value, dict) and isinstance(before.get(key), dict):
            _update(content[key], before[key], value)
        elif key not in before or before[key] != value:
            content[key] = in_one_line(value) if isinstance(value, list) else value
