# SPDX-License-Identifier: Apache-2.0
"""Neomodel classes for people who like an object mapper, generated from the kinds.

    from lineage.store.neo4j import labels
    labels.bind(store)                       # the driver of an open Neo4jStore
    run = labels.Run.nodes.get(uid="urn:lineage:run:mlflow:lab/0f3a")
    run.status, [dataset.name for dataset in run.used.all()]

They read. Everything is written through a store, so that the ledger knows of it: ``save`` and
``connect`` would change the graph behind its back, and ``lineage verify`` would name the change.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import neomodel
from neomodel import (
    BooleanProperty,
    FloatProperty,
    IntegerProperty,
    JSONProperty,
    RelationshipFrom,
    RelationshipTo,
    StringProperty,
    StructuredNode,
    StructuredRel,
)

from lineage.model import kinds, terms
from lineage.store.neo4j.engine import Neo4jStore

_PROPERTIES = {
    str: StringProperty,
    int: IntegerProperty,
    float: FloatProperty,
    bool: BooleanProperty,
}


class Claimed(StructuredRel):
    """An edge as one source claims it."""

    key = StringProperty(unique_index=True)
    asserted_by = StringProperty()
    since = IntegerProperty()
    until = IntegerProperty()
    attributes = JSONProperty()


class Node(StructuredNode):
    """Anything the store knows of."""

    uid = StringProperty(unique_index=True, required=True)
    kind = StringProperty(index=True)
    label = StringProperty()
    attributes = JSONProperty()
    since = IntegerProperty()
    until = IntegerProperty()


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


_REL_CLASSES: dict[str, type[Claimed]] = {}


def _rel_class(relation: terms.Relation) -> type[Claimed]:
    """Neomodel wants one class for each relationship type."""
    name = relation.name[0].upper() + relation.name[1:]
    if name not in _REL_CLASSES:
        _REL_CLASSES[name] = type(name, (Claimed,), {"__module__": __name__})
    return _REL_CLASSES[name]


def _declared(kind: str) -> dict[str, Any]:
    """The kind's own fields as properties."""
    hints = get_type_hints(kinds.KINDS[kind])
    found = {}
    for field in kinds.fields_of(kind):
        plain = next(t for t in getattr(hints[field.name], "__args__", ()) if t in _PROPERTIES)
        found[field.name] = _PROPERTIES[plain]()
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
CLASSES = _classes()
globals().update(CLASSES)


def bind(store: Neo4jStore) -> None:
    """Let the classes read through a store's driver. Neomodel has one connection a process."""
    neomodel.get_config().database_name = store.database
    neomodel.db.set_connection(driver=store.driver)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no kind {name!r}")
