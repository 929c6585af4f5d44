# SPDX-License-Identifier: Apache-2.0
"""Applies a policy to attribute values: they are kept, generalised, renamed, sealed or dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from lineage import ids
from lineage.access.policy import Policy, Resource, Rule
from lineage.access.pseudonym import SEALED, PartnerKey, commitment
from lineage.access.sensitive import LABEL
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Member, Pair
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each, several, wired

#: Says of a record how coarse its times are.
PRECISION = "time.precision"

#: PROV demands a full date and time here, so that a month is shown as its first moment.
_PROV_TIMES = frozenset({"started", "ended", "prov:time"})
#: A digest as our ids and attributes write it; and hex long enough to be one.
_DIGEST = re.compile(r"[a-z][a-z0-9-]*:[0-9a-fA-F]{8,128}(?:\.dir)?")
_HEX = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{32,128}(?![0-9a-zA-Z])")
_NAMED_BY_DIGEST = re.compile(
    r"(?P<name>urn:lineage:(?:content:|version:.*@|environment:))(?P<digest>[^@]*)", re.DOTALL
)
#: Names of bytes by their digest alone (SWHID, ISO/IEC 18670).
_BYTES = ("swh:1:cnt:", "swh:1:dir:")
#: A tag of a language (BCP 47), and what sources write for one.
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8}){0,8}")
#: Ids of ours within text, as far as they may go.
_OURS = re.compile(r"(?:urn:lineage:|swh:1:)[^\s\"'<>]+")
_YEAR_AND_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_SEPARATORS = re.compile(r"[/\\]+")
_NEEDLE = 12


class Sealed(NamedTuple):
    """What opens one commitment later: the record (new id, or ends of an edge) and attribute where
    it stands, the salt in hex and the value in canonical JSON. Never leaves before its time.
    """

    record: str
    attribute: str
    commitment: str
    salt: str
    value: str


class Place(NamedTuple):
    """Whose attributes are looked at: a node, or edges of a relation; and the record's new name."""

    owner: Resource | str
    record: str


def name_without_digest(ident: str, setting: str, key: PartnerKey) -> str | None:
    """An id with its digest of bytes as ``digests`` of the policy has it; ``None`` where the whole
    name has to go.
    """
    if ident.startswith(_BYTES):
        return ident if setting == "share" else None
    found = _NAMED_BY_DIGEST.fullmatch(ident)
    if found is None or setting == "share":
        return ident
    return found["name"] + key.digest(found["digest"]) if setting == "hmac" else None


