"""Every dvc.yaml says what the scripts do, and the stages of a study fit together. Nothing runs."""

import ast
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import pytest
import typer

from stages.launch import hashes
from stages.tickets import settings
from stages.tickets.plan import stages as plan
from stages.tickets.plan.declared import manifest_of
from stages.tickets.plan.manifest import Manifest
from tests.imports import ROOT
from tests.pipeline import (
    CODE,
    STUDIES,
    Stage,
    lies_in,
    pipeline,
    read,
    resolve,
    shown,
    shown_columns,
)  # fmt: skip

MADE = ("results/", "reports/")
MANIFEST = "results/manifest.json"
LAST = ("score", "report")
"""Stages that all others lead to, and whose outs git keeps."""
PER_TASK = ("override", "data", "own")
"""Sections with an entry per task, of which a stage tracks its own."""
NOT_READ = {
    "prepare": "own", "prepare-own": "data", "retrain": "retrain_super", "retrain-super": "retrain",
}  # fmt: skip
"""Pairs of stages of one script: what each does is described in one of the two sections."""
NOISE = [
    "learned_masks.start",
    *(f"learned_masks.noise.{key}" for key in ("shares", "points", "sample")),
]
PARTS = {
    "multi-task": {"transfer": ["transfer.round"], "multitask": ["multitask.tasks"]},
    "barriers": {"connectivity": ["connectivity.threshold"]},
    "stored-barriers": {"connectivity": ["connectivity.threshold"]},
    "file-barriers": {"connectivity": ["connectivity.threshold"]},
    "distil": {"distil": ["distil.set"]},
    "distil-rounds": {"distil": ["distil.masks"]},
    "real-short": {"distil": ["distil.masks"]},
    "ticket": {"random": ["random.rounds"]},
    "learn-mask": {
        "learned_masks": [f"learned_masks.{key}" for key in ("rounds", "start", "rule")]
    },
    "choose-channels": {
        "greedy": [f"greedy.{key}" for key in ("sparsities", "orders", "examples")]
    },
    "prune-channels": {"greedy": ["greedy.sparsities", "greedy.keep_weights"]},
    "channels-within": {"greedy": ["greedy.sparsities", "greedy.keep_weights"]},
    "noisy-dense": {"learned_masks": NOISE},
    "noisy-masks": {"learned_masks": NOISE},
    "quantize": {"quantized": ["quantized.rule"]},
    "prune-and-quantize": {"quantized": ["quantized.rule", "quantized.pruned.orders"]},
    "lend-mask": {"learned_masks": ["learned_masks.start", "learned_masks.lend.starts"]},
    "ternary": {"ternary": ["ternary.sparsities", "ternary.rule"]},
    "rewind": {"rewind": ["rewind.points", "rewind.source"]},
    "retrain": {"retrain": ["retrain.structured", "retrain.magnitude", "retrain.scratch"]},
    "retrain-super": {"retrain_super": ["retrain_super.subnetworks"]},
}
"""Of these sections a stage tracks a part, beside which there are lists that stages are repeated over."""
ALWAYS = {
    "encoder", "baselines", "reference-masks", "stability", "survival", "pattern-network",
}  # fmt: skip
"""Stages of experiments that every study has; all others are repeated over a list, which may be empty."""
OF_STUDIES = {path.stem: read(path) for path in STUDIES}
MINIATURE = OF_STUDIES["params"]
DEPARTED = MINIATURE | {
    "imp": MINIATURE["imp"] | {"classifier": "carried"},
    "earlier": {"rounds": [1]},
}
"""All tickets are trained apart from the rounds."""
OF_STUDIES["departed"] = DEPARTED
OF_STUDIES["connected"] = MINIATURE | {
    "connectivity": MINIATURE["connectivity"]
    | {
        "tasks": ["sentiment"],
        "seeds": [1, 2],
        "starts": [
            {"net": "dense", "round": 0, "point": 0, "arm": "order", "steps": "rest"},
            {"net": "dense", "round": 0, "point": 0, "arm": "head", "steps": "rest"},
            {"net": "random", "round": 1, "point": 20, "arm": "order", "steps": "rest"},
            {"net": "random", "round": 1, "point": 20, "arm": "order", "steps": "all"},
        ],
    },
    "between": {
        "tasks": ["sentiment"],
        "of": {"seeds": [1, 2], "pairs": ["seeds"], "meet": ["union", "intersection"]},
        "files": [{"name": "own", "task": "sentiment", "first": "~/a b", "second": "$X/b"}],
    },
}
OF_STUDIES["distilled"] = MINIATURE | {
    "distil": MINIATURE["distil"]
    | {"tasks": ["sentiment"], "seeds": [2, 3], "methods": ["regression", "noise"]}
    | {"masks": {"steps": 60, "rounds": [1, 2]}}
    | {"copies": {"methods": ["noise", "real-short"], "rounds": [2], "arms": ["order", "head"]}},
    "connectivity": MINIATURE["connectivity"]
    | {
        "tasks": ["sentiment"],
        "seeds": [1, 2],
        "starts": [
            {"net": net, "round": 2, "point": 0, "arm": arm, "steps": "rest"}
            for net in ("ticket", "random")
            for arm in ("order", "head")
        ],
    },
}
"""Masks are found on sets, in no shipped study."""
OF_STUDIES["landscapes"] = MINIATURE | {
    "imp": MINIATURE["imp"] | {"keep_weights": [1]},
    **{
        key: MINIATURE[key] | {"tasks": ["acceptability"], "seeds": [1, 2], "rounds": [0, 1]}
        for key in ("landscapes", "curvature")
    },
    "planes": MINIATURE["planes"]
    | {"tasks": ["acceptability"], "seeds": [1], "others": [2, 3], "rounds": [0]},
}
"""The loss around networks whose weights are stored, which no study in studies/ asks for."""
OF_STUDIES["sizes"] = MINIATURE | {
    "sizes": MINIATURE["sizes"]
    | {"tasks": ["sentiment"], "seeds": [1, 2], "lower": {"precisions": ["int8"]}},
}
Check = Callable[[Sequence[Stage]], list[str]]


