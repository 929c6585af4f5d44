# SPDX-License-Identifier: Apache-2.0
"""Writes what follows of decisions: what each is now, and what it and others name.

A record names other decisions, runs and data in words; a run or a commit names its decision. What these words mean is
found again with every import, so that the order of imports does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from importers.batching import BATCH_RECORDS, batches
from importers.tally import Tally
from lineage.errors import Ambiguous, BadReference, NotFound
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node, Record, line
from lineage.model.value import Ref, clean, each
from lineage.services.context import Context
from lineage.services.read.decisions.lessons import DATA
from lineage.services.read.decisions.state import Decisions, DecisionState, rows, titles
from lineage.services.read.resolve import meant, resolve
from lineage.services.write.following import follows, reference
from lineage.services.write.ingest import Report, write_batches
from lineage.store.base import NOW, Hop

#: The source of all that follows.
SOURCE = "decisions"
#: Where records name what they rest on.
_EVIDENCE = ("links.runs", "links.commits", "links.datasets", "links.models")
#: What its criteria are compared with (R41).
_BASELINE = "criteria.baseline"
#: Things of one reference that a lesson is tied to: the versions of a path.
_MOST_MEANT = 20
_CAUSES = Hop(relations=frozenset({"wasDerivedFrom", "wasInfluencedBy"}))


def settle(ctx: Context) -> Report | None:
    """Write what each decision is now and what was named meanwhile, and take back what no longer holds; ``None``
    where no decision is here.
    """
    decisions = Decisions(ctx)
    standing = list(ctx.store.asserted(SOURCE, NOW))
    if not decisions and not standing:
        return None
    tally = Tally()
    found = {line(one): one for one in _claims(ctx, decisions, standing, tally)}
    gone = [record for record in standing if line(record) not in found]
    nodes = [record for record in found.values() if isinstance(record, Node)]
    edges = [record for record in found.values() if isinstance(record, Edge)]
    end = Batch(losses=tally.losses())
    if len(found) <= BATCH_RECORDS:
        done = [Batch(nodes=tuple(nodes), edges=tuple(edges), losses=end.losses)]
    else:
        done = [*batches(nodes, edges), end]
    return write_batches(ctx, SOURCE, SOURCE, done, gone)


def follow(ctx: Context, run: str) -> Report | None:
    """Write which decision a run follows that was just written; ``None`` where no decision is here, or it follows none.
    Other things do not change by that.
    """
    decisions = Decisions(ctx)
    edges = tuple(follows(ctx, decisions, tally := Tally(), run)) if decisions else ()
    if not edges:
        return None
    return write_batches(ctx, SOURCE, SOURCE, [Batch(edges=edges, losses=tally.losses())], [])


def _claims(
    ctx: Context, decisions: Decisions, standing: Iterable[Record], tally: Tally
) -> Iterator[Record]:
    known = {
        (edge.effect, edge.attributes.get(terms.EVIDENCE), edge.relation == "hadBaseline"): edge
        for edge in standing
        if isinstance(edge, Edge)
    }
    for state in decisions:
        unclear = [*_unclear(state, decisions)]
        edges, missing = _rests_on(ctx, decisions, state, known)
        yield from _between(state, decisions)
        yield from edges
        told = [*unclear, *missing]
        for text in told:
            tally.lose(
                "references of decisions",
                "lead nowhere, or to several",
                first=f"{state.row.title}: {text}",
            )
        if (now := _is_now(state, told)).attributes:
            yield now
    yield from follows(ctx, decisions, tally)
    yield from _lessons(ctx, decisions, standing, tally)


def _is_now(state: DecisionState, unclear: Sequence[str]) -> Node:
    told = {
        "status": state.status,
        "stage": state.stage,
        "superseded_by": [Ref(ident) for ident in state.superseded_by],
        "unresolved": sorted(unclear),
    }
    return Node(id=state.id, kind="Decision", attributes=clean(told))


def _unclear(state: DecisionState, decisions: Decisions) -> Iterator[str]:
    for link, text, idents in state.unclear:
        said = link.replace("_", " ")
        if not idents or idents == [state.id]:
            why = "itself" if idents else "nothing that is here"
        else:
            why = f"any of {', '.join(titles(decisions.states, idents))}"
        yield f"{said} {text}: {why}"


def _between(state: DecisionState, decisions: Decisions) -> Iterator[Record]:
    """The edges between decisions: of the version that a decision has now, to those whose place it took or which it
    changes. It is said once, in whichever of the two it is written.
    """
    version = state.current
    if version is None:
        return
    for old in state.replaced:
        yield reference(version.row.id, "wasRevisionOf", old, "supersedes")
    for text in each(version.node.attributes.get("amends", ())):
        if (other := decisions.meant(str(text), state).one) not in {None, state.id}:
            yield reference(version.row.id, "wasDerivedFrom", str(other), f"amends {text}")
    for text in each(state.node.attributes.get("links.caused_by", ())):
        if (other := decisions.meant(str(text), state).one) not in {None, state.id}:
            yield reference(version.row.id, "wasInfluencedBy", str(other), f"caused by {text}")


def _rests_on(
    ctx: Context,
    decisions: Decisions,
    state: DecisionState,
    known: Mapping[tuple[str, Any, bool], Edge],
) -> tuple[list[Edge], list[str]]:
    """The edges from a decision's version to what its record says that it rests on, and what of that is not here."""
    found: list[Edge] = []
    missing: list[str] = []
    version = state.current
    if version is None:
        return found, missing
    for key in (*_EVIDENCE, _BASELINE):
        for text in each(state.node.attributes.get(key, ())):
            other = decisions.meant(str(text), state).one if key == _BASELINE else None
            if other is not None:
                found.append(reference(version.row.id, "hadBaseline", other, str(text)))
                continue
            # A run may be both what a decision rests on and what its criteria are compared with.
            before = known.get((version.row.id, str(text), key == _BASELINE))
            if before is not None:
                found.append(before)
                continue
            try:
                row = resolve(ctx, str(text))
            except (NotFound, Ambiguous, BadReference) as error:
                why = "is nothing that is here" if isinstance(error, NotFound) else "may be several"
                missing.append(f"{text}: {why}")
                continue
            entity = kinds.family(row.kind) == "Entity"
            relation = "wasDerivedFrom" if entity else "wasInfluencedBy"
            relation = "hadBaseline" if key == _BASELINE else relation
            found.append(reference(version.row.id, relation, row.id, str(text)))
    return found, missing


