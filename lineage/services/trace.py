# SPDX-License-Identifier: Apache-2.0
"""What produced this, and what depends on it: walks toward causes and effects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.query.plan import Toward
from lineage.services.answer import Answer, answered
from lineage.services.context import Context
from lineage.services.resolve import nearest, resolve
from lineage.services.when import at_one_moment
from lineage.store.base import Subgraph, View, Walk
from lineage.store.rows import NodeRow


def trace(ctx: Context, reference: str, **chosen: Any) -> Answer:
    """What produced this: everything upstream, as a graph and in groups.

    ``chosen``: ``depth`` (hops), ``limit`` (nodes), ``via`` (relations), ``at`` (entry or time).
    """
    return _walk(ctx, reference, "causes", **chosen)


def impact(ctx: Context, reference: str, **chosen: Any) -> Answer:
    """What depends on this: everything downstream. Takes what ``trace`` takes."""
    return _walk(ctx, reference, "effects", **chosen)


def _walk(
    ctx: Context,
    reference: str,
    toward: Toward,
    *,
    depth: int | None = None,
    limit: int = 1_000_000,
    via: Iterable[str] | None = None,
    at: str | int | None = None,
) -> Answer:
    if (depth is not None and depth < 0) or limit < 1:
        raise Usage("depth is at least 0 and limit at least 1")
    along = relations(via)

    def read(view: View) -> tuple[Subgraph, str]:
        start = resolve(ctx, reference, view).id
        walk = Walk(
            start=frozenset({start}),
            toward=toward,
            relations=along,
            depth=depth,
            limit=limit,
            seconds=ctx.budget,
        )
        return ctx.store.walk(walk, view), start

    (found, start), stand = at_one_moment(ctx, at, read)
    groups = grouped(row for row in found.ordered_nodes if row.id != start)
    return answered(found, stand, (start,), groups=groups)


def grouped(rows: Iterable[NodeRow]) -> dict[str, list[str]]:
    """Identifiers by the groups in which people read them."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(kinds.group(row.kind), []).append(row.id)
    return {name: groups[name] for name in kinds.GROUPS if name in groups}


def relations(via: Iterable[str] | None) -> frozenset[str] | None:
    """The relations named. Raises ``Usage`` with the nearest names for one there is not."""
    if via is None:
        return None
    named = frozenset(via)
    for name in named:
        if name not in terms.RELATIONS:
            near = ", ".join(nearest(name, terms.RELATIONS)) or ", ".join(terms.RELATIONS)
            raise Usage(f"there is no relation {name!r}", hint=f"Did you mean {near}?")
    return named or None
