# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-XML: one element a record, its parts in the order of the schema, and nothing that the
schema has no place for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from lineage.formats import apart, names, prov_terms
from lineage.formats import xml_lexical as lexical
from lineage.formats.document import Document, Section, headed
from lineage.formats.names import Prefixes
from lineage.formats.prov_terms import Parts
from lineage.formats.prov_xml import literals, words
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Pair
from lineage.model.record import Edge
from lineage.model.value import Literal, Ref, Scalar, Value, each

_RESERVED = frozenset({"xml", "xmlns", "xsi", "prov"})
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_MARKS = re.compile(r"[&<>\r]")
_NAME = re.compile(r"(?s)(.*?)([^\W\d][\w.\-\u00b7]*)")


class Writer:
    """One writing of a document: prefixes for names as values, and others for names of elements."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names = Prefixes(
            document.prefixes, local=lexical.ncname, space=_space, prefix=_prefix, escape=_escaped
        )
        self._tags: dict[str, str | None] = {}
        self._keys: dict[str, str] = {}

    def document(self) -> Iterator[bytes]:
        """The text, piece by piece; records are made first, for they say what namespaces they need."""
        return headed(lambda: "".join(self._head()).encode(), map(str.encode, self._body()))

    def _head(self) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<prov:document'
        for prefix, space in sorted(self._spaces().items()):
            mark = "xmlns" if prefix == "default" else f"xmlns:{prefix}"
            yield f"\n    {mark}={quoteattr(space)}"
        yield ">\n"

    def _body(self) -> Iterator[str]:
        for name, section in self._document.sections.items():
            if name is None:
                yield from self._records(section, "  ")
                continue
            yield f"  <prov:bundleContent prov:id={self._attribute(name)}>\n"
            yield from self._records(section, "    ")
            yield "  </prov:bundleContent>\n"
        yield "</prov:document>\n"

    def _spaces(self) -> dict[str, str]:
        found = {**self._names.bound, "xsi": words.XSI_SPACE}
        if self._names.default is not None:
            found["default"] = self._names.default
        return {
            p: namespaces.XSD[:-1] if iri == namespaces.XSD else iri for p, iri in found.items()
        }

    def _records(self, section: Section, margin: str) -> Iterator[str]:
        for node in section.nodes:
            word = prov_terms.word(node)
            attributes = prov_terms.described(node)
            times = list(self._times(attributes)) if word == "activity" else []
            body = [*times, *self._attributes(attributes, word)]
            yield from _shown(f"prov:{word}", self._id(node.id), body, margin)
        for edge in section.edges:
            yield from self._relation(edge, margin)

    def _times(self, attributes: dict[str, Value]) -> Iterator[str]:
        """The times of an activity, taken out of its attributes: one of each, and what is one."""
        for key in prov_terms.TIMES:
            values = each(attributes.get(key, ()))
            first = next((value for value in values if _in_place("time", value)), None)
            if first is not None:
                del attributes[key]
                _rest(attributes, key, values, first)
                yield f"<prov:{words.element(key)}>{first}</prov:{words.element(key)}>"

    def _relation(self, edge: Edge, margin: str) -> Iterator[str]:
        """The element of a relation. Where the schema has no place for all of it, the statement stands
        once more, in full, in ``prov:other`` behind what it has; there alone, where it has nothing.
        """
        parts = prov_terms.parts(edge)
        if parts is None:
            return
        tag = f"prov:{parts.relation.name}"
        needed = words.NEEDS.get(parts.relation.name)
        known = needed is None or _writable(needed, parts.arguments.get(needed, ()))
        bare = parts.relation.name in words.BARE
        if known and not (bare and (edge.id is not None or parts.attributes)):
            yield from _shown(tag, self._id(edge.id), self._parts(parts), margin)
            return
        mark = ""
        if known:
            yield from _shown(tag, "", self._parts(parts._replace(attributes={})), margin)
            mark = ' lineage:restates="true"'
        self._names.need("lineage", namespaces.LINEAGE)
        yield f"{margin}<prov:other>\n"
        whole = f"lineage:{parts.relation.name}"
        yield from _shown(whole, self._id(edge.id) + mark, self._in_full(parts), margin + "  ")
        yield f"{margin}</prov:other>\n"

    def _parts(self, parts: Parts) -> list[str]:
        """The places of a statement, then its attributes."""
        relation, attributes, shown = parts.relation, dict(parts.attributes), []
        ends = {relation.effect_key: parts.effect, relation.cause_key: parts.cause}
        pair = relation.name == "hadDictionaryMember"
        for key, tag, holds in words.SIGNATURES[relation.name]:
            end, value = ends.get(key), parts.arguments.get(key, ())
            if pair and key != relation.effect_key:
                continue
            if end is not None:
                shown.append(self._ref(tag, end))
            elif value == ():
                continue
            elif key in dictionary.KEYS and dictionary.holds(value):
                shown += [self._member(member) for member in dictionary.members(value)]
            else:
                first = next((v for v in each(value) if _in_place(holds, v)), None)
                if isinstance(first, Ref):
                    shown.append(self._ref(tag, first.iri))
                elif first is not None:
                    shown.append(f"<{tag}>{first}</{tag}>")
                _rest(attributes, key, each(value), first)
        if pair:
            (key_value,) = each(parts.arguments["prov:key"])
            shown.append(self._member(Pair(key_value, parts.cause)))
        return [*shown, *self._attributes(attributes, relation.name)]

    def _in_full(self, parts: Parts) -> Iterator[str]:
        """All of a statement, under names of ours."""
        relation = parts.relation
        for key, end in ((relation.effect_key, parts.effect), (relation.cause_key, parts.cause)):
            if end is not None:
                yield self._ref(f"lineage:{words.element(key)}", end)
        for key, value in sorted({**parts.attributes, **parts.arguments}.items()):
            yield from (self._apart(key, item) for item in each(value))

    def _ref(self, tag: str, iri: str) -> str:
        return f"<{tag} prov:ref={self._attribute(iri)}/>"

    def _id(self, iri: str | None) -> str:
        return f" prov:id={self._attribute(iri)}" if iri else ""

    def _member(self, member: dictionary.Member) -> str:
        """A key, or a key with its entity."""
        key, entity = member if isinstance(member, Pair) else (member, None)
        assert key is not None
        shown = self._typed_element("prov:key", *_lexical(key, self._names))
        if entity is not None:
            ref = self._ref("prov:entity", entity)
            return f"<prov:keyEntityPair>{shown}{ref}</prov:keyEntityPair>"
        return shown

    def _attributes(self, attributes: dict[str, Value], of: str) -> Iterator[str]:
        """Attributes of an element or relation: PROV's own that the schema has for it, all others,
        and what neither an element nor a type of the schema can hold.
        """
        others = []
        for key in sorted(attributes, key=_rank) if len(attributes) > 1 else attributes:
            tag = self._key(key)
            room = 1 if key == "prov:value" else None
            if key.startswith("prov:") and key not in words.ALLOWED[of]:
                tag = None
            for item in each(attributes[key]):
                shown = self._attribute_element(tag, key, item) if tag and room != 0 else None
                if shown is None:
                    others.append(self._apart(key, item))
                else:
                    room = None if room is None else 0
                    yield shown
        yield from others

    def _attribute_element(self, tag: str, key: str, item: Scalar) -> str | None:
        """The element of an attribute; ``None`` where the schema would refuse it."""
        if type(item) is str and item.isprintable():
            return f"<{tag}>{_text(item)}</{tag}>"
        text, kind, language = _lexical(item, self._names)
        if lexical.FORBIDDEN.search(text):
            return None
        if kind == words.XML_LITERAL and literals.written(text):
            return f"<{tag} xsi:type={self._attribute(kind)}>{text}</{tag}>"
        own = key.startswith("prov:")
        if language is not None:
            if kind is not None or not _LANGUAGE.fullmatch(language):
                return None
            if own and key != prov_terms.LABEL:
                return None
            return self._typed_element(tag, text, words.INTERNATIONALIZED, language)
        if kind is not None and (key == prov_terms.LABEL or not _typed(item, text, kind)):
            return None
        return self._typed_element(tag, text, kind, None)

    def _typed_element(self, tag: str, text: str, kind: str | None, language: str | None) -> str:
        shown = "" if kind is None else f" xsi:type={self._attribute(kind)}"
        if language is not None:
            shown += f" xml:lang={quoteattr(language)}"
        return f"<{tag}{shown}>{_text(text)}</{tag}>"

    def _apart(self, key: str, item: Scalar) -> str:
        """An attribute as a text, in an element of ours without any type."""
        self._names.need("lineage", namespaces.LINEAGE)
        shown = apart.written(key, item)
        held = lexical.FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", shown)
        return f"<lineage:attribute>{_text(held)}</lineage:attribute>"

    def _key(self, key: str) -> str | None:
        """The name of the element of an attribute; ``None`` where its IRI ends in nothing that can be
        one.
        """
        if key not in self._tags:
            iri = namespaces.expand(key)
            name = ""
            if lexical.ncname(re.split("[/#:]", iri)[-1]):
                name = self._names.name(iri)
            prefix, colon, local = name.partition(":")
            if key == apart.KEY:
                self._tags[key] = None
            elif (
                colon and prefix not in ("xsi", "xml") and iri == self._names.bound[prefix] + local
            ):
                self._tags[key] = name
            else:
                found = _NAME.fullmatch(iri)
                # A namespace of XML Schema is written without its hash, so nothing is split there.
                self._tags[key] = self._under(found[1], found[2]) if found and found[1] else None
        return self._tags[key]

    def _under(self, space: str, local: str) -> str | None:
        if not _space(space) or not lexical.ncname(local):
            return None
        self._names.need("at", space)
        prefix = next(p for p, bound in self._names.bound.items() if bound == space)
        return f"{prefix}:{local}"

    def _attribute(self, iri: str) -> str:
        # Nothing in a qualified name of XML needs an escape.
        return f'"{self._names.name(iri)}"'


def _shown(tag: str, attributes: str, body: Iterable[str], margin: str) -> Iterator[str]:
    inner = "".join(f"{margin}  {part}\n" for part in body)
    close = f">\n{inner}{margin}</{tag}>\n" if inner else "/>\n"
    yield f"{margin}<{tag}{attributes}{close}"


def _rest(attributes: dict[str, Value], key: str, values: tuple[Scalar, ...], but: object) -> None:
    """What of the values of a place is not in it is an attribute."""
    left = tuple(value for value in values if value is not but)
    if left:
        attributes[key] = left


def _in_place(holds: str | None, value: Scalar) -> bool:
    """Whether the schema lets a value stand in a place."""
    if holds == "time":
        return isinstance(value, str) and lexical.time(value)
    return isinstance(value, Ref)


def _writable(key: str, value: Value | tuple[()]) -> bool:
    """Whether the schema has an element for the argument that a relation cannot do without."""
    values = each(value)
    if key in dictionary.KEYS:
        return len(values) == 1 and dictionary.holds(values[0]) and _whole(values[0])
    if key == "prov:key":
        return len(values) == 1 and _simple(values[0])
    return any(isinstance(item, Ref) for item in values)


def _whole(value: Literal) -> bool:
    members = dictionary.members(value)
    return bool(members) and all(
        member.key is not None and member.entity is not None and _simple(member.key)
        if isinstance(member, Pair)
        else _simple(member)
        for member in members
    )


def _simple(key: Scalar) -> bool:
    """Whether a key is of a type of XML Schema."""
    if isinstance(key, Ref):
        return True
    text, kind, language = _lexical(key, None)
    if lexical.FORBIDDEN.search(text) or language is not None:
        return False
    return kind is None or lexical.fits(text, kind)


def _lexical(value: Scalar, known: Prefixes | None) -> tuple[str, str | None, str | None]:
    """The text, the IRI of its type, and its language."""
    if isinstance(value, Ref):
        return known.name(value.iri) if known else "", namespaces.XSD + "QName", None
    if isinstance(value, Literal):
        kind = None if value.datatype is None else namespaces.expand(value.datatype)
        return value.value, kind, value.language
    if isinstance(value, str):
        return value, None, None
    text, short = prov_terms.lexical(value)
    return text, namespaces.expand(short), None


def _typed(item: Scalar, text: str, kind: str) -> bool:
    return isinstance(item, Ref) or lexical.fits(text, kind)


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;"}) if _MARKS.search(text) else text


def _rank(key: str) -> tuple[int, str]:
    return (words.ORDER.index(key) if key in words.ORDER else len(words.ORDER), key)


def _space(text: str) -> bool:
    """A namespace that parsers take for a URI."""
    return lexical.uri(text) and text not in words.TAKEN


def _prefix(text: str) -> bool:
    return lexical.ncname(text) and text.lower() not in _RESERVED


def _escaped(local: str) -> str:
    return names.escaped(local, lexical.ncname)
