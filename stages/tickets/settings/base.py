"""The base of all sections of params.yaml: checks, errors, and rules that a field can state."""

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


class UserError(ValueError):
    """Raised for a problem that the user can mend; the message is one sentence for the user."""


class ParamsError(UserError):
    """Raised if params.yaml holds a wrong value; the message names key, value and what is allowed."""


MANY = 20
"""Number of keys from which on a message about an unknown one names only those like it."""


class Section(BaseModel):
    """A section of params.yaml: frozen, without unknown keys, infinity and nan."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_key(cls, values: object) -> object:
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in values if isinstance(values, dict) else ():
            if key not in allowed:
                near = get_close_matches(str(key), allowed) if len(allowed) > MANY else []
                raise ValueError(
                    f"has the unknown key {key!r} with value {values[key]!r}, "  # type: ignore[index]
                    f"{'the closest allowed' if near else 'allowed'} are {listed(near or allowed)}"
                )
        return values

    def __repr__(self) -> str:
        """Write the section on a line, as it might stand in params.yaml."""
        return f"{{{', '.join(f'{key}: {value}' for key, value in self)}}}"

    __str__ = __repr__


# --- numbers and names -----------------------------------------------------------------------

LONGEST_NAME = 64
"""Characters of a name; a path may join two in one part, and file systems allow 255 bytes there."""


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Make the rule of a text that all of a pattern matches; `allowed` are such texts, in words."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is {text!r}, allowed are {allowed}")
        return text

    return AfterValidator(check)


DRAW = "(-([2-9]|[1-9][0-9]+))?"
"""Pattern of the end of a name that may be a second draw, such as random-2."""
Name = Annotated[
    str,
    matching(
        rf"[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}",
        f"names of up to {LONGEST_NAME} characters a-z, 0-9 and _ that begin with a letter, since they "
        "become parts of paths",
    ),
]
"""Name of a task or a study: part of paths, of stage names and of commands. It needs no quotes in a
shell, leads to no other folder, looks like no option, and differs from others in more than its case."""
Share = Annotated[float, Field(gt=0, lt=1)]
Whole = Annotated[int, Field(strict=True)]
"""An integer, written without a point, since it becomes part of paths and of stage names."""
Seed = Annotated[Whole, Field(ge=0)]
Percent = Annotated[Whole, Field(ge=0, lt=100)]
RoundNumber = Annotated[Whole, Field(ge=1)]

# --- rules of lists --------------------------------------------------------------------------


def _unique(values: tuple[object, ...]) -> tuple[object, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"has {value!r} twice, allowed is once")
    return values


Unique = AfterValidator(_unique)
"""Rule of a list: no value stands in it twice."""


class AllOrNone(Section):
    """A section that asks for nothing if its lists are empty, and then none of them has a value."""

    @model_validator(mode="after")
    def _lists_go_together(self) -> Self:
        lists = {key: value for key, value in self if isinstance(value, tuple)}
        if any(lists.values()) and not all(lists.values()):
            empty = next(key for key, value in lists.items() if not value)
            raise ValueError(
                f"{empty} is empty, allowed are values in all of {listed(lists)} or in none"
            )
        return self


def either(word: str, holds: Callable[[Any], bool], others: str) -> AfterValidator:
    """Make the rule of a value that is a word, or another one that `others` describes."""

    def check(value: float | str) -> float | str:
        if value != word and not holds(value):
            raise ValueError(f"is {value!r}, allowed are {word!r} and {others}")
        return value

    return AfterValidator(check)


@dataclass(frozen=True)
class Among:
    """Rule: every value of the field, or its only value, stands in another list of the study.

    In a study file `all` stands for that other list, in its order: for all tasks if values have to be
    among `tasks`, for all seeds searched if they have to be among `search.seeds`.
    """

    of: str
    all_of: str = ""
    """Key of the list that `all` stands for; empty for the list `of`."""

    def problem(self, value: object, other: object) -> str | None:
        assert isinstance(other, Collection)
        return None if value in other else f"allowed are the {self.of} {listed(other)}"

    def every(self, other: object) -> list[object]:
        assert isinstance(other, Collection)
        return list(other)


@dataclass(frozen=True)
class UpTo:
    """Rule: every value of the field, or its only value, is a round up to a number under another key.

    In a study file `all` stands for the rounds from 1 up to that number, or with `less=1` up to the round
    before it.
    """

    of: str
    less: int = 0

    def problem(self, value: object, other: object) -> str | None:
        assert isinstance(value, int)
        assert isinstance(other, int)
        most = other - self.less
        return None if value <= most else f"allowed are the rounds up to {most}"

    def every(self, other: object) -> list[object]:
        assert isinstance(other, int)
        return list(range(1, other - self.less + 1))


@dataclass(frozen=True)
class NeededBy:
    """Rule: the list is not empty if another list of the study has values."""

    of: str


Rule = Among | UpTo | NeededBy
"""A rule that compares a field with another key of the study. If it is about single values, `problem`
says why a value is not allowed, or returns None, and `every` lists what the word `all` in a study file
stands for."""


@cache
def rules(section: type[Section]) -> tuple[tuple[str, Rule], ...]:
    """List the rules of the fields of a section and of the sections in it, with their dotted keys."""
    return tuple(_rules(section, ""))


def _rules(section: type[Section], before: str) -> Iterator[tuple[str, Rule]]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _rules(field.annotation, f"{before}{name}.")
        for rule in field.metadata:
            if isinstance(rule, Rule):
                yield before + name, rule


def listed(values: Collection[object]) -> str:
    """Write values for a message, in their order."""
    return ", ".join(map(str, values)) or "none"


# --- paths -----------------------------------------------------------------------------------


def expanded(path: str, key: str) -> Path:
    """Fill in ~ and $VARIABLES in a path of params.yaml.

    Raises:
        ParamsError: a variable is not set, or ~ names an unknown user.
    """
    filled = os.path.expandvars(path)
    missing = re.search(r"\$\{?(\w+)", filled)
    if missing:
        raise ParamsError(
            f"{key} is {path!r}, but the environment variable {missing[1]} is not set"
        )
    try:
        return Path(filled).expanduser()
    except RuntimeError as error:
        raise ParamsError(f"{key} is {path!r}, but ~ names no user of this machine") from error