def _lessons(
    ctx: Context, decisions: Decisions, standing: Iterable[Record], tally: Tally
) -> Iterator[Edge]:
    """The edges from lessons to what they are about: what their records name, and where a lesson of a decision names
    nothing, the data that the decision is about.
    """
    found = {row.id: row.node() for row in rows(ctx, "Lesson")}
    before: dict[tuple[str, Any], list[Edge]] = {}
    for record in standing:
        if isinstance(record, Edge) and record.effect in found:
            key = (record.effect, record.attributes.get(terms.EVIDENCE))
            before.setdefault(key, []).append(record)
    told: dict[str, set[str]] = {ident: set() for ident in found}
    for edge in ctx.store.edges(list(found), _CAUSES, NOW) if found else ():
        if edge.edge().attributes.get(terms.METHOD) != terms.BY_REFERENCE:
            told[edge.effect].add(edge.cause)
    for ident, node in found.items():
        words = [str(text) for text in each(node.attributes.get("about", ()))]
        if not words and told[ident] <= decisions.states.keys():
            plans = [decisions.states[of].node.attributes for of in sorted(told[ident])]
            words = [str(x) for plan in plans for key in DATA for x in each(plan.get(key, ()))]
        for text in dict.fromkeys(words):
            try:
                yield from before.get((ident, text)) or _about(ctx, ident, text)
            except (NotFound, Ambiguous, BadReference):
                what = f"{node.title}: {text}"
                tally.lose("references of lessons", "lead nowhere, or to several", first=what)


def _about(ctx: Context, lesson: str, text: str) -> Iterator[Edge]:
    for row in meant(ctx, text)[:_MOST_MEANT]:
        entity = kinds.family(row.kind) == "Entity"
        yield reference(lesson, "wasDerivedFrom" if entity else "wasInfluencedBy", row.id, text)
