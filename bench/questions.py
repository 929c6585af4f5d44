# SPDX-License-Identifier: Apache-2.0
"""Ten typical questions in the selection language, beside SQL and Cypher written by hand.

The rivals read the same store, as somebody would who knows its tables and has only this one
question: one statement where one does, no certificate, no cursor, no parsing. Ours is the whole of
``ask``, from the text of the query to the answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import neo4j

from bench import engines
from bench.graph import Graph
from bench.measure import Row, at_most, below, say, settle, together, within
from lineage.model import terms
from lineage.services.context import Context
from lineage.services.read.ask import AskRequest
from lineage.store.base import NOW, Store

MODELS = 9
#: How many times the rival's time each question may take, and the median of them all.
_MOST = {"sqlite": (1.2, 1.2), "neo4j": (1.7, 1.25)}
#: A question that the rival answers in less (seconds) has a limit of its own.
_SMALL, _LIMIT = 0.0002, 0.00025
#: Name of the question, its text, and how often its rival is asked: {m} a model, {l} its label,
#: {h} the dataset that a third of the graph hangs on.
QUESTIONS: Mapping[str, str] = {
    "upstream": '+"{m}"',
    "downstream": 'model:"{l}"+',
    "layers": '2+"{m}"+1',
    "upstream of one kind": '+"{m}" and kind:datasetversion',
    "absence": '+"{m}" and kind:datasetversion and not license:"*"',
    "two attributes": "kind:run and owner:team-3 and status:failed",
    "comparison": "kind:run and metric.score >= 990000",
    "names": 'kind:modelversion and key:"model-3@*"',
    "between": 'between(id:"{h}", "{m}")',
    "roots": 'roots(+"{m}" and kind:datasetversion)',
    "via": '+"{m}" via used, wasGeneratedBy',
}


def measure(engine: str, graph: Graph, folder: Path, store: Store) -> Iterator[Row]:
    """Each question, answers compared first."""
    ctx = Context(store=store, actor="bench", person_key=b"bench")
    if engine == "sqlite":
        rival: Any = Sql(folder / "ours.db")
    else:
        running = engines.server(folder)
        rival = Cypher(running.url, running.user, running.password)
    chosen = graph.models[len(graph.models) // 3 :: len(graph.models) // (2 * MODELS)][:MODELS]
    labels = {ident: row.label for ident, row in store.get(chosen, NOW).items()}
    ratios: list[float] = []
    large: list[float] = []
    each, middle = _MOST[engine]
    for name, form in QUESTIONS.items():
        say(f"{engine}: {name}")
        pairs = []
        for ident in chosen if "{" in form else chosen[:1]:
            text = form.format(m=ident, l=labels[ident], h=graph.hub)
            theirs: Callable[[], Any] = rival.question(name, ident, graph.hub)
            mine = partial(AskRequest(text, limit=200_000).answer, ctx)
            found, (ids, edges) = mine().found, theirs()
            assert {row.id for row in found.node_rows} == set(ids), text
            assert len(found.edge_rows) == edges, text
            pairs.append((mine, theirs))
        settle()
        ours, others = together(pairs, repeat=7)
        ratios.append(median(ours) / median(others))
        large += ratios[-1:] if median(others) >= _SMALL else ()
        yield _row(f"ask: {name}", median(ours), median(others), each)
    yield _ratio("ask: all of them, median ratio", median(ratios), middle)
    # On a small graph a rival may need next to nothing for each.
    worst = f"ask: those that take the rival {_SMALL * 1000:g} ms or more, worst ratio"
    yield _ratio(worst, max(large or ratios), each)


def _ratio(what: str, ratio: float, most: float) -> Row:
    return Row(what, "", "", ratio, f"<= {most:g}x", *within(ratio, most))


def _row(what: str, ours: float, rival: float, bound: float) -> Row:
    """Beside the rival; where that needs next to nothing, what parsing and a certificate cost is the
    most of it, and our time has a limit of its own.
    """
    row = at_most(what, ours, rival, bound)
    if rival >= _SMALL:
        return row
    limit = below(what, ours, _LIMIT)
    return replace(row, bound=limit.bound, held=limit.held, near=limit.near)


_ROWS = """
SELECT key, id, kind, label, attributes FROM node
WHERE until IS NULL AND key IN (SELECT value FROM json_each(:keys)) ORDER BY id"""
_EDGES = """
SELECT effect, relation, cause, attributes, id, bundle FROM edge
WHERE effect IN (SELECT value FROM json_each(:keys)) AND until IS NULL AND +follow
AND cause IN (SELECT value FROM json_each(:keys))"""
_UP = """
WITH RECURSIVE up(key) AS (SELECT key FROM node WHERE id = :m
  UNION SELECT e.cause FROM up JOIN edge e ON e.effect = up.key WHERE e.until IS NULL AND +e.follow)"""
_DOWN = _UP.replace("SELECT e.cause", "SELECT e.effect").replace(
    "ON e.effect = up.key", "ON e.cause = up.key"
)
_LAYER = """
SELECT DISTINCT e.{far} FROM edge e WHERE e.{near} IN (SELECT value FROM json_each(?))
AND e.until IS NULL AND +e.follow"""
_VERSIONS = (
    _UP + " SELECT n.key FROM up JOIN node n ON n.key = up.key WHERE n.kind = 'DatasetVersion'"
)
_SETS = {
    "upstream": _UP + " SELECT key FROM up",
    "downstream": _DOWN + " SELECT key FROM up",
    "upstream of one kind": _VERSIONS,
    "absence": _VERSIONS + " AND json_extract(n.attributes, '$.license') IS NULL",
    "two attributes": """SELECT key FROM node WHERE kind = 'Run' AND until IS NULL
