# SPDX-License-Identifier: Apache-2.0
"""Hides secrets in records that others wrote as they are: documents, and what comes by the API."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from urllib.parse import quote

from lineage.access.secret_patterns import SCRUBBED, counting, holds_any, scrub, scrub_value
from lineage.model.record import Batch, Edge, Loss, Node, names_in
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each

#: Types of values of which each is one text, or none.
_PLAIN = frozenset({str, int, float, bool})


def masked(batch: Batch) -> Batch:
    """Return a batch without the secrets in its identifiers, labels and values, and with a loss that
    says how many texts held some.
    """
    if not holds_any(_texts(batch), _keys(batch)):
        return batch
    with counting() as hidden:
        nodes = tuple(map(_node, batch.nodes))
        edges = tuple(map(_edge, batch.edges))
        bundles = {_name(name): prefixes for name, prefixes in batch.bundles.items()}
    if not hidden.number:
        return batch
    losses = (*batch.losses, loss(hidden.number))
    return replace(batch, nodes=nodes, edges=edges, bundles=bundles, losses=losses)


def _texts(batch: Batch) -> set[str]:
    """Every text of a batch that may hold a secret, once."""
    values = list(chain.from_iterable(r.attributes.values() for r in batch.records))
    several = [item for value in values if type(value) not in _PLAIN for item in each(value)]
    found = names_in(batch)
    found.update(batch.bundles)
    found.update(node.label for node in batch.nodes if node.label)
    found.update(value for value in values if type(value) is str)
    found.update(item for item in several if isinstance(item, str))
    found.update(item.value for item in several if isinstance(item, Literal))
    found.update(item.iri for item in several if isinstance(item, Ref))
    return found


def _keys(batch: Batch) -> set[str]:
    return set(chain.from_iterable(record.attributes for record in batch.records))


def loss(number: int) -> Loss:
    """Say that texts held secrets, which are not kept."""
    return Loss("texts with secrets", number, "the secrets are hidden and not kept")


def _name(ident: str) -> str:
    """An identifier without secrets; it stays an IRI."""
    shown = scrub(ident)
    return ident if shown == ident else shown.replace(SCRUBBED, quote(SCRUBBED))


def _node(node: Node) -> Node:
    shown = replace(
        node,
        id=_name(node.id),
        label=node.label and scrub(node.label),
        attributes=_attributes(node.attributes),
        bundle=node.bundle and _name(node.bundle),
    )
    return node if shown == node else shown


def _edge(edge: Edge) -> Edge:
    shown = replace(
        edge,
        effect=_name(edge.effect),
        cause=_name(edge.cause),
        attributes=_attributes(edge.attributes),
        id=edge.id and _name(edge.id),
        bundle=edge.bundle and _name(edge.bundle),
    )
    return edge if shown == edge else shown


def _attributes(attributes: Attributes) -> Attributes:
    return {name: _value(name, value) for name, value in attributes.items()}


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
