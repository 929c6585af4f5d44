# SPDX-License-Identifier: Apache-2.0
"""Pseudonyms and commitments under a partner's key: always the same for that partner, of no use to
others.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lineage import ids

#: How pseudonyms begin; what follows is the partner, the key and 128 bits.
PREFIX = "urn:lineage:partner:"
#: The datatype of a commitment; its text is hex.
SEALED = "lineage:Sealed"
_SECRET = 32


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """The 32 secret bytes of one partner. Another key (``id``) gives other pseudonyms throughout."""

    partner: str
    _secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self._secret) != _SECRET:
            raise ValueError(f"a partner's key has {_SECRET} bytes, not {len(self._secret)}")

    @property
    def id(self) -> str:
        """Eight hex digits that tell the keys of a partner apart and give nothing of them away."""
        return self._mark(b"v1|key id")[:4].hex()

    def pseudonym(self, kind: str, ident: str) -> str:
        """The name under which this partner knows a thing."""
        mark = b32encode(self._mark(f"v1|{kind}|{ident}".encode())[:16]).decode()
        return f"{PREFIX}{self.partner}:{self.id}:{mark.rstrip('=').lower()}"

    def digest(self, digest: str) -> str:
        """A digest of bytes as this partner may compare it with others that we sent."""
        return f"hmac-sha256:{self._mark(f'v1|digest|{digest.lower()}'.encode())[:16].hex()}"

    def salt(self, place: Any) -> bytes:
        """The salt of one sealed value; ``place`` (JSON) is where it is and what it is."""
        return self._mark(b"v1|salt|" + ids.canonical(place))

    def _mark(self, message: bytes) -> bytes:
        return hmac.new(self._secret, message, sha256).digest()


def label(kind: str, name: str) -> str | None:
    """What a thing under a pseudonym is called where its own label may not leave: its kind and the
    first eight letters of the pseudonym, which tell it from others. ``None`` for any other name.

    >>> label("Person", "urn:lineage:partner:b:0123abcd:iutqwr45mxmpq4l4typemmjeem")
    'Person iutqwr45 (pseudonym)'
    """
    return f"{kind} {name.rpartition(':')[2][:8]} (pseudonym)" if name.startswith(PREFIX) else None


def commitment(salt: bytes, value: Any) -> str:
    """Commit to a value (JSON), in hex: the text binds us to the value without showing it."""
    return hmac.new(salt, ids.canonical(value), sha256).hexdigest()


def opens(sealed: str, salt: bytes, value: Any) -> bool:
    """Whether a salt and a value open a commitment."""
    return hmac.compare_digest(sealed, commitment(salt, value))