AND json_extract(attributes, '$.owner') = 'team-3'
AND json_extract(attributes, '$.status') = 'failed'""",
    "comparison": """SELECT key FROM node WHERE kind = 'Run' AND until IS NULL
AND json_extract(attributes, '$."metric.score"') >= 990000""",
    "names": """SELECT key FROM node WHERE kind = 'ModelVersion' AND until IS NULL
AND label >= 'model-3@' AND label < 'model-3A'""",
    "between": _UP
    + """, down(key) AS (SELECT key FROM node WHERE id = :h AND key IN (SELECT key FROM up)
  UNION SELECT e.effect FROM down JOIN edge e ON e.cause = down.key
  WHERE e.until IS NULL AND +e.follow AND e.effect IN (SELECT key FROM up))
SELECT key FROM down""",
    "roots": _UP
    + """, v(key) AS (SELECT n.key FROM up JOIN node n ON n.key = up.key
    WHERE n.kind = 'DatasetVersion'),
  beyond(key) AS (SELECT e.effect FROM v JOIN edge e ON e.cause = v.key
    WHERE e.until IS NULL AND +e.follow AND e.effect IN (SELECT key FROM up)
    UNION SELECT e.effect FROM beyond JOIN edge e ON e.cause = beyond.key
    WHERE e.until IS NULL AND +e.follow AND e.effect IN (SELECT key FROM up))
SELECT key FROM v WHERE key NOT IN (SELECT key FROM beyond)""",
    "via": _UP.replace("+e.follow", "+e.relation IN (1, 2)") + " SELECT key FROM up",
}


class Sql:
    """SQL by hand, on a connection of its own to our file."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript("PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;")

    def question(self, name: str, model: str, hub: str) -> Callable[[], tuple[list[str], int]]:
        """The question as a call that gives identifiers and the number of edges."""
        edges = _EDGES.replace("+follow", "+relation IN (1, 2)") if name == "via" else _EDGES

        def answer() -> tuple[list[str], int]:
            keys = self._layers(model) if name == "layers" else self._keys(name, model, hub)
            parameters = {"keys": json.dumps(keys)}
            rows = self.db.execute(_ROWS, parameters).fetchall()
            names = {row[0]: row[1] for row in rows}
            links = [
                (names[effect], relation, names[cause], *rest)
                for effect, relation, cause, *rest in self.db.execute(edges, parameters)
            ]
            return list(names.values()), len(links)

        return answer

    def _keys(self, name: str, model: str, hub: str) -> list[int]:
        return [row[0] for row in self.db.execute(_SETS[name], {"m": model, "h": hub})]

    def _layers(self, model: str) -> list[int]:
        start = self.db.execute("SELECT key FROM node WHERE id = ?", (model,)).fetchone()[0]
        seen = {start}
        for near, far, hops in (("effect", "cause", 2), ("cause", "effect", 1)):
            level = [start]
            for _ in range(hops):
                text = _LAYER.format(near=near, far=far)
                level = [row[0] for row in self.db.execute(text, (json.dumps(level),))]
                seen.update(level)
        return list(seen)


