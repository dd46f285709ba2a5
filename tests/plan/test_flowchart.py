"""Graphs of stages: what is left out of them can be told from what is left."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tickets.plan.flowchart import Edge, alike, collapsed, mermaid, reduced

NODES = "abcdefg"
DRAWN = st.sets(st.sampled_from(list(combinations(NODES, 2))))
"""Edges from letters to later ones, so in no circle."""


def reachable(edges: set[Edge]) -> set[Edge]:
    """Pairs with a path, by joining edges until nothing is new."""
    found = set(edges)
    while True:
        longer = {(a, d) for a, b in found for c, d in found if b == c}
        if longer <= found:
            return found
        found |= longer


def test_stages_of_a_kind_are_one_node() -> None:
    edges = [
        ("code", "fine-tune@rte-1"),
        ("prepare@rte", "fine-tune@rte-1"),
        ("prepare@rte", "fine-tune@rte-2"),
        ("fine-tune@rte-1", "prune-round@rte-1-after0"),
        ("prune-round@rte-1-after0", "prune-round@rte-1-after1"),
    ]
    assert collapsed(edges, ["code"]) == {
        ("prepare", "fine-tune"),
        ("fine-tune", "prune-round"),
        ("prune-round", "prune-round"),
    }
    assert ("code", "fine-tune") in collapsed(edges)


@given(DRAWN)
def test_the_same_is_reached_by_fewer_edges(edges: set[Edge]) -> None:
    fewer = reduced(edges)
    assert fewer <= edges
    assert reachable(fewer) == reachable(edges)
    assert all(reachable(fewer - {edge}) != reachable(edges) for edge in fewer)


def test_a_triangle_loses_its_long_side_and_a_loop_stays() -> None:
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("b", "b")}
    assert reduced(edges) == edges - {("a", "c")}


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        reduced({("a", "b"), ("b", "a")})


@given(DRAWN)
def test_boxes_tell_all_edges(edges: set[Edge]) -> None:
    boxes = alike(NODES, edges)
    assert sorted(name for names in boxes for name in names) == sorted(set().union(*edges))
    box = {name: names for names in boxes for name in names}
    told = {(a, b) for first, second in edges for a in box[first] for b in box[second]}
    assert told == edges


def test_ids_are_plain_and_labels_quoted() -> None:
    block = mermaid(
        ["end", "fine-tune", "alone", "retrain", "plot"],
        {("fine-tune", "plot"), ("retrain", "plot"), ("end", "retrain"), ("end", "fine-tune")},
    )
    fence, head, *lines, last = block.splitlines()
    assert (fence, head, last) == ("```mermaid", "flowchart TD", "```")
    assert lines == [
        '    stage_end["end"]',
        '    stage_fine_tune["fine-tune<br/>retrain"]',
        '    stage_plot["plot"]',
        "    stage_end --> stage_fine_tune",
        "    stage_fine_tune --> stage_plot",
    ]
