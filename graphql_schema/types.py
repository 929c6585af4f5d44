# SPDX-License-Identifier: Apache-2.0
"""Nodes and edges: two interfaces, and a type for each kind and relation out of the tables."""

from __future__ import annotations

import re
from typing import Annotated, Any

import strawberry
from graphql import GraphQLResolveInfo

from graphql_schema import loaders, rows
from graphql_schema.context import Asked, view
from graphql_schema.limits import page_size
from graphql_schema.rows import Leaf
from graphql_schema.scalars import JSON, Kind, Long, Relation, about
from lineage.errors import BadReference
from lineage.model import kinds, terms
from lineage.query.plan import Toward
from lineage.services.read import show
from lineage.store.claims import Arc
from lineage.store.rows import NodeRow

Via = Annotated[
    list[Relation] | None,
    strawberry.argument(description="Only these relations; without it, those walks follow."),
]
First = Annotated[int, strawberry.argument(description="How many, at most 200.")]
After = Annotated[
    str | None, strawberry.argument(description="Go on behind this cursor of the same list.")
]


def leaf(name: str, shown: Leaf, kind: Any, description: str) -> Any:
    """Make a plain field, which the same function answers in both executors."""

    def resolve(root: Any) -> Any:
        return shown(root)

    resolve.__annotations__ = {"root": Any, "return": kind}
    return strawberry.field(resolver=resolve, name=name, description=description)


def _sort(obj: Any, info: GraphQLResolveInfo[Any], parent: Any) -> str:
    del info, parent
    return rows.type_of(obj)


@strawberry.type(
    description="One statement about a thing, and the entry of the ledger that made it."
)
class Evidence:
    """One statement about a thing, and the entry that made it."""

    says: JSON = strawberry.field(description="The node or edge as it was stated.")
    source: str = strawberry.field(description="Who stated it: importer and address.")
    entry: int = strawberry.field(description="The sequence number of the entry.")
    actor: str = strawberry.field(description="In whose name the entry was made.")
    recorded: str = strawberry.field(description="When the entry was made, RFC 3339.")


def _evidence(found: list[show.Claimed]) -> list[Evidence]:
    return [Evidence(**item.evidence.to_dict()) for item in found]


@strawberry.type(description="Where a page of a list stands.")
class PageInfo:
    """Where a page of a list stands."""

    has_next_page: bool = strawberry.field(description="Whether there is more behind it.")
    has_previous_page: bool = strawberry.field(description="Whether it is not the first.")
    start_cursor: str | None = strawberry.field(description="The cursor of its first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of its last edge.")


async def _causes(
    root: strawberry.Parent[Any],
    info: Asked,
    via: Via = None,
    first: First = 20,
    after: After = None,
) -> LinkConnection:
    return await _connect(root, info, "causes", via, first, after)


async def _effects(
    root: strawberry.Parent[Any],
    info: Asked,
    via: Via = None,
    first: First = 20,
    after: After = None,
) -> LinkConnection:
    return await _connect(root, info, "effects", via, first, after)


async def _connect(
    row: NodeRow, info: Asked, toward: Toward, via: Any, first: int, after: str | None
) -> LinkConnection:
    size = page_size(first)
    relations = frozenset(relation.value for relation in via) if via else None
    behind = rows.read("link", after) if after else None
    key = loaders.Links(row.id, toward, relations, view(info))
    every = rows.linked(await info.context.loaders.links.load(key), toward)
    rest = [link for link in every if rows.place(link) > behind] if behind else every
    shown = rest[:size]
    page = PageInfo(
        has_next_page=len(rest) > size,
        has_previous_page=len(rest) < len(every),
        start_cursor=rows.cursor(shown[0]) if shown else None,
        end_cursor=rows.cursor(shown[-1]) if shown else None,
    )
    return LinkConnection(edges=rows.Rows(shown), page_info=page, total_count=len(every))  # type: ignore[arg-type] # rows stand for edges


async def _who_says(root: strawberry.Parent[Any], info: Asked) -> list[Evidence]:
    key = loaders.Node(root.id, view(info))
    return _evidence(await info.context.loaders.evidence.load(key))


@strawberry.interface(description="An entity, activity or agent of PROV.")
class Node:
    """An entity, activity or agent of PROV."""

    id = leaf("id", rows.NODE_LEAVES["id"], strawberry.ID, "Its IRI: the same in every store.")
    kind = leaf("kind", rows.NODE_LEAVES["kind"], Kind, "What it is.")
    label = leaf("label", rows.label, str, "Its name for people.")
    attributes = leaf("attributes", rows.attributes, JSON, "All that is said of it, by key.")
    causes: LinkConnection = strawberry.field(
        resolver=_causes, description="What it directly depends on."
    )
    effects: LinkConnection = strawberry.field(
        resolver=_effects, description="What directly depends on it."
    )
    evidence: list[Evidence] = strawberry.field(
        resolver=_who_says, description="Who says what of it and of its causes, up to 1,000."
    )
    resolve_type = staticmethod(_sort)


