# SPDX-License-Identifier: Apache-2.0
"""Reading PROV-JSONLD by its structure: statement by statement, as PROV has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.errors import BadInput
from lineage.formats import apart, prov_terms
from lineage.formats.document_builder import JsonReading
from lineage.formats.names import Names
from lineage.formats.prov_jsonld import words
from lineage.model.terms import Relation
from lineage.model.value import Ref, Scalar, Value, each, several
from lineage.sources import json_reader


class Reader(JsonReading):
    """One reading of a document."""

    def document(self, value: dict[str, Any]) -> None:
        """Read everything. Raises ``BadInput`` with the place of what is wrong."""
        self.prefixes.update(self._prefixes(value.get("@context"), "/@context"))
        names = self.names(self.prefixes, "")
        for number, item in enumerate(self._list(value.get("@graph", []), "/@graph")):
            at = f"/@graph/{number}"
            shown = self.object(item, at)
            if _kind(shown) == "Bundle" and "@graph" in shown:
                self._bundle(shown, names, at)
            else:
                self._statement(shown, names, None, at)

    def _bundle(self, value: dict[str, Any], names: Names, at: str) -> None:
        own = self._prefixes(value.get("@context"), at + "/@context")
        names = names.within(own, at)
        ident = names.iri(value.get("@id"), at)
        self.bundles[ident] = own
        for number, item in enumerate(self._list(value["@graph"], at)):
            place = f"{at}/@graph/{number}"
            shown = self.object(item, place)
            if "@graph" in shown:
                raise BadInput("bundles do not nest in PROV", where=self.at(place))
            self._statement(shown, names, ident, place)

    def _list(self, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise BadInput("a list is expected here", where=self.at(at))
        return value

    def _prefixes(self, context: Any, at: str) -> dict[str, str]:
        """The prefixes of a context; those that PROV-JSONLD's own context makes are known."""
        found: dict[str, str] = {}
        for part in context if isinstance(context, list) else [context]:
            for prefix, iri in part.items() if isinstance(part, dict) else ():
                name = "default" if prefix in ("@vocab", "@base") else prefix
                if isinstance(iri, str) and not name.startswith("@"):
                    found[name] = iri
        return self.declared(found, self.at(at))

    def _statement(self, value: dict[str, Any], names: Names, bundle: str | None, at: str) -> None:
        kind = _kind(value)
        word = words.ELEMENTS.get(kind)
        if word is not None:
            ident = names.iri(value.get("@id"), at)
            attributes = self._attributes(value, names, {}, at)
            if word == "activity":
                self._times(value, attributes, at)
            self.nodes.append(prov_terms.node(word, ident, attributes, bundle))
        elif kind in words.RELATIONS:
            self._relation(value, kind, names, bundle, at)
        else:
            raise BadInput(f"{kind!r} is no type of PROV-JSONLD", where=self.at(at))

    def _times(self, value: dict[str, Any], attributes: dict[str, Value], at: str) -> None:
        for key in prov_terms.TIMES:
            for item in _each(value.get(words.term(key), [])):
                prov_terms.put(attributes, key, self._time(item, at))

    def _relation(
        self, value: dict[str, Any], kind: str, names: Names, bundle: str | None, at: str
    ) -> None:
        relation = words.RELATIONS[kind]
        places = words.PLACES[relation.name]
        attributes = self._attributes(value, names, places, at)
        narrowed = self._narrowed(kind, attributes)
        holds = {argument.key: argument.holds for argument in relation.arguments}
        ends: dict[str, list[str | None]] = {relation.effect_key: [], relation.cause_key: []}
        for term, key in places.items():
            for item in _each(value.get(term, value.get(key, []))):
                if key in ends:
                    ends[key].append(names.iri(_named(item), f"{at}/{term}"))
                else:
                    self._argument(attributes, key, holds[key], item, names, f"{at}/{term}")
        ident = None if "@id" not in value else names.iri(value["@id"], at)
        effect = (ends[relation.effect_key] or [None])[0]
        for cause in ends[relation.cause_key] or [None]:
            ends_of = (effect, cause)
            edge = prov_terms.edge(narrowed or relation, ends_of, dict(attributes), ident, bundle)
            self.edges.append(edge)

    def _narrowed(self, kind: str, attributes: dict[str, Value]) -> Relation | None:
        """The relation that the submission has no term for, where one of the types says so."""
        types = each(attributes.get(prov_terms.TYPE, ()))
        for item in types:
            found = words.NARROWED.get((kind, item.iri)) if isinstance(item, Ref) else None
            if found is not None:
                del attributes[prov_terms.TYPE]
                if left := tuple(other for other in types if other != item):
                    attributes[prov_terms.TYPE] = several(left)
                return found
        return None

    def _argument(
        self,
        attributes: dict[str, Value],
        key: str,
        holds: str,
        item: Any,
        names: Names,
        at: str,
    ) -> None:
        value: Scalar
        if holds == "time":
            value = self._time(item, at)
        elif holds == "ref":
            value = Ref(names.iri(_named(item), at))
        else:
            value = self._scalar(item, names, coerced=False, at=at)
        prov_terms.put(attributes, key, value)

    def _time(self, raw: Any, at: str) -> str:
        text = raw.get("@value") if isinstance(raw, dict) else raw
        if not isinstance(text, str):
            raise BadInput("a time is text, such as 2026-01-02T03:04:05Z", where=self.at(at))
        return text

    def _attributes(
        self, value: dict[str, Any], names: Names, places: Mapping[str, str], at: str
    ) -> dict[str, Value]:
        found: dict[str, Value] = {}
        taken = {"startTime", "endTime", *places, *places.values()}
        for term, raw in value.items():
            if term.startswith("@") or term in taken:
                continue
            if term.endswith(f":{apart.KEY}") and names.key(term, at) == apart.KEY:
                for item in _each(raw):
                    text = item.get("@value") if isinstance(item, dict) else item
                    self._apart(found, text, f"{at}/{term}")
                continue
            key = words.KEYS.get(term) or names.key(term, at)
            # Early writers had the types of PROV as texts under the full name of the term.
            coerced = term in words.COERCED or key == prov_terms.TYPE
            shown = [
                self._scalar(item, names, coerced=coerced, at=f"{at}/{term}") for item in _each(raw)
            ]
            if shown:
                prov_terms.put(found, key, shown[0] if len(shown) == 1 else several(shown))
        return found

    def _apart(self, found: dict[str, Value], text: Any, at: str) -> None:
        """An attribute that the schema has no place for."""
        if not isinstance(text, str):
            raise BadInput("an attribute of ours is a text", where=self.at(at))
        key, value = apart.read(text, where=self.at(at))
        prov_terms.put(found, key, value)

    def _scalar(self, raw: Any, names: Names, *, coerced: bool, at: str) -> Scalar:
        if isinstance(raw, str):
            return Ref(names.iri(raw, at)) if coerced else raw
        if isinstance(raw, bool | int | float):
            return raw
        if isinstance(raw, dict) and "@id" in raw:
            return Ref(names.iri(raw["@id"], at))
        if not isinstance(raw, dict) or "@value" not in raw:
            raise BadInput('a value is text, or an object with "@value"', where=self.at(at))
        inner = raw["@value"]
        if not isinstance(inner, str) and "@type" not in raw and "@language" not in raw:
            return self._scalar(inner, names, coerced=False, at=at)
        text = json_reader.text_of(inner)
        return names.literal(text, raw.get("@type"), raw.get("@language"), at)


def _kind(value: dict[str, Any]) -> str:
    kind = value.get("@type")
    if isinstance(kind, list) and kind:
        kind = kind[0]
    return kind.removeprefix("prov:").removeprefix("provext:") if isinstance(kind, str) else ""


def _each(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else [raw]


def _named(item: Any) -> Any:
    return item.get("@id") if isinstance(item, dict) else item
