# SPDX-License-Identifier: Apache-2.0
"""Checks identifiers that cross between institutions, and names the claims of partners."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote, unquote

from lineage import ids
from lineage.access.subjects import ref_arguments
from lineage.model import dictionary
from lineage.model.record import Batch, Edge, Node, Record, named
from lineage.model.value import Ref, Scalar, Value, each, several

#: How the name of a partner's claim about something that is not its own begins.
CLAIM = ids.CLAIM

#: Names that are the same at every institution: registries give them, or bytes do. The purl specification
#: leaves what ``generic`` packages are called to whoever has them.
_GLOBAL = re.compile(
    r"pkg:(?!generic/)[a-z][a-z0-9.+-]*/\S+"
    r"|swh:1:(?:cnt|dir|rev|rel|snp):[0-9a-f]{40}"
    r"|https://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX]"
    r"|(?:https://doi\.org/|doi:)10\.\d{4,9}/\S+"
)
_ESCAPE = re.compile(r"%(.{0,2})", re.DOTALL)
_HEX = re.compile(r"[0-9A-F]{2}")
#: What RFC 3986 section 2.3 says never to escape: escaped, it is a second spelling of one name.
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_LETTERS = re.compile(r"[^\W\d_]+")
#: Scripts whose letters look like those of another.
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


def claim(partner: str, ident: str, package: str | None = None) -> str:
    """The name of a partner's claim about a thing; ``package`` tells the blank nodes of packages
    apart. ``claimed`` turns it back.

    >>> claim("b", "swh:1:rev:00")
    'urn:lineage:claim:b:swh%3A1%3Arev%3A00'
    """
    within = f"{package}/" if package else ""
    return f"{CLAIM}{partner}:{within}{quote(ident, safe='')}"


def claimed(partner: str, ident: str) -> str:
    """The identifier that a claim of this partner is about; any other identifier is returned as it
    is.
    """
    prefix = f"{CLAIM}{partner}:"
    return unquote(ident[len(prefix) :].rpartition("/")[2]) if ident.startswith(prefix) else ident


def is_global(ident: str) -> bool:
    """Whether an identifier is a purl, a SWHID, an ORCID or a DOI, which means the same thing at every
    institution.

    >>> is_global("pkg:pypi/torch@2.9.1"), is_global("pkg:generic/model@1")
    (True, False)
    """
    return _GLOBAL.fullmatch(ident) is not None


@lru_cache(maxsize=4096)
def fault(ident: str) -> str | None:
    """Say why an identifier is not accepted from others, in words; ``None`` where nothing is wrong
    with it.

    Names are compared by their characters, so that a name with a second spelling, or one that
    looks like another, is a way around every rule about namespaces.

    >>> fault("https://b.example/x/../y"), fault("urn:x:%2e")
    ("has a '..' in its path", "holds '%2e', another spelling of '.'")
    """
    if found := ids.iri_fault(ident):
        return found
    scheme, _, rest = ident.partition(":")
    if scheme != scheme.lower():
        return f"has the scheme {scheme!r} in upper case"
    if scheme == "urn" and rest.partition(":")[0] != rest.partition(":")[0].lower():
        return "has a URN namespace in upper case"
    authority = _AUTHORITY.match(ident)
    if authority and (wrong := _host(authority[1])):
        return wrong
    return _escapes(ident) or _segments(ident) or _scripts(ident)


def _host(host: str) -> str | None:
    if "@" in host:
        return "has a user before its host"
    if not host.isascii() or "%" in host:
        return f"has the host {host!r}: hosts are written in ASCII (xn--)"
    if host != host.lower() or host.endswith("."):
        return f"has the host {host!r}, another spelling of {host.lower().rstrip('.')!r}"
    return None


def _escapes(ident: str) -> str | None:
    for found in _ESCAPE.finditer(ident):
        if not _HEX.fullmatch(found[1]):
            near = f"%{found[1].upper()}"
            if not _HEX.fullmatch(found[1].upper()):
                return f"holds {found[0]!r}, which is no percent escape"
            plain = unquote(near)
            meant = plain if _UNRESERVED.fullmatch(plain) else near
            return f"holds {found[0]!r}, another spelling of {meant!r}"
        if _UNRESERVED.fullmatch(plain := unquote(found[0])):
            return f"holds {found[0]!r}, another spelling of {plain!r}"
    return None


def _segments(ident: str) -> str | None:
    path = re.split(r"[?#]", ident, maxsplit=1)[0]
    for part in path.split("/"):
        if part in (".", ".."):
            return f"has a {part!r} in its path"
    return None


def _scripts(ident: str) -> str | None:
    if ident.isascii():
        return None
    for word in _LETTERS.findall(ident):
        if word.isascii():
            continue
        found = {unicodedata.name(char, "").partition(" ")[0] for char in word} & _ALIKE
        if len(found) > 1:
            return f"mixes the scripts {' and '.join(sorted(found))} in {word!r}"
        if unicodedata.normalize("NFKC", word) != word:
            return f"holds {word!r}, whose letters stand for others"
    return None


def renamed(
    record: Record, name: Callable[[str], str], cause: Callable[[str], str] | None = None
) -> Record:
    """Rename every identifier of a node, relation or bundle in a record; ``cause`` renames what the
    subject of a relation depends on, where that is another way.

    References in other attributes are words of vocabularies, which nobody follows: they stay.
    """
    cause = cause or name
    bundle = None if record.bundle is None else name(record.bundle)
    if isinstance(record, Node):
        return replace(record, id=name(record.id), bundle=bundle)
    own = (ref_arguments(record.relation) | dictionary.KEYS) & record.attributes.keys()
    attributes = record.attributes
    if own:
        attributes = {
            key: _references(value, cause) if key in own else value
            for key, value in attributes.items()
        }
    return replace(
        record,
        effect=name(record.effect),
        cause=cause(record.cause),
        id=None if record.id is None else name(record.id),
        bundle=bundle,
        attributes=attributes,
    )


def _references(value: Value, name: Callable[[str], str]) -> Value:
    return several(_reference(item, name) for item in each(value))


def _reference(item: Scalar, name: Callable[[str], str]) -> Scalar:
    if dictionary.holds(item):
        return dictionary.renamed(item, name)
    return Ref(name(item.iri)) if isinstance(item, Ref) else item


def first_fault(batch: Batch) -> tuple[str, str] | None:
    """Find the first identifier of a batch that is not accepted from others, and say why."""
    for record in batch.records:
        for ident in named(record):
            if found := fault(ident):
                return ident, found
    return None


def subject(record: Node | Edge) -> str:
    """What a statement is about: the node itself, or the effect of an edge."""
    return record.id if isinstance(record, Node) else record.effect
