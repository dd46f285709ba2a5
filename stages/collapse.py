"""Write tables of masks at initialisation: their size, flow and paths, and their density by matrix."""

from pathlib import Path
from typing import Any

from stages.launch import cli
from stages.launch.options import Manifest, Out, Task
from stages.tickets import files
from stages.tickets.plan import manifest as manifests
from stages.tickets.report import rows
from stages.tickets.statistics import collapse
from stages.tickets.statistics.collapse import MatrixRow, StepRow


def main(task: Task, manifest: Manifest, out: Out) -> None:
    masks: list[dict[str, Any]] = []
    matrices: list[dict[str, Any]] = []
    shown: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in manifests.load(manifest).runs:
        if (run.kind, run.task) != ("at_initialisation", task):
            continue
        folder, (start, mask, compression) = Path(run.folder), str(run.source).split()
        place = {"task": run.task, "seed": run.seed, "start": start, "mask": mask}
        place |= {"compression": float(compression)}
        by_matrix = rows.read(folder / "matrices.csv", MatrixRow)
        record = files.load_record(folder / "subnetwork.json")
        steps = rows.read(folder / "steps.csv", StepRow)
        neurons = files.load_arrays(folder / "neurons.safetensors")
        end = files.load_record(folder.with_name("critical.json"))
        masks.append(place | collapse.of_mask(record, len(by_matrix), steps, neurons, end))
        matrices += [place | vars(row) for row in by_matrix]
        of_first = [place | pair for pair in collapse.of_neurons(neurons)]
        shown.setdefault((start, mask), of_first)
    pairs = [pair for of_mask in shown.values() for pair in of_mask]
    files.save_table(masks, (*collapse.PLACE, *collapse.MASK), out / "masks.csv")
    files.save_table(matrices, (*collapse.PLACE, *collapse.MATRIX), out / "matrices.csv")
    files.save_table(pairs, (*collapse.PLACE, *collapse.NEURON), out / "neurons.csv")


if __name__ == "__main__":
    cli.run(main)
