# SPDX-License-Identifier: Apache-2.0
"""What a peer is asked, and how its answers look: the same rows that ours has, so that they compare."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.closeable import Closeable
from lineage.model.record import Batch

#: A node: identifier, kind, label, attributes as JSON; an edge: relation, effect, cause, attributes.
Rows = Sequence[tuple[str, ...]]
#: Nodes and edges.
Found = tuple[Rows, Rows]

#: How many nodes a search gives.
PAGE = 50


class Peer(Closeable):
    """A store of somebody else's that holds the graph, asked in the fastest way that we know for it."""

    #: The version of the library.
    version: str
    #: Whether it keeps what it holds; what does not is no store, only the limit of what is possible.
    keeps = True
    #: The questions that it cannot be asked, and why, in a few words.
    cannot: Mapping[str, str] = {}

    @abstractmethod
    def prepare(self, batches: Iterable[Batch]) -> None:
        """Write the graph in the form that it loads fastest: nobody's time."""

    @abstractmethod
    def load(self) -> None:
        """Load what was prepared, until it is on the disk, and index it."""

    @abstractmethod
    def upstream(self, model: str) -> Found:
        """What produced a model, itself with it."""

    @abstractmethod
    def effects(self, hub: str) -> Found:
        """What depends on a dataset, itself with it."""

    @abstractmethod
    def identifiers(self, hub: str) -> Collection[str]:
        """The identifiers of what depends on a dataset, with its own."""

    @abstractmethod
    def counts(self, hub: str) -> Mapping[str, int]:
        """How many things of each kind depend on a dataset, itself with them."""

    def between(self, hub: str, model: str) -> Found:
        """What lies between a dataset and a model that depends on it, both with it."""
        return narrowed(self.upstream(model), hub)

    def failed(self) -> Rows:
        """The first fifty runs that failed, by identifier."""
        raise NotImplementedError

    def find(self, text: str) -> Rows:
        """The first fifty nodes, by identifier, whose identifier or label holds a text in lower case."""
        raise NotImplementedError


class Queried(Peer):
    """A peer that is asked in a language of its own, with named parameters."""

    #: The statements of its two searches; the second has the parameter ``text``.
    failed_query: str
    find_query: str

    @abstractmethod
    def _all(self, query: str, **parameters: Any) -> list[Any]:
        """Every row of a statement."""

    def failed(self) -> Rows:
        """See ``Peer``."""
        return self._all(self.failed_query)

    def find(self, text: str) -> Rows:
        """See ``Peer``."""
        return self._all(self.find_query, text=text)


def narrowed(upstream: Found, hub: str) -> Found:
    """Of what is upstream only what depends on the hub."""
    nodes, edges = upstream
    effects: dict[str, list[str]] = {}
    for _, effect, cause, _ in edges:
        effects.setdefault(cause, []).append(effect)
    seen, left = {hub}, [hub]
    while left:
        new = set(effects.get(left.pop(), ())) - seen
        seen |= new
        left += new
    return [n for n in nodes if n[0] in seen], [e for e in edges if e[1] in seen and e[2] in seen]


def size(folder: Path) -> int:
    """The bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
