# SPDX-License-Identifier: Apache-2.0
"""Every Cypher text there is: labels, types and properties out of our own tables, values never.

Texts are few and the same each time, so that the server plans each once. Reads answer with one
row of lists: a row costs the driver twenty times what a list element does (docs/reference/engines.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lineage.model import kinds, terms
from lineage.model.relation import cypher_type, of_cypher_type
from lineage.store.base import NOW, Hop, View


class _Types(dict[str, str]):
    """Relationship type -> relation, those of newer versions too: one follows from the other."""

    def __missing__(self, type_: str) -> str:
        return of_cypher_type(type_)


TYPES = _Types({relation.cypher: relation.name for relation in terms.TABLE})
#: What the default walk may take; weak ``alternateOf`` is told apart by ``follow``.
_FOLLOWED = "|".join(relation.cypher for relation in terms.TABLE if relation.follow)
_KIND_LABELS = ":".join(kinds.KINDS)

#: Property of a standing claim, unique for each relationship type; removed when the claim ends.
KEY = "key"


def _unique(name: str, pattern: str, what: str) -> tuple[str, str]:
    return name, f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {pattern} REQUIRE {what} IS UNIQUE"


#: Name of a constraint or index -> the statement that makes it. The head remembers which there are.
SCHEMA: Mapping[str, str] = dict(
    (
        _unique("node_uid", "(n:Node)", "n.uid"),
        _unique("entry_seq", "(e:LedgerEntry)", "e.seq"),
        _unique("head_one", "(h:LedgerHead)", "h.one"),
        _unique("value_name", "(v:LedgerValue)", "v.name"),
        _unique("migration_number", "(m:LedgerMigration)", "m.number"),
        *(
            _unique(f"{row.cypher.lower()}_{KEY}", f"()-[r:{row.cypher}]-()", f"r.{KEY}")
            for row in terms.TABLE
        ),
        ("node_kind", "CREATE INDEX node_kind IF NOT EXISTS FOR (n:Node) ON (n.kind, n.label)"),
    )
)


#: What a server that died while it laid out a store may leave behind: indexes of constraints that
#: were never made, in whose way ``IF NOT EXISTS`` then stands.
ORPHANS = """
SHOW INDEXES YIELD name, owningConstraint
WHERE owningConstraint IS NULL AND name IN $names RETURN collect(name)"""


#: Those of them that are plain indexes.
INDEXES = frozenset({"node_kind"})


def drop_index(name: str) -> str:
    """Drop an index of ours."""
    return f"DROP INDEX {name} IF EXISTS"


def labels(kind: str) -> str:
    """The labels of a kind: Node, its family, itself."""
    return ":".join(dict.fromkeys(("Node", kinds.family(kind), kind)))


# --- the ledger ---

#: Taking the head's lock first makes writers take turns: the server's default is read-committed.
LOCK_HEAD = """
MERGE (h:LedgerHead {one: 1})
ON CREATE SET h.size = 0, h.peaks = '', h.layout = $layout, h.terms = 0
SET h.locked = true RETURN h.size, h.peaks, coalesce(h.terms, 0)"""
READ_HEAD = "OPTIONAL MATCH (h:LedgerHead {one: 1}) RETURN h.size, h.peaks, h.layout, h.schema"
HOLDS_ANYTHING = "RETURN EXISTS { MATCH (n) }"
MOVE_HEAD = "MATCH (h:LedgerHead {one: 1}) SET h.size = $size, h.peaks = $peaks"
MARK_SCHEMA = "MATCH (h:LedgerHead {one: 1}) SET h.schema = $names"
NEW_ENTRY = "CREATE (e:LedgerEntry) SET e = $entry"
_BETWEEN = "MATCH (e:LedgerEntry) WHERE e.seq > $after AND e.seq <= $last"
HEADERS = f"""
{_BETWEEN} WITH e ORDER BY e.seq LIMIT $limit RETURN collect(e {{.*, body: null}})"""
HEADERS_AT = """
MATCH (e:LedgerEntry) USING INDEX SEEK e:LedgerEntry(seq) WHERE e.seq IN $seqs AND e.seq <= $last
RETURN collect(e {.*, body: null})"""
BODIES = """
MATCH (e:LedgerEntry) USING INDEX SEEK e:LedgerEntry(seq) WHERE e.seq IN $seqs
RETURN collect([e.seq, e.body])"""
LEAVES = f"{_BETWEEN} WITH e ORDER BY e.seq LIMIT $limit RETURN collect(e.leaf)"

# --- what is kept beside graph and ledger ---

VALUES = """
MATCH (v:LedgerValue) USING INDEX SEEK v:LedgerValue(name) WHERE v.name IN $names
RETURN collect([v.name, v.value])"""
VALUES_UNDER = """
MATCH (v:LedgerValue) WHERE v.name STARTS WITH $prefix AND v.name > $after
WITH v ORDER BY v.name LIMIT $limit RETURN collect([v.name, v.value])"""
KEEP_VALUES = """
UNWIND $rows AS row MERGE (v:LedgerValue {name: row[0]}) SET v.value = row[1]"""
DROP_VALUES = "UNWIND $names AS name MATCH (v:LedgerValue {name: name}) DELETE v"
COUNT_TERMS = "MATCH (h:LedgerHead {one: 1}) SET h.terms = $terms"

# --- writing ---

KNOWN = """
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect([n.uid, n.kind, n.until IS NULL, n.claims])"""


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


END_NODES = """
UNWIND $rows AS row MATCH (n:Node {uid: row.uid}) SET n.until = $seq, n.claims = row.claims"""


@lru_cache(maxsize=64)
def new_edges(relation: str) -> str:
    """Create edges of one relation; the count shows that no end was missing."""
    return f"""
UNWIND $rows AS row MATCH (a:Node {{uid: row.effect}}) MATCH (b:Node {{uid: row.cause}})
CREATE (a)-[r:{terms.RELATIONS[relation].cypher}]->(b) SET r = row.edge RETURN count(r)"""


@lru_cache(maxsize=64)
def claimed_edges(relation: str) -> str:
    """Which keys of one relation stand."""
    return f"""
UNWIND $keys AS key MATCH ()-[r:{terms.RELATIONS[relation].cypher} {{{KEY}: key}}]->()
RETURN collect(key)"""


@lru_cache(maxsize=64)
def end_edges(relation: str) -> str:
    """End standing claims of one relation."""
    return f"""
UNWIND $keys AS key MATCH ()-[r:{terms.RELATIONS[relation].cypher} {{{KEY}: key}}]->()
SET r.until = $seq REMOVE r.{KEY}"""


DELETE_EDGES = "MATCH (:Node)-[r]->() WITH r LIMIT $limit DELETE r RETURN count(*)"
DELETE_NODES = "MATCH (n:Node) WITH n LIMIT $limit DELETE n RETURN count(*)"

# --- reading ---

_STANDS = {
    True: "{0}.until IS NULL",
    False: "{0}.since <= $as_of AND ({0}.until IS NULL OR {0}.until > $as_of)",
}


def _stands(view: View, name: str) -> str:
    return _STANDS[view.as_of is None].format(name)


def _taken(hop: Hop, name: str) -> tuple[str, str]:
    """The types a hop takes, and the condition on top of them."""
    if hop.relations is None:
        return _FOLLOWED, f"{name}.follow AND "
    types = "|".join(sorted(map(cypher_type, hop.relations)))
    if hop.followed:
        return types, f"{name}.follow AND "
    sameness = terms.RELATIONS[terms.SAMENESS].cypher
    return types, f"(type({name}) <> '{sameness}' OR {name}.follow) AND " if hop.tied else ""


#: Unit separator: no IRI holds it, and JSON text escapes it. What may hold anything comes last.
SEPARATOR = "\x1f"
_PLUS = f" + '{SEPARATOR}' + "
#: One text an edge and one a node: the driver pays for each element of a list, not for its length.
_NODE = _PLUS.join(("n.uid", "n.kind", "n.attributes", "coalesce('=' + n.label, '')"))
#: An edge's identifier and bundle are one property, mostly absent: looking for what is not there
#: costs the server a walk through all that is.
_TAIL = _PLUS.join((f"coalesce(e.named, '{SEPARATOR}')", "e.attributes"))


def _edge(effect: str, cause: str) -> str:
    return _PLUS.join(("type(e)", f"{effect}.uid", f"{cause}.uid", _TAIL))


#: As of an entry, what is shown of a node follows from its claims.
_PAST_NODE = "[n.uid, n.claims]"


def at_one_head(text: str, *columns: str) -> str:
    """A read of some columns between two looks at the ledger's head, in one statement: the server
    reads what is committed, not a snapshot, and equal looks say that nothing was meanwhile.
    """
    return f"""
