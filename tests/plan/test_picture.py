"""The picture of stages: what is left out of it can be told from what is left."""

from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.plan.picture import Edge, mermaid

NODES = "abcdefg"
DRAWN = st.sets(st.sampled_from(list(combinations(NODES, 2))))
"""Edges from letters to later ones, so in no circle."""


def shown(block: str) -> set[Edge]:
    """The edges between nodes that a block tells, whose boxes have names of one letter."""
    boxes, edges = {}, set()
    for line in block.splitlines()[2:-1]:
        if '["' in line:
            node, names = line.strip().removesuffix('"]').split('["')
            boxes[node] = names.split("<br/>")
        else:
            start, end = line.strip().split(" --> ")
            edges |= {(first, last) for first in boxes[start] for last in boxes[end]}
    return edges


@given(DRAWN)
def test_the_same_is_reached_by_no_edge_too_many(edges: set[Edge]) -> None:
    fewer = shown(mermaid(NODES, edges))
    assert fewer <= edges
    everything = set(nx.transitive_closure(nx.DiGraph(edges)).edges)
    assert set(nx.transitive_closure(nx.DiGraph(fewer)).edges) == everything
    for edge in fewer:
        assert set(nx.transitive_closure(nx.DiGraph(fewer - {edge})).edges) != everything


def test_a_pipeline_by_hand() -> None:
    """Triangles lose their long side, loops stay, and nodes with the same edges share a box."""
    edges = [
        ("code", "end@1"),
        ("end@1", "a/dvc.yaml:fine-tune@rte-1"),
        ("end@1", "retrain@rte"),
        ("a/dvc.yaml:fine-tune@rte-1", "plot"),
        ("retrain@rte", "plot"),
        ("end@2", "plot"),
        ("end@1", "end@2"),
    ]
    stages = ["code", "end@1", "end@2", "a/dvc.yaml:fine-tune@rte-1", "lone", "retrain@rte", "plot"]
    assert mermaid(stages, edges, ["code"]).splitlines() == [
        "```mermaid",
        "flowchart TD",
        '    stage_end["end"]',
        '    stage_fine_tune["fine-tune<br/>retrain"]',
        '    stage_plot["plot"]',
        "    stage_end --> stage_end",
        "    stage_end --> stage_fine_tune",
        "    stage_fine_tune --> stage_plot",
        "```",
    ]


def test_a_circle_is_refused() -> None:
    with pytest.raises(nx.NetworkXError):
        mermaid("ab", {("a", "b"), ("b", "a")})
