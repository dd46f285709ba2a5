"""Options that the stages which walk between networks share."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Option("--task")]
Grid = Annotated[int, typer.Option("--grid", help="Walk over so many points.")]
Sample = Annotated[int, typer.Option("--train_sample", help="Walk so many examples of train.")]
Encoder = Annotated[Path, typer.Option("--encoder")]
Prepared = Annotated[Path, typer.Option("--prepared")]
Out = Annotated[Path, typer.Option("--out")]
