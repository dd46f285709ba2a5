"""The stage: from the files of other stages to the files of a report, the same bytes every time."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from stages import plot
from stages.tickets.report import chen_rows, pattern_rows
from stages.tickets.report import rows as rows_of
from tests.made_up import config, study

ROOT = Path(__file__).parents[1]
OPTIONS = {
    "scores": "scores.csv",
    "subnetworks": "subnetworks.csv",
    "tasks": "tasks.csv",
    "hans": "hans.csv",
    "stability": "stability",
    "survival": "survival",
    "patterns": "patterns",
    "encoder": "encoder",
    "published": "published",
    "tables": "out/tables",
    "figures": "out/figures",
    "page": "out/index.html",
    "readme": "out/README.md",
}


def save(rows: Sequence[Any], kind: type, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and what the other stages wrote."""
    made = study(config(2, 2, 2))
    content = made.config.model_dump(mode="json", by_alias=True)
    for task in content["override"]:
        content["override"][task] = {}
    (tmp_path / "params.yaml").write_text(json.dumps(content))  # JSON is YAML
    save(made.scores, rows_of.ScoreRow, tmp_path / "scores.csv")
    save(made.agreement, rows_of.Agreement, tmp_path / "stability" / "agreement.csv")
    save(made.layers, rows_of.Kept, tmp_path / "stability" / "layers.csv")
    save(made.beyond, rows_of.Agreement, tmp_path / "stability" / "beyond.csv")
    save(made.movement, rows_of.Movement, tmp_path / "stability" / "movement.csv")
    save(made.tasks, rows_of.TaskSize, tmp_path / "tasks.csv")
    save(made.sizes, rows_of.Size, tmp_path / "subnetworks.csv")
    save(made.hans, rows_of.HansScore, tmp_path / "hans.csv")
    save(made.searched, rows_of.Searched, tmp_path / "survival" / "searched.csv")
    save(made.structures, rows_of.StructureAgreement, tmp_path / "survival" / "agreement.csv")
    save(made.places, rows_of.Place, tmp_path / "survival" / "places.csv")
    save(made.overlaps, rows_of.Overlap, tmp_path / "survival" / "overlaps.csv")
    save(made.importance, rows_of.Importance, tmp_path / "survival" / "importance.csv")
    save(made.weights, rows_of.WeightsOfLayer, tmp_path / "survival" / "layers.csv")
    published = tmp_path / "published"
    save(made.published, rows_of.Published, published / "prasanna2020.csv")
    structure = published / "prasanna2020_structure.csv"
    save(made.published_structure, rows_of.PublishedStructure, structure)
    save(made.published_places, rows_of.Place, published / "prasanna2020_places.csv")
    save(made.published_overlaps, rows_of.Overlap, published / "prasanna2020_overlaps.csv")
    save(made.chen.tickets, chen_rows.PublishedTicket, published / "chen2020_table2.csv")
    save(made.chen.transfers, chen_rows.PublishedTransfer, published / "chen2020_figure2.csv")
    save(made.chen.dark, chen_rows.PublishedDark, published / "chen2020_dark.csv")
    save(made.chen.strict, chen_rows.PublishedStrict, published / "chen2020_strict.csv")
    found, folder = made.patterns, tmp_path / "patterns"
    save(found.confusion, pattern_rows.Confusion, folder / "networks" / "confusion.csv")
    for task in made.config.patterns.tasks:
        for name, kind, rows in (
            ("shares", pattern_rows.PatternShare, found.shares),
            ("heads", pattern_rows.HeadPatterns, found.heads),
            ("agreement", pattern_rows.NetworkAgreement, found.agreement),
        ):
            save(
                [row for row in rows if row.task == task],
                kind,
                folder / "tasks" / task / f"{name}.csv",
            )
    save(
        found.published,
        pattern_rows.PublishedShare,
        published / "prasanna2020_patterns.csv",
    )
    save(
        found.correlations,
        pattern_rows.PublishedCorrelation,
        published / "prasanna2020_pattern_correlation.csv",
    )
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "encoder.json").write_text('{"num_prunable": 5, "num_weights": 9}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run() -> None:
    plot.main(*map(Path, OPTIONS.values()))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_stage_writes_the_report_and_another_process_the_same_bytes(project: Path) -> None:
    run()
    first = contents(project / "out")
    names = ["agreement", "layers", "layers_by_task", "rewinding", "scores", "transfer"]
    names += ["subnetworks", "survival", "survival_of_weights", "survival_by_task"]
    names += ["survival_of_weights_by_task", "overlaps", "importance", "importance_by_magnitude"]
    names += ["hans", "controls", "transfer_published"]
    names += ["patterns", "pattern_examples", "movement"]
    assert {f"figures/{name}.svg" for name in names} <= set(first)
    assert {"index.html", "README.md", "figures/scores_mean_imp.csv", "tables/tickets.tex"} <= set(
        first
    )
    (project / "out").rename(project / "before")
    options = [part for name, path in OPTIONS.items() for part in (f"--{name}", path)]
    subprocess.run(
        [sys.executable, "-m", "stages.plot", *options],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"},
        check=True,
    )
    assert contents(project / "out") == first
    assert str(project).encode() not in b"".join(first.values())


def test_every_link_of_the_readme_leads_to_a_file(project: Path) -> None:
    run()
    readme = (project / "out" / "README.md").read_text(encoding="utf-8")
    links = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert len(links) > 10
    assert all((project / "out" / link).is_file() for link in links)


def test_a_wrong_cell_is_named_with_its_file(project: Path) -> None:
    path = project / "scores.csv"
    path.write_text(path.read_text().replace(",0.4,", ",nan,", 1))
    with pytest.raises(ValueError, match=r"scores\.csv: row \d+ has score 'nan'"):
        run()
    assert not (project / "out").exists()


def test_the_stage_imports_no_framework() -> None:
    code = "import sys, stages.plot; print({'torch', 'transformers', 'pandas'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