OPTIONAL MATCH (h:LedgerHead {{one: 1}}) WITH h.size AS begun
CALL () {{ {text} }}
OPTIONAL MATCH (g:LedgerHead {{one: 1}})
RETURN {", ".join(columns)}, begun, g.size, g.peaks"""


@lru_cache(maxsize=256)
def walk(hop: Hop, view: View) -> str:
    """Everything within reach, as one row of two lists, or no lists where there is too much.

    The condition is one hop's own, inside a quantified pattern under DISTINCT: the planner turns
    that into VarLengthExpand(Pruning,BFS,All), which visits each node once. The starts are
    unwound: behind ``uid IN $start`` the planner drops the DISTINCT (seen on 5.26.31), and nodes
    that two starts reach come twice. The seek is demanded: on a nearly empty database the planner
    would rather scan the index, and keep that plan while the graph grows.
    """
    types, follow = _taken(hop, "e")
    condition = follow + _stands(view, "e")
    left, right = ("-", "->") if hop.toward == "causes" else ("<-", "-")
    shown = _NODE if view.as_of is None else _PAST_NODE
    edge = _edge("n", "m") if hop.toward == "causes" else _edge("m", "n")
    gone = " WHERE s.until IS NULL" if view.as_of is None else ""
    return at_one_head(
        f"""
UNWIND $start AS uid MATCH (s:Node {{uid: uid}}) USING INDEX SEEK s:Node(uid){gone}
WITH s MATCH (s) ((a){left}[e:{types}]{right}(b) WHERE {condition}){{0,}} (n)
WITH DISTINCT n LIMIT $most
WITH collect(n) AS ns
RETURN CASE WHEN size(ns) < $most THEN [n IN ns | {shown}] END AS nodes,
CASE WHEN size(ns) < $most THEN
  COLLECT {{ UNWIND ns AS n MATCH (n){left}[e:{types}]{right}(m) WHERE {condition} RETURN {edge} }}
END AS edges""",
        "nodes",
        "edges",
    )


@lru_cache(maxsize=256)
def reached(hop: Hop, view: View, depth: int | None, *, bounded: bool = False) -> str:
    """Binds ``n`` to what is within reach, so many hops at most, and without leaving some nodes;
    the same pattern as that of ``walk``.
    """
    types, follow = _taken(hop, "e")
    condition = follow + _stands(view, "e") + (" AND b.uid IN $within" if bounded else "")
    left, right = ("-", "->") if hop.toward == "causes" else ("<-", "-")
    most = "" if depth is None else str(depth)
    gone = " WHERE s.until IS NULL" if view.as_of is None else ""
    return f"""
UNWIND $start AS uid MATCH (s:Node {{uid: uid}}) USING INDEX SEEK s:Node(uid){gone}
WITH s MATCH (s) ((a){left}[e:{types}]{right}(b) WHERE {condition}){{0,{most}}} (n)
WITH DISTINCT n"""


def names(source: str) -> str:
    """The identifiers of what a source binds ``n`` to."""
    return at_one_head(source + " RETURN collect(n.uid) AS found", "found")


def page(source: str) -> str:
    """The nodes that a source binds ``n`` to, by identifier, so many at most."""
    read = f"{source} WITH n ORDER BY n.uid LIMIT $most RETURN collect({_NODE}) AS found"
    return at_one_head(read, "found")


def gathered(source: str, step: Hop) -> str:
    """The same nodes, with all edges from them toward causes: one row of two lists."""
    types, follow = _taken(step, "e")
    return at_one_head(
        f"""{source}
