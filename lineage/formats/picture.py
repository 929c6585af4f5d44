# SPDX-License-Identifier: Apache-2.0
"""Works out what a picture of a batch shows: shapes, arrows, bundles, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple, NoReturn

from lineage import ids
from lineage.errors import BadInput
from lineage.model import kinds, merge
from lineage.model.record import Batch, Edge, Loss, Node
from lineage.model.terms import Family

#: The colours that PROV's own drawings use: inside, and the line around.
FILL: dict[Family, str] = {"Entity": "#FFFC87", "Activity": "#9FB1FC", "Agent": "#FED37F"}
LINE: dict[Family, str] = {"Entity": "#808080", "Activity": "#0000FF", "Agent": "#B07000"}
#: Characters of an identifier that a tooltip shows.
LONGEST_TIP = 300
#: Characters of an address that a click leads to; browsers and servers take little more.
LONGEST_LINK = 2_000

Place = tuple[str, str]


class Shape(NamedTuple):
    """A node as it is drawn, once in every bundle that describes it. Outside all bundles, the
    bundle is ''.
    """

    place: Place
    family: Family
    kind: str
    title: str

    @property
    def link(self) -> str | None:
        """The address that a click leads to: only what is on the web has one."""
        ident = self.place[1]
        if len(ident) > LONGEST_LINK or not ident.startswith(("https://", "http://")):
            return None
        return ident if ids.iri_fault(ident) is None else None


class Arrow(NamedTuple):
    """A relation as it is drawn, from effect to cause."""

    effect: Place
    cause: Place
    relation: str


class Picture:
    """The shapes and arrows of a batch, sorted."""

    def __init__(self, batch: Batch) -> None:
        statements: dict[Place, list[Node]] = {}
        for node in batch.nodes:
            statements.setdefault((node.bundle or "", node.id), []).append(node)
        mentions: dict[Place, set[str]] = {}
        arrows = set()
        for edge in batch.edges:
            ends = tuple(_place(edge, end, statements) for end in (edge.effect, edge.cause))
            for place, family in zip(ends, merge.mention(edge.relation), strict=True):
                mentions.setdefault(place, set()).add(family)
            arrows.add(Arrow(ends[0], ends[1], edge.relation))
        self.shapes: tuple[Shape, ...] = tuple(
            _shape(place, statements.get(place, ()), mentions.get(place, ()))
            for place in sorted({*statements, *mentions})
        )
        self.arrows: tuple[Arrow, ...] = tuple(sorted(arrows))
        self.bundles: tuple[str, ...] = tuple(
            sorted({*batch.bundles, *(s.place[0] for s in self.shapes)} - {""})
        )


class Drawn:
    """The base of formats that only draw: they are written and never read."""

    name: ClassVar[str]

    def sniffs(self, data: bytes) -> bool:
        """Return false: a picture is never a source."""
        del data
        return False

    def loads(self, data: bytes, where: str = "document") -> NoReturn:
        """Raises ``BadInput``: what a picture leaves out cannot be read from it."""
        del data
        message = f"a picture ({self.name}) is written and cannot be read back"
        hint = "Read the document that it was drawn from."
        raise BadInput(message, where=where, hint=hint)

    def losses(self, batch: Batch) -> tuple[Loss, ...]:
        """List what a picture does not show."""
        on_nodes = sum(len(node.attributes) for node in batch.nodes)
        on_edges = sum(len(edge.attributes) + (edge.id is not None) for edge in batch.edges)
        drawn = Picture(batch)
        several = len(batch.edges) - len(drawn.arrows)
        return tuple(
            Loss(what, number, "a picture shows labels, kinds and relations only")
            for what, number in (
                ("attributes", on_nodes),
                ("attributes of relations", on_edges),
                ("relations told more than once", several),
            )
            if number
        )


def text(words: str, longest: int) -> str:
    """Make a text safe to draw: invisible characters become blanks, and long texts are cut."""
    seen = "".join(char if char.isprintable() else " " for char in words[: 4 * longest])
    seen = " ".join(seen.split())
    return seen if len(seen) <= longest else seen[: longest - 1] + "…"


def _place(edge: Edge, ident: str, described: Iterable[Place]) -> Place:
    """Where the shape is that an edge leads to: in the edge's bundle, else where all look."""
    inside, outside = (edge.bundle or "", ident), ("", ident)
    return outside if inside not in described and outside in described else inside


def _shape(place: Place, statements: Iterable[Node], mentions: Iterable[str]) -> Shape:
    node = merge.merged(place[1], tuple(statements), mentions)
    return Shape(place, kinds.family(node.kind), node.kind, node.title)
