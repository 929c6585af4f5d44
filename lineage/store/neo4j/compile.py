# SPDX-License-Identifier: Apache-2.0
"""Cypher over the graph as it stands: labels, types and properties out of our own tables, values never.

Nodes and relationships are the graph as it stands now, and nothing else; what stood before hangs on
the node ``Ledger`` (``past``). Texts are few and the same each time, so that the server plans each once.
Reads answer with one row of lists: a row costs the driver twenty times what a list element does
(docs/reference/engines.md).
"""

from __future__ import annotations

from functools import lru_cache

from lineage.model import kinds, terms
from lineage.model.relation import cypher_type
from lineage.store.base import Hop
from lineage.store.neo4j.commits import MARKED
from lineage.store.neo4j.schema import KEY, labels

#: What the default walk may take; weak ``alternateOf`` is told apart by ``follow``.
_FOLLOWED = "|".join(relation.cypher for relation in terms.TABLE if relation.follow)
_KIND_LABELS = ":".join(kinds.KINDS)

# --- writing ---

#: What there is of some nodes, and since when those were there that are gone.
KNOWN = """
RETURN COLLECT {
  MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
  RETURN [n.uid, n.kind, n.claims] } AS known, COLLECT {
  MATCH ()-[g:GONE_NODE]->() USING INDEX SEEK g:GONE_NODE(uid) WHERE g.uid IN $ids
  RETURN [g.uid, g.since] } AS gone"""


@lru_cache(maxsize=64)
def new_nodes(kind: str) -> str:
    """Create nodes of one kind."""
    return f"UNWIND $rows AS row CREATE (n:{labels(kind)}) SET n = row"


@lru_cache(maxsize=64)
def show_nodes(kind: str) -> str:
    """Change what nodes show, which may be another kind than before."""
    return f"""
UNWIND $rows AS row MATCH (n:Node {{uid: row.uid}})
WITH n, row, n.since AS since
REMOVE n:{_KIND_LABELS} SET n = row, n.since = since SET n:{labels(kind)}"""


@lru_cache(maxsize=64)
def new_edges(relation: str) -> str:
    """Create edges of one relation; the count shows that no end was missing."""
    return f"""
UNWIND $rows AS row MATCH (a:Node {{uid: row.effect}}) MATCH (b:Node {{uid: row.cause}})
CREATE (a)-[r:{terms.RELATIONS[relation].cypher}]->(b) SET r = row.edge RETURN count(r)"""


@lru_cache(maxsize=64)
def claimed_edges(relation: str) -> str:
    """Which edges of one relation stand, who asserts them, and since when."""
    return f"""
UNWIND $keys AS key MATCH ()-[r:{terms.RELATIONS[relation].cypher} {{{KEY}: key}}]->()
RETURN collect([key, r.asserted_by, coalesce(r.asserted_since, [r.since])])"""


@lru_cache(maxsize=64)
def assert_edges(relation: str) -> str:
    """Change who asserts edges of one relation."""
    return f"""
UNWIND $rows AS row MATCH ()-[r:{terms.RELATIONS[relation].cypher} {{{KEY}: row.key}}]->()
SET r += row"""


@lru_cache(maxsize=64)
def delete_edges(relation: str) -> str:
    """Delete edges of one relation, which nobody asserts any more."""
    return f"""
UNWIND $keys AS key MATCH ()-[r:{terms.RELATIONS[relation].cypher} {{{KEY}: key}}]->() DELETE r"""


#: How nodes are shown, of which nothing is said any more, before they are deleted.
SHOWN = """
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect([n.uid, n.kind, n.label, n.attributes, n.since])"""
GONE_NODES = "UNWIND $ids AS uid MATCH (n:Node {uid: uid}) DELETE n"
DELETE_EDGES = "MATCH (:Node)-[r]->() WITH r LIMIT $limit DELETE r RETURN count(*)"
#: With what somebody tied to them by hand.
DELETE_NODES = "MATCH (n:Node) WITH n LIMIT $limit DETACH DELETE n RETURN count(*)"

# --- reading ---


def taken(hop: Hop) -> tuple[str, str]:
    """The types that a hop takes, and the condition that an edge ``e`` of them has to meet as well."""
    if hop.relations is None:
        return _FOLLOWED, "e.follow"
    types = "|".join(sorted(map(cypher_type, hop.relations)))
    if hop.followed:
        return types, "e.follow"
    sameness = terms.RELATIONS[terms.SAMENESS].cypher
    return types, f"(type(e) <> '{sameness}' OR e.follow)" if hop.tied else "true"


def arrow(hop: Hop) -> tuple[str, str]:
    """The two halves of the arrow that a hop goes along."""
    return ("-", "->") if hop.toward == "causes" else ("<-", "-")


