# SPDX-License-Identifier: Apache-2.0
"""The names of a store, as selections are bound to them (``query.bind``)."""

from __future__ import annotations

from difflib import get_close_matches
from weakref import WeakKeyDictionary

from lineage.model import kinds
from lineage.model.value import read_text
from lineage.query import condition as c
from lineage.query.words import FILTERS
from lineage.services.context import Context
from lineage.services.read.resolve import meant, resolve
from lineage.services.read.versions import of_path
from lineage.store.base import NOW, Filter, Page, Store, View

#: Nodes whose attributes are looked at for names like one that is not known.
_LOOKED_AT = 2_000
_DECLARED = frozenset(f.name for kind in kinds.KINDS for f in kinds.fields_of(kind)) | FILTERS
#: Attributes that were seen in a store; what was there once stays in its ledger.
_SEEN: WeakKeyDictionary[Store, set[str]] = WeakKeyDictionary()


class Names:
    """The names of one store, for binding."""

    def __init__(self, ctx: Context, view: View) -> None:
        self._ctx, self._view = ctx, view

    def resolve(self, reference: str) -> tuple[str, str]:
        """See ``bind.Names``."""
        row = resolve(self._ctx, reference, self._view)
        return row.id, row.kind

    def meant(self, reference: str) -> tuple[frozenset[str], str]:
        """See ``bind.Names``."""
        rows = meant(self._ctx, reference, self._view)
        return frozenset(row.id for row in rows), rows[0].kind

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
