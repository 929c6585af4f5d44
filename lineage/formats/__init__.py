# SPDX-License-Identifier: Apache-2.0
"""The table of document formats; a new format needs a row here and a file beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

from lineage.errors import InputTruncated, MissingExtra, UnknownFormat
from lineage.formats.document import Document
from lineage.model import check, constraints
from lineage.model.findings import Finding
from lineage.model.record import Batch, Loss


class FormatRow(NamedTuple):
    """What is known of a format before its module is loaded; the packages that the module needs may
    be missing.
    """

    module: str
    attribute: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]


#: The order is the order of sniffing.
BUILTIN: dict[str, FormatRow] = {
    "jsonld": FormatRow(
        "lineage.formats.prov_jsonld", "FORMAT", ("application/ld+json",), (".jsonld",)
    ),
    "json": FormatRow(
        "lineage.formats.prov_json",
        "FORMAT",
        ("application/json", "application/provenance+json"),
        (".json", ".provjson"),
    ),
    "provn": FormatRow(
        "lineage.formats.prov_n",
        "FORMAT",
        ("text/provenance-notation",),
        (".provn", ".pn", ".prov-n"),
    ),
    "xml": FormatRow(
        "lineage.formats.prov_xml",
        "FORMAT",
        ("application/provenance+xml", "application/xml"),
        (".provx", ".xml"),
    ),
    "rdfxml": FormatRow(
        "lineage.formats.prov_o", "RDFXML", ("application/rdf+xml",), (".rdf", ".owl")
    ),
    "turtle": FormatRow("lineage.formats.prov_o", "TURTLE", ("text/turtle",), (".ttl",)),
    "trig": FormatRow("lineage.formats.prov_o", "TRIG", ("application/trig",), (".trig",)),
    "nt": FormatRow("lineage.formats.prov_o", "NTRIPLES", ("application/n-triples",), (".nt",)),
    "nquads": FormatRow("lineage.formats.prov_o", "NQUADS", ("application/n-quads",), (".nq",)),
    "rocrate": FormatRow(
        "lineage.formats.rocrate", "FORMAT", ("application/zip",), (".crate.zip",)
    ),
    "dot": FormatRow("lineage.formats.dot", "DOT", ("text/vnd.graphviz",), (".dot", ".gv")),
    "svg": FormatRow("lineage.formats.svg", "SVG", ("image/svg+xml",), (".svg",)),
}

_RDF_EXTRA = 'pip install "lineagedb[rdf]"'
#: Formats of RDF: what they say has a canonical form.
RDF = frozenset({"turtle", "trig", "nt", "nquads", "rdfxml"})
#: Suffixes that files of other things have too, and those of pictures, which nothing reads.
_OF_OTHERS = frozenset({".json", ".xml", ".dot", ".gv", ".svg"})

__all__ = [
    "BUILTIN",
    "RDF",
    "Batched",
    "Format",
    "FormatRow",
    "Streamed",
    "canonical",
    "convert",
    "demand_canonical",
    "for_file",
    "from_prov",
    "is_named",
    "named",
    "recognised",
    "sniff",
    "to_prov",
    "to_rdflib",
    "validate",
]


class Format(Protocol):
    """Reads bytes into a batch and writes them back: the same batch gives the same bytes."""

    name: str

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
        """List what of a batch the format cannot hold, so that writing it is no silent loss."""
        ...


@runtime_checkable
class Streamed(Protocol):
    """A format that can be written piece by piece, so that neither the records nor the bytes need be in
    memory.
    """

    def pieces(self, document: Document) -> Iterator[bytes]:
        """Write a document: the same statements give the same bytes as ``Format.dumps``."""
        ...

    def losses(self, batch: Batch | Document) -> tuple[Loss, ...]:
        """See ``Format.losses``."""
        ...


@runtime_checkable
class Batched(Protocol):
    """A format that can be read in batches, so that neither the bytes nor the records need be in memory."""

    def batches(self, file: BinaryIO, where: str, size: int) -> Iterator[Batch]:
        """Read a document from the beginning of a file that can be read again, in batches of about so many
        records: together what ``Format.loads`` reads. Raises as that does, where what is wrong stands.
        """
        ...


def named(name: str) -> Format:
    """The format of this name. Raises ``UnknownFormat`` listing the names there are, and
    ``MissingExtra`` where the package that reads it is not installed.
    """
    if name not in BUILTIN:
        known = ", ".join(BUILTIN)
        raise UnknownFormat(f"no format is called {name!r}", hint=f"There are: {known}.")
    row = BUILTIN[name]
    try:
        known_format: Format = getattr(import_module(row.module), row.attribute)
    except ImportError as error:
        raise MissingExtra(f"{name} needs the package {error.name}", hint=_RDF_EXTRA) from error
    return known_format


def _installed() -> Iterator[Format]:
    for name in BUILTIN:
        with suppress(MissingExtra):
            yield named(name)


def for_file(name: str) -> Format | None:
    """The format whose files end like this name, if there is one. Raises ``MissingExtra`` where the
    package that reads it is not installed.
    """
    for known, row in BUILTIN.items():
        if name.lower().endswith(row.suffixes):
            return named(known)
    return None


def is_named(name: str) -> bool:
    """Whether a file is called like documents of a format that is read, and like nothing else: that
    it is broken, or that a package is missing, its format then says.
    """
    suffixes = {suffix for row in BUILTIN.values() for suffix in row.suffixes}
    return name.lower().endswith(tuple(suffixes - _OF_OTHERS))


def sniff(data: bytes) -> Format | None:
    """The first format that recognises the bytes."""
    return next((f for f in _installed() if f.sniffs(data)), None)


def recognised(data: bytes, where: str) -> Format:
    """Recognise the format of a file: by what its bytes look like, else by its name.

    Raises ``UnknownFormat``, and ``MissingExtra`` where the name is of a format that needs a package.
    """
    found = sniff(data) or for_file(where)
    if found is None and not data.strip():
        raise InputTruncated("the input is empty", where=where)
    if found is None:
        hint = f"Name its format: {', '.join(BUILTIN)}."
        if missing := BUILTIN.keys() - {known.name for known in _installed()}:
            hint += f" Not installed: {', '.join(sorted(missing))}; {_RDF_EXTRA}"
        raise UnknownFormat("this is no PROV document that is known", where=where, hint=hint)
    return found


def canonical(said: Batch | Document, format: str = "nquads") -> str | None:  # noqa: A002 - the public word
    """The SHA-256, in hex, of what a document of a format of RDF says, in canonical form
    (RDFC-1.0): without named graphs, that is not all that is said where there are bundles. ``None``
    where nodes without a name speak too much of each other for that form.
    """
    demand_canonical(format)
    from lineage.formats import prov_o

    written: Any = named(format)
    document = Document.of(said) if isinstance(said, Batch) else said
    return prov_o.canonical(document if written.graphs else document.run_together())


def demand_canonical(format: str) -> None:  # noqa: A002 - the public word
    """Raise ``UnknownFormat`` for a format that is none of RDF, or return."""
    if format not in RDF:
        hint = f"The formats of RDF have one: {', '.join(sorted(RDF))}."
        raise UnknownFormat(f"{format} has no canonical form", hint=hint)


def to_rdflib(batch: Batch) -> Any:
    """Turn a batch into an ``rdflib.Dataset``, with a named graph for each bundle."""
    import rdflib

    dataset = rdflib.Dataset()
    dataset.parse(data=named("nquads").dumps(batch), format="nquads")
    return dataset


def to_prov(batch: Batch) -> Any:
    """Turn a batch into a ``prov.model.ProvDocument``."""
    from prov.model import ProvDocument

    return ProvDocument.deserialize(content=named("json").dumps(batch).decode(), format="json")


def from_prov(document: Any) -> Batch:
    """Turn a ``prov.model.ProvDocument`` into a batch."""
    return named("json").loads(document.serialize(format="json").encode(), "ProvDocument")


def convert(data: bytes, from_: str, to: str) -> bytes:
    """Convert a document from one format to another."""
    return named(to).dumps(named(from_).loads(data))


def validate(data: bytes, format: str) -> list[Finding]:  # noqa: A002 - the public word
    """Find what is wrong with a document, by our rules and by W3C PROV-CONSTRAINTS, errors first:
    findings with a severity, the constraint's number, and what shows it.
    """
    batch = named(format).loads(data)
    findings = [*check.check(batch), *constraints.inspect(batch).findings]
    return sorted(findings, key=lambda finding: finding.severity)