async def _end(info: Asked, ident: str) -> Any:
    row = await info.context.loaders.nodes.load(loaders.Node(ident, view(info)))
    if row is None:
        raise BadReference(f"{ident} is not in this view")
    return row


async def _far(root: strawberry.Parent[Any], info: Asked) -> Node:
    node: Node = await _end(info, rows.far(root))
    return node


async def _edge_evidence(root: strawberry.Parent[Any], info: Asked) -> list[Evidence]:
    said = await info.context.loaders.evidence.load(loaders.Node(root.effect, view(info)))
    return _evidence(
        [
            item
            for item in said
            if isinstance(item.claim.what, Arc) and item.claim.what.row() == tuple(root)[:6]
        ]
    )


@strawberry.interface(description="A relation of PROV between an effect and its cause.")
class Edge:
    """A relation of PROV between an effect and its cause."""

    type = leaf("type", rows.EDGE_LEAVES["type"], Relation, "Which relation.")
    effect = leaf("effect", rows.EDGE_LEAVES["effect"], strawberry.ID, "What depends.")
    cause = leaf("cause", rows.EDGE_LEAVES["cause"], strawberry.ID, "What it depends on.")
    id = leaf("id", rows.EDGE_LEAVES["id"], strawberry.ID | None, "Its IRI, where it has one.")
    bundle = leaf(
        "bundle", rows.EDGE_LEAVES["bundle"], strawberry.ID | None, "The bundle it was stated in."
    )
    role = leaf("role", rows.EDGE_LEAVES["role"], str | None, "The part the cause played.")
    attributes = leaf("attributes", rows.attributes, JSON, "All that is said of it, by key.")
    cursor = leaf("cursor", rows.cursor, str, "Its place in the list of its node.")
    node: Node = strawberry.field(
        resolver=_far, description="The other end; in a flat answer, the cause."
    )
    evidence: list[Evidence] = strawberry.field(resolver=_edge_evidence, description="Who says so.")
    resolve_type = staticmethod(_sort)


@strawberry.type(description="The direct causes or effects of a node, a page at a time.")
class LinkConnection:
    """The direct causes or effects of a node, a page at a time."""

    edges: list[Edge] = strawberry.field(description="The links of this page.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    total_count: int = strawberry.field(description="How many links there are in all.")


FAMILIES: dict[str, Any] = {}
_FAMILY_WORDS = {
    "Entity": "A thing: data, code, a model, a decision (PROV-DM section 5.1.1).",
    "Activity": "Something that happened: a run, a review (PROV-DM section 5.1.2).",
    "Agent": "Somebody or something responsible (PROV-DM section 5.3.1).",
}


def _made(name: str, base: Any, members: dict[str, Any], description: str, leaves: Any) -> Any:
    """An object type made out of a table, whose rows the executors know by name."""
    body = {
        "__annotations__": {},
        "__doc__": description,
        "__module__": __name__,
        "is_type_of": staticmethod(_always),
        **members,
    }
    rows.LEAVES[name] = {**leaves}
    return strawberry.type(type(name, (base,), body), name=name, description=description)


def _always(obj: Any, info: GraphQLResolveInfo[Any]) -> bool:
    del obj, info
    return True


for _family, _words in _FAMILY_WORDS.items():
    FAMILIES[_family] = strawberry.interface(
        type(_family, (Node,), {"__doc__": _words, "__module__": __name__}),
        name=_family,
        description=_words,
    )


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _kind(kind: str) -> Any:
    members: dict[str, Any] = {}
    leaves: dict[str, Leaf] = dict(rows.NODE_LEAVES)
    for declared in kinds.fields_of(kind):
        number = "int" in str(declared.type)
        shown = rows.held(declared.name, rows.whole if number else rows.text)
        leaves[_camel(declared.name)] = shown
        sort: Any = (Long if number else str) | None
        members[declared.name] = leaf(
            _camel(declared.name), shown, sort, declared.metadata["description"]
        )
    base = FAMILIES[kinds.family(kind)]
    return _made(rows.kind_type(kind), base, members, kinds.describe(kind), leaves)


_SORTS: dict[str, Any] = {"time": str | None, "ref": strawberry.ID | None}


def _relation(relation: terms.Relation) -> Any:
    members: dict[str, Any] = {}
    leaves: dict[str, Leaf] = dict(rows.EDGE_LEAVES)
    for argument in relation.arguments:
        name = rows.argument_name(relation.name, argument.key)
        leaves[name] = rows.held(argument.key, rows.ARGUMENT[argument.holds])
        sort = _SORTS.get(argument.holds, JSON | None)
        members[name] = leaf(name, leaves[name], sort, argument.says)
    name = rows.relation_type(relation.name)
    return _made(name, Edge, members, about(relation), leaves)


KIND_TYPES: dict[str, Any] = {kind: _kind(kind) for kind in kinds.KINDS}
RELATION_TYPES: dict[str, Any] = {name: _relation(r) for name, r in terms.RELATIONS.items()}
