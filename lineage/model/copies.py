# SPDX-License-Identifier: Apache-2.0
"""Finds copies: things that came, through activities, from a thing with the very same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lineage.graph.components import Component, connected, cycles
from lineage.model import terms
from lineage.model.record import Edge


def retied(edges: Iterable[Edge]) -> list[Edge]:
    """The edges of one reading, in which the ties by digest of copies say that they are copies.

    Equal bytes must not turn an arrow round: were the copy one thing with what it was copied from,
    the activity that copied would be the producer of its own input. A copy's lineage runs through
    that activity alone, so its tie keeps the claim of sameness under a method that walks do not
    follow. What came from a copy by further copies, by folders, or packed and unpacked again, is a
    copy too. Linear in the edges, save within loops that equal bytes close.

    >>> from lineage.model.identity import tie
    >>> copied = [
    ...     Edge(relation="used", effect="x:cp", cause="x:raw"),
    ...     Edge(relation="wasGeneratedBy", effect="x:public", cause="x:cp"),
    ... ]
    >>> edges = retied([*copied, *tie("x:raw", "x:bytes"), *tie("x:public", "x:bytes")])
    >>> [(e.effect, e.attributes["method"]) for e in edges if e.cause == "x:bytes"]
    [('x:raw', 'digest'), ('x:public', 'copy')]
    """
    found = list(edges)
    copies = _copies(found)
    if not copies:
        return found
    return [
        replace(edge, attributes={**edge.attributes, terms.METHOD: terms.BY_COPY})
        if _is_tie(edge) and not copies.isdisjoint((edge.effect, edge.cause))
        else edge
        for edge in found
    ]


def _is_tie(edge: Edge) -> bool:
    return edge.relation in terms.SAMENESSES and terms.follows(edge.relation, edge.attributes)


def _is_same(edge: Edge) -> bool:
    by_copy = edge.attributes.get(terms.METHOD) == terms.BY_COPY
    return _is_tie(edge) or (edge.relation in terms.SAMENESSES and by_copy)


def _copies(edges: list[Edge]) -> set[str]:
    pairs = [(edge.effect, edge.cause) for edge in edges if _is_same(edge)]
    same = connected(dict.fromkeys(node for pair in pairs for node in pair), pairs)
    causes: dict[str, list[str]] = {}
    for edge in edges:
        if edge.relation not in terms.SAMENESSES and terms.follows(edge.relation, edge.attributes):
            causes.setdefault(edge.effect, []).append(edge.cause)
    merged: dict[str, list[tuple[str, None]]] = {}
    for effect, found in causes.items():
        out = merged.setdefault(same.get(effect, effect), [])
        out += [(same.get(cause, cause), None) for cause in found]
    members: dict[str, list[str]] = {}
    for node, thing in same.items():
        members.setdefault(thing, []).append(node)
    return {
        node
        for loop in cycles(merged)
        for thing in loop
        for node in members.get(thing, ())
        if _came_from(node, causes, same, loop)
    }


def _came_from(
    node: str,
    causes: Mapping[str, list[str]],
    same: Mapping[str, str],
    loop: Component[str],
) -> bool:
    """Whether what a node came from includes another one with its bytes; ties are not followed."""
    seen, todo = {node}, [node]
    while todo:
        for cause in causes.get(todo.pop(), ()):
            if cause in seen or same.get(cause, cause) not in loop:
                continue
            if same.get(cause) == same[node]:
                return True
            seen.add(cause)
            todo.append(cause)
    return False
