# SPDX-License-Identifier: Apache-2.0
"""Every algorithm on graphs finds what networkx finds, whatever the graph."""

from __future__ import annotations

from itertools import islice, pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.graph.components import components, connected, cycles
from lineage.graph.ends import ends
from lineage.graph.layers import layered
from lineage.graph.paths import shortest_paths, shortest_walk
from lineage.graph.reach import reachable

NODES = range(9)
nodes = st.sampled_from(NODES)
arcs = st.lists(st.tuples(nodes, nodes), max_size=24)
some = st.sets(nodes)
#: Arcs without a cycle: each leads to a smaller number.
downward = arcs.map(lambda pairs: [(max(pair), min(pair)) for pair in pairs if len({*pair}) == 2])


def graph_of(pairs):
    """Node -> (target, label): the label tells parallel arcs apart."""
    graph = {node: [] for node in NODES}
    for number, (near, far) in enumerate(pairs):
        graph[near].append((far, (number, near, far)))
    return graph


def targets_of(pairs):
    """Node -> where arcs lead."""
    out = {}
    for near, far in pairs:
        out.setdefault(near, []).append(far)
    return out


def networkx_of(pairs):
    graph = nx.DiGraph(pairs)
    graph.add_nodes_from(NODES)
    return graph


def is_walk(labels, start, end):
    """Whether arcs lead from the one node to the other without a gap."""
    ends_of = [(near, far) for _, near, far in labels]
    joined = all(one[1] == other[0] for one, other in pairwise(ends_of))
    return joined and (ends_of[0][0], ends_of[-1][1]) == (start, end)


@given(arcs, some)
def test_components_are_networkx_s_and_come_after_what_they_lead_to(pairs, starts):
    graph = networkx_of(pairs)
    within = graph.subgraph(starts.union(*(nx.descendants(graph, one) for one in starts)))
    found = list(components(targets_of(pairs), sorted(starts)))
    assert sorted(map(sorted, found)) == sorted(
        map(sorted, nx.strongly_connected_components(within))
    )
    place = {node: number for number, component in enumerate(found) for node in component}
    assert all(place[far] <= place[near] for near, far in within.edges)


@given(arcs)
def test_components_with_a_cycle_are_those_that_networkx_finds_cycles_in(pairs):
    graph = networkx_of(pairs)
    expected = {frozenset(cycle) for cycle in nx.strongly_connected_components(graph)}
    expected = {nodes for nodes in expected if len(nodes) > 1 or graph.has_edge(*nodes, *nodes)}
    labelled = graph_of(pairs)
    assert {frozenset(found) for found in cycles(labelled)} == expected
    only_with_arcs = {node: found for node, found in labelled.items() if found}
    assert {frozenset(found) for found in cycles(only_with_arcs)} == expected


@given(arcs, arcs)
def test_nodes_that_pairs_connect_have_one_that_stands_for_them(pairs, elsewhere):
    beyond = [(near, far + 100) for near, far in elsewhere]
    one_of = connected(NODES, [*beyond, *pairs])
    groups = {}
    for node, one in one_of.items():
        groups.setdefault(one, set()).add(node)
    expected = nx.connected_components(networkx_of(pairs).to_undirected())
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, expected))


@given(arcs, some)
def test_what_is_reachable_is_what_descends(pairs, starts):
    graph = networkx_of(pairs)
    assert reachable(targets_of(pairs), starts) == starts.union(
        *(nx.descendants(graph, one) for one in starts)
    )


@given(arcs, some)
def test_ends_reach_no_member_that_does_not_reach_them_too(pairs, members):
    graph = networkx_of(pairs)
    after = {node: nx.descendants(graph, node) for node in NODES}
    expected = {one for one in members if all(one in after[far] for far in after[one] & members)}
    assert ends(pairs, members) == expected


@given(arcs, nodes, nodes, some)
def test_a_shortest_walk_is_as_short_as_networkx_s(pairs, start, end, inside):
    inside |= {start, end}
    graph = networkx_of(pairs).subgraph(inside)
    lengths = nx.single_source_shortest_path_length
    expected = [
        1 + lengths(graph, first)[end] for first in graph[start] if end in lengths(graph, first)
    ]
    found = shortest_walk(graph_of(pairs), start, end, inside)
    assert len(found) == min(expected, default=0)
    assert not found or is_walk(found, start, end)
    assert {node for label in found for node in label[1:]} <= inside


@given(arcs, nodes, nodes, st.integers(1, 6))
def test_k_shortest_paths_are_as_short_as_networkx_s(pairs, start, end, k):
    found, whole = shortest_paths(graph_of(pairs), start, end, k)
    assert whole
    graph = networkx_of(pairs)
    expected = []
    if start != end and nx.has_path(graph, start, end):
        expected = [
            len(path) - 1 for path in islice(nx.shortest_simple_paths(graph, start, end), k)
        ]
    assert [len(path) for path in found] == expected
    walked = {tuple(label[1:] for label in path) for path in found}
    assert len(walked) == len(found), "the same path twice"
    for path in found:
        assert is_walk(path, start, end)
        assert len({near for _, near, _ in path} | {end}) == len(path) + 1, "a path with a loop"


@given(arcs, nodes, nodes, st.integers(1, 6), st.integers(0, 8))
def test_k_shortest_paths_that_are_stopped_are_the_first_of_all(pairs, start, end, k, searches):
    asked = iter(range(searches))
    every, _ = shortest_paths(graph_of(pairs), start, end, k)
    some, whole = shortest_paths(
        graph_of(pairs), start, end, k, lambda: next(asked, None) is not None
    )
    assert some == every[: len(some)]
    assert not whole or some == every


@given(downward)
def test_layers_are_as_deep_as_the_longest_ways_up(pairs):
    rows = layered(NODES, pairs)
    assert sorted(node for row in rows for node in row) == list(NODES)
    place = {node: number for number, row in enumerate(rows) for node in row}
    assert all(place[effect] > place[cause] for effect, cause in pairs)
    if pairs:
        tied = {node for pair in pairs for node in pair}
        depth = nx.dag_longest_path_length(nx.DiGraph(pairs))
        assert len({place[node] for node in tied}) == depth + 1


@given(arcs, st.randoms())
def test_layers_hold_every_node_once_around_cycles_too(pairs, random):
    rows = layered(NODES, pairs)
    assert sorted(node for row in rows for node in row) == list(NODES)
    shuffled = random.sample(NODES, len(NODES))
    assert sorted(node for row in layered(shuffled, pairs) for node in row) == list(NODES)


def test_layers_sort_out_arcs_that_need_not_cross():
    causes, effects = ["a", "b", "c"], ["x", "y", "z"]
    mirrored = [("x", "c"), ("y", "b"), ("z", "a")]
    above, below = layered([*causes, *effects], mirrored)
    assert [dict(mirrored)[effect] for effect in below] == above


@pytest.mark.parametrize("is_ring", [True, False])
def test_graphs_as_deep_as_they_are_large_need_no_recursion(is_ring):
    size = 30_000
    last = [(size - 1, 0)] if is_ring else []
    pairs = [*((number, number + 1) for number in range(size - 1)), *last]
    graph = {near: [(far, (near, far))] for near, far in pairs}
    assert len(list(cycles(graph))) == is_ring
    assert len(list(components(targets_of(pairs), range(size)))) == (1 if is_ring else size)
    assert len(shortest_walk(graph, 0, size - 1)) == size - 1
    assert len(ends(pairs, range(size))) == (size if is_ring else 1)
    assert sum(map(len, layered(range(size), pairs))) == size
