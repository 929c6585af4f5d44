# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-XML: one element a record, its parts in the order of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from lineage.formats import names, prov_terms
from lineage.formats.names import Prefixes
from lineage.formats.prov_xml import words
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Pair
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each

_NCNAME = re.compile(r"[^\W\d][\w.\-\u00b7]*")
#: What XML 1.0 cannot hold, not even as a reference (section 2.2).
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WHITE = re.compile(r"\s")
_URI = re.compile(r"[^<>\"{}|^`\\\x00-\x20\x7f-\xa0]+")
_RESERVED = frozenset({"xml", "xmlns", "xsi", "prov"})
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


class Writer:
    """One writing of a batch: prefixes for names as values, and others for names of elements."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._names = Prefixes(batch, local=_written, space=_space, prefix=_prefix)
        self._tags: dict[str, str | None] = {}

    def document(self) -> Iterator[str]:
        """The text; records are made first, for they say what namespaces they need."""
        inside = prov_terms.bundled(self._batch)
        body = list(self._records(inside.pop(None), "  "))
        for name, records in inside.items():
            body.append(f"  <prov:bundleContent prov:id={self._attribute(name or '')}>\n")
            body += self._records(records, "    ")
            body.append("  </prov:bundleContent>\n")
        yield '<?xml version="1.0" encoding="UTF-8"?>\n<prov:document'
        for prefix, space in sorted(self._spaces().items()):
            mark = "xmlns" if prefix == "default" else f"xmlns:{prefix}"
            yield f"\n    {mark}={quoteattr(space)}"
        yield ">\n"
        yield from body
        yield "</prov:document>\n"

    def _spaces(self) -> dict[str, str]:
        found = {**self._names.bound, "xsi": words.XSI_SPACE}
        if self._names.default is not None:
            found["default"] = self._names.default
        return {
            p: namespaces.XSD[:-1] if iri == namespaces.XSD else iri for p, iri in found.items()
        }

    def _records(self, records: Iterable[Node | Edge], margin: str) -> Iterator[str]:
        for record in prov_terms.ordered(records):
            shown = self._element(record) if isinstance(record, Node) else self._relation(record)
            if shown is not None:
                word, parts = shown
                ident = f" prov:id={self._attribute(record.id)}" if record.id else ""
                inner = "".join(f"{margin}  {part}\n" for part in parts)
                close = f">\n{inner}{margin}</prov:{word}>\n" if inner else "/>\n"
                yield f"{margin}<prov:{word}{ident}{close}"

    def _element(self, node: Node) -> tuple[str, list[str]]:
        attributes = prov_terms.described(node)
        times = [
            f"<prov:{words.element(key)}>{_text(value)}</prov:{words.element(key)}>"
            for key in prov_terms.TIMES
            if isinstance(value := attributes.get(key), str) and prov_terms.word(node) == "activity"
        ]
        rest = {k: v for k, v in attributes.items() if not (times and k in prov_terms.TIMES)}
        return prov_terms.word(node), [*times, *self._attributes(rest)]

    def _relation(self, edge: Edge) -> tuple[str, list[str]] | None:
        parts = prov_terms.parts(edge)
        if parts is None:
            return None
        relation, shown = parts.relation, []
        ends = {relation.effect_key: parts.effect, relation.cause_key: parts.cause}
        pair = relation.name == "hadDictionaryMember"
        for key in prov_terms.signature(relation):
            end = ends.get(key)
            if pair and key != relation.effect_key:
                continue
            if end is not None:
                shown.append(self._ref(words.element(key), end))
            elif key in parts.arguments:
                shown += self._argument(key, parts.arguments[key])
        if pair:
            key_value = parts.arguments.get("prov:key")
            shown.append(self._pair(key_value, parts.cause))
        return relation.name, [*shown, *self._attributes(parts.attributes)]

    def _ref(self, local: str, iri: str) -> str:
        return f"<prov:{local} prov:ref={self._attribute(iri)}/>"

    def _argument(self, key: str, value: Value) -> Iterator[str]:
        local = words.element(key)
        if key in dictionary.KEYS and dictionary.holds(value):
            for member in dictionary.members(value):
                if isinstance(member, Pair):
                    yield self._pair(*member)
                else:
                    yield self._typed_element("prov:key", member)
            return
        for item in each(value):
            if isinstance(item, Ref):
                yield self._ref(local, item.iri)
            elif key in words.TIMES and isinstance(item, str):
                yield f"<prov:{local}>{_text(item)}</prov:{local}>"
            else:
                yield self._typed_element(f"prov:{local}", item)

    def _pair(self, key: Value | None, entity: str | None) -> str:
        items = () if key is None else each(key)
        shown = [self._typed_element("prov:key", item) for item in items]
        if entity is not None:
            shown.append(self._ref("entity", entity))
        return f"<prov:keyEntityPair>{''.join(shown)}</prov:keyEntityPair>"

    def _attributes(self, attributes: Attributes) -> Iterator[str]:
        for key in sorted(attributes, key=_rank):
            value = attributes[key]
            for item in each(value):
                iri = namespaces.expand(key)
                tag = self._tag(iri)
                extra = "" if tag else f" lineage:key={quoteattr(_encoded(iri))}"
                if tag is None:
                    self._names.need("lineage", namespaces.LINEAGE)
                yield self._typed_element(tag or "lineage:attribute", item, extra)

    def _tag(self, iri: str) -> str | None:
        """The name of an element; ``None`` where the IRI ends in nothing that can be one."""
        if iri not in self._tags:
            prefix, colon, local = self._names.name(iri).partition(":")
            if colon and _ncname(local) and prefix not in ("xsi", "xml"):
                self._tags[iri] = f"{prefix}:{local}"
            else:
                found = re.fullmatch(rf"(?s)(.*?)({_NCNAME.pattern})", iri)
                # A namespace of XML Schema is written without its hash, so nothing is split there.
                self._tags[iri] = self._under(found[1], found[2]) if found and found[1] else None
        return self._tags[iri]

    def _under(self, space: str, local: str) -> str | None:
        if not _space(space) or not _ncname(local):
            return None
        self._names.need("at", space)
        prefix = next(p for p, bound in self._names.bound.items() if bound == space)
        return f"{prefix}:{local}"

    def _typed_element(self, tag: str, value: Scalar, extra: str = "") -> str:
        text, kind, language = self._lexical(value)
        shown = extra
        if kind is not None:
            shown += f" xsi:type={self._attribute(kind)}"
        if language is not None:
            shown += f" xml:lang={quoteattr(language)}"
        return f"<{tag}{shown}>{_text(text)}</{tag}>"

    def _lexical(self, value: Scalar) -> tuple[str, str | None, str | None]:
        """The text, the IRI of its type, and its language."""
        if isinstance(value, Ref):
            return self._names.name(value.iri), namespaces.XSD + "QName", None
        language = kind = None
        if isinstance(value, Literal):
            text, language = value.value, value.language
            kind = None if value.datatype is None else namespaces.expand(value.datatype)
        elif isinstance(value, str):
            text = value
        else:
            text, short = prov_terms.lexical(value)
            kind = namespaces.expand(short)
        if _FORBIDDEN.search(text):
            held = names.ODD_TEXT + names.quoted(f"@{language}" if language else kind or "")
            return names.quoted(text), held, None
        if language is not None and not _LANGUAGE.fullmatch(language):
            return text, names.ODD_LANGUAGE + names.quoted(language), None
        if language is not None:
            return text, kind or words.INTERNATIONALIZED, language
        return text, kind, None

    def _attribute(self, iri: str) -> str:
        return quoteattr(self._names.name(iri))


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _rank(key: str) -> tuple[int, str]:
    return (words.ORDER.index(key) if key in words.ORDER else len(words.ORDER), key)


def _written(text: str) -> bool:
    return text != "" and not _FORBIDDEN.search(text) and not _WHITE.search(text)


def _space(text: str) -> bool:
    """A namespace that parsers take for a URI."""
    return _URI.fullmatch(text) is not None and text not in words.TAKEN


@lru_cache(maxsize=16_384)
def _ncname(text: str) -> bool:
    """Whether it can be the name of an element: what else than ASCII may be, the parser knows."""
    if _NCNAME.fullmatch(text) is None:
        return False
    if text.isascii():
        return True
    try:
        expat.ParserCreate("UTF-8").Parse(f"<{text}/>".encode(), True)
    except expat.ExpatError:
        return False
    return True


def _encoded(iri: str) -> str:
    return iri if _written(iri) else names.ODD_IRI + names.quoted(iri)


def _prefix(text: str) -> bool:
    return _NCNAME.fullmatch(text) is not None and text.lower() not in _RESERVED
