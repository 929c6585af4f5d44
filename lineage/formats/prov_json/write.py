# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSON: records under qualified names, in an order that depends on nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from lineage import ids
from lineage.formats.prov_json.read import JSON, TIMES
from lineage.model import kinds, terms
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.terms import Relation
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, several, wire

_SPLIT = re.compile(r"(?s)(.*[/#:])(.+)")


class Writer:
    """One writing of a batch: the prefixes in use, and the names made with them."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        declared = {k: v for k, v in batch.prefixes.items() if k not in ("prov", "default")}
        self._default = batch.prefixes.get("default")
        self._prefixes: dict[str, str] = {**declared}
        self._spaces = {iri: prefix for prefix, iri in sorted(declared.items(), reverse=True)}
        self._names: dict[str, str] = {}
        self._need("prov", terms.PROV)
        self._need("xsd", terms.XSD)

    def document(self) -> dict[str, Any]:
        """The document as an object; its keys are sorted when it is serialised."""
        inside: dict[str | None, list[Node | Edge]] = {None: []}
        for bundle in self._batch.bundles:
            inside.setdefault(bundle, [])
        for record in self._batch.records:
            inside.setdefault(record.bundle, []).append(record)
        shown = self._container(inside.pop(None))
        bundles = {self._name(b): self._container(records) for b, records in inside.items() if b}
        if bundles:
            shown["bundle"] = bundles
        prefixes = dict(self._prefixes)
        if self._default is not None:
            prefixes["default"] = self._default
        return {"prefix": prefixes, **shown}

    def _container(self, records: Iterable[Node | Edge]) -> dict[str, Any]:
        shown: dict[str, dict[str, Any]] = {}
        anonymous = 0
        for record in sorted(records, key=line):
            if isinstance(record, Node):
                word = kinds.family(record.kind).lower()
                name, body = self._name(record.id), self._element(record)
            else:
                relation = terms.RELATIONS[record.relation]
                if relation.implied_by:
                    continue
                word = relation.base or relation.name
                body = self._relation(record, relation)
                if record.id is None:
                    anonymous += 1
                name = self._name(record.id) if record.id else f"_:r{anonymous}"
            _add(shown.setdefault(word, {}), name, body)
        return dict(shown)

    def _element(self, node: Node) -> dict[str, Any]:
        times = _TIMES_BACK if kinds.family(node.kind) == "Activity" else {}
        plain = {key: value for key, value in node.attributes.items() if key not in times}
        body = dict(self._attributes(plain, node.kind))
        for key in times.keys() & node.attributes.keys():
            body[times[key]] = self._value(node.attributes[key])
        if node.label is not None:
            body["prov:label"] = _joined(node.label, body.get("prov:label"))
        return body

    def _attributes(
        self, attributes: Attributes, kind: str = "Entity"
    ) -> Iterator[tuple[str, Any]]:
        extra = () if kind in kinds.PLAIN else (Ref(terms.LINEAGE + kind),)
        types = attributes.get("prov:type", ())
        both = (*extra, *(types if isinstance(types, tuple) else (types,)))
        for key, value in attributes.items():
            if key != "prov:type":
                yield self._key(key), self._value(value)
        if both:
            yield "prov:type", self._value(several(both))

    def _relation(self, edge: Edge, relation: Relation) -> dict[str, Any]:
        own = {argument.key: argument for argument in relation.arguments}
        attributes = dict(edge.attributes)
        if relation.base_type:
            attributes["prov:type"] = several(
                (Ref(_base_iri(relation.base_type)), *_set(attributes))
            )
        ends = ((relation.effect_key, edge.effect), (relation.cause_key, edge.cause))
        body: dict[str, Any] = {
            key: self._name(end) for key, end in ends if not ids.is_unknown(end)
        }
        plain = {key: value for key, value in attributes.items() if key not in own}
        body.update(self._attributes(plain))
        for key in own.keys() & attributes.keys():
            body[key] = self._argument(attributes[key])
        return body

    def _argument(self, value: Value) -> Any:
        if isinstance(value, Ref):
            return self._name(value.iri)
        if isinstance(value, Literal) and value.datatype == JSON:
            return self._unjson(orjson.loads(value.value))
        return self._value(value)

    def _unjson(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._unjson(item) for item in value]
        if isinstance(value, dict) and "key" in value:
            shown = {"key": self._rewrite(value["key"])}
            return {**shown, "$": self._name(value["$"])} if "$" in value else shown
        return self._rewrite(value)

    def _rewrite(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kind = value.get("type")
        if kind == "prov:QUALIFIED_NAME":
            return self._scalar(Ref(value["$"]))
        return self._scalar(Literal(value["$"], kind, value.get("lang")))

    def _value(self, value: Value) -> Any:
        if isinstance(value, tuple):
            return [self._scalar(item) for item in value]
        return self._scalar(value)

    def _scalar(self, value: Scalar) -> Any:
        if isinstance(value, Ref):
            return {"$": self._name(value.iri), "type": "prov:QUALIFIED_NAME"}
        if isinstance(value, Literal):
            shown = {"$": value.value}
            if value.datatype:
                shown["type"] = self._datatype(value.datatype)
            if value.language:
                shown["lang"] = value.language
            return shown
        shown_value = wire({"": value})[""]
        finite = isinstance(value, float) and shown_value["$"] not in ("NaN", "INF", "-INF")
        return value if finite else shown_value

    def _datatype(self, datatype: str) -> str:
        return self._name(terms.expand(datatype))

    def _key(self, key: str) -> str:
        return self._name(terms.expand(key))

    def _name(self, iri: str) -> str:
        found = self._names.get(iri)
        if found is None:
            found = self._names[iri] = self._qualified(iri)
        return found

    def _qualified(self, iri: str) -> str:
        known = (*self._spaces, *terms.PREFIXES.values())
        fitting = [s for s in known if len(s) < len(iri) and iri.startswith(s)]
        best = max(fitting, key=len, default=None)
        if self._default and iri.startswith(self._default) and len(iri) > len(self._default):
            local = iri[len(self._default) :]
            if ":" not in local and (best is None or len(best) <= len(self._default)):
                return local
        if best is None:
            best = self._new_space(iri)
        elif best not in self._spaces:
            best = self._need(_WELL_KNOWN[best], best)
        return f"{self._spaces[best]}:{iri[len(best) :]}"

    def _new_space(self, iri: str) -> str:
        found = _SPLIT.fullmatch(iri)
        space = found[1] if found else iri[:-1]
        number = 1
        while f"ns{number}" in self._prefixes:
            number += 1
        return self._need(f"ns{number}", space)

    def _need(self, prefix: str, space: str) -> str:
        if space not in self._spaces:
            while self._prefixes.get(prefix, space) != space:
                prefix += "_"
            self._prefixes[prefix] = space
            self._spaces[space] = prefix
        return space


_WELL_KNOWN = {space: prefix for prefix, space in terms.PREFIXES.items()}
_TIMES_BACK = {short: key for key, short in TIMES.items()}


def _set(attributes: Attributes) -> tuple[Scalar, ...]:
    value = attributes.get("prov:type", ())
    return value if isinstance(value, tuple) else (value,)


def _base_iri(base_type: str) -> str:
    return (
        terms.LINEAGE + base_type[8:]
        if base_type.startswith("lineage:")
        else terms.expand(base_type)
    )


def _joined(label: str, others: Any) -> Any:
    if others is None:
        return label
    return [label, *(others if isinstance(others, list) else [others])]


def _add(records: dict[str, Any], name: str, body: dict[str, Any]) -> None:
    if name not in records:
        records[name] = body
    elif isinstance(records[name], list):
        records[name].append(body)
    else:
        records[name] = [records[name], body]