class Values:
    """Values under one policy. ``names`` maps everything that is called otherwise now, or not at
    all, to its new name: such names are found in values too, also within text.
    """

    def __init__(self, policy: Policy, key: PartnerKey, names: Mapping[str, str | None]) -> None:
        self.counts: Counter[str] = Counter()
        self.sealed: set[Sealed] = set()
        self._policy = policy
        self._key = key
        self._names = names
        self._words: dict[str, bool] = {}
        hidden = [old for old, new in names.items() if new != old]
        self._hidden = _Needles(hidden)
        self._hidden_hex = {mark.lower() for old in hidden for mark in _HEX.findall(old)}

    def attributes(self, place: Place, attributes: Attributes) -> dict[str, Value]:
        """The attributes that may leave, as they leave."""
        shown: dict[str, Value] = {}
        for name, value in attributes.items():
            rule = self._policy.attribute(place.owner, name, value)
            result = self._value(rule, place, name, value) if self._known(name) else None
            self.counts["drop" if result is None else rule.verb] += 1
            if result is not None:
                shown[name] = result
                if rule.to == "month":
                    shown[PRECISION] = "month"
        return shown

    def label(self, place: Place, label: str | None) -> str | None:
        """The label that may leave; where it is sealed, the commitment in hex."""
        if label is None:
            return None
        rule = self._policy.attribute(place.owner, LABEL, label)
        shown = self._value(rule, place, LABEL, label)
        self.counts["drop" if shown is None else rule.verb] += 1
        return (
            shown.value if isinstance(shown, Literal) else shown if isinstance(shown, str) else None
        )

    def _value(self, rule: Rule, place: Place, name: str, value: Value) -> Value | None:
        if rule.verb == "drop":
            return None
        if rule.verb == "seal":
            return self._seal(place, name, value)
        shown = (self._scalar(rule, name, item) for item in each(value))
        return _any_of(item for item in shown if item is not None)

    def _scalar(self, rule: Rule, name: str, item: Scalar) -> Scalar | None:
        if rule.verb == "pseudonymise":
            return self._pseudonym(item)
        if rule.verb == "generalise":
            return self._coarser(rule, name, item)
        return self._kept(item)

    def _kept(self, item: Scalar) -> Scalar | None:
        if isinstance(item, Ref):
            name = self._ref(item.iri)
            return None if name is None else Ref(name)
        if dictionary.sound(item):
            return self._set(item)
        if isinstance(item, Literal):
            text = self._text(item.value)
            if item.language is not None and _LANGUAGE.fullmatch(item.language) is None:
                return None
            safe = item.datatype is None or self._known(item.datatype)
            return None if text is None or not safe else Literal(text, item.datatype, item.language)
        return self._text(item) if isinstance(item, str) else item

    def _set(self, item: Literal) -> Literal | None:
        """A set of PROV-Dictionary, without the members of which anything must not leave."""
        found: list[Member] = []
        for member in dictionary.members(dictionary.renamed(item, self._ref)):
            key = member.key if isinstance(member, Pair) else member
            shown = None if key is None else self._kept(key)
            if isinstance(member, Pair) and (key is None or shown is not None):
                found.append(Pair(shown, member.entity))
            elif shown is not None:
                found.append(shown)
        return dictionary.written(found) if found else None

    def _known(self, word: str) -> bool:
        """Whether a datatype or the name of an attribute may leave."""
        if word not in self._words:
            lets = self._policy.lets(namespaces.expand(word))
            self._words[word] = lets and not self._hidden.within(word)
        return self._words[word]

    def _ref(self, iri: str) -> str | None:
        if iri in self._names:
            return self._names[iri]
        return iri if self._policy.lets(iri) and not self._hidden.within(iri) else None

    def _text(self, text: str) -> str | None:
        """A text without digests that are not shared and without names that are hidden."""
        if text in self._names:
            return self._names[text]
        setting = self._policy.digests
        if setting != "share" and _DIGEST.fullmatch(text):
            return self._key.digest(text) if setting == "hmac" else None
        if any(self._ref(found) != found for found in _OURS.findall(text)):
            return None
        marks = {mark.lower() for mark in _HEX.findall(text)}
        if marks and (setting != "share" or marks & self._hidden_hex):
            return None
        return None if self._hidden.within(text) else text

    def _pseudonym(self, item: Scalar) -> Scalar | None:
        if isinstance(item, Ref):
            return self._kept(item)
        return self._key.pseudonym("value", ids.canonical(_json(item)).decode())

    def _coarser(self, rule: Rule, name: str, item: Scalar) -> Scalar | None:
        if rule.to == "word":
            return rule.word
        text = item.value if isinstance(item, Literal) else item
        if not isinstance(text, str):
            return None
        if rule.to == "month":
            return _month(name, item, text)
        last = _basename(text)
        return self._text(last) if last else None

    def _seal(self, place: Place, name: str, value: Value) -> Literal:
        shown = _json(value)
        salt = self._key.salt([place.record, name, shown])
        made = commitment(salt, shown)
        self.sealed.add(Sealed(place.record, name, made, salt.hex(), ids.canonical(shown).decode()))
        return Literal(made, SEALED)


def _any_of(items: Iterable[Scalar]) -> Value | None:
    found = several(items)
    return None if found == () else found


def _json(value: Value) -> Any:
    """A value in its canonical JSON form, in which records are signed."""
    return wired(value)


def _month(name: str, item: Scalar, text: str) -> Scalar | None:
    """The month of a time, in UTC where it has a zone; ``None`` for what is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text if _YEAR_AND_MONTH.fullmatch(text) else None
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            return None
    month = f"{moment.year:04}-{moment.month:02}"
    typed = isinstance(item, Literal) and item.datatype == "xsd:dateTime"
    if not typed and name not in _PROV_TIMES:
        return month
    first = f"{month}-01T00:00:00Z"
    return Literal(first, "xsd:dateTime") if typed else first


def _basename(text: str) -> str:
    """The last part of a path or of an URL's path, without query and fragment."""
    if "://" in text:
        try:
            text = urlsplit(text).path
        except ValueError:
            return ""
    return _SEPARATORS.split(text.rstrip("/\\"))[-1]


class _Needles:
    """Many texts to look for within others, in time linear in the text: they are known by their
    last characters.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._ends: dict[int, dict[str, list[str]]] = {}
        for text in texts:
            width = min(len(text), _NEEDLE)
            if width:
                self._ends.setdefault(width, {}).setdefault(text[-width:], []).append(text)

    def within(self, text: str) -> bool:
        """Whether one of the texts is in this one, as it stands or percent-encoded."""
        return self._in(text) or ("%" in text and self._in(unquote(text)))

    def _in(self, text: str) -> bool:
        return any(
            text.endswith(needle, 0, end)
            for width, ends in self._ends.items()
            for end in range(width, len(text) + 1)
            for needle in ends.get(text[end - width : end], ())
        )
