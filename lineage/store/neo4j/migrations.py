# SPDX-License-Identifier: Apache-2.0
"""The migrations of Neo4j stores: one transaction each, behind a backup of ledger and settings.

The graph follows from the ledger, so that the ledger and what is kept beside it are all that a
backup needs; it is a file of JSON lines, compressed, in the state folder of the user
(``LINEAGE_BACKUPS``, else ``$XDG_STATE_HOME/lineagedb``, else ``~/.local/state/lineagedb``).
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import neo4j
import orjson

from lineage import config
from lineage.store.migration import Migration, kept_value

#: What a migration does besides its statements.
Step = Callable[[neo4j.ManagedTransaction], None]

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        number=2,
        name="kept values",
        text="MATCH (s:LedgerSetting) DELETE s",
    ),
)
_SETTINGS = "MATCH (s:LedgerSetting) RETURN s.name, s.value"
_KEEP = "UNWIND $rows AS row MERGE (v:LedgerValue {name: row[0]}) SET v.value = row[1]"
_RECORD = """
MERGE (m:LedgerMigration {number: $number})
SET m.name = $name, m.checksum = $checksum, m.applied = toString(datetime())"""
_MOVE = "MATCH (h:LedgerHead {one: 1}) SET h.layout = $layout"
#: The checksums of the migrations that a store has had.
DONE = "MATCH (m:LedgerMigration) RETURN collect([m.number, m.checksum])"
#: What a backup holds, a part at a time.
EVERYTHING = """
MATCH (n) WHERE n:LedgerHead OR n:LedgerEntry OR n:LedgerSetting OR n:LedgerValue
WITH n ORDER BY elementId(n) SKIP $skip LIMIT $limit RETURN collect([labels(n), properties(n)])"""


def _kept_values(tx: neo4j.ManagedTransaction) -> None:
    rows = [[name, kept_value(name, value)] for name, value in tx.run(_SETTINGS)]
    tx.run(_KEEP, rows=rows).consume()


#: What migrations do before their statements.
STEPS: Mapping[int, Step] = {2: _kept_values}


def carry_out(tx: neo4j.ManagedTransaction, migration: Migration) -> None:
    """One migration, recorded with its checksum."""
    if migration.number in STEPS:
        STEPS[migration.number](tx)
    for statement in migration.statements:
        tx.run(statement).consume()
    tx.run(
        _RECORD, number=migration.number, name=migration.name, checksum=migration.checksum
    ).consume()
    tx.run(_MOVE, layout=migration.number).consume()


def backup_of(where: str, layout: int) -> Path:
    """Where the backup of a store of a layout lies, made before it was migrated to the next."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(config.value("backups").value or Path(state) / "lineagedb")
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", where)
    return folder / f"{name}.layout-{layout}.backup.jsonl.gz"


def back_up(target: Path, nodes: Iterable[Any]) -> None:
    """Write a backup; one that is there already is older, and stays."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with part.open("wb") as raw:
        with gzip.open(raw, "wb") as lines:
            for labels, properties in nodes:
                shown = {name: _plain(value) for name, value in properties.items()}
                lines.write(orjson.dumps({"labels": labels, "properties": shown}) + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    part.replace(target)


def _plain(value: Any) -> Any:
    return {"hex": bytes(value).hex()} if isinstance(value, bytes | bytearray) else value
