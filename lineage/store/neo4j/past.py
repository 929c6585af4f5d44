# SPDX-License-Identifier: Apache-2.0
"""What stood before: out of the way of who looks at the graph as it stands, and found by index.

A claim that ended is a relationship of the node ``Ledger`` to itself, with the identifiers of what it
speaks of as properties: ``PAST_NODE`` for what a source said of a node, ``PAST_EDGE`` for an edge.
A node that is gone altogether is a ``GONE_NODE``. What stood as of an entry is what stands now and stood
then already, and those of the past that had begun and not ended.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple

from lineage.store.base import Hop
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.client import Client
from lineage.store.reference import Clock

_THEN = "{0}.since <= $as_of AND {0}.until > $as_of"
_LEDGER = "MATCH (l:Ledger {one: 1}) UNWIND $rows AS row"

# --- writing ---

END_NODE_CLAIMS = f"{_LEDGER} CREATE (l)-[p:PAST_NODE]->(l) SET p = row"
END_EDGE_CLAIMS = f"{_LEDGER} CREATE (l)-[p:PAST_EDGE]->(l) SET p = row"
GO = f"{_LEDGER} CREATE (l)-[g:GONE_NODE]->(l) SET g = row"
COME_BACK = "UNWIND $ids AS uid MATCH ()-[g:GONE_NODE {uid: uid}]->() DELETE g"
FORGET = """
MATCH ()-[p:PAST_NODE|PAST_EDGE|GONE_NODE]->() WITH p LIMIT $limit DELETE p RETURN count(*)"""

# --- reading ---


def _any(type_: str) -> str:
    """Whether anything of the past stood then: mostly nothing did, and no node need be looked up."""
    return f"""EXISTS {{
  MATCH ()-[p:{type_}]->() USING INDEX SEEK p:{type_}(until) WHERE {_THEN.format("p")} }}"""


@lru_cache(maxsize=256)
def _ended(hop: Hop) -> str:
    """The edges of the past that a hop takes from what ``uids`` names, where ``any_ended``."""
    types, condition = cypher.taken(hop)
    near = "effect" if hop.toward == "causes" else "cause"
    among = ", ".join(f"'{type_}'" for type_ in types.split("|"))
    return f"""CASE WHEN any_ended THEN COLLECT {{
  UNWIND uids AS uid MATCH ()-[e:PAST_EDGE]->() USING INDEX SEEK e:PAST_EDGE({near})
  WHERE e.{near} = uid AND e.type IN [{among}] AND {_THEN.format("e")}
    AND {condition.replace("type(e)", "e.type")}
  RETURN {cypher.PAST_EDGE} }} ELSE [] END"""


@lru_cache(maxsize=256)
def walk(hop: Hop) -> str:
    """What is within reach along the edges that stand now and stood then: nodes with the claims about
    them that stand, edges, the edges of the past from there, and whether any claim about a node has
    ended since; no edges where there is too much.
    """
    types, condition = cypher.taken(hop)
    left, right = cypher.arrow(hop)
    condition += " AND e.since <= $as_of"
    reached = cypher.reach(f"((a){left}[e:{types}]{right}(b) WHERE {condition}){{0,}}")
    return cypher.at_one_head(
        f"""{reached} LIMIT $most
WITH collect(n) AS ns
WITH ns, {_any("PAST_EDGE")} AS any_ended, $start + [n IN ns | n.uid] AS uids
RETURN [n IN ns | [n.uid, n.claims]] AS nodes, CASE WHEN size(ns) < $most THEN COLLECT {{
  UNWIND ns AS n MATCH (n){left}[e:{types}]{right}(m) WHERE {condition} RETURN {cypher.edge(hop)} }}
END AS edges, {_ended(hop)} AS ended, {_any("PAST_NODE")} AS revised""",
        "nodes",
        "edges",
        "ended",
        "revised",
    )


@lru_cache(maxsize=256)
def hop(step: Hop) -> str:
    """The edges one hop takes from some nodes."""
    types, condition = cypher.taken(step)
    left, right = cypher.arrow(step)
    read = f"""
WITH $ids AS uids, {_any("PAST_EDGE")} AS any_ended RETURN COLLECT {{
  MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
  MATCH (n){left}[e:{types}]{right}(m) WHERE {condition} AND e.since <= $as_of
  RETURN {cypher.edge(step)} }} + {_ended(step)} AS found"""
    return cypher.at_one_head(read, "found")


#: The claims about nodes that stood, those that still stand among them.
GET = cypher.at_one_head(
    f"""
WITH {_any("PAST_NODE")} AS revised
UNWIND $ids AS uid OPTIONAL MATCH (n:Node {{uid: uid}})
RETURN collect([uid, coalesce(n.claims, []) + CASE WHEN revised THEN COLLECT {{
  MATCH ()-[p:PAST_NODE]->() USING INDEX SEEK p:PAST_NODE(uid)
  WHERE p.uid = uid AND {_THEN.format("p")} RETURN p.claim }} ELSE [] END]) AS found""",
    "found",
)
#: The claims about nodes that ended.
ENDED = """
UNWIND $ids AS uid RETURN collect([uid, COLLECT {
  MATCH ()-[p:PAST_NODE]->() USING INDEX SEEK p:PAST_NODE(uid) WHERE p.uid = uid
  RETURN p.claim }]) AS found"""
ENDED_AT_ONE_HEAD = cypher.at_one_head(ENDED, "found")
#: The relationship types that mentioned nodes, as effect and as cause.
SPOKEN_OF = cypher.at_one_head(
    f"""
