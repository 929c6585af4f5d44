# SPDX-License-Identifier: Apache-2.0
"""The ledger as a list: its entries, without the records that they hold."""

from __future__ import annotations

import strawberry

from graphql_schema import rows
from graphql_schema.arguments import At
from graphql_schema.context import Asked
from graphql_schema.limits import page_size
from graphql_schema.scalars import JSON
from graphql_schema.types import After, First, PageInfo
from lineage.ledger import log
from lineage.services.as_of import view_at
from lineage.services.context import Context
from lineage.store.base import View


def _note(root: log.Entry) -> JSON:
    return JSON(rows.json_text(root.note or "{}"))


@strawberry.type(description="One line of the ledger: who asserted what, when, with its digest.")
class Entry:
    """One line of the ledger."""

    seq: int = strawberry.field(description="Its number, from 1.")
    source: str = strawberry.field(description="What was read: importer and address.")
    importer: str = strawberry.field(description="What read it.")
    actor: str = strawberry.field(description="In whose name it was made.")
    recorded: str = strawberry.field(description="When it was made, RFC 3339.")
    note: JSON = strawberry.field(resolver=_note, description="What its reader had to say.")
    added: int = strawberry.field(description="How many records it adds.")
    retracted: int = strawberry.field(description="How many records it takes back.")
    records: str = strawberry.field(description="The digest of its records, in hex.")
    leaf: str = strawberry.field(description="Its hash in the log, in hex.")


@strawberry.type(description="An entry, and its place in the list.")
class EntryEdge:
    """An entry, and its place in the list."""

    cursor: str = strawberry.field(description="Its place.")
    node: Entry = strawberry.field(description="The entry.")


@strawberry.type(description="The entries of the ledger, a page at a time.")
class EntryConnection:
    """The entries of the ledger, a page at a time."""

    edges: list[EntryEdge] = strawberry.field(description="The entries of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")


def cursor(seq: int) -> str:
    """Write the opaque place of an entry."""
    return rows.written("entry", seq)


async def ledger(
    info: Asked, first: First = 20, after: After = None, at: At = None
) -> EntryConnection | None:
    """Read a page of the ledger, as of an entry."""
    size, behind = page_size(first), rows.read("entry", after) if after else 0

    def work(ctx: Context) -> tuple[list[log.Header], int]:
        view = view_at(ctx, at)
        head = ctx.store.head().size if view.as_of is None else view.as_of
        return list(ctx.store.headers(behind, size, View(as_of=head))), head

    found, head = await info.context.read(work)
    edges = [EntryEdge(cursor=cursor(e.seq), node=e) for e in found]  # type: ignore[arg-type] # the same fields
    return EntryConnection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=bool(found) and found[-1].seq < head,
            has_previous_page=behind > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