def along(hop: Hop) -> tuple[str, str]:
    """The arrow that a hop goes along, and the condition that its edge ``e`` has to meet as well."""
    types, condition = taken(hop)
    left, right = arrow(hop)
    return f"{left}[e:{types}]{right}", condition


def quantified(
    hop: Hop, *, least: int = 0, most: int | None = None, within: str | None = None
) -> str:
    """The arrow along so many hops (``None``: as many as there are), without leaving a list of nodes."""
    pattern, condition = along(hop)
    bounds = "" if within is None else f" AND b IN {within}"
    return f"((a){pattern}(b) WHERE {condition}{bounds}){{{least},{'' if most is None else most}}}"


#: Unit separator: no IRI holds it, and JSON text escapes it. What may hold anything comes last.
SEPARATOR = "\x1f"
_PLUS = f" + '{SEPARATOR}' + "
#: A node, as ``rows.node_rows`` reads it.
NODE = "[n.uid, n.kind, n.label, n.attributes]"
#: What the server calls the nodes of a list, by which ``among`` names the ends of edges: in one statement,
#: and nowhere else. A function that is called deprecated, in every language of every server that there is.
KEYS = "[n IN ns | id(n)]"
#: An edge's identifier and bundle are one property, mostly absent: looking for what is not there
#: costs the server a walk through all that is.
_TAIL = _PLUS.join((f"coalesce(e.named, '{SEPARATOR}')", "e.attributes"))
#: The text of an edge of the past, whose ends are properties.
PAST_EDGE = _PLUS.join(("e.type", "e.effect", "e.cause", _TAIL))


def edge(hop: Hop) -> str:
    """The text of an edge ``e`` that a hop takes from ``n`` to ``m``: the driver pays for each element of a
    list, not for its length.
    """
    effect, cause = _ends(hop)
    return _PLUS.join(("type(e)", f"{effect}.uid", f"{cause}.uid", _TAIL))


#: A claim to an edge ``e`` that leads to ``m``: that of the source which is number ``one`` among those who
#: assert it.
CLAIM = """[type(e), m.uid, e.variant, e.follow, e.attributes, e.named,
    e.asserted_by[one], coalesce(e.asserted_since[one], e.since), null]"""


def among(hop: Hop) -> str:
    """An edge between nodes that are read with it (``KEYS``), as ``rows.edges_among`` reads it: their
    identifiers are read and sent once, not with each edge.
    """
    effect, cause = _ends(hop)
    return f"[type(e), id({effect}), id({cause}), e.attributes, e.named]"


def _ends(hop: Hop) -> tuple[str, str]:
    """The effect and the cause of an edge that a hop takes from ``n`` to ``m``."""
    return ("n", "m") if hop.toward == "causes" else ("m", "n")


def at_one_head(text: str, *columns: str) -> str:
    """A read of some columns between two looks at the ledger's head and at who commits, in one statement:
    the server reads what is committed, not a snapshot, and equal looks say that nothing was meanwhile.
    """
    return f"""
OPTIONAL MATCH (h:Ledger {{one: 1}}) OPTIONAL MATCH {MARKED} WITH h.peaks AS begun, c.at AS before
CALL () {{ {text} }}
OPTIONAL MATCH {MARKED} WITH *, c.at AS after OPTIONAL MATCH (g:Ledger {{one: 1}})
RETURN {", ".join(columns)}, before, after, begun, g.size, g.peaks"""


def reach(pattern: str) -> str:
    """Binds ``n`` to what a pattern reaches from the nodes that are named by ``$start``.

    The condition is one hop's own, inside a quantified pattern under DISTINCT: the planner turns
    that into VarLengthExpand(Pruning,BFS,All), which visits each node once. The starts are
    unwound: behind ``uid IN $start`` the planner drops the DISTINCT (seen on 5.26.31), and nodes
    that two starts reach come twice. The seek is demanded: on a nearly empty database the planner
    would rather scan the index, and keep that plan while the graph grows.
    """
    return f"""
UNWIND $start AS uid MATCH (s:Node {{uid: uid}}) USING INDEX SEEK s:Node(uid)
WITH s MATCH (s) {pattern} (n)
WITH DISTINCT n"""


@lru_cache(maxsize=256)
def reached(hop: Hop, depth: int | None, *, bounded: bool = False) -> str:
    """Binds ``n`` to what is within reach, so many hops at most, and without leaving some nodes."""
    pattern, condition = along(hop)
    if bounded:
        condition += " AND b.uid IN $within"
    most = "" if depth is None else str(depth)
    return reach(f"((a){pattern}(b) WHERE {condition}){{0,{most}}}")


