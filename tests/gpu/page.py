"""The page of the benchmark on a GPU, made from its JSON file."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.tickets import output, settings
from tests.benchmarks import chains
from tests.gpu import cells
from tests.gpu.cells import GRAPHS, OURS, PAPERS, WORKLOADS

TIMES, SHARE = 8, 40
"""Targets: times the papers' recipe, and per cent of the bf16 peak."""
NOTES = """Batches of 32, dropout 0.1, masks drop 70 %; the Trainer is dense. The papers' recipe is a \
plain loop in fp32, every example padded to 128 tokens, masks by torch.nn.utils.prune, with today's \
kernels. Lengths of `sst2` and `mrpc` are drawn about the means of the real tasks, 13.3 and 53.1 tokens; \
`128` has 128 tokens everywhere. The share counts the products with the prunable matrices that are \
needed, none for padding. Numbers are median [lowest, highest] over turns."""


def main(
    record: Annotated[Path, typer.Argument(help="The bench.json that a GPU gave.")],
    out: Annotated[Path, typer.Argument(help="Page to write, such as reports/gpu.md.")],
) -> None:
    found = json.loads(record.read_text(encoding="utf-8"))
    if found["rehearsal"]:
        raise settings.UserError(f"{record} is a rehearsal: its numbers measure no GPU")
    output.save_text(text(found), out)


def text(record: Mapping[str, Any]) -> str:
    """Write the page; a rehearsal says in its title that it measures nothing."""
    title = "# Rehearsal: these numbers measure nothing" if record["rehearsal"] else "# On a GPU"
    parts = [
        title,
        origin(record),
        NOTES,
        targets(record),
        *(table(record, name) for name in WORKLOADS),
        together(record),
    ]
    return "\n\n".join(parts) + "\n"


def origin(record: Mapping[str, Any]) -> str:
    return (
        f"{record['hardware']}; {record['date']}, commit {record['commit']}, torch {record['torch']}, "
        f"transformers {record['transformers']}. A large product of bf16 matrices ran at "
        f"{record['peak'] / 1e12:.3g} TFLOP/s. The benchmark took {record['seconds']:.0f} s, of at most "
        f"{record['limit']:.0f}."
    )


def of(record: Mapping[str, Any], **coordinates: object) -> list[Mapping[str, Any]]:
    """Return the cells with some coordinates, those without a result too."""
    return [
        cell
        for cell in record["cells"]
        if all(cell[name] == value for name, value in coordinates.items())
    ]


def alone(record: Mapping[str, Any], name: str, peer: str) -> list[Mapping[str, Any]]:
    """Return the measured cells of one training alone."""
    shape = record["cells"][0]["shape"]
    found = of(record, workload=name, peer=peer, number=1, shape=shape)
    return [cell for cell in found if "flops" in cell]


def spread(values: Sequence[float]) -> str:
    if not values:
        return "not run"
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} [{min(values):.3g}, {max(values):.3g}]"


def targets(record: Mapping[str, Any]) -> str:
    header = (
        f"| lengths | times the papers' recipe, target {TIMES} | met "
        f"| share of the bf16 peak, target {SHARE} % | met | times, by CUDA graphs | share |"
    )
    lines = [header, "|---|---:|---|---:|---|---:|---:|"]
    for name in WORKLOADS:
        ours, theirs, graphs = (alone(record, name, peer) for peer in (OURS, PAPERS, GRAPHS))
        times, share = ratios(ours, theirs), shares(record, ours)
        lines.append(
            f"| {name} | {spread(times)} | {met(times, TIMES)} | {spread(share)} | {met(share, SHARE)} "
            f"| {spread(ratios(graphs, theirs))} | {spread(shares(record, graphs))} |"
        )
    return "\n".join(lines)


def ratios(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Divide examples per second, turn by turn."""
    by_turn = {cell["turn"]: cell["examples"] for cell in theirs}
    return [c["examples"] / by_turn[c["turn"]] for c in ours if c["turn"] in by_turn]


def shares(record: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> list[float]:
    return [100 * cell["flops"] / record["peak"] for cell in found]


def met(values: Sequence[float], target: float) -> str:
    return "–" if not values else "yes" if statistics.median(values) >= target else "no"


def table(record: Mapping[str, Any], name: str) -> str:
    lines = [
        f"## {record['cells'][0]['shape']}, {name}",
        "",
        "| peer | examples/s | share of the bf16 peak, % | memory at most, GB |",
        "|---|---:|---:|---:|",
    ]
    for peer in cells.PEERS:
        found = alone(record, name, peer)
        if not found:
            lines.append(f"| {peer} | {reason(of(record, workload=name, peer=peer))} | – | – |")
            continue
        speed = spread([cell["examples"] for cell in found])
        memory = max(cell["memory"] for cell in found)
        lines.append(f"| {peer} | {speed} | {spread(shares(record, found))} | {memory:.3g} |")
    return "\n".join(lines)


def reason(found: Sequence[Mapping[str, Any]]) -> str:
    """Say why cells have no result."""
    return next((cell["error"].replace("|", "/") for cell in found if "error" in cell), "not run")


def together(record: Mapping[str, Any]) -> str:
    lines = [
        f"## Several trainings at once on one GPU, {chains.TASK}",
        "",
        "| encoder | processes | examples/s of all | times one |",
        "|---|---:|---:|---:|",
    ]
    speeds: dict[tuple[str, int], list[float]] = {}
    errors: dict[tuple[str, int], str] = {}
    for cell in of(record, peer=OURS, workload=chains.TASK):
        key = cell["shape"], cell["number"]
        if "examples" in cell:
            speeds.setdefault(key, []).append(cell["examples"])
        else:
            errors[key] = reason([cell])
    for shape, number in sorted({*speeds, *errors}):
        values, base = speeds.get((shape, number), []), speeds.get((shape, 1), [])
        if not values:
            lines.append(f"| {shape} | {number} | {errors[shape, number]} | – |")
            continue
        times = statistics.median(values) / statistics.median(base) if base else None
        said = "–" if times is None else f"{times:.3g}"
        lines.append(f"| {shape} | {number} | {spread(values)} | {said} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
