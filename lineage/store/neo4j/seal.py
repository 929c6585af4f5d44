# SPDX-License-Identifier: Apache-2.0
"""Secrets among the kept values, sealed: who reads the database reads no key in it.

Everybody who may connect to a Neo4j database may read all of it, and so may whoever gets a dump. The key
that names people, and those behind the pseudonyms of partners, are therefore kept encrypted: AES-256-GCM
(NIST SP 800-38D) with the name as additional data, under a key that scrypt (RFC 7914) makes of the
configured secret, else of the account's password.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lineage.errors import Denied
from lineage.store.kept import PARTNER_KEYS, PERSON_KEY

_SECRET = (PERSON_KEY, PARTNER_KEYS)
_MARK = b"sealed-1:"
_SALT, _NONCE = 16, 12


class Seal:
    """Seals with the first of some passphrases, opens with any of them."""

    def __init__(self, passphrases: Sequence[str], where: str) -> None:
        self._passphrases = [phrase for phrase in passphrases if phrase] or [""]
        self._where = where

    def close(self, name: str, value: bytes) -> bytes:
        """A value as it is kept under a name."""
        if not name.startswith(_SECRET):
            return value
        salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
        cipher = AESGCM(_key(self._passphrases[0], salt))
        return _MARK + salt + nonce + cipher.encrypt(nonce, value, name.encode())

    def open(self, name: str, kept: bytes) -> bytes:
        """The value back. Raises ``Denied`` where it was sealed with another passphrase."""
        if not kept.startswith(_MARK):
            return kept
        sealed = kept[len(_MARK) :]
        salt, nonce = sealed[:_SALT], sealed[_SALT : _SALT + _NONCE]
        for phrase in self._passphrases:
            try:
                cipher = AESGCM(_key(phrase, salt))
                return cipher.decrypt(nonce, sealed[_SALT + _NONCE :], name.encode())
            except InvalidTag:
                continue
        raise Denied(
            f"the store's {name} is sealed, and not with the secret or the password given",
            where=self._where,
            hint="Set LINEAGE_NEO4J_SECRET to what it was sealed with: the secret of whoever made "
            "the store, or the password that the account had then.",
        )


@lru_cache(maxsize=64)
def _key(phrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(phrase.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
