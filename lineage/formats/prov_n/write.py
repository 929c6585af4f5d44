# SPDX-License-Identifier: Apache-2.0
"""Writing PROV-N: one expression a line, in an order that depends on nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from lineage.formats import names, prov_terms
from lineage.formats.document import Document, headed
from lineage.formats.names import Prefixes
from lineage.formats.prov_n.tokens import ESCAPED
from lineage.model import dictionary, namespaces
from lineage.model.dictionary import Member, Pair
from lineage.model.record import Edge, Node
from lineage.model.value import Attributes, Literal, Ref, Scalar, Value, each

_LOCAL = re.compile(
    r"(?:%[0-9A-Fa-f]{2}|[\w=\x27(),\-:;\[\]./@~&+*?#$!\u00b7\U00010000-\U000effff])*"
)
_SPACE = re.compile(r"[^<>\"{}|^`\\\x00-\x20]*")
_PREFIX = re.compile(r"[A-Za-z][\w\-]*")
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+\-]\d\d:\d\d)?")
_TAG = re.compile(r"[A-Za-z]+(?:-[A-Za-z0-9]+)*")
_INTEGER = "xsd:int"
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
#: Relations whose optional places may all be left out together (PROV-N sections 3.2 and 3.3).
_SHORT = frozenset({"wasDerivedFrom", "actedOnBehalfOf"})
#: PROV-Dictionary's expressions are an extension, and named as one.
_EXTENSIONS = frozenset({"hadDictionaryMember", "derivedByInsertionFrom", "derivedByRemovalFrom"})


class Writer:
    """One writing of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._prefixes = Prefixes(document.prefixes, local=_local, space=_space, prefix=_prefix)
        self._escaped: dict[str, str] = {}

    def document(self) -> Iterator[bytes]:
        """The text, piece by piece; expressions are made first, for they say what prefixes they need."""
        return headed(lambda: "".join(self._head()).encode(), self._body())

    def _head(self) -> Iterator[str]:
        yield "document\n"
        if self._prefixes.default is not None:
            yield f"  default <{self._prefixes.default}>\n"
        for prefix, space in sorted(self._prefixes.bound.items()):
            yield f"  prefix {prefix} <{space}>\n"
        yield "\n"

    def _body(self) -> Iterator[bytes]:
        for name, section in self._document.sections.items():
            margin = "  " if name is None else "    "
            if name is not None:
                yield f"  bundle {self._name(name)}\n".encode()
            for shown in chain(
                map(self._element, section.nodes), map(self._relation, section.edges)
            ):
                if shown is not None:
                    yield f"{margin}{shown}\n".encode()
            if name is not None:
                yield b"  endBundle\n"
        yield b"endDocument\n"

    def _element(self, node: Node) -> str:
        word = prov_terms.word(node)
        attributes = prov_terms.described(node)
        places = [self._name(node.id)]
        if word == "activity":
            times = [self._time(attributes, key) for key in prov_terms.TIMES]
            if times != ["-", "-"]:
                places += times
        return f"{word}({', '.join([*places, *self._attributes(attributes)])})"

    def _time(self, attributes: dict[str, Value], key: str) -> str:
        """A time as an argument, taken out of the attributes; what is no xsd:dateTime stays there."""
        value = attributes.get(key)
        if isinstance(value, str) and _TIME.fullmatch(value):
            del attributes[key]
            return value
        return "-"

    def _relation(self, edge: Edge) -> str | None:
        parts = prov_terms.parts(edge)
        if parts is None:
            return None
        arguments, attributes = dict(parts.arguments), dict(parts.attributes)
        holds = {argument.key: argument.holds for argument in parts.relation.arguments}
        places = [self._end(parts.effect), self._end(parts.cause)]
        for key in prov_terms.signature(parts.relation)[2:]:
            if key not in arguments or not _fits(arguments[key]):
                places.append("-")
            elif holds[key] == "time":
                places.append(self._time(arguments, key))
            else:
                places.append(self._argument(arguments.pop(key), holds[key]))
        if parts.relation.name in _SHORT and all(place == "-" for place in places[2:]):
            del places[2:]
        attributes.update(arguments)
        word = parts.relation.name
        word = f"prov:{word}" if word in _EXTENSIONS else word
        ident = "" if edge.id is None else self._name(edge.id) + "; "
        return f"{word}({ident}{', '.join([*places, *self._attributes(attributes)])})"

    def _end(self, iri: str | None) -> str:
        return "-" if iri is None else self._name(iri)

    def _argument(self, value: Value, holds: str) -> str:
        if holds == "ref" and isinstance(value, Ref):
            return self._name(value.iri)
        if holds == "set" and dictionary.holds(value):
            return "{" + ", ".join(map(self._member, dictionary.members(value))) + "}"
        return self._value(value)  # type: ignore[arg-type]

    def _member(self, member: Member) -> str:
        if not isinstance(member, Pair):
            return self._value(member)
        assert member.key is not None
        return f"({self._value(member.key)}, {self._end(member.entity)})"

    def _attributes(self, attributes: Attributes) -> list[str]:
        """The list of attributes as the last argument, where there are any."""
        shown = [
            f"{self._name(namespaces.expand(key))} = {self._value(item)}"
            for key in sorted(attributes)
            for item in each(attributes[key])
        ]
        return [f"[{', '.join(shown)}]"] if shown else []

    def _value(self, value: Scalar) -> str:
        if isinstance(value, Ref):
            return f"'{self._name(value.iri)}'"
        if isinstance(value, Literal):
            if value.language is not None and _TAG.fullmatch(value.language):
                return f"{_quoted(value.value)}@{value.language}"
            datatype = self._prefixes.datatype(value)
            if value.language is not None:
                datatype = names.ODD_LANGUAGE + names.quoted(value.language)
            return self._typed(value.value, datatype)
        if type(value) is int and prov_terms.integer(value) == _INTEGER:
            return str(value)
        if isinstance(value, str):
            return _quoted(value)
        return self._typed(*prov_terms.lexical(value))

    def _typed(self, text: str, datatype: str) -> str:
        return f"{_quoted(text)} %% {self._name(namespaces.expand(datatype))}"

    def _name(self, iri: str) -> str:
        found = self._escaped.get(iri)
        if found is None:
            prefix, colon, local = self._prefixes.name(iri).partition(":")
            if not colon:
                prefix, local = "", prefix
            shown = "".join(map(_escape, local))
            # A dot may not end a name as it is, nor either begin one.
            if local.endswith("."):
                shown = f"{shown[:-1]}\\."
            if shown.startswith((".", "-")):
                shown = f"\\{shown}"
            if len(self._escaped) >= names.REMEMBERED:
                self._escaped.clear()
            found = self._escaped[iri] = f"{prefix}{colon}{shown}"
        return found


def _fits(value: Value) -> bool:
    """Whether a place can hold it: no argument of statements that were merged, no half pair."""
    if isinstance(value, tuple):
        return False
    return not dictionary.holds(value) or all(
        member.key is not None and member.entity is not None
        for member in dictionary.members(value)
        if isinstance(member, Pair)
    )


def _escape(char: str) -> str:
    return "\\" + char if char in ESCAPED and char not in "-." else char


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _local(text: str) -> bool:
    # Without a prefix before them, some would begin a tag or a comment.
    return _LOCAL.fullmatch(text) is not None and not text.startswith(("@", "//", "/*"))


def _space(text: str) -> bool:
    return _SPACE.fullmatch(text) is not None and text != ""


def _prefix(text: str) -> bool:
    return _PREFIX.fullmatch(text) is not None
