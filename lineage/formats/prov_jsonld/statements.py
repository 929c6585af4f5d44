# SPDX-License-Identifier: Apache-2.0
"""Statements in the form of PROV-JSONLD where its context is not named: as ProvToolbox wrote them.

Under a type of PROV the words of the submission are fixed, whatever a context makes of ``entity`` or
``activity``: each such statement is written out here as JSON-LD of PROV-O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.formats import names, prov_terms
from lineage.formats.prov_jsonld import words
from lineage.formats.prov_o import words as prov_o
from lineage.model import namespaces
from lineage.model.record import Loss
from lineage.model.terms import Relation

_PROV, _DATE_TIME = namespaces.PROV, namespaces.XSD + "dateTime"
_SPACES = ("prov:", "provext:", _PROV)
_TIMES = {words.term(key): prov_o.ELEMENT_KEYS[key] for key in prov_terms.TIMES}


def written_out(value: Any, contexts: list[Any]) -> tuple[Any, tuple[Loss, ...]]:
    """The document with such statements as PROV-O has them, itself where there are none; and what
    had to be mended in it.
    """
    document = _Document(contexts)
    read = document.read(value)
    if read == value:
        read = value
    bound = document.terms.get("prov")
    is_slip = isinstance(bound, str) and names.is_slip(bound)
    if isinstance(read, dict) and "@context" in read and (is_slip or bound is None):
        read = {**read, "@context": [*_each(read["@context"]), {"prov": _PROV}]}
    return read, (names.slip("prov", bound),) if is_slip and isinstance(bound, str) else ()


class _Document:
    def __init__(self, contexts: list[Any]) -> None:
        self.terms: dict[str, Any] = {}
        for context in contexts:
            self.terms.update(context if isinstance(context, dict) else {})

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            return self._items(value)
        if not isinstance(value, dict):
            return value
        if "@graph" not in value:
            found = self._items([value])
            return found[0] if len(found) == 1 else found
        return {**value, "@graph": self.read(value["@graph"])}

    def _items(self, items: list[Any]) -> list[Any]:
        return [made for item in items for made in self._item(item)]

    def _item(self, item: Any) -> Iterator[Any]:
        if isinstance(item, dict) and "@graph" in item:
            # That it is a bundle, its graph says.
            is_bare = item.get("@type") == "Bundle" and "Bundle" not in self.terms
            yield self.read({k: v for k, v in item.items() if k != "@type"} if is_bare else item)
            return
        kinds = self._kinds(item) if isinstance(item, dict) else []
        relation = next((words.RELATIONS[k] for k in kinds if k in words.RELATIONS), None)
        if relation is not None and _first(item, relation.effect_key) is not None:
            yield from self._relation(item, relation)
        elif not _ELEMENTS.isdisjoint(kinds):
            yield self._element(item)
        else:
            yield item

    def _keyword(self, item: Mapping[str, Any], keyword: str) -> str:
        """What the document calls a keyword of JSON-LD here."""
        called = [keyword, *(name for name, means in self.terms.items() if means == keyword)]
        return next((name for name in called if name in item), keyword)

    def _kinds(self, item: Mapping[str, Any]) -> list[str]:
        """The words of PROV-JSONLD that the types of an object are."""
        said = _each(item.get(self._keyword(item, "@type"), ()))
        texts = [kind for kind in said if isinstance(kind, str)]
        found = [kind[len(s) :] for kind in texts for s in _SPACES if kind.startswith(s)]
        return found + [kind for kind in texts if self._is_bare(kind)]

    def _is_bare(self, kind: Any) -> bool:
        """Whether a type is a word that no context gives a meaning."""
        return isinstance(kind, str) and not (":" in kind or {kind, "@vocab"} & self.terms.keys())

    def _element(self, item: dict[str, Any]) -> dict[str, Any]:
        """An element whose fixed words no context defines."""
        made: dict[str, Any] = {}
        types = self._keyword(item, "@type")
        for key, value in item.items():
            if key == types:
                made[key] = [_PROV + k if self._is_bare(k) else k for k in _each(value)]
            elif key in self.terms or (key not in _TIMES and key not in words.KEYS):
                made[key] = value
            elif key in _TIMES:
                made[_TIMES[key]] = [_time(one) for one in _each(value)]
            else:
                own = words.KEYS[key]
                iri = prov_o.ELEMENT_KEYS.get(own) or namespaces.expand(own)
                made[iri] = [_value(one, coerced=key in words.COERCED) for one in _each(value)]
        return made

    def _relation(self, item: dict[str, Any], relation: Relation) -> Iterator[dict[str, Any]]:
        known = prov_o.WORDS[relation.name]
        places = words.PLACES[relation.name]
        holds = {argument.key: argument.holds for argument in relation.arguments}
        types, ident = self._keyword(item, "@type"), self._keyword(item, "@id")
        others = [t for t in _each(item[types]) if not self._names(t, relation)]
        made: dict[str, Any] = {
            "@type": others if relation.name in _NARROWED else [*known.named, *others]
        }
        if ident in item:
            made["@id"] = item[ident]
        causes: list[Any] = []
        for key, value in item.items():
            place = places.get(key) or places.get(words.term(_short(key)))
            if key in (types, ident):
                continue
            if place == relation.effect_key:
                made["@reverse"] = {known.qualified: [_named(one) for one in _each(value)]}
            elif place == relation.cause_key:
                causes += [_named(one) for one in _each(value)]
            elif place is not None:
                shown = _time if holds[place] == "time" else _named
                made[_property(known, place)] = [shown(one) for one in _each(value)]
            elif key in words.KEYS:
                coerced = key in words.COERCED
                shown_as = _property(known, words.KEYS[key])
                made[shown_as] = [_value(one, coerced=coerced) for one in _each(value)]
            else:
                made[key] = value
        for cause in causes:
            yield {**made, known.influencer: cause}
        if not causes:
            yield {**made, "@type": [*known.named, *others]}

    def _names(self, kind: Any, relation: Relation) -> bool:
        found = self._kinds({"@type": kind})
        return bool(found) and words.RELATIONS.get(found[0]) is relation


def _property(known: prov_o.Words, key: str) -> str:
    return known.renamed.get(key) or namespaces.expand(key)


def _short(key: str) -> str:
    return "prov:" + key.removeprefix(_PROV) if key.startswith(_PROV) else key


def _first(item: Mapping[str, Any], key: str) -> Any:
    spelled = (words.term(key), key, namespaces.expand(key))
    return next((item[name] for name in spelled if item.get(name)), None)


def _each(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def _named(raw: Any) -> Any:
    return {"@id": raw} if isinstance(raw, str) else raw


def _time(raw: Any) -> Any:
    return {"@value": raw, "@type": _DATE_TIME} if isinstance(raw, str) else raw


def _value(raw: Any, *, coerced: bool) -> Any:
    return {"@id": raw} if coerced and isinstance(raw, str) else raw


#: Types of elements, those among them that make one without saying so.
_ELEMENTS = words.ELEMENTS.keys() | {iri.removeprefix(_PROV) for iri in prov_o.SUBCLASSES}
#: Relations of which the type of a sub-property stands in the place of their own.
_NARROWED = frozenset(base for base, _ in prov_o.NARROWER)
