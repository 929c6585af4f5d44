# SPDX-License-Identifier: Apache-2.0
"""A document in the order in which it is written, whether it is in memory or was spooled to a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import merge
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple, TypeVar

from lineage import ids
from lineage.formats import prov_terms
from lineage.model.record import Batch, Edge, Loss, Node, Record, line
from lineage.spool import Text

R = TypeVar("R", bound=Record)

_ID = attrgetter("id")
_PLACE = attrgetter("effect", "relation", "cause")


class Thing(NamedTuple):
    """What is said of one thing: statements of it, and the relations of which it is the effect."""

    id: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]


class Section(ABC):
    """What is said in one bundle, or outside all of them, in the order of ``prov_terms.ordered``; all of
    it can be read any number of times.
    """

    @property
    @abstractmethod
    def names(self) -> frozenset[str]:
        """The identifiers of relations that have one."""

    @property
    @abstractmethod
    def nodes(self) -> Iterable[Node]:
        """The elements."""

    @property
    @abstractmethod
    def edges(self) -> Iterable[Edge]:
        """The relations."""

    @property
    @abstractmethod
    def unnamed(self) -> Collection[str]:
        """The identifiers of nodes that a document did not name."""

    @property
    @abstractmethod
    def crowded(self) -> int:
        """How many places of relations hold several values."""

    @abstractmethod
    def __len__(self) -> int:
        """How many records there are."""

    def by_word(self) -> Iterator[tuple[str, Iterable[Record]]]:
        """PROV's words in the order in which they first occur, each with its records: those that have no
        identifier first, then by identifier.
        """
        found: dict[str, list[Record]] = {}
        for node in self.nodes:
            found.setdefault(prov_terms.word(node), []).append(node)
        for edge in self.edges:
            if edge.relation in prov_terms.WRITTEN:
                found.setdefault(prov_terms.WRITTEN[edge.relation], []).append(edge)
        for word in list(found):
            yield word, sorted(found.pop(word), key=lambda record: record.id or "")

    def things(self) -> Iterator[Thing]:
        """Thing by thing, by identifier."""
        nodes, edges = groupby(self.nodes, _ID), groupby(self.edges, attrgetter("effect"))
        ident, said = next(nodes, (None, ()))
        for effect, led in edges:
            while ident is not None and ident < effect:
                yield Thing(ident, list(said), ())
                ident, said = next(nodes, (None, ()))
            if ident == effect:
                yield Thing(effect, list(said), list(led))
                ident, said = next(nodes, (None, ()))
            else:
                yield Thing(effect, (), list(led))
        while ident is not None:
            yield Thing(ident, list(said), ())
            ident, said = next(nodes, (None, ()))


class Listed(Section):
    """A section in memory, sorted when somebody reads it."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._given = records

    @cached_property
    def _records(self) -> Sequence[Record]:
        return prov_terms.ordered(self._given)

    @cached_property
    def nodes(self) -> Sequence[Node]:
        """See ``Section.nodes``."""
        return [record for record in self._records if isinstance(record, Node)]

    @cached_property
    def edges(self) -> Sequence[Edge]:
        """See ``Section.edges``."""
        return [record for record in self._records if isinstance(record, Edge)]

    @property
    def names(self) -> frozenset[str]:
        """See ``Section.names``."""
        edges = (record for record in self._given if isinstance(record, Edge))
        return frozenset(edge.id for edge in edges if edge.id is not None)

    @property
    def unnamed(self) -> Collection[str]:
        """See ``Section.unnamed``."""
        idents = chain.from_iterable(map(subjects, self._given))
        return {ident for ident in idents if ident.startswith(ids.BLANK)}

    @property
    def crowded(self) -> int:
        """See ``Section.crowded``."""
        edges = (record for record in self._given if isinstance(record, Edge))
        return prov_terms.crowded_places(edges)

    def __len__(self) -> int:
        """See ``Section.__len__``."""
        return len(self._given)


def subjects(record: Record) -> tuple[str, ...]:
    """The identifiers of a record: of a node, or of a relation and its ends."""
    if isinstance(record, Node):
        return (record.id,)
    return (record.effect, record.cause, record.id or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Sections by bundle (``None``: outside all bundles, always there and first), and what of a ``Batch``
    says how they are written.
    """

    sections: Mapping[str | None, Section]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    bundles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    base: str | None = None
    bare: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, batch: Batch | Document) -> Document:
        """The document of a batch; a document is its own."""
        if isinstance(batch, Document):
            return batch
        inside = prov_terms.bundled(batch)
        return cls(
            sections={bundle: Listed(records) for bundle, records in inside.items()},
            prefixes=batch.prefixes,
            bundles=batch.bundles,
            base=batch.base,
            bare=batch.bare,
        )

    @property
    def nodes(self) -> Iterator[Node]:
        """The elements, section by section."""
        return chain.from_iterable(section.nodes for section in self.sections.values())

    @property
    def edges(self) -> Iterator[Edge]:
        """The relations, section by section."""
        return chain.from_iterable(section.edges for section in self.sections.values())

    @property
    def records(self) -> Iterator[Record]:
        """All records: nodes, then edges."""
        return chain(self.nodes, self.edges)

    def run_together(self) -> Document:
        """The same without bundles: what they hold stands beside all else."""
        if not self.bundles and len(self.sections) == 1:
            return self
        return replace(self, sections={None: _Together([*self.sections.values()])}, bundles={})


class _Together(Section):
    """Sections as one."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections

    @property
    def names(self) -> frozenset[str]:
        """See ``Section.names``."""
        return frozenset().union(*(section.names for section in self._sections))

    @property
    def unnamed(self) -> Collection[str]:
        """See ``Section.unnamed``."""
        return set().union(*(section.unnamed for section in self._sections))

    @property
    def crowded(self) -> int:
        """See ``Section.crowded``."""
        return sum(section.crowded for section in self._sections)

    def __len__(self) -> int:
        """See ``Section.__len__``."""
        return sum(map(len, self._sections))

    @property
    def nodes(self) -> Iterable[Node]:
        """See ``Section.nodes``."""
        return Rereadable(lambda: _merged([s.nodes for s in self._sections], _ID))

    @property
    def edges(self) -> Iterable[Edge]:
        """See ``Section.edges``."""
        return Rereadable(lambda: _merged([s.edges for s in self._sections], _PLACE))


def _merged(streams: Sequence[Iterable[R]], place: Callable[[R], object]) -> Iterator[R]:
    """Streams of sections as one that is in no bundle, in the same order."""
    outside = (map(_outside, stream) for stream in streams)
    for _, same in groupby(merge(*outside, key=place), place):  # type: ignore[arg-type]
        first, *others = same
        yield from sorted((first, *others), key=line) if others else (first,)


def _outside(record: R) -> R:
    return replace(record, bundle=None) if record.bundle else record


class Rereadable(Iterable[R]):
    """What a function yields, each time from the beginning."""

    def __init__(self, read: Callable[[], Iterator[R]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[R]:
        return self._read()


def crowded(said: Batch | Document, what: str) -> tuple[Loss, ...]:
    """The places of relations in which several values stand, where PROV has one; ``what`` becomes of
    them.
    """
    if isinstance(said, Document):
        number = sum(section.crowded for section in said.sections.values())
    else:
        number = prov_terms.crowded_places(said.edges)
    reason = f"PROV has one there: {what}"
    return (Loss("places with several values", number, reason),) if number else ()


def headed(head: Callable[[], bytes], body: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a text whose head is known when its body is: that waits in a file."""
    waiting = Text(body)
    yield head()
    yield from waiting