WITH n ORDER BY n.uid LIMIT $most WITH collect(n) AS ns
RETURN [n IN ns | {_NODE}] AS nodes, COLLECT {{
  UNWIND ns AS n MATCH (n)-[e:{types}]->(m) WHERE {follow}{_stands(NOW, "e")}
  RETURN {_edge("n", "m")} }} AS edges""",
        "nodes",
        "edges",
    )


#: Binds ``n`` to nodes by identifier.
NAMED = """
UNWIND $start AS uid MATCH (n:Node {uid: uid}) USING INDEX SEEK n:Node(uid) WHERE n.until IS NULL
WITH DISTINCT n"""


@lru_cache(maxsize=256)
def hop(step: Hop, view: View) -> str:
    """The edges one hop takes from some nodes."""
    types, follow = _taken(step, "e")
    left, right = ("-", "->") if step.toward == "causes" else ("<-", "-")
    edge = _edge("n", "m") if step.toward == "causes" else _edge("m", "n")
    read = f"""
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
MATCH (n){left}[e:{types}]{right}(m) WHERE {follow}{_stands(view, "e")}
RETURN collect({edge}) AS found"""
    return at_one_head(read, "found")


@lru_cache(maxsize=8)
def get(view: View) -> str:
    """Nodes by identifier."""
    stands, shown = (" AND n.until IS NULL", _NODE) if view.as_of is None else ("", _PAST_NODE)
    read = f"""
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids{stands}
RETURN collect({shown}) AS found"""
    return at_one_head(read, "found")


@lru_cache(maxsize=8)
def spoken_of(view: View) -> str:
    """The relations that mention nodes in a view, as effect and as cause."""
    stands = _stands(view, "r")
    return f"""
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect([n.uid,
  COLLECT {{ MATCH (n)-[r]->() WHERE {stands} RETURN DISTINCT type(r) }},
  COLLECT {{ MATCH (n)<-[r]-() WHERE {stands} RETURN DISTINCT type(r) }}])"""


IDENTIFIERS = """
MATCH (n:Node) WHERE n.uid > $after AND n.since <= $last
WITH n.uid AS uid ORDER BY uid LIMIT $limit RETURN collect(uid)"""
HELD_NODES = """
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids
RETURN collect([n.uid, n.kind, n.label, n.attributes, n.since, n.until, n.claims])"""
HELD_EDGES = """
MATCH (n:Node) USING INDEX SEEK n:Node(uid) WHERE n.uid IN $ids MATCH (n)-[e]->(m)
RETURN collect([n.uid, type(e), m.uid, e.variant, e.follow, e.attributes, e.named,
  e.asserted_by, e.since, e.until])"""
ASSERTED_NODES = """
MATCH (n:Node) WHERE n.uid > $after AND any(c IN n.claims WHERE c STARTS WITH $stem)
WITH n ORDER BY n.uid LIMIT $limit RETURN collect([n.uid, n.claims])"""


@lru_cache(maxsize=8)
def asserted_edges(view: View) -> str:
    """The edges that a source asserts, node by node."""
    return f"""
MATCH (n:Node) WHERE n.uid > $after AND EXISTS {{ (n)-[x]->() WHERE x.asserted_by = $source }}
WITH n ORDER BY n.uid LIMIT $limit
RETURN collect([n.uid, COLLECT {{ MATCH (n)-[e]->(m) WHERE e.asserted_by = $source
  AND {_stands(view, "e")} AND NOT type(e) IN $implied RETURN {_edge("n", "m")} }}])"""


EVERY = at_one_head("MATCH (n:Node) WHERE n.until IS NULL RETURN collect(n.uid) AS found", "found")
COUNT_NODES = "MATCH (n:Node) WHERE n.until IS NULL WITH n.kind AS kind, count(*) AS number RETURN collect([kind, number])"
#: Relationship types of edges that only stand because others imply them.
IMPLIED = [relation.cypher for relation in terms.TABLE if relation.implied_by]
COUNT_EDGES = """
MATCH (a:Node)-[e]->(b) WHERE e.until IS NULL AND NOT type(e) IN $implied
RETURN count(DISTINCT [elementId(a), type(e), elementId(b), e.variant])"""
DERIVED = """
MATCH (n:Node) WHERE n.uid > $after WITH n ORDER BY n.uid LIMIT $limit
RETURN collect([n.uid, labels(n), properties(n),
  COLLECT { MATCH (n)-[e]->(m) WHERE e.until IS NULL OR e.key IS NOT NULL
    RETURN [type(e), m.uid, e.variant, e.asserted_by, e.until, e.key] }])"""
