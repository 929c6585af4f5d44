# SPDX-License-Identifier: Apache-2.0
"""Migrates stores from one layout to the next: numbered, checksummed, forward only, each with a
backup.

An engine has a tuple of migrations and carries out those that a store lacks when it is opened, each
in one transaction. What was carried out is recorded in the store with its checksum, so that a store
never passes for one that another text made.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineage import ids
from lineage.errors import StoreDamaged, StoreTooNew


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A step to the layout ``number``: ``text`` are its statements in the engine's language, in the
    form in which they will always stay.
    """

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of number, name and text, in hex."""
        return ids.sha256(f"{self.number}\n{self.name}\n{self.text}".encode())

    @property
    def statements(self) -> list[str]:
        """The statements, one by one."""
        return [part for part in self.text.split(";") if part.strip()]


def pending(
    migrations: Sequence[Migration], layout: int, done: Mapping[int, str], where: str
) -> list[Migration]:
    """Find the migrations that a store of a layout lacks, in order; ``done`` are the checksums of
    those it has had, by number.

    Raises ``StoreTooNew`` for a layout that this version does not know, and ``StoreDamaged`` where
    the store was made by another text than the one here.
    """
    latest = migrations[-1].number
    if layout > latest:
        raise StoreTooNew(
            f"the store has layout {layout}, this version knows {latest}", where=where
        )
    for migration in migrations:
        if done.get(migration.number, migration.checksum) != migration.checksum:
            raise StoreDamaged(
                f"migration {migration.number} ({migration.name}) was carried out with another text",
                where=where,
                hint="Open the store with the lineagedb that migrated it; nothing was changed.",
            )
    return [migration for migration in migrations if migration.number > layout]


#: How the names begin under which layout 4 keeps the digests of the tokens, and of the revocations, that
#: a store had before acts on them were entries.
BEFORE = "before/"


def kept_value(name: str, text: str) -> bytes:
    """Turn a setting of layout 1 into the value that layout 2 keeps: packages were text in base64."""
    return b64decode(text) if name.startswith("exchange/bytes/") else text.encode()
