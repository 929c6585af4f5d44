# SPDX-License-Identifier: Apache-2.0
"""What we sent a partner: the names that we gave it, and the statements that may come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from lineage.access.pseudonym import PREFIX, PartnerKey
from lineage.model import merge
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Attributes, Value, each, wired
from lineage.services.exchange import form, kept
from lineage.store.base import Store


@dataclass(slots=True)
class Said:
    """Statements, to find out whether another one says anything beyond them.

    A partner may say less than was said, and in relations and bundles of other names: a policy of
    its own drops attributes and renames those.
    """

    _nodes: dict[str, list[Node]] = field(default_factory=dict)
    _edges: dict[tuple[str, str, str], list[Edge]] = field(default_factory=dict)

    def add(self, records: Iterable[Record]) -> None:
        """Statements that were made."""
        for record in records:
            if isinstance(record, Node):
                self._nodes.setdefault(record.id, []).append(record)
            else:
                ends = (record.relation, record.effect, record.cause)
                self._edges.setdefault(ends, []).append(record)

    def covers(self, record: Record) -> bool:
        """Whether one of them says all that this one says."""
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
    """``names``: ours by those that only this partner was given; ``None`` for one that stands for
    several. ``prefix``: how such names begin (``None``: there are none). ``said``: what was sent.
    """

    names: Mapping[str, str | None]
    prefix: str | None
    said: Said

    @classmethod
    def to(cls, store: Store, partner: str) -> Issued:
        """Everything that was ever sent to a partner."""
        names: dict[str, str | None] = {}
        said = Said()
        sent = kept.numbered(store, kept.SENT, partner)
        for package in sent.values():
            found = orjson.loads(kept.bytes_of(store, package["issued"]))
            for new, old in found["names"].items():
                names[new] = old if names.get(new, old) == old else None
            said.add(form.document(found["document"].encode()).records)
        if not sent:
            return cls(names, None, said)
        key = PartnerKey(partner, kept.partner_key(store, partner, write=False))
        return cls(names, f"{PREFIX}{partner}:{key.id}:", said)

    def gave(self, ident: str) -> bool:
        """Whether a name is one that we give to this partner, or looks like one."""
        return ident in self.names or (self.prefix is not None and ident.startswith(self.prefix))
