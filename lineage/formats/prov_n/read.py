# SPDX-License-Identifier: Apache-2.0
"""Reading PROV-N: expressions one after the other, each with its place where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.errors import BadInput, InputTruncated
from lineage.formats import prov_terms
from lineage.formats.document_builder import Reading
from lineage.formats.names import Names, declared
from lineage.formats.prov_n import tokens
from lineage.formats.prov_n.tokens import Token
from lineage.formats.prov_terms import ELEMENTS
from lineage.model import dictionary, namespaces, terms
from lineage.model.dictionary import Member, Pair
from lineage.model.terms import Relation
from lineage.model.value import Ref, Scalar, Value, several
from lineage.sources.text import decode

_END = Token("end", "", -1)


#: PROV-N's words for relations; ``prov:`` and ProvToolbox's ``provext:`` may stand before them.
RELATIONS: Mapping[str, tuple[Relation, tuple[str, ...]]] = {
    r.name: (r, prov_terms.signature(r)) for r in terms.TABLE if r.base is None and not r.implied_by
}
_HOLDS: Mapping[tuple[str, str], str] = {
    (r.name, a.key): a.holds for r, _ in RELATIONS.values() for a in r.arguments
}


class Reader(Reading):
    """One reading of a document."""

    def __init__(self, data: bytes, where: str) -> None:
        super().__init__(data, where)
        self._text = decode(data, where=where)
        self._tokens: Iterator[Token] = tokens.tokens(self._text, where)
        self._next = next(self._tokens, _END)
        self._names = self._scope({})
        self._bundle: str | None = None

    def document(self) -> None:
        """Read everything. Raises ``BadInput`` with the place of what is wrong."""
        self._word("document")
        self.prefixes: dict[str, str] = self._declarations()
        self._names = self._scope(self.prefixes)
        while not self._ahead("endDocument"):
            if self._ahead("bundle"):
                self._bundled()
            else:
                self._expression()
        self._take()
        if self._next is not _END:
            raise self._wrong("nothing stands after endDocument", self._next)

    def _bundled(self) -> None:
        self._take()
        title = self._take()
        own = self._declarations()
        outside = self._names
        self._names = outside.within(own, f"/{len(self.bundles)}")
        self._bundle = self._iri(title)
        self.bundles[self._bundle] = own
        while not self._ahead("endBundle"):
            self._expression()
        self._take()
        self._names, self._bundle = outside, None

    def _scope(self, prefixes: Mapping[str, str]) -> Names:
        return Names(prefixes, blank=self.blank, place=self._at, lenient=False)

    def _at(self, offset: str) -> str:
        return f"{self.where}:{tokens.place(self._text, int(offset))}"

    def _declarations(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while self._next.kind == "name" and self._next.text in ("prefix", "default"):
            start = self._take()
            prefix = "default" if start.text == "default" else self._take("name").text
            found[prefix] = self._take("iri").text
            if prefix == "prov":
                declared(found, where=self._at(str(start.at)))
        return self.declared(found, self.where)

    # Words.

    def _take(self, kind: str | None = None) -> Token:
        token = self._next
        if token is _END:
            raise InputTruncated(
                "the document ends before endDocument", where=self._at(str(len(self._text)))
            )
        if kind is not None and token.kind != kind:
            raise self._wrong(f"{_KINDS[kind]} is expected here", token)
        self._next = next(self._tokens, _END)
        return token

    def _word(self, text: str) -> None:
        token = self._take()
        if token.text != text or token.kind not in ("name", "mark"):
            raise self._wrong(f"{text!r} is expected here", token)

    def _ahead(self, text: str) -> bool:
        if self._next is _END:
            self._take()
        return self._next.text == text and self._next.kind in ("name", "mark")

    def _wrong(self, message: str, token: Token) -> BadInput:
        return BadInput(f"{message}, not {token.text[:40]!r}", where=self._at(str(token.at)))

    # Names and values.

    def _iri(self, token: Token) -> str:
        if token.kind not in ("name", "time", "quoted"):
            raise self._wrong("a qualified name is expected here", token)
        prefix, local = tokens.name(token.text)
        return self._names.qualified(prefix, local, str(token.at))

    def _value(self) -> Scalar:
        token = self._take()
        if token.kind == "quoted":
            return Ref(self._iri(token))
        if token.kind in ("text", "long"):
            return self._text_value(token)
        if token.kind == "name" and token.text.lstrip("-").isdecimal():
            return prov_terms.typed(token.text, "xsd:int")
        raise self._wrong("a value is expected here", token)

    def _text_value(self, token: Token) -> Scalar:
        if self._next.kind == "tag":
            return self._names.literal(token.text, None, self._take().text, str(token.at))
        if self._next.kind != "typed":
            return token.text
        self._take()
        datatype = self._iri(self._take())
        return self._names.typed(token.text, datatype, str(token.at))

    # Expressions.

    def _expression(self) -> None:
        start = self._take("name")
        word = start.text.removeprefix("prov:").removeprefix("provext:")
        self._word("(")
        if word in ELEMENTS:
            self._element(word)
        elif word in RELATIONS:
            self._relation(*RELATIONS[word])
        else:
            raise self._wrong("an expression of PROV-N is expected here", start)

    def _element(self, word: str) -> None:
        ident = self._iri(self._take())
        attributes: dict[str, Value] = {}
        keys = ["prov:startTime", "prov:endTime"] if word == "activity" else []
        for key in keys:
            if not self._more():
                break
            if self._next.kind == "time":
                attributes[key] = self._take().text
            else:
                self._take("absent")
        self._attributes(attributes, closing=")")
        self.nodes.append(prov_terms.node(word, ident, attributes, self._bundle))

    def _more(self) -> bool:
        """Whether another argument follows; the comma before it is taken."""
        if not self._ahead(","):
            return False
        self._take()
        return not self._ahead("[")

    def _relation(self, relation: Relation, keys: tuple[str, ...]) -> None:
        ident: str | None = None
        first = self._take()
        if self._ahead(";"):
            self._take()
            ident = None if first.kind == "absent" else self._iri(first)
            first = self._take()
        found: dict[str, Any] = {}
        if first.kind != "absent":
            found[keys[0]] = self._iri(first)
        for key in keys[1:]:
            if not self._more():
                break
            self._argument(relation, key, found)
        attributes: dict[str, Value] = {
            key: value for key, value in found.items() if key not in keys[:2]
        }
        self._attributes(attributes, closing=")")
        ends = (found.get(keys[0]), found.get(keys[1]))
        self.edges.append(prov_terms.edge(relation, ends, attributes, ident, self._bundle))

    def _argument(self, relation: Relation, key: str, found: dict[str, Any]) -> None:
        holds = _HOLDS.get((relation.name, key), "end")
        if self._next.kind == "absent":
            self._take()
        elif holds == "time":
            found[key] = self._take("time").text
        elif holds in ("any", "set"):
            value = self._set() if self._ahead("{") else self._value()
            if value is not None:
                found[key] = value
        else:
            iri = self._iri(self._take())
            found[key] = iri if holds == "end" else Ref(iri)

    def _set(self) -> Value | None:
        """A set of keys, or of pairs of key and entity (PROV-Dictionary, sections 3.1 and 3.2)."""
        self._word("{")
        members: list[Member] = []
        while not self._ahead("}"):
            if members:
                self._word(",")
            if self._ahead("("):
                self._take()
                key = self._value()
                self._word(",")
                members.append(Pair(key, self._iri(self._take())))
                self._word(")")
            else:
                members.append(self._value())
        self._take()
        return dictionary.written(members) if members else None

    def _attributes(self, attributes: dict[str, Value], *, closing: str) -> None:
        if self._ahead(","):
            self._take()
        if self._ahead("["):
            self._take()
            found: dict[str, list[Scalar]] = {}
            while not self._ahead("]"):
                if found:
                    self._word(",")
                token = self._take()
                key = namespaces.compact(self._iri(token))
                self._word("=")
                found.setdefault(key, []).append(self._value())
            self._take()
            for key, values in found.items():
                attributes[key] = values[0] if len(values) == 1 else several(values)
        self._word(closing)


_KINDS = {"name": "a name", "iri": "an IRI in <>", "time": "a time", "absent": "a time or -"}
