# SPDX-License-Identifier: Apache-2.0
"""Finds the versions of a name: what a walk that is asked about a model or a dataset begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lineage import ids
from lineage.model import kinds
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.store.base import Filter, Hop, Page, View
from lineage.store.paging import find_all
from lineage.store.rows import EdgeRow, NodeRow

_VERSIONS = Hop(toward="effects", relations=frozenset({"specializationOf"}))
_MADE_BY = Hop(relations=frozenset({"wasGeneratedBy", "wasInfluencedBy"}))
_USED_BY = Hop(toward="effects", relations=frozenset({"used"}))
_PARTS = Hop(relations=frozenset({"hadMember"}))
_USES = Hop(relations=frozenset({"used"}))
_PARENTS = Hop(relations=frozenset({"parent"}))
_AT_HEAD = Filter(kinds=frozenset({"Commit"}), also=c.Like("refs", "HEAD"))
#: Commits that are looked at for the one that brought a version in.
_HISTORY = 100_000
_MOMENTS = ("ended", "started", "created", "committed", "prov:time")


def versions(ctx: Context, row: NodeRow, view: View) -> Sequence[NodeRow]:
    """The versions of a name, by identifier; none for what is no name of a model or a dataset. Of the
    name of a path those as well that nobody tracked as data: a stage made them, or git has them.
    """
    if row.kind not in kinds.NAMES:
        return ()
    effects = {edge.effect for edge in ctx.store.edges([row.id], _VERSIONS, view)} - {row.id}
    found = dict(ctx.store.get(effects, view))
    found |= {one.id: one for one in of_path(ctx, row.id, view)}
    return [found[ident] for ident in sorted(found)]


def of_path(ctx: Context, ident: str, view: View) -> Sequence[NodeRow]:
    """The versions of the path that a dataset, or one of the versions, is called by; by identifier."""
    stem = ids.versions_of(ident)
    if stem is None:
        return []
    found = find_all(ctx.store, Filter(prefix=stem), view)
    return [row for row in found if ids.versions_of(row.id) == stem]


def path_of(rows: Iterable[NodeRow], name: str) -> str | None:
    """What the versions of one path begin with, where these are all of one, and it is called so."""
    stems = {ids.versions_of(row.id) for row in rows if row.kind not in kinds.NAMES}
    stem = stems.pop() if len(stems) == 1 else None
    return stem if stem is not None and stem.endswith(f"/{ids.segment(name)}@") else None


def parts(ctx: Context, rows: Sequence[NodeRow], view: View) -> Sequence[NodeRow]:
    """The files in folders, by identifier: what depends on a folder depends on what lies in it."""
    folders = [row.id for row in rows if row.kind in kinds.FOLDERS]
    inside = {edge.cause for edge in ctx.store.edges(folders, _PARTS, view)} if folders else set()
    inside -= {row.id for row in rows}
    found = ctx.store.get(inside, view) if inside else {}
    return [found[ident] for ident in sorted(found)]


def at_head(ctx: Context, rows: Sequence[NodeRow], path: str, view: View) -> NodeRow | None:
    """Of the versions of one path, the one that the newest commit of the default branch has: the last
    one that a commit before it brought in. ``None`` where they are of several paths, or where the
    history does not tell.
    """
    if path_of(rows, path) is None:
        return None
    brought = _brought_in(ctx, rows, view)
    heads = ctx.store.find(_AT_HEAD, Page(limit=2), view).rows
    if not brought or len(heads) != 1:
        return None
    level, seen = [heads[0].id], {heads[0].id}
    while level and len(seen) <= _HISTORY:
        found = {row.id: row for commit in level for row in brought.get(commit, ())}
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
        above = {edge.cause for edge in ctx.store.edges(level, _PARENTS, view)} - seen
        seen |= above
        level = sorted(above)
    return None


def _brought_in(
    ctx: Context, rows: Sequence[NodeRow], view: View
) -> Mapping[str, Sequence[NodeRow]]:
    """Commit -> the versions that it brought in, as data or as what a run made."""
    by_id = {row.id: row for row in rows}
    made = ctx.store.edges(list(by_id), _MADE_BY, view)
    runs: dict[str, list[str]] = {}
    found: dict[str, list[NodeRow]] = {}
    for edge in made:
        if edge.cause.startswith(ids.REVISION):
            found.setdefault(edge.cause, []).append(by_id[edge.effect])
        else:
            runs.setdefault(edge.cause, []).append(edge.effect)
    for edge in ctx.store.edges(list(runs), _USES, view):
        if edge.cause.startswith(ids.REVISION):
            found.setdefault(edge.cause, []).extend(by_id[ident] for ident in runs[edge.effect])
    return found


def newest(ctx: Context, rows: Sequence[NodeRow], view: View) -> NodeRow | None:
    """The newest of some versions: the highest where they are numbered, else the one that a run made
    or used last; ``None`` where nothing tells them apart.
    """
    if len(rows) == 1:
        return rows[0]
    numbers = [_number(row) for row in rows]
    if all(number is not None for number in numbers):
        return max(zip(numbers, rows, strict=True), key=lambda pair: (pair[0] or 0, pair[1].id))[1]
    latest = _moments(ctx, rows, view)
    if not latest:
        return None
    top = max(latest.values())
    tops = [row for row in rows if latest.get(row.id) == top]
    return tops[0] if len(tops) == 1 else None


def _number(row: NodeRow) -> int | None:
    held = row.node().attributes.get("version")
    return int(held) if isinstance(held, str) and held.isdecimal() and held.isascii() else None


def _moments(ctx: Context, rows: Sequence[NodeRow], view: View) -> Mapping[str, float]:
    """When each was made or used last, as far as that is known: seconds since 1970."""
    idents = [row.id for row in rows]
    made = [(e.effect, e.cause, e) for e in ctx.store.edges(idents, _MADE_BY, view)]
    used = [(e.cause, e.effect, e) for e in ctx.store.edges(idents, _USED_BY, view)]
    near = dict(ctx.store.get({far for _, far, _ in (*made, *used)}, view))
    found: dict[str, float] = {}
    own = [(e.effect, e.cause, e) for e in ctx.store.edges(idents, _USES, view)]
    near |= ctx.store.get({far for _, far, _ in own if far.startswith(ids.REVISION)}, view)
    made += own
    told: list[tuple[str, Mapping[str, object]]] = [(row.id, row.node().attributes) for row in rows]
    told += [
        (ident, near[far].node().attributes) for ident, far, _ in (*made, *used) if far in near
    ]
    told += [(ident, _edge(edge)) for ident, _, edge in made]
    for ident, held in told:
        for moment in _times(held):
            found[ident] = max(moment, found.get(ident, moment))
    return found


def _edge(row: EdgeRow) -> Mapping[str, object]:
    return row.edge().attributes


def _times(held: Mapping[str, object]) -> Iterable[float]:
    for name in _MOMENTS:
        text = held.get(name)
        moment = c.instant(text) if isinstance(text, str) else None
        if moment is not None:
            yield moment.timestamp()
            return