# --- what has to hold; each returns what is wrong --------------------------------------------


def wrong_code(stages: Iterable[Stage]) -> list[str]:
    """A stage depends on the code of its script, `code` on all sources, `check` on those it imports."""
    folder = "stages/tickets/settings"
    of_check = {
        folder if (path := file.relative_to(ROOT).as_posix()).startswith(folder) else path
        for file in hashes.imported_files(ROOT / "stages" / "check.py", ROOT)
    }
    sources = {"code": {"stages"}, "check": {*of_check, folder}}
    return [
        problem
        for stage in stages
        for problem in _differences(
            f"{stage.name}: deps",
            {dep for dep in stage.deps if dep.startswith("stages") or lies_in(dep, CODE)},
            sources.get(stage.script, {f"{CODE}/{stage.script}.json"}),
        )
    ]


def wrong_params(stages: Iterable[Stage]) -> list[str]:
    """A stage tracks the fields of the script's `Params`, of those with an entry per task its own."""
    problems = []
    for stage in stages:
        task = stage.option("target") or stage.option("task")
        read_by_script = fields_of_params(stage.script) - {NOT_READ.get(stage.group, "")}
        parts = PARTS.get(stage.group, {})
        expected = {
            key
            for name in read_by_script
            for key in (
                [f"{name}.{task}"] if task and name in PER_TASK else parts.get(name, [name])
            )
        }
        problems += _differences(f"{stage.name}: params", set(stage.params), expected)
    return problems


