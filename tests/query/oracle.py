# SPDX-License-Identifier: Apache-2.0
"""The language in its plainest form: sets of identifiers over lists of nodes and arcs, no plan."""

from __future__ import annotations

import json
import math
from fnmatch import fnmatchcase

import networkx as nx

from lineage.model import kinds
from lineage.query import ast
from lineage.store.base import NOW, standing


class World:
    """What stands in a view of a store, taken from its claims."""

    def __init__(self, store, view):
        idents = list(store.identifiers(None, 10_000, NOW))
        self.nodes = dict(store.get(idents, view))
        held = store.held(idents, NOW)
        self.arcs = {
            claim.what
            for ident in idents
            for claim in held[ident].claims
            if hasattr(claim.what, "relation") and standing(claim.since, claim.until, view)
        }

    def graph(self, relations, *, ties=False):
        """A digraph from effect to cause."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        for arc in self.arcs:
            taken = arc.follow if relations is None else arc.relation in relations
            if taken or (ties and arc.relation == "alternateOf" and arc.follow):
                graph.add_edge(arc.effect, arc.cause)
        return graph

    def select(self, query):
        return self._select(query.of, None)

    def edges(self, query):
        """The edges that an answer shows: those that the whole query follows, among the selected."""
        chosen = self.select(query)
        relations = query.of.relations if isinstance(query.of, ast.Via) else None
        return {
            arc.row()
            for arc in self.arcs
            if (arc.follow if relations is None else arc.relation in relations)
            and {arc.effect, arc.cause} <= chosen
        }

    def _select(self, part, via):
        every = set(self.nodes)
        pick = lambda test: {i for i, node in self.nodes.items() if test(node)}  # noqa: E731
        match part:
            case ast.All():
                return every
            case ast.Reference(ident):
                return {ident} & every
            case ast.Match("id", value):
                return pick(lambda n: like(n.id, value) or ("*" in value and like(n.label, value)))
            case ast.Match("key", value):
                return pick(lambda n: like(n.id, value) or like(n.label, value))
            case ast.Match("kind", value):
                return pick(lambda n: value in (n.kind, kinds.family(n.kind).lower()))
            case ast.Match(key, None) | ast.Missing(key):
                return pick(lambda n: key not in json.loads(n.attributes))
            case ast.Match(key, value):
                return pick(lambda n: any(like(text(v), value) for v in values(n, key)))
            case ast.Compare(key, "!=", literal):
                same = self._select(ast.Compare(key, "=", literal), via)
                return pick(lambda n: bool(values(n, key))) - same
            case ast.Compare(key, operator, literal):
                return pick(lambda n: any(holds(v, operator, literal) for v in values(n, key)))
            case ast.Not(of):
                return every - self._select(of, via)
            case ast.And(parts):
                return set.intersection(*(self._select(p, via) for p in parts))
            case ast.Or(parts):
                return set.union(*(self._select(p, via) for p in parts))
            case ast.Via(of, relations):
                return self._select(of, relations)
            case ast.Walk(of, up, down):
                graph = self.graph(via)
                above, below = self._begins(of, self._select(of, via))
                ways = [(up, graph, above)] * (up is not None)
                ways += [(down, graph.reverse(), below)] * (down is not None)
                return set().union(*(spread(g, start, layers) for layers, g, start in ways))
            case ast.Ends(way, of):
                graph = self.graph(via, ties=True)
                return ends(graph if way == "roots" else graph.reverse(), self._select(of, via))
            case ast.Between(one, other):
                graph = self.graph(via)
                a, b = self._select(one, via), self._select(other, via)
                found = set()
                for causes, effects in ((a, b), (b, a)):
                    up = spread(graph, effects, "all")
                    found |= up & spread(graph.reverse(), causes, "all")
                return found
        raise AssertionError(part)

    def _begins(self, of, start):
        """What walks from one thing begin with: upward from a name, with its versions, since nobody made the name;
        downward from a folder, with what lies in it.
        """
        named = isinstance(of, ast.Reference) or (
            isinstance(of, ast.Match) and of.key == "id" and "*" not in str(of.value)
        )
        if not named or len(start) != 1:
            return start, start
        (one,) = start
        kind, above, below = self.nodes[one].kind, start, start
        if kind in kinds.NAMES:
            above = spread(self.graph({"specializationOf"}).reverse(), start, 1)
        if kind == "Dataset" or kind in kinds.FOLDERS:
            whole = above if kind == "Dataset" else start
            below = spread(self.graph({"hadMember"}), whole, 1)
        return above, below


def spread(graph, start, layers):
    seen, level, hops = set(start), set(start), 0
    while level and (layers == "all" or hops < layers):
        level = {far for near in level for far in graph.successors(near)} - seen
        seen |= level
        hops += 1
    return seen


def ends(graph, chosen):
    """Those from which no other of the chosen is reached, unless it reaches back."""
    return {
        one
        for one in chosen
        if not any(other != one and not nx.has_path(graph, other, one)
                   for other in nx.descendants(graph, one) & chosen)
    }  # fmt: skip


def like(value, pattern):
    return value is not None and fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[?]"))


def values(node, key):
    held = json.loads(node.attributes).get(key, [])
    return held if isinstance(held, list) else [held]


def text(value):
    if isinstance(value, dict):
        return value["$"]
    return value if isinstance(value, str) else json.dumps(value)


def holds(value, operator, literal):
    if isinstance(literal, bool):
        return operator == "=" and truth(value) is literal
    if isinstance(literal, str) and exact(literal) is None:
        if operator == "=" and truth(literal) is not None and truth(value) is truth(literal):
            return True
        if isinstance(value, bool | int | float):
            return False
        mine, other = text(value), literal
    else:
        mine = number(value)
        other = exact(literal) if isinstance(literal, str) else literal
        if mine is None:
            return "=" in operator and not isinstance(value, bool) and text(value) == literal
    return {
        "=": mine == other,
        "<": mine < other,
        "<=": mine <= other,
        ">": mine > other,
        ">=": mine >= other,
    }[operator]


def truth(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, dict):
        value = value["$"] if value.get("type") == "xsd:boolean" else None
    return {"true": True, "True": True, "false": False, "False": False}.get(value)


def number(value):
    if isinstance(value, dict):
        return float(value["$"]) if value.get("type") in ("xsd:double", "xsd:integer") else None
    if isinstance(value, str):
        return exact(value)
    return None if isinstance(value, bool) else value


def exact(written):
    """The number whose text in Python this is."""
    for read in (int, float):
        try:
            found = read(written)
        except ValueError:
            continue
        if str(found) == written and math.isfinite(found):
            return found
    return None
