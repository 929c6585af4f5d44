# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSONLD: one object a statement, under prefixes that stand in the document."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from lineage.formats import apart, prov_terms
from lineage.formats.names import Prefixes
from lineage.formats.prov_jsonld import words
from lineage.model import namespaces, terms
from lineage.model.constraints import times
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each


class Writer:
    """One writing of a batch."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._prefixes = Prefixes(batch, local=_local, prefix=_prefix, default=False)
        self._name = self._prefixes.name

    def document(self) -> dict[str, Any]:
        """The document as an object."""
        inside = prov_terms.bundled(self._batch)
        graph = self._statements(inside.pop(None))
        for name, records in inside.items():
            shown = self._statements(records)
            ident = self._name(name or "")
            graph.append({"@type": "Bundle", "@id": ident, "@context": [], "@graph": shown})
        prefixes = dict(sorted(self._prefixes.bound.items()))
        return {"@context": [prefixes, words.CONTEXT], "@graph": graph}

    def _statements(self, records: Iterable[Node | Edge]) -> list[dict[str, Any]]:
        shown = []
        for record in prov_terms.ordered(records):
            body = self._element(record) if isinstance(record, Node) else self._relation(record)
            if body is not None:
                shown.append(body)
        return shown

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
