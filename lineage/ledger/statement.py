# SPDX-License-Identifier: Apache-2.0
"""in-toto statements: what a package says of itself, and what must hold before it is let in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from lineage import ids
from lineage.errors import (
    BadInput,
    DigestMismatch,
    Expired,
    NotYetValid,
    WrongAudience,
    WrongSequence,
)

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:lineage:exchange:v1"
#: How far the clock of a partner may run ahead of ours.
SKEW = timedelta(minutes=5)
#: Files that one package may name.
MOST_FILES = 10_000

_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Relative, without ``..`` or hidden parts: a name may become a path at the other end.
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,9}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_MOST_SEQUENCE = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a package says of itself: who sends what to whom, under which number, and until when it
    may be used.

    ``origin`` is the sender's log, ``audience`` the partner it is for; ``sequence`` counts from 1
    for each audience, and ``previous`` is the digest of the statement before, ``None`` for the
    first. ``policy`` is the digest of the policy under which it left. ``checkpoint`` is the signed
    note of the sender's log; ``files`` maps names to SHA-256 in hex. Times are UTC, whole seconds.
    """

    origin: str
    audience: str
    sequence: int
    previous: str | None
    created: datetime
    expires: datetime
    policy: str
    checkpoint: str
    files: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """The statement in canonical JSON (RFC 8785): the bytes that are signed."""
        return ids.canonical(
            {
                "_type": TYPE,
                "subject": [
                    {"name": name, "digest": {"sha256": digest}}
                    for name, digest in sorted(self.files.items())
                ],
                "predicateType": PREDICATE,
                "predicate": {
                    "origin": self.origin,
                    "audience": self.audience,
                    "sequence": self.sequence,
                    "previous": self.previous,
                    "created": _written(self.created),
                    "expires": _written(self.expires),
                    "policy": self.policy,
                    "checkpoint": self.checkpoint,
                },
            }
        )

    @property
    def digest(self) -> str:
        """The digest of the statement, which the next one names as ``previous``."""
        return ids.sha256(self.to_bytes())

    @classmethod
    def of(cls, payload: bytes) -> Statement:
        """Read a statement out of signed bytes. Raises ``BadInput`` naming the place that is wrong.

        Only canonical JSON is taken: no key twice, no number that two readers read differently.
        """
        try:
            value = orjson.loads(payload)
            canonical = ids.canonical(value) == payload
        except ValueError as error:
            raise _wrong("", f"is not canonical JSON: {error}") from error
        if not canonical:
            raise _wrong("", "is not canonical JSON (RFC 8785)")
        predicate = _mapping(value, "").get("predicate")
        for key, expected in (("_type", TYPE), ("predicateType", PREDICATE)):
            if value.get(key) != expected:
                raise _wrong(f"/{key}", f"is {str(value.get(key))[:80]!r}, not {expected!r}")
        said = _mapping(predicate, "/predicate")
        previous = said.get("previous")
        statement = cls(
            origin=_text(said, "origin"),
            audience=_text(said, "audience"),
            sequence=_count(said, "sequence"),
            previous=None if previous is None else _digest(previous, "/predicate/previous"),
            created=_moment(said, "created"),
            expires=_moment(said, "expires"),
            policy=_digest(said.get("policy"), "/predicate/policy"),
            checkpoint=_text(said, "checkpoint"),
            files=_files(value.get("subject")),
        )
        if (statement.sequence == 1) != (previous is None):
            raise _wrong(
                "/predicate/previous", "must be null in the first statement, and only there"
            )
        return statement


def demand_audience(statement: Statement, ours: str) -> None:
    """Raise ``WrongAudience`` unless the package was made for us."""
    if statement.audience != ours:
        raise WrongAudience(f"the package is for {statement.audience!r}, we are {ours!r}")


def demand_current(statement: Statement, now: datetime) -> None:
    """Raise ``NotYetValid`` or ``Expired`` unless the package may be used at ``now`` (aware)."""
    if statement.created > now + SKEW:
        raise NotYetValid(f"the package says it was made at {_written(statement.created)}")
    if statement.expires <= now:
        raise Expired(f"the package could be used until {_written(statement.expires)}")


def demand_next(statement: Statement, sequence: int, digest: str | None) -> None:
    """Raise ``WrongSequence`` unless the package follows the one taken last.

    ``sequence`` and ``digest`` are those of the last statement taken from this origin; 0 and
    ``None`` before the first.
    """
    expected, found = sequence + 1, statement.sequence
    if found < expected:
        raise WrongSequence(
            f"package {found} comes too late: {expected - 1} was the last one taken"
        )
    if found > expected:
        raise WrongSequence(f"package {found} came where {expected} is next: one is missing")
    if statement.previous != digest:
        raise WrongSequence(f"package {found} does not follow the package {sequence} that we took")


def demand_files(statement: Statement, digests: Mapping[str, str]) -> None:
    """Raise ``DigestMismatch`` unless these files (name -> SHA-256 in hex) are those signed for."""
    for name, signed in sorted(statement.files.items()):
        found = digests.get(name)
        if found is None:
            raise DigestMismatch(f"{name} is signed for and is not in the package", where=name)
        if found != signed:
            raise DigestMismatch(f"{name} is not the file that was signed for", where=name)
    extra = sorted(digests.keys() - statement.files.keys())
    if extra:
        name = extra[0]
        raise DigestMismatch(
            f"{name[:200]!r} is in the package and nobody signed for it", where=name
        )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(pointer: str, why: str) -> BadInput:
    hint = "It was not made by 'lineage export --for'; ask the partner what made it."
    return BadInput(f"the statement {why}", where=f"statement#{pointer}", hint=hint)


def _mapping(value: Any, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(pointer, "has no JSON object here")
    return value


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(f"/predicate/{key}", f"has no text as its {key}")
    return value


def _count(said: Mapping[str, Any], key: str) -> int:
    value = said.get(key)
    if type(value) is not int or not 1 <= value < _MOST_SEQUENCE:
        raise _wrong(f"/predicate/{key}", f"has {str(value)[:80]!r} as its {key}")
    return value


def _digest(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise _wrong(pointer, "has no SHA-256 in lower-case hex here")
    return value


def _moment(said: Mapping[str, Any], key: str) -> datetime:
    value = _text(said, key)
    wrong = _wrong(f"/predicate/{key}", f"has {value[:80]!r}, not a time as 2026-01-02T03:04:05Z")
    if not _TIME.fullmatch(value):
        raise wrong
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise wrong from error


def _files(value: Any) -> dict[str, str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_FILES:
        raise _wrong("/subject", f"has no list of 1 to {MOST_FILES} files")
    files: dict[str, str] = {}
    for at, item in enumerate(value):
        pointer = f"/subject/{at}"
        said = _mapping(item, pointer)
        name = said.get("name")
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise _wrong(f"{pointer}/name", f"names {str(name)[:80]!r}, no plain relative file")
        if name in files:
            raise _wrong(f"{pointer}/name", f"names {name!r} twice")
        digests = _mapping(said.get("digest"), f"{pointer}/digest")
        files[name] = _digest(digests.get("sha256"), f"{pointer}/digest/sha256")
    return files
