# SPDX-License-Identifier: Apache-2.0
"""Collects what is read from a document, whatever its syntax."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO

from lineage.errors import BadInput
from lineage.formats import names
from lineage.formats.names import Names
from lineage.model.record import Batch, Edge, Loss, Node


class Reading:
    """What was found so far in a document, and where that is. ``blank`` names the document: the
    nodes that it does not name are its own.
    """

    def __init__(self, data: bytes | BinaryIO, where: str) -> None:
        self.where = where
        self.blank: str = _digest(data)[:16]
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.prefixes: dict[str, str] = {}
        self.bundles: dict[str, Mapping[str, str]] = {}
        self.losses: list[Loss] = []
        #: What was said in this batch or an earlier one.
        self._said: list[Loss] = []

    def declared(self, prefixes: Mapping[str, str], where: str) -> dict[str, str]:
        """Check the prefixes of a scope, and return them; what had to be mended is said. Raises
        ``BadInput``.
        """
        found = names.declared(prefixes, where=where)
        said = (names.slip(p, iri) for p, iri in prefixes.items() if names.is_slip(iri))
        self.losses += [loss for loss in said if loss not in self._said]
        self._said += self.losses
        return found

    def batch(self) -> Batch:
        """What was found since the last one, as a batch."""
        found = Batch(
            nodes=tuple(self.nodes),
            edges=tuple(self.edges),
            prefixes=self.prefixes,
            bundles=self.bundles,
            losses=tuple(self.losses),
        )
        self.nodes, self.edges, self.bundles, self.losses = [], [], {}, []
        return found


def _digest(data: bytes | BinaryIO) -> str:
    """The SHA-256 of some bytes, or of a file from its beginning, in hex."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    found = hashlib.sha256()
    data.seek(0)
    while piece := data.read(1 << 20):
        found.update(piece)
    return found.hexdigest()


class JsonReading(Reading):
    """A reading of JSON, whose places are JSON pointers (RFC 6901)."""

    def at(self, pointer: str) -> str:
        """The place in the document, as file and pointer."""
        return f"{self.where}#{pointer}"

    def names(self, prefixes: Mapping[str, str], scope: str) -> Names:
        """The names of the document, or of the bundle at a pointer."""
        return Names(prefixes, blank=self.blank, scope=scope, place=self.at)

    def object(self, value: Any, pointer: str) -> dict[str, Any]:
        """A value that must be an object. Raises ``BadInput``."""
        if not isinstance(value, dict):
            raise BadInput("an object is expected here", where=self.at(pointer))
        return value
