# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSONLD: one object a statement, under prefixes that stand in the document."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

import orjson

from lineage.formats import apart, prov_terms
from lineage.formats.document import Document, Section, headed
from lineage.formats.names import Prefixes
from lineage.formats.prov_jsonld import words
from lineage.model import namespaces, terms
from lineage.model.constraints import times
from lineage.model.record import Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each


class Writer:
    """One writing of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._prefixes = Prefixes(document.prefixes, local=_local, prefix=_prefix, default=False)
        self._name = self._prefixes.name

    def document(self) -> Iterator[bytes]:
        """The text, piece by piece; statements are made first, for they say what prefixes they need."""
        return headed(self._head, self._body())

    def _head(self) -> bytes:
        """All that stands before the statements."""
        prefixes = dict(sorted(self._prefixes.bound.items()))
        return _before({"@context": [prefixes, words.CONTEXT], "@graph": []})

    def _body(self) -> Iterator[bytes]:
        yield from _listed(
            chain(self._statements(self._document.sections[None]), self._bundles()), 1
        )
        yield b"\n}"

    def _bundles(self) -> Iterator[Iterable[bytes]]:
        for name, section in self._document.sections.items():
            if name is not None:
                head = {"@type": "Bundle", "@id": self._name(name), "@context": [], "@graph": []}
                inner = _listed(self._statements(section), 1)
                yield chain([_before(head)], inner, [b"\n}"])

    def _statements(self, section: Section) -> Iterator[Iterable[bytes]]:
        for body in chain(map(self._element, section.nodes), map(self._relation, section.edges)):
            if body is not None:
                yield (orjson.dumps(body, option=orjson.OPT_INDENT_2),)

    def _element(self, node: Node) -> dict[str, Any]:
        attributes = prov_terms.described(node)
        kind = prov_terms.word(node).capitalize()
        body: dict[str, Any] = {"@type": kind, "@id": self._name(node.id)}
        for key in prov_terms.TIMES if kind == "Activity" else ():
            self._place(body, key, "time", attributes)
        return {**body, **self._attributes(attributes, kind, _ACTIVITY_TIMES)}

    def _relation(self, edge: Edge) -> dict[str, Any] | None:
        parts = prov_terms.parts(edge)
        if parts is None:
            return None
        implied = words.IMPLIED.get(parts.relation.name)
        relation = terms.RELATIONS[implied or parts.relation.name]
        kind = words.TYPES[relation.name]
        body: dict[str, Any] = {"@type": kind}
        if edge.id is not None:
            body["@id"] = self._name(edge.id)
        for key, end in ((relation.effect_key, parts.effect), (relation.cause_key, parts.cause)):
            if end is not None:
                body[words.term(key)] = self._name(end)
        attributes = {**parts.attributes, **parts.arguments}
        if implied is None:
            for argument in relation.arguments:
                self._place(body, argument.key, argument.holds, attributes)
        else:
            mark = Ref(words.MARKS[parts.relation.name])
            prov_terms.put(attributes, prov_terms.TYPE, mark)
        taken = words.PLACES[relation.name].values()
        return {**body, **self._attributes(attributes, kind, taken)}

    def _place(
        self, body: dict[str, Any], key: str, holds: str, attributes: dict[str, Value]
    ) -> None:
        """The first value that fits a place, taken out of the attributes: a place has one."""
        values = each(attributes.get(key, ()))
        for at, value in enumerate(values):
            if isinstance(value, Ref) and holds == "ref":
                body[words.term(key)] = self._name(value.iri)
            elif isinstance(value, str) and holds == "time" and times.stated(value):
                body[words.term(key)] = value
            else:
                continue
            if left := values[:at] + values[at + 1 :]:
                attributes[key] = left
            else:
                del attributes[key]
            return

    def _attributes(
        self, attributes: Attributes, kind: str, places: Collection[str]
    ) -> dict[str, Any]:
        """Attributes under the terms that the schema of the submission has for a type, else under
        their names; what is called like a place, as a text.
        """
        shown: dict[str, Any] = {}
        for key in sorted(attributes):
            for item in each(attributes[key]):
                if key in places or key == apart.KEY:
                    self._prefixes.need("lineage", namespaces.LINEAGE)
                    shown.setdefault(_APART, []).append({"@value": apart.written(key, item)})
                    continue
                term = words.TERMS.get(key)
                if term is not None and not _has(kind, term, item):
                    term = key
                coerced = term in words.COERCED and isinstance(item, Ref)
                shown.setdefault(term or self._name(namespaces.expand(key)), []).append(
                    self._name(item.iri) if coerced else self._scalar(item)  # type: ignore[union-attr]
                )
        return shown

    def _scalar(self, value: Scalar) -> dict[str, str]:
        if isinstance(value, Ref):
            return {"@value": self._name(value.iri), "@type": "prov:QUALIFIED_NAME"}
        if isinstance(value, Literal):
            if value.language is not None:
                return {"@value": value.value, "@language": value.language}
            native = prov_terms.typed(value.value, value.datatype)
            if not isinstance(native, Literal):
                return self._scalar(native)
            return {"@value": value.value, "@type": self._name(self._prefixes.datatype(value))}
        if isinstance(value, str):
            return {"@value": value}
        text, datatype = prov_terms.lexical(value)
        return {"@value": text, "@type": datatype}


def _before(value: dict[str, Any]) -> bytes:
    """The text of an object as far as the list in which it ends, which is empty."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).removesuffix(b"[]\n}")


def _listed(items: Iterable[Iterable[bytes]], depth: int) -> Iterator[bytes]:
    """A list of texts, each in pieces, inside an object: no text of JSON has a line break of its own."""
    margin = b"\n" + b"  " * (depth + 1)
    between = b"["
    for pieces in items:
        yield between + margin
        yield from (piece.replace(b"\n", margin) for piece in pieces)
        between = b","
    yield b"[]" if between == b"[" else b"\n" + b"  " * depth + b"]"


def _has(kind: str, term: str, item: Scalar) -> bool:
    """Whether the schema has a term for a value on statements of a type."""
    if term == "label":
        return isinstance(item, str) or (isinstance(item, Literal) and item.language is not None)
    return term == "type" or term in words.ALLOWED.get(kind, ())


def _local(text: str) -> bool:
    """A local part that does not make an IRI of the whole (JSON-LD 1.1 section 3.2), on one line."""
    return not text.startswith("//") and _LINE.search(text) is None


def _prefix(text: str) -> bool:
    return text not in ("default", "_") and _PREFIX.fullmatch(text) is not None


_APART = f"lineage:{apart.KEY}"
_ACTIVITY_TIMES = frozenset(prov_terms.TIMES)
#: What the schema lets stand before the colon of a name, and nowhere in one.
_PREFIX = re.compile(r"[A-Za-z0-9_]+")
_LINE = re.compile(r"[\n\r\u2028\u2029]")
