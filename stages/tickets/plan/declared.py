"""The manifest of a study, read from the `meta` of its stages.

Coordinates that all entries of a stage share stand next to its lists:

    meta:
      task: ${item.task}
      seed: ${item.seed}
      runs:
        - {kind: control, source: "{each}", each: controls.more.kinds, folder: "results/.../{each}"}
      weights:
        - {folder: "results/weights/${item.task}"}

`runs` are scored; from other lists, such as weights and masks, the manifest only takes the folders. An
entry with `each`, a list or the key of a list in params.yaml, stands for one entry per item, which takes
the place of `{each}`. A run whose folder is `ticket` is the training of the ticket of its task, seed and
round, and so is a run with `own: [a, b]` if a equals b. A run whose round is in `but` is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stages.tickets import settings
from stages.tickets.plan.manifest import Maker, Manifest, Run
from stages.tickets.plan.stages import ROOT_FILE, Pipeline, Stage, repeated_over, value
from stages.tickets.settings import ParamsError

Study = Mapping[str, Any]
"""Content of params.yaml."""
DENSE, TICKET = "dense", "imp"
"""Kinds of the runs that train the dense model and the tickets of iterative magnitude pruning."""
NUMBERS = ("seed", "round", "point")
NEEDED = ("task", "kind", "seed", "round", "folder")
OTHERS = ("point", "source", "sparsity", "size", "own", "but")
"""Keys of a run that it has to have, and those that it may have."""


def manifest_of(stages: Sequence[Stage], pipeline: Pipeline, study: Study) -> Manifest:
    """Make the manifest of a study from the `meta` of all its stages.

    Raises:
        ParamsError: a run lacks a key, has an unknown key, or is declared as the training of a ticket
            that no stage trains; two dvc.yaml files have a stage of the same name; or two scripts list
            places of one name whose coordinates do not tell them apart.
    """
    declared = [(stage, run) for stage in stages for run in entries(stage.meta, "runs", study)]
    for stage, run in declared:
        _check(stage, run)
    declared.sort(key=lambda pair: _row(pair[0], pair[1], study))
    lists = {
        name for stage in stages for name, item in stage.meta.items() if isinstance(item, list)
    }
    places = {name: _places(stages, name, study) for name in sorted(lists - {"runs"})}
    makers: dict[str, Maker] = {}
    for file, content in pipeline.items():
        for name, definition in content["stages"].items():
            if name in makers:
                raise ParamsError(
                    f"{file} has the stage {name!r}, as {makers[name].address} is called"
                )
            makers[name] = _maker(file, name, definition, study)
    return Manifest(tuple(_runs([run for _, run in declared], study)), places, makers)


def _places(stages: Sequence[Stage], name: str, study: Study) -> list[dict[str, Any]]:
    """List the entries of a name other than `runs`; raise ParamsError if those of two scripts clash."""
    listed = [(stage, entry) for stage in stages for entry in entries(stage.meta, name, study)]
    several = listed if len({stage.script for stage, _ in listed}) > 1 else []
    for stage, entry in several:
        coordinates = {key: item for key, item in entry.items() if key != "folder"}
        for other, its in several:
            if stage.script != other.script and coordinates.items() <= its.items():
                raise ParamsError(
                    f"{stage.address} and {other.address} both have a list {name!r} in their meta, and "
                    f"{coordinates} stands in both, allowed is a name of its own"
                )
    return [entry for _, entry in listed]


def _check(stage: Stage, run: Mapping[str, Any]) -> None:
    """Raise ParamsError if a run lacks a key or has an unknown one."""
    for key in NEEDED:
        if key not in run:
            raise ParamsError(f"{stage.address}: a run of its meta lacks the key {key!r}")
    for key in run:
        if key not in (*NEEDED, *OTHERS):
            raise ParamsError(
                f"{stage.address}: a run of its meta has the unknown key {key!r}, allowed are "
                + ", ".join((*NEEDED, *OTHERS))
            )


def entries(meta: Mapping[str, Any], name: str, study: Study) -> Iterator[dict[str, Any]]:
    """List the entries of a list in a stage's `meta`, one per item of `each`, with all coordinates."""
    shared = {key: item for key, item in meta.items() if not isinstance(item, list)}
    for entry in meta.get(name, ()):
        template = shared | entry
        for item in _listed(template.pop("each", [None]), study):
            filled = {
                key: text.format(each=item) if isinstance(text, str) else text
                for key, text in template.items()
            }
            yield filled | {key: int(filled[key]) for key in NUMBERS if key in filled}


