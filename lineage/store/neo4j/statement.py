# SPDX-License-Identifier: Apache-2.0
"""Plans as one statement: the names in them, their sets and the page of an answer in one text.

A set is a text that binds ``n`` to each of its nodes once. What another set is compared with is a list, made
by a subquery of its own before the answer: lists stay in sight of all that follows, so that texts are put
together without looking into each other. Parameters hold what people wrote; texts have the shape of
the plan, and the server keeps the plan of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lineage.query.condition import AllOf, Condition, KindIn, LabelIs
from lineage.query.plan import (
    Beside,
    Between,
    ByIds,
    Called,
    Difference,
    EdgeFilter,
    Ends,
    FilterBy,
    Intersection,
    Plan,
    Toward,
    Traverse,
    Union,
    Where,
)
from lineage.store import execute
from lineage.store.base import Hop
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.select import Sieve, sieve

#: Nodes of a list that other sets are compared with, at most: the server holds them all.
_MOST = 10_000
#: Nodes from which another one is looked for, times those that each may pass on the way, at most.
_WAYS = 200_000


class NotOneStatement(Exception):
    """The plan takes several statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A read of ``nodes`` and, by their ``keys``, ``edges``; where the ends of a set are asked for, of what leads ``onward``; of
    ``uses`` and what is ``used``, the edges and nodes beside them; all of them null where a set is too large, or
    nobody asks. And of ``called``, the nodes that each name may mean. ``condition`` has the last word on the
    nodes, where there is one.
    """

    text: str
    parameters: Mapping[str, Any]
    names: tuple[Called, ...]
    condition: Condition | None


@lru_cache(maxsize=512)
def statement(plan: Plan, follow: EdgeFilter, limit: int, beside: Beside | None) -> Statement:
    """The statement of a plan whose whole answer is asked for, at most so many nodes. Raises
    ``NotOneStatement``.
    """
    made = _Statement()
    condition, onward = None, "null"
    if isinstance(plan, Ends):
        source, onward = made.ends(plan, follow)
    else:
        if isinstance(plan, Where | FilterBy) and not sieve(plan.condition).exact:
            condition = plan.condition
        source = made.source(plan, inexact=condition is not None)
    made.parameters |= {"most": limit + 1, "many": _MOST}
    columns = {
        "nodes": f"[n IN ns | {cypher.NODE}]",
        "keys": cypher.KEYS,
        "edges": _edges(plan, follow),
        "onward": onward,
        **_beside(beside),
    }
    fits = " AND ".join(("size(ns) < $most", *made.fits))
    shown = ", ".join(f"CASE WHEN fits THEN {text} END AS {name}" for name, text in columns.items())
    names = ", ".join(f"c{number}" for number in made.names.values())
    text = f"""{"".join(made.lists)}
