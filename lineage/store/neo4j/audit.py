# SPDX-License-Identifier: Apache-2.0
"""What the graph repeats for speed and for people, against what it is derived from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from lineage.model import kinds
from lineage.model.vocabulary import Translation
from lineage.store.claims import Arc
from lineage.store.neo4j import properties
from lineage.store.neo4j.schema import KEY, TYPES, labels
from lineage.store.neo4j.write import Assertion, key_of
from lineage.store.rows import NodeRow

#: Properties that are no repetition: verify compares them with the ledger.
_OF_NODE = frozenset({"since", "claims"})
_OF_EDGE = properties.EDGE - {KEY, "since"}


def past_faults(slices: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Claims of the past whose times are not those that their texts say."""
    for uid, claims in slices:
        for since, until, text in claims:
            said = Assertion.of(uid, text)
            if (said.since, said.until) != (since, until):
                yield f"a claim about {uid} stood from {since} to {until}, its text says {said.since} to {said.until}"


def integrity_faults(slices: Iterable[Sequence[Any]], translation: Translation) -> Iterator[str]:
    """Nodes whose labels or properties do not follow from what they show, and edges whose do not
    follow from what they are. What shows a kind of a newer version is left alone.
    """
    for uid, found, shown, edges in slices:
        if shown.get("kind") not in translation.unknown:
            yield from _node(uid, found, shown)
        for type_, cause, held in edges:
            yield from _edge(uid, type_, cause, held)


def foreign_faults(found: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Nodes that somebody put into the database by hand: a rebuild does not take them away."""
    for held, number in found:
        yield f"{number} nodes with the labels {sorted(held)} are no things of the store"


def _node(uid: str, found: Sequence[str], held: Mapping[str, Any]) -> Iterator[str]:
    kind = str(held.get("kind"))
    if kind not in kinds.KINDS:
        yield f"{uid} has the kind {kind!r}, which there is not"
        return
    if set(found) != set(labels(kind).split(":")):
        yield f"{uid} is a {kind} and has the labels {sorted(found)}"
    row = NodeRow(uid, kind, held.get("label"), str(held.get("attributes")))
    try:
        wanted = properties.of_node(row)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield f"the attributes of {uid} cannot be read: {error}"
        return
    yield from _differing(uid, held, wanted, _OF_NODE)


def _edge(uid: str, type_: str, cause: str, held: Mapping[str, Any]) -> Iterator[str]:
    relation = TYPES[type_]
    subject = f"{uid} -{relation}-> {cause}"
    since, sources = held.get("asserted_since", [held.get("since")]), held.get("asserted_by")
    if not (_list_of(since, int) and _list_of(sources, str) and len(since) == len(sources)):
        yield f"{subject} does not say who asserts it since when"
        return
    attributes = str(held.get("attributes"))
    arc = Arc(relation, uid, cause, held.get("variant", 0), False, attributes, None, None)
    try:
        wanted = properties.of_edge(attributes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield f"the attributes of {subject} cannot be read: {error}"
        return
    yield from _differing(
        subject, held, {**wanted, KEY: key_of(arc), "since": min(since)}, _OF_EDGE
    )


def _list_of(value: Any, type_: type) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and bool(value) and all(type(item) is type_ for item in value)


def _differing(
    subject: str, held: Mapping[str, Any], wanted: Mapping[str, Any], own: frozenset[str]
) -> Iterator[str]:
    for name in sorted((held.keys() | wanted.keys()) - own):
        found, said = held.get(name), wanted.get(name)
        if not _same(found, said):
            yield f"{subject} shows {name} as {found!r}, it should be {said!r}"


def _same(found: Any, wanted: Any) -> bool:
    """Whether a property is what was written: times come back in the driver's own types."""
    if isinstance(wanted, list):
        return (
            isinstance(found, list) and len(found) == len(wanted) and all(map(_same, found, wanted))
        )
    native = found.to_native() if hasattr(found, "to_native") else found
    odd = wanted != wanted and native != native  # noqa: PLR0124 - not a number, both
    return odd or (type(native) is type(wanted) and native == wanted)
