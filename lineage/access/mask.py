# SPDX-License-Identifier: Apache-2.0
"""Hides secrets in records that others wrote as they are: documents, and what comes by the API."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from lineage.access.secret_patterns import SCRUBBED, counting, scrub, scrub_value
from lineage.model.record import Batch, Edge, Loss, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value


def masked(batch: Batch) -> Batch:
    """Return a batch without the secrets in its identifiers, labels and values, and with a loss that
    says how many there were.
    """
    with counting() as hidden:
        nodes = tuple(map(_node, batch.nodes))
        edges = tuple(map(_edge, batch.edges))
    if not hidden.number:
        return batch
    return replace(batch, nodes=nodes, edges=edges, losses=(*batch.losses, loss(hidden.number)))


def loss(number: int) -> Loss:
    """Say that texts held secrets, which are not kept."""
    return Loss("texts with secrets", number, "the secrets are hidden and not kept")


def _name(ident: str) -> str:
    """An identifier without secrets; it stays an IRI."""
    shown = scrub(ident)
    return ident if shown == ident else shown.replace(SCRUBBED, quote(SCRUBBED))


def _node(node: Node) -> Node:
    ident, label = _name(node.id), node.label and scrub(node.label)
    attributes = _attributes(node.attributes)
    if (ident, label) == (node.id, node.label) and attributes is node.attributes:
        return node
    return replace(node, id=ident, label=label, attributes=attributes)


def _edge(edge: Edge) -> Edge:
    effect, cause = _name(edge.effect), _name(edge.cause)
    attributes = _attributes(edge.attributes)
    if (effect, cause) == (edge.effect, edge.cause) and attributes is edge.attributes:
        return edge
    return replace(edge, effect=effect, cause=cause, attributes=attributes)


def _attributes(attributes: Attributes) -> Attributes:
    shown = {name: _value(name, value) for name, value in attributes.items()}
    return attributes if shown == attributes else shown


def _value(name: str, value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(_scalar(name, item) for item in value)
    return _scalar(name, value)


def _scalar(name: str, value: Scalar) -> Scalar:
    if isinstance(value, str):
        return scrub_value(name, value)
    if isinstance(value, Literal):
        text = scrub_value(name, value.value)
        return value if text == value.value else text
    if isinstance(value, Ref):
        return Ref(_name(value.iri))
    return value
