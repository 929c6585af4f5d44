# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-JSONLD: one object a statement, under prefixes that stand in the document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lineage.formats import prov_terms
from lineage.formats.names import Prefixes
from lineage.formats.prov_jsonld import words
from lineage.model import namespaces
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, each


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
        word = prov_terms.word(node)
        body: dict[str, Any] = {"@type": word.capitalize(), "@id": self._name(node.id)}
        for key in prov_terms.TIMES if word == "activity" else ():
            if isinstance(attributes.get(key), str):
                body[words.term(key)] = attributes.pop(key)
        return {**body, **self._attributes(attributes)}

    def _relation(self, edge: Edge) -> dict[str, Any] | None:
        parts = prov_terms.parts(edge)
        if parts is None:
            return None
        relation = parts.relation
        kind = words.TYPES[relation.name]
        if kind.startswith("lineage:"):
            self._prefixes.need("lineage", namespaces.LINEAGE)
        body: dict[str, Any] = {"@type": kind}
        if edge.id is not None:
            body["@id"] = self._name(edge.id)
        # What the submission has no term for is written under the names of PROV, which are IRIs.
        term = words.term if not kind.startswith("lineage:") else str
        for key, end in ((relation.effect_key, parts.effect), (relation.cause_key, parts.cause)):
            if end is not None:
                body[term(key)] = self._name(end)
        for key, value in parts.arguments.items():
            shown = [self._argument(item) for item in each(value)]
            body[term(key)] = shown[0] if len(shown) == 1 else shown
        return {**body, **self._attributes(parts.attributes)}

    def _argument(self, value: Scalar) -> Any:
        if isinstance(value, Ref):
            return self._name(value.iri)
        return value if isinstance(value, str) else self._scalar(value)

    def _attributes(self, attributes: Attributes) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key in sorted(attributes):
            term = words.TERMS.get(key) or self._name(namespaces.expand(key))
            coerced = key in words.COERCED.values()
            shown[term] = [
                self._name(item.iri) if coerced and isinstance(item, Ref) else self._scalar(item)
                for item in each(attributes[key])
            ]
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
            datatype = namespaces.expand(value.datatype or "xsd:string")
            return {"@value": value.value, "@type": self._name(datatype)}
        if isinstance(value, str):
            return {"@value": value}
        text, datatype = prov_terms.lexical(value)
        return {"@value": text, "@type": datatype}


def _local(text: str) -> bool:
    """A local part that does not make an IRI of the whole (JSON-LD 1.1 section 3.2)."""
    return not text.startswith("//")


def _prefix(text: str) -> bool:
    return text not in ("default", "_") and not text.startswith("@")
