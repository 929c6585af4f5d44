# SPDX-License-Identifier: Apache-2.0
"""Answers what produced something, and what depends on it: walks toward causes and effects."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from itertools import chain
from typing import Annotated, Any, Literal, TypeVar

from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.gaps import Gap
from lineage.query.plan import EdgeFilter, PlanRequest, Toward, Traverse
from lineage.services.answer import Answer, Certificate, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.concerned import Concerned, concerned
from lineage.services.read.deployments import DeploymentStatus, in_use
from lineage.services.read.equivalents import versions_asked
from lineage.services.read.gaps import needs_things, of_walk
from lineage.services.read.resolve import called, meant, nearest, resolve
from lineage.services.read.versions import newest, parts, versions
from lineage.services.request import ANSWER, EVERYTHING, Request, Says, Via, When, reference
from lineage.services.summary import counted
from lineage.store.base import NOW, Reach, Subgraph, View, Walk
from lineage.store.reference import reach_of
from lineage.store.rows import NodeRow
from lineage.store.unresolved import Unresolved

Depth = Annotated[
    int | None, Says(text="How many hops; without it, as far as it goes.", at_least=0)
]
Versions = Annotated[
    Literal["all", "latest"] | None,
    Says(
        text="Where a name or a path has versions: begin with all of them, or with the latest. "
        "Default: all of them; for the causes of a path, the version that HEAD has."
    ),
]
Limit = Annotated[int, Says(text="How many nodes.", at_least=1, sized=(10_000, ANSWER))]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WalkAnswer(Answer):
    """Everything within reach of one thing; ``groups`` are its nodes as people read them. ``start``
    is the thing; where it is a name that has versions, these behind it; of a folder whose effects are
    asked for, the files in it. ``deployments`` are those within reach that are live, or may be; ``None``
    where causes were asked for. ``owners`` are those who answer for what depends on it; ``None`` as well where
    no project here has owners, and nobody said of anything who answers for it.
    """

    groups: Mapping[str, Sequence[str]]
    deployments: Sequence[DeploymentStatus] | None = None
    owners: Sequence[Concerned] | None = None


#: Versions that a message names.
_SHOWN = 5

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class WalkRequest(Request[W]):
    """What every verb takes that walks from one thing."""

    reference: Annotated[str, reference("What it is about")]
    _: KW_ONLY
    depth: Depth = None
    limit: Limit = EVERYTHING
    via: Via = None
    version: Versions = None
    at: When = None


@dataclass(frozen=True, slots=True)
class TraceRequest(
    WalkRequest[WalkAnswer],
    graphql="trace",
    weight=10,
    examples=("trace model:fraud@v3", "trace data/train.csv --depth 3 --at 2026-05-01"),
):
    """What produced this: everything upstream, as a graph and in groups."""

    def answer(self, ctx: Context) -> WalkAnswer:
        """See ``Request.answer``."""
        return walked(ctx, self, "causes")


@dataclass(frozen=True, slots=True)
class ImpactRequest(
    WalkRequest[WalkAnswer],
    graphql="impact",
    weight=10,
    examples=("impact dataset:data/train.csv", "impact sha256:9f86d081884c7d65"),
):
    """What depends on this: everything downstream, copies of the bytes included. What is deployed of it,
    and live, comes first; who answers for what comes last.
    """

    def answer(self, ctx: Context) -> WalkAnswer:
        """See ``Request.answer``."""
        return walked(ctx, self, "effects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What is within reach of one thing, without nodes and edges: how many there are of each kind, and
    their identifiers, ``None`` where only the numbers were asked for. ``start`` is as in a walk's answer.
    """

    kinds: Mapping[str, int]
    ids: tuple[str, ...] | None
    certificate: Certificate
    start: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many things there are."""
        return sum(self.kinds.values())

    def to_dict(self) -> dict[str, Any]:
        """The answer as the JSON of every interface."""
        ids = {} if self.ids is None else {"ids": list(self.ids)}
        certificate = self.certificate.to_dict()
        return {**ids, "kinds": dict(self.kinds), "total": self.total, "certificate": certificate}


@dataclass(frozen=True, slots=True)
class ReachRequest(WalkRequest[Reached], graphql="reach", weight=5):
    """What trace and impact would find, by identifiers or by numbers: of large answers these come many
    times sooner than nodes and edges do.
    """

    _: KW_ONLY
    toward: Annotated[
        Literal["causes", "effects"], Says(text="What it was made from, or what was made from it.")
    ] = "effects"
    counts: Annotated[bool, Says(text="Only how many there are of each kind.")] = False

    def answer(self, ctx: Context) -> Reached:
        """See ``Request.answer``."""

        def read(view: View) -> tuple[Reach, tuple[str, ...], list[Gap]]:
            start, gaps = _start(ctx, self, self.toward, view, ())
            walk, start = _walk(ctx, self, self.toward, view, start)
            reach, found = _reach(ctx, walk, start, view, counts=self.counts)
            whole = walk.relations is None and reach.cut is None
            gaps += of_walk(ctx, found, start, self.toward, view, everything=whole)
            return reach, tuple(row.id for row in start), gaps

        (reach, start, gaps), stand = at_one_moment(ctx, self.at, read)
        ids = (
            None if self.counts else tuple(sorted(chain.from_iterable((reach.ids or {}).values())))
        )
        certificate = certify(stand, reach.cut, gaps=gaps)
        kinds = dict(sorted(reach.kinds.items()))
        return Reached(kinds=kinds, ids=ids, certificate=certificate, start=start)


def _reach(
    ctx: Context, walk: Walk, start: Sequence[NodeRow], view: View, *, counts: bool
) -> tuple[Reach, Subgraph]:
    """What is within reach, and of it what its gaps are found by: of causes nodes and edges, which are
    few; of effects identifiers and kinds, where there is anything to find.
    """
    if walk.toward == "causes":
        found = ctx.store.walk(walk, view)
        return reach_of(((row.id, row.kind) for row in found.node_rows), found.cut), found
    needed = needs_things(ctx, start, view)
    reach = ctx.store.reach(walk, view, counts=counts and not needed)
    held = (reach.ids or {}).items() if needed else ()
    rows = [NodeRow(ident, kind, None, "{}") for kind, ids in held for ident in ids]
    return reach, Subgraph(node_rows=rows, edge_rows=())


def walked(ctx: Context, asked: WalkRequest[W], toward: Toward) -> WalkAnswer:
    """Walk to everything within reach of one thing, on one side of it; downstream of a folder, of the
    files in it as well. Raises ``Usage`` where the latest version is asked for and nothing tells which
    one that is.
    """

    def read(
        view: View,
    ) -> tuple[Subgraph, tuple[str, ...], list[Gap], dict[str, Any]]:
        known, found = _at_first_sight(ctx, asked, toward, view)
        start, gaps = _start(ctx, asked, toward, view, known)
        if found is None:
            walk, start = _walk(ctx, asked, toward, view, start)
            found = ctx.store.walk(walk, view)
        whole = relations(asked.via) is None and found.cut is None
        gaps += of_walk(ctx, found, start, toward, view, everything=whole)
        begun = {row.id: row for row in start}
        more: dict[str, Any] = {}
        if toward == "effects":
            effects = [row for row in found.node_rows if row.id not in begun]
            owners, missing = concerned(ctx, effects, view)
            more = {"deployments": in_use(ctx, found, view), "owners": owners}
            gaps += missing
        return found, tuple(begun), gaps, more

    (found, start, gaps, more), stand = at_one_moment(ctx, asked.at, read)
    alone = start[:1] if len(versions_asked(start)) < 2 else ()
    return WalkAnswer(
        found=found,
        certificate=certify(stand, found.cut, gaps=gaps),
        start=start,
        groups=grouped(row for row in found.ordered_nodes if row.id not in alone),
        **more,
    )


def _walk(
    ctx: Context, asked: WalkRequest[Any], toward: Toward, view: View, start: tuple[NodeRow, ...]
) -> tuple[Walk, tuple[NodeRow, ...]]:
    """The walk that is asked for, and what it begins with: downstream, the files in a folder as well."""
    if toward == "effects":
        start = (*start, *parts(ctx, start, view))
    walk = Walk(
        start=frozenset(row.id for row in start),
        toward=toward,
        relations=relations(asked.via),
        depth=asked.depth,
        limit=asked.limit,
        seconds=ctx.budget,
    )
    return walk, start


def _at_first_sight(
    ctx: Context, asked: WalkRequest[Any], toward: Toward, view: View
) -> tuple[Sequence[NodeRow], Subgraph | None]:
    """What a reference means at first sight, and the whole walk from it, in one question where looking names up
    by itself costs as much; nothing where it has to be looked up before.
    """
    name = called(asked.reference)
    plain = view == NOW and asked.depth is None and asked.version is None
    if name is None or not plain or not ctx.store.caps.resolves:
        return (), None
    # These stand for others as well, which are no part of the question yet.
    but = kinds.NAMES if toward == "causes" else kinds.NAMES | kinds.FOLDERS
    follow = EdgeFilter(relations(asked.via))
    walk = Traverse(replace(name, but=but), toward, follow)
    question = PlanRequest(plan=walk, follow=follow, limit=asked.limit, seconds=ctx.budget)
    try:
        found = ctx.store.run(question, view)
    except Unresolved as unresolved:
        return tuple(unresolved.rows.values()), None
    return tuple(found.called.values()), found


def _start(
    ctx: Context,
    asked: WalkRequest[Any],
    toward: Toward,
    view: View,
    known: Sequence[NodeRow],
) -> tuple[tuple[NodeRow, ...], list[Gap]]:
    """What a walk begins with: a thing; a name with its versions, since nobody made the name; the
    versions of a path; or one of these versions, and how many are left out then.
    """
    found = known or meant(ctx, asked.reference, view)
    row, is_path = found[0], len(found) > 1
    named = found if is_path else versions(ctx, row, view)
    version = asked.version or ("head" if is_path and toward == "causes" else "all")
    if version == "all" or not named:
        return tuple(found) if is_path else (row, *named), []
    one = newest(ctx, named, view) if version == "latest" else None
    if one is None and is_path:
        one = resolve(ctx, asked.reference, view)
    if one is None:
        shown = ", ".join(each.title for each in named[:_SHOWN])
        raise Usage(
            f"nothing tells which of the {len(named)} versions of {row.title} is the latest",
            hint=f"Name one: {shown}.",
        )
    left = [each for each in named if each.id != one.id]
    if not left:
        return (one,), []
    title = one.title.rpartition("@")[0] if is_path else row.title
    verb = "trace" if toward == "causes" else "impact"
    gap = Gap(
        code="versions-left-out",
        count=len(left),
        message=f"{counted(len(left), 'other version')} of {title}, which the walk did not begin with",
        example=left[0].title,
        command=f"lineage {verb} {shlex.quote(asked.reference)} --version all",
    )
    return (one,), [gap]


def grouped(rows: Iterable[NodeRow]) -> dict[str, list[str]]:
    """Put identifiers into the groups in which people read them."""
    groups: dict[str, list[str]] = {}
    of_kind: dict[str, list[str]] = {}
    for ident, kind, _, _ in rows:
        if (held := of_kind.get(kind)) is None:
            held = of_kind[kind] = groups.setdefault(kinds.group(kind), [])
        held.append(ident)
    return {name: groups[name] for name in kinds.GROUPS if name in groups}


def relations(via: Iterable[str] | None) -> frozenset[str] | None:
    """Find relations by their names. Raises ``Usage`` with the nearest names for one there is not."""
    if via is None:
        return None
    named = frozenset(via)
    for name in named:
        if name not in terms.RELATIONS:
            near = ", ".join(nearest(name, terms.RELATIONS)) or ", ".join(terms.RELATIONS)
            raise Usage(f"there is no relation {name!r}", hint=f"Did you mean {near}?")
    return named or None
