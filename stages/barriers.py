"""Measure error and loss along all lines that were walked: curves, barriers, and what the ends share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stages.launch import cli
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


def walks(study: Manifest) -> Iterator[Walk]:
    """Read all walks: of copies, between stored networks, and between checkpoints of the user's own."""
    for entry in study.places.get("paths", ()):
        place = {key: entry[key] for key in paths.PLACE}
        yield _walk(Path(entry["folder"]), place, str(entry["seed"]))
    for entry in study.places.get("stored", ()):
        for file in sorted(Path(entry["folder"]).glob("*/geometry.json")):
            record = files.load_record(file)
            pair = [record[end] for end in ("first", "second")]
            rounds = [network["round"] for network in pair]
            net = f"rounds {rounds[0]} and {rounds[1]}" if rounds[1] else "dense"
            seeds = " ".join(str(seed) for seed in dict.fromkeys(end["seed"] for end in pair))
            place = {
                "task": entry["task"], "net": net, "round": rounds[1], "point": None,
                "arm": paths.MEETING[record["meet"]], "steps": "",
            }  # fmt: skip
            yield _walk(file.parent, place, seeds)
    for entry in study.places.get("own_pairs", ()):
        place = dict.fromkeys(paths.PLACE) | {
            "task": entry["task"],
            "net": entry["name"],
            "round": 0,
        }
        yield _walk(Path(entry["folder"]), place | {"arm": "files", "steps": ""}, "")


def _walk(folder: Path, place: dict[str, object], seeds: str) -> Walk:
    arrays = files.load_arrays(folder / "path.safetensors")
    return Walk(place, seeds, arrays, files.load_record(folder / "geometry.json"))


def main(
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Read what `check` wrote.")],
    out: Annotated[Path, typer.Option()],
) -> None:
    config, study = cli.read(Params), manifest.load(manifest_file)
    walked = list(walks(study))
    prepared = {
        task: tasks.load_prepared(study.place("prepared", task=task))
        for task in dict.fromkeys(walk.place["task"] for walk in walked)
    }
    asked = {
        task: squad.load_asked(study.place("prepared", task=task), "validation")
        for task, of_task in prepared.items()
        if of_task.task.kind == "span"
    }
    threshold, confidence = config.connectivity.threshold, config.tickets.confidence
    rows = paths.tables(walked, prepared, asked, threshold, confidence)
    for name, columns in paths.COLUMNS.items():
        files.save_table(rows[name], columns, out / f"{name}.csv")


if __name__ == "__main__":
    cli.run(main)