_FOLLOWED = "|".join(relation.cypher for relation in terms.TABLE if relation.follow)
_HOP = f"[e:{_FOLLOWED}]"
_STANDS = "WHERE e.follow"
_ABOVE = f"MATCH (s:Node {{uid: $m}}) MATCH (s) (()-{_HOP}->() {_STANDS}){{0,}} (n)"
_BELOW = f"MATCH (s:Node {{uid: $m}}) MATCH (s) (()<-{_HOP}-() {_STANDS}){{0,}} (n)"
_SHOWN = """
WITH collect(n) AS ns
RETURN [n IN ns | [n.uid, n.kind, n.label, n.attributes]],
COLLECT {{ UNWIND ns AS n MATCH (n)-{hop}->(m) {stands} AND m IN ns
  RETURN [type(e), n.uid, m.uid, e.attributes] }}"""
_TAIL = _SHOWN.format(hop=_HOP, stands=_STANDS)
_SOME = {
    "upstream": f"{_ABOVE} WITH DISTINCT n {_TAIL}",
    "downstream": f"{_BELOW} WITH DISTINCT n {_TAIL}",
    "layers": f"""MATCH (s:Node {{uid: $m}})
CALL (s) {{ MATCH (s) (()-{_HOP}->() {_STANDS}){{0,2}} (n) RETURN n
  UNION MATCH (s) (()<-{_HOP}-() {_STANDS}){{0,1}} (n) RETURN n }}
WITH DISTINCT n {_TAIL}""",
    "upstream of one kind": f"{_ABOVE} WITH DISTINCT n WHERE n.kind = 'DatasetVersion' {_TAIL}",
    "absence": f"""{_ABOVE} WITH DISTINCT n WHERE n.kind = 'DatasetVersion'
AND n.license IS NULL {_TAIL}""",
    "two attributes": f"""MATCH (n:Run {{owner: 'team-3', status: 'failed'}}) {_TAIL}""",
    "comparison": f"""MATCH (n:Run) WHERE n.`metric.score` >= 990000 {_TAIL}""",
    "names": f"""MATCH (n:ModelVersion) WHERE n.name STARTS WITH 'model-3@' {_TAIL}""",
    "between": f"""{_ABOVE} WITH collect(DISTINCT n) AS ups
MATCH (h:Node {{uid: $h}}) WHERE h IN ups
MATCH (h) (()<-{_HOP}-(x) {_STANDS} AND x IN ups){{0,}} (n) WITH DISTINCT n {_TAIL}""",
    "roots": f"""{_ABOVE} WITH DISTINCT n WHERE n.kind = 'DatasetVersion'
WITH collect(n) AS vs UNWIND vs AS n
WITH n, vs WHERE NOT EXISTS {{ MATCH (n) (()-{_HOP}->() {_STANDS}){{1,}} (o) WHERE o IN vs }} {_TAIL}""",
    "via": f"{_ABOVE} WITH DISTINCT n {_TAIL}".replace(_HOP, "[e:USED|WAS_GENERATED_BY]").replace(
        _STANDS, "WHERE true"
    ),
}


class Cypher:
    """Cypher by hand, on a driver of its own to our database."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.driver = neo4j.GraphDatabase.driver(
            url, auth=(user, password), notifications_min_severity="OFF", telemetry_disabled=True
        )
        self.session = self.driver.session(database="neo4j")

    def question(self, name: str, model: str, hub: str) -> Callable[[], tuple[list[str], int]]:
        """The question as a call that gives identifiers and the number of edges."""

        def answer() -> tuple[list[str], int]:
            record = self.session.run(_SOME[name], m=model, h=hub).single()
            nodes, edges = record.values() if record else ([], [])
            return sorted(node[0] for node in nodes), len(edges)

        return answer
