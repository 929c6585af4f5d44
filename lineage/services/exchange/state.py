# SPDX-License-Identifier: Apache-2.0
"""Keeps the state of exchanges, in values that the store keeps beside graph and ledger.

The first to keep a package under its number wins, so that two exports, imports or stewards at once
cannot both have it. Every engine keeps values alike, and ``lineage copy`` takes them along: a replay is
one after the move too. They are no part of the ledger, so that rebuilding leaves them alone.

``key/<partner>``, the secret behind the partner's pseudonyms; ``sent/<partner>/<number>`` and
``taken/<partner>/<number>``, one package each; ``decided/<partner>/<number>``, what became of one
that was taken; ``bytes/<digest>/<number>``, parts of what is too large for one value;
``issued/<partner>/...``, what was sent by name and by statement (``issued``).
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from lineage import ids
from lineage.errors import StoreBusy, StoreDamaged
from lineage.store.base import Store
from lineage.store.kept import PARTNER_KEYS, remembered
from lineage.store.paging import values_under

PREFIX = "exchange/"
_BYTES = f"{PREFIX}bytes/"
SENT, TAKEN, DECIDED = f"{PREFIX}sent/", f"{PREFIX}taken/", f"{PREFIX}decided/"
ISSUED = f"{PREFIX}issued/"
#: Bytes of one value.
_PART = 4 * 1024 * 1024


def partner_key(store: Store, partner: str, *, write: bool = True) -> bytes:
    """The 32 secret bytes behind a partner's pseudonyms, made at the first export.

    Without ``write`` and without one kept, another each time.
    """
    name, fresh = PARTNER_KEYS + partner, secrets.token_bytes(32).hex().encode()
    held = remembered(store, name, fresh) if write else store.values([name]).get(name, fresh)
    return bytes.fromhex(held.decode())


def numbered(store: Store, kind: str, partner: str) -> dict[int, Mapping[str, Any]]:
    """What is kept of each package sent to, or taken from, a partner, by sequence number."""
    prefix = f"{kind}{partner}/"
    found = values_under(store, prefix)
    return {int(name.removeprefix(prefix)): orjson.loads(value) for name, value in found}


def partners(store: Store, kind: str) -> list[str]:
    """The partners that packages were sent to, or taken from."""
    names = (name.removeprefix(kind) for name, _ in values_under(store, kind))
    return sorted({name.partition("/")[0] for name in names})


def keep(store: Store, kind: str, partner: str, number: int, value: Mapping[str, Any]) -> None:
    """Keep a package under its number. Raises ``StoreBusy`` where somebody else was faster."""
    name, text = f"{kind}{partner}/{number:012}", ids.canonical(value)
    if remembered(store, name, text) != text:
        message = f"{name.removeprefix(PREFIX)} was written by another process meanwhile"
        raise StoreBusy(message, hint="Run the command again: it goes on behind the other one.")


def keep_bytes(store: Store, data: bytes) -> str:
    """Keep bytes, and return what finds them again."""
    digest, packed = ids.sha256(data), zlib.compress(data, 9)
    for number, at in enumerate(range(0, len(packed), _PART)):
        store.keep({f"{_BYTES}{digest}/{number:06}": packed[at : at + _PART]})
    return digest


def bytes_of(store: Store, digest: str) -> bytes:
    """Read bytes that were kept. Raises ``StoreDamaged`` where they are not what they were."""
    parts = b"".join(value for _, value in values_under(store, f"{_BYTES}{digest}/"))
    try:
        data = zlib.decompress(parts)
    except zlib.error as error:
        raise StoreDamaged(f"the bytes kept as {digest} cannot be read") from error
    if ids.sha256(data) != digest:
        raise StoreDamaged(f"the bytes kept as {digest} are others")
    return data
