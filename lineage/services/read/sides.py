# SPDX-License-Identifier: Apache-2.0
"""Reads runs for comparing: each with its commits, data and environments, and what tells bytes apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage import ids
from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.identity import STRONG
from lineage.model.record import Edge, Node
from lineage.model.value import each, plain
from lineage.services.context import Context
from lineage.services.read.resolve import meant, resolve
from lineage.services.read.versions import versions
from lineage.services.read.within import within
from lineage.store.base import Hop, View
from lineage.store.rows import EdgeRow, NodeRow

PARAM, METRIC = "param.", "metric."
#: What says that a run ran other files than its commit has.
MODIFIED = "modified_files"
#: The files of its commit that a run imported.
IMPORTED = "imported"
_STRONG = tuple(f"{algorithm}:" for algorithm in STRONG)
_MADE = Hop(relations=frozenset({"wasGeneratedBy", "alternateOf"}))
_SAME = Hop(relations=frozenset({"alternateOf"}), followed=True)
_SAME_BACK = Hop(toward="effects", relations=frozenset({"alternateOf"}), followed=True)
_USED = Hop(relations=frozenset({"used"}))
_MEMBERS = Hop(relations=frozenset({"hadMember"}))
_DATA = frozenset({"Dataset", "DatasetVersion"})
#: What stores call a version of an object by: the same one has the same bytes, of another one nothing can be told.
_OF_STORES = frozenset({"etag", "version_id"})
#: Ties by digest that are followed from a model version to what a run made.
_TIES = 4
#: Versions that a message names.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Used:
    """One thing that a run read: in which role, and the digests by which its bytes are known."""

    role: str
    node: Node
    digests: frozenset[str] = frozenset()

    @property
    def unknown(self) -> bool:
        """Whether it is data whose bytes are not known."""
        return self.node.kind in _DATA and not self.digests

    def same(self, other: Used) -> bool | None:
        """Whether two things have the same bytes; ``None`` where that cannot be told."""
        if self.digests & other.digests:
            return True
        mine, theirs = _by_algorithm(self), _by_algorithm(other)
        if self.node.id == other.node.id:
            return None if self.unknown and not mine.keys() & _OF_STORES else True
        if self.node.kind not in _DATA and not (mine or theirs):
            return False
        # Even of few bits: what has another digest has other bytes.
        both = (mine.keys() & theirs.keys()) - _OF_STORES
        return False if any(mine[name] != theirs[name] for name in both) else None


@dataclass(frozen=True, slots=True)
class DataMeant:
    """The data that a reference means; a dataset means each of its versions."""

    rows: Sequence[NodeRow]

    @property
    def stems(self) -> Sequence[str]:
        """What the identifiers of the versions begin with of the datasets among it."""
        return [s for row in self.rows if row.kind == "Dataset" and (s := ids.versions_of(row.id))]

    def has(self, ident: str) -> bool:
        """Whether a thing is part of it, by its identifier."""
        return any(row.id == ident for row in self.rows) or ids.versions_of(ident) in self.stems


def data_meant(ctx: Context, reference: str, view: View) -> DataMeant:
    """The data that a reference means. Raises the errors of references."""
    return DataMeant(meant(ctx, reference, view))


def _by_algorithm(used: Used) -> dict[str, set[str]]:
    own = each(used.node.attributes.get("digest", ()))
    found: dict[str, set[str]] = {}
    for digest in {*used.digests, *(value for value in own if isinstance(value, str))}:
        found.setdefault(digest.partition(":")[0], set()).add(digest)
    return found


@dataclass(slots=True)
class Side:
    """A run with what it directly depends on."""

    run: Node
    row: NodeRow
    commits: list[Node] = field(default_factory=list)
    data: list[Used] = field(default_factory=list)
    environments: list[Node] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    machines: list[Node] = field(default_factory=list)
    modules: list[Node] = field(default_factory=list)

    def named(self, prefix: str) -> dict[str, Any]:
        """The attributes of one prefix, without it."""
        shown = plain(self.run.attributes)
        return {
            key.removeprefix(prefix): value
            for key, value in shown.items()
            if key.startswith(prefix)
        }

    @property
    def modified(self) -> list[str]:
        """The files of its commit that it ran with other content."""
        return [str(path) for path in each(self.run.attributes.get(MODIFIED, ()))]

    @property
    def open(self) -> int:
        """How many requirements its environments leave open, at least."""
        return sum(
            len(each(node.attributes.get("unpinned", ()))) or 1
            for node in self.environments
            if node.attributes.get("reproducible") is False
        )


def run_of(ctx: Context, about: str, view: View) -> str:
    """The run that a reference means, or that made what it means. Raises ``Usage`` where there is none."""
    row = resolve(ctx, about, view)
    ident = row.id if kinds.family(row.kind) == "Activity" else _maker(ctx, row.id, view)
    if ident is None and (named := versions(ctx, row, view)):
        if len(named) == 1:
            return run_of(ctx, named[0].id, view)
        shown = ", ".join(one.title for one in named[-_SHOWN:])
        raise Usage(
            f"{row.title} has {len(named)} versions, and which one is compared is not said",
            hint=f"Name one: {shown}.",
        )
    if ident is None:
        raise Usage(
            f"no run is known that made {about!r}",
            hint="Name two runs, or two things that runs made.",
        )
    return ident


def _maker(ctx: Context, ident: str, view: View) -> str | None:
    """The activity that generated a thing, under this name or another of the same bytes."""
    level, seen = [ident], {ident}
    for _ in range(_TIES):
        rows = ctx.store.edges(level, _MADE, view)
        if made := sorted(row.cause for row in rows if row.relation == "wasGeneratedBy"):
            return made[0]
        level = sorted({edge.cause for edge in _followed(rows)} - seen)
        seen.update(level)
    return None


def _followed(rows: Iterable[EdgeRow]) -> list[Edge]:
    edges = (row.edge() for row in rows)
    return [edge for edge in edges if terms.follows(edge.relation, edge.attributes)]


def sides(
    ctx: Context, idents: Collection[str], view: View
) -> tuple[dict[str, Side], Sequence[EdgeRow]]:
    """Some runs by identifier, and the edges from them: few statements, however many runs. Of one that is part of a
    captured run, its data is that of the captured run besides, and its commits and environments are those that were
    really there, where they were seen.
    """
    rows = ctx.store.edges(list(idents), Hop(), view)
    edges = [row.edge() for row in rows]
    around = within(ctx, idents, view)
    captured = sorted(set[str]().union(*around.values()))
    there = [row.edge() for row in ctx.store.edges(captured, _USED, view)] if captured else []
    found = ctx.store.get({*idents, *(edge.cause for edge in (*edges, *there))}, view)
    nodes = {name: row.node() for name, row in found.items()}
    digests = digests_of(ctx, [n for n in nodes.values() if n.kind not in ("Commit", "Run")], view)
    known = {ident: Side(run=nodes[ident], row=found[ident]) for ident in idents}
    for edge in edges:
        if edge.cause in nodes:
            _place(known[edge.effect], edge, nodes[edge.cause], digests)
    for run, of in around.items():
        their = [edge for edge in there if edge.effect in of and edge.cause in nodes]
        kinds_seen = {nodes[edge.cause].kind for edge in their}
        side = known[run]
        side.commits = [] if "Commit" in kinds_seen else side.commits
        side.environments = [] if "Environment" in kinds_seen else side.environments
        for edge in their:
            _place(side, edge, nodes[edge.cause], digests)
    _open(ctx, known.values(), view)
    return known, rows


def _place(side: Side, edge: Edge, node: Node, digests: Mapping[str, frozenset[str]]) -> None:
    if node.kind == "Commit":
        if node not in side.commits and terms.ran(edge.attributes):
            side.commits.append(node)
    elif node.kind == "Environment":
        if node not in side.environments:
            side.environments.append(node)
    elif node.kind == "Machine":
        side.machines.append(node)
    elif terms.is_module(edge.attributes):
        side.modules.append(node)
    elif edge.relation == "used":
        role = edge.attributes.get("prov:role")
        said = role if isinstance(role, str) else ""
        side.data.append(Used(said, node, digests.get(node.id, frozenset())))


def digests_of(ctx: Context, nodes: Sequence[Node], view: View) -> dict[str, frozenset[str]]:
    """Find the digests of some things: their own, and those of what they are the same as."""
    held = {node.id: set(_strong(node)) for node in nodes}
    if not held:
        return {}
    out = _followed(ctx.store.edges(list(held), _SAME, view))
    back = _followed(ctx.store.edges(list(held), _SAME_BACK, view))
    ties = [(edge.effect, edge.cause) for edge in out]
    ties += [(edge.cause, edge.effect) for edge in back]
    far_rows = ctx.store.get({far for _, far in ties} - held.keys(), view) if ties else {}
    far_held = {ident: _strong(row.node()) for ident, row in far_rows.items()}
    own = {ident: frozenset(found) for ident, found in held.items()}
    for near, far in ties:
        held[near] |= own.get(far, frozenset()) | far_held.get(far, frozenset())
    return {ident: frozenset(found) for ident, found in held.items()}


def copies(ctx: Context, idents: Collection[str], view: View) -> dict[str, set[str]]:
    """Some things, each with all that has the same bytes under another name, itself and the bytes included."""
    found = {ident: {ident} for ident in idents}
    of: dict[str, set[str]] = {}
    for edge in ctx.store.edges(sorted(found), _SAME, view) if found else ():
        found[edge.effect].add(edge.cause)
        of.setdefault(edge.cause, set()).add(edge.effect)
    for edge in ctx.store.edges(sorted(of), _SAME_BACK, view) if of else ():
        for ident in of[edge.cause]:
            found[ident].add(edge.effect)
    return found


def _strong(node: Node) -> frozenset[str]:
    values = each(node.attributes.get("digest", ()))
    return frozenset(v for v in values if isinstance(v, str) and v.startswith(_STRONG))


def _open(ctx: Context, known: Collection[Side], view: View) -> None:
    """The packages of the environments."""
    environments = {node.id for side in known for node in side.environments}
    if not environments:
        return
    members: dict[str, list[str]] = {}
    for edge in ctx.store.edges(sorted(environments), _MEMBERS, view):
        members.setdefault(edge.effect, []).append(edge.cause)
    packages = ctx.store.get({one for some in members.values() for one in some}, view)
    named = {ident: _package(row.node()) for ident, row in packages.items()}
    for side in known:
        for node in side.environments:
            side.packages.update(named[m] for m in members.get(node.id, ()) if m in named)


def _package(node: Node) -> tuple[str, str]:
    name = str(node.attributes.get("name") or node.title)
    return name, str(node.attributes.get("version") or node.id)
