"""Edit the lists of a composed study: spell out `all`, and cut lists to fewer tasks and seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stages.tickets.settings.base import Among, NeededBy, ParamsError, listed, rules
from stages.tickets.settings.study import Study
from stages.tickets.settings.trials import ALIASED

ALL = "all"
NEEDS_TWO = {
    "cross": ("mask_seeds", "seeds"),
    "multitask": ("tasks",),
    "planes": ("seeds", "others"),
    "transfer": ("sources", "targets"),
}
"""Lists by section that together need two different tasks or seeds to be an experiment."""


def in_one_line(values: Sequence[object]) -> CommentedSeq:
    """Copy a list, to be written in one line; YAML would write a shared list as a reference."""
    copied = CommentedSeq(values)
    copied.fa.set_flow_style()
    return copied


def _at(content: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401  any value
    """Return the value of a dotted key, or None."""
    value: Any = content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _put(content: Mapping[str, Any], key: str, values: Sequence[object]) -> None:
    *path, last = key.split(".")
    _at(content, ".".join(path))[last] = in_one_line(values)


def spell_out(content: CommentedMap) -> None:
    """Replace the word `all` by the values that the rule of the field lists."""
    for key, rule in rules(Study):
        values = _at(content, key)
        parts = values if isinstance(values, list) else [values]
        other = _at(content, getattr(rule, "all_of", "") or rule.of)
        if isinstance(rule, NeededBy) or ALL not in parts:
            continue
        if isinstance(other, list if isinstance(rule, Among) else int):
            every = rule.every(other)
            _put(content, key, [v for part in parts for v in (every if part == ALL else [part])])


def cut(
    content: CommentedMap, kept: Mapping[str, Sequence[object] | None], off: CommentedMap
) -> None:
    """Cut a study to some of its tasks and seeds; switch off experiments left without any.

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
    content["ran"], content["banner"] = None, ""  # they are about the uncut study
    for section in ("data", "own", "override"):
        for name in content[section].keys() - set(content["tasks"]):
            del content[section][name]
    for section in dict.fromkeys(key.split(".")[0] for key, _ in rules(Study)):
        if _cut_section(content, section):
            _switch_off(content[section], off[section])
    if content["distil"]["set"]["seed"] not in content["seeds"]:
        _switch_off(content["distil"], off["distil"])
    networks = content["between"]["of"]
    if len(networks["seeds"]) < 2:  # two rounds of a seed are a pair still
        networks["pairs"] = in_one_line([pair for pair in networks["pairs"] if pair != "seeds"])
        if not networks["pairs"] and not content["between"]["files"]:
            _switch_off(content["between"], off["between"])


def _cut_section(content: CommentedMap, section: str) -> bool:
    """Cut the lists of a section to existing values; return whether no experiment is left."""
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
    """List the sources of masks: tasks, joint pruning if it runs, and masks that no task makes."""
    joint = ["multi-task"] if content["multitask"]["seeds"] else []
    aliased = [f"{ALIASED}{task}" for task in content["standard"]["tasks"]]
    return [*content["tasks"], *aliased, *joint, "one-shot", "random-mask"]


def _switch_off(section: dict[str, Any], off: dict[str, Any]) -> None:
    """Empty the lists that are empty in off.yaml."""
    for key, value in off.items():
        if isinstance(value, dict):
            _switch_off(section[key], value)
        elif value == []:
            section[key] = in_one_line([])
