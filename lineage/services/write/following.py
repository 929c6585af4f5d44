# SPDX-License-Identifier: Apache-2.0
"""Ties runs and commits to the decisions that they follow.

A run names its decision itself; where it does not, the message of the commit that it ran may, or the name of its
branch. What a text means is found again with every import, so that the order of imports does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from importers.tally import Tally
from lineage.model import terms
from lineage.model.record import Edge
from lineage.model.value import Value, each
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read.decisions.rows import utc
from lineage.services.read.decisions.state import Decisions, DecisionState
from lineage.sources.decision_records.names import Meant
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_all
from lineage.store.rows import EdgeRow, NodeRow

#: Where a run, or a commit, names its decision; and where the name of a branch may.
_NAMED = ("decision", "tag.lineage.decision", "tag.decision")
_BRANCH = "branch.decision"
_WHERE = Filter(
    kinds=frozenset({"Run", "Commit"}), also=c.AnyOf(tuple(map(c.Has, (*_NAMED, _BRANCH))))
)
_USES = Hop(relations=frozenset({"used"}))
#: From a state of the files, which a run had, to the commit that they were changed from.
_CHANGED = Hop(relations=frozenset({"wasDerivedFrom"}))
_STATES = Hop(toward="effects", relations=frozenset({"wasDerivedFrom"}))
_USED_BY = Hop(toward="effects", relations=frozenset({"used"}))


def reference(
    effect: str, relation: str, cause: str, evidence: str, more: Mapping[str, Value] | None = None
) -> Edge:
    """An edge that stands because a text names its cause."""
    attributes: dict[str, Value] = {
        terms.METHOD: terms.BY_REFERENCE,
        terms.EVIDENCE: evidence,
        **(more or {}),
    }
    return Edge(relation=relation, effect=effect, cause=cause, attributes=attributes)


def follows(
    ctx: Context, decisions: Decisions, tally: Tally, run: str | None = None
) -> Iterator[Edge]:
    """The edges from runs and commits to the versions of their decisions that there were at the time; of all, or of one
    run and what it ran.
    """
    by_branch: dict[str, NodeRow] = {}
    commits: dict[str, list[_Named]] = {}
    settled: set[str] = set()
    for row in find_all(ctx.store, _WHERE) if run is None else _with_commits(ctx, run):
        found = [*_by_name(decisions, row, tally)]
        if any(row.node().attributes.get(name) for name in _NAMED):
            settled.add(row.id)
        elif row.kind == "Run":
            by_branch[row.id] = row
        if row.kind == "Commit" and found:
            commits[row.id] = found
        for one in found:
            yield from _edges(row, one)
    for row, found in _by_commit(ctx, commits, settled, run):
        settled.add(row.id)
        for one in found:
            yield from _edges(row, one)
    for row in by_branch.values():
        meant = None if row.id in settled else _by_branch(decisions, row, tally)
        if meant is not None:
            yield from _edges(row, meant)


def _with_commits(ctx: Context, run: str) -> Iterator[NodeRow]:
    ran = [edge.cause for edge in ctx.store.edges([run], _USES, NOW) if _is_source(edge)]
    changed = [edge.cause for edge in ctx.store.edges(ran, _CHANGED, NOW)]
    yield from ctx.store.get([run, *ran, *changed], NOW).values()


@dataclass(frozen=True, slots=True)
class _Named:
    """A decision that something names, and by what."""

    state: DecisionState
    evidence: str


def _by_name(decisions: Decisions, row: NodeRow, tally: Tally) -> Iterator[_Named]:
    held = row.node().attributes
    for text in dict.fromkeys(str(x) for name in _NAMED for x in each(held.get(name, ()))):
        meant = decisions.meant(text)
        if meant.one is None:
            reason = (
                "name no decision that is here"
                if not meant.idents
                else "may name several decisions"
            )
            _lose(tally, reason, row, text)
        else:
            yield _Named(decisions.states[meant.one], text)


def _by_commit(
    ctx: Context, commits: Mapping[str, Sequence[_Named]], settled: set[str], run: str | None
) -> Iterator[tuple[NodeRow, list[_Named]]]:
    """The runs of commits that name decisions, where they name none themselves."""
    of = {ident: ident for ident in commits}
    of |= {e.effect: e.cause for e in sorted(ctx.store.edges(list(commits), _STATES, NOW))}
    ran: dict[str, list[_Named]] = {}
    for edge in sorted(ctx.store.edges(list(of), _USED_BY, NOW)):
        if run in {None, edge.effect} and _is_source(edge):
            commit = of[edge.cause]
            at = commit.rpartition(":")[2][:12]
            ran.setdefault(edge.effect, []).extend(
                _Named(one.state, f"commit {at}: {one.evidence}") for one in commits[commit]
            )
    rows = ctx.store.get(ran.keys() - settled, NOW)
    for ident, row in sorted(rows.items()):
        if row.kind == "Run":
            yield row, ran[ident]


def _is_source(edge: EdgeRow) -> bool:
    return "source" in each(edge.edge().attributes.get("prov:role", ()))


def _by_branch(decisions: Decisions, row: NodeRow, tally: Tally) -> _Named | None:
    """What the name of a branch means; many a branch that could mean a decision is called so for another reason."""
    held = row.node().attributes
    found: dict[str, None] = {}
    for text in each(held.get(_BRANCH, ())):
        found |= dict.fromkeys(decisions.meant(str(text)).idents)
    meant, branch = Meant(idents=[*found]), str(held.get("branch"))
    if meant.one is None:
        if meant.idents:
            _lose(tally, "may name several decisions", row, branch)
        return None
    return _Named(decisions.states[meant.one], f"branch {branch}")


def _lose(tally: Tally, reason: str, row: NodeRow, text: str) -> None:
    tally.lose("decisions of runs and commits", reason, first=f"{row.title}: {text}")


def _edges(row: NodeRow, named: _Named) -> Iterator[Edge]:
    """The edge to the version of a decision that there was at the time."""
    held = row.node().attributes
    moment = held.get("started") or held.get("authored") or held.get("committed")
    version, after = version_at(named.state, str(moment) if moment else None)
    more: dict[str, Value] = {"written_afterwards": True} if after else {}
    yield reference(row.id, "wasInfluencedBy", version, named.evidence, more)


def version_at(state: DecisionState, moment: str | None) -> tuple[str, bool]:
    """The version that there was at a moment, else the first one, else the decision itself; and whether that one is
    younger.
    """
    if not state.versions:
        return state.id, False
    if moment is None:
        return state.versions[-1].row.id, False
    before = [one for one in state.versions if one.at <= utc(moment)]
    return (before[-1].row.id, False) if before else (state.versions[0].row.id, True)
