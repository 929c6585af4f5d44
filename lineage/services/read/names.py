# SPDX-License-Identifier: Apache-2.0
"""The names of a store, as selections are bound to them (``query.bind``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from weakref import WeakKeyDictionary

from lineage.model import kinds
from lineage.model.value import read_text
from lineage.query import condition as c
from lineage.query.plan import Called
from lineage.query.words import FILTERS
from lineage.services.context import Context
from lineage.services.read.resolve import called, meant, resolve
from lineage.services.read.versions import of_path
from lineage.store.base import NOW, Filter, Page, Store, View
from lineage.store.rows import NodeRow

#: Nodes whose attributes are looked at for names like one that is not known.
_LOOKED_AT = 2_000
_DECLARED = frozenset(f.name for kind in kinds.KINDS for f in kinds.fields_of(kind)) | FILTERS
#: Attributes that were seen in a store; what was there once stays in its ledger.
_SEEN: WeakKeyDictionary[Store, set[str]] = WeakKeyDictionary()


class Names:
    """The names of one store, for binding."""

    def __init__(
        self, ctx: Context, view: View, looked_up: Mapping[Called, NodeRow] = MappingProxyType({})
    ) -> None:
        self._ctx, self._view = ctx, view
        self._looked_up = {replace(name, but=frozenset()): row for name, row in looked_up.items()}

    def resolve(self, reference: str) -> tuple[str, str]:
        """See ``bind.Names``."""
        row = resolve(self._ctx, reference, self._view)
        return row.id, row.kind

    def meant(self, reference: str) -> tuple[frozenset[str], str]:
        """See ``bind.Names``."""
        name = called(reference) if self._looked_up else None
        if name is not None and (row := self._looked_up.get(name)) is not None:
            return frozenset({row.id}), row.kind
        rows = meant(self._ctx, reference, self._view)
        return frozenset(row.id for row in rows), rows[0].kind

    def called(self, reference: str) -> Called | None:
        """See ``bind.Names``."""
        del reference
        return None

    def versions(self, name: str) -> frozenset[str]:
        """See ``bind.Names``."""
        return frozenset(row.id for row in of_path(self._ctx, name, self._view))

    def known(self, key: str) -> bool:
        """See ``bind.Names``."""
        return key in _DECLARED or self._was_tag(key) or self.held(key)

    def _was_tag(self, key: str) -> bool:
        """Tags are free: that nothing has one is an answer."""
        return key.startswith(("tag.", "column_tag."))

    def held(self, key: str) -> bool:
        """See ``bind.Names``."""
        seen = _SEEN.setdefault(self._ctx.store, set())
        if key not in seen:
            if not self._ctx.store.find(Filter(also=c.Has(key)), Page(limit=1), NOW).rows:
                return False
            seen.add(key)
        return True

    def nearest(self, key: str) -> list[str]:
        """See ``bind.Names``."""
        page = self._ctx.store.find(Filter(), Page(limit=_LOOKED_AT), NOW)
        held = {name for row in page.rows for name in read_text(row.attributes)}
        return get_close_matches(key, sorted(held | _DECLARED), n=3, cutoff=0.5)


class Supposed(Names):
    """The names of one store, each of which is supposed to mean what it says at first sight."""

    def called(self, reference: str) -> Called | None:
        """See ``bind.Names``."""
        return called(reference)
