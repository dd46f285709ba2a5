"""Lists of a study that is composed: `all` spelled out, and cut to fewer tasks and seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stages.tickets.settings.base import Among, ParamsError, listed, rules
from stages.tickets.settings.study import Study
from stages.tickets.settings.trials import ALIASED

ALL = "all"
NEEDS_TWO = {
    "cross": ("mask_seeds", "seeds"),
    "multitask": ("tasks",),
    "transfer": ("sources", "targets"),
}
"""Lists that are no experiment if they hold one task or one seed alone, by section."""


def in_one_line(values: Sequence[object]) -> CommentedSeq:
    """A list of its own; YAML would write a list that is there twice as a reference."""
    copied = CommentedSeq(values)
    copied.fa.set_flow_style()
    return copied


def _at(content: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401  whatever is there
    """The value of a dotted key, or None."""
    value: Any = content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _put(content: Mapping[str, Any], key: str, values: Sequence[object]) -> None:
    *path, last = key.split(".")
    _at(content, ".".join(path))[last] = in_one_line(values)


def spell_out(content: CommentedMap) -> None:
    """Put what the word `all` stands for into its place, as the rules of the fields say."""
    for key, rule in rules(Study):
        values = _at(content, key)
        parts = values if isinstance(values, list) else [values]
        other = _at(content, getattr(rule, "all_of", "") or rule.of)
        if ALL in parts and isinstance(other, list if isinstance(rule, Among) else int):
            every = rule.every(other)
            _put(content, key, [v for part in parts for v in (every if part == ALL else [part])])


def cut(
    content: CommentedMap, kept: Mapping[str, Sequence[object] | None], off: CommentedMap
) -> None:
    """Cut a study to some of its tasks and seeds, and switch off what is left without any.

    Args:
        content: all sections of the study.
        kept: the `tasks` and the `seeds` to keep; None for all.
        off: the sections of off.yaml.

    Raises:
        ParamsError: the study lacks a task or a seed.
    """
    for key, wanted in kept.items():
        for value in wanted or ():
            if value not in content[key]:
                raise ParamsError(
                    f"--{key} has {value!r}, allowed are the {key} of {content['study']}, "
                    + listed(content[key])
                )
        if wanted is not None:
            content[key] = in_one_line([value for value in content[key] if value in wanted])
    content["ran"] = None
    for section in ("data", "own", "override"):
        for name in content[section].keys() - set(content["tasks"]):
            del content[section][name]
    for section in dict.fromkeys(key.split(".")[0] for key, _ in rules(Study)):
        if _cut_section(content, section):
            _switch_off(content[section], off[section])


def _cut_section(content: CommentedMap, section: str) -> bool:
    """Cut the lists of a section to what there is; returns whether no experiment is left of it."""
    is_over = False
    for key, rule in rules(Study):
        values = _at(content, key)
        if key.startswith(f"{section}.") and isinstance(rule, Among) and isinstance(values, list):
            there = _sources(content) if rule.of == "sources" else _at(content, rule.of)
            _put(content, key, [value for value in values if value in there])
            is_over |= bool(values) and not _at(content, key)
    lists = [content[section][name] for name in NEEDS_TWO.get(section, ())]
    return is_over or (bool(lists) and len({value for values in lists for value in values}) < 2)


def _sources(content: CommentedMap) -> list[str]:
    """Sources of masks that are there: tasks, several at once if they are pruned so, and no tasks."""
    joint = ["multi-task"] if content["multitask"]["seeds"] else []
    aliased = [f"{ALIASED}{task}" for task in content["standard"]["tasks"]]
    return [*content["tasks"], *aliased, *joint, "one-shot", "random-mask"]


def _switch_off(section: dict[str, Any], off: dict[str, Any]) -> None:
    """Empty the lists that off.yaml has empty, but for the controls of every ticket."""
    for key, value in off.items():
        if isinstance(value, dict) and key != "every":
            _switch_off(section[key], value)
        elif value == []:
            section[key] = in_one_line([])
