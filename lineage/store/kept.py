# SPDX-License-Identifier: Apache-2.0
"""Values kept beside the graph and the ledger: the names of those that are secrets, and how one is kept
once for all.
"""

from __future__ import annotations

from lineage.ledger.log import Draft
from lineage.store.base import Store

#: Names of kept values that are secrets: the key that names people, and (so they begin) those behind
#: the pseudonyms of partners. An engine whose database others can read seals them.
PERSON_KEY, PARTNER_KEYS = "person_key", "exchange/key/"


def remembered(store: Store, name: str, value: bytes, act: Draft | None = None) -> bytes:
    """Read the value kept under a name; where there is none, keep ``value``, with the entry of an act
    where there is one. Of two calls at once the first has its way.
    """
    while (found := store.values([name]).get(name)) is None:
        if store.keep({name: value}, {name: None}, act):
            return value
    return found
