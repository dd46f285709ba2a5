"""Measure error and loss along all lines that were walked; write curves, barriers and what ends share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli, options
from stages.tickets import files, settings
from stages.tickets.plan import manifest
from stages.tickets.plan.manifest import Manifest
from stages.tickets.statistics import paths
from stages.tickets.statistics.paths import Walk
from stages.tickets.tasks import squad
from stages.tickets.tasks import task as tasks


@dataclass(frozen=True)
class Params:
    tickets: settings.Tickets
    connectivity: settings.Connectivity


def walks(study: Manifest, task: str, kind: str, pair_name: str = "") -> Iterator[Walk]:
    """Read the walks of a task: `paths` are between copies, `stored` between stored networks, in folders
    named by seed and round, and `own_pairs` between two checkpoints of the user's own with `pair_name`.
    """
    for entry in study.places.get(kind, ()):
        if entry["task"] != task:
            continue
        if kind == "paths":
            place = {key: entry[key] for key in paths.PLACE}
            yield _walk(Path(entry["folder"]), place, str(entry["seed"]))
            continue
        if kind == "own_pairs":
            place = dict.fromkeys(paths.PLACE) | {"task": task, "net": entry["name"], "round": 0}
            if entry["name"] == pair_name:
                yield _walk(Path(entry["folder"]), place | {"arm": "files", "steps": ""}, "")
            continue
        for folder in sorted(Path(entry["folder"]).iterdir()):
            record = files.load_record(folder / "geometry.json")
            pair = [record[end] for end in ("first", "second")]
            rounds = [network["round"] for network in pair]
            net = f"rounds {rounds[0]} and {rounds[1]}" if rounds[1] else "dense"
            seeds = " ".join(str(seed) for seed in dict.fromkeys(end["seed"] for end in pair))
            place = {
                "task": entry["task"], "net": net, "round": rounds[1], "point": None,
                "arm": paths.MEETING[record["meet"]], "steps": "",
            }  # fmt: skip
            yield _walk(folder, place, seeds)


def _walk(folder: Path, place: dict[str, object], seeds: str) -> Walk:
    arrays = files.load_arrays(folder / "path.safetensors")
    return Walk(place, seeds, arrays, files.load_record(folder / "geometry.json"))


def main(
    task: options.Task,
    kind: Annotated[str, typer.Option("--walks", help="Take walks of paths or stored networks.")],
    manifest_file: options.Manifest,
    out: options.Out,
    pair_name: Annotated[str, typer.Option("--pair", help="Take the own pair of this name.")] = "",
) -> None:
    config, study = cli.read(Params), manifest.load(manifest_file)
    folder = study.place("prepared", task=task)
    of_task, walked = tasks.load_prepared(folder), list(walks(study, task, kind, pair_name))
    is_span = of_task.task.kind == "span"
    asked = {task: squad.load_asked(folder, "validation")} if is_span else {}
    limits = config.connectivity.threshold, config.tickets.confidence
    rows = paths.tables(walked, {task: of_task}, asked, *limits)
    for name, columns in paths.COLUMNS.items():
        files.save_table(rows[name], columns, out / f"{name}.csv")


if __name__ == "__main__":
    cli.run(main)
