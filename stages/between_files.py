"""Walk between two checkpoints of the user's own, of the study's encoder and one of its tasks."""

from typing import Annotated

import typer

from stages.launch import cli, inputs
from stages.launch.copies import walk
from stages.launch.options import Encoder, Grid, Out, Prepared, Sample, Task
from stages.tickets.encoder import complete
from stages.tickets.settings import ParamsError
from stages.tickets.tasks.task import LABELLED
from stages.tickets.training import endpoints


def main(
    task: Task,
    name: Annotated[str, typer.Option(help="Name the pair in tables and messages.")],
    first: Annotated[str, typer.Option(help="Start at this file or folder.")],
    second: Annotated[str, typer.Option(help="Walk to this file or folder.")],
    grid: Grid,
    sample: Sample,
    theta_0: Encoder,
    prepared: Prepared,
    out: Out,
) -> None:
    loaded = inputs.load(task, 0, theta_0, prepared)  # whatever a seed draws is replaced
    start, ends, about, classes = loaded.model(), [], {"name": name}, {}
    for side, given in {"first": first, "second": second}.items():
        key = f"between.files, {name}.{side}"
        model = loaded.model()
        path = complete.load_(model, loaded.encoder, given, key)
        ends.append(endpoints.of_own(start, model, loaded.encoder))
        about[side], classes[key] = complete.digest(path), complete.labels(path)
    (key_1, labels_1), (key_2, labels_2) = classes.items()
    if labels_1 and labels_2 and labels_1 != labels_2:
        raise ParamsError(
            f"{key_1} has the classes {', '.join(labels_1)} and {key_2} {', '.join(labels_2)}, allowed "
            "is one order; a class with another number would look like a barrier"
        )
    has_labels = loaded.prepared.task.kind in LABELLED
    walk(loaded, (ends[0], ends[1]), grid, sample, has_labels, out, about)


if __name__ == "__main__":
    cli.run(main)
