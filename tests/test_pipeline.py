"""dvc.yaml says what the code does, and the code keeps to its layers; nothing is run here."""

import ast
import configparser
import copy
import csv
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from dvc.parsing import interpolate
from ruamel.yaml import YAML

from stages.tickets import settings
from stages.tickets.settings import compose
from tests.imports import ROOT

Yaml: TypeAlias = Any
"""A part of a YAML file."""
STUDIES = [ROOT / "params.yaml", *compose.studies(ROOT / "studies")]
MADE = ("results/", "reports/")
CHECKED = "results/params-checked"
"""A dep without content, which only says that `check` has run."""
CODE = "results/code"
"""What the code of a script amounts to, in a file per script."""
CHECK_DEPS = {"stages/check.py", "stages/launch/cli.py", "stages/tickets/settings"}
PER_TASK = ("override", "data", "own")
"""Sections with an entry per task, of which a stage tracks its own."""
NOT_READ = {"prepare": "own", "prepare-own": "data"}
"""Two stages of one script: each task is described in one of the two sections."""
PARTS = {"multi-task": {"transfer": "transfer.round", "multitask": "multitask.tasks"}}
"""Of these sections a stage tracks a part, beside which there are lists that stages are repeated over."""


def read(path: Path) -> dict[str, Any]:
    return settings.content(path)


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml with every ${} filled in."""

    group: str
    """Name in dvc.yaml: prune-round."""
    name: str
    """As DVC shows it: prune-round@rte-1-after0."""
    command: tuple[str, ...]
    """All of the command line."""
    module: str
    """File name of its script without the ending."""
    arguments: tuple[str, ...]
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: dict[str, bool]
    """Path, and whether DVC caches it."""

    def option(self, name: str) -> str | None:
        """Value of an option on the command line; None where it has none of that name."""
        pairs = dict(pairwise(self.arguments))
        return pairs.get(f"--{name}")

    @property
    def inputs(self) -> list[str]:
        """Deps that the command reads."""
        return [dep for dep in self.deps if dep != CHECKED and not lies_in(dep, CODE)]


# --- dvc.yaml with its variables filled in ---------------------------------------------------


def resolve(pipeline: dict[str, Any], study: dict[str, Any]) -> list[Stage]:
    """All stages of a study, in the order of dvc.yaml."""
    found = []
    for group, entry in pipeline["stages"].items():
        for label, values in _items(entry, study):
            body = fill(entry.get("do", entry), study | values)
            command = shlex.split(body["cmd"])
            _, _, module, *arguments = command
            if module == "stages":
                module, *arguments = arguments
            outs: dict[str, bool] = {}
            for kind in ("outs", "metrics", "plots"):
                for out in body.get(kind, []):
                    path, flags = next(iter(out.items())) if isinstance(out, dict) else (out, {})
                    outs[path] = flags.get("cache", True)
            tracked = [
                name if isinstance(name, str) else next(iter(name))
                for name in body.get("params", [])
            ]
            found.append(
                Stage(
                    group,
                    f"{group}@{label}" if label else group,
                    tuple(command),
                    module.removeprefix("stages."),
                    tuple(arguments),
                    tuple(body["deps"]),
                    tuple(tracked),
                    outs,
                )
            )
    return found


def _items(entry: dict[str, Any], study: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a stage is repeated for: DVC's label, and values of the variables."""
    if "foreach" in entry:
        for key, value in fill(entry["foreach"], study).items():
            yield key, {"key": key, "item": value}
    elif "matrix" in entry:
        axes = {name: fill(values, study) for name, values in entry["matrix"].items()}
        labelled = [
            [
                (f"{name}{index}" if isinstance(value, dict) else str(value), name, value)
                for index, value in enumerate(values)
            ]
            for name, values in axes.items()
        ]
        for chosen in product(*labelled):
            label = "-".join(part for part, _, _ in chosen)
            yield label, {"item": {name: value for _, name, value in chosen}}
    else:
        yield "", {}


def fill(template: Yaml, values: dict[str, Yaml]) -> Yaml:
    """`template` with each ${name} replaced; matrix and foreach are filled by whom they concern."""
    if isinstance(template, dict):
        return {
            fill(key, values): fill(value, values)
            for key, value in template.items()
            if key not in ("matrix", "foreach")
        }
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if not isinstance(template, str):
        return template
    whole = re.fullmatch(r"\$\{([^}]+)\}", template)
    if whole:
        return _look_up(whole[1], values)
    return re.sub(r"\$\{([^}]+)\}", lambda found: _in_text(_look_up(found[1], values)), template)


