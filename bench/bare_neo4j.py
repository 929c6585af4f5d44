# SPDX-License-Identifier: Apache-2.0
"""The rival on Neo4j: bare UNWIND in, the best Cypher we can write by hand out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import neo4j

from lineage.model import terms
from lineage.model.record import Batch, text

_TYPES = "|".join(relation.cypher for relation in terms.TABLE)
#: The one-row form: a row of two lists, planned as pruning breadth-first expansion.
_WALK = """
MATCH (s:Node {{uid: $uid}}) MATCH (s){left}[:{types}*0..]{right}(n)
WITH DISTINCT n WITH collect(n) AS ns
RETURN [n IN ns | [n.uid, n.kind, n.label, n.attributes]],
COLLECT {{ UNWIND ns AS n MATCH (n){left}[e:{types}]{right}()
  RETURN [type(e), startNode(e).uid, endNode(e).uid, e.attributes] }}"""
_ROWS = 5_000


class Bare:
    """Nodes and edges in a database, merged on a unique identifier and a unique edge key."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.driver = neo4j.GraphDatabase.driver(
            url, auth=(user, password), notifications_min_severity="OFF", telemetry_disabled=True
        )
        self.session = self.driver.session(database="neo4j")
        self._run("CREATE CONSTRAINT node_uid IF NOT EXISTS FOR (n:Node) REQUIRE n.uid IS UNIQUE")
        for relation in terms.TABLE:
            self._run(
                f"CREATE CONSTRAINT {relation.cypher.lower()}_key IF NOT EXISTS "
                f"FOR ()-[r:{relation.cypher}]-() REQUIRE r.key IS UNIQUE"
            )
        self._run("CALL db.awaitIndexes(300)")

    def _run(self, query: str, **parameters: Any) -> None:
        self.session.run(query, parameters).consume()

    def load(self, batches: Iterable[Batch]) -> None:
        """Nodes by MERGE, edges of one type at a time by MERGE on their key, in batches of 5,000."""
        for batch in batches:
            with self.session.begin_transaction() as tx:
                nodes = [
                    {
                        "uid": n.id,
                        "kind": n.kind,
                        "label": n.label,
                        "attributes": text(n.attributes),
                    }
                    for n in batch.nodes
                ]
                for rows in _chunks(nodes):
                    tx.run(
                        "UNWIND $rows AS row MERGE (n:Node {uid: row.uid}) SET n += row", rows=rows
                    ).consume()
                edges: dict[str, list[dict[str, Any]]] = {}
                for edge in batch.edges:
                    key = f"{edge.effect} {edge.cause} {text(edge.attributes)}"
                    edges.setdefault(terms.RELATIONS[edge.relation].cypher, []).append(
                        {
                            "a": edge.effect,
                            "b": edge.cause,
                            "key": key,
                            "p": {"key": key, "attributes": text(edge.attributes)},
                        }
                    )
                for type_, found in edges.items():
                    for rows in _chunks(found):
                        tx.run(
                            "UNWIND $rows AS row MATCH (a:Node {uid: row.a}) "
                            "MATCH (b:Node {uid: row.b}) "
                            f"MERGE (a)-[r:{type_} {{key: row.key}}]->(b) SET r += row.p",
                            rows=rows,
                        ).consume()
                tx.commit()

    def walk(self, ident: str, toward: str = "causes") -> tuple[list[Any], list[Any]]:
        """Everything within reach, as two lists of lists."""
        left, right = ("-", "->") if toward == "causes" else ("<-", "-")
        query = _WALK.format(types=_TYPES, left=left, right=right)
        nodes, edges = self.session.run(query, uid=ident).single(strict=True).values()
        return nodes, edges

    def close(self) -> None:
        """Release the connection."""
        self.session.close()
        self.driver.close()


def _chunks(rows: Sequence[Any]) -> Iterable[list[Any]]:
    left = iter(rows)
    while chunk := list(islice(left, _ROWS)):
        yield chunk