@lru_cache(maxsize=256)
def walk(hop: Hop) -> str:
    """Everything within reach, as one row of lists, or no lists where there is too much."""
    pattern, condition = along(hop)
    return at_one_head(
        f"""{reached(hop, None)} LIMIT $most
WITH collect(n) AS ns
RETURN CASE WHEN size(ns) < $most THEN [n IN ns | {NODE}] END AS nodes,
CASE WHEN size(ns) < $most THEN {KEYS} END AS keys,
CASE WHEN size(ns) < $most THEN
  COLLECT {{ UNWIND ns AS n MATCH (n){pattern}(m) WHERE {condition} RETURN {among(hop)} }}
END AS edges""",
        "nodes",
        "keys",
        "edges",
    )


@lru_cache(maxsize=256)
def kinds_within(hop: Hop, *, counts: bool) -> str:
    """The kind of everything within reach, and its identifier too, or nothing where there is too much."""
    what = "n.kind" if counts else "[n.uid, n.kind]"
    return at_one_head(
        f"""{reached(hop, None)} LIMIT $most
WITH collect(n) AS ns RETURN CASE WHEN size(ns) < $most THEN [n IN ns | {what}] END AS found""",
        "found",
    )


def names(source: str) -> str:
    """The identifiers of what a source binds ``n`` to."""
    return at_one_head(source + " RETURN collect(n.uid) AS found", "found")


def page(source: str) -> str:
    """The nodes that a source binds ``n`` to, by identifier, so many at most."""
    read = f"{source} WITH n ORDER BY n.uid LIMIT $most RETURN collect({NODE}) AS found"
    return at_one_head(read, "found")


def gathered(source: str, step: Hop) -> str:
    """The same nodes, with all edges from them toward causes: one row of two lists."""
    types, condition = taken(step)
    return at_one_head(
        f"""{source}
WITH n ORDER BY n.uid LIMIT $most WITH collect(n) AS ns
RETURN [n IN ns | {NODE}] AS nodes, COLLECT {{
  UNWIND ns AS n MATCH (n)-[e:{types}]->(m) WHERE {condition} RETURN {edge(step)} }} AS edges""",
        "nodes",
        "edges",
    )


#: Binds ``n`` to nodes by identifier.
NAMED = """
UNWIND $start AS uid MATCH (n:Node {uid: uid}) USING INDEX SEEK n:Node(uid) WITH DISTINCT n"""


@lru_cache(maxsize=256)
def hop(step: Hop) -> str:
    """The edges one hop takes from some nodes."""
    pattern, condition = along(step)
    read = f"""
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
MATCH (n){pattern}(m) WHERE {condition}
RETURN collect({edge(step)}) AS found"""
    return at_one_head(read, "found")


GET = at_one_head(
    f"""
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect({NODE}) AS found""",
    "found",
)
#: The relationship types that mention nodes, as effect and as cause.
SPOKEN_OF = """
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect([n.uid,
  COLLECT { MATCH (n)-[r]->() RETURN DISTINCT type(r) },
  COLLECT { MATCH (n)<-[r]-() RETURN DISTINCT type(r) }])"""
ASSERTED_NODES = at_one_head(
    """
MATCH (n:Node) WHERE n.uid > $after AND any(c IN n.claims WHERE c STARTS WITH $stem)
WITH n ORDER BY n.uid LIMIT $limit RETURN collect([n.uid, n.claims]) AS found""",
    "found",
)
#: The edges that a source asserts, node by node.
ASSERTED_EDGES = at_one_head(
    f"""
MATCH (n:Node) WHERE n.uid > $after AND EXISTS {{ (n)-[x]->() WHERE $source IN x.asserted_by }}
WITH n ORDER BY n.uid LIMIT $limit
RETURN collect([n.uid, COLLECT {{ MATCH (n)-[e]->(m)
  WHERE $source IN e.asserted_by AND NOT type(e) IN $implied RETURN {edge(Hop())} }}]) AS found""",
    "found",
)
EVERY = at_one_head("MATCH (n:Node) RETURN collect(n.uid) AS found", "found")
#: What is neither a thing nor the ledger: its labels, and how many there are of them.
FOREIGN = at_one_head(
    """
MATCH (n) WHERE NOT n:Ledger AND (NOT n:Node OR n.uid IS NULL)
WITH labels(n) AS held, count(*) AS number RETURN collect([held, number]) AS found""",
    "found",
)
DERIVED = at_one_head(
    """
MATCH (n:Node) WHERE n.uid > $after WITH n ORDER BY n.uid LIMIT $limit
RETURN collect([n.uid, labels(n), properties(n),
  COLLECT { MATCH (n)-[e]->(m) RETURN [type(e), m.uid, properties(e)] }]) AS found""",
    "found",
)
