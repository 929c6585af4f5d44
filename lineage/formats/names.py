# SPDX-License-Identifier: Apache-2.0
"""Resolves qualified names where documents are read, and makes them where they are written."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from urllib.parse import quote, unquote

from lineage import ids
from lineage.errors import BadInput
from lineage.formats import prov_terms
from lineage.model import namespaces
from lineage.model.record import Loss
from lineage.model.value import Literal, Ref, Scalar

_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*://|urn:|swh:|mailto:|doi:|tag:|info:)")
_NEARLY_PROV = re.compile(r"https?://(?:www\.)?w3\.org/ns/prov(?:-o|-dm)?[#/]*")
_SPLIT = re.compile(r"(?s)(.*[/#:])(.+)")
_ESCAPE = re.compile(r"_x([0-9A-F]{4}(?:[0-9A-F]{4})?)_")
_SURROGATES = range(0xD800, 0xE000)
#: Names of one scope whose IRIs are remembered: of a long document some are in memory.
_REMEMBERED = 50_000
#: Text in a language whose tag a syntax refuses (``en_US``), and IRIs that it cannot write: they are
#: held, percent-encoded, by one of ours.
ODD_LANGUAGE = "urn:lineage:language:"
ODD_IRI = "urn:lineage:iri:"
#: Text of characters that a syntax cannot write; the datatype or ``@language`` follows.
ODD_TEXT = "urn:lineage:text:"
#: A qualified name that a literal holds, of a prefix that is declared nowhere.
UNRESOLVED = "lineage:QName"
#: ``xsd:QName`` of a literal, as RDF has them, where readers of a document would make an IRI of it.
_LITERAL = "lineage:LiteralQName"
#: Datatypes under which other syntaxes write a qualified name as a value.
QNAMES = frozenset({"prov:QUALIFIED_NAME", "xsd:QName"})


def quoted(text: str) -> str:
    """A text as the end of an IRI that every syntax can write."""
    # No name may end in a dot, a hyphen alone stands for something absent, and _x begins an escape.
    held = quote(text, safe="").replace(".", "%2E").replace("-", "%2D")
    return held.replace("_x", "%5Fx")


def plain(iri: str) -> str:
    """An IRI, taken out of the one of ours that holds what a syntax could not write."""
    if not iri.startswith(ODD_IRI):
        return iri
    # Every other piece is what an escape says.
    pieces = _ESCAPE.split(iri[len(ODD_IRI) :])
    return "".join(_escape(p) if at % 2 else unquote(p) for at, p in enumerate(pieces))


def itself(iri: str) -> str:
    """An IRI as ``plain`` gives it back: one that looks like ours for another is held by it too."""
    return ODD_IRI + quoted(iri) if iri.startswith(ODD_IRI) else iri


def escaped(local: str, allowed: Callable[[str], bool]) -> str:
    """The end of a held IRI where a syntax has no ``%`` in names: a character that may not stand at
    its place is ``_xHHHH_``, as the prov library writes names of attributes. ``allowed`` says whether
    a name is one.
    """
    shown = local.replace("_x", "_x005F_x")
    first, rest = shown[0], shown[1:]
    # Of most names only the first character cannot stand where it does.
    if not allowed("a" + rest):
        rest = "".join(char if allowed("a" + char) else _hex(char) for char in rest)
    return (first if allowed(first) else _hex(first)) + rest


def _hex(char: str) -> str:
    return f"_x{ord(char):04X}_" if ord(char) <= 0xFFFF else f"_x{ord(char):08X}_"


def _escape(text: str) -> str:
    """What an escape stands for; what stands for no character is itself."""
    code = int(text, 16)
    return chr(code) if code <= sys.maxunicode and code not in _SURROGATES else f"_x{text}_"


def held(text: str, datatype: str) -> Scalar | None:
    """A text out of a datatype of ours, which holds its language or all of it, if it is one."""
    if datatype.startswith(ODD_LANGUAGE):
        return Literal(text, None, unquote(datatype[len(ODD_LANGUAGE) :]))
    if not datatype.startswith(ODD_TEXT):
        return None
    text, kind = unquote(text), unquote(datatype[len(ODD_TEXT) :])
    if kind.startswith("@"):
        return Literal(text, None, kind[1:])
    return prov_terms.typed(text, prov_terms.datatype(kind)) if kind else text


def declared(prefixes: Mapping[str, str], *, where: str) -> dict[str, str]:
    """Check the prefixes of a document, and return them, slips in those of PROV and of XML Schema
    mended. Raises ``BadInput``.
    """
    bound = prefixes.get("prov", namespaces.PROV)
    if bound != namespaces.PROV and not is_slip(bound):
        raise BadInput(f"prefix prov is bound to {bound!r}; it is reserved for PROV", where=where)
    return {p: _mended(iri) for p, iri in prefixes.items()}


def is_slip(space: str) -> bool:
    """Whether a namespace is PROV's but for a slip: CamFlow and others leave out the hash."""
    return space != namespaces.PROV and _NEARLY_PROV.fullmatch(space) is not None


