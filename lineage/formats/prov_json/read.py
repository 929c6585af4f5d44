# SPDX-License-Identifier: Apache-2.0
"""Reading PROV-JSON: names resolved, elements and relations as records, nothing dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from sys import intern
from typing import Any, BinaryIO

from lineage.errors import BadInput
from lineage.formats import prov_terms
from lineage.formats.document_builder import JsonReading
from lineage.formats.names import Names
from lineage.formats.prov_terms import ELEMENTS, TIMES
from lineage.model import dictionary, terms
from lineage.model.dictionary import Member, Pair
from lineage.model.record import Batch
from lineage.model.terms import Argument
from lineage.model.value import Ref, Scalar, Value, several
from lineage.sources import json_reader, json_stream
from lineage.sources.json_stream import Section

_KEY_TYPE, _PAIRS = "$key-datatype", "prov:key-entity-set"


class Reader(JsonReading):
    """One reading of a document."""

    def batches(self, file: BinaryIO, size: int) -> Iterator[Batch]:
        """Read everything, in batches of about so many records; there is always one. Raises ``BadInput``
        with the place of what is wrong.
        """
        for word, section in json_stream.sections(file, where=self.where):
            if word == "prefix":
                self.prefixes.update(self._prefixes(section.whole(), "/prefix"))
                break
        bundles: dict[str, Any] = {}
        names = self.names(self.prefixes, "")
        for word, section in json_stream.sections(file, where=self.where):
            if word == "bundle":
                bundles = self.object(section.whole(), "/bundle")
            elif word != "prefix":
                for records in self._slices(word, section):
                    self._section(word, records, names, None, f"/{word}")
                    if len(self.nodes) + len(self.edges) >= size:
                        yield self.batch()
        for name, content in bundles.items():
            self._bundle(name, self.object(content, f"/bundle/{name}"), names, f"/bundle/{name}")
        yield self.batch()

    def _slices(self, word: str, section: Section) -> Iterator[dict[str, Any]]:
        """The records of a section, some at a time."""
        if (found := section.slices()) is None:
            yield self.object(section.whole(), f"/{word}")
            return
        # Of a section without records its word is looked at.
        for number, some in enumerate(chain(found, [{}])):
            if some or not number:
                yield some

    def _bundle(self, name: str, inner: dict[str, Any], names: Names, place: str) -> None:
        if "bundle" in inner:
            raise BadInput("bundles do not nest in PROV", where=self.at(place))
        own = self._prefixes(inner.get("prefix", {}), place + "/prefix")
        names = names.within(own, place)
        ident = names.iri(name, place)
        self.bundles[ident] = own
        for word, records in inner.items():
            self._section(word, records, names, ident, f"{place}/{word}")

    def _prefixes(self, value: Any, pointer: str) -> dict[str, str]:
        for prefix, iri in self.object(value, pointer).items():
            if not isinstance(iri, str):
                raise BadInput(f"prefix {prefix!r} is not text", where=self.at(pointer))
        return self.declared(value, self.at(pointer))

    def _section(
        self, word: str, records: Any, names: Names, bundle: str | None, place: str
    ) -> None:
        """The elements of one family, or the relations of one kind."""
        if word == "prefix":
            return
        if word in ELEMENTS:
            make: Callable[..., None] = self._element
        elif word in terms.RELATIONS and terms.RELATIONS[word].base is None:
            make = self._relation
        else:
            raise BadInput(f"{word!r} is no word of PROV-JSON", where=self.at(place))
        inside = self.object(records, place)
        for name in inside:
            # What was read is let go at once: the tree and the records need not both fit.
            bodies, inside[name] = inside[name], None
            for found in bodies if isinstance(bodies, list) else [bodies]:
                body = self.object(found, f"{place}/{name}")
                make(word, name, body, names, bundle, f"{place}/{name}")
        inside.clear()

    def _element(
        self, word: str, name: str, body: dict[str, Any], names: Names, bundle: str | None, at: str
    ) -> None:
        attributes: dict[str, Value] = {}
        for key, raw in body.items():
            if key in TIMES and word == "activity":
                times = raw if isinstance(raw, list) else [raw]
                attributes[key] = several(self._time(time, f"{at}/{key}") for time in times)
            else:
                prov_terms.put(
                    attributes, names.key(key, at), self._value(raw, names, f"{at}/{key}")
                )
        self.nodes.append(prov_terms.node(word, names.iri(name, at), attributes, bundle))

    def _time(self, raw: Any, pointer: str) -> str:
        text = raw.get("$") if isinstance(raw, dict) else raw
        if not isinstance(text, str):
            raise BadInput("a time is text, such as 2026-01-02T03:04:05Z", where=self.at(pointer))
        return intern(text)

    def _relation(
        self, word: str, name: str, body: dict[str, Any], names: Names, bundle: str | None, at: str
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
                prov_terms.put(
                    attributes, names.key(key, at), self._value(raw, names, f"{at}/{key}")
                )
            elif (value := self._argument(argument, raw, names, f"{at}/{key}")) is not None:
                attributes[key] = value
        effect, causes = body.get(relation.effect_key), body.get(relation.cause_key)
        start = None if effect is None else names.iri(effect, at)
        ends: list[tuple[str | None, dict[str, Value]]] = [
            (None if cause is None else names.iri(cause, at), {})
            for cause in (causes if isinstance(causes, list) else [causes])
        ]
        pairs = attributes.get(_PAIRS, ()) if word == "hadDictionaryMember" else ()
        if dictionary.holds(pairs):
            del attributes[_PAIRS]
            ends = [*map(dictionary.membership, dictionary.members(pairs))]
        for end, more in ends:
            said = {**attributes, **more}
            self.edges.append(prov_terms.edge(relation, (start, end), said, ident, bundle))

    def _argument(self, argument: Argument, raw: Any, names: Names, at: str) -> Value | None:
        """An argument; several values, where statements were merged; nothing for an empty set."""
        if isinstance(raw, dict) and _KEY_TYPE in raw:
            raw = _listed(raw)
        if isinstance(raw, list) and argument.holds != "set":
            return several(self._single(argument, item, names, at) for item in raw) if raw else None
        if isinstance(raw, list):
            found = [self._member(argument.key, item, names, at) for item in raw]
            return dictionary.written(found) if found else None
        return self._single(argument, raw, names, at)

    def _single(self, argument: Argument, raw: Any, names: Names, at: str) -> Scalar:
        if argument.holds == "time":
            return self._time(raw, at)
        if argument.holds == "ref":
            return Ref(names.iri(raw["$"] if isinstance(raw, dict) and "$" in raw else raw, at))
        return self._scalar(raw, names, at)

    def _value(self, raw: Any, names: Names, pointer: str) -> Value:
        """An attribute value, or a set of them."""
        if isinstance(raw, list):
            return several(self._scalar(item, names, pointer) for item in raw)
        return self._scalar(raw, names, pointer)

    def _scalar(self, raw: Any, names: Names, pointer: str) -> Scalar:
        """One attribute value: native JSON, a typed or tagged literal, or a qualified name."""
        if type(raw) is str:
            # A document says the same times and roles again and again, each a text of its own.
            return intern(raw)
        if isinstance(raw, bool | int | float):
            return raw
        if not isinstance(raw, dict) or "$" not in raw:
            raise BadInput(
                'a value is text, a number, or an object with "$"', where=self.at(pointer)
            )
        inner = raw["$"]
        text = json_reader.text_of(inner)
        return names.literal(text, raw.get("type"), raw.get("lang"), pointer)

    def _member(self, of: str, raw: Any, names: Names, pointer: str) -> Member:
        """A key, or a key with its entity, of PROV-Dictionary."""
        if isinstance(raw, dict) and ("key" in raw or (of == _PAIRS and raw.keys() == {"$"})):
            return Pair(
                self._scalar(raw["key"], names, pointer) if "key" in raw else None,
                names.iri(raw["$"], pointer) if "$" in raw else None,
            )
        return self._scalar(raw, names, pointer)


def _listed(keyed: dict[str, Any]) -> list[Any]:
    """The short form of a key-entity set, one datatype for all keys, as its long form."""
    datatype = keyed[_KEY_TYPE]
    return [
        {"key": {"$": key, "type": datatype}, "$": entity}
        for key, entity in keyed.items()
        if key != _KEY_TYPE
    ]
