# SPDX-License-Identifier: Apache-2.0
"""Nodes and edges out of the lists and texts that our statements answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lineage.errors import StoreDamaged
from lineage.gc_pause import gc_disabled
from lineage.ledger.log import Header
from lineage.ledger.merkle import Frontier
from lineage.store.neo4j.compile import SEPARATOR
from lineage.store.neo4j.schema import IMPLIED, TYPES
from lineage.store.rows import EdgeRow, NodeRow


@gc_disabled()
def node_rows(found: Sequence[Sequence[Any]]) -> list[NodeRow]:
    """Nodes as they are read (``compile.NODE``)."""
    new, row = tuple.__new__, NodeRow
    return [new(row, each) for each in found]


@gc_disabled()
def edges_among(
    found: Sequence[Sequence[Any]], keys: Sequence[int], nodes: Sequence[NodeRow]
) -> list[EdgeRow]:
    """Edges between nodes that the same statement read, and what it calls those nodes (``compile.among``).

    An edge that somebody writes meanwhile may lead beyond them: it is left out of an answer that is no
    answer of one moment either.
    """
    new, row, names = tuple.__new__, EdgeRow, TYPES
    ends = {key: node.id for key, node in zip(keys, nodes, strict=True)}
    try:
        rows = [
            new(row, (names[type_], ends[effect], ends[cause], attributes, *_NAMELESS))
            if named is None
            else new(row, (names[type_], ends[effect], ends[cause], attributes, *_named(named)))
            for type_, effect, cause, attributes, named in found
        ]
    except KeyError:
        return edges_among([e for e in found if e[1] in ends and e[2] in ends], keys, nodes)
    # Edges that others imply may be told apart by what is not shown of them.
    return rows if _IMPLIED.isdisjoint(each[0] for each in found) else list(dict.fromkeys(rows))


_NAMELESS = (None, None)
_IMPLIED = frozenset(IMPLIED)


def _named(text: str) -> tuple[str | None, str | None]:
    """The identifier and the bundle of an edge."""
    ident, _, bundle = text.partition(SEPARATOR)
    return ident or None, bundle or None


@gc_disabled()
def edge_rows(texts: Sequence[str]) -> list[EdgeRow]:
    """Edges out of their texts; what several sources assert alike is one edge."""
    new, row, sep, names = tuple.__new__, EdgeRow, SEPARATOR, TYPES
    return [
        new(row, (names[type_], effect, cause, attributes, ident or None, bundle or None))
        for type_, effect, cause, ident, bundle, attributes in [
            text.split(sep, 5) for text in dict.fromkeys(texts)
        ]
    ]


def header_of(row: Mapping[str, Any], where: str) -> Header:
    """An entry without its body, out of its properties. Raises ``StoreDamaged``."""
    try:
        return Header(**{name: value for name, value in row.items() if name != "body"})
    except TypeError as error:
        message = f"entry {row.get('seq')} does not have the properties of one"
        raise StoreDamaged(message, where=where) from error


def head_text(head: Frontier, drawing: str = "") -> str:
    """The ledger's head as one property: reading two of a node may see two commits. ``drawing`` marks
    that the graph is being drawn anew, and by whom: every read and write looks at the head.
    """
    return f"{head.size}:{head.to_bytes().hex()}" + (f":{drawing}" if drawing else "")


def drawing_of(text: Any) -> str:
    """Who draws the graph anew, out of the text of the head; nothing where nobody does."""
    return text.split(":", 2)[2] if isinstance(text, str) and text.count(":") > 1 else ""


@lru_cache(maxsize=16)
def head_of(size: Any, text: Any) -> Frontier:
    """The ledger's head out of its properties. Raises ``ValueError`` (or ``TypeError``,
    ``AttributeError``) where they are no head, or are of two moments.
    """
    written, colon, peaks = text.removesuffix(f":{drawing_of(text)}").partition(":")
    if colon and int(written) != size:
        raise ValueError(f"it says {size} entries and {written}")
    return Frontier.from_bytes(size, bytes.fromhex(peaks if colon else text))
