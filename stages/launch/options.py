"""Options that several stages share."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Option("--task")]
Seed = Annotated[int, typer.Option("--seed")]
Encoder = Annotated[Path, typer.Option("--encoder")]
Prepared = Annotated[Path, typer.Option("--prepared")]
Manifest = Annotated[Path, typer.Option("--manifest", help="Read what `check` wrote.")]
Out = Annotated[Path, typer.Option("--out")]

Grid = Annotated[int, typer.Option("--grid", help="Walk over so many points.")]
Sample = Annotated[int, typer.Option("--train_sample", help="Walk so many examples of train.")]

Round = Annotated[int, typer.Option("--round", help="Take the network of this round.")]
Split = Annotated[str, typer.Option("--split", help="Take examples of this split.")]
Number = Annotated[int, typer.Option("--number", help="Take so many examples.")]
Draw = Annotated[int, typer.Option("--draw", help="Draw the examples by this seed.")]
Weights = Annotated[Path, typer.Option("--weights", help="Read the dense weights from here.")]
Rounds = Annotated[Path, typer.Option("--rounds", help="Read masks and weights of rounds here.")]
