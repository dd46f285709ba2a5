"""The graph of stages that README.md shows: `dvc dag`, with one node for all stages of a kind.

A command and no stage: `uv run python -m stages graph` prints it as Markdown.
"""

from dvc.repo import Repo

from stages.launch import cli
from stages.tickets.plan import picture

LEFT_OUT = ("check", "code")
"""Almost all others read these, which would hide the rest."""


def drawn() -> str:
    """The graph of the project in this folder."""
    with Repo() as repo:
        edges = [(made.addressing, reader.addressing) for reader, made in repo.index.graph.edges]
        return picture.mermaid([stage.addressing for stage in repo.index.stages], edges, LEFT_OUT)


def main() -> None:
    print(drawn())


if __name__ == "__main__":
    cli.run(main)
