# SPDX-License-Identifier: Apache-2.0
"""How much a store holds now, out of what the server counts as it writes."""

from __future__ import annotations

from collections import Counter

from lineage.model import kinds
from lineage.store.base import Stats
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.client import Client
from lineage.store.neo4j.schema import IMPLIED


def _number(pattern: str) -> str:
    return f"COUNT {{ {pattern} }}"


_LABELLED = ", ".join(f"['{kind}', {_number(f'(n:{kind})')}]" for kind in kinds.KINDS)
_EDGES = " - ".join(
    _number(f"(:Node)-[e{type_}]->()") for type_ in ("", *(f":{type_}" for type_ in IMPLIED))
)
#: Whether nothing but things and the ledger is in the database, how many nodes have each label, and how many
#: edges lead from a thing: no node and no edge is looked at.
_COUNTED = cypher.at_one_head(
    f"""
RETURN {_number("(n)")} = {_number("(n:Node)")} + {_number("(n:Ledger)")} AS alone,
[{_LABELLED}] AS labelled, {_EDGES} AS edges""",
    "alone",
    "labelled",
    "edges",
)
_EVERY_NODE = cypher.at_one_head(
    "MATCH (n:Node) WITH n.kind AS kind, count(*) AS number RETURN collect([kind, number]) AS found",
    "found",
)
_EVERY_EDGE = cypher.at_one_head(
    f"MATCH (:Node)-[e]->(:Node) WHERE NOT type(e) IN {IMPLIED} RETURN count(e) AS found", "found"
)


def stats(client: Client, *, all_known: bool) -> Stats:
    """See ``Store.stats``, of the graph as it stands. Where kinds are in it that this version does not know, or
    nodes that somebody else keeps beside ours, under labels as ours perhaps, every node is looked at.
    """
    alone, labelled, edges = client.one(_COUNTED)
    if alone and all_known:
        held = _by_kind(dict(labelled))
    else:
        [found], [edges] = client.one(_EVERY_NODE), client.one(_EVERY_EDGE)
        held = dict(found)
    head = client.moments.head()
    return Stats.of(held, edges, head)


def _by_kind(labelled: dict[str, int]) -> dict[str, int]:
    """How many nodes there are of each kind: the label of a family is on all of it."""
    others: Counter[str] = Counter()
    for kind, number in labelled.items():
        if kind not in kinds.PLAIN:
            others[kinds.family(kind)] += number
    held = {kind: number - others[kind] for kind, number in labelled.items()}
    return {kind: number for kind, number in held.items() if number}
