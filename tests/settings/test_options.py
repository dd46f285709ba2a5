"""Settings that DVC writes into a command line, where a whole number may have no point."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from stages.tickets.plan import stages as pipeline
from stages.tickets.settings import Section, Study
from tests.imports import ROOT


def fields_on_commands() -> Iterator[tuple[str, FieldInfo]]:
    """Yield the settings that stages are repeated over or get as options, those of sections each."""
    text = json.dumps(pipeline.read(ROOT))
    for key in sorted(set(re.findall(r"\$\{([a-z_.]+)\}", text))):
        first, *names = key.split(".")
        field = Study.model_fields.get(first)
        for name in names if field else ():
            assert field
            field = field.annotation.model_fields[name]  # type: ignore[union-attr]
        if field is None:  # an item of a list, which is named beside it
            continue
        kinds = [field.annotation, *get_args(field.annotation)]
        inside = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
        for section in inside:
            yield from ((f"{key}.{name}", part) for name, part in section.model_fields.items())
        if not inside:
            yield key, field


def read(field: FieldInfo, value: Any) -> Any:
    try:
        return TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return None


FIELDS = dict(fields_on_commands())


def test_options_of_many_sections_are_looked_at() -> None:
    looked_at = {key.rpartition(".")[0] for key in FIELDS}
    assert {
        "landscapes.grid",
        "connectivity.starts",
        "between.of",
        "curvature.examples",
    } <= looked_at


@pytest.mark.parametrize("key", FIELDS)
def test_whole_numbers_are_written_without_a_point(key: str) -> None:
    """Plans read numbers from commands, where 13.0 is no whole number, and paths would differ."""
    assert not isinstance(read(FIELDS[key], 401.0), int)
    for item in read(FIELDS[key], [401.0]) or ():
        assert not isinstance(item, int)
