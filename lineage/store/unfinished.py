# SPDX-License-Identifier: Apache-2.0
"""Marks a store into which another is being copied: until that has ended nobody else opens it."""

from __future__ import annotations

import orjson

from lineage.errors import StoreUnfinished, Usage
from lineage.store.base import Store

#: The name under which the mark is kept.
KEPT = "unfinished"


def demand_finished(store: Store, where: str, *, finishing: str | None = None) -> None:
    """Refuse a store into which something is being copied, but to who goes on with it: ``finishing``
    is the command. Raises ``StoreUnfinished``.
    """
    value = store.values([KEPT]).get(KEPT)
    if value is None:
        return
    work = orjson.loads(value)
    command = work["command"]
    if command == finishing:
        return
    done = f"{store.head().size:,} of {work['entries']:,} entries are in"
    hint = f"Wait for it to end; where none runs any more: lineage {command} {work['arguments']}"
    raise StoreUnfinished(f"'lineage {command}' has not ended here: {done}", where=where, hint=hint)


def begin(store: Store, command: str, arguments: str, entries: int) -> bytes:
    """Mark that a command is going to copy so many entries into the store, and return the mark.

    Raises ``Usage`` where another command has begun and not ended.
    """
    mark = orjson.dumps({"command": command, "arguments": arguments, "entries": entries})
    while True:
        found = store.values([KEPT]).get(KEPT)
        if found is not None and (begun := orjson.loads(found)["command"]) != command:
            raise Usage(f"'lineage {begun}' has begun here, and has not ended")
        if store.keep({KEPT: mark}, {KEPT: found}):
            return mark


def end(store: Store, mark: bytes) -> None:
    """Take the mark away; one that another process has made meanwhile stays until that has ended."""
    store.keep({KEPT: None}, {KEPT: mark})
