# SPDX-License-Identifier: Apache-2.0
"""Prepares records for every engine: canonical lines, texts, and the arcs of edges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from lineage.model import kinds, terms
from lineage.model.merge import OF_PARTNERS, Place, mention, merged
from lineage.model.record import Edge, Node, Record, arcs, implied_variant, line, variant
from lineage.model.value import text
from lineage.store.claims import Arc, Statement
from lineage.store.rows import NodeRow

_new = tuple.__new__


def statement(node: Node) -> Statement:
    """Turn a node into the statement that is kept."""
    # As ``Statement`` does it, in half of the time: it runs for every node there is.
    said = (node.id, node.kind, node.label, text(node.attributes), node.bundle)
    return _new(Statement, said)


def edge_arcs(edge: Edge) -> tuple[Arc, ...]:
    """Turn an edge into the arc that is kept, and those that it implies."""
    shown, number = facets(edge)
    follow = terms.follows(edge.relation, edge.attributes)
    first = (edge.relation, edge.effect, edge.cause, number, follow, shown, edge.id, edge.bundle)
    own: Arc = _new(Arc, first)
    if edge.relation not in terms.IMPLIES:
        return (own,)
    among = implied_variant(number, edge.cause)
    others = list(arcs(edge))[1:]
    return (
        own,
        *(Arc(o.relation, o.effect, o.cause, among, True, "{}", None, o.bundle) for o in others),
    )


def facets(edge: Edge) -> tuple[str, int]:
    """The text of an edge's attributes, and its variant."""
    attributes = edge.attributes
    if edge.id is None and edge.bundle is None:
        if not attributes:
            return "{}", 0
        if len(attributes) == 1:
            ((key, value),) = attributes.items()
            if type(value) is str:
                return _facets(key, value)
    return text(attributes), variant(edge)


@lru_cache(maxsize=4096)
def _facets(key: str, value: str) -> tuple[str, int]:
    """For edges with one attribute of text, mostly a role: few of them, on most edges."""
    edge = Edge(relation="", effect="", cause="", attributes={key: value})
    return text(edge.attributes), variant(edge)


def lines(records: Iterable[Record]) -> dict[bytes, Record]:
    """Index records by their canonical line: what is said twice stands once."""
    return {line(record): record for record in records}


def ends(records: Iterable[Record]) -> dict[str, frozenset[str]]:
    """Find every identifier that records mention, with the families that edges give it."""
    found: dict[str, frozenset[str]] = {}
    for record in records:
        if isinstance(record, Node):
            if record.id not in found:
                found[record.id] = _NONE
            continue
        for arc in arcs(record) if record.relation in terms.IMPLIES else (record,):
            effect, cause = _FAMILIES[arc.relation]
            had = found.get(arc.effect, _NONE)
            if not effect <= had:
                found[arc.effect] = had | effect
            had = found.get(arc.cause, _NONE)
            if not cause <= had:
                found[arc.cause] = had | cause
    return found


_NONE: frozenset[str] = frozenset()
_FAMILIES = {
    name: (frozenset((mention(name)[0],)), frozenset((mention(name)[1],)))
    for name in terms.RELATIONS
}


def retyped(kind: str, families: Iterable[str], *, described: bool, stands: bool) -> bool:
    """Whether new edges alone change what is shown of a node: one that had ended stands again,
    one that nobody describes may be given a more telling family.
    """
    return not stands or (not described and kinds.most_telling({kind, *families}) != kind)


class Stated(Protocol):
    """A statement, who made it, and in which entry."""

    @property
    def what(self) -> Any:
        """The statement."""

    @property
    def source(self) -> str:
        """Who made it."""

    @property
    def since(self) -> int:
        """The entry that made it."""


def contested(stated: Collection[Stated]) -> bool:
    """Whether several sources call a node something, and not all of them the same: then ``shown`` has
    to know what they said before.
    """
    if len(stated) < 2 or len({one.source for one in stated}) < 2:
        return False
    labels = {one.what.label for one in stated} - {None}
    return len(labels) > 1 or len({one.what.kind for one in stated}) > 1


def shown(
    ident: str,
    stated: Sequence[Stated],
    families: Iterable[str] = (),
    before: Iterable[Stated] = (),
) -> NodeRow:
    """Make the row that a view shows for a node, of which ``stated`` stands. ``before`` are the
    statements of it that ended, where it is ``contested``.

    What partners say of a node is shown only where nobody here says anything of it.
    """
    if len(stated) > 1:
        stated = [one for one in stated if not one.source.startswith(OF_PARTNERS)] or stated
    if len(stated) == 1:
        return NodeRow(*stated[0].what[:4])
    labelled: dict[str, int] = {}
    named: dict[str, int] = {}
    for one in (*before, *stated):
        if one.what.label is not None:
            labelled[one.source] = min(one.since, labelled.get(one.source, one.since))
        if kinds.precedence(one.what.kind) < kinds.PLAINEST:
            named[one.source] = min(one.since, named.get(one.source, one.since))
    places = [Place(labelled.get(s.source, s.since), named.get(s.source, 0)) for s in stated]
    node = merged(ident, [s.what.node() for s in stated], families, places)
    return NodeRow(node.id, node.kind, node.label, text(node.attributes))