def slip(prefix: str, space: str) -> Loss:
    """What is said of a document that has a prefix bound to a slip of PROV's namespace."""
    return Loss("prefixes", 1, f"{prefix} is bound to {space}, read as {namespaces.PROV}")


def _mended(space: str) -> str:
    if is_slip(space):
        return namespaces.PROV
    return namespaces.XSD if space == namespaces.XSD[:-1] else space


class Names:
    """Resolves the qualified names of one scope, each spelling once.

    ``prefixes`` may hold ``default``. ``blank`` names the document, ``scope`` the bundle in it, so
    that blank nodes of two never meet. ``place`` turns a position in the document into where it is.
    """

    def __init__(
        self,
        prefixes: Mapping[str, str],
        *,
        blank: str,
        scope: str = "",
        place: Callable[[str], str],
        lenient: bool = True,
    ) -> None:
        self._prefixes: MutableMapping[str, str] = {**namespaces.PREFIXES, **prefixes}
        self._default = prefixes.get("default")
        self._blank = f"{blank}{scope}"
        self._place = place
        self._lenient = lenient
        self._iris: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def within(self, prefixes: dict[str, str], scope: str = "") -> Names:
        """The names of a bundle, or an element, in this scope, with its own prefixes before these."""
        inner = Names({}, blank=self._blank, scope=scope, place=self._place, lenient=self._lenient)
        outer = self._prefixes.maps if isinstance(self._prefixes, ChainMap) else [self._prefixes]
        inner._prefixes = ChainMap(prefixes, *outer)
        inner._default = inner._prefixes.get("default")
        return inner

    def iri(self, name: object, at: str) -> str:
        """The IRI of a qualified name. Raises ``BadInput`` for an undeclared prefix."""
        found = self._iris.get(name) if isinstance(name, str) else None
        if found is None:
            found = self._resolve(name, at)
            if len(self._iris) >= _REMEMBERED:
                self._iris.clear()
            self._iris[name] = found  # type: ignore[index]
        return found

    def key(self, name: str, at: str) -> str:
        """The attribute key for a qualified name, as answers write it."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = namespaces.compact(self.iri(name, at))
        return found

    def literal(self, text: str, kind: str | None, language: str | None, at: str) -> Scalar:
        """A value with a datatype (a qualified name) or language; names become references."""
        if not isinstance(language, str | None):
            raise BadInput("a language is text, such as en", where=self._place(at))
        if language:
            datatype = None if kind is None else prov_terms.datatype(self.iri(kind, at))
            return Literal(text, datatype, language)
        return text if kind is None else self.typed(text, self.iri(kind, at), at)

    def typed(self, text: str, datatype: str, at: str) -> Scalar:
        """A value by its text and the IRI of its datatype."""
        if (found := held(text, datatype)) is not None:
            return found
        short = prov_terms.datatype(datatype)
        if short == _LITERAL:
            return Literal(text, "xsd:QName")
        return self._qname(text, short, at) if short in QNAMES else prov_terms.typed(text, short)

    def _qname(self, text: str, datatype: str, at: str) -> Scalar:
        """The IRI of a name that is a value; one without a namespace stays the text that it is."""
        try:
            return Ref(self.iri(text, at))
        except BadInput:
            return Literal(text, datatype if datatype == "xsd:QName" else UNRESOLVED)

    def qualified(self, prefix: str | None, local: str, at: str) -> str:
        """The IRI of a name in its two parts; no prefix is the default namespace."""
        if prefix is None:
            if self._default is None:
                message = f"{local!r} has no prefix, and no default namespace is declared"
                raise BadInput(message, where=self._place(at))
            return plain(self._default + local)
        if prefix == "_":
            return f"{ids.BLANK}{self._blank}/{ids.segment(local)}"
        space = self._prefixes.get(prefix)
        if space is None:
            message = f"prefix {prefix!r} is used but not declared"
            raise BadInput(message, where=self._place(at), hint=f"Declare {prefix!r}.")
        return plain(space + local)

    def _resolve(self, name: object, at: str) -> str:
        if not isinstance(name, str) or not name:
            raise BadInput("a qualified name is expected here", where=self._place(at))
        prefix, colon, local = name.partition(":")
        if not colon:
            return self.qualified(None, name, at)
        if prefix not in self._prefixes and self._lenient and _ABSOLUTE.match(name):
            return name
        return self.qualified(prefix, local, at)


def _any(_text: str) -> bool:
    return True


class Prefixes:
    """Makes qualified names for a document of one batch, and the prefixes that they need.

    ``local``, ``space`` and ``prefix`` say which local parts, namespaces and prefixes the syntax can
    write, ``default`` whether it has a namespace without a prefix. An IRI is cut where it can be, or,
    if the syntax has an ``escape`` for the local part, at its last separator only; where it cannot,
    one of ours holds it.
    """

    def __init__(
        self,
        prefixes: Mapping[str, str],
        *,
        local: Callable[[str], bool] = _any,
        space: Callable[[str], bool] = _any,
        prefix: Callable[[str], bool] = _any,
        default: bool = True,
        escape: Callable[[str], str] | None = None,
    ) -> None:
        found = {
            short: iri
            for short, iri in sorted(prefixes.items())
            if _free(short, iri) and prefix(short) and space(iri)
        }
        unnamed = prefixes.get("default") if default else None
        self.default: str | None = unnamed if unnamed is not None and space(unnamed) else None
        self._space = space
        self.bound: dict[str, str] = dict(found)
        self._spaces = {iri: prefix for prefix, iri in sorted(found.items(), reverse=True)}
        self._local = local
        self._escape = escape
        self._uneven = not all(iri.endswith(("/", "#", ":")) for iri in found.values())
        self._lengths = sorted({len(space) for space in (*found.values(), *_WELL_KNOWN)})
        self._made = 0
        #: Namespaces that are held by one of ours -> its prefix.
        self._holding: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self.need("prov", namespaces.PROV)
        self.need("xsd", namespaces.XSD)

    def name(self, iri: str) -> str:
        """``prefix:local`` for an IRI, or the local part alone in the default namespace."""
        found = self._names.get(iri)
        if found is None:
            ours = iri.startswith(ODD_IRI)
            if len(self._names) >= REMEMBERED:
                self._names.clear()
            found = self._names[iri] = self._held(iri) if ours else self._qualified(iri)
        return found

    def need(self, prefix: str, space: str) -> str:
        """Bind a namespace, under another prefix where this one is taken."""
        if space not in self._spaces:
            while self.bound.get(prefix, space) != space:
                prefix += "_"
            self.bound[prefix] = space
            self._spaces[space] = prefix
            at = bisect_left(self._lengths, len(space))
            if self._lengths[at : at + 1] != [len(space)]:
                self._lengths.insert(at, len(space))
            self._uneven = self._uneven or not space.endswith(("/", "#", ":"))
        return space

    def datatype(self, value: Literal) -> str:
        """The IRI of the datatype of a literal under which it comes back as one."""
        datatype = value.datatype or "xsd:string"
        if datatype == "xsd:QName" and self._resolves(value.value):
            datatype = _LITERAL
        elif datatype == UNRESOLVED and not self._resolves(value.value):
            datatype = "prov:QUALIFIED_NAME"
        return namespaces.expand(datatype)

    def _resolves(self, text: str) -> bool:
        """Whether a text may be a name here, with the prefixes that are still to come."""
        prefix, colon, _ = text.partition(":")
        if not colon:
            return self.default is not None
        known = {"_", *self.bound, *namespaces.PREFIXES}
        return (
            not known.isdisjoint((prefix, prefix.rstrip("_")))
            or _MADE.fullmatch(prefix) is not None
            or _ABSOLUTE.match(text) is not None
        )

    def _fits(self, space: str, iri: str) -> bool:
        return len(space) < len(iri) and iri.startswith(space) and self._local(iri[len(space) :])

    def _qualified(self, iri: str) -> str:
        if self.default is None and not self._uneven:
            # Every namespace ends in a separator: the longest that fits ends at the last one.
            cut = max(iri.rfind("/"), iri.rfind("#"), iri.rfind(":")) + 1
            prefix = self._spaces.get(iri[:cut])
            if prefix is not None and cut < len(iri) and self._local(iri[cut:]):
                return f"{prefix}:{iri[cut:]}"
        best = self._longest(iri)
        if self.default and self._fits(self.default, iri):
            local = iri[len(self.default) :]
            if ":" not in local and (best is None or len(best) <= len(self.default)):
                return local
        if best is None:
            best = self._new_space(iri)
            if best is None:
                return self._held(iri)
        elif best not in self._spaces:
            best = self.need(_WELL_KNOWN[best], best)
        return f"{self._spaces[best]}:{iri[len(best) :]}"

    def _longest(self, iri: str) -> str | None:
        """The longest namespace that the IRI can be cut behind."""
        for length in reversed(self._lengths):
            space = iri[:length]
            known = space in self._spaces or space in _WELL_KNOWN
            if known and self._fits(space, iri):
                return space
        return None

    def _new_space(self, iri: str) -> str | None:
        """A namespace for an IRI that fits none: up to its last separator, or as far as it must be."""
        found = _SPLIT.fullmatch(iri)
        first = len(found[1]) if found else len(iri) - 1
        for cut in range(first, min(len(iri), first + (_CUTS if self._escape is None else 1))):
            if self._local(iri[cut:]) and self._space(iri[:cut]):
                return self._made_for(iri[:cut])
        return None

    def _made_for(self, space: str) -> str:
        """Bind a namespace under a prefix of ours, unless it is bound."""
        if space not in self._spaces:
            self._made += 1
            while f"ns{self._made}" in self.bound:
                self._made += 1
        return self.need(f"ns{self._made}", space)

    def _held(self, iri: str) -> str:
        """The name of the IRI of ours that holds one which the syntax cannot write."""
        if self._escape is None:
            return self._qualified(ODD_IRI + quoted(iri))
        found = _SPLIT.fullmatch(iri)
        space, local = (found[1], found[2]) if found else ("", iri)
        prefix = self._holding.get(space)
        if prefix is None:
            prefix = self._spaces[self._made_for(ODD_IRI + quoted(space))]
            self._holding[space] = prefix
        return f"{prefix}:{self._escape(local)}"


#: Names that are remembered: of more there are too many to hold.
REMEMBERED = 50_000
_WELL_KNOWN = {space: prefix for prefix, space in namespaces.PREFIXES.items()}
#: Prefixes that syntaxes or our own words need for themselves: a document's own take others.
_RESERVED = frozenset({"prov", "xsd", "lineage", "xsi", "xml", "xmlns", "default"})
_OURS = frozenset({namespaces.PROV, namespaces.XSD, namespaces.LINEAGE})
_WORD = re.compile(r"[^\W\d_](?:[\w.\-]*[\w\-])?")
#: Prefixes that are made where a document needs some.
_MADE = re.compile(r"ns\d+_*")
#: Places at which an IRI is tried to be cut in two.
_CUTS = 100


def _free(prefix: str, space: str) -> bool:
    return prefix not in _RESERVED and space not in _OURS and _WORD.fullmatch(prefix) is not None
