# SPDX-License-Identifier: Apache-2.0
"""Compares two runs or model versions: what differs, and whether their metrics may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any

from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.model.findings import Finding
from lineage.model.numeric import meaning
from lineage.model.record import Edge, Node
from lineage.model.value import plain
from lineage.services.answer import Certificate, certify
from lineage.services.as_of import at_one_moment
from lineage.services.context import Context
from lineage.services.read.fairness import judge
from lineage.services.read.resolve import resolve
from lineage.services.request import Request, When, reference
from lineage.store.base import Hop, View

_PARAM, _METRIC = "param.", "metric."
#: What a run says of itself that two runs never share and nobody compares.
_OWN = frozenset({"name", "started", "ended"})
_MADE = Hop(relations=frozenset({"wasGeneratedBy", "alternateOf"}))
#: Ties by digest that are followed from a model version to what a run made.
_TIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs: what it is called, and what it is on either side (``None``: absent)."""

    what: str
    a: Any
    b: Any

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"what": self.what, "a": self.a, "b": self.b}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two runs, in sections, and whether their metrics may be compared.

    ``fair`` is ``None`` where that cannot be told; ``reasons`` say why it is not, or is not known.
    """

    a: str
    b: str
    sections: Mapping[str, tuple[Difference, ...]]
    fair: bool | None
    reasons: tuple[Finding, ...]
    certificate: Certificate

    def to_dict(self) -> dict[str, Any]:
        """As the JSON of ``lineage compare``."""
        shown = {name: [d.to_dict() for d in found] for name, found in self.sections.items()}
        return {
            "a": self.a,
            "b": self.b,
            **shown,
            "fair": self.fair,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "certificate": self.certificate.to_dict(),
        }


@dataclass(slots=True)
class Side:
    """A run with what it directly depends on, read for comparing."""

    run: Node
    commits: list[Node] = field(default_factory=list)
    data: list[tuple[str, Node]] = field(default_factory=list)
    environments: list[Node] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)

    def named(self, prefix: str) -> dict[str, Any]:
        """The attributes of one prefix, without it."""
        shown = plain(self.run.attributes)
        return {
            key.removeprefix(prefix): value
            for key, value in shown.items()
            if key.startswith(prefix)
        }


@dataclass(frozen=True, slots=True)
class CompareRequest(
    Request[Comparison],
    graphql="compare",
    weight=50,
    examples=("compare model:fraud@v2 model:fraud@v3",),
):
    """What differs between two runs, or between the runs that made two things, and whether their
    metrics compare.
    """

    one: Annotated[str, reference("The first run, or what it made", "a")]
    other: Annotated[str, reference("The second", "b")]
    _: KW_ONLY
    at: When = None

    def answer(self, ctx: Context) -> Comparison:
        """See ``Request.answer``. Raises ``Usage`` for something that no run made."""
        (a, b), stand = at_one_moment(
            ctx,
            self.at,
            lambda view: (_side(ctx, self.one, view), _side(ctx, self.other, view)),
        )
        sections = {
            "code": _by_name(_idents(a.commits), _idents(b.commits)),
            "data": _data(a, b),
            "environment": _environment(a, b),
            "parameters": _by_name(a.named(_PARAM), b.named(_PARAM)),
            "metrics": _by_name(a.named(_METRIC), b.named(_METRIC)),
            "other": _by_name(_rest(a), _rest(b)),
        }
        changed = [name for name in ("code", "data", "environment", "parameters") if sections[name]]
        fair, reasons = judge(
            (a.run, b.run), (a.named(_METRIC), b.named(_METRIC)), (_bytes(a), _bytes(b)), changed
        )
        return Comparison(
            a=a.run.id,
            b=b.run.id,
            sections=sections,
            fair=fair,
            reasons=reasons,
            certificate=certify(stand, None),
        )


def _side(ctx: Context, about: str, view: View) -> Side:
    row = resolve(ctx, about, view)
    ident = row.id if kinds.family(row.kind) == "Activity" else _maker(ctx, row.id, view)
    if ident is None:
        raise Usage(
            f"no run is known that made {about!r}",
            hint="Name two runs, or two things that runs made.",
        )
    edges = [row.edge() for row in ctx.store.edges([ident], Hop(), view)]
    found = ctx.store.get({ident, *(edge.cause for edge in edges)}, view)
    nodes = {name: row.node() for name, row in found.items()}
    side = Side(run=nodes[ident])
    for edge in edges:
        if edge.cause in nodes:
            _place(side, edge, nodes[edge.cause])
    _open(ctx, side, view)
    return side


def _maker(ctx: Context, ident: str, view: View) -> str | None:
    """The activity that generated a thing, under this name or another of the same bytes."""
    level, seen = [ident], {ident}
    for _ in range(_TIES):
        rows = ctx.store.edges(level, _MADE, view)
        if made := sorted(row.cause for row in rows if row.relation == "wasGeneratedBy"):
            return made[0]
        tied = [row.edge() for row in rows]
        level = sorted(
            {edge.cause for edge in tied if terms.follows(edge.relation, edge.attributes)} - seen
        )
        seen.update(level)
    return None


def _place(side: Side, edge: Edge, node: Node) -> None:
    if node.kind == "Commit":
        if node not in side.commits:
            side.commits.append(node)
    elif node.kind == "Environment":
        side.environments.append(node)
    elif edge.relation == "used":
        role = edge.attributes.get("prov:role")
        side.data.append((role if isinstance(role, str) else "", node))


def _open(ctx: Context, side: Side, view: View) -> None:
    """The packages of its environments."""
    inside = Hop(relations=frozenset({"hadMember"}))
    members = ctx.store.edges([node.id for node in side.environments], inside, view)
    for row in ctx.store.get({edge.cause for edge in members}, view).values():
        package = row.node()
        name = str(package.attributes.get("name") or package.title)
        side.packages[name] = str(package.attributes.get("version") or package.id)


def _idents(nodes: Iterable[Node]) -> dict[str, str]:
    """One commit is compared with one; several with several, each by itself."""
    found = sorted(nodes, key=lambda node: node.id)
    if len(found) == 1:
        return {"commit": found[0].id}
    return {f"commit {node.title}": node.id for node in found}


def _environment(a: Side, b: Side) -> tuple[Difference, ...]:
    if {n.id for n in a.environments} == {n.id for n in b.environments}:
        return ()
    ours, theirs = _facts(a.environments), _facts(b.environments)
    return _by_name({**ours, **a.packages}, {**theirs, **b.packages}) or _by_name(
        {"environment": ", ".join(n.id for n in a.environments) or None},
        {"environment": ", ".join(n.id for n in b.environments) or None},
    )


def _facts(environments: Iterable[Node]) -> dict[str, Any]:
    return {
        key: node.attributes[key]
        for node in environments
        for key in ("python", "platform")
        if key in node.attributes
    }


def _rest(side: Side) -> dict[str, Any]:
    shown = plain(side.run.attributes)
    return {
        key: value
        for key, value in shown.items()
        if key not in _OWN and not key.startswith((_PARAM, _METRIC))
    }


def _by_name(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(what=name, a=a.get(name), b=b.get(name))
        for name in sorted({*a, *b})
        if meaning(a.get(name)) != meaning(b.get(name))
    )


def _data(a: Side, b: Side) -> tuple[Difference, ...]:
    ours, theirs = _slots(a, b), _slots(b, a)
    return tuple(
        Difference(what=slot, a=_version(ours.get(slot)), b=_version(theirs.get(slot)))
        for slot in sorted({*ours, *theirs})
        if _content(ours.get(slot)) != _content(theirs.get(slot))
    )


def _slots(side: Side, other: Side) -> dict[str, Node]:
    """What a run read, by role where either run has at most one thing of it, else by name."""
    roles = [role for role, _ in side.data]
    others = [role for role, _ in other.data]
    found: dict[str, Node] = {}
    for role, node in side.data:
        alone = bool(role) and roles.count(role) == 1 and others.count(role) <= 1
        name = str(node.attributes.get("name") or node.title.partition("@")[0])
        found[role if alone else f"{role}: {name}".removeprefix(": ")] = node
    return found


def _content(node: Node | None) -> Any:
    """What tells two versions apart: their bytes where these are known, else their identifier."""
    return None if node is None else node.attributes.get("digest") or node.id


def _version(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {"id": node.id, "label": node.title, "digest": plain(node.attributes).get("digest")}


def _bytes(side: Side) -> Sequence[tuple[str, str]]:
    return sorted((role, str(_content(node))) for role, node in side.data)
