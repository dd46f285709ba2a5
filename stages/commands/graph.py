"""Print the graph of stages that docs/stages.md shows: `dvc dag`, with one node for all stages of a kind.

This is a command, not a stage: `uv run python -m stages graph` prints Markdown.
"""

from dvc.repo import Repo

from stages.launch import cli
from stages.tickets.plan import picture

LEFT_OUT = ("check", "code")
"""Stages left out: almost all others read them, and their edges would hide the rest."""


def drawn() -> str:
    """Return the graph of the project in the working directory, as Markdown."""
    with Repo() as repo:
        edges = [(made.addressing, reader.addressing) for reader, made in repo.index.graph.edges]
        return picture.mermaid([stage.addressing for stage in repo.index.stages], edges, LEFT_OUT)


def main() -> None:
    print(drawn())


if __name__ == "__main__":
    cli.run(main, computes=False)
