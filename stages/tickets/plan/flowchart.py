"""The graph of stages, small enough to look at: one node for all stages of a kind."""

from collections.abc import Iterable, Mapping, Sequence

Edge = tuple[str, str]
"""From what is made to who reads it."""


def group(stage: str) -> str:
    """The name in dvc.yaml: fine-tune of pipeline/encoder-and-tasks/dvc.yaml:fine-tune@rte-1."""
    return stage.partition("@")[0].rpartition(":")[2]


def collapsed(edges: Iterable[Edge], without: Sequence[str] = ()) -> set[Edge]:
    """Edges between kinds of stages, where any stage of one reads any of the other.

    A kind whose stages read one another has an edge to itself. Kinds of `without` are left out.
    """
    found = {(group(first), group(second)) for first, second in edges}
    return {edge for edge in found if not set(edge) & set(without)}


def reduced(edges: Iterable[Edge]) -> set[Edge]:
    """Edges without those that a longer path stands for; an edge of a node to itself stays.

    What reads the encoder through the splits of a task, say, has no edge from the encoder, though it
    reads that too. From the same nodes the same can be reached as before, and by no fewer edges.

    Raises:
        ValueError: edges go round in a circle of several nodes.
    """
    edges = set(edges)
    following: dict[str, set[str]] = {}
    for first, second in edges:
        if first != second:
            following.setdefault(first, set()).add(second)
    reached = {node: _reached(node, following) for node in following}
    for node, others in reached.items():
        if node in others:
            raise ValueError(f"stages go round in a circle at {node!r}")
    return {
        (first, second)
        for first, second in edges
        if first == second
        or not any(second in reached.get(other, ()) for other in following[first] - {second})
    }


def _reached(node: str, following: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        new = following.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def alike(order: Sequence[str], edges: Iterable[Edge]) -> list[tuple[str, ...]]:
    """Nodes together that have the same edges from and to others; those of one group keep their order.

    What has no edge is left out. Groups come in the order of their first nodes.
    """
    edges = set(edges)
    found: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for name in order:
        before = frozenset(first for first, second in edges if second == name)
        after = frozenset(second for first, second in edges if first == name)
        if before or after:
            found.setdefault((before, after), []).append(name)
    return [tuple(names) for names in found.values()]


def mermaid(order: Sequence[str], edges: Iterable[Edge]) -> str:
    """The graph as Markdown that GitHub draws: boxes in `order`, then edges in that of their boxes.

    Nodes with the same edges share a box, each on a line of its own.

    Args:
        order: names of the nodes, from where the graph begins; what has no edge is left out.
    """
    edges = set(edges)
    boxes = alike(order, edges)
    place = {name: number for number, names in enumerate(boxes) for name in names}
    lines = [f'    {_plain(names[0])}["{"<br/>".join(names)}"]' for names in boxes]
    for first, second in sorted({(place[first], place[second]) for first, second in edges}):
        lines.append(f"    {_plain(boxes[first][0])} --> {_plain(boxes[second][0])}")
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def _plain(name: str) -> str:
    """As the id of a node: words of letters, none of which Mermaid keeps for itself, such as `end`."""
    return "stage_" + name.replace("-", "_")
