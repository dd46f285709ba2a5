"""Draw a small graph of the kinds of stages, as Markdown that GitHub renders."""

from collections.abc import Iterable, Sequence

import networkx as nx

Edge = tuple[str, str]
"""Two stages: the first makes a file that the second reads."""


def mermaid(stages: Iterable[str], edges: Iterable[Edge], without: Sequence[str] = ()) -> str:
    """Write the graph of kinds of stages: boxes in the order of `stages`, then edges in the same order.

    There is an edge between two kinds if stages of one read outputs of the other; a kind may have an edge
    to itself. An edge is left out if a longer path connects its ends, and a kind is left out if it has no
    edge. Kinds with the same edges share a box, each on a line of its own.

    Args:
        stages: addresses as DVC writes them, such as pipeline/tickets/dvc.yaml:fine-tune@rte-1.
        edges: pairs of such addresses.
        without: kinds that are left out.

    Raises:
        networkx.NetworkXError: kinds read one another's outputs in a circle.
    """
    pairs = {(kind(first), kind(second)) for first, second in edges}
    graph = nx.DiGraph(pair for pair in pairs if not set(pair) & set(without))
    loops = list(nx.selfloop_edges(graph))
    graph.remove_edges_from(loops)
    graph = nx.transitive_reduction(graph)
    graph.add_edges_from(loops)
    boxes: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for name in dict.fromkeys(kind(stage) for stage in stages):
        if name in graph:
            neighbours = frozenset(graph.predecessors(name)), frozenset(graph.successors(name))
            boxes.setdefault(neighbours, []).append(name)
    first = {name: names[0] for names in boxes.values() for name in names}
    place = {name: number for number, name in enumerate(dict.fromkeys(first.values()))}
    between = {(first[start], first[end]) for start, end in graph.edges}
    lines = [f'{_id(names[0])}["{"<br/>".join(names)}"]' for names in boxes.values()]
    for start, end in sorted(between, key=lambda pair: (place[pair[0]], place[pair[1]])):
        lines.append(f"{_id(start)} --> {_id(end)}")
    return "\n    ".join(["```mermaid\nflowchart TD", *lines]) + "\n```"


def kind(stage: str) -> str:
    """Return a stage's name in dvc.yaml: fine-tune for pipeline/tickets/dvc.yaml:fine-tune@rte-1."""
    return stage.rpartition(":")[2].partition("@")[0]


def _id(name: str) -> str:
    """Make the id of a node: letters, and no reserved word of Mermaid, such as `end`."""
    return "stage_" + name.replace("-", "_")