CALL (*) {{ {source} WITH n LIMIT $most RETURN collect(n) AS ns }}
WITH *, {fits} AS fits
RETURN {shown}, [ms IN [{names}] | [n IN ms | {cypher.NODE}]] AS called"""
    return Statement(
        text=cypher.at_one_head(text, *columns, "called"),
        parameters=made.parameters,
        names=tuple(made.names),
        condition=condition,
    )


def _beside(wanted: Beside | None) -> dict[str, str]:
    if wanted is None:
        return {"uses": "null", "used": "null"}
    hop = execute.hop(wanted.follow, "causes")
    pattern, condition = cypher.along(hop)
    found = f"UNWIND ns AS n WITH n WHERE n:{wanted.kind} MATCH (n){pattern}(m) WHERE {condition}"
    return {
        "uses": f"COLLECT {{ {found} RETURN {cypher.edge(hop)} }}",
        "used": f"COLLECT {{ {found} AND NOT m IN ns WITH DISTINCT m AS n RETURN {cypher.NODE} }}",
    }


def _edges(plan: Plan, follow: EdgeFilter) -> str:
    """The edges among the nodes of an answer. Those that a walk went along all lead to nodes of it, and
    there are none among ends.
    """
    match plan:
        case Ends():
            return "[]"
        case Traverse(_, toward, taken, None) if taken == follow:
            hop, among = execute.hop(follow, toward), ""
        case _:
            hop, among = execute.hop(follow, "causes"), " AND m IN ns"
    pattern, condition = cypher.along(hop)
    return f"""COLLECT {{
  UNWIND ns AS n MATCH (n){pattern}(m) WHERE {condition}{among} RETURN {cypher.among(hop)} }}"""


class _Statement:
    """A statement being put together."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.lists: list[str] = []
        self.fits: list[str] = []
        self.names: dict[Called, int] = {}

    def source(self, plan: Plan, *, inexact: bool = False) -> str:
        """The text that binds ``n`` to the nodes of a set; ``inexact`` allows a sieve that lets more
        through.
        """
        match plan:
            case ByIds(ids):
                return self._by_ids(sorted(ids))
            case Called():
                return f"UNWIND {self._name(plan)} AS n"
            case Where(condition):
                held = self._sieve(condition, inexact=inexact)
                return f"{held.match} WITH n WHERE {held.text}"
            case FilterBy(of, condition):
                held = self._sieve(condition, inexact=inexact)
                return f"{self.source(of)} WITH n WHERE {held.text}"
            case Traverse(of, toward, follow, depth):
                return self._walk(self.source(of), execute.hop(follow, toward), depth)
            case Union(parts):
                either = " UNION ".join(f"{self.source(part)} RETURN n" for part in parts)
                return f"CALL (*) {{ {either} }}"
            case Intersection((first, *rest)):
                others = [self._list(self.source(part)) for part in rest]
                within = " AND ".join(f"n IN {other}" for other in others)
                return f"{self.source(first)} WITH n WHERE {within}"
            case Difference(of, other):
                without = self._list(self.source(other))
                return f"{self.source(of)} WITH n WHERE NOT n IN {without}"
            case Between(causes, effects, follow):
                above = self._walk(self.source(effects), execute.hop(follow, "causes"), None)
                within = self._list(above)
                start = f"{self.source(causes)} WITH n WHERE n IN {within}"
                return self._walk(start, execute.hop(follow, "effects"), None, within)
            case _:
                raise NotOneStatement

    def ends(self, plan: Ends, follow: EdgeFilter) -> tuple[str, str]:
        """The text of those members of a set from which no other is reached, and one of which is reached from
        each of the others: these are no ends where that leads on to one that is (on a cycle it need not).

        Each member is walked from by itself, until the walk meets another.
        """
        toward: Toward = "causes" if plan.way == "roots" else "effects"
        hop, tying = execute.hop(plan.follow, toward), execute.tying(plan.follow, toward)
        kept = plan.of if isinstance(plan.of, FilterBy) else None
        walk = plan.of if kept is None else kept.of
        if not (isinstance(walk, Traverse) and _goes_along(walk, hop) and plan.follow == follow):
            raise NotOneStatement
        # All that members lead to is within reach of where the set was walked to from.
        reach = members = self._list(self._walk(self.source(walk.of), tying, None))
        if hop != tying:
            members = self._list(self.source(plan.of))
        elif kept is not None:
            text = self._sieve(kept.condition).text
            members = self._list(f"UNWIND {reach} AS n WITH n WHERE {text}")
        few = f"size({members}) * size({reach}) <= {_WAYS}"
        self.fits.append(few)
        self.lists.append(f"""
CALL (*) {{ UNWIND CASE WHEN {few} THEN {members} ELSE [] END AS n
  CALL (*) {{ MATCH (n) {cypher.quantified(tying, least=1)} (o)
    WITH DISTINCT o WHERE o IN {members} WITH o LIMIT 1 RETURN head(collect(o.uid)) AS met }}
  RETURN collect([n, met]) AS met }}""")
        onward = f"[p IN met WHERE p[1] IS NOT NULL | p[0].uid + '{cypher.SEPARATOR}' + p[1]]"
        return "UNWIND [p IN met WHERE p[1] IS NULL | p[0]] AS n", onward

    def _by_ids(self, ids: list[str]) -> str:
        return (
            f"UNWIND {self._bound(ids)} AS uid "
            "MATCH (n:Node {uid: uid}) USING INDEX SEEK n:Node(uid) WITH n"
        )

    def _walk(self, start: str, hop: Hop, depth: int | None, within: str | None = None) -> str:
        """The text of a walk. Each start is walked from by itself; ``DISTINCT`` lets the server visit a
        node once (``compile.reach``).
        """
        arrow = cypher.quantified(hop, most=depth, within=within)
        return f"{start} WITH n AS s MATCH (s) {arrow} (n) WITH DISTINCT n"

    def _list(self, source: str) -> str:
        """The name of a list of the nodes of a set, which is too large where it is longer than it may be."""
        name = f"l{len(self.lists)}"
        self.lists.append(
            f"\nCALL (*) {{ {source} WITH n LIMIT $many RETURN collect(n) AS {name} }}"
        )
        self.fits.append(f"size({name}) < $many")
        return name

    def _name(self, called: Called) -> str:
        """The name of a list of the one node that is called so: what means several is no start of anything.
        What it may mean is a list of its own.
        """
        number = self.names.get(called)
        if number is None:
            number = self.names[called] = len(self.names)
            by_id = self._by_ids([called.id])
            held = self._sieve(_labelled(called))
            but = self._bound(sorted(called.but))
            self.lists.append(f"""
CALL (*) {{ {by_id} RETURN collect(n) AS i{number} }}
CALL (*) {{ UNWIND CASE i{number} WHEN [] THEN [1] ELSE [] END AS once {held.match}
  WITH n WHERE {held.text} LIMIT 2 RETURN collect(n) AS j{number} }}
WITH *, i{number} + j{number} AS c{number}
WITH *, [n IN c{number} WHERE size(c{number}) = 1 AND NOT n.kind IN {but}] AS o{number}""")
        return f"o{number}"

    def _sieve(self, condition: Condition, *, inexact: bool = False) -> Sieve:
        """The sieve of a condition, its parameters among ours."""
        held = sieve(condition)
        if not held.exact and not inexact:
            raise NotOneStatement
        held = held.named(f"p{len(self.parameters)}")
        self.parameters |= held.parameters
        return held

    def _bound(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return "$" + name


def _labelled(called: Called) -> Condition:
    label = LabelIs(called.label)
    return label if called.kinds is None else AllOf((KindIn(called.kinds), label))


def _goes_along(walk: Traverse, hop: Hop) -> bool:
    """Whether a walk goes as far as it can, by these hops."""
    return walk.depth is None and execute.hop(walk.follow, walk.toward) == hop
