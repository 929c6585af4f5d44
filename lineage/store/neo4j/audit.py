# SPDX-License-Identifier: Apache-2.0
"""What the graph repeats for speed and for people, against what it is derived from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from lineage.model import kinds
from lineage.model.vocabulary import Translation
from lineage.store.claims import Arc
from lineage.store.neo4j import compile as cypher
from lineage.store.neo4j.write import key_of, shown_properties
from lineage.store.rows import NodeRow

#: Properties that are no repetition: verify compares them with the ledger.
_OWN = frozenset({"since", "until", "claims"})


def integrity_faults(slices: Iterable[Sequence[Any]], translation: Translation) -> Iterator[str]:
    """Nodes whose labels or properties do not follow from what they show, and edges whose key
    does not follow from what they are. What shows a kind of a newer version is left alone.
    """
    for uid, labels, properties, edges in slices:
        if properties.get("kind") not in translation.unknown:
            yield from _node(uid, labels, properties)
        for type_, cause, variant, source, until, key in edges:
            arc = Arc(cypher.TYPES[type_], uid, cause, variant, False, "", None, None)
            wanted = key_of(arc, str(source)) if until is None else None
            if key != wanted:
                yield f"the key of {uid} -{arc.relation}-> {cause} does not fit it"


def _node(uid: str, labels: Sequence[str], properties: dict[str, Any]) -> Iterator[str]:
    kind = str(properties.get("kind"))
    if kind not in kinds.KINDS:
        yield f"{uid} has the kind {kind!r}, which there is not"
        return
    if set(labels) != set(cypher.labels(kind).split(":")):
        yield f"{uid} is a {kind} and has the labels {sorted(labels)}"
    shown = {name: value for name, value in properties.items() if name not in _OWN}
    row = NodeRow(uid, kind, properties.get("label"), str(properties.get("attributes")))
    try:
        wanted = shown_properties(row)
    except orjson.JSONDecodeError as error:
        yield f"the attributes of {uid} cannot be read: {error}"
        return
    for name in sorted(shown.keys() | wanted.keys()):
        if shown.get(name) != wanted.get(name):
            yield f"{uid} shows {name} as {shown.get(name)!r}, its attributes say {wanted.get(name)!r}"
