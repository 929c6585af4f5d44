# SPDX-License-Identifier: Apache-2.0
"""The table of document formats; a name here and a file beside it is all that a new one needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol

from lineage.errors import InputTruncated, MissingExtra, UnknownFormat
from lineage.model import check, constraints
from lineage.model.record import Batch, Loss

#: Name -> module and the format in it; the order is the order of sniffing.
BUILTIN: dict[str, str] = {
    "jsonld": "lineage.formats.prov_jsonld:FORMAT",
    "json": "lineage.formats.prov_json:FORMAT",
    "provn": "lineage.formats.prov_n:FORMAT",
    "xml": "lineage.formats.prov_xml:FORMAT",
    "rdfxml": "lineage.formats.prov_o:RDFXML",
    "turtle": "lineage.formats.prov_o:TURTLE",
    "trig": "lineage.formats.prov_o:TRIG",
    "nt": "lineage.formats.prov_o:NTRIPLES",
    "nquads": "lineage.formats.prov_o:NQUADS",
    "rocrate": "lineage.formats.rocrate:FORMAT",
    "dot": "lineage.formats.dot:DOT",
    "svg": "lineage.formats.svg:SVG",
}

#: Formats of RDF: what they say has a canonical form.
RDF = frozenset({"turtle", "trig", "nt", "nquads", "rdfxml"})

__all__ = [
    "BUILTIN",
    "RDF",
    "Format",
    "canonical",
    "convert",
    "for_suffix",
    "from_prov",
    "named",
    "recognised",
    "sniff",
    "to_prov",
    "to_rdflib",
    "validate",
]


class Format(Protocol):
    """Turns bytes into a batch and back: same batch, same bytes."""

    name: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]

    def sniffs(self, data: bytes) -> bool:
        """Whether the bytes look like this format; quick, never raises."""
        ...

    def loads(self, data: bytes, where: str = "document") -> Batch:
        """Read a document. Raises the errors of ``lineage.errors`` under ``BadInput``."""
        ...

    def dumps(self, batch: Batch) -> bytes:
        """Write a document."""
        ...

    def losses(self, batch: Batch) -> tuple[Loss, ...]:
        """What of a batch the format cannot hold, so that writing it is no silent loss."""
        ...


def named(name: str) -> Format:
    """The format of this name. Raises ``UnknownFormat`` listing the names there are."""
    if name not in BUILTIN:
        known = ", ".join(BUILTIN)
        raise UnknownFormat(f"no format is called {name!r}", hint=f"There are: {known}.")
    module, _, attribute = BUILTIN[name].partition(":")
    try:
        known_format: Format = getattr(import_module(module), attribute)
    except ImportError as error:
        hint = 'pip install "lineagedb[rdf]"'
        raise MissingExtra(f"{name} needs the package {error.name}", hint=hint) from error
    return known_format


def _installed() -> Iterator[Format]:
    for name in BUILTIN:
        with suppress(MissingExtra):
            yield named(name)


def for_suffix(suffix: str) -> Format | None:
    """The format whose files end so, if there is one."""
    return next((f for f in _installed() if suffix.lower() in f.suffixes), None)


def sniff(data: bytes) -> Format | None:
    """The first format that recognises the bytes."""
    return next((f for f in _installed() if f.sniffs(data)), None)


def recognised(data: bytes, suffix: str, where: str) -> Format:
    """The format of some bytes, by what they look like, else by the end of their file's name.

    Raises ``UnknownFormat``.
    """
    found = sniff(data) or for_suffix(suffix)
    if found is None and not data.strip():
        raise InputTruncated("the input is empty", where=where)
    if found is None:
        hint = f"Name its format: {', '.join(BUILTIN)}."
        raise UnknownFormat("this is no PROV document that is known", where=where, hint=hint)
    return found


def canonical(batch: Batch, format: str = "nquads") -> str | None:  # noqa: A002 - the public word
    """The SHA-256, in hex, of what a document of a format of RDF says, in canonical form
    (RDFC-1.0): without named graphs, that is not what the batch says where it has bundles. ``None``
    where nodes without a name speak too much of each other for that form.
    """
    named(format)
    from lineage.formats import prov_o

    written: prov_o.ProvO = getattr(prov_o, BUILTIN[format].partition(":")[2])
    return prov_o.canonical(written.held(batch))


def to_rdflib(batch: Batch) -> Any:
    """The batch as an ``rdflib.Dataset``, with a named graph for each bundle."""
    import rdflib

    dataset = rdflib.Dataset()
    dataset.parse(data=named("nquads").dumps(batch), format="nquads")
    return dataset


def to_prov(batch: Batch) -> Any:
    """The batch as a ``prov.model.ProvDocument``."""
    from prov.model import ProvDocument

    return ProvDocument.deserialize(content=named("json").dumps(batch).decode(), format="json")


def from_prov(document: Any) -> Batch:
    """The batch of a ``prov.model.ProvDocument``."""
    return named("json").loads(document.serialize(format="json").encode(), "ProvDocument")


def convert(data: bytes, from_: str, to: str) -> bytes:
    """A document of one format written in another."""
    return named(to).dumps(named(from_).loads(data))


def validate(data: bytes, format: str) -> list[check.Finding]:  # noqa: A002 - the public word
    """What is wrong with a document, by our rules and by W3C PROV-CONSTRAINTS, errors first: findings
    with a severity, the constraint's number, and what shows it.
    """
    batch = named(format).loads(data)
    findings = [*check.check(batch), *constraints.inspect(batch).findings]
    return sorted(findings, key=lambda finding: finding.severity)