UNWIND $ids AS uid OPTIONAL MATCH (n:Node {{uid: uid}})
RETURN collect([uid,
  COLLECT {{ MATCH (n)-[r]->() WHERE r.since <= $as_of RETURN DISTINCT type(r) }} + COLLECT {{
    MATCH ()-[p:PAST_EDGE]->() USING INDEX SEEK p:PAST_EDGE(effect)
    WHERE p.effect = uid AND {_THEN.format("p")} RETURN DISTINCT p.type }},
  COLLECT {{ MATCH (n)<-[r]-() WHERE r.since <= $as_of RETURN DISTINCT type(r) }} + COLLECT {{
    MATCH ()-[p:PAST_EDGE]->() USING INDEX SEEK p:PAST_EDGE(cause)
    WHERE p.cause = uid AND {_THEN.format("p")} RETURN DISTINCT p.type }}]) AS found""",
    "found",
)
IDENTIFIERS = cypher.at_one_head(
    """
CALL () {
  MATCH (n:Node) WHERE n.uid > $after AND n.since <= $last
  RETURN n.uid AS uid ORDER BY uid LIMIT $limit
  UNION ALL
  MATCH ()-[g:GONE_NODE]->() WHERE g.uid > $after AND g.since <= $last
  RETURN g.uid AS uid ORDER BY uid LIMIT $limit }
WITH uid ORDER BY uid LIMIT $limit RETURN collect(uid) AS found""",
    "found",
)
#: Everything that is held of nodes: how they are shown, and every claim that was ever made of them.
HELD_NODES = cypher.at_one_head(
    """
CALL () {
  MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
  RETURN n AS held, n.claims AS claims, null AS until
  UNION ALL
  MATCH ()-[g:GONE_NODE]->() USING INDEX SEEK g:GONE_NODE(uid) WHERE g.uid IN $ids
  RETURN g AS held, [] AS claims, g.until AS until }
RETURN collect([held.uid, held.kind, held.label, held.attributes, held.since, until, claims + COLLECT {
  MATCH ()-[p:PAST_NODE]->() USING INDEX SEEK p:PAST_NODE(uid) WHERE p.uid = held.uid
  RETURN p.claim }]) AS found""",
    "found",
)
HELD_EDGES = cypher.at_one_head(
    f"""
UNWIND $ids AS uid
RETURN collect([uid, COLLECT {{
  MATCH (n:Node {{uid: uid}})-[e]->(m)
  UNWIND range(0, size(coalesce(e.asserted_by, [])) - 1) AS one
  RETURN {cypher.CLAIM} }} + COLLECT {{
  MATCH ()-[p:PAST_EDGE]->() USING INDEX SEEK p:PAST_EDGE(effect) WHERE p.effect = uid
  RETURN [p.type, p.cause, p.variant, p.follow, p.attributes, p.named, p.source, p.since, p.until] }}]) AS found""",
    "found",
)

#: The claims about nodes, with what is repeated of them for the index.
DERIVED = cypher.at_one_head(
    """
MATCH ()-[p:PAST_NODE]->() WHERE p.uid > $after
WITH p.uid AS uid, collect([p.since, p.until, p.claim]) AS claims
ORDER BY uid LIMIT $limit RETURN collect([uid, claims]) AS found""",
    "found",
)


class Reached(NamedTuple):
    """What was within reach as of an entry: identifiers, and the texts of the edges that lead there.
    ``nodes`` are those that stand now, each with the claims about it, and all there is to know of
    them; ``None`` where something of the past has to be looked up as well.
    """

    uids: set[str]
    edges: list[str]
    nodes: list[Any] | None


def reach(
    client: Client, start: Collection[str], hop: Hop, as_of: int, most: int, clock: Clock
) -> Reached | None:
    """What was within reach as of an entry; nothing where that is more than so many nodes.

    The server walks what stands now in one statement. Only where an edge of the past leads on from
    there is it asked again, from the far end.
    """
    seen: set[str] = set()
    edges: list[str] = []
    whole: list[Any] | None = []
    level = set(start)
    while level:
        clock.check()
        parameters = {"start": sorted(level), "as_of": as_of, "most": most}
        nodes, found, ended, revised = client.one(walk(hop), clock.left, **parameters)
        if found is None:
            return None
        seen.update(level, (uid for uid, _ in nodes))
        edges += found
        edges += ended
        if len(seen) >= most:
            return None
        whole = None if whole is None or revised or ended else whole + nodes
        far = 2 if hop.toward == "causes" else 1
        level = {text.split(cypher.SEPARATOR, 3)[far] for text in ended} - seen
    return Reached(seen, edges, whole)
