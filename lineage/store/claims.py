# SPDX-License-Identifier: Apache-2.0
"""Claims as engines keep them: statements and arcs, who makes them, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lineage.model import terms
from lineage.model.record import Node, Record
from lineage.model.value import read_text
from lineage.store.rows import EdgeRow, NodeRow


class Statement(NamedTuple):
    """A node as a source states it."""

    id: str
    kind: str
    label: str | None
    attributes: str
    bundle: str | None

    def node(self) -> Node:
        """The node that was stated."""
        return Node(
            id=self.id,
            kind=self.kind,
            label=self.label,
            attributes=read_text(self.attributes),
            bundle=self.bundle,
        )


class Stated(NamedTuple):
    """A statement, its source, and the entry that made it."""

    what: Statement
    source: str
    since: int


class Arc(NamedTuple):
    """An edge as engines keep it: the one asserted, or one that it implies.

    ``variant`` tells edges of one relation between the same ends apart; ``follow`` says whether
    the default walk takes it.
    """

    relation: str
    effect: str
    cause: str
    variant: int
    follow: bool
    attributes: str
    id: str | None
    bundle: str | None

    @property
    def implied(self) -> bool:
        """Whether it only stands because an edge implies it."""
        return terms.RELATIONS[self.relation].implied_by is not None

    def row(self) -> EdgeRow:
        """The edge as walks hand it out."""
        return EdgeRow(
            self.relation, self.effect, self.cause, self.attributes, self.id, self.bundle
        )


class Claim(NamedTuple):
    """Something a source says, from its entry ``since`` until it was retracted."""

    what: Statement | Arc
    source: str
    since: int
    until: int | None

    @property
    def implied(self) -> bool:
        """Whether it was not said, but follows from something said."""
        return isinstance(self.what, Arc) and self.what.implied

    @property
    def record(self) -> Record:
        """The record that was asserted."""
        return self.what.node() if isinstance(self.what, Statement) else self.what.row().edge()


class NodeHistory(NamedTuple):
    """All that the graph holds of one node: how it is shown now, from when to when, and every
    claim about it and about the edges that have it as effect, past ones too.
    """

    row: NodeRow
    since: int
    until: int | None
    claims: tuple[Claim, ...]

    def up_to(self, as_of: int | None) -> NodeHistory:
        """The same without the claims that were made after an entry."""
        if as_of is None:
            return self
        return self._replace(claims=tuple(c for c in self.claims if c.since <= as_of))

    def said(self, as_of: int | None) -> Iterator[Claim]:
        """The claims that stand as of an entry, but for those that follow from others."""
        for claim in self.claims:
            if claim.implied:
                continue
            if as_of is None:
                stands = claim.until is None
            else:
                stands = claim.since <= as_of and (claim.until is None or claim.until > as_of)
            if stands:
                yield claim


def either_side(above: Sequence[EdgeRow], below: Sequence[EdgeRow], most: int) -> Sequence[EdgeRow]:
    """At most so many edges: half of them on either side, or more where the other has fewer."""
    shown = above[: max(most // 2, most - len(below))]
    return [*shown, *below[: most - len(shown)]]


class Around(NamedTuple):
    """A node's own edges, to what is next to it on either side, and the claims about it and its causes
    that stand: some of them, and how many more there are.
    """

    edges: Sequence[EdgeRow]
    claims: Sequence[Claim]
    more_edges: int = 0
    more_claims: int = 0
