# SPDX-License-Identifier: Apache-2.0
"""Nodes and edges out of the texts that our statements answer with."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.store.neo4j.compile import SEPARATOR, TYPES
from lineage.store.rows import EdgeRow, NodeRow


def node_rows(texts: Sequence[str]) -> list[NodeRow]:
    """Nodes out of their texts."""
    new, row, sep = tuple.__new__, NodeRow, SEPARATOR
    return [
        new(row, (ident, kind, label[1:] if label else None, attributes))
        for ident, kind, attributes, label in (text.split(sep, 3) for text in texts)
    ]


def edge_rows(texts: Sequence[str]) -> list[EdgeRow]:
    """Edges out of their texts; what several sources assert alike is one edge."""
    new, row, sep, names = tuple.__new__, EdgeRow, SEPARATOR, TYPES
    return [
        new(row, (names[type_], effect, cause, attributes, ident or None, bundle or None))
        for type_, effect, cause, ident, bundle, attributes in (
            text.split(sep, 5) for text in dict.fromkeys(texts)
        )
    ]
