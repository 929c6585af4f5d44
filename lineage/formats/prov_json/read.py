# SPDX-License-Identifier: Apache-2.0
"""Reading PROV-JSON: names resolved, elements and relations as records, nothing dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from lineage import ids
from lineage.errors import BadInput
from lineage.model import kinds, terms
from lineage.model.record import Edge, Node
from lineage.model.terms import Argument, Relation
from lineage.model.value import Literal, Ref, Scalar, Value, several, wire

ELEMENTS = {"entity": "Entity", "activity": "Activity", "agent": "Agent"}
#: PROV's times of an activity -> the attributes they are here.
TIMES = {"prov:startTime": "started", "prov:endTime": "ended"}
#: PROV-Dictionary writes sets as JSON; they are kept as text under this datatype.
JSON = "lineage:json"
_KEY_TYPE = "$key-datatype"
#: Words at the top of a document, or of a bundle, that are neither elements nor relations.
_OTHER = frozenset({"prefix", "bundle"})
_QNAME_TYPES = frozenset({"prov:QUALIFIED_NAME", "xsd:QName"})
_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*://|urn:|swh:|mailto:|doi:|tag:|info:)")


@dataclass(slots=True)
class Reader:
    """One reading of a document: what was found so far, and where it is."""

    where: str
    blank: str
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    prefixes: dict[str, str] = field(default_factory=dict)
    bundles: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def document(self, value: dict[str, Any]) -> None:
        """Read everything. Raises ``BadInput`` with the place of what is wrong."""
        self.prefixes.update(self._prefixes(value.get("prefix", {}), "/prefix"))
        self._container(value, _Names(self, self.prefixes, ""), None, "")
        for name, content in self._object(value.get("bundle", {}), "/bundle").items():
            place = f"/bundle/{name}"
            inner = self._object(content, place)
            if "bundle" in inner:
                raise BadInput("bundles do not nest in PROV", where=self.at(place))
            own = self._prefixes(inner.get("prefix", {}), place + "/prefix")
            names = _Names(self, {**self.prefixes, **own}, place)
            ident = _Names(self, {**self.prefixes, **own}, place).iri(name, place)
            self.bundles[ident] = own
            self._container(inner, names, ident, place)

    def at(self, pointer: str) -> str:
        """Where in the document, as file and JSON pointer."""
        return f"{self.where}#{pointer}"

    def _object(self, value: Any, pointer: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise BadInput("an object is expected here", where=self.at(pointer))
        return value

    def _prefixes(self, value: Any, pointer: str) -> dict[str, str]:
        found = {}
        for prefix, iri in self._object(value, pointer).items():
            if not isinstance(iri, str):
                raise BadInput(f"prefix {prefix!r} is not text", where=self.at(pointer))
            if prefix == "prov" and iri != terms.PROV:
                message = f"prefix prov is bound to {iri!r}; it is reserved for PROV"
                raise BadInput(message, where=self.at(pointer))
            found[prefix] = terms.XSD if iri == terms.XSD[:-1] else iri
        return found

    def _container(
        self, value: dict[str, Any], names: _Names, bundle: str | None, pointer: str
    ) -> None:
        for word, records in value.items():
            place = f"{pointer}/{word}"
            if word in _OTHER:
                continue
            if word in ELEMENTS:
                make: Callable[..., None] = self._element
            elif word in terms.RELATIONS and terms.RELATIONS[word].base is None:
                make = self._relation
            else:
                raise BadInput(f"{word!r} is no word of PROV-JSON", where=self.at(place))
            for name, bodies in self._object(records, place).items():
                for found in bodies if isinstance(bodies, list) else [bodies]:
                    body = self._object(found, f"{place}/{name}")
                    make(word, name, body, names, bundle, f"{place}/{name}")

    def _element(
        self, word: str, name: str, body: dict[str, Any], names: _Names, bundle: str | None, at: str
    ) -> None:
        attributes: dict[str, Value] = {}
        label = None
        for key, raw in body.items():
            if key == "prov:label" and isinstance(raw, str):
                label = raw
            elif key in TIMES and word == "activity":
                attributes[TIMES[key]] = self._time(raw, f"{at}/{key}")
            else:
                attributes[names.key(key, at)] = names.value(raw, f"{at}/{key}")
        kind = _take_kind(attributes, ELEMENTS[word])
        ident = names.iri(name, at)
        self.nodes.append(
            Node(id=ident, kind=kind, label=label, attributes=attributes, bundle=bundle)
        )

    def _time(self, raw: Any, pointer: str) -> str:
        text = raw.get("$") if isinstance(raw, dict) else raw
        if not isinstance(text, str):
            raise BadInput("a time is text, such as 2026-01-02T03:04:05Z", where=self.at(pointer))
        return text

    def _relation(
        self, word: str, name: str, body: dict[str, Any], names: _Names, bundle: str | None, at: str
    ) -> None:
        relation = terms.RELATIONS[word]
        ident = None if name.startswith("_:") else names.iri(name, at)
        own = {argument.key: argument for argument in relation.arguments}
        attributes: dict[str, Value] = {}
        for key, raw in body.items():
            if key in (relation.effect_key, relation.cause_key):
                continue
            argument = own.get(key)
            if argument is None:
                attributes[names.key(key, at)] = names.value(raw, f"{at}/{key}")
            else:
                attributes[key] = self._argument(argument, raw, names, f"{at}/{key}")
        effect, causes = body.get(relation.effect_key), body.get(relation.cause_key)
        relation = _take_subtype(attributes, relation)
        shown = [relation.name, effect, wire(attributes), ident, bundle]
        for cause in causes if isinstance(causes, list) else [causes]:
            # PROV-DM lets an argument be absent: something unnamed stands in its place.
            ends = [
                ids.unknown([*shown, place, cause]) if end is None else names.iri(end, at)
                for place, end in (("effect", effect), ("cause", cause))
            ]
            self.edges.append(
                Edge(
                    relation=relation.name,
                    effect=ends[0],
                    cause=ends[1],
                    attributes=attributes,
                    id=ident,
                    bundle=bundle,
                )
            )

    def _argument(self, argument: Argument, raw: Any, names: _Names, at: str) -> Value:
        if argument.holds == "time":
            return self._time(raw, at)
        if argument.holds == "ref":
            return Ref(names.iri(raw["$"] if isinstance(raw, dict) and "$" in raw else raw, at))
        if isinstance(raw, dict) and _KEY_TYPE in raw:
            raw = _listed(raw)
        if isinstance(raw, list):
            return Literal(ids.canonical(names.json(raw, at)).decode(), JSON)
        return names.value(raw, at)


def _listed(keyed: dict[str, Any]) -> list[Any]:
    """The short form of a key-entity set, one datatype for all keys, as its long form."""
    datatype = keyed[_KEY_TYPE]
    return [
        {"key": {"$": key, "type": datatype}, "$": entity}
        for key, entity in keyed.items()
        if key != _KEY_TYPE
    ]


def _take_kind(attributes: dict[str, Value], family: str) -> str:
    """The noun that a ``prov:type`` of ours names, taken out of the attributes; else the family."""
    types = attributes.get("prov:type")
    for item in types if isinstance(types, tuple) else (types,):
        if isinstance(item, Ref) and item.iri.startswith(terms.LINEAGE):
            kind = item.iri.removeprefix(terms.LINEAGE)
            if kind in kinds.KINDS and kind not in kinds.PLAIN and kinds.family(kind) == family:
                _without(attributes, "prov:type", item)
                return kind
    return family


def _take_subtype(attributes: dict[str, Value], relation: Relation) -> Relation:
    """A derivation whose only type makes it a revision, quotation, ... is that sub-property."""
    types = attributes.get("prov:type")
    for item in types if isinstance(types, tuple) else (types,):
        if not isinstance(item, Ref):
            continue
        iri = item.iri
        short = iri.replace(terms.LINEAGE, "lineage:", 1) if iri.startswith(terms.LINEAGE) else iri
        found = terms.BY_BASE_TYPE.get((relation.name, terms.compact(short)))
        if found is not None:
            _without(attributes, "prov:type", item)
            return found
    return relation


def _without(attributes: dict[str, Value], key: str, item: Scalar) -> None:
    values = attributes[key]
    left = tuple(v for v in values if v != item) if isinstance(values, tuple) else ()
    if left:
        attributes[key] = left[0] if len(left) == 1 else left
    else:
        del attributes[key]


class _Names:
    """Qualified names of one scope, resolved; each spelling is resolved once."""

    def __init__(self, reader: Reader, prefixes: Mapping[str, str], scope: str) -> None:
        self._reader = reader
        self._prefixes = {**terms.PREFIXES, **prefixes}
        self._default = prefixes.get("default")
        self._scope = scope
        self._iris: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def iri(self, name: Any, pointer: str) -> str:
        """The IRI of a qualified name. Raises ``BadInput`` for an undeclared prefix."""
        found = self._iris.get(name) if isinstance(name, str) else None
        if found is None:
            found = self._iris[name] = self._resolve(name, pointer)
        return found

    def _resolve(self, name: Any, pointer: str) -> str:
        if not isinstance(name, str) or not name:
            raise BadInput("a qualified name is expected here", where=self._reader.at(pointer))
        prefix, colon, local = name.partition(":")
        if not colon:
            if self._default is None:
                message = f"{name!r} has no prefix, and /prefix declares no default"
                raise BadInput(message, where=self._reader.at(pointer))
            return self._default + name
        if prefix == "_":
            return f"urn:lineage:blank:{self._reader.blank}{self._scope}/{ids.segment(local)}"
        if prefix in self._prefixes:
            return self._prefixes[prefix] + local
        if _ABSOLUTE.match(name):
            return name
        message = f"prefix {prefix!r} is used but not declared in /prefix"
        raise BadInput(message, where=self._reader.at(pointer), hint=f"Declare {prefix!r}.")

    def key(self, name: str, pointer: str) -> str:
        """The attribute key for a qualified name, as answers write it."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = terms.compact(self.iri(name, pointer))
        return found

    def value(self, raw: Any, pointer: str) -> Value:
        """An attribute value, or a set of them."""
        if isinstance(raw, list):
            return several(self.scalar(item, pointer) for item in raw)
        return self.scalar(raw, pointer)

    def scalar(self, raw: Any, pointer: str) -> Scalar:
        """One attribute value: native JSON, a typed or tagged literal, or a qualified name."""
        if isinstance(raw, str | bool | int | float):
            return raw
        if not isinstance(raw, dict) or "$" not in raw:
            where = self._reader.at(pointer)
            raise BadInput('a value is text, a number, or an object with "$"', where=where)
        inner, kind, language = raw["$"], raw.get("type"), raw.get("lang")
        text = inner if isinstance(inner, str) else orjson.dumps(inner).decode()
        datatype = None if kind is None else self._datatype(kind, pointer)
        if datatype in _QNAME_TYPES and language is None:
            return Ref(self.iri(text, pointer))
        return Literal(text, datatype, language)

    def _datatype(self, name: Any, pointer: str) -> str:
        iri = self.iri(name, pointer)
        short = terms.compact(iri)
        return "lineage:" + short if iri.startswith(terms.LINEAGE) and ":" not in short else short

    def json(self, raw: Any, pointer: str) -> Any:
        """The key-entity sets of PROV-Dictionary, with names resolved."""
        if isinstance(raw, list):
            return [self.json(item, pointer) for item in raw]
        if isinstance(raw, dict) and "key" in raw:
            entity = raw.get("$")
            shown = {"key": self._wire(raw["key"], pointer)}
            return shown if entity is None else {**shown, "$": self.iri(entity, pointer)}
        return self._wire(raw, pointer)

    def _wire(self, raw: Any, pointer: str) -> Any:
        return wire({"": self.scalar(raw, pointer)})[""]
