# SPDX-License-Identifier: Apache-2.0
"""What is next to one node and who says so, of much of it a part; and how much there is in all, out of what
the server counts as it writes.
"""

from __future__ import annotations

from lineage.store.base import Hop
from lineage.store.claims import Around, Claim, either_side
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.history import claim_of
from lineage.store.neo4j.rows import edge_rows
from lineage.store.neo4j.schema import IMPLIED
from lineage.store.neo4j.write import Assertion
from lineage.store.reference import ASSERTED

_CAUSES, _EFFECTS = (
    Hop(toward="causes", relations=ASSERTED),
    Hop(toward="effects", relations=ASSERTED),
)


def _some(hop: Hop, condition: str = "true") -> str:
    pattern, _ = cypher.along(hop)
    return f"""COLLECT {{
  MATCH (n){pattern}(m) WHERE {condition} RETURN {cypher.edge(hop)} LIMIT $most }}"""


def _number(hop: Hop) -> str:
    """How many edges there are on a side: a node knows, of each type."""
    types, _ = cypher.taken(hop)
    left, right = cypher.arrow(hop)
    return " + ".join(f"COUNT {{ (n){left}[:{type_}]{right}() }}" for type_ in types.split("|"))


_LOOP = cypher.along(_CAUSES)[0]
#: An edge of a node to itself is on the side of its causes alone.
_AROUND = cypher.at_one_head(
    f"""
OPTIONAL MATCH (n:Node {{uid: $uid}})
CALL (n) {{
  OPTIONAL MATCH (n)-[e]->() WHERE NOT type(e) IN {IMPLIED} RETURN sum(size(e.asserted_by)) AS said }}
RETURN {_some(_CAUSES)} AS causes, {_some(_EFFECTS, "m <> n")} AS effects,
{_number(_CAUSES)} + {_number(_EFFECTS)} - COUNT {{ (n){_LOOP}(n) }} AS edges,
coalesce(n.claims, [])[..$most] AS stated, size(coalesce(n.claims, [])) AS statements,
COLLECT {{
  MATCH (n)-[e]->(m) WHERE NOT type(e) IN {IMPLIED}
  UNWIND range(0, size(coalesce(e.asserted_by, [])) - 1) AS one WITH e, m, one LIMIT $most
  RETURN {cypher.CLAIM} }} AS claims, said""",
    "causes",
    "effects",
    "edges",
    "stated",
    "statements",
    "claims",
    "said",
)


def around(client: Client, ident: str, most: int) -> Around:
    """See ``Store.around``, of the graph as it stands."""
    causes, effects, edges, stated, statements, claims, said = client.one(
        _AROUND, uid=ident, most=most
    )
    shown = either_side(edge_rows(causes), edge_rows(effects), most)
    told = [Assertion.of(ident, text) for text in stated]
    kept = [Claim(item.what, item.source, item.since, item.until) for item in told]
    kept += [claim_of(ident, *row) for row in claims[: most - len(kept)]]
    more = statements + said - len(kept)
    return Around(shown, kept, more_edges=(edges or 0) - len(shown), more_claims=more)
