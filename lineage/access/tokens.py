# SPDX-License-Identifier: Apache-2.0
"""API tokens: what they look like, what is kept of them, and the roles that they carry."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

#: Days that a token lives when nobody says otherwise, and the most it may.
DAYS, MOST_DAYS = 90, 3_650

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IDENT, _SECRET, _CHECK = 8, 43, 6
_FORM = re.compile(rf"lin_([0-9A-Za-z]{{{_IDENT}}})_([0-9A-Za-z]{{{_SECRET + _CHECK}}})")


class Role(IntEnum):
    """What a token allows; each role may do all that the ones before it may."""

    viewer = 1
    contributor = 2
    steward = 3
    admin = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The part of a token that is kept: never the secret, only its SHA-256 (it holds 256 random
    bits, which no slower hash would protect better). Times are UTC. ``rate`` is how many requests a
    minute it may send (``None``: as many as the server takes).
    """

    id: str
    name: str
    role: Role
    digest: str
    created: datetime
    expires: datetime
    rate: int | None = None

    def to_text(self) -> str:
        """The token as the JSON that a store keeps."""
        shown = {
            "name": self.name,
            "role": self.role.name,
            "digest": self.digest,
            "created": self.created.isoformat(),
            "expires": self.expires.isoformat(),
            **({} if self.rate is None else {"rate": self.rate}),
        }
        return json.dumps(shown, ensure_ascii=False, sort_keys=True)

    @classmethod
    def of(cls, ident: str, text: str) -> Token:
        """Read a token out of its text. Raises ``ValueError`` or ``KeyError`` where the text is no
        token.
        """
        shown = json.loads(text)
        return cls(
            id=ident,
            name=shown["name"],
            role=Role[shown["role"]],
            digest=shown["digest"],
            created=datetime.fromisoformat(shown["created"]),
            expires=datetime.fromisoformat(shown["expires"]),
            rate=shown.get("rate"),
        )

    def opens(self, secret: str) -> bool:
        """Whether a secret is this token's; takes the same time whatever the answer."""
        return hmac.compare_digest(_digest(secret), self.digest)


def mint(
    name: str,
    role: Role,
    *,
    now: datetime,
    days: int = DAYS,
    rate: int | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[Token, str]:
    """Make a new token and its secret: ``lin_``, eight characters that name it, 32 random bytes in
    base 62, and a checksum by which scanners tell it from noise.
    """
    ident = _base62(random(_IDENT), _IDENT)
    body = _base62(random(32), _SECRET)
    secret = f"lin_{ident}_{body}{_checksum(ident + body)}"
    created = now.astimezone(UTC).replace(microsecond=0)
    token = Token(
        id=ident,
        name=name,
        role=role,
        digest=_digest(secret),
        created=created,
        expires=created + timedelta(days=days),
        rate=rate,
    )
    return token, secret


def ident_of(secret: str) -> str | None:
    """The identifier inside a secret; ``None`` where the text is no secret, or is mistyped.

    >>> ident_of("lin_nonsense") is None
    True
    """
    found = _FORM.fullmatch(secret)
    if found is None:
        return None
    ident, rest = found.groups()
    body, check = rest[:_SECRET], rest[_SECRET:]
    return ident if check == _checksum(ident + body) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()).to_bytes(4, "big"), _CHECK)


def _base62(data: bytes, width: int) -> str:
    number, digits = int.from_bytes(data, "big"), ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits
