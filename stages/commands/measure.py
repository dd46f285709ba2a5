"""Measure the time and memory of each form of a trained model on this machine, beside the dense model.

This is a command, not a stage: no stage may write numbers of a machine. It writes
reports/<study>/speed.csv, which the section of sizes shows when the report is drawn again. It uses the
CPU alone, with as many threads as --threads says.
"""

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stages.launch import cli
from stages.tickets import files
from stages.tickets.export import study as finished
from stages.tickets.export.study import Finished
from stages.tickets.report.rows import Speed
from stages.tickets.settings import ParamsError

if TYPE_CHECKING:
    from stages.launch.inputs import Inputs
    from stages.tickets.export.form import Form

COLUMNS = [field.name for field in fields(Speed)]
FEWEST = 6
"""Pairs of which the median has an interval of 95 %."""
EXAMPLES, TOKENS = (1, 32), 64


def main(
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            help="Take models of this task; repeat it for more. "
            "The default is the first of sizes.tasks, or of all.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Take models of this seed. The default is the first.")
    ] = None,
    wanted: Annotated[
        list[str] | None,
        typer.Option(
            "--form",
            help="Take this form alone; repeat it for more. The default is all that "
            "are stored, and the last ticket, since all take the same time.",
        ),
    ] = None,
    pairs: Annotated[int, typer.Option(min=FEWEST, help="Time so many pairs of passes.")] = 20,
    tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Take examples of so many tokens; by default 64, or the longest."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Use so many threads.")] = 1,
    results: Annotated[Path, typer.Option(help="Look here for results.")] = Path("results"),
    reports: Annotated[Path, typer.Option(help="Look here for the reports.")] = Path("reports"),
) -> None:
    """Write speed.csv: times in pairs against the dense model, and the peak memory of a fresh process."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    study = finished.load(cli.PARAMS, results, reports)
    settings = study.settings
    asked = tasks or [*(settings.sizes.tasks or settings.tasks)][:1]
    number = settings.seeds[0] if seed is None else seed
    for task in asked:
        study.check(task, number)
        study.weights(task, number, None)
        longest = study.max_length(task)
        if tokens is not None and tokens > longest:
            raise ParamsError(
                f"--tokens is {tokens}, allowed is at most {longest}, that of {task!r}"
            )
    length = tokens or min(TOKENS, *map(study.max_length, asked))
    about = {
        "tokens": length,
        "threads": threads,
        "load": os.getloadavg()[0],
        "machine": machine(),
        "date": date.today().isoformat(),
    }
    chosen = {task: choose(study, task, number, wanted) for task in asked}
    rows = [
        row | about | {"task": task}
        for task in asked
        for row in measured(study, task, number, chosen[task], pairs, length, threads)
    ]
    out = study.scores_file.with_name("speed.csv")
    files.save_table(rows, COLUMNS, out)
    print(f"{out}: `uv run dvc repro -s -f report` shows it")


def choose(study: Finished, task: str, seed: int, wanted: list[str] | None) -> "list[Form]":
    """Return the forms of a task and seed that are asked for, or those that the default names."""
    from stages.tickets.export import forms  # noqa: PLC0415  torch
    from stages.tickets.report.sections.sizes import families  # noqa: PLC0415

    known = forms.of(study, task, seed)
    last = f"ticket-{study.settings.last_round}"
    names = wanted or [
        name
        for name, form in known.items()
        if name == last or not (form.family is families.TICKET or form.not_stored)
    ]
    return [forms.chosen(known, name) for name in dict.fromkeys(names)]


def measured(
    study: Finished,
    task: str,
    seed: int,
    chosen: "list[Form]",
    pairs: int,
    tokens: int,
    threads: int,
) -> Iterator[dict[str, Any]]:
    """Measure forms of a task and seed, and print each."""
    import torch  # noqa: PLC0415

    from stages.launch import inputs  # noqa: PLC0415
    from stages.tickets.export import forms  # noqa: PLC0415
    from stages.tickets.export import model as models  # noqa: PLC0415
    from stages.tickets.sizes import memory, timing  # noqa: PLC0415

    loaded: Inputs = inputs.load(task, seed, study.encoder, study.prepared(task))
    torch.set_num_threads(threads)
    dense = loaded.model(study.weights(task, seed, None)).train(mode=False)
    kind = loaded.prepared.task.kind
    models.describe_(dense, kind, None)
    for form in chosen:
        made = form.build(dense, loaded.encoder)
        peak = memory.peak(
            partial(forms.save, made),
            forms.loading(made, kind),
            type(made.model).__module__,
            (EXAMPLES[-1], tokens, threads),
        )
        for number in EXAMPLES:
            ratio = timing.compare(made.model, dense, number, tokens, pairs)
            print(
                f"{task}, {form.name}, {number} examples: {1e3 * ratio.seconds:.1f} ms, "
                f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times dense, n={ratio.n}; "
                f"peak {peak:.0f} MB"
            )
            yield {
                "kind": form.run.kind,
                "source": form.run.source,
                "round": form.run.at,
                "examples": number,
                "ratio": ratio.median,
                "low": ratio.low,
                "high": ratio.high,
                "milliseconds": 1e3 * ratio.seconds,
                "pairs": ratio.n,
                "peak": peak,
            }


def machine() -> str:
    """Name the processor, its cores and torch."""
    import torch  # noqa: PLC0415

    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    name = re.search(r"(?m)^model name\s*:\s*(.*)$", text)
    processor = name[1] if name else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, torch {torch.__version__}"


if __name__ == "__main__":
    cli.run(main, computes=False)
