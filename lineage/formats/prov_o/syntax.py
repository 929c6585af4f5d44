# SPDX-License-Identifier: Apache-2.0
"""Writes RDF as text: Turtle and TriG for people, N-Triples and N-Quads for machines.

Written here because an object for every quad costs more than its text (notes on performance); what
is written is read back by pyoxigraph in the tests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from pyoxigraph import Literal as Checked
from pyoxigraph import NamedNode

from lineage import ids
from lineage.formats import names, prov_terms
from lineage.formats.prov_o import words
from lineage.formats.xml_lexical import FORBIDDEN, ncname
from lineage.model import namespaces
from lineage.model.value import Literal, Ref, Scalar

_XSD_STRING = "xsd:string"
_PLAIN = re.compile(r'[^"\\\x00-\x1f\x7f]*')
_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_\-])?")
#: The name that an IRI ends in, before the ``>`` of its term.
_XML_NAME = re.compile(r"[^\W\d][\w.\-]*(?=>\Z)")
_PREFIX = re.compile(r"(?:[A-Za-z](?:[A-Za-z0-9_\-]*))?")

#: Terms that are remembered: of more there are too many to hold.
_REMEMBERED = 50_000

#: A predicate and an object, as the text that stands after a subject.
Pair = str
#: Bundles (``None``: the document), each with its subjects and what is said of them, to be read in order.
Graphs = Iterator[tuple[str | None, Iterable[tuple[str, Sequence[Pair]]]]]


class Syntax(ABC):
    """How terms are spelled. ``inline`` says that a node without a name can stand where it is used."""

    inline = False
    a: str = f"<{words.TYPE}>"

    def __init__(self, base: str | None = None) -> None:
        self._iris: dict[str, str] = {}
        self._base = base

    def iri(self, iri: str) -> str:
        """A term for an IRI; blank nodes of documents are blank again."""
        found = self._iris.get(iri)
        if found is None:
            if iri.startswith(ids.BLANK):
                found = "_:b" + sha256(iri.encode()).hexdigest()[:24]
            else:
                found = self._named(self._relative(legal(names.itself(iri))))
            if len(self._iris) >= _REMEMBERED:
                self._iris.clear()
            self._iris[iri] = found
        return found

    def datatype(self, iri: str) -> str:
        """A term for a datatype, which is never blank."""
        return self.iri(iri) if not iri.startswith(ids.BLANK) else self._named(iri)

    def property(self, iri: str) -> str:
        """A term for a property, which is never blank."""
        return self.datatype(iri)

    def _relative(self, iri: str) -> str:
        """What a document names relative to itself is written so, where the syntax can."""
        if self._base is None or not iri.startswith(self._base[:-3]):
            return iri
        rest = iri[len(self._base) - 3 :]
        return rest[3:] if rest == "doc" or rest.startswith("doc#") else rest

    def value(self, value: Scalar, *, time: bool = False) -> str:
        """A term for an attribute value."""
        kind = type(value)
        if kind is str:
            return self._typed(value, "xsd:dateTime") if time else _quoted(value)  # type: ignore[arg-type]
        if kind is bool or kind is int or kind is float:
            return self._typed(*prov_terms.lexical(value))  # type: ignore[arg-type]
        if isinstance(value, Ref):
            return self.iri(value.iri)
        if isinstance(value, Literal):
            return self._literal(value)
        raise TypeError(f"{kind.__name__} is not an attribute value")

    def _literal(self, value: Literal) -> str:
        if value.language is not None:
            # A tagged text has the datatype rdf:langString, whatever its source called it.
            try:
                Checked("", language=value.language)
            except ValueError:
                return (
                    f"{_quoted(value.value)}^^<{names.ODD_LANGUAGE}{names.quoted(value.language)}>"
                )
            return f"{_quoted(value.value)}@{value.language}"
        datatype = value.datatype or _XSD_STRING
        return self._typed(
            value.value, "prov:QUALIFIED_NAME" if datatype == names.UNRESOLVED else datatype
        )

    def _typed(self, text: str, datatype: str) -> str:
        if datatype == _XSD_STRING:
            return _quoted(text)
        return f"{_quoted(text)}^^{self.datatype(namespaces.expand(datatype))}"

    def qname(self, iri: str) -> str:
        """A name inside a literal: with a prefix, where the syntax declares prefixes."""
        return iri

    @abstractmethod
    def _named(self, iri: str) -> str: ...

    @abstractmethod
    def document(self, graphs: Graphs) -> Iterator[str]:
        """The text, piece by piece."""


class Turtle(Syntax):
    """Turtle, and TriG where there are bundles."""

    inline = True
    a = "a"

    def __init__(self, prefixes: Mapping[str, str], base: str | None = None) -> None:
        super().__init__(base)
        known = {
            **namespaces.PREFIXES,
            **{("" if p == "default" else p): i for p, i in prefixes.items()},
        }
        self.prefixes: dict[str, str] = {
            prefix: space
            for prefix, space in sorted(known.items())
            if _PREFIX.fullmatch(prefix) and legal(space) == space
        }
        self._spaces = {space: prefix for prefix, space in reversed(self.prefixes.items())}

    def _named(self, iri: str) -> str:
        cut = max(iri.rfind("#"), iri.rfind("/"), iri.rfind(":")) + 1
        prefix = self._spaces.get(iri[:cut])
        if prefix is not None and _LOCAL.fullmatch(iri, cut):
            return f"{prefix}:{iri[cut:]}"
        return f"<{iri}>"

    def qname(self, iri: str) -> str:
        """With the prefix of the longest namespace that fits."""
        space = max((s for s in self._spaces if iri.startswith(s)), key=len, default=None)
        if space is None:
            return iri
        prefix, local = self._spaces[space], iri[len(space) :]
        return f"{prefix}:{local}" if prefix else local

    def document(self, graphs: Graphs) -> Iterator[str]:
        """Prefixes, then one block a subject."""
        for prefix, space in self.prefixes.items():
            yield f"@prefix {prefix}: <{space}> .\n"
        if namespaces.LINEAGE in self.prefixes.values():
            yield "# What lineage: means, in OWL: /ontology of a server, lineage.ttl of lineagedb.\n"
        for bundle, subjects in graphs:
            if bundle is not None:
                yield f"\n{self.iri(bundle)} {{\n"
            for subject, pairs in subjects:
                yield f"\n{subject} " + " ;\n    ".join(pairs) + " .\n"
            if bundle is not None:
                yield "}\n"


class Lines(Syntax):
    """N-Triples, and N-Quads where there are bundles."""

    def _named(self, iri: str) -> str:
        return f"<{iri}>"

    def document(self, graphs: Graphs) -> Iterator[str]:
        """One line a statement."""
        for bundle, subjects in graphs:
            end = " .\n" if bundle is None else f" {self.iri(bundle)} .\n"
            for subject, pairs in subjects:
                yield "".join([f"{subject} {pair}{end}" for pair in pairs])


class XmlLines(Lines):
    """N-Triples that can be written as RDF/XML: without characters that XML forbids, and with
    properties that end in what can be the name of an element.
    """

    def property(self, iri: str) -> str:
        """See ``Syntax``. Names of ours hold what ends in no name."""
        shown = self.datatype(iri)
        name = _XML_NAME.search(shown)
        if name is not None and ncname(name[0]):
            return shown
        last = f"_x{ord(iri[-1]):04X}_" if ord(iri[-1]) <= 0xFFFF else f"_x{ord(iri[-1]):08X}_"
        return f"<{names.ODD_IRI}{names.quoted(iri[:-1])}{last}>"

    def value(self, value: Scalar, *, time: bool = False) -> str:
        """See ``Syntax``. A datatype of ours holds a text that XML cannot."""
        text = value.value if isinstance(value, Literal) else value
        if not isinstance(text, str) or not FORBIDDEN.search(text):
            return super().value(value, time=time)
        kind = "xsd:dateTime" if time else None
        if isinstance(value, Literal):
            kind = f"@{value.language}" if value.language else value.datatype
        if kind is not None and not kind.startswith("@"):
            kind = namespaces.expand(kind)
        held = Literal(names.quoted(text), names.ODD_TEXT + names.quoted(kind or ""))
        return super().value(held)


@lru_cache(maxsize=16_384)
def legal(iri: str) -> str:
    """The IRI, or one of ours that holds it where RDF would refuse it."""
    try:
        NamedNode(iri)
    except ValueError:
        return names.ODD_IRI + names.quoted(iri)
    return iri


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\u{ord(char):04X}" if ord(char) < 32 or ord(char) == 127 else char
