# SPDX-License-Identifier: Apache-2.0
"""Neomodel classes for people who like an object mapper, generated from the kinds and relations.

    import lineage
    from lineage.store.neo4j import labels

    labels.bind(lineage.open("neo4j://localhost"))
    for run in labels.Run.nodes.filter(status="failed", started__gt=monday):
        run.name, run.properties["metric.accuracy"], [data.name for data in run.used.all()]

They read. Everything is written through a store, so that the ledger knows of it: ``save`` and
``connect`` would change the graph behind its back, and ``lineage verify`` would name the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

import neomodel
from neomodel import (
    ArrayProperty,
    BooleanProperty,
    DateTimeNeo4jFormatProperty,
    FloatProperty,
    IntegerProperty,
    JSONProperty,
    RelationshipFrom,
    RelationshipTo,
    StringProperty,
    StructuredNode,
    StructuredRel,
)
from neomodel.exceptions import InflateError
from neomodel.properties import Property

from lineage.errors import Usage
from lineage.model import kinds, terms
from lineage.store.neo4j import properties
from lineage.store.neo4j.engine import Neo4jStore
from lineage.store.neo4j.schema import KEY, indexed


class _AsSaid:
    """A property read as its type where it is of it: sources also say several values, or other ones."""

    def inflate(self, value: Any, rethrow: bool = True) -> Any:
        """The value out of the database."""
        if isinstance(value, list):
            return [self.inflate(item, rethrow) for item in value]
        try:
            return super().inflate(value, rethrow)  # type: ignore[misc]
        except (InflateError, AttributeError, TypeError, ValueError):
            return value.to_native() if hasattr(value, "to_native") else value


def _as_said(base: type[Property[Any]]) -> type[Property[Any]]:
    return type(base.__name__, (_AsSaid, base), {})


_TIME = _as_said(DateTimeNeo4jFormatProperty)
_TYPES: Mapping[type, type[Property[Any]]] = {
    str: _as_said(StringProperty),
    int: _as_said(IntegerProperty),
    float: _as_said(FloatProperty),
    bool: _as_said(BooleanProperty),
}
_INDEXED = frozenset(indexed())


class Asserted(StructuredRel):
    """An edge: who asserts it, and since which entries."""

    key: StringProperty = StringProperty(unique_index=True)
    asserted_by: ArrayProperty = ArrayProperty(StringProperty())
    asserted_since: ArrayProperty = ArrayProperty(IntegerProperty())
    since: IntegerProperty = IntegerProperty()
    role: Property[Any] = _TYPES[str]()
    attributes: JSONProperty = JSONProperty()


class Node(StructuredNode):
    """Anything the store knows of. ``name`` is what it is called where it is shown."""

    uid: StringProperty = StringProperty(unique_index=True, required=True)
    kind: StringProperty = StringProperty()
    name: StringProperty = StringProperty(index=True)
    label: StringProperty = StringProperty()
    attributes: JSONProperty = JSONProperty()
    since: IntegerProperty = IntegerProperty()

    @classmethod
    def inflate(cls, graph_node: Any) -> Any:
        """See ``StructuredNode.inflate``."""
        node = super().inflate(graph_node)
        if hasattr(graph_node, "items"):
            node.__dict__["_attributes"] = {
                name: value.to_native() if hasattr(value, "to_native") else value
                for name, value in graph_node.items()
                if name not in properties.NODE
            }
        return node

    @property
    def properties(self) -> Mapping[str, Any]:
        """All that is said of it, by name: ``metric.accuracy``, ``param.seed``, and what its kind
        declares.
        """
        found: Mapping[str, Any] = self.__dict__.get("_attributes", {})
        return found


def _relations(family: str) -> dict[str, Any]:
    """The relations that nodes of a family are the effect of, and the ways back."""
    found: dict[str, Any] = {}
    for relation in terms.TABLE:
        model = _rel_class(relation)
        if relation.any_ends or relation.effect == family:
            target = "Node" if relation.any_ends else relation.cause
            found[relation.name] = RelationshipTo(target, relation.cypher, model=model)
        if (relation.any_ends or relation.cause == family) and relation.inverse not in found:
            target = "Node" if relation.any_ends else relation.effect
            found[relation.inverse] = RelationshipFrom(target, relation.cypher, model=model)
    return found


_REL_CLASSES: dict[str, type[Asserted]] = {}


def _rel_class(relation: terms.Relation) -> type[Asserted]:
    """Neomodel wants one class for each relationship type; it has the arguments of the relation."""
    name = relation.name[0].upper() + relation.name[1:]
    if name not in _REL_CLASSES:
        arguments = {
            argument.key.removeprefix("prov:"): (
                _TIME() if argument.holds == "time" else _TYPES[str]()
            )
            for argument in relation.arguments
            if argument.key.removeprefix("prov:") != KEY
        }
        _REL_CLASSES[name] = type(name, (Asserted,), {**arguments, "__module__": __name__})
    return _REL_CLASSES[name]


def _declared(kind: str) -> dict[str, Any]:
    """The kind's own fields as properties."""
    hints = get_type_hints(kinds.KINDS[kind])
    found: dict[str, Any] = {"name": StringProperty(index=(kind, "name") in _INDEXED)}
    for field in kinds.fields_of(kind):
        if field.name in properties.NODE:
            continue
        plain = next(t for t in getattr(hints[field.name], "__args__", ()) if t in _TYPES)
        made = _TIME if field.metadata[kinds.TIME] else _TYPES[plain]
        found[field.name] = made(index=(kind, field.name) in _INDEXED)
    return found


def _classes() -> dict[str, type[Node]]:
    """One class a kind, under its family, with the kind's docstring."""
    found: dict[str, type[Node]] = {}
    for family in kinds.PLAIN:
        body = {**_declared(family), **_relations(family)}
        found[family] = type(family, (Node,), {**body, **_dunder(family)})
    for kind in kinds.KINDS:
        if kind not in kinds.PLAIN:
            base = found[kinds.family(kind)]
            found[kind] = type(kind, (base,), {**_declared(kind), **_dunder(kind)})
    return found


def _dunder(kind: str) -> dict[str, Any]:
    return {"__doc__": kinds.describe(kind), "__module__": __name__}


#: Kind -> class; each is also a name of this module.
CLASSES: Mapping[str, type[Node]] = _classes()
globals().update(CLASSES)


def bind(opened: Any) -> None:
    """Let the classes read the database of a store: what ``lineage.open`` gives, or its ``store``.

    Neomodel has one connection a process. It is the store's own, and ends with it. Raises ``Usage``
    for a store that is not in Neo4j.
    """
    store = getattr(opened, "store", opened)
    store = getattr(store, "inner", store)
    if not isinstance(store, Neo4jStore):
        raise Usage(
            "the classes of labels read Neo4j, and this store is not there",
            hint='Open one: lineage.open("neo4j://host:7687").',
        )
    neomodel.get_config().database_name = store.database
    neomodel.db.set_connection(driver=store.driver)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no kind {name!r}")
