# SPDX-License-Identifier: Apache-2.0
"""The migrations of Neo4j stores, behind a backup of ledger and settings.

The graph follows from the ledger, so that the ledger and what is kept beside it are all that a
backup needs; it is a file of JSON lines, compressed, in the state folder of the user
(``LINEAGE_BACKUPS``, else ``$XDG_STATE_HOME/lineagedb``, else ``~/.local/state/lineagedb``).

Up to layout 2 the ledger was nodes: ``LedgerHead``, ``LedgerEntry``, ``LedgerValue`` and
``LedgerMigration``. A database that has a ``LedgerHead`` is one of those, or one whose migration to
layout 3 did not come to its end: it is taken up again where it was left.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import neo4j
import orjson

from lineage import config, ids
from lineage.paths import put_in_place
from lineage.store.migration import BEFORE, Migration, kept_value
from lineage.store.neo4j.client import Client

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        number=2,
        name="kept values",
        text="MATCH (s:LedgerSetting) DELETE s",
    ),
    Migration(
        number=3,
        name="the graph as it stands",
        text="""
DROP CONSTRAINT entry_seq IF EXISTS; DROP CONSTRAINT head_one IF EXISTS;
DROP CONSTRAINT value_name IF EXISTS; DROP CONSTRAINT migration_number IF EXISTS;
DROP INDEX node_kind IF EXISTS""",
    ),
    Migration(
        number=4,
        name="what is said first, and tokens in the ledger",
        text="MATCH ()-[v:LEDGER_VALUE]->() WHERE v.name STARTS WITH 'before/' DELETE v",
    ),
    # The graph is drawn anew; nothing else changes.
    Migration(number=5, name="what is said here, before what partners say", text=""),
    # The same: what the indexes of attributes lack is noted as the graph is drawn. An earlier version would
    # write and not note it.
    Migration(number=6, name="what the indexes of attributes lack", text=""),
)
_VALUES, _REDRAWN, _SPOKEN, _OURS, _NOTED = MIGRATIONS
#: The layout that this version writes.
LAYOUT = MIGRATIONS[-1].number
#: The layout of a database whose ledger is still nodes, and the checksums of the migrations that it
#: has had.
FORMER = """
OPTIONAL MATCH (h:LedgerHead)
RETURN CASE h.layout WHEN 3 THEN 2 ELSE h.layout END,
  COLLECT { MATCH (m:LedgerMigration) RETURN [m.number, m.checksum] }
  + COLLECT { MATCH ()-[m:LEDGER_MIGRATION]->() RETURN [m.number, m.checksum] }"""
#: What a backup holds, a part at a time.
_EVERYTHING = """
MATCH (n) WHERE n:LedgerHead OR n:LedgerEntry OR n:LedgerSetting OR n:LedgerValue
WITH n ORDER BY elementId(n) SKIP $skip LIMIT $limit RETURN collect([labels(n), properties(n)])"""
#: Nodes in one part of a backup, entries moved in one transaction.
_TOGETHER = 500
#: Seconds for the longest of migrations: what holds the lock meanwhile must not be timed out.
_LONG = 7 * 86_400.0

_SETTINGS = "MATCH (s:LedgerSetting) RETURN s.name, s.value"
_KEEP = "UNWIND $rows AS row MERGE (v:LedgerValue {name: row[0]}) SET v.value = row[1]"
_DONE_NODE = """
MERGE (m:LedgerMigration {number: $number})
SET m.name = $name, m.checksum = $checksum, m.applied = toString(datetime())"""
_ANNOUNCE = "MATCH (h:LedgerHead {one: 1}) SET h.layout = $layout"
#: Found by its label alone: a search by the unique index would hold a lock on that as well, which
#: keeps the process that works from deleting the head. Of a deleted head the layout is nothing.
_LOCK = "MATCH (h:LedgerHead) SET h.locked = true RETURN h.layout"

_TAKE_OVER = """
MATCH (h:LedgerHead {one: 1}) MATCH (l:Ledger {one: 1})
SET l.size = h.size, l.peaks = h.peaks, l.terms = coalesce(h.terms, 0)"""
_MOVE_ENTRIES = """
MATCH (e:LedgerEntry) WITH e LIMIT $limit MATCH (l:Ledger {one: 1})
CREATE (l)-[r:LEDGER_ENTRY]->(l) SET r = properties(e) DELETE e RETURN count(*)"""
_MOVE_MIGRATIONS = """
MATCH (m:LedgerMigration) WITH m LIMIT $limit MATCH (l:Ledger {one: 1})
CREATE (l)-[r:LEDGER_MIGRATION]->(l) SET r = properties(m) DELETE m RETURN count(*)"""
_SOME_VALUES = "MATCH (v:LedgerValue) RETURN v.name, v.value LIMIT $limit"
_MOVE_VALUES = """
MATCH (l:Ledger {one: 1}) UNWIND $rows AS row MATCH (v:LedgerValue {name: row[0]}) DELETE v
MERGE (l)-[r:LEDGER_VALUE {name: row[0]}]->(l) SET r.value = row[1]"""
_FINISH = """
MATCH (h:LedgerHead {one: 1}) DELETE h
WITH h MATCH (l:Ledger {one: 1})
MERGE (l)-[m:LEDGER_MIGRATION {number: $number}]->(l)
SET m.name = $name, m.checksum = $checksum, m.applied = toString(datetime())"""
#: What layout 4 keeps of the tokens, and of their revocations, that were there before it.
_TOKENS = """
MATCH ()-[v:LEDGER_VALUE]->() WHERE v.name STARTS WITH 'token/' OR v.name STARTS WITH 'revoked/'
RETURN v.name, v.value"""
_KEEP_BEFORE = """
MATCH (l:Ledger {one: 1}) UNWIND $rows AS row
MERGE (l)-[r:LEDGER_VALUE {name: row[0]}]->(l) SET r.value = row[1]"""
_LOCK_LEDGER = "MATCH (l:Ledger {one: 1}) SET l.locked = true RETURN l.layout"
_IS_DONE = "MATCH ()-[m:LEDGER_MIGRATION {number: $number}]->() RETURN count(m)"
_DONE = """
MATCH (l:Ledger {one: 1}) SET l.layout = $number
MERGE (l)-[m:LEDGER_MIGRATION {number: $number}]->(l)
SET m.name = $name, m.checksum = $checksum, m.applied = toString(datetime())"""


def migrate(client: Client, lay_out: Callable[[], None], redraw: Callable[[], object]) -> None:
    """Bring a store whose ledger is nodes to the latest layout, behind a backup of what it was.

    A ledger may be larger than a transaction, so that this is many, which can be begun again at any
    point. From the first on older versions find the store too new. One process works, and others
    wait, because it holds the lock of the former head until that is deleted.
    """
    client.write(partial(_begin, client))
    with client.watched(), client.session() as session:
        with session.begin_transaction(timeout=_LONG) as tx:
            if _lock(tx) is None:
                return  # another process has done it all
            lay_out()
            client.write(lambda inner: inner.run(_TAKE_OVER).consume())
            _moved(client)
            redraw()
            client.write(partial(_recorded, client, anew=True))
            _record(tx, _FINISH, _REDRAWN)
            tx.commit()
        for statement in _REDRAWN.statements:
            session.run(statement).consume()


def redrawn(client: Client, redraw: Callable[[], object]) -> None:
    """Bring a store of layout 3 or later to the latest: the graph is drawn anew, as what is said first, and
    here, is shown, and what tokens layout 3 has are kept. The ledger and all else stay, so that there
    is no backup; where it is cut off, whoever opens the store next begins again.
    """
    redraw()
    client.write(partial(_recorded, client, anew=False))


def _recorded(client: Client, tx: neo4j.ManagedTransaction, anew: bool) -> None:
    """Record what drawing anew does; once, whoever comes first. A head that was made ``anew`` has the
    latest layout from the first on.
    """
    layout = tx.run(_LOCK_LEDGER).single(strict=True)[0]
    if anew and not tx.run(_IS_DONE, number=LAYOUT).single(strict=True)[0]:
        layout = _REDRAWN.number
    if layout < _SPOKEN.number:
        _speak(client, tx)
    for migration in (_OURS, _NOTED):
        if layout < migration.number:
            _record(tx, _DONE, migration)


def _speak(client: Client, tx: neo4j.ManagedTransaction) -> None:
    for statement in _SPOKEN.statements:
        tx.run(statement).consume()
    values = [(n, client.seal.open(n, bytes(value))) for n, value in tx.run(_TOKENS)]
    rows = [[BEFORE + name, ids.sha256(value).encode()] for name, value in values]
    tx.run(_KEEP_BEFORE, rows=rows).consume()
    _record(tx, _DONE, _SPOKEN)


def _begin(client: Client, tx: neo4j.ManagedTransaction) -> None:
    """Make the backup, and bring settings to layout 2: values of bytes; once, whoever comes first."""
    layout = _lock(tx)
    if layout is None or layout >= _REDRAWN.number:
        return
    _back_up(client, layout)
    if layout < _VALUES.number:
        rows = [[name, kept_value(name, value)] for name, value in tx.run(_SETTINGS)]
        tx.run(_KEEP, rows=rows).consume()
        for statement in _VALUES.statements:
            tx.run(statement).consume()
        _record(tx, _DONE_NODE, _VALUES)
    tx.run(_ANNOUNCE, layout=_REDRAWN.number).consume()


def _lock(tx: neo4j.Transaction | neo4j.ManagedTransaction) -> int | None:
    """Wait until no other process works on it; the layout, or nothing where that is done."""
    found = tx.run(_LOCK).single()
    return None if found is None else found[0]


def _record(tx: neo4j.Transaction | neo4j.ManagedTransaction, text: str, what: Migration) -> None:
    tx.run(text, number=what.number, name=what.name, checksum=what.checksum).consume()


def _moved(client: Client) -> None:
    def moved(text: str, tx: neo4j.ManagedTransaction) -> int:
        return int(tx.run(text, limit=_TOGETHER).single(strict=True)[0])

    def values(tx: neo4j.ManagedTransaction) -> int:
        rows = [
            [n, client.seal.close(n, bytes(v))] for n, v in tx.run(_SOME_VALUES, limit=_TOGETHER)
        ]
        tx.run(_MOVE_VALUES, rows=rows).consume()
        return len(rows)

    for work in (partial(moved, _MOVE_ENTRIES), partial(moved, _MOVE_MIGRATIONS), values):
        while client.write(work):
            pass


def backup_of(where: str, layout: int) -> Path:
    """Where the backup of a store of a layout lies, made before it was migrated to the next."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(config.value("backups").value or Path(state) / "lineagedb")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", where)
    return folder / f"{name}.layout-{layout}.backup.jsonl.gz"


def _back_up(client: Client, layout: int) -> None:
    target = backup_of(client.where, layout)
    if not target.exists():  # one that is there already is older, and stays
        _write_backup(target, _everything(client))


def _everything(client: Client) -> Iterator[Any]:
    skip = 0
    while rows := client.bare(_EVERYTHING, skip=skip, limit=_TOGETHER)[0]:
        yield from rows
        skip += len(rows)


def _write_backup(target: Path, nodes: Iterable[Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with gzip.open(part, "wb") as lines:
        for labels, properties in nodes:
            shown = {name: _plain(value) for name, value in properties.items()}
            lines.write(orjson.dumps({"labels": labels, "properties": shown}) + b"\n")
    put_in_place(part, target)


def _plain(value: Any) -> Any:
    return {"hex": bytes(value).hex()} if isinstance(value, bytes | bytearray) else value
