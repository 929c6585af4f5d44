# SPDX-License-Identifier: Apache-2.0
"""The walk written once from one-hop steps: default of engines that have none, oracle of the rest."""

from __future__ import annotations

from lineage.model.value import Scalar, Value, read_text
from lineage.store.base import (
    Cut,
    EdgeRow,
    Filter,
    NodeRow,
    Page,
    Slice,
    Store,
    Subgraph,
    View,
    Walk,
)

_CHUNK = 2_000


def walk(store: Store, wanted: Walk, view: View) -> Subgraph:
    """Level by level, each node marked once, so it ends on cycles and never counts paths.

    Where a level would pass the limit, its nodes are taken by identifier, so that every engine
    cuts alike.
    """
    level = set(store.get(wanted.start, view))
    seen = set(level)
    rows: dict[EdgeRow, None] = {}
    cut: Cut | None = None
    depth = 0
    while level:
        found = store.edges(level, wanted.hop, view)
        reached = {_far(row, wanted) for row in found} - seen
        if wanted.depth is not None and depth >= wanted.depth:
            cut = cut or (Cut(reason="depth", left=len(reached)) if found else None)
            break
        if len(seen) + len(reached) > wanted.limit:
            kept = set(sorted(reached)[: max(0, wanted.limit - len(seen))])
            cut = Cut(reason="limit", left=len(reached) - len(kept))
            reached = kept
        seen |= reached
        rows.update(dict.fromkeys(row for row in found if _far(row, wanted) in seen))
        level = reached
        depth += 1
        if cut is not None:
            break
    nodes = store.get(seen, view)
    return Subgraph(node_rows=list(nodes.values()), edge_rows=list(rows), cut=cut)


def _far(row: EdgeRow, wanted: Walk) -> str:
    return row.cause if wanted.toward == "causes" else row.effect


def matches(row: NodeRow, where: Filter) -> bool:
    """Whether a node meets a filter: the meaning that engines must reproduce."""
    if where.kinds is not None and row.kind not in where.kinds:
        return False
    if where.label is not None and row.label != where.label:
        return False
    if where.prefix is not None and not row.id.startswith(where.prefix):
        return False
    if where.text is not None and not _contains(row, where.text):
        return False
    if not where.attributes:
        return True
    held = read_text(row.attributes)
    return all(_holds(held.get(key), value) for key, value in where.attributes.items())


def _contains(row: NodeRow, text: str) -> bool:
    return text.lower() in row.id.lower() or text.lower() in (row.label or "").lower()


def _holds(held: Value | None, wanted: Scalar) -> bool:
    return wanted in held if isinstance(held, tuple) else held == wanted


def scan(store: Store, where: Filter, page: Page, view: View) -> Slice:
    """A filter worked out by looking at every node, for views and conditions without an index."""
    found: list[NodeRow] = []
    after = page.after
    while chunk := store.identifiers(after, _CHUNK):
        rows = store.get(chunk, view)
        for ident in chunk:
            row = rows.get(ident)
            if row is not None and matches(row, where):
                if len(found) == page.limit:
                    return Slice(tuple(found), found[-1].id)
                found.append(row)
        after = chunk[-1]
    return Slice(tuple(found))
