# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSON: records under qualified names, in an order that depends on nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, groupby
from operator import attrgetter
from typing import Any

import orjson

from lineage.formats import prov_terms
from lineage.formats.document import Document, Section, headed
from lineage.formats.names import Prefixes
from lineage.model import dictionary, namespaces, terms
from lineage.model.dictionary import Member, Pair
from lineage.model.record import Edge, Node, Record
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, wired


class Writer:
    """One writing of a batch: the prefixes in use, and the names made with them."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._prefixes = Prefixes(document.prefixes)
        self._name = self._prefixes.name
        self._keys: dict[str, str] = {}

    def document(self) -> Iterator[bytes]:
        """Write the document, piece by piece: prefixes, elements and relations by their word, bundles.
        The prefixes are known when all names are made, so what stands behind them waits in a file.
        """
        return headed(self._head, self._body_text())

    def _body_text(self) -> Iterator[bytes]:
        yield from self._sections(self._document.sections[None], 1)
        yield from self._bundles()
        yield b"\n}"

    def _head(self) -> bytes:
        prefixes = dict(self._prefixes.bound)
        if self._prefixes.default is not None:
            prefixes["default"] = self._prefixes.default
        return b"{" + _line(1) + b'"prefix": ' + _text(prefixes)

    def _bundles(self) -> Iterator[bytes]:
        inside = self._document.sections
        names = sorted((self._name(bundle), bundle) for bundle in inside if bundle)
        before = b"," + _line(1) + b'"bundle": {'
        for name, bundle in names:
            yield before + _line(2) + orjson.dumps(name) + b": {"
            text = self._sections(inside[bundle], 3)
            first = next(text, b"")
            yield first[1:]
            yield from text
            yield _line(2) + b"}" if first else b"}"
            before = b","
        if names:
            yield _line(1) + b"}"

    def _sections(self, section: Section, depth: int) -> Iterator[bytes]:
        """The text of each word's records, a piece at a time: a tree of all of them would take more
        memory than all the rest.
        """
        anonymous = count(1)
        for word, records in section.by_word():
            yield b"," + _line(depth) + orjson.dumps(word) + b": {"
            before = _line(depth + 1)
            between = b"," + before
            for text in self._texts(records, anonymous):
                yield before + text
                before = between
            yield _line(depth) + b"}"

    def _texts(self, records: Iterable[Record], anonymous: Iterator[int]) -> Iterator[bytes]:
        """Names with what is said under them, a line each; statements of one name together."""
        for ident, same in groupby(records, attrgetter("id")):
            if ident is None:
                for record in same:
                    yield _text({f"_:r{next(anonymous)}": self._body(record)})[1:-1]
            else:
                bodies = [self._body(record) for record in same]
                yield _text({self._name(ident): bodies if len(bodies) > 1 else bodies[0]})[1:-1]

    def _body(self, record: Node | Edge) -> dict[str, Any]:
        if isinstance(record, Node):
            return self._attributes(prov_terms.described(record))
        parts = prov_terms.parts(record)
        return {} if parts is None else self._relation(parts)

    def _attributes(self, attributes: Attributes) -> dict[str, Any]:
        keys, shown = self._keys, {}
        for key, value in attributes.items():
            name = keys.get(key)
            if name is None or type(value) is not str:
                return self._any_attributes(attributes)
            shown[name] = value
        return shown

    def _any_attributes(self, attributes: Attributes) -> dict[str, Any]:
        """The same where a name may be new: namespaces are numbered in an order that depends on nothing."""
        keys, shown = self._keys, {}
        for key, value in sorted(attributes.items()):
            name = keys.get(key)
            if name is None:
                name = keys[key] = self._name(namespaces.expand(key))
            shown[name] = value if type(value) is str else self._value(value)
        return shown

    def _relation(self, parts: prov_terms.Parts) -> dict[str, Any]:
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
                body[key] = self._argument(key, value)
        return body

    def _named(self, value: Scalar) -> Any:
        return self._name(value.iri) if isinstance(value, Ref) else self._scalar(value)

    def _argument(self, key: str, value: Value) -> Any:
        if key in dictionary.KEYS and dictionary.holds(value):
            return [self._member(member) for member in dictionary.members(value)]
        return self._value(value)

    def _member(self, member: Member) -> Any:
        if not isinstance(member, Pair):
            return self._scalar(member)
        shown = {} if member.key is None else {"key": self._scalar(member.key)}
        return shown if member.entity is None else {**shown, "$": self._name(member.entity)}

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
            value = prov_terms.typed(value.value, value.datatype)
        if isinstance(value, Literal):
            shown = {"$": value.value}
            if value.datatype:
                shown["type"] = self._name(self._prefixes.datatype(value))
            if value.language:
                shown["lang"] = value.language
            return shown
        shown_value = wired(value)
        finite = isinstance(value, float) and shown_value["$"] not in ("NaN", "INF", "-INF")
        return value if finite else shown_value


#: Arguments that may hold any value, so that a name among them is written as one.
_ANY = frozenset(a.key for r in terms.TABLE for a in r.arguments if a.holds in ("any", "set"))


def _line(depth: int) -> bytes:
    return b"\n" + b"  " * depth


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