def _listed(items: Any, study: Study) -> Sequence[Any]:  # noqa: ANN401
    """Return a list as it is, or the list of params.yaml whose key is given."""
    listed: Any = value(study, items) if isinstance(items, str) else items
    return tuple(listed)


def _row(stage: Stage, run: Mapping[str, Any], study: Study) -> tuple[int, ...]:
    """Return the sort key of a run for scores.csv.

    Runs come in the order of the settings that their stages are repeated over first. Runs of stages that
    are repeated over all tasks are grouped by task and by seed, with tickets before random masks.
    """
    sections = list(settings.Study.model_fields)
    section = stage.lists[0].split(".")[0] if stage.lists else sections[-1]
    place = sections.index(section)
    if section != "tasks":
        return (place,)
    return (
        place,
        study["tasks"].index(run["task"]),
        study["seeds"].index(run["seed"]),
        run["kind"] not in (DENSE, TICKET),
        run["round"],
    )


def _runs(declared: Sequence[Mapping[str, Any]], study: Study) -> list[Run]:
    """Make the runs of entries, without repetitions."""
    counted = [
        run
        for run in declared
        if all(
            run["round"] not in (_listed(item, study) if isinstance(item, str) else [item])
            for item in run.get("but", ())
        )
    ]
    tickets = {_coordinates(run): run["folder"] for run in counted if run["kind"] == TICKET}
    sparsities = {after["to"]: after["sparsity"] for after in study["rounds"]}
    return list(dict.fromkeys(_run(run, tickets, sparsities) for run in counted))


def _run(
    run: Mapping[str, Any],
    tickets: Mapping[tuple[object, object, object], str],
    sparsities: Mapping[int, float],
) -> Run:
    kind, source, folder = run["kind"], run.get("source"), run["folder"]
    if folder == "ticket" or ("own" in run and len(set(run["own"])) == 1):
        task, seed, number = place = _coordinates(run)
        if place not in tickets:
            raise ParamsError(
                f"a run of kind {kind!r} is declared as the training of the ticket of {task}, seed "
                f"{seed}, round {number}, which no stage trains"
            )
        folder = tickets[place]
    if kind == "control" and source == "random":  # the random mask has a kind of its own
        kind, source = "random", None
    return Run(
        folder,
        run["task"],
        kind,
        run["seed"],
        run["round"],
        run.get("point"),
        None if source is None else str(source),
        None if "size" in run else run.get("sparsity", sparsities.get(run["round"], 0.0)),
        run.get("size"),
    )


def _coordinates(run: Mapping[str, Any]) -> tuple[object, object, object]:
    return run["task"], run["seed"], run["round"]


def _maker(file: str, name: str, definition: Mapping[str, Any], study: Study) -> Maker:
    """Describe a stage of dvc.yaml, with the empty lists that prevent it or some of its runs."""
    repeated = [key for key in repeated_over(definition) if not value(study, key)]
    kinds: dict[str, list[str]] = {}
    for run in definition.get("do", definition).get("meta", {}).get("runs", ()):
        each = run.get("each", [None])
        listed = [each] if isinstance(each, str) and not value(study, each) else []
        for item in [None] if isinstance(each, str) else each:
            kind, reasons = run["kind"].format(each=item), [*repeated, *listed]
            before = kinds.get(kind, reasons)
            kinds[kind] = list(dict.fromkeys([*before, *reasons])) if before and reasons else []
    return Maker(name if file == ROOT_FILE else f"{file}:{name}", kinds, repeated)
