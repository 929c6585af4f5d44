# SPDX-License-Identifier: Apache-2.0
"""What we sent a partner: the names that we gave it, and the statements that may come back.

The store keeps an index of them, so that importing a package costs what the package speaks of, and
not what was ever sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from lineage import ids
from lineage.access.pseudonym import PREFIX, PartnerKey
from lineage.model import merge
from lineage.model.record import Batch, Edge, Node, Record, from_wire, line, named
from lineage.model.value import Attributes, Value, each, wired
from lineage.services.exchange import package_layout, state
from lineage.store.base import Store


@dataclass(slots=True)
class Said:
    """Holds statements, to find out whether another one says anything beyond them.

    A partner may say less than was said, and in relations and bundles of other names: a policy of
    its own drops attributes and renames those.
    """

    _nodes: dict[str, list[Node]] = field(default_factory=dict)
    _edges: dict[tuple[str, str, str], list[Edge]] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """Add statements that were made."""
        for record in records:
            if isinstance(record, Node):
                self._nodes.setdefault(record.id, []).append(record)
            else:
                ends = (record.relation, record.effect, record.cause)
                self._edges.setdefault(ends, []).append(record)

    def covers(self, record: Record) -> bool:
        """Whether one of the statements says everything that this one says."""
        if isinstance(record, Node):
            return any(
                record.kind == one.kind
                and record.label in (None, one.label)
                and _within(record.attributes, one.attributes)
                for one in self._nodes.get(record.id, ())
            )
        shown = {k: v for k, v in record.attributes.items() if k not in merge.EDGE_ARGUMENTS}
        ends = (record.relation, record.effect, record.cause)
        return any(_within(shown, one.attributes) for one in self._edges.get(ends, ()))


def _within(less: Attributes, more: Attributes) -> bool:
    return all(key in more and _values(value) <= _values(more[key]) for key, value in less.items())


def _values(value: Value) -> set[bytes]:
    return {orjson.dumps(wired(item), option=orjson.OPT_SORT_KEYS) for item in each(value)}


@dataclass(frozen=True, slots=True)
class Issued:
    """What a partner was sent, as far as one batch speaks of it. ``names``: ours by those that only
    this partner was given; ``None`` for one that stands for several. ``prefix``: how such names begin
    (``None``: there are none). ``said``: the statements that were sent.
    """

    names: Mapping[str, str | None]
    prefix: str | None
    said: Said

    @classmethod
    def to(cls, store: Store, partner: str, batch: Batch) -> Issued:
        """Read what was ever sent to a partner about the nodes that a batch mentions."""
        said = Said()
        if not store.values_under(f"{state.SENT}{partner}/", limit=1):
            return cls({}, None, said)
        _index(store, partner)
        given = {_name(partner, ident) for record in batch.records for ident in named(record)}
        stated = {_place(partner, record) for record in batch.records}
        names = dict(orjson.loads(value) for value in _kept(store, given))
        for value in _kept(store, stated):
            said.add(from_wire(shown) for shown in orjson.loads(value))
        key = PartnerKey(partner, state.partner_key(store, partner, write=False))
        return cls(names, f"{PREFIX}{partner}:{key.id}:", said)

    def gave(self, ident: str) -> bool:
        """Whether a name is one that we give to this partner, or looks like one."""
        return ident in self.names or (self.prefix is not None and ident.startswith(self.prefix))


# --- the index: a value for each name given and each statement sent ---


def _name(partner: str, ident: str) -> str:
    return f"{state.ISSUED}{partner}/name/{ids.sha256(ident.encode())}"


def _place(partner: str, record: Record) -> str:
    """Where the statements about the same are: about a node, or of a relation between two ends."""
    if isinstance(record, Node):
        about = [record.id]
    else:
        about = [record.relation, record.effect, record.cause]
    return f"{state.ISSUED}{partner}/said/{ids.sha256(orjson.dumps(about))}"


def _kept(store: Store, names: Iterable[str]) -> Iterator[bytes]:
    wanted = iter(sorted(names))
    while chunk := list(islice(wanted, _TOGETHER)):
        yield from store.values(chunk).values()


def _index(store: Store, partner: str) -> None:
    """Take into the index what was sent since it was looked at last."""
    mark = f"{state.ISSUED}{partner}/indexed"
    while True:
        held = store.values([mark]).get(mark)
        sent = state.numbered(store, state.SENT, partner)
        number = min((n for n in sent if n > int(held or 0)), default=None)
        if number is None:
            return
        found = orjson.loads(state.bytes_of(store, sent[number]["issued"]))
        changes = _changes(store, partner, found)
        # Where another process was faster, the next look finds its mark.
        store.keep({**changes, mark: str(number).encode()}, {mark: held})


def _changes(store: Store, partner: str, found: Mapping[str, Any]) -> dict[str, bytes]:
    """The values of the index that one package changes."""
    given = {_name(partner, new): (new, old) for new, old in found["names"].items()}
    stated: dict[str, dict[bytes, Any]] = {}
    for record in package_layout.document(found["document"].encode()).records:
        text = line(record)
        stated.setdefault(_place(partner, record), {})[text] = orjson.loads(text)
    before: dict[str, bytes] = {}
    wanted = iter(sorted(given.keys() | stated.keys()))
    while chunk := list(islice(wanted, _TOGETHER)):
        before.update(store.values(chunk))
    changes: dict[str, bytes] = {}
    for name, (new, old) in given.items():
        _, known = orjson.loads(before[name]) if name in before else (new, old)
        # One name for several things leads back to none of them.
        changes[name] = orjson.dumps([new, old if known == old else None])
    for place, lines in stated.items():
        known_lines = orjson.loads(before[place]) if place in before else []
        for shown in known_lines:
            lines.setdefault(ids.canonical(shown), shown)
        changes[place] = orjson.dumps(list(lines.values()))
    return {name: value for name, value in changes.items() if before.get(name) != value}


_TOGETHER = 2_000
