# SPDX-License-Identifier: Apache-2.0
"""Sends new entries as they come: paged from the ledger, so that none is lost and none comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial
from typing import Annotated, cast

import strawberry

from graphql_schema.context import Asked
from graphql_schema.entries import Entry
from lineage.errors import Usage
from lineage.services.context import Context
from lineage.store.base import NOW

#: Entries read at once, and seconds after which the ledger is looked at unasked: another process
#: may write to the same store.
_PAGE, _PATIENCE = 100, 5.0
_AFTER = "Go on behind this sequence number; without it, from now on."


async def _entries(
    info: Asked, after: Annotated[int | None, strawberry.argument(description=_AFTER)] = None
) -> AsyncGenerator[Entry, None]:
    session = info.context
    if after is not None and after < 0:
        raise Usage(f"after is at least 0, not {after}")
    async with session.server.ledger_changed() as grown:
        seq = after
        if seq is None:
            seq = await session.read(lambda ctx: ctx.store.head().size)
        while True:
            # Cleared before reading: what is written after the read wakes the wait.
            grown.clear()
            session.begin()
            while page := await session.read(partial(_page, seq)):
                for entry in page:
                    seq = entry.seq
                    yield entry
            with suppress(TimeoutError):
                await asyncio.wait_for(grown.wait(), _PATIENCE)


def _page(behind: int, ctx: Context) -> list[Entry]:
    return cast("list[Entry]", list(ctx.store.headers(behind, _PAGE, NOW)))


@strawberry.type(description="What can be waited for, over graphql-transport-ws.")
class Subscription:
    """What can be waited for."""

    entries = strawberry.subscription(
        resolver=_entries, description="The entries of the ledger behind a number, then new ones."
    )