def _in_text(value: Yaml) -> str:
    """As DVC writes a value in a command; a section is its options, a list one option each."""
    if not isinstance(value, dict):
        return str(value)
    pairs = [
        (key, item)
        for key, items in value.items()
        for item in (items if isinstance(items, list) else [items])
    ]
    return " ".join(f"--{key} {item}" for key, item in pairs)


def _look_up(name: str, values: Yaml) -> Yaml:
    for part in name.strip().split("."):
        values = values[part]
    return values


# --- what has to hold; each returns what is wrong --------------------------------------------


def wrong_code(stages: Iterable[Stage]) -> list[str]:
    """Of the code, a stage depends on that of its script; `code` and `check` on the sources."""
    sources = {"code": {"stages"}, "check": CHECK_DEPS}
    return [
        problem
        for stage in stages
        for problem in _differences(
            f"{stage.name}: deps",
            {dep for dep in stage.deps if dep.startswith("stages") or lies_in(dep, CODE)},
            sources.get(stage.module, {f"{CODE}/{stage.module}.json"}),
        )
    ]


def wrong_params(stages: Iterable[Stage]) -> list[str]:
    """Params: the fields of the script's `Params`; those with an entry per task of the stage's task."""
    problems = []
    for stage in stages:
        task = stage.option("target") or stage.option("task")
        read_by_script = fields_of_params(stage.module) - {NOT_READ.get(stage.group, "")}
        parts = PARTS.get(stage.group, {})
        expected = {
            f"{name}.{task}" if task and name in PER_TASK else parts.get(name, name)
            for name in read_by_script
        }
        problems += _differences(f"{stage.name}: params", set(stage.params), expected)
    return problems


