# SPDX-License-Identifier: Apache-2.0
"""What an answer says besides what was asked is looked up once a second at most: many answers, one look."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from lineage.store.base import Store

T = TypeVar("T")

#: For how many seconds what was seen is taken for what still is.
SECONDS = 1.0


class Recent(Generic[T]):
    """What was last seen of each store; of what ``lasts``, it is not looked up again."""

    def __init__(self, lasts: Callable[[T], bool] | None = None) -> None:
        self._seen: WeakKeyDictionary[Store, tuple[float, T]] = WeakKeyDictionary()
        self._lasts = lasts

    def of(self, store: Store, look: Callable[[], T]) -> T:
        """What was seen of a store within ``SECONDS``, or what ``look`` sees now."""
        if (last := self._seen.get(store)) is not None:
            at, seen = last
            if (self._lasts and self._lasts(seen)) or time.monotonic() - at <= SECONDS:
                return seen
        seen = look()
        self._seen[store] = (time.monotonic(), seen)
        return seen

    def forget(self, store: Store) -> None:
        """Look anew the next time: something was written."""
        self._seen.pop(store, None)
