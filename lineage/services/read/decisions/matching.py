# SPDX-License-Identifier: Apache-2.0
"""Finds runs that did what a decision planned and name no decision: people say whether they follow it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from lineage.errors import LineageError
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.services.read.decisions.followed import following, kept_to, record_of
from lineage.services.read.decisions.rows import utc
from lineage.services.read.decisions.state import DecisionState
from lineage.services.read.sides import Side, copies, data_meant, sides
from lineage.store.base import NOW, Filter, Hop
from lineage.store.paging import find_all

#: Runs that are compared with a plan, the newest of those that are looked through, by their identifiers.
MOST, _LOOKED_AT = 100, 5_000
_USED_BY = Hop(toward="effects", relations=frozenset({"used"}))


def matching(ctx: Context, state: DecisionState) -> tuple[Sequence[Side], bool]:
    """The runs since a decision was written that did what it plans and name none; and whether all were looked at that may
    be such. Of a run that does not say when it began nobody knows whether it was since: it is none.
    """
    record = None if state.current is None else record_of(state.current)
    plan = None if record is None else record.front.get("plan")
    if state.current is None or not isinstance(plan, dict):
        return (), True
    found = list(islice(_candidates(ctx, plan), _LOOKED_AT + 1))
    complete = len(found) <= _LOOKED_AT
    rows = ctx.store.get(found, NOW)
    since = state.versions[0].at
    started = {
        ident: utc(str(moment))
        for ident, row in rows.items()
        if row.kind == "Run" and (moment := row.node().attributes.get("started"))
    }
    late = sorted((at, ident) for ident, at in started.items() if at >= since)
    named = following(ctx, [ident for _, ident in late])
    asked = [ident for _, ident in late if ident not in named]
    complete = complete and len(asked) <= MOST
    if not asked:
        return (), complete
    of, _ = sides(ctx, asked[-MOST:], NOW)
    return kept_to(ctx, state.current, list(of.values())), complete


def _candidates(ctx: Context, plan: dict[str, object]) -> Iterator[str]:
    """Runs that may have done what a plan says: that read the first of its data, else of its command."""
    inputs, command = plan.get("inputs"), plan.get("command")
    if isinstance(inputs, list) and inputs:
        yield from dict.fromkeys(_readers(ctx, str(inputs[0])))
    elif isinstance(command, str):
        where = Filter(kinds=frozenset({"Run"}), also=c.Compares("command", "=", command))
        yield from (row.id for row in find_all(ctx.store, where))


def _readers(ctx: Context, text: str) -> Iterator[str]:
    try:
        data = data_meant(ctx, text, NOW)
    except LineageError:
        return
    known = {row.id for row in data.rows}
    for stem in data.stems:
        known |= {row.id for row in find_all(ctx.store, Filter(prefix=stem))}
    known = set().union(*copies(ctx, known, NOW).values())
    yield from sorted({edge.effect for edge in ctx.store.edges(sorted(known), _USED_BY, NOW)})
