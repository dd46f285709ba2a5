"""Forms by size in the report, on made-up results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.tickets import files
from stages.tickets.plan import manifest
from stages.tickets.report.results import Results
from stages.tickets.report.rows import Speed
from stages.tickets.report.scores import Scores
from stages.tickets.report.section import Section
from stages.tickets.report.sections import sizes
from stages.tickets.settings import Sizes
from tests.made_up import Study, config, study

SEEDS = (1, 2, 3)
TASKS = ("sentiment", "entailment")
BYTES = {
    ("dense", "", 0): (90_000_000, 90_000_000),
    ("precision", "bf16", 0): (45_000_000, 45_000_000),
    ("precision", "int8", 0): (58_000_000, 57_900_000),
    ("imp", "", 1): (78_000_000, 90_000_000),
    ("imp", "", 2): (65_000_000, 90_000_000),
}
"""Bytes of the file and of the weights in memory, by kind, source and round."""
LOWER = {"bf16": 0.0, "int8": -0.05}
"""Scores minus those of dense, made up."""


@pytest.fixture(scope="module")
def made() -> Study:
    """Two tasks, three seeds, tickets of 30 and 60 % sparsity, and good heads and MLPs."""
    asked = Sizes.model_validate(
        {"tasks": TASKS, "seeds": SEEDS, "lower": {"precisions": ("bf16", "int8")}}
    )
    return study(config(2, 3, 2).model_copy(update={"sizes": asked}))


def results_of(made: Study, folder: Path, speed: Sequence[Speed] = ()) -> Results:
    rows = [
        replace(row, kind="precision", source=name, score=row.score + gain)
        for name, gain in LOWER.items()
        for row in made.scores
        if row.kind == "dense"
    ]
    for task in TASKS:
        for seed in SEEDS:
            out = folder / f"results/runs/sizes/{task}/seed-{seed}/sizes.csv"
            columns = ("kind", "source", "round", "bytes", "memory")
            table = [dict(zip(columns, (*at, *size), strict=True)) for at, size in BYTES.items()]
            files.save_table(table, columns, out)
    return replace(
        made.results,
        scores=Scores([*made.scores, *rows]),
        folder=folder / "results",
        speed=speed,
    )


@pytest.fixture
def section(made: Study, tmp_path: Path) -> Section:
    return sizes.section(results_of(made, tmp_path), made.config)


def cells(section: Section, name: str) -> dict[str, dict[str, str]]:
    """Cells of the first task of a table by the name of a form."""
    (table,) = (table for table in section.tables if table.name == name)
    place = table.header.index("form")
    rows = [row for row in table.rows if name != "sizes" or row[0] == TASKS[0]]
    return {row[place]: dict(zip(table.header, row, strict=True)) for row in rows}


def test_every_form_has_its_megabytes_and_its_weights_in_memory(section: Section) -> None:
    """Good heads and MLPs drop 25 parameters of 4 bytes, which shows in no megabyte."""
    shown = {form: row["file, MB"] for form, row in cells(section, "sizes").items()}
    assert shown == {
        "dense, fp32": "90", "bf16": "45", "int8, dynamic": "58", "ticket, 30\N{NO-BREAK SPACE}%": "78",
        "ticket, 60\N{NO-BREAK SPACE}%": "65", "heads and MLPs": "90",
        "heads and MLPs, retrained": "90",
    }  # fmt: skip
    assert cells(section, "sizes")["ticket, 60\N{NO-BREAK SPACE}%"]["weights, MB"] == "90"
    (table,) = (table for table in section.tables if table.name == "sizes")
    of_heads = [row for row in table.records if row["kind"] == "retrained"]
    assert [row["megabytes"] for row in of_heads] == pytest.approx([90 - 4 * 25 / 1e6] * 2)
    assert {row["n"] for row in table.records} == {3}


def test_the_front_has_what_no_other_form_beats(section: Section) -> None:
    on_it = {form for form, row in cells(section, "sizes").items() if row["front"] == "front"}
    assert on_it == {"bf16"}


def test_the_answer_names_the_smallest_form_near_dense(section: Section) -> None:
    assert "sentiment bf16, 45 MB (50\N{NO-BREAK SPACE}% of dense), 0.0 [" in section.answer


def test_only_forms_far_below_dense_leave_dense(
    made: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOWER, "bf16", -0.021)
    few = replace(made, scores=[row for row in made.scores if row.kind == "dense"])
    answer = sizes.section(results_of(few, tmp_path), made.config).answer
    assert "sentiment none but dense" in answer


def test_without_a_measurement_one_line_says_how_to_make_it(section: Section) -> None:
    (table,) = (table for table in section.tables if table.name == "sizes")
    assert "python -m stages measure" in table.caption
    assert not any("time" in header for header in table.header)


def test_measured_times_and_memory_are_shown_beside_their_machine(
    made: Study, tmp_path: Path
) -> None:
    common = {
        "tokens": 128,
        "threads": 1,
        "load": 3.2,
        "machine": "a processor",
        "date": "2026-01-02",
    }
    speed = [
        Speed("sentiment", "precision", "int8", 0, number, ratio, ratio - 0.1, ratio + 0.1, 9.5, 40,
              612.4, **common)  # type: ignore[arg-type]
        for number, ratio in ((1, 0.6), (32, 0.5))
    ]  # fmt: skip
    section = sizes.section(results_of(made, tmp_path, speed), made.config)
    row = cells(section, "sizes")["int8, dynamic"]
    assert (row["time of 1"], row["time of 32"]) == ("0.60 [0.50, 0.70]", "0.50 [0.40, 0.60]")
    assert row["peak, MB"] == "612"
    assert cells(section, "sizes")["bf16"]["peak, MB"] == "–"
    (table,) = (table for table in section.tables if table.name == "sizes")
    assert "a processor, 1 thread, load 3.2, 2026-01-02" in table.caption
    assert "peak" not in table.records[0]


def test_a_study_without_the_experiment_says_so(made: Study) -> None:
    off = made.config.model_copy(
        update={"sizes": made.config.sizes.model_copy(update={"tasks": (), "seeds": ()})}
    )
    empty = study(off)
    section = sizes.section(empty.results, empty.config)
    assert section.answer == "Not run: sizes.tasks is empty in params.yaml."
    assert all(table.missing for table in section.tables)


def test_every_form_says_what_its_file_holds_and_where_it_is_fast(section: Section) -> None:
    row = cells(section, "forms")["IMP ticket, packed"]
    assert "nowhere" in row["runs fast on"]
    assert {len(text) > 10 for text in row.values()} == {True}


STORED = {
    ("channels", "untrained greedy 0.25"): ("greedy 25\N{NO-BREAK SPACE}%, untrained", 89.8, 89.8),
    ("channels", "trained greedy 0.25"): ("greedy 25\N{NO-BREAK SPACE}%, trained", 89.8, 89.8),
    ("channels", "trained one-shot 0.25"): None,
    ("quantized", "w8a8 trained"): ("w8a8 trained", 0.004, 90.0),
    ("pruned_quantized", "w8a8 0.5 jointly"): ("w8a8 0.5 jointly", 0.004, 89.8),
    ("ternary", "clipped 1x16 25"): ("clipped 1x16, 25\N{NO-BREAK SPACE}%", 0.004, 90.0),
}
"""Name, megabytes of the file and of the weights by kind and source; other orders are left out."""


def test_stored_forms_of_other_experiments_are_rows_by_their_files_and_records(
    made: Study, tmp_path: Path
) -> None:
    """Files have 1000 weights of 4 bytes; 50,000 of 60,000 parameters are dropped if heads are."""
    base, runs, scores = results_of(made, tmp_path), [], []
    for kind, source in STORED:
        for seed in SEEDS:
            folder = f"results/runs/{kind}/{source}/{seed}".replace(" ", "-")
            record = f"{folder}/record.json" if kind != "quantized" else None
            run = manifest.Run(folder, "sentiment", kind, seed, 0, source=source, size=record)
            runs.append(run)
            heads = {} if kind == "ternary" else {"heads": 1}
            files.save_record(
                {"kept": 10_000, "prunable": 60_000, **heads}, tmp_path / folder / "record.json"
            )
            if kind != "channels":
                weights = {"w": np.zeros(1000, np.float32)}
                files.save_arrays(weights, tmp_path / folder / "model.safetensors")
        scores += [
            replace(row, kind=kind, source=source)
            for row in made.scores
            if (row.kind, row.task) == ("dense", "sentiment")
        ]
    every = replace(
        base,
        manifest=replace(base.manifest, runs=(*base.manifest.runs, *runs)),
        scores=Scores([*made.scores, *scores]),
    )
    shown = cells(sizes.section(every, made.config), "sizes")
    for expected in STORED.values():
        if expected:
            name, of_file, memory = expected
            assert float(shown[name]["file, MB"]) == pytest.approx(of_file)
            assert float(shown[name]["weights, MB"]) == pytest.approx(memory)
            assert shown[name]["n"] == "3"
    assert not any("one-shot" in form for form in shown)
