# SPDX-License-Identifier: Apache-2.0
"""Qualified names: resolved where documents are read, made where they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from lineage import ids
from lineage.errors import BadInput
from lineage.formats import statement
from lineage.model import terms
from lineage.model.record import Batch
from lineage.model.value import Literal, Ref, Scalar

_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*://|urn:|swh:|mailto:|doi:|tag:|info:)")
_SPLIT = re.compile(r"(?s)(.*[/#:])(.+)")
#: Datatypes under which other syntaxes write a qualified name as a value.
QNAMES = frozenset({"prov:QUALIFIED_NAME", "xsd:QName"})


def declared(prefixes: Mapping[str, str], *, where: str) -> dict[str, str]:
    """The prefixes of a document, those reserved checked. Raises ``BadInput``."""
    bound = prefixes.get("prov", terms.PROV)
    if bound != terms.PROV:
        raise BadInput(f"prefix prov is bound to {bound!r}; it is reserved for PROV", where=where)
    return {p: terms.XSD if iri == terms.XSD[:-1] else iri for p, iri in prefixes.items()}


class Names:
    """Qualified names of one scope, resolved; each spelling is resolved once.

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
        self._prefixes = {**terms.PREFIXES, **prefixes}
        self._default = prefixes.get("default")
        self._blank = f"{blank}{scope}"
        self._place = place
        self._lenient = lenient
        self._iris: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def iri(self, name: object, at: str) -> str:
        """The IRI of a qualified name. Raises ``BadInput`` for an undeclared prefix."""
        found = self._iris.get(name) if isinstance(name, str) else None
        if found is None:
            found = self._resolve(name, at)
            self._iris[name] = found  # type: ignore[index]
        return found

    def key(self, name: str, at: str) -> str:
        """The attribute key for a qualified name, as answers write it."""
        found = self._keys.get(name)
        if found is None:
            found = self._keys[name] = terms.compact(self.iri(name, at))
        return found

    def literal(self, text: str, kind: str | None, language: str | None, at: str) -> Scalar:
        """A value with a datatype (a qualified name) or language; names become references."""
        datatype = None if kind is None else statement.datatype(self.iri(kind, at))
        if datatype in QNAMES and language is None:
            return Ref(self.iri(text, at))
        return Literal(text, datatype, language) if language else statement.typed(text, datatype)

    def _resolve(self, name: object, at: str) -> str:
        if not isinstance(name, str) or not name:
            raise BadInput("a qualified name is expected here", where=self._place(at))
        prefix, colon, local = name.partition(":")
        if not colon:
            if self._default is None:
                message = f"{name!r} has no prefix, and no default namespace is declared"
                raise BadInput(message, where=self._place(at))
            return self._default + name
        if prefix == "_":
            return f"urn:lineage:blank:{self._blank}/{ids.segment(local)}"
        if prefix in self._prefixes:
            return self._prefixes[prefix] + local
        if self._lenient and _ABSOLUTE.match(name):
            return name
        message = f"prefix {prefix!r} is used but not declared"
        raise BadInput(message, where=self._place(at), hint=f"Declare {prefix!r}.")


class Prefixes:
    """Qualified names as a document of one batch writes them, and the prefixes they need.

    ``local`` says which local parts the syntax can write; an IRI that has none is cut elsewhere.
    """

    def __init__(self, batch: Batch, *, local: Callable[[str], bool] = lambda _text: True) -> None:
        found = {k: v for k, v in sorted(batch.prefixes.items()) if k not in ("prov", "default")}
        self.default = batch.prefixes.get("default")
        self.bound: dict[str, str] = dict(found)
        self._spaces = {iri: prefix for prefix, iri in sorted(found.items(), reverse=True)}
        self._local = local
        self._names: dict[str, str] = {}
        self.need("prov", terms.PROV)
        self.need("xsd", terms.XSD)

    def name(self, iri: str) -> str:
        """``prefix:local`` for an IRI, or the local part alone in the default namespace."""
        found = self._names.get(iri)
        if found is None:
            found = self._names[iri] = self._qualified(iri)
        return found

    def names(self, iris: Iterable[str]) -> None:
        """Make the names of IRIs beforehand, for syntaxes that declare prefixes at the top."""
        for iri in iris:
            self.name(iri)

    def need(self, prefix: str, space: str) -> str:
        """Bind a namespace, under another prefix where this one is taken."""
        if space not in self._spaces:
            while self.bound.get(prefix, space) != space:
                prefix += "_"
            self.bound[prefix] = space
            self._spaces[space] = prefix
        return space

    def _fits(self, space: str, iri: str) -> bool:
        return len(space) < len(iri) and iri.startswith(space) and self._local(iri[len(space) :])

    def _qualified(self, iri: str) -> str:
        known = (*self._spaces, *terms.PREFIXES.values())
        best = max((s for s in known if self._fits(s, iri)), key=len, default=None)
        if self.default and self._fits(self.default, iri):
            local = iri[len(self.default) :]
            if ":" not in local and (best is None or len(best) <= len(self.default)):
                return local
        if best is None:
            best = self._new_space(iri)
        elif best not in self._spaces:
            best = self.need(_WELL_KNOWN[best], best)
        return f"{self._spaces[best]}:{iri[len(best) :]}"

    def _new_space(self, iri: str) -> str:
        found = _SPLIT.fullmatch(iri)
        space = found[1] if found else iri[:-1]
        while not self._local(iri[len(space) :]) and len(space) < len(iri):
            space = iri[: len(space) + 1]
        number = 1
        while f"ns{number}" in self.bound:
            number += 1
        return self.need(f"ns{number}", space)


_WELL_KNOWN = {space: prefix for prefix, space in terms.PREFIXES.items()}
