# SPDX-License-Identifier: Apache-2.0
"""Puts the subjects of one graph into the order in which they are written, most of them as they come.

Described things come first, by identifier, then what relations bring, then statements that RDF would
merge. Of a thing all that is said comes together, so it is written at once. Only a relation that has an
identifier may be spoken of in other places: what is said of these is held in memory to the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lineage.closeable import Closeable
from lineage.formats.document import Thing
from lineage.formats.prov_o import words
from lineage.model.record import Edge, Node, Record
from lineage.spool import Spool

Pairs = Sequence[str]
Said = tuple[str, Pairs]
#: Makes the node of one of several statements of a thing, out of its place and the statement.
Stating = Callable[[int, Record], Said]

_DESCRIBED, _OTHER, _STATED = range(3)


class Subjects(Closeable):
    """The subjects of one graph. ``named`` are those of relations that have an identifier, with that,
    ``empty`` what is said of others beside all that comes.
    """

    def __init__(self, named: Mapping[str, str], empty: Mapping[str, Pairs]) -> None:
        self._idents = frozenset(named.values())
        #: Subjects of which more may be said later -> what elements, relations, and empty bundles say.
        self._held: dict[str, tuple[list[str], list[str], Pairs]] = {
            subject: ([], [], empty.get(subject, ())) for subject in (*named, *empty)
        }
        #: Whether what is described has to wait for one of these.
        self._waiting = False
        self._spool: Spool[int, tuple[Any, Pairs | None]] = Spool()
        #: How often what has the identifier of a relation is stated, and where in the order.
        self._times: Counter[str] = Counter()
        self._nodes: dict[int, Node] = {}
        self._edges: list[tuple[int, Edge]] = []
        self._node_count = self._edge_count = 0

    def close(self) -> None:
        """See ``Closeable``."""
        self._spool.close()

    def described(self, subject: str, said: list[str], led: list[str]) -> Iterator[Said]:
        """A thing that is described, with what its description and its relations say."""
        held = self._held.get(subject)
        if held is not None:
            held[0].extend(said)
            held[1].extend(led)
            self._waiting = True
            self._spool.put(_DESCRIBED, (subject, None))
        elif self._waiting:
            self._spool.put(_DESCRIBED, (subject, _once(said + led)))
        else:
            yield subject, _once(said + led)

    def others(self, found: Mapping[str, list[str]]) -> None:
        """What the relations of one thing say of others."""
        for subject, pairs in found.items():
            held = self._held.get(subject)
            if held is None:
                self._spool.put(_OTHER, (subject, _once(pairs)))
            else:
                held[1].extend(pairs)
                self._spool.put(_OTHER, (subject, None))

    def stated(self, thing: Thing, stating: Stating) -> None:
        """Take note of statements of what is stated more than once."""
        known = thing.id in self._idents
        if known:
            self._times[thing.id] += len(thing.nodes)
        for node in thing.nodes:
            if known:
                self._nodes[self._node_count] = node
                self._spool.put(_STATED, (self._node_count, None))
            elif len(thing.nodes) > 1:
                self._spool.put(_STATED, stating(self._node_count, node))
            self._node_count += 1
        for edge in thing.edges if self._idents else ():
            if edge.id is not None and edge.relation in words.WORDS:
                self._times[edge.id] += 1
                self._edges.append((self._edge_count, edge))
            self._edge_count += 1

    def rest(self, stating: Stating) -> Iterator[Said]:
        """All that is not written yet."""
        done = set()
        for part in (_DESCRIBED, _OTHER):
            for subject, pairs in self._spool.of(part):
                if pairs is not None:
                    yield subject, pairs
                elif subject not in done:
                    done.add(subject)
                    elements, relations, others = self._held[subject]
                    yield subject, _once([*elements, *relations, *others])
        for number, pairs in self._spool.of(_STATED):
            if pairs is not None:
                yield number, _once(pairs)
            elif self._times[self._nodes[number].id] > 1:
                subject, said = stating(number, self._nodes[number])
                yield subject, _once(said)
        for at, edge in self._edges:
            if self._times[edge.id or ""] > 1:
                subject, said = stating(self._node_count + at, edge)
                yield subject, _once(said)
        for subject, held in self._held.items():
            if held[2] and subject not in done:
                yield subject, held[2]


def _once(pairs: Sequence[str]) -> Pairs:
    return list(dict.fromkeys(pairs)) if len(pairs) > 1 else pairs
