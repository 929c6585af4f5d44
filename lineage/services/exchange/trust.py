# SPDX-License-Identifier: Apache-2.0
"""The trust file: who we are, whose keys are pinned, and what each partner may define.

A steward writes it as YAML. A whole example::

    us:
      name: a-institute             # the audience that packages for us name
      namespaces: [https://a.example/, "urn:lineage:dataset:a-lab/"]
    partners:
      b-institute:
        keys: [b.example/lineage+0123abcd+AbCd...]   # lines of 'lineage keys show', had by another way
        origin: b.example/lineage   # the name of their log
        namespaces: [https://b.example/]
        trust: quarantine           # or auto: what passes every check is committed at once
        max_bytes: 67108864         # of a package, unpacked
        max_records: 1000000
        may_revoke: own             # invalidations of what is not theirs are refused or kept as claims

Only ``keys``, ``origin`` and ``namespaces`` must be there. A namespace is the beginning of
identifiers and ends with ``/``, ``#`` or ``:``; no two overlap, and nobody owns those of PROV, RDF
and XML Schema, commits (``swh:``), packages (``pkg:``) or ``urn:lineage:``. A partner may have
``urn:lineage:partner:<us>:<their key id>:``, under which it gives pseudonyms to us; we may have what
only our store names, such as ``urn:lineage:dataset:<our namespace>/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from lineage.access.pseudonym import PREFIX
from lineage.errors import BadInput
from lineage.ledger.keys import PublicKey
from lineage.model import namespaces
from lineage.services.exchange import identifiers
from lineage.sources import yaml_reader

MOST_BYTES, MOST_RECORDS = 64 * 1024 * 1024, 1_000_000
_CEILING = 2**40

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_SPACE = re.compile(r"[a-z][a-z0-9+.-]*:(?://[^/?#:@]+(?::[0-9]+)?/.*|(?!//)[^:]+[:/].*)")
_ENDS = ("/", "#", ":")
_LINEAGE = "urn:lineage:"
#: Names that mean the same to everybody: nobody defines them.
_COMMON = (*namespaces.PREFIXES.values(), "swh:", "pkg:", "https://orcid.org/")
#: Names within ours that no store may call its own.
_SHARED = tuple(
    f"{_LINEAGE}{word}:"
    for word in ("content", "environment", "claim", "partner", "blank", "unknown", "iri")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One partner as the trust file has it; sizes in bytes and records, of one package."""

    name: str
    keys: tuple[PublicKey, ...]
    origin: str
    namespaces: tuple[str, ...]
    auto: bool = False
    max_bytes: int = MOST_BYTES
    max_records: int = MOST_RECORDS

    def owns(self, ident: str) -> bool:
        """Whether an identifier is in one of the partner's namespaces."""
        return ident.startswith(self.namespaces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A trust file. ``us`` is the audience that we are; ``namespaces`` are ours."""

    us: str
    namespaces: tuple[str, ...]
    partners: Mapping[str, Partner]

    @classmethod
    def of(cls, data: bytes, *, where: str = "trust.yaml") -> Trust:
        """Read a trust file out of its bytes.

        Raises ``BadInput`` for the first thing that is wrong, with its pointer.
        """
        return _Reader(where).trust(yaml_reader.load(data, where=where))

    @property
    def keys(self) -> dict[PublicKey, Partner]:
        """Every pinned key, and whose it is."""
        return {key: partner for partner in self.partners.values() for key in partner.keys}

    @property
    def max_bytes(self) -> int:
        """The largest package that any partner may send: more is not looked at."""
        return max((partner.max_bytes for partner in self.partners.values()), default=0)


class _Reader:
    def __init__(self, where: str) -> None:
        self._where = where

    def trust(self, value: Any) -> Trust:
        said = self._mapping(value, "", ("us", "partners"))
        us = self._mapping(said.get("us"), "/us", ("name", "namespaces"))
        listed = said.get("partners")
        if not isinstance(listed, dict):
            self._wrong("/partners", "there is no mapping of partners' names")
        found = Trust(
            us=self._name(us.get("name"), "/us/name"),
            namespaces=self._spaces(us.get("namespaces"), "/us/namespaces"),
            partners={name: self._partner(name, item) for name, item in listed.items()},
        )
        self._demand_apart(found)
        return found

    def _partner(self, name: Any, value: Any) -> Partner:
        pointer = f"/partners/{name}"
        known = ("keys", "origin", "namespaces", "trust", "max_bytes", "max_records", "may_revoke")
        said = self._mapping(value, pointer, known)
        origin = said.get("origin")
        if not isinstance(origin, str) or not origin or not origin.isprintable():
            self._wrong(f"{pointer}/origin", "the name of the partner's log is missing")
        trust = said.get("trust", "quarantine")
        if trust not in ("quarantine", "auto"):
            self._wrong(f"{pointer}/trust", f"{trust!r} is neither quarantine nor auto")
        if said.get("may_revoke", "own") != "own":
            self._wrong(f"{pointer}/may_revoke", "a partner may revoke only its own: say own")
        keys = self._texts(said.get("keys"), f"{pointer}/keys")
        where = f"{self._where}#{pointer}/keys"
        return Partner(
            name=self._name(name, pointer),
            keys=tuple(PublicKey.of(text, where=where) for text in keys),
            origin=origin,
            namespaces=self._spaces(said.get("namespaces"), f"{pointer}/namespaces"),
            auto=trust == "auto",
            max_bytes=self._size(said.get("max_bytes", MOST_BYTES), f"{pointer}/max_bytes"),
            max_records=self._size(said.get("max_records", MOST_RECORDS), f"{pointer}/max_records"),
        )

    def _demand_apart(self, found: Trust) -> None:
        """No key and no beginning of names belongs to two."""
        if found.us in found.partners:
            self._wrong(f"/partners/{found.us}", "a partner has our own name")
        taken = [(space, "reserved") for space in _COMMON]
        for space in found.namespaces:
            common = [(other, "reserved") for other in (*_COMMON, *_SHARED)]
            self._demand_free(space, common, "/us/namespaces")
        taken += [(space, "ours") for space in found.namespaces]
        whose: dict[bytes, str] = {}
        for partner in found.partners.values():
            pointer = f"/partners/{partner.name}"
            for key in partner.keys:
                other = whose.setdefault(key.raw, partner.name)
                if other != partner.name:
                    self._wrong(f"{pointer}/keys", f"{key.hint} is pinned for {other} too")
            for space in partner.namespaces:
                given = re.fullmatch(f"{PREFIX}{re.escape(found.us)}:[0-9a-f]{{8}}:", space)
                more = [] if given else [(_LINEAGE, "reserved")]
                self._demand_free(space, [*taken, *more], f"{pointer}/namespaces")
            taken += [(space, f"{partner.name}'s") for space in partner.namespaces]

    def _demand_free(self, space: str, taken: list[tuple[str, str]], pointer: str) -> None:
        for other, whose in taken:
            if space.startswith(other) or other.startswith(space):
                self._wrong(pointer, f"{space!r} overlaps with {other!r}, which is {whose}")

    def _spaces(self, value: Any, pointer: str) -> tuple[str, ...]:
        spaces = self._texts(value, pointer)
        for space in spaces:
            if found := identifiers.fault(space):
                self._wrong(pointer, f"{space!r} {found}")
            if not _SPACE.fullmatch(space) or not space.endswith(_ENDS):
                why = "is no namespace: it names a host or a URN, and ends with '/', '#' or ':'"
                self._wrong(pointer, f"{space!r} {why}")
        return spaces

    def _texts(self, value: Any, pointer: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            self._wrong(pointer, "a list of at least one is expected here")
        for item in value:
            if not isinstance(item, str):
                self._wrong(pointer, f"{str(item)[:80]!r} is not text")
        return tuple(dict.fromkeys(value))

    def _name(self, value: Any, pointer: str) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            why = f"{str(value)[:80]!r} is not one word of a-z, 0-9, dots and dashes"
            self._wrong(pointer, why)
        return value

    def _size(self, value: Any, pointer: str) -> int:
        if type(value) is not int or not 1 <= value <= _CEILING:
            self._wrong(pointer, f"{str(value)[:80]!r} is not a whole number above 0")
        return value

    def _mapping(self, value: Any, pointer: str, may: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._wrong(pointer, "a mapping is expected here")
        for key in value:
            if key not in may:
                self._wrong(pointer, f"{str(key)[:80]!r} is none of {', '.join(may)}")
        return value

    def _wrong(self, pointer: str, why: str) -> NoReturn:
        hint = "docs/reference/exchange.md shows a whole trust file; nothing was taken."
        raise BadInput(why, where=f"{self._where}#{pointer}", hint=hint)
