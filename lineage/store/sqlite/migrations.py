# SPDX-License-Identifier: Apache-2.0
"""The migrations of SQLite stores: one transaction each, behind a copy of the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson

from lineage import ids
from lineage.model import kinds
from lineage.model.record import implied_variant
from lineage.store import prepare
from lineage.store.claims import Stated, Statement
from lineage.store.migration import Migration, kept_value, pending
from lineage.store.sqlite.body import compressed
from lineage.store.sqlite.snapshot import write_snapshot

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        number=2,
        name="kept values",
        text="""
CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL);
INSERT INTO kept SELECT name, kept_value(name, value) FROM setting;
DROP TABLE setting;
CREATE TABLE migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied TEXT NOT NULL
)""",
    ),
    # Edges to the plan of an association (23, of 13) were told apart by the association's attributes
    # alone, so that two agents with one plan could not be kept.
    Migration(
        number=3,
        name="one edge to a plan for each agent",
        text="""
UPDATE edge AS e SET variant = coalesce((
  SELECT implied_variant(a.variant, n.id) FROM edge AS a JOIN node AS n ON n.key = a.cause
  WHERE a.effect = e.effect AND a.relation = 13 AND a.variant = e.variant
    AND a.source = e.source AND a.since = e.since), variant)
WHERE relation = 23""",
    ),
    # A thing was called what sorted first, and acts on tokens were no entries.
    Migration(
        number=4,
        name="what is said first, and tokens in the ledger",
        text="""
UPDATE node AS n SET kind = coalesce((
  SELECT s.kind FROM statement AS s WHERE s.node = n.key AND s.until IS n.until
  ORDER BY precedence(s.kind), CASE precedence(s.kind) WHEN 2 THEN 0 ELSE (
    SELECT min(f.since) FROM statement AS f
    WHERE f.node = s.node AND f.source = s.source AND precedence(f.kind) < 2) END,
    rank(s.kind), s.kind LIMIT 1), kind)
WHERE key IN (SELECT node FROM statement GROUP BY node HAVING count(*) > 1);
UPDATE node AS n SET label = (
  SELECT s.label FROM statement AS s JOIN node AS m ON m.key = s.node
  WHERE s.node = n.key AND s.until IS m.until AND s.label IS NOT NULL
  ORDER BY (
    SELECT min(f.since) FROM statement AS f
    WHERE f.node = s.node AND f.source = s.source AND f.label IS NOT NULL),
    s.kind <> m.kind, s.label LIMIT 1)
WHERE key IN (SELECT node FROM statement GROUP BY node HAVING count(*) > 1);
INSERT INTO kept SELECT 'before/' || name, digest(value) FROM kept
WHERE name LIKE 'token/%' OR name LIKE 'revoked/%'""",
    ),
    # What a partner said of a thing was shown beside what is said here, or instead of it.
    Migration(
        number=5,
        name="what is said here, before what partners say",
        text="""
UPDATE node AS n SET (kind, label, attributes) = (
  SELECT json_extract(row, '$[1]'), json_extract(row, '$[2]'), json_extract(row, '$[3]') FROM (
    SELECT shown(n.id, json_group_array(json_array(
      o.name, s.since, s.until IS m.until, s.kind, s.label, s.attributes, s.bundle))) AS row
    FROM statement AS s JOIN source AS o ON o.key = s.source JOIN node AS m ON m.key = s.node
    WHERE s.node = n.key))
WHERE key IN (
  SELECT s.node FROM statement AS s JOIN source AS o ON o.key = s.source
  JOIN node AS m ON m.key = s.node AND s.until IS m.until
  GROUP BY s.node HAVING count(DISTINCT o.name LIKE 'partner:%') = 2)""",
    ),
    # Bodies were kept as they are, attributes of most things twice, and a kind was not read in order.
    Migration(
        number=6,
        name="compressed bodies, attributes once, and indexes of what is declared",
        text="""
UPDATE entry SET body = compressed(body);
UPDATE statement AS s SET attributes = '' WHERE s.until IS NULL
  AND s.attributes = (SELECT n.attributes FROM node AS n WHERE n.key = s.node)
  AND NOT EXISTS (SELECT 1 FROM statement AS o WHERE o.node = s.node AND o.until IS NULL
    AND (o.source, o.since, o.slot) <> (s.source, s.since, s.slot));
