# SPDX-License-Identifier: Apache-2.0
"""DSSE envelopes: typed bytes with signatures that are checked before anything is read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import orjson

from lineage import ids
from lineage.errors import BadInput, BadSignature, LimitExceeded
from lineage.ledger.keys import PublicKey, SigningKey, unbase64

#: What an in-toto statement in JSON is called.
IN_TOTO = "application/vnd.in-toto+json"
#: An envelope larger than this is refused (bytes): a statement names files, it does not hold them.
LARGEST = 4 * 1024 * 1024
#: Signatures that are looked at: each costs a check for every key that is pinned.
MOST_SIGNATURES = 16

_FROM_URL_SAFE = str.maketrans("-_", "+/")


class OpenedEnvelope(NamedTuple):
    """What an envelope held, and the pinned key that signed it."""

    payload: bytes
    key: PublicKey


def pae(payload_type: str, payload: bytes) -> bytes:
    """Encode what is signed: type and payload with their lengths, so that neither runs into the
    other.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, *keys: SigningKey) -> bytes:
    """Make an envelope (DSSE v1.0.2) with the signature of each key; the same input gives the same
    bytes.
    """
    message = pae(payload_type, payload)
    return ids.canonical(
        {
            "payload": b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [
                {"keyid": key.public.hint, "sig": b64encode(key.sign(message)).decode()}
                for key in keys
            ],
        }
    )


def verify(
    envelope: bytes, pinned: Collection[PublicKey], *, payload_type: str = IN_TOTO
) -> OpenedEnvelope:
    """Return the payload of an envelope that one of the pinned keys signed as ``payload_type``.

    The payload is not parsed, and a ``keyid`` decides nothing: it only says which key to try
    first. Raises ``BadSignature``, ``BadInput`` for what is no envelope, ``LimitExceeded`` and
    ``MissingExtra``.
    """
    if len(envelope) > LARGEST:
        raise LimitExceeded(f"the envelope has {len(envelope)} bytes, more than {LARGEST}")
    kind, payload, signatures = _parts(envelope)
    if kind != payload_type:
        raise BadSignature(f"the envelope holds {kind[:80]!r}, not {payload_type!r}")
    message = pae(kind, payload)
    for hint, signature in signatures:
        for key in sorted(pinned, key=lambda one: one.hint != hint):
            if key.verifies(signature, message):
                return OpenedEnvelope(payload, key)
    names = ", ".join(sorted({hint[:80] for hint, _ in signatures if hint})) or "nobody named"
    raise BadSignature(f"none of the {len(pinned)} pinned keys signed this; it says {names} did")


def _parts(envelope: bytes) -> tuple[str, bytes, Sequence[tuple[str, bytes]]]:
    # A key twice is no danger here: what was verified is what is returned, whichever it was.
    try:
        value = orjson.loads(envelope)
    except orjson.JSONDecodeError as error:
        raise _no_envelope(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise _no_envelope("it is not a JSON object")
    kind = value.get("payloadType")
    if not isinstance(kind, str):
        raise _no_envelope("payloadType is not text")
    signatures = value.get("signatures")
    if not isinstance(signatures, list) or not signatures:
        raise BadSignature("the envelope is not signed")
    if len(signatures) > MOST_SIGNATURES:
        raise LimitExceeded(f"{len(signatures)} signatures, more than {MOST_SIGNATURES}")
    return kind, _bytes(value, "payload"), [_signature(item) for item in signatures]


def _signature(value: Any) -> tuple[str, bytes]:
    if not isinstance(value, dict):
        raise _no_envelope("a signature is not a JSON object")
    hint = value.get("keyid", "")
    return hint if isinstance(hint, str) else "", _bytes(value, "sig")


def _bytes(value: dict[str, Any], key: str) -> bytes:
    text = value.get(key)
    if not isinstance(text, str):
        raise _no_envelope(f"{key} is not text")
    try:
        # DSSE lets both alphabets of base64 in.
        return unbase64(text.translate(_FROM_URL_SAFE))
    except ValueError as error:
        raise _no_envelope(f"{key} is not base64: {error}") from error


def _no_envelope(why: str) -> BadInput:
    hint = "A package of ours holds it as envelope.dsse.json: fetch the package again."
    return BadInput(f"this is no DSSE envelope: {why}", hint=hint)
