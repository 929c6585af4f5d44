# SPDX-License-Identifier: Apache-2.0
"""What is remembered of exchanges: settings of the store, each written once and never changed.

The first to write a name wins, so that two exports, imports or stewards at once cannot both have
it. As settings, it works alike in every engine, and ``lineage copy`` takes it along: a replay is one
after the move too. It is no part of the ledger, so that rebuilding leaves it alone.

``key/<partner>``, the secret behind the partner's pseudonyms; ``sent/<partner>/<number>`` and
``taken/<partner>/<number>``, one package each; ``decided/<partner>/<number>``, what became of one
that was taken; ``bytes/<digest>/<number>``, parts of what is too large for one setting.
"""

from __future__ import annotations

import secrets
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from lineage import ids
from lineage.errors import StoreBusy, StoreDamaged
from lineage.store.base import Store

PREFIX = "exchange/"
_KEY, _BYTES = f"{PREFIX}key/", f"{PREFIX}bytes/"
SENT, TAKEN, DECIDED = f"{PREFIX}sent/", f"{PREFIX}taken/", f"{PREFIX}decided/"
#: Characters of one setting: engines read settings whole.
_PART = 256 * 1024


def partner_key(store: Store, partner: str, *, write: bool = True) -> bytes:
    """The 32 secret bytes behind a partner's pseudonyms, made at the first export.

    Without ``write`` and without one kept, another each time.
    """
    fresh = secrets.token_bytes(32).hex()
    held = store.setting(_KEY + partner, fresh if write else None)
    return bytes.fromhex(held or fresh)


def numbered(store: Store, kind: str, partner: str) -> dict[int, Mapping[str, Any]]:
    """What is kept of each package sent to, or taken from, a partner, by sequence number."""
    prefix = f"{kind}{partner}/"
    found = store.settings(prefix)
    return {
        int(name.removeprefix(prefix)): orjson.loads(text) for name, text in sorted(found.items())
    }


def keep(store: Store, kind: str, partner: str, number: int, value: Mapping[str, Any]) -> None:
    """Remember a package under its number. Raises ``StoreBusy`` where somebody else was faster."""
    name, text = f"{kind}{partner}/{number:012}", ids.canonical(value).decode()
    if store.setting(name, text) != text:
        message = f"{name.removeprefix(PREFIX)} was written by another process meanwhile"
        raise StoreBusy(message, hint="Run the command again: it goes on behind the other one.")


def keep_bytes(store: Store, data: bytes) -> str:
    """Keep bytes; what is given back finds them again."""
    digest = ids.sha256(data)
    text = b64encode(zlib.compress(data, 9)).decode()
    parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
    for number, part in enumerate(parts):
        store.setting(f"{_BYTES}{digest}/{number:06}", part)
    return digest


def bytes_of(store: Store, digest: str) -> bytes:
    """Bytes that were kept. Raises ``StoreDamaged`` where they are not what they were."""
    parts = store.settings(f"{_BYTES}{digest}/")
    try:
        data = zlib.decompress(b64decode("".join(text for _, text in sorted(parts.items()))))
    except (ValueError, zlib.error) as error:
        raise StoreDamaged(f"the bytes kept as {digest} cannot be read") from error
    if ids.sha256(data) != digest:
        raise StoreDamaged(f"the bytes kept as {digest} are others")
    return data