DROP INDEX node_kind;
CREATE INDEX node_label ON node (label, kind);
CREATE INDEX node_standing ON node (kind, id) WHERE until IS NULL;
CREATE INDEX node_run_status ON node (substr(attributes, instr(attributes, '"status":') + 9, min(instr(substr(attributes, instr(attributes, '"status":') + 9 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Run' AND instr(attributes, '"status":') > 0;
CREATE INDEX node_run_experiment ON node (substr(attributes, instr(attributes, '"experiment":') + 13, min(instr(substr(attributes, instr(attributes, '"experiment":') + 13 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Run' AND instr(attributes, '"experiment":') > 0;
CREATE INDEX node_dataset_license ON node (substr(attributes, instr(attributes, '"license":') + 10, min(instr(substr(attributes, instr(attributes, '"license":') + 10 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Dataset' AND instr(attributes, '"license":') > 0;
CREATE INDEX node_dataset_owner ON node (substr(attributes, instr(attributes, '"owner":') + 8, min(instr(substr(attributes, instr(attributes, '"owner":') + 8 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Dataset' AND instr(attributes, '"owner":') > 0;
CREATE INDEX node_datasetversion_digest ON node (substr(attributes, instr(attributes, '"digest":') + 9, min(instr(substr(attributes, instr(attributes, '"digest":') + 9 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'DatasetVersion' AND instr(attributes, '"digest":') > 0;
CREATE INDEX node_content_digest ON node (substr(attributes, instr(attributes, '"digest":') + 9, min(instr(substr(attributes, instr(attributes, '"digest":') + 9 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Content' AND instr(attributes, '"digest":') > 0;
CREATE INDEX node_modelversion_stage ON node (substr(attributes, instr(attributes, '"stage":') + 8, min(instr(substr(attributes, instr(attributes, '"stage":') + 8 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'ModelVersion' AND instr(attributes, '"stage":') > 0;
CREATE INDEX node_artifact_digest ON node (substr(attributes, instr(attributes, '"digest":') + 9, min(instr(substr(attributes, instr(attributes, '"digest":') + 9 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Artifact' AND instr(attributes, '"digest":') > 0;
CREATE INDEX node_decision_status ON node (substr(attributes, instr(attributes, '"status":') + 9, min(instr(substr(attributes, instr(attributes, '"status":') + 9 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Decision' AND instr(attributes, '"status":') > 0;
CREATE INDEX node_person_email ON node (substr(attributes, instr(attributes, '"email":') + 8, min(instr(substr(attributes, instr(attributes, '"email":') + 8 + 1), '"') + 1, 200)), id)
WHERE until IS NULL AND kind = 'Person' AND instr(attributes, '"email":') > 0""",
    ),
    # Every count counted all there is, a part of a name was looked for in every name, and what hangs on
    # one thing was read to be counted.
    Migration(
        number=7,
        name="counts kept, names by their trigrams, and effects read from an index",
        text="""
DROP INDEX edge_cause;
CREATE INDEX edge_cause ON edge (cause, relation, effect, variant, until, follow);
CREATE TABLE tally (of TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO tally SELECT kind, count(*) FROM node WHERE until IS NULL GROUP BY kind;
INSERT INTO tally SELECT 'edge', count(*) FROM (
  SELECT DISTINCT effect, relation, cause, variant FROM edge WHERE until IS NULL AND relation <> 23);
CREATE TABLE named (
  one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL, drawn INTEGER NOT NULL
);
INSERT INTO named SELECT 1, coalesce(max(key), 0), 0 FROM node;
CREATE VIRTUAL TABLE node_name USING fts5 (
  id, label, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);
INSERT INTO node_name (node_name, rank) VALUES ('automerge', 8);
INSERT INTO node_name (node_name, rank) VALUES ('hashsize', 16777216);
INSERT INTO node_name (rowid, id, label)
SELECT key, lineage_lower(id), lineage_lower(label) FROM node ORDER BY key""",
    ),
)
#: The layout that this version writes.
LAYOUT = MIGRATIONS[-1].number
_RECORD = "INSERT INTO migration VALUES (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ'))"


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a store to the latest layout. Raises as ``migration.pending``."""
    if not lacking(connection, path):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated it while this one waited.
        if wanted := lacking(connection, path):
            _back_up(path, wanted[0].number - 1)
        for migration in wanted:
            _carry_out(connection, migration)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def lacking(connection: sqlite3.Connection, path: Path) -> list[Migration]:
    """Find the migrations that a store has not had. Raises as ``migration.pending``."""
    return pending(MIGRATIONS, _layout(connection), _done(connection), str(path))


def _carry_out(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.create_function("kept_value", 2, kept_value, deterministic=True)
    connection.create_function("implied_variant", 2, implied_variant, deterministic=True)
    connection.create_function("precedence", 1, kinds.precedence, deterministic=True)
    connection.create_function("rank", 1, kinds.rank, deterministic=True)
    connection.create_function("digest", 1, _digest, deterministic=True)
    connection.create_function("compressed", 1, compressed, deterministic=True)
    connection.create_function("shown", 2, _shown, deterministic=True)
    for statement in migration.statements:
        connection.execute(statement)
    connection.execute(_RECORD, (migration.number, migration.name, migration.checksum))
    connection.execute(f"PRAGMA user_version = {migration.number:d}")


def _digest(value: bytes) -> bytes:
    return ids.sha256(value).encode()


def _shown(ident: str, stated: str) -> str:
    """The row of a node, as JSON, out of all that was ever stated of it."""
    rows = [
        (Stated(Statement(ident, *said), source, since), stands)
        for source, since, stands, *said in orjson.loads(stated)
    ]
    standing = [one for one, stands in rows if stands]
    before = [one for one, stands in rows if not stands]
    return orjson.dumps(tuple(prepare.shown(ident, standing, (), before))).decode()


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _done(connection: sqlite3.Connection) -> dict[int, str]:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'migration'"
    if not connection.execute(query).fetchone()[0]:
        return {}
    return dict(connection.execute("SELECT number, checksum FROM migration"))


def backup_of(path: Path, layout: int) -> Path:
    """Where a copy of a store of a layout lies, made before it was migrated to the next."""
    return path.with_name(f"{path.name}.layout-{layout}.backup")


def _back_up(path: Path, layout: int) -> None:
    """A copy of the file as it is committed; one that is there already is older, and stays."""
    target = backup_of(path, layout)
    if not target.exists():
        with closing(sqlite3.connect(path)) as committed:
            write_snapshot(committed, target)