@cache
def fields_of_params(module: str) -> frozenset[str]:
    """The fields of a script's dataclass `Params`; `check` reads the whole file, others nothing."""
    source = (ROOT / "stages" / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == "Params":
            targets = [field.target for field in node.body if isinstance(field, ast.AnnAssign)]
            return frozenset(target.id for target in targets if isinstance(target, ast.Name))
    return frozenset({"params.yaml"} if module == "check" else {})


def wrong_paths(stages: Iterable[Stage]) -> list[str]:
    """Paths on the command line are deps or outs, lie in one or hold one; and all of them are there."""
    problems = []
    for stage in stages:
        files = [*stage.inputs, *stage.outs]
        named = [argument for argument in stage.arguments if argument.startswith(MADE)]
        problems += [
            f"{stage.name}: the command has {path}, which is neither a dep nor an out"
            for path in named
            if not any(lies_in(path, file) or lies_in(file, path) for file in files)
        ]
        problems += [
            f"{stage.name}: {file} is not on the command"
            for file in files
            if file.startswith(MADE) and not any(lies_in(file, path) for path in named)
        ]
    return problems


def wrong_outs(stages: Iterable[Stage]) -> list[str]:
    """Outs do not overlap, and what a stage depends on is made by another."""
    stages = list(stages)
    outs = sorted((f"{out}/", stage.name) for stage in stages for out in stage.outs)
    problems = [
        f"{second}: {inner} lies in {outer} of {first}"
        for (outer, first), (inner, second) in pairwise(outs)
        if inner.startswith(outer)
    ]
    made = {out.rstrip("/") for out, _ in outs}
    folders = {str(parent) for out in made for parent in Path(out).parents}
    problems += [
        f"{stage.name}: no stage makes {dep}"
        for stage in stages
        for dep in stage.deps
        if dep.startswith(MADE)
        and dep not in folders
        and made.isdisjoint(map(str, (Path(dep), *Path(dep).parents)))
    ]
    return problems


def wrong_caching(stages: Iterable[Stage]) -> list[str]:
    """What DVC does not cache it cannot share: only reports, which git keeps."""
    return [
        f"{stage.name}: {path} is {'cached' if cached else 'not cached'}"
        for stage in stages
        for path, cached in stage.outs.items()
        if cached == (stage.group in ("score", "report"))
    ]


def wrong_rounds(stages: Iterable[Stage]) -> list[str]:
    """Each round takes the mask that the round before it made, round 1 that of the dense run."""
    problems = []
    last = {}
    for stage in stages:
        run = (stage.option("task"), stage.option("seed"))
        if stage.group == "fine-tune":
            last[run] = (0, 0.0, stage.option("dense-mask"))
        elif stage.group == "prune-round":
            number, sparsity, folder = last[run]
            given = (int(stage.option("round") or -1), stage.option("ticket"))
            if given != (number, folder):
                problems.append(f"{stage.name}: takes {given}, after round {number} in {folder}")
            new = float(stage.option("sparsity") or 0)
            if new <= sparsity:
                problems.append(f"{stage.name}: sparsity {new} comes after {sparsity}")
            last[run] = (number + 1, new, stage.option("out"))
            if not (stage.option("out") or "").endswith(f"/round-{number + 1}"):
                problems.append(f"{stage.name}: makes {stage.option('out')}")
        elif stage.group in ("ticket", "rewind") and stage.option("mask") != (
            f"{last[run][2]}/mask.safetensors"
        ):
            problems.append(f"{stage.name}: takes {stage.option('mask')}, which is not the last")
    return problems


def wrong_matrices(pipeline: dict[str, Any]) -> list[str]:
    """A stage that tracked the list it is repeated over would rerun whenever the list grows."""
    return [
        f"{group}: tracks {tracked}, and is repeated over {repeated}"
        for group, entry in pipeline["stages"].items()
        for repeated in re.findall(
            r"\$\{([^}]+)\}", str([entry.get("matrix"), entry.get("foreach")])
        )
        for tracked in entry.get("do", entry).get("params", [])
        if isinstance(tracked, str) and f"{repeated}.".startswith(f"{tracked}.")
    ]


def shown_columns(pipeline: dict[str, Any], study: dict[str, Any]) -> list[tuple[str, str]]:
    """File and column of all that the plots at the end of dvc.yaml show."""
    found = []
    for entry in fill(pipeline["plots"], study):
        for plot in entry.values():
            axes = [plot["x"], plot["y"]]
            if isinstance(plot["x"], str):  # a column of each file of y
                axes[0] = dict.fromkeys(plot["y"], plot["x"])
            found += [item for axis in axes for item in axis.items()]
    return found


def wrong_shown(pipeline: dict[str, Any], study: dict[str, Any]) -> list[str]:
    """What `dvc plots` and `dvc metrics` show is made by a stage, and not cached, so git has it."""
    shown = [path for path, _ in shown_columns(pipeline, study)] + fill(pipeline["metrics"], study)
    kept = [
        out
        for stage in resolve(pipeline, study)
        for out, cached in stage.outs.items()
        if not cached
    ]
    return [path for path in shown if not any(lies_in(path, out) for out in kept)]


def wrong_lock(locked: dict[str, Any], stages: Iterable[Stage], study: dict[str, Any]) -> list[str]:
    """dvc.lock has the stages of this study, with their commands and what they track of it."""
    stages = list(stages)
    problems = _differences("dvc.lock: stages", set(locked), {stage.name for stage in stages})
    for stage in stages:
        entry = locked.get(stage.name)
        if entry is None:
            continue
        if tuple(shlex.split(entry["cmd"])) != stage.command:
            problems.append(f"{stage.name}: another command is locked")
        tracked = {name: _look_up(name, study) for name in stage.params if name != "params.yaml"}
        if "params.yaml" in stage.params:
            tracked = study
        if entry.get("params", {}).get("params.yaml", {}) != tracked:
            problems.append(f"{stage.name}: other params are locked")
    return problems


def lies_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _differences(where: str, listed: AbstractSet[str], expected: AbstractSet[str]) -> list[str]:
    return [
        *(f"{where} lack {name}" for name in sorted(expected - listed)),
        *(f"{where} have {name} for nothing" for name in sorted(listed - expected)),
    ]


# --- dvc.yaml as it is -----------------------------------------------------------------------

OWN = {"train": "reviews/train.csv", "validation": "reviews/validation.csv"}
CHECKS: list[Callable[[list[Stage]], list[str]]] = [
    wrong_code,
    wrong_params,
    wrong_paths,
    wrong_outs,
    wrong_caching,
    wrong_rounds,
]


def pipeline() -> dict[str, Any]:
    return read(ROOT / "dvc.yaml")


EXAMPLE: dict[str, Any] = {
    "study": "example",
    "tasks": ["mlm", "sentiment", "reviews"],
    "seeds": [1, 2],
    "data": {"mlm": {}, "sentiment": {}},
    "own": {"reviews": OWN},
    "override": {"mlm": {}, "sentiment": {}, "reviews": {}},
    "rounds": [{"from": 0, "to": 1, "sparsity": 0.4}, {"from": 1, "to": 2, "sparsity": 0.6}],
    "last_round": 2,
    "imp": {"rewind_to": 50, "keep_weights": [1], "decay_over": 2, "classifier": "carried"},
    "earlier": {"rounds": [1]},
    "dense": {"points": [0, 50]},
    "rewind": {"tasks": ["mlm", "reviews"], "seeds": [2], "points": [0], "source": "dense"},
    "random": {"rounds": [1]},
    "controls": {
        "every": {"kinds": ["random"]},
        "more": {"kinds": ["reinitialised", "one-shot"]},
        "tasks": ["mlm", "reviews"],
        "seeds": [2],
        "rounds": [1, 2],
    },
    "standard": {"tasks": ["mlm"], "seeds": [1, 2], "aliased": {"rounds": [1, 2]}},
    "cross": {"tasks": ["reviews"], "mask_seeds": [1, 2], "seeds": [2]},
    "multitask": {"tasks": ["mlm", "reviews"], "seeds": [2]},
    "scratch": {"seeds": [1]},
    "transfer": {
        "sources": ["mlm", "sentiment"],
        "targets": ["mlm", "sentiment"],
        "seeds": [1],
        "round": 1,
    },
    "transfer_weights": {
        "sources": ["mlm"],
        "targets": ["mlm", "reviews"],
        "seeds": [2],
        "points": [0, 50],
    },
    "search": {
        "tasks": ["sentiment", "reviews"],
        "seeds": [1, 2],
        "rule": {
            "variants": ["joint", "magnitude"],
            "split": "selection",
            "threshold": 0.9,
            "amount": 0.1,
            "magnitude": 0.05,
        },
        "permutations": 10,
    },
    "retrain": {
        "tasks": ["reviews"],
        "seeds": [2],
        "structured": ["good", "random-2"],
        "super": ["super", "super-bad"],
        "magnitude": ["bad"],
        "scratch": ["random"],
    },
    "patterns": {
        "tasks": ["reviews"],
        "network": {"seeds": [1, 2], "lengths": [5, 12], "size": 32},
        "examples": {"split": "selection", "number": 10},
    },
}
"""The part of a study that dvc.yaml looks at; with a task of the user's own."""


@pytest.mark.parametrize("wrong", CHECKS)
def test_dvc_yaml_says_what_the_scripts_do(wrong: Callable[[list[Stage]], list[str]]) -> None:
    stages = resolve(pipeline(), EXAMPLE)
    assert {stage.group for stage in stages} == set(pipeline()["stages"])
    assert wrong(stages) == []


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_stages_of_every_study_fit_together(path: Path) -> None:
    stages = resolve(pipeline(), read(path))
    names = [stage.name for stage in stages]
    assert len(names) == len(set(names))
    assert wrong_outs(stages) + wrong_rounds(stages) + wrong_paths(stages) == []


def test_no_stage_tracks_the_list_it_is_repeated_over() -> None:
    assert wrong_matrices(pipeline()) == []


def test_what_dvc_shows_is_made_by_a_stage() -> None:
    assert wrong_shown(pipeline(), EXAMPLE) == []


def test_a_task_of_the_users_depends_on_its_files() -> None:
    stage = next(s for s in resolve(pipeline(), EXAMPLE) if s.group == "prepare-own")
    assert set(OWN.values()) <= set(stage.deps)


def test_every_stage_says_what_it_does() -> None:
    entries = pipeline()["stages"].items()
    assert [name for name, entry in entries if "desc" not in entry.get("do", entry)] == []


def test_every_field_of_a_scripts_params_is_a_section() -> None:
    read_by_scripts = {
        name for stage in resolve(pipeline(), EXAMPLE) for name in fields_of_params(stage.module)
    }
    assert read_by_scripts <= {"params.yaml", *settings.Study.model_fields}


@pytest.mark.parametrize(
    "section",
    [
        {"points": [0, 50]},
        {"points": [0]},
        {"rewind_to": 0, "keep_weights": []},
        {"rewind_to": 50, "keep_weights": [1, 2]},
        {"variants": ["joint", "half-1"], "split": "train", "threshold": 0.9},
    ],
)
def test_sections_are_written_in_commands_as_dvc_writes_them(section: dict[str, Any]) -> None:
    """With the settings of .dvc/config: without them a list would be one option of many values."""
    config = configparser.ConfigParser()
    config.read_string((ROOT / ".dvc" / "config").read_text(encoding="utf-8"))
    parsing = dict(config["parsing"]) if "parsing" in config else {}
    assert _in_text(section) == interpolate.to_str(section, parsing)


def test_the_committed_lock_is_of_the_committed_dvc_yaml_and_params_yaml() -> None:
    """What is not committed yet, such as another study, is left alone."""
    pipeline, study, lock = (
        YAML(typ="safe").load(
            subprocess.run(
                ["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=True
            ).stdout
        )
        for name in ("dvc.yaml", "params.yaml", "dvc.lock")
    )
    assert wrong_lock(lock["stages"], resolve(pipeline, study), study) == []


def test_what_dvc_yaml_shows_is_in_the_committed_report() -> None:
    """Every file and column of its plots, with a value in every row, and every file of its metrics."""
    here = {"study": "miniature"}
    shown = {"plots": pipeline()["plots"], "metrics": pipeline()["metrics"]}
    columns = shown_columns(shown, here)
    assert len(columns) >= 2 * len(shown["plots"])
    assert blank_columns(columns, ROOT) == []
    for path in fill(shown["metrics"], here):
        assert json.loads((ROOT / path).read_text(encoding="utf-8"))


def blank_columns(columns: Iterable[tuple[str, str]], folder: Path) -> list[str]:
    """What a plot shows and is not there, has no rows, or a row without a value."""
    problems = []
    for path, column in columns:
        with (folder / path).open(encoding="utf-8", newline="") as file:
            values = [row.get(column) for row in csv.DictReader(file)]
        if not values or not all(values):
            problems.append(f"{path} has blanks in column {column}")
    return problems


# --- the checks can fail ---------------------------------------------------------------------


def _change(group: str, key: str, old: str, new: Yaml) -> Callable[[dict[str, Any]], None]:
    """Replace text in one part of one stage; with `old` a whole entry and no `new`, drop it."""

    def doctor(changed: dict[str, Any]) -> None:
        body = changed["stages"][group]
        body = body.get("do", body)
        if isinstance(body[key], str):
            assert old in body[key]
            body[key] = body[key].replace(old, new)
        else:
            assert old in body[key]
            index = body[key].index(old)
            body[key][index : index + 1] = [new] if new else []

    return doctor


@pytest.mark.parametrize(
    ("wrong", "doctor", "problem"),
    [
        (
            wrong_code,
            _change("prune-round", "deps", f"{CODE}/prune_round.json", ""),
            "prune-round@mlm-1-after0: deps lack results/code/prune_round.json",
        ),
        (
            wrong_code,
            _change("rewind", "deps", f"{CODE}/train.json", f"{CODE}/controls.json"),
            "rewind@mlm-2-0: deps have results/code/controls.json for nothing",
        ),
        (
            wrong_params,
            _change("score", "params", "imp", ""),
            "score: params lack imp",
        ),
        (
            wrong_params,
            _change("multi-task", "params", "multitask.tasks", "multitask"),
            "multi-task@2: params lack multitask.tasks",
        ),
        (
            wrong_params,
            _change("prepare", "params", "override.${key}", "override"),
            "prepare@mlm: params lack override.mlm",
        ),
        (
            wrong_params,
            _change("prepare-own", "params", "own.${key}", "own"),
            "prepare-own@reviews: params lack own.reviews",
        ),
        (
            wrong_paths,
            _change("rewind", "deps", "results/encoder", ""),
            "rewind@mlm-2-0: the command has results/encoder, which is neither a dep nor an out",
        ),
        (
            wrong_paths,
            _change("stability", "cmd", "--rounds results/rounds", ""),
            "stability: results/rounds is not on the command",
        ),
        (
            wrong_paths,
            _change("stability", "outs", "results/stability", "results/agreement"),
            "stability: the command has results/stability, which is neither a dep nor an out",
        ),
        (
            wrong_outs,
            _change("stability", "outs", "results/stability", "results/encoder/stability"),
            "stability: results/encoder/stability/ lies in results/encoder/ of encoder",
        ),
        (
            wrong_outs,
            _change("stability", "deps", "results/rounds", "results/masks"),
            "stability: no stage makes results/masks",
        ),
        (
            wrong_caching,
            _change(
                "stability", "outs", "results/stability", {"results/stability": {"cache": False}}
            ),
            "stability: results/stability is not cached",
        ),
        (
            wrong_rounds,
            _change("prune-round", "cmd", "--round ${item.after.from}", "--round ${item.after.to}"),
            "prune-round@mlm-1-after0: takes",
        ),
        (
            wrong_rounds,
            _change("rewind", "cmd", "round-${last_round}", "round-0"),
            "rewind@mlm-2-0: takes results/rounds/mlm/seed-2/round-0/mask.safetensors",
        ),
    ],
)
def test_a_wrong_dvc_yaml_is_reported(
    wrong: Callable[[list[Stage]], list[str]],
    doctor: Callable[[dict[str, Any]], None],
    problem: str,
) -> None:
    changed = copy.deepcopy(pipeline())
    doctor(changed)
    assert any(found.startswith(problem) for found in wrong(resolve(changed, EXAMPLE)))


def test_a_tracked_list_is_reported() -> None:
    changed = pipeline()
    changed["stages"]["rewind"]["params"] = ["rewind"]
    changed["stages"]["prepare"]["do"]["params"].append("data")
    assert wrong_matrices(changed) == [
        "prepare: tracks data, and is repeated over data",
        "rewind: tracks rewind, and is repeated over rewind.tasks",
        "rewind: tracks rewind, and is repeated over rewind.seeds",
        "rewind: tracks rewind, and is repeated over rewind.points",
    ]


def test_what_is_shown_and_made_by_none_is_reported() -> None:
    changed = pipeline()
    changed["metrics"] = ["reports/${study}/numbers.json"]
    assert wrong_shown(changed, EXAMPLE) == ["reports/example/numbers.json"]


def test_plots_of_what_is_blank_are_reported(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("task,score\nrte,0.5\ncola,\n", encoding="utf-8")
    (tmp_path / "none.csv").write_text("task,score\n", encoding="utf-8")
    columns = [
        ("some.csv", "task"),
        ("some.csv", "score"),
        ("some.csv", "f1"),
        ("none.csv", "task"),
    ]
    assert blank_columns(columns, tmp_path) == [
        "some.csv has blanks in column score",
        "some.csv has blanks in column f1",
        "none.csv has blanks in column task",
    ]


def test_a_lock_of_another_study_is_reported() -> None:
    shipped = read(ROOT / "params.yaml")
    changed = shipped | {
        "seeds": [*shipped["seeds"][1:], 99],
        "encoder": shipped["encoder"] | {"seed": 99},
        "dense": {"points": [0, 99]},
    }
    task, (first, second, *_) = shipped["tasks"][0], shipped["seeds"]
    assert {
        f"dvc.lock: stages have fine-tune@{task}-{first} for nothing",
        f"dvc.lock: stages lack fine-tune@{task}-99",
        f"fine-tune@{task}-{second}: another command is locked",
        "check: other params are locked",
        "encoder: other params are locked",
    } <= set(wrong_lock(read(ROOT / "dvc.lock")["stages"], resolve(pipeline(), changed), changed))


# --- what no file says -----------------------------------------------------------------------

REGISTRIES_AND_MACHINES = re.compile(
    "|".join(
        (
            r"pypi\.(?:org|python)",
            "files.python" + "hosted",
            "index" + "[-_]url",
            r"(?<![\w.$}/])/(?:wo" + "rk|ro" + r"ot)/",
            "/opt/wh" + "eels",
        )
    ),
    re.IGNORECASE,
)


def files_of_the_project() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_machines_path() -> None:
    found = {}
    for name in files_of_the_project():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        if match := REGISTRIES_AND_MACHINES.search(text):
            found[name] = match[0]
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org/packages",
        "--index" + "-url x",
        "see '/wo" + "rk/shared'",
        "cd /ro" + "ot/project",
    ],
)
def test_such_a_name_is_found(text: str) -> None:
    assert REGISTRIES_AND_MACHINES.search(text)


def test_uv_lock_is_ignored() -> None:
    assert "uv.lock" not in files_of_the_project()
    ignored = subprocess.run(["git", "check-ignore", "-q", "uv.lock"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
