"""Make a set of a few sequences from the training examples of a task, learned or chosen."""

from dataclasses import dataclass
from typing import Annotated

import typer
from transformers import PreTrainedModel

from stages.launch import cli, inputs
from stages.launch.options import Encoder, Out, Prepared, Task, Weights
from stages.tickets import files, settings
from stages.tickets.distillation import making, sets
from stages.tickets.settings.distil import TRAINED


@dataclass(frozen=True)
class Params:
    distil: settings.Distil


def main(
    task: Task,
    method: Annotated[str, typer.Option(help="Make the set in this way.")],
    theta_0: Encoder,
    prepared: Prepared,
    weights: Weights,
    out: Out,
) -> None:
    config = cli.read(Params).distil.set
    loaded = inputs.load(task, config.seed, theta_0, prepared)

    def model_at(point: int | str) -> PreTrainedModel:
        name = point if point == TRAINED else f"theta-{point}"
        return loaded.model(weights / f"{name}.safetensors" if point else None)

    sequences, record = making.make(method, loaded.prepared, model_at, config)
    sets.save(sequences, out / "set.safetensors")
    files.save_record(record, out / "record.json")


if __name__ == "__main__":
    cli.run(main)
