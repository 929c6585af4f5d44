# SPDX-License-Identifier: Apache-2.0
"""Reading PROV-XML: record by record as the parser goes, names resolved where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from xml.etree.ElementTree import ParseError, XMLPullParser

from lineage.errors import BadInput, InputTruncated, LimitExceeded
from lineage.formats import apart, prov_terms
from lineage.formats.document_builder import Reading
from lineage.formats.names import Names, is_slip
from lineage.formats.prov_terms import ELEMENTS
from lineage.formats.prov_xml import literals, words
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Member, Pair
from lineage.model.record import Loss
from lineage.model.terms import Relation
from lineage.model.value import Ref, Scalar, Value, several
from lineage.sources import json_reader

_CHUNK = 1 << 16
_ENDS_EARLY = ("no element found", "unclosed token")


@dataclass(slots=True)
class _Element:
    """An element that has ended: what it holds, and the namespaces in scope there. ``number`` counts
    the elements of the document.
    """

    tag: str
    attributes: Mapping[str, str]
    text: str
    children: list[_Element]
    names: Names
    number: int


class Reader(Reading):
    """One reading of a document."""

    def __init__(self, data: bytes, where: str) -> None:
        super().__init__(data, where)
        self._bundle: str | None = None
        self._place = ""
        self._count = 0
        self._keys: dict[str, str] = {}
        self._data = data
        #: Namespaces that are PROV's but for a slip, as they stand before names.
        self._slips: set[str] = set()

    def document(self, data: bytes) -> None:
        """Read everything. Raises ``BadInput`` with the place of what is wrong."""
        number = 0
        for depth, element in self._ended(data):
            local = element.tag.removeprefix(words.PROV)
            if depth == 1:
                self._root(element)
            elif depth == 2 and local == "bundleContent":
                self._bundle = None
            elif depth == 2 or self._bundle is not None:
                number += 1
                self._place = f"{local}[{number}]"
                self._record(local, element)

    @cached_property
    def _contents(self) -> Mapping[int, str]:
        """XML that stands as a value: few documents have any."""
        return literals.contents(self._data)

    # Events of the parser.

    def _ended(self, data: bytes) -> Iterator[tuple[int, _Element]]:
        """Elements of the levels of records and above, as they end, with their depth."""
        parser: XMLPullParser[Any] = XMLPullParser(events=("start", "end", "start-ns"))
        declared_here: dict[str, str] = {}
        open_: list[_Element] = []
        for at in range(0, len(data) + _CHUNK, _CHUNK):
            for event, item in self._events(parser, data[at : at + _CHUNK]):
                if event == "start-ns":
                    declared_here[item[0] or "default"] = item[1]
                    if is_slip(item[1]):
                        self._slips.add("{" + item[1] + "}")
                elif event == "start":
                    self._start(open_, item, self.declared(declared_here, self._at("")))
                    declared_here = {}
                else:
                    done = open_.pop()
                    done.text = item.text or ""
                    level = len(open_) + 1
                    if level <= 2 or (level == 3 and self._bundle is not None):
                        item.clear()
                        yield level, done
                    else:
                        open_[-1].children.append(done)

    def _start(self, open_: list[_Element], item: Any, own: dict[str, str]) -> None:
        """An element begins, with the namespaces that it declares."""
        names = open_[-1].names if open_ else Names({}, blank=self.blank, place=self._at)
        if own:
            names = names.within(own)
        attributes = dict(item.attrib)
        if self._slips:
            item.tag = self._mended(item.tag)
            attributes = {self._mended(key): value for key, value in attributes.items()}
        element = _Element(item.tag, attributes, "", [], names, self._count)
        self._count += 1
        open_.append(element)
        if len(open_) > json_reader.DEEPEST:
            raise LimitExceeded(
                f"nested deeper than {json_reader.DEEPEST} levels", where=self.where
            )
        if len(open_) == 1 and item.tag != words.PROV + "document":
            raise BadInput(f"the root is {item.tag!r}, not prov:document", where=self.where)
        if len(open_) == 1:
            self.prefixes.update(_kept(own))
        if len(open_) == 2 and item.tag == words.PROV + "bundleContent":
            self._place = "bundleContent"
            self._bundle = self._ident(element)
            if self._bundle is None:
                raise BadInput("a bundle has no prov:id", where=self._at(""))
            self.bundles[self._bundle] = {
                prefix: iri
                for prefix, iri in _kept(own).items()
                if self.prefixes.get(prefix) != iri
            }

    def _mended(self, name: str) -> str:
        space, brace, local = name.rpartition("}")
        return words.PROV + local if space + brace in self._slips else name

    def _events(self, parser: XMLPullParser[Any], chunk: bytes) -> list[Any]:
        try:
            if chunk:
                parser.feed(chunk)
            else:
                parser.close()
            return list(parser.read_events())
        except ParseError as error:
            line, column = error.position
            kind = InputTruncated if str(error).startswith(_ENDS_EARLY) else BadInput
            raise kind(f"not XML: {error}", where=f"{self.where}:{line}:{column + 1}") from error
        except (ValueError, LookupError) as error:
            raise BadInput(f"not XML: {error}", where=self.where) from error

    def _root(self, element: _Element) -> None:
        if element.text.strip():
            raise BadInput("text stands between the records", where=self.where)

    # Names.

    def _at(self, place: str) -> str:
        return f"{self.where}#{self._place}{place}"

    def _ident(self, element: _Element) -> str | None:
        text = element.attributes.get(words.ID)
        return None if text is None else element.names.iri(text.strip(), "/@id")

    def _ref(self, element: _Element) -> str:
        text = element.attributes.get(words.REF, "").strip() or element.text.strip()
        return element.names.iri(text, "/" + _local(element.tag))

    # Records.

    def _record(self, local: str, element: _Element) -> None:
        if not element.tag.startswith(words.PROV):
            raise BadInput(f"{element.tag!r} is no element of PROV-XML", where=self._at(""))
        if local == "other":
            self._other(element)
            return
        base, extra = words.SUBTYPES.get(local, (local, None))
        if base in ELEMENTS:
            self._element(base, extra, element)
        elif base in words.RELATIONS:
            self._relation(words.RELATIONS[base], extra, element)
        else:
            raise BadInput(f"prov:{local} is no element of PROV-XML", where=self._at(""))

    def _other(self, element: _Element) -> None:
        """What is not PROV: statements of ours in full, of which the schema has no more than a part."""
        for child in element.children:
            relation = words.RELATIONS.get(child.tag.removeprefix(words.OURS))
            if relation is None or not child.tag.startswith(words.OURS):
                self.losses.append(Loss("prov:other", 1, "XML that is not PROV is no record"))
                continue
            places = words.PLACES[relation.name]
            ends: dict[str, str] = {}
            rest = []
            for part in child.children:
                key = places.get(part.tag.removeprefix(words.OURS))
                if (
                    key in (relation.effect_key, relation.cause_key)
                    and words.REF in part.attributes
                ):
                    ends[key] = self._ref(part)
                else:
                    rest.append(part)
            effect, cause = ends.get(relation.effect_key), ends.get(relation.cause_key)
            if words.RESTATES in child.attributes:
                self._take_back(relation, effect, cause)
            attributes, ident = self._attributes(rest, None), self._ident(child)
            edge = prov_terms.edge(relation, (effect, cause), attributes, ident, self._bundle)
            self.edges.append(edge)

    def _take_back(self, relation: Relation, effect: str | None, cause: str | None) -> None:
        """The statement before, which the schema has for one that follows in full, is none of its own."""
        before = self.edges[-1] if self.edges else None
        if (
            before is not None
            and (before.relation, before.id, before.bundle) == (relation.name, None, self._bundle)
            and effect in (None, before.effect)
            and cause in (None, before.cause)
        ):
            self.edges.pop()

    def _element(self, word: str, extra: str | None, element: _Element) -> None:
        ident = self._ident(element)
        if ident is None:
            raise BadInput("an element has no prov:id", where=self._at(""))
        attributes = self._attributes(element.children, extra)
        self.nodes.append(prov_terms.node(word, ident, attributes, self._bundle))

    def _relation(self, relation: Relation, extra: str | None, element: _Element) -> None:
        places = words.PLACES[relation.name]
        effects, causes, rest = [], [], []
        arguments: dict[str, list[Scalar]] = {}
        members: list[Member] = []
        for child in element.children:
            local = child.tag.removeprefix(words.PROV)
            key = places.get(local) if child.tag != local else None
            if key == relation.effect_key and words.REF in child.attributes:
                effects.append(self._ref(child))
            elif key == relation.cause_key and words.REF in child.attributes:
                causes.append(self._ref(child))
            elif local == "keyEntityPair" and child.tag != local:
                members.append(self._pair(child))
            elif key in words.TIMES:
                arguments.setdefault(key, []).append(child.text.strip())
            elif key == "prov:key-set":
                members.append(self._value(child))
            elif key is not None and words.REF in child.attributes:
                arguments.setdefault(key, []).append(Ref(self._ref(child)))
            else:
                rest.append(child)
        attributes = self._attributes(rest, extra)
        for key, value in _flat(arguments).items():
            prov_terms.put(attributes, key, value)
        self._edges(relation, (effects, causes), attributes, members, self._ident(element))

    def _edges(
        self,
        relation: Relation,
        ends: tuple[list[str], list[str]],
        attributes: dict[str, Value],
        members: list[Member],
        ident: str | None,
    ) -> None:
        effect = ends[0][0] if ends[0] else None
        causes: list[tuple[str | None, dict[str, Value]]] = [(cause, {}) for cause in ends[1]]
        if relation.name == "hadDictionaryMember":
            causes += map(dictionary.membership, members)
        elif members:
            key_set = relation.arguments[0].key
            attributes[key_set] = dictionary.written(members)
        for cause, more in causes or [(None, {})]:
            own = {**attributes, **more}
            edge = prov_terms.edge(relation, (effect, cause), own, ident, self._bundle)
            self.edges.append(edge)

    def _pair(self, element: _Element) -> Pair:
        key: Scalar | None = None
        entity: str | None = None
        for child in element.children:
            if child.tag == words.PROV + "key":
                key = self._value(child)
            elif child.tag == words.PROV + "entity":
                entity = self._ref(child)
        return Pair(key, entity)

    def _attributes(self, children: list[_Element], extra: str | None) -> dict[str, Value]:
        found: dict[str, list[Scalar]] = {}
        for child in children:
            if child.tag == words.ATTRIBUTE:
                key, value = apart.read(child.text, where=self._at("/attribute"))
            else:
                key = self._key(child)
                value = child.text.strip() if key in prov_terms.TIMES else self._value(child)
            found.setdefault(key, []).append(value)
        if extra is not None:
            found.setdefault(prov_terms.TYPE, []).append(Ref(extra))
        return _flat(found)

    def _key(self, element: _Element) -> str:
        found = self._keys.get(element.tag)
        if found is not None:
            return found
        space, _, local = element.tag[1:].rpartition("}")
        if not space:
            message = f"attribute {element.tag!r} is in no namespace"
            raise BadInput(message, where=self._at(""))
        space = namespaces.XSD if space == namespaces.XSD[:-1] else space
        return self._keys.setdefault(element.tag, namespaces.compact(space + local))

    def _value(self, element: _Element) -> Scalar:
        if words.REF in element.attributes:
            return Ref(self._ref(element))
        language, kind = element.attributes.get(words.LANG), element.attributes.get(words.XSI_TYPE)
        names, at = element.names, "/" + _local(element.tag)
        datatype = None if kind is None else names.iri(kind.strip(), at)
        if element.children:
            if datatype != words.XML_LITERAL:
                raise BadInput("an attribute holds elements", where=self._at(at))
            return names.typed(self._contents[element.number], datatype, at)
        if language is not None:
            short = None if datatype in (None, words.INTERNATIONALIZED) else datatype
            return names.literal(element.text, short, language, at)
        if datatype is None or datatype == words.INTERNATIONALIZED:
            return element.text
        text = element.text.strip() if datatype in words.NAMES else element.text
        return names.typed(text, datatype, at)


def _flat(found: Mapping[str, list[Scalar]]) -> dict[str, Value]:
    return {k: v[0] if len(v) == 1 else several(v) for k, v in found.items()}


def _kept(scope: dict[str, str]) -> dict[str, str]:
    """The prefixes of a document without those that are the syntax's own."""
    return {p: iri for p, iri in scope.items() if iri not in (namespaces.PROV, words.XSI_SPACE)}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
