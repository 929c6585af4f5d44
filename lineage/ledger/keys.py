# SPDX-License-Identifier: Apache-2.0
"""Ed25519 keys: how they are made, kept as PEM, shown as one line of text, and named."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from lineage.errors import BadInput, MissingExtra

#: The signature type of plain Ed25519 in C2SP signed notes.
_ED25519 = b"\x01"
_SIZE = 32
_NAME = re.compile(r"[^\s+\x00-\x20\x7f]{1,200}")
_LINE = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")


def unbase64(text: str) -> bytes:
    """Decode a base64 text that has one spelling only (RFC 4648 section 4).

    Raises ``ValueError`` for other characters, wrong padding and stray bits at the end.
    """
    data = b64decode(text, validate=True)
    if b64encode(data).decode() != text:
        raise ValueError("there are stray bits at its end")
    return data


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies, with the name under which its owner signs, such as ``lab.example/log``.

    Its text is the verifier key of C2SP signed notes: ``<name>+<id>+<base64 of type and key>``.
    """

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that tell keys of one name apart: a hint, never a proof (C2SP
        signed-note).
        """
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:4]

    @property
    def hint(self) -> str:
        """Name and id, as envelopes mention the key that signed them."""
        return f"{self.name}+{self.id.hex()}"

    def to_text(self) -> str:
        """The key as one line, for a trust file."""
        return f"{self.hint}+{b64encode(_ED25519 + self.raw).decode()}"

    @classmethod
    def of(cls, text: str, *, where: str | None = None) -> PublicKey:
        """Read a key out of its line. Raises ``BadInput`` where the line is no key."""
        found = _LINE.fullmatch(text.strip())
        if found is None or not _NAME.fullmatch(found["name"]):
            raise _no_key(text, "is not NAME+ID+BASE64", where)
        try:
            kind_and_raw = unbase64(found["key"])
        except ValueError as error:
            raise _no_key(text, f"has no base64 in its third part: {error}", where) from error
        if kind_and_raw[:1] != _ED25519 or len(kind_and_raw) != 1 + _SIZE:
            raise _no_key(text, "is not an Ed25519 key", where)
        key = cls(found["name"], kind_and_raw[1:])
        if key.id.hex() != found["id"]:
            raise _no_key(text, f"says it is {found['id']} and is {key.id.hex()}", where)
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message. Raises ``MissingExtra`` without cryptography."""
        ed25519 = _ed25519()
        from cryptography.exceptions import InvalidSignature

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs. It never shows itself; ``to_pem`` is for a file of mode 0600."""

    name: str
    _key: Any = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> SigningKey:
        """Make a new key. Raises ``BadInput`` for a name with spaces or a plus, and
        ``MissingExtra``.
        """
        return cls(_named(name), _ed25519().Ed25519PrivateKey.generate())

    @classmethod
    def of_seed(cls, name: str, seed: bytes) -> SigningKey:
        """Make the key of 32 secret bytes (RFC 8032). Raises as ``generate`` does."""
        if len(seed) != _SIZE:
            raise BadInput(f"a key is made of {_SIZE} bytes, not of {len(seed)}")
        return cls(_named(name), _ed25519().Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def of_pem(cls, name: str, text: str, *, where: str | None = None) -> SigningKey:
        """Read the key in a PEM text (PKCS8, not encrypted). Raises ``BadInput``, ``MissingExtra``."""
        ed25519 = _ed25519()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            # The text of the error is not passed on: it may quote what it read.
            hint = "'lineage keys' makes one."
            message = "this is no private key in PEM without a password"
            raise BadInput(message, where=where, hint=hint) from error
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise BadInput("the private key is not an Ed25519 key", where=where)
        return cls(_named(name), key)

    def to_pem(self) -> str:
        """The private key as PEM text (PKCS8). Whoever reads it signs as this name."""
        from cryptography.hazmat.primitives import serialization

        data: bytes = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return data.decode()

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a message, and return the 64 bytes of the signature (RFC 8032); the same message
        gives the same bytes.
        """
        signature: bytes = self._key.sign(message)
        return signature


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        hint = "Use one word, such as the host and path of your log: lab.example/lineage."
        raise BadInput(f"{name!r} cannot name a key", hint=hint)
    return name


def _no_key(text: str, why: str, where: str | None) -> BadInput:
    hint = "'lineage keys' of the partner shows the line to copy."
    return BadInput(f"the key {text[:80]!r} {why}", where=where, hint=hint)


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        hint = 'pip install "lineagedb[exchange]"'
        raise MissingExtra("the cryptography package is not installed", hint=hint) from error
    return ed25519