@cache
def fields_of_params(module: str) -> frozenset[str]:
    """The fields of a script's dataclass `Params`, or the whole file if the script loads that."""
    source = (ROOT / "stages" / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == "Params":
            targets = [field.target for field in node.body if isinstance(field, ast.AnnAssign)]
            return frozenset(target.id for target in targets if isinstance(target, ast.Name))
    return frozenset({plan.PARAMS} if "cli.content()" in source else {})


def wrong_paths(stages: Iterable[Stage]) -> list[str]:
    """Paths on the command are deps or outs, lie in one or hold one; and all of them are there.

    Whoever reads the manifest finds the paths of its other deps in it.
    """
    problems = []
    for stage in stages:
        files = [*stage.inputs, *stage.outs]
        named = [word for word in stage.arguments if f"{word}/".startswith(MADE)]
        problems += [
            f"{stage.name}: the command has {path}, which is neither a dep nor an out"
            for path in named
            if not any(lies_in(path, file) or lies_in(file, path) for file in files)
        ]
        missing = [
            file
            for file in files
            if file.startswith(MADE) and not any(lies_in(file, path) for path in named)
        ]
        if MANIFEST not in stage.inputs:
            problems += [f"{stage.name}: {file} is not on the command" for file in missing]
    return problems


def wrong_options(stages: Iterable[Stage]) -> list[str]:
    """A command has all options that its script asks for, and no others."""
    problems = []
    for stage in stages:
        try:
            parser(stage.script).make_context(stage.script, [*stage.arguments])
        except Exception as error:  # noqa: BLE001  whatever the parser does not like
            problems.append(f"{stage.name}: {error}")
    return problems


@cache
def parser(script: str) -> Any:
    """The command line of a script, of the kind that Typer makes."""
    app = typer.Typer()
    app.command()(import_module(f"stages.{script}").main)
    return typer.main.get_command(app)


def wrong_outs(stages: Sequence[Stage]) -> list[str]:
    """Outs do not overlap, and what a stage depends on is made by another."""
    outs = sorted((f"{out}/", stage.name) for stage in stages for out in stage.outs)
    problems = [
        f"{second}: {inner} lies in {outer} of {first}"
        for (outer, first), (inner, second) in pairwise(outs)
        if inner.startswith(outer)
    ]
    made = {out.rstrip("/") for out, _ in outs}
    around = {folder for out in made for folder in plan.folders(out)}
    problems += [
        f"{stage.name}: no stage makes {dep}"
        for stage in stages
        for dep in stage.deps
        if dep.startswith(MADE) and dep not in around and made.isdisjoint({dep, *plan.folders(dep)})
    ]
    return problems


def wrong_caching(stages: Iterable[Stage]) -> list[str]:
    """What DVC does not cache it cannot share: only reports, which git keeps."""
    return [
        f"{stage.name}: {path} is {'not cached' if path in stage.uncached else 'cached'}"
        for stage in stages
        for path in stage.outs
        if (path in stage.uncached) != path.startswith("reports/")
    ]


def wrong_rounds(stages: Iterable[Stage]) -> list[str]:
    """Each round takes the mask that the round before it made, round 1 that of the dense run."""
    problems = []
    last: dict[tuple[str | None, str | None], tuple[int, float, str | None]] = {}
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


def wrong_ends(stages: Sequence[Stage]) -> list[str]:
    """`dvc repro` in the project's folder runs what the last stages of its dvc.yaml lead back to."""
    makers: dict[str, set[str]] = {stage.name: set() for stage in stages}
    for maker, reader in plan.edges(stages):
        makers[reader.name].add(maker.name)
    waiting, reached = list(LAST), set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += makers[name]
    return [
        f"{stage.name} leads to none of {LAST}" for stage in stages if stage.name not in reached
    ]


def wrong_places(files: dict[str, Any]) -> list[str]:
    """Experiments read params.yaml of the project and run in its folder."""
    problems = []
    for path, content in files.items():
        if path != plan.ROOT_FILE and content.get("vars") != ["../../params.yaml"]:
            problems.append(f"{path} has other vars than the project's params.yaml")
        for name, entry in content["stages"].items():
            body = entry.get("do", entry)
            if body.get("wdir", "") != ("" if path == plan.ROOT_FILE else "../.."):
                problems.append(f"{name} runs in another folder than the project's")
            if not body.get("desc"):
                problems.append(f"{name} does not say what it does")
    return problems


def wrong_matrices(files: dict[str, Any]) -> list[str]:
    """A stage that tracked the list it is repeated over would rerun whenever the list grows."""
    return [
        f"{name}: tracks {tracked}, and is repeated over {repeated}"
        for content in files.values()
        for name, entry in content["stages"].items()
        for repeated in plan.repeated_over(entry)
        for tracked in entry.get("do", entry).get("params", [])
        if isinstance(tracked, str) and f"{repeated}.".startswith(f"{tracked}.")
    ]


def wrong_shown(stages: Iterable[Stage], study: dict[str, Any], files: dict[str, Any]) -> list[str]:
    """What `dvc plots` and `dvc metrics` show is made by a stage, and not cached, so git has it."""
    kept = [out for stage in stages for out in stage.uncached]
    paths = [path for path, _ in shown_columns(study, files)] + shown(study, files)[1]
    return [path for path in paths if not any(lies_in(path, out) for out in kept)]


def wrong_runs(stages: Sequence[Stage], known: Manifest) -> list[str]:
    """No run comes twice, and its predictions lie in what a stage makes and `score` reads."""
    outs = {out for stage in stages for out in stage.outs}
    inputs = {dep for stage in stages if stage.group == "score" for dep in stage.inputs}
    problems, seen = [], set()
    for run in known.runs:
        around = {run.folder, *plan.folders(run.folder)}
        if not (around & outs and around & inputs):
            problems.append(f"{run.folder} is not made for the scores")
        coordinates = (run.task, run.kind, run.seed, run.round, run.point, run.source)
        if coordinates in seen:
            problems.append(f"{coordinates} come twice")
        seen.add(coordinates)
    return problems


def _differences(where: str, listed: AbstractSet[str], expected: AbstractSet[str]) -> list[str]:
    return [
        *(f"{where} lack {name}" for name in sorted(expected - listed)),
        *(f"{where} have {name} for nothing" for name in sorted(listed - expected)),
    ]


# --- dvc.yaml as it is -----------------------------------------------------------------------

CHECKS: tuple[Check, ...] = (
    wrong_code, wrong_params, wrong_paths, wrong_options, wrong_outs, wrong_caching, wrong_rounds,
    wrong_ends,
)  # fmt: skip


@pytest.mark.parametrize("name", OF_STUDIES)
def test_stages_of_every_study_do_what_the_scripts_do_and_fit_together(name: str) -> None:
    study, files = OF_STUDIES[name], pipeline()
    stages = resolve(study)
    assert [problem for wrong in CHECKS for problem in wrong(stages)] == []
    assert wrong_shown(stages, study, files) == []
    assert wrong_runs(stages, manifest_of(stages, files, study)) == []


def test_every_stage_is_one_of_some_study() -> None:
    entries = [item for content in pipeline().values() for item in content["stages"].items()]
    assert [
        name
        for name, entry in entries
        if not any(
            all(plan.value(study, key) for key in plan.repeated_over(entry))
            for study in OF_STUDIES.values()
        )
    ] == []


def test_an_experiment_that_is_off_has_no_stage() -> None:
    alone = {
        name
        for file, content in pipeline().items()
        for name, entry in content["stages"].items()
        if file != plan.ROOT_FILE and not plan.repeated_over(entry)
    }
    assert alone == ALWAYS


def test_no_stage_tracks_the_list_it_is_repeated_over() -> None:
    assert wrong_matrices(pipeline()) == []


def test_experiments_run_in_the_projects_folder_and_say_what_they_do() -> None:
    assert wrong_places(pipeline()) == []


def test_a_task_of_the_users_depends_on_its_files() -> None:
    study = OF_STUDIES["minilm-reviews"]
    (stage,) = (stage for stage in resolve(study) if stage.group == "prepare-own")
    (task,) = study["own"].values()
    assert {task["train"], task["validation"]} <= set(stage.deps)


def test_every_field_of_a_scripts_params_is_a_section() -> None:
    fields = {name for stage in resolve(MINIATURE) for name in fields_of_params(stage.script)}
    assert fields <= {plan.PARAMS, *settings.Study.model_fields}


# --- the checks can fail ---------------------------------------------------------------------


def changed(name: str, key: str, old: str, new: Any) -> dict[str, Any]:
    """Every dvc.yaml, with other text or another entry in one part of one stage, or without it."""
    files = pipeline()
    entry = next(content["stages"][name] for content in files.values() if name in content["stages"])
    body = entry.get("do", entry)
    assert old in body[key]
    if isinstance(body[key], str):
        body[key] = body[key].replace(old, new)
    else:
        index = body[key].index(old)
        body[key][index : index + 1] = [new] if new else []
    return files


REWIND = "rewind@acceptability-1"
SCRATCH = "scratch/${item.task}/seed-${item.seed}"
UNCACHED = {"results/stability": {"cache": False}}


@pytest.mark.parametrize(
    ("wrong", "change", "problem"),
    [
        (
            wrong_code,
            ("prune-round", "deps", f"{CODE}/prune_round.json", ""),
            "prune-round@acceptability-1-after0: deps lack results/code/prune_round.json",
        ),
        (
            wrong_code,
            ("check", "deps", "stages/tickets/plan/declared.py", "stages/tickets/tasks/hans.py"),
            "check: deps have stages/tickets/tasks/hans.py for nothing",
        ),
        (wrong_params, ("score", "params", "rounds", ""), "score: params lack rounds"),
        (
            wrong_params,
            ("multi-task", "params", "multitask.tasks", "multitask"),
            "multi-task@1: params lack multitask.tasks",
        ),
        (
            wrong_params,
            ("prepare", "params", "override.${key}", "override"),
            "prepare@acceptability: params lack override.acceptability",
        ),
        (
            wrong_paths,
            ("rewind", "deps", "results/encoder", ""),
            f"{REWIND}: the command has results/encoder, which is neither a dep nor an out",
        ),
        (
            wrong_paths,
            ("stability", "cmd", "--rounds results/rounds", ""),
            "stability: results/rounds is not on the command",
        ),
        (
            wrong_options,
            ("stability", "cmd", "--rounds results/rounds", ""),
            "stability: Missing parameter: rounds",
        ),
        (
            wrong_options,
            ("rewind", "cmd", "--seed ${item.seed}", "--seed ${item.seed}.5"),
            f"{REWIND}: Input should be a valid integer",
        ),
        (
            wrong_outs,
            ("stability", "outs", "results/stability", "results/survival/stability"),
            "stability: results/survival/stability/ lies in results/survival/ of survival",
        ),
        (
            wrong_outs,
            ("stability", "deps", "results/rounds", "results/masks"),
            "stability: no stage makes results/masks",
        ),
        (
            wrong_caching,
            ("stability", "outs", "results/stability", UNCACHED),
            "stability: results/stability is not cached",
        ),
        (
            wrong_rounds,
            ("prune-round", "cmd", "--round ${item.after.from}", "--round ${item.after.to}"),
            "prune-round@acceptability-1-after0: takes",
        ),
        (
            wrong_rounds,
            ("rewind", "cmd", "round-${last_round}", "round-0"),
            f"{REWIND}: takes results/rounds/acceptability/seed-1/round-0/mask.safetensors",
        ),
        (
            wrong_ends,
            ("scratch", "outs", f"results/runs/{SCRATCH}", f"results/{SCRATCH}"),
            "scratch@acceptability-1 leads to none of",
        ),
    ],
)
def test_a_wrong_dvc_yaml_is_reported(
    wrong: Check, change: tuple[str, str, str, Any], problem: str
) -> None:
    problems = wrong(resolve(MINIATURE, changed(*change)))
    assert any(text.startswith(problem) for text in problems)


def test_a_tracked_list_is_reported() -> None:
    files = changed("prepare", "params", "data.${key}", "data")
    files["pipeline/rewinding/dvc.yaml"]["stages"]["rewind"]["params"] = ["rewind"]
    assert wrong_matrices(files) == [
        "prepare: tracks data, and is repeated over data",
        "rewind: tracks rewind, and is repeated over rewind.tasks",
        "rewind: tracks rewind, and is repeated over rewind.seeds",
    ]  # fmt: skip


def test_another_folder_other_vars_and_a_missing_word_are_reported() -> None:
    files = pipeline()
    seeds = files["pipeline/seeds/dvc.yaml"]
    seeds["vars"] = ["params.yaml"]
    del seeds["stages"]["cross"]["wdir"], seeds["stages"]["cross"]["desc"]
    assert wrong_places(files) == [
        "pipeline/seeds/dvc.yaml has other vars than the project's params.yaml",
        "cross runs in another folder than the project's",
        "cross does not say what it does",
    ]


def test_what_is_shown_and_made_by_none_is_reported() -> None:
    files = pipeline()
    files[plan.ROOT_FILE]["metrics"] = ["reports/${study}/numbers.json"]
    assert wrong_shown(resolve(MINIATURE), MINIATURE, files) == ["reports/miniature/numbers.json"]


def test_runs_that_come_twice_or_that_none_makes_are_reported() -> None:
    files = pipeline()
    meta = files["pipeline/seeds/dvc.yaml"]["stages"]["cross"]["meta"]
    meta["source"] = meta["runs"][0].pop("source")
    meta["runs"][0]["folder"] = "results/stability"
    meta["runs"].append({"kind": "cross", "folder": "results/runs/cross/${item.task}"})
    stages = resolve(MINIATURE, files)
    problems = wrong_runs(stages, manifest_of(stages, files, MINIATURE))
    assert "results/stability is not made for the scores" in problems
    assert "('acceptability', 'cross', 1, 2, None, '2') come twice" in problems


def test_two_stages_of_one_name_are_refused() -> None:
    files = pipeline()
    files["pipeline/other/dvc.yaml"] = files["pipeline/seeds/dvc.yaml"]
    with pytest.raises(
        settings.ParamsError, match=r"other/dvc.yaml and .* both have a stage 'cross"
    ):
        resolve(MINIATURE, files)
