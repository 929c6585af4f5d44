# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSON: records under qualified names, in an order that depends on nothing."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import orjson

from lineage.formats import statement
from lineage.formats.names import Prefixes
from lineage.formats.statement import JSON
from lineage.model import terms
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, wired


class Writer:
    """One writing of a batch: the prefixes in use, and the names made with them."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._prefixes = Prefixes(batch)
        self._name = self._prefixes.name
        self._keys: dict[str, str] = {}

    def document(self) -> bytes:
        """The document, its keys sorted."""
        inside = statement.bundled(self._batch)
        shown = self._container(inside.pop(None))
        bundles = {self._name(b): self._container(records) for b, records in inside.items() if b}
        if bundles:
            shown["bundle"] = _text({name: _part(_nested(bundles[name])) for name in bundles})
        prefixes = dict(self._prefixes.bound)
        if self._prefixes.default is not None:
            prefixes["default"] = self._prefixes.default
        return _text({"prefix": prefixes, **{word: _part(shown.pop(word)) for word in list(shown)}})

    def _container(self, records: Iterable[Node | Edge]) -> dict[str, bytes]:
        """The text of each word's records: a tree of all of them would take more than all the rest."""
        found: dict[str, list[Node | Edge]] = {}
        for record in statement.ordered(records):
            if isinstance(record, Node):
                found.setdefault(statement.word(record), []).append(record)
            elif record.relation in statement.WRITTEN:
                found.setdefault(statement.WRITTEN[record.relation], []).append(record)
        shown, anonymous = {}, count(1)
        for word in list(found):
            bodies: dict[str, Any] = {}
            for record in found.pop(word):
                name = self._name(record.id) if record.id else f"_:r{next(anonymous)}"
                _add(bodies, name, self._body(record))
            shown[word] = _text(bodies)
        return shown

    def _body(self, record: Node | Edge) -> dict[str, Any]:
        if isinstance(record, Node):
            return self._attributes(statement.described(record))
        parts = statement.parts(record)
        return {} if parts is None else self._relation(parts)

    def _attributes(self, attributes: Attributes) -> dict[str, Any]:
        keys, shown = self._keys, {}
        for key, value in attributes.items():
            name = keys.get(key)
            if name is None:
                name = keys[key] = self._name(terms.expand(key))
            shown[name] = value if type(value) is str else self._value(value)
        return shown

    def _relation(self, parts: statement.Parts) -> dict[str, Any]:
        relation = parts.relation
        body = self._attributes(parts.attributes) if parts.attributes else {}
        if parts.effect is not None:
            body[relation.effect_key] = self._name(parts.effect)
        if parts.cause is not None:
            body[relation.cause_key] = self._name(parts.cause)
        for key, value in parts.arguments.items():
            if type(value) is str:
                body[key] = value
            elif key not in _ANY:
                shown = [self._named(item) for item in value] if isinstance(value, tuple) else None
                body[key] = self._named(value) if shown is None else shown  # type: ignore[arg-type]
            else:
                body[key] = self._argument(value)
        return body

    def _named(self, value: Scalar) -> Any:
        return self._name(value.iri) if isinstance(value, Ref) else self._scalar(value)

    def _argument(self, value: Value) -> Any:
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
        if type(value) is str or type(value) is bool:
            return value
        if isinstance(value, Ref):
            return {"$": self._name(value.iri), "type": "prov:QUALIFIED_NAME"}
        if isinstance(value, Literal) and value.language is None:
            value = statement.typed(value.value, value.datatype)
        if isinstance(value, Literal):
            shown = {"$": value.value}
            if value.datatype:
                shown["type"] = self._name(terms.expand(value.datatype))
            if value.language:
                shown["lang"] = value.language
            return shown
        shown_value = wired(value)
        finite = isinstance(value, float) and shown_value["$"] not in ("NaN", "INF", "-INF")
        return value if finite else shown_value


#: Arguments that may hold any value, so that a name among them is written as one.
_ANY = frozenset(a.key for r in terms.TABLE for a in r.arguments if a.holds == "any")


def _nested(shown: dict[str, bytes]) -> bytes:
    return _text({word: _part(text) for word, text in shown.items()})


def _text(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _part(text: bytes) -> orjson.Fragment:
    """A text inside another: one step further in. Line breaks in it are layout and nothing else."""
    return orjson.Fragment(text.replace(b"\n", b"\n  "))


def _add(records: dict[str, Any], name: str, body: dict[str, Any]) -> None:
    if name not in records:
        records[name] = body
    elif isinstance(records[name], list):
        records[name].append(body)
    else:
        records[name] = [records[name], body]
