# SPDX-License-Identifier: Apache-2.0
"""Checks a batch before it is stored, and returns findings rather than the first exception."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from lineage import ids
from lineage.errors import Rejected
from lineage.model import dictionary, kinds, terms
from lineage.model.findings import MOST, Finding
from lineage.model.record import Batch, Edge, Node, names_in
from lineage.model.value import Attributes, Ref, Value, each
from lineage.model.value import Literal as Typed

_KNOWN_KINDS = frozenset(kinds.KINDS)
_KNOWN_RELATIONS = frozenset(terms.RELATIONS)
_PLAIN = frozenset({str, int, float, bool})
_SCALARS = (str, int, float, bool, Typed, Ref)
_NUMBERS = frozenset({int, float, bool})
#: What the author can do about each finding.
_HINTS = {
    "unknown-kind": "Use one of the kinds (docs/reference/kinds.md), or Entity, Activity or Agent.",
    "unknown-relation": "Use one of the relations of PROV (docs/reference/relations.md).",
    "bad-id": "Use an absolute IRI, such as https://lab.example/data or urn:example:data.",
    "bad-key": "Give the attribute a name that can be printed.",
    "bad-value": "Use text, a number, a truth value, a time, or a list of these.",
    "bad-text": "Write the text as Unicode without lone surrogates.",
}


def check(batch: Batch) -> list[Finding]:
    """Find what is wrong with a batch: errors that keep it out of the store, and warnings that do
    not.

    At most ``findings.MOST`` are returned.
    """
    findings: list[Finding] = []
    for finding in _findings(batch):
        findings.append(finding)
        if len(findings) >= MOST:
            break
    return findings


def demand(batch: Batch) -> None:
    """Raise ``Rejected`` naming what keeps a batch out, or return."""
    errors = [finding for finding in check(batch) if finding.fatal]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Rejected(first.message + more, where=first.subject)


def _is_plain(batch: Batch) -> bool:
    """Whether all of a batch is plain at one look, as nearly every batch is: then there is nothing to
    find. One pass over columns costs a quarter of one over records.
    """
    nodes, edges = batch.nodes, batch.edges
    attributes = [record.attributes for record in batch.records if record.attributes]
    values = list(chain.from_iterable(held.values() for held in attributes))
    if not _PLAIN.issuperset(map(type, values)):
        return False
    labels = {node.label for node in nodes if node.label is not None}
    texts = [value for value in values if type(value) is str]
    keys = set(chain.from_iterable(attributes))
    return (
        _KNOWN_KINDS.issuperset([node.kind for node in nodes])
        and _KNOWN_RELATIONS.issuperset([edge.relation for edge in edges])
        and "".join((*labels, *texts, *keys)).isascii()
        and all(key and key.isprintable() for key in keys)
        and keys.isdisjoint(dictionary.KEYS)
        and ids.are_plain(names_in(batch))
    )


def _findings(batch: Batch) -> Iterator[Finding]:
    if _is_plain(batch):
        return
    good: set[str | None] = {None}
    for node in batch.nodes:
        if node.kind not in _KNOWN_KINDS:
            yield _error("unknown-kind", f"kind {node.kind!r} is none of ours", node.id)
        if node.label is not None and not node.label.isascii():
            yield from _text(node.label, node.id)
        yield from _inside(node, (node.id, node.bundle), good)
    for edge in batch.edges:
        if edge.relation not in _KNOWN_RELATIONS:
            message = f"relation {edge.relation!r} is not in PROV"
            yield _error("unknown-relation", message, edge.effect)
        yield from _inside(edge, (edge.effect, edge.cause, edge.id, edge.bundle), good)


def _inside(
    record: Node | Edge, idents: tuple[str | None, ...], good: set[str | None]
) -> Iterable[Finding]:
    """What is wrong with the identifiers and attributes of a record; mostly nothing, quickly."""
    sound = good.issuperset(idents)
    if sound and (not record.attributes or _harmless(record.attributes)):
        return ()
    where = idents[0] or ""
    return (*_identifiers(where, idents, good), *_attributes(record, good))


def _error(code: str, message: str, where: str) -> Finding:
    return Finding(
        code=code,
        severity="error",
        subject=where,
        message=message,
        responsible="author",
        hint=_HINTS[code],
    )


def _identifiers(
    where: str, idents: Iterable[str | None], good: set[str | None]
) -> Iterator[Finding]:
    """What is wrong with identifiers; those found sound are looked at once a batch."""
    for ident in idents:
        if ident is None or ident in good:
            continue
        if fault := ids.iri_fault(ident):
            yield _error("bad-id", f"{ident!r} is not an identifier: it {fault}", where)
        else:
            good.add(ident)


def _harmless(attributes: Attributes) -> bool:
    """Whether keys and values are plain ASCII, numbers and truths: nothing more to look at."""
    for key, value in attributes.items():
        if isinstance(value, str):
            if not value.isascii():
                return False
        elif type(value) not in _NUMBERS:
            return False
        if not (key.isascii() and key.isprintable() and key):
            return False
    return True


def _attributes(record: Node | Edge, good: set[str | None]) -> Iterator[Finding]:
    where = record.id if isinstance(record, Node) else record.effect
    for key, value in record.attributes.items():
        if not key or not key.isprintable():
            yield _error("bad-key", f"attribute key {key!r} is empty or not printable", where)
        yield from _value(key, value, where, good)
        if key in dictionary.KEYS and dictionary.holds(value) and not dictionary.sound(value):
            yield _error("bad-value", f"{key} holds no set of keys of PROV-Dictionary", where)


def _value(key: str, value: Value, where: str, good: set[str | None]) -> Iterator[Finding]:
    for item in each(value):
        if not isinstance(item, _SCALARS):
            kind = type(item).__name__
            yield _error("bad-value", f"attribute {key!r} holds a {kind}", where)
        elif isinstance(item, Ref):
            yield from _identifiers(where, (item.iri,), good)
        elif isinstance(item, Typed):
            yield from _text(item.value, where)
        elif isinstance(item, str):
            yield from _text(item, where)


def _text(text: str, where: str) -> Iterator[Finding]:
    """Text must be storable: lone surrogates have no bytes in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        yield _error("bad-text", f"text holds a lone surrogate at position {error.start}", where)
