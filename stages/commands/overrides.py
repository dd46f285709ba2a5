"""Settings changed in memory: `train.epochs=2`, to ask what a change would do."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.tickets.settings import ParamsError


def overridden(content: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """A copy of a params file's content with other values.

    Args:
        content: sections by name.
        changes: `key=value` each; a dotted key, in lists with numbers from 0, and a value in YAML. A
            plus before the key, as `dvc exp run` wants it of a new one, changes nothing.

    Raises:
        ParamsError: a change is not of that form, or there is nothing where its key leads. What the
            last part of a key names may be new: `params.checked` refuses what is unknown.
    """
    changed = copy.deepcopy(dict(content))
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign or not key:
            raise ParamsError(f"--set is {change!r}, allowed are changes such as train.epochs=2")
        try:
            value = YAML(typ="safe").load(text)
        except YAMLError as error:
            raise ParamsError(
                f"--set is {change!r}, whose value is not YAML: " + " ".join(str(error).split())
            ) from None
        *parents, last = key.removeprefix("+").split(".")
        place: Any = changed
        for number, part in enumerate(parents):
            place = place[_index(place, part, change)]
            if not isinstance(place, dict | list):
                where = ".".join(parents[: number + 1])
                raise ParamsError(f"--set is {change!r}, but {where} is {place!r} and no section")
        if isinstance(place, dict):
            place[last] = value
        else:
            place[_index(place, last, change)] = value
    return changed


def _index(place: dict[str, Any] | list[Any], part: str, change: str) -> Any:  # noqa: ANN401
    """A key of a section, or a number in a list."""
    if isinstance(place, list):
        allowed = [str(number) for number in range(len(place))]
        if part in allowed:
            return int(part)
    else:
        allowed = list(place)
        if part in allowed:
            return part
    raise ParamsError(
        f"--set is {change!r}, but there is no {part!r}, allowed are {', '.join(allowed) or 'none'}"
    )
