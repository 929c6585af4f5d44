# SPDX-License-Identifier: Apache-2.0
"""Says who answers for things: somebody, deliberately nobody, or nobody says so.

What is said of a thing itself counts, else what is said of its name (the dataset or model that it is a version of), else
of the folder that it lies in. That nobody owns a thing is said of the thing: it takes nothing from above.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage import ids
from lineage.model import kinds, terms
from lineage.model.value import Attributes, each
from lineage.services.context import Context
from lineage.services.read.deployments import name_of
from lineage.services.read.people import accounts, called, shown
from lineage.services.read.recent import Recent
from lineage.store.base import NOW, Filter, Hop, Page, View
from lineage.store.claims import Statement
from lineage.store.rows import EdgeRow, NodeRow

OWNER, REVIEWER, NOBODY = "owner", "reviewer", "nobody"
#: The source of what follows from files, and that of what somebody said, which goes before these.
DERIVED_SOURCE, STATED_SOURCE = "owners", "steward:owners"
#: Kinds of which somebody may be asked who answers for them.
OWNED = frozenset(
    {
        "Dataset",
        "DatasetVersion",
        "Model",
        "ModelVersion",
        "Artifact",
        "Decision",
        "DecisionVersion",
    }
)
_ATTRIBUTED = Hop(relations=frozenset({"wasAttributedTo"}))
_MEMBERS = Hop(relations=frozenset({"actedOnBehalfOf"}), toward="effects")
_DECISIONS = frozenset({"Decision", "DecisionVersion"})
#: Sources that name people who answer for something, which is no sign that they are here.
_NAMING = frozenset({"owners", "steward", "codeowners", "decisions"})
#: Folders above a file that are asked; owners of whom it is looked up whether they are here.
_DEEPEST, _MOST_LOOKED_AT = 20, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody who answers for a thing, and what says so: a file and its line, or ``stated``."""

    id: str
    name: str
    kind: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Who answers for a thing: owners; or ``nobody`` says by what it is that nobody does; or neither."""

    owners: tuple[Owner, ...] = ()
    nobody: str | None = None


#: Whether it was said of anything in a store who answers for it: once it was, it was for ever.
_SAID: Recent[bool] = Recent(lasts=bool)


def are_said(ctx: Context, view: View) -> bool:
    """Whether a project here has owners, or somebody said of anything who answers for it. Of now it is asked once a second
    at most, and where it is so never again.
    """

    def look() -> bool:
        projects = ctx.store.find(Filter(prefix=ids.PROJECT), Page(limit=1), view).rows
        return bool(projects) or any(True for _ in ctx.store.asserted(STATED_SOURCE, view))

    return _SAID.of(ctx.store, look) if view == NOW else look()


def look_again(ctx: Context) -> None:
    """Let the next answer look anew: something was said."""
    _SAID.forget(ctx.store)


def role_of(attributes: Attributes | Mapping[str, Any]) -> str:
    """The role of an attribution, in small letters."""
    return next((str(role).lower() for role in each(attributes.get("prov:role", ()))), "")


def said_of(
    ctx: Context, idents: Collection[str], view: View, rows: Mapping[str, NodeRow] | None = None
) -> dict[str, Answering]:
    """What is said of some things themselves; things of which nothing is said are left out. ``rows`` are those that
    were read before.
    """
    wanted = set(idents)
    held = dict(rows or {})
    held |= ctx.store.get(wanted - held.keys(), view)
    edges: dict[str, list[EdgeRow]] = {}
    for edge in sorted(ctx.store.edges(list(wanted), _ATTRIBUTED, view)):
        # Decoded only where it may be one.
        if OWNER in edge.attributes.lower() and role_of(edge.edge().attributes) == OWNER:
            edges.setdefault(edge.effect, []).append(edge)
    people = ctx.store.get({edge.cause for some in edges.values() for edge in some}, view)
    found: dict[str, Answering] = {}
    for ident in wanted:
        owners = [_owner(edge, people) for edge in edges.get(ident, ()) if edge.cause in people]
        stated = [owner for owner in owners if owner.evidence == terms.STATED]
        nobody = _nobody(held.get(ident))
        if stated or (owners and nobody != terms.STATED):
            found[ident] = Answering(owners=tuple(stated or owners))
        elif nobody is not None:
            found[ident] = Answering(nobody=nobody)
    return found


def _owner(edge: EdgeRow, people: Mapping[str, NodeRow]) -> Owner:
    held, row = edge.edge().attributes, people[edge.cause]
    evidence = held.get(terms.EVIDENCE) or held.get(terms.METHOD) or "its source"
    return Owner(id=row.id, name=shown(row), kind=row.kind, evidence=str(evidence))


def _nobody(row: NodeRow | None) -> str | None:
    """By what it is that nobody answers for a thing."""
    if row is None or f'"{NOBODY}"' not in row.attributes:
        return None
    held = row.node().attributes
    if NOBODY not in each(held.get("owner", ())):
        return None
    # Of several the one that somebody said.
    return max(map(str, each(held.get("owner_evidence", ("its source",)))))


class Owners:
    """Who answers for some things of a store."""

    def __init__(self, ctx: Context, rows: Iterable[NodeRow], view: View) -> None:
        self._ctx, self._view = ctx, view
        self._rows = {row.id: row for row in rows}
        self._chains = self._above()
        wanted = {one for chain in self._chains.values() for one in (*chain, *_projects(chain[0]))}
        self._said = said_of(ctx, wanted, view, self._rows) | self._of_decisions()

    def of(self, ident: str) -> Answering:
        """Who answers for one of the things."""
        found = (self._said[one] for one in self._chains[ident] if one in self._said)
        return next(found, Answering())

    def stewards_of(self, ident: str) -> Sequence[Owner]:
        """Who answers for the project that a thing is of."""
        projects = _projects(self._chains[ident][0])
        return next((self._said[one].owners for one in projects if one in self._said), ())

    def _above(self) -> dict[str, tuple[str, ...]]:
        """Each thing, then what it takes its owner from; of a version of a decision the decision comes first."""
        versions = [i for i, row in self._rows.items() if row.kind not in kinds.NAMES]
        names = name_of(self._ctx, versions, self._view)
        found = {}
        for ident, row in self._rows.items():
            name = names.get(ident, ident)
            chain = (name,) if row.kind in _DECISIONS else (ident, name, *_folders(name))
            found[ident] = tuple(dict.fromkeys(chain))
        return found

    def _of_decisions(self) -> dict[str, Answering]:
        """Who answers for decisions: whom the newer of their text and of what was said since names."""
        asked = {self._chains[i][0] for i, row in self._rows.items() if row.kind in _DECISIONS}
        if not asked:
            return {}
        # Records are read as YAML: a walk to none of them loads no reader.
        from lineage.services.read.decisions.state import Decisions

        states = Decisions(self._ctx, self._view).states
        found = {}
        for state in (states[ident] for ident in asked if ident in states):
            people = self._ctx.store.get({one.id for one in state.named(OWNER)}, self._view)
            owners = tuple(
                Owner(
                    id=one.id,
                    name=one.title,
                    kind=people[one.id].kind,
                    evidence=state.text("file") or "its record"
                    if one.stated is None
                    else terms.STATED,
                )
                for one in state.named(OWNER)
                if one.id in people
            )
            if owners:
                found[state.id] = Answering(owners=owners)
        return found


def _parts(ident: str) -> tuple[str, str]:
    """The noun in an identifier of ours, and the namespace with the name; for the versions of a path without digest."""
    if not ident.startswith("urn:lineage:"):
        return "", ""
    _, _, noun, text = ident.split(":", 3)
    return noun, text.removesuffix("@") if noun == "version" else text


def _folders(name: str) -> Iterator[str]:
    """The dataset of a path, and those of the folders above it, the nearest first."""
    noun, text = _parts(name)
    for _ in range(_DEEPEST if noun in {"dataset", "version"} else 0):
        if "/" not in text:
            return
        yield f"urn:lineage:dataset:{text}"
        text = text.rpartition("/")[0]


def _projects(ident: str) -> Iterator[str]:
    """The projects that a thing may be of: its namespace is the begin of its name."""
    noun, text = _parts(ident)
    if noun == "version":
        text = text.rpartition("@")[0] or text
    for _ in range(_DEEPEST):
        text = text.rpartition("/")[0]
        if not text:
            return
        yield f"{ids.PROJECT}{text}"


def unreachable(ctx: Context, owners: Iterable[Owner], view: View) -> dict[str, str]:
    """Which owners cannot be asked, and why: nobody of that name is here but as an owner, or no member of a team is known."""
    by_id = {owner.id: owner for owner in owners}
    teams = [i for i, owner in by_id.items() if owner.kind == "Organization"]
    manned = _manned(ctx, teams, view)
    told = {ident: "a team of which no member is known" for ident in teams if ident not in manned}
    others = [ident for ident in by_id if ident not in teams]
    for ident in others[:_MOST_LOOKED_AT]:
        known = accounts(ctx, {ident}, view)
        if not _are_here(ctx, known, view) and not any(
            _are_here(ctx, {row.id: row}, view)
            for row in called(ctx, by_id[ident].name, view)
            if row.id != ident
        ):
            told[ident] = "unknown here"
    return told


def _manned(ctx: Context, teams: Collection[str], view: View) -> set[str]:
    """Which of some teams can be asked: they, or a team in them, have a member who is known, or an e-mail address."""
    held: dict[str, NodeRow] = {}
    above: dict[str, set[str]] = {}
    looked_at = set(teams)
    for _ in range(_DEEPEST):
        held |= ctx.store.get(looked_at, view)
        inner = [one for one in looked_at if one in held and held[one].kind == "Organization"]
        if not inner:
            break
        edges = ctx.store.edges(inner, _MEMBERS, view)
        for edge in edges:
            above.setdefault(edge.effect, set()).add(edge.cause)
        looked_at = {edge.effect for edge in edges} - held.keys()
    able = {i for i, row in held.items() if row.kind != "Organization" or _has_address(row)}
    new = able
    while new:
        new = {team for one in new for team in above.get(one, ())} - able
        able = able | new
    return able


def _has_address(row: NodeRow) -> bool:
    return '"email":' in row.attributes


def _are_here(ctx: Context, people: Mapping[str, NodeRow], view: View) -> bool:
    """Whether a source tells of one of some people for another reason than that they answer for something."""
    for ident, history in ctx.store.held(list(people), view).items():
        # A record of a decision may name anybody; who wrote it was here.
        naming = _NAMING if people[ident].kind == "Agent" else _NAMING - {"decisions"}
        for claim in history.said(view.as_of):
            if isinstance(claim.what, Statement) and claim.source.partition(":")[0] not in naming:
                return True
    return False
