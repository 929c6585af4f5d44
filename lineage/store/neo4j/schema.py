# SPDX-License-Identifier: Apache-2.0
"""Labels, relationship types, constraints and indexes: all of them follow from the kinds and relations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from lineage.model import kinds, terms
from lineage.model.relation import of_cypher_type


class _Types(dict[str, str]):
    """Relationship type -> relation, those of newer versions too: one follows from the other."""

    def __missing__(self, type_: str) -> str:
        return of_cypher_type(type_)


TYPES = _Types({relation.cypher: relation.name for relation in terms.TABLE})
#: Relationship types of edges that only stand because others imply them.
IMPLIED = [relation.cypher for relation in terms.TABLE if relation.implied_by]

#: Property of an edge, unique for each relationship type.
KEY = "key"
#: The full-text index over the names of nodes.
TEXT = "node_text"


@lru_cache(maxsize=64)
def labels(kind: str) -> str:
    """The labels of a kind: Node, its family, itself."""
    return ":".join(dict.fromkeys(("Node", kinds.family(kind), kind)))


def indexed() -> Iterator[tuple[str, str]]:
    """Label and property of what people look nodes up by: names, and what the kinds declare."""
    yield "Node", "name"
    for kind in kinds.KINDS:
        if kind not in kinds.PLAIN:  # their labels are on every node of the family
            yield kind, "name"
        for field in kinds.fields_of(kind):
            if field.metadata[kinds.INDEXED]:
                yield kind, field.name


def _unique(name: str, pattern: str, what: str) -> tuple[str, str]:
    return name, f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {pattern} REQUIRE {what} IS UNIQUE"


def _index(name: str, pattern: str, what: str) -> tuple[str, str]:
    return name, f"CREATE INDEX {name} IF NOT EXISTS FOR {pattern} ON ({what})"


_CONSTRAINTS = (
    _unique("node_uid", "(n:Node)", "n.uid"),
    _unique("ledger_one", "(l:Ledger)", "l.one"),
    _unique("ledger_entry_seq", "()-[e:LEDGER_ENTRY]-()", "e.seq"),
    _unique("ledger_value_name", "()-[v:LEDGER_VALUE]-()", "v.name"),
    _unique("ledger_migration_number", "()-[m:LEDGER_MIGRATION]-()", "m.number"),
    _unique("gone_node_uid", "()-[g:GONE_NODE]-()", "g.uid"),
    *(
        _unique(f"{row.cypher.lower()}_{KEY}", f"()-[r:{row.cypher}]-()", f"r.{KEY}")
        for row in terms.TABLE
    ),
)
#: Updated behind the commit: a word of a name costs the writer nothing.
_TEXT_INDEX = f"""
CREATE FULLTEXT INDEX {TEXT} IF NOT EXISTS FOR (n:Node) ON EACH [n.name]
OPTIONS {{indexConfig: {{`fulltext.eventually_consistent`: true}}}}"""
_INDEXES = (
    _index("past_node_uid", "()-[p:PAST_NODE]-()", "p.uid"),
    _index("past_node_until", "()-[p:PAST_NODE]-()", "p.until"),
    _index("past_edge_until", "()-[p:PAST_EDGE]-()", "p.until"),
    _index("past_edge_effect", "()-[p:PAST_EDGE]-()", "p.effect"),
    _index("past_edge_cause", "()-[p:PAST_EDGE]-()", "p.cause"),
    *(_index(f"{label}_{name}".lower(), f"(n:{label})", f"n.{name}") for label, name in indexed()),
    (TEXT, _TEXT_INDEX),
)
#: Name of a constraint or index -> the statement that makes it. The head remembers which there are.
SCHEMA: Mapping[str, str] = dict((*_CONSTRAINTS, *_INDEXES))
#: Those of them that are constraints.
CONSTRAINTS = tuple(name for name, _ in _CONSTRAINTS)

#: What a server that died while it laid out a store may leave behind: indexes of constraints that
#: were never made, in whose way ``IF NOT EXISTS`` then stands.
ORPHANS = """
SHOW INDEXES YIELD name, owningConstraint
WHERE owningConstraint IS NULL AND name IN $names RETURN collect(name)"""


def drop_index(name: str) -> str:
    """Drop an index of ours."""
    return f"DROP INDEX {name} IF EXISTS"
