"""The graph of stages that README.md shows: `dvc dag`, with one node for all stages of a kind.

A command and no stage: `uv run python -m stages graph` prints it as Markdown.
"""

import typer
from dvc.repo import Repo

from stages.tickets.plan import flowchart

LEFT_OUT = ("check", "code")
"""Come before all others, which would hide the rest."""


def read() -> tuple[list[str], set[flowchart.Edge]]:
    """Kinds of stages in the order of dvc.yaml here, and the edges between them, as DVC has them."""
    with Repo() as repo:
        index = repo.index
        order = list(dict.fromkeys(flowchart.group(stage.addressing) for stage in index.stages))
        edges = [(made.addressing, reader.addressing) for reader, made in index.graph.edges]
    return order, flowchart.collapsed(edges, LEFT_OUT)


def main() -> None:
    order, edges = read()
    print(flowchart.mermaid(order, flowchart.reduced(edges)))


if __name__ == "__main__":
    typer.run(main)
